// Blocks that read along one axis and write along another: y[n, m] = x[m, n] and what is element-wise about it.
//
// With the lanes along either axis, the other side would be touched element by element, a cache line for each. Here
// squares of one vector's lanes are loaded along the one, turned over in registers and stored along the other, so that
// every line is read and written once and whole. A tile is a strip of squares: one vector wide along the lines that are
// written, long along those that are read, which the processor then fetches ahead by itself.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/streaming.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

namespace {

/// Positions of work per tile, and of those along the lines read: one page of f32.
constexpr std::int64_t kTileWork = 16384, kStripLength = 1024;
/// One element, from and to memory.
constexpr double kNanosecondsPerElement = 0.5;

/// Element-wise values of loads that lie along `across`, or do not vary with it; false too where none lies so while it
/// strides over `along`.
bool reads_across(const KernelContext& kernel, ValueId root, AxisId along, AxisId across) {
  std::vector<bool> seen(kernel.tiles.values.size(), false);
  const std::vector<bool> keep(seen.size(), false);
  bool fine = true, turned = false;
  for_each_point_value(kernel, keep, root, seen, [&](ValueId id) {
    const Op op = kernel.value(id).op;
    fine = fine && op != Op::kReduce && op != Op::kScan && op != Op::kReindex && op != Op::kArgsort &&
           op != Op::kRandom && op != Op::kVar;
    if (op != Op::kLoad) return;
    const ax::Load& load = kernel.tiles.loads[kernel.value(id).id];
    const int quality = lane_quality(kernel, load.array, load.indices, across);
    fine = fine && quality >= 0;
    turned = turned || (quality > 0 && lane_quality(kernel, load.array, load.indices, along) < 0);
  });
  return fine && turned;
}

}  // namespace

std::optional<BlockLowering::Turn> BlockLowering::match_turn(const ax::Parallel& block) const {
  const auto* store = block.body.size() == 1 ? std::get_if<ax::Store>(&block.body[0].node) : nullptr;
  if (!store || store->update != ax::Update::kSet || k_.tiles.arrays[store->array].in_place) return std::nullopt;
  AxisSet parallel = 0;
  for (const AxisId axis : block.axes) parallel |= ax::axis_bit(axis);
  const ValueFacts& fact = k_.fact(store->value);
  const bool bare =
      std::ranges::all_of(store->indices, [](const ax::Index& index) { return index.kind == ax::Index::Kind::kAxis; });
  if (!bare || fact.checked || fact.changing || ((k_.value(store->value).axes | fact.deps) & ~parallel) != 0) {
    return std::nullopt;
  }
  auto may_carry = [&](AxisId axis) { return !k_.axis(axis).unit && !k_.is_odometer(axis); };
  for (std::uint32_t d = 0; d < store->indices.size(); ++d) {
    const AxisId along = store->indices[d].axis;
    if (!may_carry(along) || lane_quality(k_, store->array, store->indices, along) != 1) continue;
    for (const AxisId across : block.axes) {
      const bool other = across != along && may_carry(across);
      if (!other || lane_quality(k_, store->array, store->indices, across) >= 0) continue;
      if (reads_across(k_, store->value, along, across)) return Turn{store, along, across, d};
    }
  }
  return std::nullopt;
}

