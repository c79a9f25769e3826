// Nests: loops over whole axes, the axis that carries the lanes, and scratch memory for values that outlive their nest.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/row_window.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

namespace {

/// Operations per element of a body that costs little to write twice, and of one whose single vector keeps the machine
/// busy.
constexpr std::int32_t kCheap = 8, kLong = 48;

}  // namespace

void BlockLowering::in_nest(AxisSet axes, const std::function<void()>& fill) {
  const std::size_t base = depth();
  nests_.push_back({.axes = axes, .base = base});
  fill();
  for (const auto& [id, buffer] : nests_.back().kept) scopes_[base].buffers[id] = buffer;
  nests_.pop_back();
}

void BlockLowering::loops(AxisSet axes, AxisId vector_axis, VectorShape shape, const std::function<void()>& fill) {
  std::vector<AxisId> order = axes_of(axes);
  if (vector_axis != kNone && has(axes, vector_axis)) {
    std::erase(order, vector_axis);
    order.push_back(vector_axis);
  }
  std::function<void(std::size_t)> open = [&](std::size_t at) {
    if (at == order.size()) return fill();
    const AxisId axis = order[at];
    loop_over(axis, low(axis), high(axis), axis == vector_axis ? shape : VectorShape{}, [&] { open(at + 1); });
  };
  open(0);
}

void BlockLowering::loop_over(AxisId axis, ExprId lo, ExprId hi, VectorShape shape, const std::function<void()>& fill) {
  const std::string& name = k_.axis(axis).name;
  Loop loop{.lo = lo, .hi = hi};
  if (shape.active()) {
    loop.kind = Loop::Kind::kVector;
    loop.var = b_.vector_var(name);
    loop.lanes = shape.lanes;
    loop.vectors = shape.vectors;
    loop.tail = shape.tail;
  } else {
    loop.var = b_.loop_var(name);
    if (k_.is_odometer(axis)) {
      loop.kind = Loop::Kind::kOdometer;
      loop.pack = k_.tiles.dims[k_.axis(axis).dim].pack;
    }
  }
  Body inner;
  const ExprId outer = positions_[axis];
  positions_[axis] = b_.var(loop.var);
  with_scope(
      {.body = &inner, .bound = top().bound | ax::axis_bit(axis), .vector = shape.active() ? shape : top().vector},
      fill);
  positions_[axis] = outer;
  loop.body = std::move(inner);
  top().body->push_back({std::move(loop)});
}

/// Not packs of several axes, and none along which the updates of a store could meet.
bool BlockLowering::may_carry(AxisId axis, const ax::Store* store) const {
  if (k_.is_odometer(axis)) return false;
  return !store || store->update == ax::Update::kSet || lane_quality(k_, store->array, store->indices, axis) > 0;
}

BlockLowering::NestLanes BlockLowering::nest_lanes(ValueId of, AxisSet axes, std::span<const ValueId> roots,
                                                   const ax::Store* store, RegType type, AxisSet first,
                                                   std::int32_t most) {
  if (top().vector.active()) return {};
  AxisSet legal = 0;
  for (const AxisId axis : axes_of(axes)) legal |= may_carry(axis, store) ? ax::axis_bit(axis) : 0;
  if (legal == 0) return {};
  const AxisId chosen = choose_vector(legal, roots, store, first);
  VectorShape shape = shape_for(type, point_cost(roots), chosen == modes_.row ? 1 : has(first, chosen) ? most : 4);
  const LaneChoice lanes = decide_.nest(of, {.axis = chosen, .vectors = shape.vectors}, legal);
  if (lanes.axis == kNone) return {};
  shape.vectors = lanes.vectors;
  return {lanes.axis, shape};
}

AxisId BlockLowering::choose_vector(AxisSet axes, std::span<const ValueId> roots, const ax::Store* store,
                                    AxisSet first) {
  AxisId best = kNone;
  double best_score = 0;
  for (const AxisId axis : axes_of(axes)) {
    double score = has(first, axis) ? 0.5 : 0;
    if (!store && scratch_order(axes).back() == axis) score += 0.25;
    if (store) {
      score += 2 * lane_quality(k_, store->array, store->indices, axis);
    }
    std::vector<bool> seen(k_.tiles.values.size(), false);
    for (const ValueId root : roots) {
      for_each_point_value(k_, modes_.keep, root, seen, [&](ValueId id) {
        const ax::Value& v = k_.value(id);
        const bool in_scratch = modes_.keep[id] || (v.op == Op::kVar && range(v.axes) != 0);
        if (in_scratch && has(v.axes, axis)) score += scratch_order(v.axes).back() == axis ? 1 : -1;
        if (!in_scratch && v.op == Op::kLoad) {
          const ax::Load& load = k_.tiles.loads[v.id];
          score += lane_quality(k_, load.array, load.indices, axis);
        }
      });
    }
    const ax::Value& extent = k_.value(k_.axis(axis).extent);
    if (extent.op == Op::kConst && extent.integer < k_.target.lanes(4) / 2) score -= 4;
    if (best == kNone || score >= best_score) {
      best = axis;
      best_score = score;
    }
  }
  return best;
}

