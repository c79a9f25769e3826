// The panel of a contraction over several axes: the right operand of a chunk and some columns, made and written once.
//
// Where the operand is a load with an `else`, each row of columns is cut in three: the part inside of the array, which
// is loaded without asking for each element, and what lies before and after it, which is the `else`. Where a launch
// scalar multiplies the position along the lanes (the stride of a convolution), the code for 1 and for 2 is made beside
// the code for any: what is then evenly spaced, and how, is known.

#include <algorithm>
#include <array>

#include "aurex/schedule/implicit_nest.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::Op;
using ax::ValueId;

namespace {

constexpr std::array<std::int64_t, 2> kLikely = {1, 2};

bool is_index_type(RegType type) { return type == RegType::kI32 || type == RegType::kI64; }

}  // namespace

void BlockLowering::Implicit::copy_right(std::size_t p) {
  const std::vector<ValueId> scalars = multipliers(contraction_.products[p]);
  const std::function<void(std::size_t)> branch = [&](std::size_t likely) {
    if (scalars.empty() || likely == kLikely.size()) {
      const bool spaced = scalars.empty() && lies_along(l_.k_, contraction_.products[p].right, lane_axis());
      return copy_right_as_assumed(p, spaced);
    }
    ExprId all = kNone;
    for (const ValueId scalar : scalars) {
      const ExprId number = l_.k_.launch_scalar(scalar);
      all = b_.both(all, b_.compare(Op::kEq, number, b_.integer(b_.type(number), kLikely[likely])));
    }
    // Names given under an assumption do not outlive it, even those of values that are computed further out.
    std::vector<std::unordered_map<ValueId, ExprId>> names;
    for (const Scope& scope : l_.scopes_) names.push_back(scope.values);
    const auto known = [&] {
      std::unordered_map<ValueId, std::int64_t> numbers;
      for (const ValueId scalar : scalars) numbers.emplace(scalar, kLikely[likely]);
      l_.k_.assume(numbers);
      copy_right_as_assumed(p, true);
      l_.k_.assume({});
      for (std::size_t d = 0; d < names.size(); ++d) l_.scopes_[d].values = std::move(names[d]);
    };
    when(all, known, [&] { branch(likely + 1); });
  };
  branch(0);
}

/// `spaced`: how far lanes lie apart is known; where it is not, elements are cheaper one by one than gathered.
void BlockLowering::Implicit::copy_right_as_assumed(std::size_t p, bool spaced) {
  const Product& product = contraction_.products[p];
  const std::optional<Guarded> guarded = guarded_load(product);
  // Steps inside: most of what is computed for a row of columns holds for all positions of the innermost axis.
  columns(first_column_, last_column_, [&](ExprId base, ExprId lo, ExprId hi) {
    const ExprId local = b_.name_value(body(), "local", b_.sub(base, first_column_));
    steps([&](ExprId step) {
      if (guarded) return copy_guarded(p, *guarded, step, local, lo, hi);
      const VectorShape shape = spaced ? VectorShape{.lanes = panel_.lanes} : VectorShape{};
      copy_row(p, step, local, lo, hi, shape, [&] { return l_.product_of(product.right); });
    });
  });
}

void BlockLowering::Implicit::copy_row(std::size_t p, ExprId step, ExprId base, ExprId lo, ExprId hi, VectorShape shape,
                                       const std::function<ExprId()>& value) {
  const auto fill = [&](ExprId n) { at(lane_axis(), n, [&] { store(rights_[p], {step, b_.add(base, n)}, value()); }); };
  if (shape.active()) return lanes(lo, hi, shape, fill);
  serial(l_.k_.axis(lane_axis()).name, lo, hi, fill);
}

