#include "aurex/schedule/contraction_match.h"

#include <algorithm>
#include <bit>

#include "aurex/schedule/axis_modes.h"

namespace aurex::schedule {
namespace {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

void flatten(const ax::TileProgram& program, ValueId id, std::vector<ValueId>& factors) {
  const ax::Value& v = program.values[id];
  if (v.op != Op::kMul) return factors.push_back(id);
  for (const ValueId arg : v.args) flatten(program, arg, factors);
}

class Matcher {
 public:
  Matcher(const KernelContext& kernel, const ax::Parallel& block) : kernel_(kernel), block_(block) {}

  std::optional<Contraction> run() {
    if (!gather() || !std::has_single_bit(over_)) return std::nullopt;
    for (std::size_t c = block_.axes.size(); c-- > 0;) {
      if (!may_carry(block_.axes[c]) || !stored_along(block_.axes[c])) continue;
      for (std::size_t r = block_.axes.size(); r-- > 0;) {
        if (r == c || !may_carry(block_.axes[r])) continue;
        if (auto found = with_roles(block_.axes[r], block_.axes[c])) return found;
      }
    }
    return std::nullopt;
  }

  std::optional<ImplicitContraction> run_implicit() {
    if (!gather() || std::has_single_bit(over_)) return std::nullopt;
    for (std::size_t c = block_.axes.size(); c-- > 0;) {
      if (!may_carry(block_.axes[c]) || !stored_along(block_.axes[c])) continue;
      if (auto found = around(block_.axes[c])) return found;
    }
    return std::nullopt;
  }

 private:
  bool gather() {
    for (const AxisId axis : block_.axes) parallel_ |= ax::axis_bit(axis);
    if (!plain_body() || !gather_sums() || sums_.size() > 2) return false;
    over_ = kernel_.value(sums_[0]).over;
    return std::ranges::all_of(sums_, [&](ValueId id) { return kernel_.value(id).over == over_; });
  }

  bool may_carry(AxisId axis) const { return !kernel_.axis(axis).unit && !kernel_.is_odometer(axis); }

  /// Lets and plain stores, without axes of their own and nothing that changes on the way.
  bool plain_body() {
    for (const ax::Stmt& stmt : block_.body) {
      if (const auto* let = std::get_if<ax::Let>(&stmt.node)) {
        if (reaches_sum(let->value) && (kernel_.value(let->value).axes & ~parallel_) != 0) return false;
        continue;
      }
      const auto* store = std::get_if<ax::Store>(&stmt.node);
      if (!store || store->update != ax::Update::kSet || kernel_.fact(store->value).changing) return false;
      if ((kernel_.value(store->value).axes & ~parallel_) != 0) return false;
      const bool bare = std::all_of(store->indices.begin(), store->indices.end(),
                                    [](const ax::Index& index) { return index.kind == ax::Index::Kind::kAxis; });
      if (!bare) return false;
      stores_.push_back(store);
    }
    return !stores_.empty();
  }

  bool reaches_sum(ValueId id) const {
    const ax::Value& v = kernel_.value(id);
    return v.op == Op::kReduce ||
           std::any_of(v.args.begin(), v.args.end(), [&](ValueId arg) { return reaches_sum(arg); });
  }

  /// Every reduction under the stores must be a sum over whole axes of values that need no nest themselves.
  bool gather_sums() {
    std::vector<bool> seen(kernel_.tiles.values.size(), false);
    const std::vector<bool> keep(seen.size(), false);
    bool fine = true;
    for (const ax::Store* store : stores_) {
      for_each_point_value(kernel_, keep, store->value, seen, [&](ValueId id) {
        const ax::Value& v = kernel_.value(id);
        if (v.op == Op::kScan || v.op == Op::kReindex || v.op == Op::kArgsort || v.op == Op::kRandom) fine = false;
        if (v.op != Op::kReduce) return;
        const std::vector<AxisId> over = axes_of(v.over);
        fine = fine && v.reduction == ax::Reduction::kSum && kernel_.value(v.args[0]).type == v.type &&
               std::ranges::all_of(
                   over, [&](AxisId axis) { return kernel_.axis(axis).whole && !kernel_.is_odometer(axis); }) &&
               point_like(v.args[0]);
        sums_.push_back(id);
      });
    }
    return fine && !sums_.empty();
  }

  bool point_like(ValueId id) const {
    if (kernel_.fact(id).changing || kernel_.fact(id).checked) return false;
    std::vector<bool> seen(kernel_.tiles.values.size(), false);
    const std::vector<bool> keep(seen.size(), false);
    bool fine = true;
    for_each_point_value(kernel_, keep, id, seen, [&](ValueId at) {
      const Op op = kernel_.value(at).op;
      fine =
          fine && op != Op::kReduce && op != Op::kScan && op != Op::kReindex && op != Op::kArgsort && op != Op::kRandom;
    });
    return fine;
  }

