#include "aurex/ax/flop_count.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

namespace aurex::ax {
namespace {

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

std::int64_t operations_of(Op op) {
  switch (op) {
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kSqrt:
    case Op::kMin:
    case Op::kMax:
    case Op::kReduce:  // per term
    case Op::kScan:
      return 1;
    case Op::kFma:
      return 2;
    default:
      return 0;
  }
}

}  // namespace

/// Walks the statements in order; a value counts where it is first needed.
class FlopWalk {
 public:
  FlopWalk(const Binding& binding, FlopCount& count)
      : binding_(binding), program_(binding.program()), count_(count), seen_(program_.values.size()) {
    find_launch_scalars();
    for (const Call& call : program_.calls) calls_[call.result] = &call;  // of nested ones the outermost comes last
    walk(program_.body);
    for (auto& [place, operations] : terms_) {
      if (operations > 0) {
        count_.terms_.push_back(
            {.axes = place.axes, .guards = place.guards, .operations = operations, .exact = place.exact});
      }
    }
    take_extents();
  }

 private:
  /// What surrounds a statement.
  struct Place {
    AxisSet axes = 0;  // of `by 1` loops; of a term, also those of the value
    std::vector<std::uint32_t> guards = {};
    bool exact = true;
    bool countable = true;  // not in a `while`
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  void find_launch_scalars() {
    for (const Value& value : program_.values) {
      const bool leaf = value.op == Op::kConst || value.op == Op::kScalar || value.op == Op::kExtent;
      const bool element_wise = value.op >= Op::kNeg && value.op <= Op::kSelect;
      bool uniform = value.axes == 0 && (leaf || element_wise);
      for (const ValueId arg : value.args) uniform = uniform && launch_scalar_[arg];
      launch_scalar_.push_back(uniform);
    }
  }

  void add(AxisSet axes, std::int64_t operations) {
    if (operations == 0) return;
    if (!place_.countable) count_.known_ = false;
    Place place = place_;
    place.axes |= axes;
    terms_[std::move(place)] += operations;
  }

  /// Counts a value and what it needs, as far as that has not been counted yet.
  void need(ValueId root) {
    std::vector<ValueId> open;
    const auto push = [&](ValueId id) {
      if (id == kNone || seen_[id] || launch_scalar_[id]) return;
      seen_[id] = true;
      open.push_back(id);
    };
    push(root);
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      const Value& value = program_.values[id];
      const auto call = calls_.find(id);
      const bool by_name = call != calls_.end() && std::ranges::count(call->second->args, id) == 0;
      if (by_name) {
        add(value.axes, is_float(value.type) ? 1 : 0);
      } else {
        count_value(value);
      }
      for (const ValueId arg : by_name ? call->second->args : value.args) push(arg);
      if (value.op == Op::kLoad) {
        const Load& load = program_.loads[value.id];
        for (const Index& index : load.indices) push(index.value);
        push(load.otherwise);
      }
    }
  }

  void count_value(const Value& value) {
    if (value.op != Op::kReduce && value.op != Op::kScan) {
      if (is_float(value.type)) add(value.axes, operations_of(value.op));
      return;
    }
    const Value& operand = program_.values[value.args[0]];
    if (!is_float(operand.type)) return;
    add(operand.axes, operations_of(value.op));
    if (value.op == Op::kReduce && value.reduction == Reduction::kMean) add(value.axes, 1);
  }

  AxisSet axes_of(const std::vector<Index>& indices) const {
    AxisSet axes = 0;
    for (const Index& index : indices) {
      axes |= index.kind == Index::Kind::kAxis ? axis_bit(index.axis) : program_.values[index.value].axes;
    }
    return axes;
  }

  void walk(const Body& body) {
    for (const Stmt& stmt : body) {
      std::visit([&](const auto& node) { statement(node); }, stmt.node);
    }
  }
  void walk_at(const Body& body, Place place) {
    std::swap(place, place_);
    walk(body);
    std::swap(place, place_);
  }

  void statement(const Parallel& node) {
    Place inside = place_;
    for (const AxisId axis : node.axes) {
      if (program_.axes[axis].unit) inside.axes |= axis_bit(axis);
    }
    walk_at(node.body, std::move(inside));
  }

  void statement(const For& node) {
    for (const ValueId bound : {node.lo, node.hi}) need(bound == kNone ? program_.axes[node.axis].extent : bound);
    Place inside = place_;
    if (program_.axes[node.axis].unit) inside.axes |= axis_bit(node.axis);
    if ((node.lo != kNone || node.hi != kNone) && !take_loop(node)) inside.exact = false;
    walk_at(node.body, std::move(inside));
  }

  /// Whether the turns of a loop with bounds can be told.
  bool take_loop(const For& node) {
    if (count_.loops_.size() == FlopCount::kMostLoops) return false;
    FlopCount::Loop loop{.axis = node.axis, .lo = {}, .hi = {}};
    for (const auto& [bound, place] : {std::pair{node.lo, &loop.lo}, std::pair{node.hi, &loop.hi}}) {
      if (bound == kNone) continue;
      *place = PositionValue::of(binding_, bound, ~bounded_);
      if (!*place) return false;
      loop.over |= (*place)->axes();
    }
    bounded_ |= axis_bit(node.axis);
    count_.loops_.push_back(std::move(loop));
    return true;
  }

