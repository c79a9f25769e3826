// Reductions, scans and sorts over whole axes: partial results in registers, one fixed tree at the end.

#include <algorithm>
#include <limits>

#include "aurex/base/error.h"
#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/line_sort.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::Reduction;
using ax::ValueId;

namespace {

Op step_op(Reduction reduction) {
  switch (reduction) {
    case Reduction::kProd:
      return Op::kMul;
    case Reduction::kMax:
      return Op::kMax;
    case Reduction::kMin:
      return Op::kMin;
    case Reduction::kAny:
      return Op::kOr;
    case Reduction::kAll:
      return Op::kAnd;
    default:
      return Op::kAdd;
  }
}

bool is_extreme(Reduction reduction) { return reduction == Reduction::kMax || reduction == Reduction::kMin; }
bool finds_position(Reduction reduction) { return reduction == Reduction::kArgmax || reduction == Reduction::kArgmin; }

constexpr std::int64_t kNowhere = std::numeric_limits<std::int64_t>::max();

}  // namespace

// ---- accumulators ----

/// Float maxima and minima compare and select, which drops NaN, and remember beside it whether one was seen: two
/// instructions per vector instead of five.
BlockLowering::Accumulator BlockLowering::begin(Reduction reduction, RegType type, VectorShape shape, bool combine) {
  Accumulator acc{.reduction = reduction, .type = type, .combine = combine};
  acc.main = b_.new_register(std::string(ax::to_string(reduction)), type, shape.lanes, shape.vectors);
  top().body->push_back({Declare{.reg = acc.main, .value = b_.constant(type, ax::identity(reduction, type))}});
  if (is_extreme(reduction) && ax::is_float(type)) {
    acc.nan = b_.new_register("nan", RegType::kBool, shape.lanes, shape.vectors);
    top().body->push_back({Declare{.reg = acc.nan, .value = b_.boolean(false)}});
  }
  return acc;
}

void BlockLowering::accumulate(const Accumulator& acc, ExprId value, ExprId predicate) {
  const ExprId old = b_.reg(acc.main);
  ExprId next = kNone;
  if (acc.nan != kNone) {
    value = b_.name_value(*top().body, "x", value);
    const Op better = acc.reduction == Reduction::kMax ? Op::kGt : Op::kLt;
    next = b_.select(b_.compare(better, value, old), value, old);
    const ExprId seen = b_.op(Op::kOr, RegType::kBool, {b_.reg(acc.nan), b_.compare(Op::kNe, value, value)});
    top().body->push_back({Set{.reg = acc.nan, .value = seen, .predicate = predicate}});
  } else {
    next = b_.op(step_op(acc.reduction), acc.type, {old, value});
  }
  top().body->push_back({Set{.reg = acc.main, .value = next, .predicate = predicate}});
}

ExprId BlockLowering::finish(const Accumulator& acc) {
  ExprId result = acc.combine ? b_.tree(acc.reduction, acc.main) : b_.reg(acc.main);
  result = b_.name_value(*top().body, std::string(ax::to_string(acc.reduction)), result);
  if (acc.nan == kNone) return result;
  ExprId nan = acc.combine ? b_.tree(Reduction::kAny, acc.nan) : b_.reg(acc.nan);
  nan = b_.name_value(*top().body, "nan", nan);
  return b_.select(nan, b_.number(acc.type, std::numeric_limits<double>::quiet_NaN()), result);
}

// ---- nests ----

ExprId BlockLowering::count(AxisSet axes) {
  ExprId product = b_.i64(1);
  for (const AxisId axis : axes_of(axes)) product = b_.mul(product, k_.axis_extent(axis));
  return product;
}

ExprId BlockLowering::position_within(AxisSet axes) {
  ExprId linear = b_.i64(0);
  for (const AxisId axis : axes_of(axes)) linear = b_.add(b_.mul(linear, k_.axis_extent(axis)), position(axis));
  return linear;
}

BlockLowering::Placed BlockLowering::place_reduce(ValueId id) {
  const ax::Value& v = k_.value(id);
  if (range(v.over) == 0) return reduce_point(id);
  const ValueFacts& fact = k_.fact(id);
  const std::size_t d = depth_for(outer(k_.fact(v.args[0]).deps), fact.changing || fact.checked);
  ExprId result = kNone;
  at_depth(d, [&] { emit_reduce(id, [&](ExprId value) { result = value; }); });
  return {name(d, id, result), d};
}