/// [lo, first) and [last, hi) are the `else`, [first, last) is in range.
void BlockLowering::Implicit::copy_guarded(std::size_t p, const Guarded& guarded, ExprId step, ExprId base, ExprId lo,
                                           ExprId hi) {
  const BufferId array = l_.k_.arrays[guarded.load->array];
  const std::vector<ExprId> extents = l_.k_.out.buffers[array].extents;
  const auto index = [&](std::size_t d) {
    const ax::Index& each = guarded.load->indices[d];
    return each.kind == ax::Index::Kind::kAxis ? l_.position(each.axis) : l_.index(each.value).expr;
  };
  ExprId first = lo, last = hi, fine = kNone;
  at(lane_axis(), b_.i64(0), [&] {
    for (std::size_t d = 0; d < guarded.slopes.size(); ++d) {
      const ax::Index& each = guarded.load->indices[d];
      if (each.kind == ax::Index::Kind::kAxis || each.proved) continue;
      const ExprId origin = b_.name_value(body(), "origin", index(d));
      if (guarded.slopes[d] == 0) {
        fine = b_.both(fine, b_.in_range(origin, extents[d]));
        continue;
      }
      const ExprId slope = b_.i64(guarded.slopes[d]);
      first = b_.max(first, b_.floor_div(b_.add(b_.sub(b_.i64(0), origin), b_.sub(slope, b_.i64(1))), slope));
      last = b_.min(last, b_.floor_div(b_.add(b_.sub(extents[d], origin), b_.sub(slope, b_.i64(1))), slope));
    }
  });
  if (fine != kNone) last = b_.select(fine, last, lo);
  first = b_.name_value(body(), "first", b_.min(first, hi));
  last = b_.name_value(body(), "last", b_.max(last, first));
  const std::vector<ValueId>& factors = contraction_.products[p].right;
  const auto product = [&](const std::function<ExprId()>& loaded) {
    ExprId all = kNone;
    for (std::size_t f = 0; f < factors.size(); ++f) {
      const ExprId factor = f == guarded.factor ? loaded() : l_.value(factors[f]);
      all = all == kNone ? factor : b_.mul(all, factor);
    }
    return all;
  };
  const VectorShape edge{.lanes = panel_.lanes, .vectors = 1, .tail = rest()};
  const auto otherwise = [&] { return product([&] { return l_.value(guarded.load->otherwise); }); };
  copy_row(p, step, base, lo, first, edge, otherwise);
  copy_row(p, step, base, first, last, {.lanes = panel_.lanes}, [&] {
    return product([&] {
      std::vector<ExprId> indices;
      for (std::size_t d = 0; d < guarded.slopes.size(); ++d) indices.push_back(index(d));
      return b_.load(array, std::move(indices));
    });
  });
  copy_row(p, step, base, last, hi, edge, otherwise);
}

/// What a step along the lanes adds to an index, where that is a known number.
std::optional<std::int64_t> BlockLowering::Implicit::slope(ValueId index) {
  const ax::Value& v = l_.k_.value(index);
  if (!has(l_.k_.fact(index).deps, lane_axis())) return 0;
  if (!is_index_type(v.type)) return std::nullopt;
  if (v.op == Op::kPosition) return 1;
  if (v.op != Op::kAdd && v.op != Op::kSub && v.op != Op::kMul) return std::nullopt;
  const std::optional<std::int64_t> a = slope(v.args[0]), c = slope(v.args[1]);
  if (!a || !c) return std::nullopt;
  if (v.op != Op::kMul) return v.op == Op::kAdd ? *a + *c : *a - *c;
  const ValueId times = v.args[*a == 0 ? 0 : 1];
  if (!l_.k_.fact(times).scalar) return std::nullopt;
  const ExprId number = l_.k_.launch_scalar(times);
  if (b_.expr(number).kind != Expr::Kind::kConst) return std::nullopt;
  return (*a + *c) * b_.expr(number).integer;
}

/// The one factor that is a load with an `else`, if its lanes step upwards by known numbers.
std::optional<BlockLowering::Implicit::Guarded> BlockLowering::Implicit::guarded_load(const Product& product) {
  std::optional<Guarded> found;
  for (std::size_t f = 0; f < product.right.size(); ++f) {
    const ax::Value& v = l_.k_.value(product.right[f]);
    if (v.op != Op::kLoad || l_.k_.tiles.loads[v.id].otherwise == kNone) continue;
    if (found) return std::nullopt;
    found = Guarded{.load = &l_.k_.tiles.loads[v.id], .factor = f};
    for (const ax::Index& index : found->load->indices) {
      const std::optional<std::int64_t> step =
          index.kind == ax::Index::Kind::kAxis ? (index.axis == lane_axis() ? 1 : 0) : slope(index.value);
      if (!step || *step < 0) return std::nullopt;
      found->slopes.push_back(*step);
    }
  }
  return found;
}

/// Launch scalars that multiply the position along the lanes where the right operand is loaded.
std::vector<ValueId> BlockLowering::Implicit::multipliers(const Product& product) const {
  std::vector<ValueId> found;
  std::vector<bool> seen(l_.k_.tiles.values.size(), false);
  for (const ValueId factor : product.right) {
    for_each_point_value(l_.k_, l_.modes_.keep, factor, seen, [&](ValueId at) {
      if (l_.k_.value(at).op != Op::kLoad) return;
      for (const ax::Index& index : l_.k_.tiles.loads[l_.k_.value(at).id].indices) {
        if (index.kind == ax::Index::Kind::kComputed) gather_multipliers(index.value, found);
      }
    });
  }
  return found;
}

void BlockLowering::Implicit::gather_multipliers(ValueId index, std::vector<ValueId>& found) const {
  const ax::Value& v = l_.k_.value(index);
  if (!has(l_.k_.fact(index).deps, lane_axis()) || !is_index_type(v.type)) return;
  if (v.op != Op::kAdd && v.op != Op::kSub && v.op != Op::kMul) return;
  for (const ValueId arg : v.args) {
    gather_multipliers(arg, found);
    const bool scalar = v.op == Op::kMul && l_.k_.fact(arg).scalar && l_.k_.value(arg).op != Op::kConst;
    if (scalar && std::ranges::count(found, arg) == 0) found.push_back(arg);
  }
}

}  // namespace aurex::schedule
