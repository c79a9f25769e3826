// One parallel block as a launch: tiles, the loops inside a tile, the time it takes.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/streaming.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::ValueId;

namespace {

/// Elements per tile: as many as take this time, well above the half microsecond that handing a tile to another worker
/// costs, so that work of ten microseconds has a share for each of several workers; but so few that their vectors stay
/// in L2.
constexpr double kTileNanoseconds = 3000;
constexpr std::int64_t kLeastTileWork = 1024, kMostTileWork = 16384;

/// One vector instruction of an element-wise body, memory included (two per nanosecond at 2.5 GHz).
constexpr double kNanosecondsPerInstruction = 0.5;

}  // namespace

Launch BlockLowering::lower(const ax::Parallel& block, std::string name, bool written) {
  written_ = written;
  decide_.begin(name);
  if (const std::optional<Contraction> contraction = match_contraction(k_, block)) {
    constexpr Form kForms[] = {Form::kPositions, Form::kPanels, Form::kStream};
    const bool few_rows = k_.size.kind == SizeClass::kSkinny;
    form_ = decide_.form(!few_rows ? Form::kPanels : streams(*contraction) ? Form::kStream : Form::kPositions, kForms);
    if (form_ != Form::kPositions) {
      Launch out = lower_contraction(block, *contraction, std::move(name));
      decide_.finish();
      return out;
    }
  }
  if (const auto contraction = match_implicit(k_, block); contraction && k_.size.kind == SizeClass::kImplicit) {
    constexpr Form kForms[] = {Form::kPositions, Form::kImplicit};
    form_ = decide_.form(Form::kImplicit, kForms);
    if (form_ == Form::kImplicit) {
      Launch out = lower_implicit(block, *contraction, std::move(name));
      decide_.finish();
      return out;
    }
  }
  if (const std::optional<Turn> turn = match_turn(block)) {
    constexpr Form kForms[] = {Form::kPositions, Form::kSquares};
    form_ = decide_.form(Form::kSquares, kForms);
    if (form_ == Form::kSquares) {
      Launch out = lower_turn(block, *turn, std::move(name));
      decide_.finish();
      return out;
    }
  }
  const AxisSet colliding = colliding_axes(block);
  modes_ = choose_modes(k_, decide_, block.axes, colliding, block.body, {});
  for (const ax::Stmt& stmt : block.body) {
    const auto* store = std::get_if<ax::Store>(&stmt.node);
    overwrites_inputs_ =
        overwrites_inputs_ || (store && k_.tiles.arrays[store->array].in_place && &stmt != &block.body.back());
  }
  return launch(block.axes, colliding, std::move(name), [&] { statements(block.body); });
}

Launch BlockLowering::lower_value(std::span<const AxisId> parallel, ValueId id, BufferId buffer, AxisSet axes,
                                  ax::Update update, std::string name) {
  const ValueId roots[] = {id};
  written_ = false;
  decide_.begin(name);
  modes_ = choose_modes(k_, decide_, parallel, 0, {}, roots);
  modes_.range |= axes & ~modes_.parallel;
  const RegType type = ax::register_type(k_.out.buffers[buffer].dtype);
  return launch({parallel.begin(), parallel.end()}, 0, std::move(name), [&] {
    value_nest(axes, roots, nullptr, type, [&] {
      Store store{.buffer = buffer, .value = b_.cast(type, value(id)), .update = update};
      for (const AxisId axis : axes_of(axes)) store.indices.push_back(position(axis));
      store.access = b_.access(buffer, store.indices);
      top().body->push_back({std::move(store)});
    });
  });
}