/// Every reduced axis is walked one position at a time: the tile of that position is the value itself, if it is live.
BlockLowering::Placed BlockLowering::reduce_point(ValueId id) {
  const ax::Value& v = k_.value(id);
  const Placed term = place(v.args[0]);
  std::size_t d = depth_for(k_.fact(v.args[0]).deps | v.over, true);
  d = std::max(d, term.depth);
  ExprId result = kNone;
  at_depth(d, [&] {
    const ExprId alive = live();
    if (finds_position(v.reduction)) {
      result = b_.cast(v.type, position_within(v.over));
      if (alive != kNone) result = b_.select(alive, result, b_.integer(v.type, -1));
      return;
    }
    result = b_.cast(v.type, term.expr);
    if (alive == kNone) return;
    const bool mean = v.reduction == Reduction::kMean;
    const ExprId nothing = mean ? b_.number(v.type, std::numeric_limits<double>::quiet_NaN())
                                : b_.constant(v.type, ax::identity(v.reduction, v.type));
    result = b_.select(alive, result, nothing);
  });
  return {name(d, id, result), d};
}

void BlockLowering::emit_reduce(ValueId id, const std::function<void(ExprId)>& done) {
  emit_partial(id, [&](ExprId total, ExprId at) { done(complete(id, range(k_.value(id).over), total, at)); });
}

RegType BlockLowering::accumulated_type(const KernelContext& kernel, ValueId id) {
  const ax::Value& v = kernel.value(id);
  return finds_position(v.reduction) ? kernel.value(v.args[0]).type : v.type;
}

ExprId BlockLowering::complete(ValueId id, AxisSet over, ExprId total, ExprId at) {
  const ax::Value& v = k_.value(id);
  if (v.reduction == Reduction::kMean) return b_.op(Op::kDiv, v.type, {total, b_.cast(v.type, count(over))});
  if (!finds_position(v.reduction)) return total;
  const ExprId none = b_.compare(Op::kEq, at, b_.i64(kNowhere));
  return b_.cast(v.type, b_.select(none, b_.i64(-1), at));
}

ExprId BlockLowering::position_if_best(ExprId x, ExprId best, ExprId at) {
  ExprId match = b_.compare(Op::kEq, x, best);
  if (ax::is_float(b_.type(x))) {
    const ExprId both_nan = b_.both(b_.compare(Op::kNe, x, x), b_.compare(Op::kNe, best, best));
    match = b_.op(Op::kOr, RegType::kBool, {match, both_nan});
  }
  return b_.select(match, at, b_.i64(kNowhere));
}

bool BlockLowering::by_own_bounds(ValueId id, AxisId vector) const {
  const ax::Value& v = k_.value(id);
  return v.over == ax::axis_bit(vector) && modes_.row != kNone && has(v.axes, modes_.row) && ragged_.size() == 1 &&
         ragged_[0].axis == vector && predicates_.size() == 1 &&
         alike_but_for(modes_.row, ragged_[0].lo, ragged_[0].hi);
}