Launch BlockLowering::lower_turn(const ax::Parallel& block, const Turn& turn, std::string name) {
  modes_ = {};
  for (const AxisId axis : block.axes) modes_.parallel |= ax::axis_bit(axis);
  modes_.lane = turn.across;
  modes_.keep.assign(k_.tiles.values.size(), false);
  modes_.unit.assign(k_.tiles.axes.size(), 0);

  const RegType type = ax::register_type(k_.out.buffers[k_.arrays[turn.store->array]].dtype);
  const bool wide = type == RegType::kF64 || type == RegType::kI64 || type == RegType::kU64;
  const std::int32_t lanes = k_.target.lanes(wide ? 8 : 4);
  Launch launch{.name = std::move(name)};
  open(launch, block.axes);
  std::vector<AxisId> others;
  const auto tile = [&](AxisId axis, ExprId step) { tile_origin_[axis] = tile_axis(launch, axis, step); };
  for (const AxisId axis : block.axes) {
    if (axis == turn.along || axis == turn.across) continue;
    others.push_back(axis);
    tile(axis, b_.i64(1));
  }
  // Short lines leave room for several strips in a tile.
  const ExprId length = b_.max(b_.min(k_.axis_extent(turn.across), b_.i64(kStripLength)), b_.i64(1));
  const ExprId strips = b_.max(b_.floor_div(b_.i64(kTileWork / lanes), length), b_.i64(1));
  tile(turn.along, b_.mul(strips, b_.i64(lanes)));
  tile(turn.across, b_.i64(kStripLength));
  tile_loops(others, launch.tiles, 0, [&] {
    top().control = true;
    turned_tile(turn, type, lanes, launch.tiles[others.size()].step);
  });
  launch.scratch = scratch_;
  launch.nanoseconds = cost(kNanosecondsPerElement, block.axes);
  scopes_.clear();
  return launch;
}

/// Whole squares first; the rests along both axes by single vectors.
void BlockLowering::turned_tile(const Turn& turn, RegType type, std::int32_t lanes, ExprId along_step) {
  const ExprId width = b_.i64(lanes);
  struct Range {
    ExprId from, whole, end;  // [from, whole) in squares
  };
  auto range = [&](AxisId axis, ExprId step) {
    const ExprId from = tile_origin_[axis];
    const ExprId end = b_.name_value(*top().body, "end", b_.min(b_.add(from, step), k_.axis_extent(axis)));
    const ExprId squares = b_.mul(b_.floor_div(b_.sub(end, from), width), width);
    return Range{from, b_.name_value(*top().body, "whole", b_.add(from, squares)), end};
  };
  const Range along = range(turn.along, along_step), across = range(turn.across, b_.i64(kStripLength));
  Loop strips{.var = b_.loop_var(k_.axis(turn.along).name), .lo = along.from, .hi = along.whole, .step = width};
  with_scope({.body = &strips.body, .bound = top().bound}, [&] {
    loop_over(turn.across, across.from, across.whole, {.lanes = lanes, .vectors = 1, .tail = Tail::kNone},
              [&] { turned_square(turn, type, lanes, b_.var(strips.var)); });
  });
  top().body->push_back({std::move(strips)});

  auto rest = [&](ExprId lo, ExprId hi, ExprId from, ExprId end) {
    loop_over(turn.along, from, end, {.lanes = lanes, .vectors = 1}, [&] {
      loop_over(turn.across, lo, hi, {}, [&] {
        Store store{.buffer = k_.arrays[turn.store->array], .value = b_.cast(type, value(turn.store->value))};
        for (const ax::Index& index : turn.store->indices) store.indices.push_back(position(index.axis));
        store.access = b_.access(store.buffer, store.indices);
        top().body->push_back({std::move(store)});
      });
    });
  };
  rest(across.whole, across.end, along.from, along.whole);
  rest(across.from, across.end, along.whole, along.end);
}

void BlockLowering::turned_square(const Turn& turn, RegType type, std::int32_t lanes, ExprId from) {
  const RegId square = b_.new_register("square", type, lanes, 1, {lanes});
  top().body->push_back({Declare{.reg = square, .value = b_.constant(type, {})}});
  each_row(turn.along, from, lanes, [&](ExprId i) {
    const ExprId element = b_.cast(type, value(turn.store->value));
    top().body->push_back({Set{.reg = square, .indices = {i}, .value = element}});
  });
  const BufferId buffer = k_.arrays[turn.store->array];
  TransposedStore store{.buffer = buffer, .dimension = turn.dimension, .reg = square};
  store.stream = passes_caches(b_, k_.target, buffer,
                               [&](std::int64_t bytes) { return decide_.number(&LaunchSchedule::stream, bytes); });
  for (const ax::Index& index : turn.store->indices) {
    store.indices.push_back(index.axis == turn.along ? from : position(index.axis));
  }
  top().body->push_back({std::move(store)});
}

}  // namespace aurex::schedule
