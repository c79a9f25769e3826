// Kernel-level reductions of everything to one number. Chunks of the reduced axes are handed out as tiles, each of
// which leaves one partial result in shared memory; a last step combines those in the order of the chunks. How the axes
// are cut depends on their extents alone, so neither does the number of workers show nor which of them ran a chunk.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::Reduction;
using ax::ValueId;

namespace {

/// Positions per chunk: 256 KiB of f32 take about ten microseconds to read, many times what handing a tile to another
/// worker costs, and 16 Mi positions still make 256 chunks.
constexpr std::int64_t kChunk = 65536;

}  // namespace

BlockLowering::Partials BlockLowering::partials(ValueId reduce, std::string launch) {
  decide_.begin(launch);
  const std::int64_t chunk = decide_.number(&LaunchSchedule::grain, kChunk);
  Partials out{.launch = std::move(launch), .axes = axes_of(k_.value(reduce).over)};
  out.steps.resize(out.axes.size());
  std::vector<ExprId> chunks(out.axes.size());
  ExprId work = b_.i64(1);
  // From the innermost axis out; an outer one is taken several positions at a time only where all inner ones fit, so
  // the order of the chunks is that of the positions.
  for (std::size_t i = out.axes.size(); i-- > 0;) {
    const ExprId extent = k_.axis_extent(out.axes[i]);
    out.steps[i] = b_.max(b_.floor_div(b_.i64(chunk), work), b_.i64(1));
    work = b_.mul(work, b_.max(b_.min(out.steps[i], extent), b_.i64(1)));
    chunks[i] = b_.ceil_div(extent, out.steps[i]);
  }
  const auto buffer = [&](const char* name, RegType type) {
    Buffer partial{.name = name, .kind = Buffer::Kind::kShared, .dtype = scratch_dtype(type), .extents = chunks};
    partial.stride.assign(chunks.size(), Buffer::Stride::kAny);
    partial.stride.back() = Buffer::Stride::kUnit;
    return b_.new_buffer(std::move(partial));
  };
  const Reduction reduction = k_.value(reduce).reduction;
  out.totals = buffer("partials", accumulated_type(k_, reduce));
  if (reduction == Reduction::kArgmax || reduction == Reduction::kArgmin) {
    out.positions = buffer("positions", RegType::kI64);
  }
  return out;
}

Launch BlockLowering::lower_partials(ValueId reduce, const Partials& partials) {
  const ValueId roots[] = {reduce};
  modes_ = choose_modes(k_, decide_, {}, 0, {}, roots);
  modes_.range |= k_.value(reduce).over;
  std::vector<Launch::TileAxis> tiles;
  std::vector<ExprId> at;
  for (std::size_t i = 0; i < partials.axes.size(); ++i) {
    const VarId chunk = b_.loop_var(k_.axis(partials.axes[i]).name + "_chunk");
    tiles.push_back({.var = chunk, .extent = k_.out.buffers[partials.totals].extents[i], .step = b_.i64(1)});
    at.push_back(b_.var(chunk));
  }
  Launch out = launch({}, 0, partials.launch, [&] {
    for (std::size_t i = 0; i < partials.axes.size(); ++i) {
      const AxisId axis = partials.axes[i];
      const ExprId first = b_.mul(at[i], partials.steps[i]);
      window_lo_[axis] = b_.name_value(*top().body, "begin", first);
      window_hi_[axis] =
          b_.name_value(*top().body, "end", b_.min(b_.add(first, partials.steps[i]), k_.axis_extent(axis)));
    }
    emit_partial(reduce, [&](ExprId total, ExprId position) {
      const auto store = [&](BufferId buffer, ExprId value) {
        top().body->push_back({Store{.buffer = buffer, .indices = at, .value = value, .access = Access::kUniform}});
      };
      store(partials.totals, total);
      if (position != kNone) store(partials.positions, position);
    });
  });
  out.tiles = std::move(tiles);
  return out;
}

Launch BlockLowering::lower_combination(ValueId reduce, const Partials& partials, BufferId cell, std::string name) {
  const ax::Value& v = k_.value(reduce);
  const bool finds = partials.positions != kNone;
  Reduction reduction = v.reduction == Reduction::kMean ? Reduction::kSum : v.reduction;
  if (finds) reduction = v.reduction == Reduction::kArgmax ? Reduction::kMax : Reduction::kMin;
  decide_.begin(name);
  modes_ = choose_modes(k_, decide_, {}, 0, {}, {});
  const auto combine = [&](Reduction each, RegType type,
                           const std::function<ExprId(const std::vector<ExprId>&)>& term) {
    const Accumulator acc = begin(each, type, {}, false);
    std::vector<ExprId> at;
    const std::function<void(std::size_t)> open = [&](std::size_t d) {
      if (d == partials.axes.size()) return accumulate(acc, term(at), kNone);
      Loop loop{.var = b_.loop_var(k_.axis(partials.axes[d]).name + "_chunk"),
                .lo = b_.i64(0),
                .hi = k_.out.buffers[partials.totals].extents[d]};
      at.push_back(b_.var(loop.var));
      with_scope({.body = &loop.body, .bound = top().bound}, [&] { open(d + 1); });
      at.pop_back();
      top().body->push_back({std::move(loop)});
    };
    open(0);
    return finish(acc);
  };
  return launch({}, 0, std::move(name), [&] {
    ExprId total = combine(reduction, accumulated_type(k_, reduce),
                           [&](const std::vector<ExprId>& at) { return b_.load(partials.totals, at); });
    ExprId position = kNone;
    if (finds) {
      total = b_.name_value(*top().body, "best", total);
      position = combine(Reduction::kMin, RegType::kI64, [&](const std::vector<ExprId>& at) {
        const ExprId partial = b_.name_value(*top().body, "partial", b_.load(partials.totals, at));
        return position_if_best(partial, total, b_.load(partials.positions, at));
      });
    }
    const ExprId result = complete(reduce, v.over, total, position);
    top().body->push_back({Store{.buffer = cell, .value = result, .access = Access::kUniform}});
  });
}

}  // namespace aurex::schedule