Launch BlockLowering::launch(std::vector<AxisId> axes, AxisSet colliding, std::string name,
                             const std::function<void()>& fill) {
  Launch launch{.name = std::move(name)};
  open(launch, written_ ? axes : std::span<const AxisId>());
  if (modes_.lane != kNone) {
    std::erase(axes, modes_.lane);
    axes.push_back(modes_.lane);
  }
  const std::vector<ExprId> steps = tile_steps(axes, colliding);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const ExprId first = tile_axis(launch, axes[i], steps[i]);
    if (axes[i] != modes_.row) continue;
    // Rows of a window have no loop of their own here. Their bounds are named before every loop, where what depends on
    // nothing but the rows is computed.
    window_lo_[axes[i]] = first;
    window_hi_[axes[i]] = b_.name_value(launch.body, "end", b_.min(b_.add(first, steps[i]), launch.tiles[i].extent));
  }
  tile_loops(axes, launch.tiles, 0, [&] {
    top().control = true;
    fill();
  });
  launch.scratch = scratch_;
  launch.nanoseconds = estimate(axes);
  scopes_.clear();
  decide_.finish();
  return launch;
}

void BlockLowering::open(Launch& launch, std::span<const AxisId> axes) {
  positions_.assign(k_.tiles.axes.size(), kNone);
  tile_origin_.assign(k_.tiles.axes.size(), kNone);
  window_lo_.assign(k_.tiles.axes.size(), kNone);
  window_hi_.assign(k_.tiles.axes.size(), kNone);
  for (const auto& [axis, buffer] : k_.shared_positions) enclosing_.push_back(axis);
  enclosing_.insert(enclosing_.end(), axes.begin(), axes.end());
  scopes_.clear();
  scopes_.push_back({.body = &launch.body, .control = true});
  bind_shared_positions(launch.body);
}

ExprId BlockLowering::tile_axis(Launch& launch, AxisId axis, ExprId step) {
  launch.tiles.push_back({.var = b_.loop_var(k_.axis(axis).name + "0"), .extent = k_.axis_extent(axis), .step = step});
  return b_.var(launch.tiles.back().var);
}

ExprId BlockLowering::cost(double each, std::span<const AxisId> axes) {
  ExprId all = b_.number(RegType::kF64, each);
  for (const AxisId axis : axes) {
    all = b_.op(ax::Op::kMul, RegType::kF64, {all, b_.cast(RegType::kF64, k_.axis_extent(axis))});
  }
  return all;
}

BufferId BlockLowering::worker_buffer(std::string name, DType dtype, std::vector<ExprId> extents) {
  std::vector<Buffer::Stride> stride(extents.size(), Buffer::Stride::kAny);
  stride.back() = Buffer::Stride::kUnit;
  scratch_.push_back(b_.new_buffer({.name = std::move(name),
                                    .kind = Buffer::Kind::kWorker,
                                    .dtype = dtype,
                                    .extents = std::move(extents),
                                    .stride = std::move(stride)}));
  return scratch_.back();
}

void BlockLowering::bind_shared_positions(Body& body) {
  for (const auto& [axis, buffer] : k_.shared_positions) {
    positions_[axis] = b_.name_value(body, k_.axis(axis).name, b_.load(buffer, {}));
    scopes_[0].bound |= ax::axis_bit(axis);
  }
}

/// Axes along which updates of one element may come from several positions: they stay in one tile, so that the order of
/// the updates is that of the loops.
AxisSet BlockLowering::colliding_axes(const ax::Parallel& block) const {
  AxisSet colliding = 0, all = 0;
  for (const AxisId axis : block.axes) all |= ax::axis_bit(axis);
  for_each_stmt(block.body, [&](const ax::Stmt& stmt) {
    const auto* store = std::get_if<ax::Store>(&stmt.node);
    if (!store || store->update == ax::Update::kSet) return;
    AxisSet named = 0;
    for (const ax::Index& index : store->indices) {
      if (index.kind == ax::Index::Kind::kAxis) {
        named |= ax::axis_bit(index.axis);
      } else if (k_.value(index.value).op == ax::Op::kPosition) {
        named |= ax::axis_bit(k_.value(index.value).id);
      }
    }
    colliding |= all & ~named;
  });
  return colliding;
}