  bool stored_along(AxisId column) const {
    return std::all_of(stores_.begin(), stores_.end(), [&](const ax::Store* store) {
      return lane_quality(kernel_, store->array, store->indices, column) == 1;
    });
  }

  std::optional<Contraction> with_roles(AxisId row, AxisId column) const {
    Contraction found{.row = row, .column = column};
    for (const AxisId axis : block_.axes) {
      if (axis != row && axis != column) found.others.push_back(axis);
    }
    for (const ValueId id : sums_) {
      const ax::Value& v = kernel_.value(id);
      Contraction::Product product{.reduce = id, .over = axes_of(v.over)[0]};
      for (const ValueId factor : factors_of(kernel_.tiles, v.args[0])) {
        const AxisSet deps = kernel_.fact(factor).deps;
        if (!has(deps, column)) {
          product.left.push_back(factor);
        } else if (has(deps, row)) {
          return std::nullopt;
        } else {
          product.right.push_back(factor);
          product.transposed = product.transposed || !lies_along(kernel_, {&factor, 1}, column);
        }
      }
      const bool rows = std::any_of(product.left.begin(), product.left.end(),
                                    [&](ValueId f) { return has(kernel_.fact(f).deps, row); });
      if (product.right.empty() || !rows) return std::nullopt;
      found.products.push_back(std::move(product));
    }
    return found;
  }

  /// What varies with `lane` is the right operand; the axes that only one operand has are its rows or columns.
  std::optional<ImplicitContraction> around(AxisId lane) const {
    ImplicitContraction found;
    AxisSet left = 0, right = 0;
    for (const ValueId id : sums_) {
      ImplicitContraction::Product product{.reduce = id};
      for (const ValueId factor : factors_of(kernel_.tiles, kernel_.value(id).args[0])) {
        const AxisSet deps = kernel_.fact(factor).deps;
        const bool varies = has(deps, lane);
        (varies ? product.right : product.left).push_back(factor);
        (varies ? right : left) |= deps;
      }
      if (product.left.empty() || product.right.empty()) return std::nullopt;
      found.products.push_back(std::move(product));
    }
    for (const AxisId axis : block_.axes) {
      if (axis == lane) continue;
      const bool of_left = has(left, axis), of_right = has(right, axis);
      if (of_left && !of_right && may_carry(axis)) {
        if (found.row != kNone) found.others.push_back(found.row);
        found.row = axis;
      } else {
        (of_right && !of_left && may_carry(axis) ? found.columns : found.others).push_back(axis);
      }
    }
    if (found.row == kNone) return std::nullopt;
    found.columns.push_back(lane);
    found.over = axes_of(over_);
    const AxisId last = innermost(kernel_.tiles, over_);
    std::erase(found.over, last);
    found.over.push_back(last);
    return found;
  }

  const KernelContext& kernel_;
  const ax::Parallel& block_;
  AxisSet parallel_ = 0, over_ = 0;
  std::vector<const ax::Store*> stores_;
  std::vector<ValueId> sums_;
};

}  // namespace

std::vector<ValueId> factors_of(const ax::TileProgram& program, ValueId product) {
  std::vector<ValueId> factors;
  flatten(program, product, factors);
  return factors;
}

AxisId innermost(const ax::TileProgram& program, AxisSet over) {
  AxisSet computed = 0;
  for (const ax::Load& load : program.loads) {
    for (const ax::Index& index : load.indices) {
      if (index.kind == ax::Index::Kind::kComputed) computed |= program.values[index.value].axes;
    }
  }
  const AxisSet bare = over & ~computed;
  return static_cast<AxisId>(std::bit_width(bare != 0 ? bare : over) - 1);
}

bool lies_along(const KernelContext& kernel, std::span<const ValueId> factors, AxisId axis) {
  std::vector<bool> seen(kernel.tiles.values.size(), false);
  const std::vector<bool> keep(seen.size(), false);
  bool fine = true;
  for (const ValueId factor : factors) {
    for_each_point_value(kernel, keep, factor, seen, [&](ValueId at) {
      if (kernel.value(at).op != Op::kLoad) return;
      const ax::Load& load = kernel.tiles.loads[kernel.value(at).id];
      fine = fine && lane_quality(kernel, load.array, load.indices, axis) >= 0;
    });
  }
  return fine;
}

std::optional<Contraction> match_contraction(const KernelContext& kernel, const ax::Parallel& block) {
  return Matcher(kernel, block).run();
}

std::optional<ImplicitContraction> match_implicit(const KernelContext& kernel, const ax::Parallel& block) {
  return Matcher(kernel, block).run_implicit();
}

}  // namespace aurex::schedule