/// Enough independent vectors to hide the latency of an addition (4 cycles, 2 per cycle), fewer for long bodies, whose
/// temporaries need the registers. Machine code takes time by its length: where masks are free, a body that is long, or
/// one of the many of a window, is not written a second time for the rest of its range.
BlockLowering::VectorShape BlockLowering::shape_for(RegType type, std::int32_t cost, std::int32_t most) const {
  const bool wide = type == RegType::kF64 || type == RegType::kI64 || type == RegType::kU64;
  const bool once = k_.target.masks && (cost > kCheap || modes_.row != kNone);
  const bool window = modes_.row != kNone;  // without other work around, so that steps should be long
  std::int32_t vectors = (once && !window ? 1 : 2) * (cost <= kLong ? 2 : 1);
  if (!once && cost <= kCheap && k_.target.vector_registers >= 32) vectors = 8;
  return {.lanes = k_.target.lanes(wide ? 8 : 4),
          .vectors = std::min(vectors, most),
          .tail = once ? Tail::kMasked : Tail::kNarrow};
}

/// Operations per element of a nest: every value once, down to reductions and to kept values that are there already.
std::int32_t BlockLowering::point_cost(std::span<const ValueId> roots) const {
  std::vector<bool> seen(k_.tiles.values.size(), false);
  std::vector<bool> stored(seen.size(), false);
  for (const Scope& scope : scopes_) {
    for (const auto& [id, buffer] : scope.buffers) stored[id] = true;
  }
  std::int32_t cost = 0;
  for (const ValueId root : roots) {
    for_each_point_value(k_, stored, root, seen, [&](ValueId id) { cost += k_.fact(id).scalar ? 0 : 1; });
  }
  return cost;
}

// ---- scratch ----

std::vector<AxisId> BlockLowering::scratch_order(AxisSet axes) const {
  std::vector<AxisId> order = axes_of(range(axes));
  std::sort(order.begin(), order.end(), [&](AxisId a, AxisId c) {
    return modes_.unit[a] != modes_.unit[c] ? modes_.unit[a] < modes_.unit[c] : a < c;
  });
  return order;
}

BufferId BlockLowering::scratch(const std::string& name, RegType type, AxisSet axes) {
  Buffer buffer{.name = name, .kind = Buffer::Kind::kWorker, .dtype = scratch_dtype(type)};
  std::vector<ExprId> origin;
  for (const AxisId axis : scratch_order(axes)) {
    buffer.extents.push_back(window_extent(axis));
    origin.push_back(low(axis));
  }
  // A vector more than a row needs, so that the same column of a block of rows does not fall into one set of L1.
  if (modes_.row != kNone && buffer.extents.size() > 1) {
    buffer.extents.back() = b_.add(buffer.extents.back(), b_.i64(k_.target.lanes(4)));
  }
  if (modes_.lane != kNone && has(axes, modes_.lane)) buffer.extents.push_back(b_.i64(lane_tile_));
  buffer.stride.assign(buffer.extents.size(), Buffer::Stride::kAny);
  if (!buffer.stride.empty()) buffer.stride.back() = Buffer::Stride::kUnit;
  scratch_.push_back(b_.new_buffer(std::move(buffer)));
  origins_[scratch_.back()] = std::move(origin);
  return scratch_.back();
}

std::vector<ExprId> BlockLowering::scratch_indices(BufferId buffer, AxisSet axes) {
  std::vector<ExprId> at;
  const std::vector<ExprId>& origin = origins_.at(buffer);
  for (const AxisId axis : scratch_order(axes)) at.push_back(b_.sub(position(axis), origin[at.size()]));
  if (modes_.lane != kNone && has(axes, modes_.lane)) {
    at.push_back(b_.sub(position(modes_.lane), tile_origin_[modes_.lane]));
  }
  return at;
}

void BlockLowering::store_scratch(BufferId buffer, AxisSet axes, ExprId value, ExprId predicate) {
  Store store{.buffer = buffer, .indices = scratch_indices(buffer, axes), .value = value, .predicate = predicate};
  store.access = b_.access(buffer, store.indices);
  top().body->push_back({std::move(store)});
}

void BlockLowering::keep(ValueId id, std::size_t depth) {
  const ax::Value& v = k_.value(id);
  BufferId buffer = kNone;
  at_depth(depth, [&] {
    buffer = scratch("v" + std::to_string(id), v.type, v.axes);
    const std::optional<Contraction> contraction =
        modes_.row == kNone ? std::nullopt : match_row_contraction(k_, id, modes_.row, modes_.range, modes_.keep);
    if (contraction && blocks_rows(*contraction)) {
      keep_contraction(*contraction, buffer);
    } else if (v.op == Op::kReduce) {
      emit_reduce(id, [&](ExprId result) { store_scratch(buffer, v.axes, result, kNone); });
    } else if (v.op == Op::kScan) {
      emit_scan(id, buffer);
    } else if (v.op == Op::kArgsort) {
      emit_argsort(id, buffer);
    } else {
      const ValueId roots[] = {id};
      const bool kept = modes_.keep[id];
      modes_.keep[id] = false;  // its own nest looks through it
      value_nest(v.axes, roots, nullptr, v.type, [&] { store_scratch(buffer, v.axes, place_fresh(id).expr, kNone); });
      modes_.keep[id] = kept;
    }
  });
  scopes_[depth].buffers[id] = buffer;
}

}  // namespace aurex::schedule