  void statement(const While& node) {
    Place inside = place_;
    inside.countable = false;
    std::swap(inside, place_);
    need(node.condition);
    walk(node.body);
    std::swap(inside, place_);
  }

  void statement(const If& node) {
    need(node.condition);
    for (const bool holds : {true, false}) {
      Place inside = place_;
      if (launch_scalar_[node.condition]) {
        inside.guards.push_back(static_cast<std::uint32_t>(count_.guards_.size()));
        count_.guards_.push_back({.condition = LaunchScalar(program_, node.condition), .holds = holds});
      } else {
        inside.exact = false;
      }
      walk_at(holds ? node.then_body : node.else_body, std::move(inside));
    }
  }

  void statement(const Let& node) { need(node.value); }
  void statement(const Declare& node) { need(node.value); }
  void statement(const Assign& node) {
    need(node.value);
    const Var& var = program_.vars[node.var];
    if (node.update != Update::kSet && is_float(var.type)) add(var.axes, 1);
  }
  void statement(const Store& node) {
    need(node.value);
    for (const Index& index : node.indices) need(index.value);
    if (node.update == Update::kSet || !is_float(program_.arrays[node.array].type)) return;
    add(axes_of(node.indices) | program_.values[node.value].axes, 1);
  }
  void statement(const Assert& node) { need(node.condition); }
  void statement(const Print& node) { need(node.value); }

  void take_extents() {
    AxisSet axes = 0;
    for (const FlopCount::Term& term : count_.terms_) axes |= term.axes;
    for (const FlopCount::Loop& loop : count_.loops_) axes |= loop.over | axis_bit(loop.axis);
    for (AxisId axis = 0; axis < program_.axes.size(); ++axis) {
      if ((axes & axis_bit(axis)) == 0) continue;
      const ValueId extent = program_.axes[axis].extent;
      if (launch_scalar_[extent]) {
        count_.extents_.push_back({.axis = axis, .value = LaunchScalar(program_, extent)});
      } else {
        count_.known_ = false;
      }
    }
  }

  const Binding& binding_;
  const TileProgram& program_;
  FlopCount& count_;
  std::vector<bool> seen_, launch_scalar_;
  std::map<ValueId, const Call*> calls_;
  std::map<Place, std::int64_t> terms_;
  Place place_;
  AxisSet bounded_ = 0;  // axes of loops with bounds met so far
};

FlopCount::FlopCount(const Binding& binding) { FlopWalk(binding, *this); }

std::int64_t FlopCount::turns(const Loop& loop, const BoundCall& call, const std::int64_t* extents) const {
  std::array<AxisId, kMaxAxes> axes;
  std::size_t rank = 0;
  for (const Extent& extent : extents_) {
    if ((loop.over & axis_bit(extent.axis)) == 0) continue;
    if (extents[extent.axis] == 0) return 0;
    axes[rank++] = extent.axis;
  }
  std::array<std::int64_t, kMaxAxes> positions{};
  std::int64_t all = 0;
  while (true) {
    const std::int64_t lo = loop.lo ? std::max<std::int64_t>(loop.lo->evaluate(call, positions), 0) : 0;
    const std::int64_t whole = extents[loop.axis];
    const std::int64_t hi = loop.hi ? std::min(loop.hi->evaluate(call, positions), whole) : whole;
    if (lo < hi) all += hi - lo;
    std::size_t d = 0;
    while (d < rank && ++positions[axes[d]] == extents[axes[d]]) positions[axes[d++]] = 0;
    if (d == rank) return all;
  }
}

Flops FlopCount::evaluate(const BoundCall& call) const {
  if (!known_) return {};
  std::array<std::int64_t, kMaxAxes> extents{};
  for (const Extent& extent : extents_)
    extents[extent.axis] = std::max<std::int64_t>(extent.value.integer(call.facts()), 0);
  std::array<std::int64_t, kMostLoops> turned{};
  for (std::size_t i = 0; i < loops_.size(); ++i) turned[i] = turns(loops_[i], call, extents.data());

  Flops flops{.count = 0};
  for (const Term& term : terms_) {
    const bool runs = std::ranges::all_of(term.guards, [&](std::uint32_t guard) {
      return guards_[guard].condition.evaluate(call.facts()).truth() == guards_[guard].holds;
    });
    if (!runs) continue;
    std::int64_t operations = term.operations;
    bool exact = term.exact;
    AxisSet rest = term.axes;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const AxisSet own = axis_bit(loops_[i].axis);
      if ((rest & own) == 0) continue;
      if ((loops_[i].over & ~rest) != 0) {
        exact = false;
        continue;
      }
      operations = product(operations, turned[i]);
      rest &= ~(own | loops_[i].over);
    }
    for (const Extent& extent : extents_) {
      if ((rest & axis_bit(extent.axis)) != 0) operations = product(operations, extents[extent.axis]);
    }
    flops.count = sum(flops.count, operations);
    flops.exact = flops.exact && (exact || operations == 0);
  }
  return flops;
}

}  // namespace aurex::ax