/// Elements of one tile, counting those along whole axes.
std::int64_t BlockLowering::tile_work() const {
  double nanoseconds = modes_.cost * kNanosecondsPerInstruction;
  for (const AxisId axis : axes_of(modes_.inner)) nanoseconds /= typical_extent(k_, axis);
  const auto work = static_cast<std::int64_t>(kTileNanoseconds / std::max(nanoseconds, 0.01));
  return std::clamp(work / kLeastTileWork * kLeastTileWork, kLeastTileWork, kMostTileWork);
}

/// From the innermost axis out: as many positions as give a tile its share of work. Those of the lane axis are a
/// constant, so that scratch may have a dimension for them.
std::vector<ExprId> BlockLowering::tile_steps(std::span<const AxisId> axes, AxisSet colliding) {
  const AxisSet inner = modes_.range & ~modes_.parallel;
  ExprId work = b_.max(count(inner), b_.i64(1));
  std::vector<ExprId> steps(axes.size());
  const std::int64_t grain = axes.empty() ? 0 : decide_.number(&LaunchSchedule::grain, tile_work());
  for (std::size_t i = axes.size(); i-- > 0;) {
    const ExprId extent = k_.axis_extent(axes[i]);
    if (axes[i] == modes_.row) {
      steps[i] = row_tile(axes, extent);
    } else {
      const std::int64_t tile = decide_.tile(axes[i], has(colliding, axes[i]) ? kWhole : kFit);
      steps[i] = tile == kWhole           ? b_.max(extent, b_.i64(1))
                 : axes[i] == modes_.lane ? b_.i64(lane_tile_ = lane_tile(tile, grain, inner == 0))
                 : tile == kFit           ? b_.max(b_.floor_div(b_.i64(grain), work), b_.i64(1))
                                          : b_.i64(tile);
    }
    work = b_.mul(work, b_.max(b_.min(steps[i], extent), b_.i64(1)));
  }
  return steps;
}

/// A tile of lanes is at least one step; where each position walks whole axes, no more.
std::int64_t BlockLowering::lane_tile(std::int64_t tile, std::int64_t grain, bool alone) const {
  const std::int64_t block = std::int64_t{k_.target.lanes(4)} * modes_.lane_vectors;
  if (tile != kFit) return tile;
  return alone ? std::max(grain, block) : block;
}

void BlockLowering::tile_loops(std::span<const AxisId> axes, const std::vector<Launch::TileAxis>& tiles, std::size_t at,
                               const std::function<void()>& fill) {
  if (at == axes.size()) return fill();
  const AxisId axis = axes[at];
  const ExprId origin = b_.var(tiles[at].var);
  tile_origin_[axis] = origin;
  if (axis == modes_.row) return tile_loops(axes, tiles, at + 1, fill);
  VectorShape shape;
  if (axis == modes_.lane)
    shape = {.lanes = k_.target.lanes(4), .vectors = modes_.lane_vectors, .tail = modes_.lane_tail};
  const ExprId end = b_.min(b_.add(origin, tiles[at].step), tiles[at].extent);
  loop_over(axis, origin, end, shape, [&] { tile_loops(axes, tiles, at + 1, fill); });
  if (axis == modes_.lane) {
    stream_large_stores(b_, k_.target, *top().body,
                        [&](std::int64_t bytes) { return decide_.number(&LaunchSchedule::stream, bytes); });
  } else {
    prefetch_rows(b_, k_.target, *top().body);
  }
}

ExprId BlockLowering::estimate(std::span<const AxisId> axes) {
  ExprId total = b_.number(RegType::kF64, modes_.cost * kNanosecondsPerInstruction);
  for (const AxisId axis : axes) {
    total = b_.op(ax::Op::kMul, RegType::kF64, {total, b_.cast(RegType::kF64, k_.axis_extent(axis))});
  }
  for (const AxisId axis : axes_of(modes_.inner)) {
    const ExprId share =
        b_.op(ax::Op::kMul, RegType::kF64,
              {b_.cast(RegType::kF64, k_.axis_extent(axis)), b_.number(RegType::kF64, 1 / typical_extent(k_, axis))});
    total = b_.op(ax::Op::kMul, RegType::kF64, {total, share});
  }
  return total;
}

}  // namespace aurex::schedule