void BlockLowering::emit_partial(ValueId id, const std::function<void(ExprId, ExprId)>& done) {
  const ax::Value& v = k_.value(id);
  const ValueId operand = v.args[0];
  const AxisSet over = range(v.over), kept = range(v.axes);
  const bool mean = v.reduction == Reduction::kMean, finds = finds_position(v.reduction);
  const RegType operand_type = k_.value(operand).type;
  const RegType type = accumulated_type(k_, id);
  const ValueId roots[] = {operand};
  // In a window the rows beside hide each other's latency, so fewer vectors serve, and their tree is short.
  // Extremes of floats take three instructions a vector: half as many vectors hide as much.
  const bool window = modes_.row != kNone && has(kept, modes_.row);
  const bool extreme = finds || (is_extreme(v.reduction) && ax::is_float(type));
  const std::int32_t most = window ? 2 : extreme ? 4 : 8;
  auto [vector, shape] = nest_lanes(id, kept | over, roots, nullptr, type, over, most);
  // Masks on what is remembered of NaN are not free.
  if (window && extreme) shape.tail = Tail::kNarrow;
  const bool across = vector != kNone && has(over, vector);
  // Only parts of an axis walked one at a time can be dead here; whole axes are always live.
  const bool partly_dead =
      (v.over & ~modes_.range) != 0 ||
      std::any_of(ragged_.begin(), ragged_.end(), [&](const Ragged& loop) { return has(v.over, loop.axis); });
  auto accumulator_shape = [&] {
    if (across) return shape;
    const bool by_lane = vector != kNone || (modes_.lane != kNone && has(k_.fact(operand).deps, modes_.lane));
    return by_lane && top().vector.active() ? top().vector : VectorShape{};
  };
  const bool own = across && by_own_bounds(id, vector);
  const bool held_back = partly_dead && !own;
  auto walk = [&](const std::function<void()>& fill) {
    if (!own) return loops(over, across ? vector : kNone, shape, fill);
    const RowBounds bounds = row_bounds(vector, modes_.row, position(modes_.row), kNone);
    loop_over(vector, bounds.all_lo, bounds.all_hi, shape, fill);
  };
  auto run = [&](Reduction reduction, RegType of, const std::function<ExprId()>& term) {
    const Accumulator acc = begin(reduction, of, accumulator_shape(), across);
    walk([&] { accumulate(acc, term(), held_back ? live() : kNone); });
    return finish(acc);
  };
  // A product that only this sum uses is fused with its addition (rule 30).
  const bool sums = v.reduction == Reduction::kSum || mean;
  const bool fuses = sums && k_.value(operand).op == Op::kMul && ax::is_float(type) && operand_type == type &&
                     k_.fact(operand).users == 1 && !modes_.keep[operand];
  auto sum_of_products = [&] {
    const Accumulator acc = begin(Reduction::kSum, type, accumulator_shape(), across);
    walk([&] {
      const ExprId a = value(k_.value(operand).args[0]), b = value(k_.value(operand).args[1]);
      const ExprId next = b_.op(Op::kFma, type, {a, b, b_.reg(acc.main)});
      top().body->push_back({Set{.reg = acc.main, .value = next, .predicate = held_back ? live() : kNone}});
    });
    return finish(acc);
  };
  in_nest(kept | over, [&] {
    loops(kept, across ? kNone : vector, shape, [&] {
      if (!finds) {
        const ExprId total =
            fuses ? sum_of_products()
                  : run(mean ? Reduction::kSum : v.reduction, type, [&] { return b_.cast(type, value(operand)); });
        return done(total, kNone);
      }
      // First the extreme, then the first position that holds it.
      const Reduction extreme = v.reduction == Reduction::kArgmax ? Reduction::kMax : Reduction::kMin;
      ExprId best = run(extreme, type, [&] { return value(operand); });
      best = b_.name_value(*top().body, "best", best);
      const ExprId at = run(Reduction::kMin, RegType::kI64,
                            [&] { return position_if_best(value(operand), best, position_within(over)); });
      done(best, at);
    });
  });
}

void BlockLowering::emit_scan(ValueId id, BufferId buffer) {
  const ax::Value& v = k_.value(id);
  const ValueId operand = v.args[0];
  const auto along = static_cast<AxisId>(v.id);
  const AxisSet others = range(v.axes) & ~ax::axis_bit(along);
  const ValueId roots[] = {operand};
  const auto [vector, shape] = nest_lanes(id, others, roots, nullptr, v.type);
  in_nest(range(v.axes), [&] {
    loops(others, vector, shape, [&] {
      const bool by_lane = vector != kNone || (modes_.lane != kNone && has(v.axes, modes_.lane));
      const VectorShape carried = by_lane && top().vector.active() ? top().vector : VectorShape{};
      const RegId total = b_.new_register("scan", v.type, carried.lanes, carried.vectors);
      const ExprId start = b_.constant(v.type, ax::identity(v.reduction, v.type));
      top().body->push_back({Declare{.reg = total, .value = start}});
      loop_over(along, b_.i64(0), k_.axis_extent(along), {}, [&] {
        const ExprId next = b_.op(step_op(v.reduction), v.type, {b_.reg(total), b_.cast(v.type, value(operand))});
        top().body->push_back({Set{.reg = total, .value = next}});
        store_scratch(buffer, v.axes, b_.reg(total), kNone);
      });
    });
  });
}

/// Line after line, through scratch memory of the worker.
void BlockLowering::emit_argsort(ValueId id, BufferId buffer) {
  const ax::Value& v = k_.value(id);
  const ValueId operand = v.args[0];
  const auto along = static_cast<AxisId>(v.id);
  const ExprId length = k_.axis_extent(along);
  const ValueId roots[] = {operand};
  const auto [vector, shape] = nest_lanes(id, ax::axis_bit(along), roots, nullptr, RegType::kU64);
  LineSort sort(b_, k_.target, k_.value(operand).type, length);
  for (const BufferId own : sort.buffers()) scratch_.push_back(own);
  in_nest(range(v.axes), [&] {
    loops(range(v.axes) & ~ax::axis_bit(along), kNone, {}, [&] {
      loop_over(along, b_.i64(0), length, shape, [&] { sort.put(*top().body, value(operand), position(along)); });
      sort.sort(*top().body);
      loop_over(along, b_.i64(0), length, shape,
                [&] { store_scratch(buffer, v.axes, sort.sorted(position(along)), kNone); });
    });
  });
}

}  // namespace aurex::schedule
