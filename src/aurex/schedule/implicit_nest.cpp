// Contractions over several axes: tiles, loops, multiplications, and the launch around them.

#include "aurex/schedule/implicit_nest.h"

#include <algorithm>
#include <utility>

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

namespace {

/// Reduced positions that are one chunk, for elements of 4 bytes: nine rows of the left operand are 23 KiB. Where there
/// are more, sums of all rows share L2 with the panel, and each is fetched and put back once in a chunk.
constexpr std::int64_t kWholeSteps = 640, kChunkSteps = 288;
/// Positions of the last reduced axis for which all taps are walked at a time: what the rows of a block hold for them
/// stays in L1 from tap to tap.
constexpr std::int64_t kGroup = 32;
/// Columns of a tile: a chunk of 640 steps of them is 0.6 MiB; they share what it costs to fetch the left operand.
constexpr std::int64_t kMostColumns = 256;
/// Elements of a line: rows of scratch are an odd number of lines, so that they do not meet in a few sets of L1.
constexpr std::int64_t kLine = 16;
/// Blocks of rows per tile: they share one panel. Two tiles at least where there are twice that many, for two workers.
constexpr std::int64_t kMostBlocks = 32;
/// Steps ahead of a panel, which L2 delivers meanwhile.
constexpr std::int64_t kPanelAhead = 4;
/// Operations of a statement from which on fewer vectors at a time are enough.
constexpr std::int32_t kDear = 8;
/// A fused multiply-add of one element at 100 GF/s.
constexpr double kNanosecondsPerStep = 0.02;

}  // namespace

BlockLowering::Implicit::Implicit(BlockLowering& lowering, const ax::Parallel& block,
                                  const ImplicitContraction& contraction, VectorShape panel, std::int64_t rows)
    : NestWriter(lowering), block_(block), contraction_(contraction), panel_(panel), rows_(rows) {
  const std::int64_t bytes = bytes_per_element(scratch_dtype(type(0)));
  const auto products = static_cast<std::int64_t>(contraction.products.size());
  const std::int64_t width = std::int64_t{panel.lanes} * panel.vectors;
  whole_steps_ = kWholeSteps * 4 / bytes / products;
  chunk_steps_ = kChunkSteps * 4 / bytes / products;
  most_columns_ = std::max(kMostColumns / width, std::int64_t{1}) * width;
  const std::span<const AxisId> over = contraction.over;
  taps_ = b_.max(count(over.first(over.size() - 1)), b_.i64(1));
  all_blocks_ = b_.ceil_div(l_.k_.axis_extent(contraction.row), b_.i64(rows_));
  all_columns_ = count(contraction.columns);
  const ExprId steps = b_.max(taps_, b_.i64(whole_steps_)), pitch = b_.i64((most_columns_ / kLine | 1) * kLine);
  for (std::size_t p = 0; p < contraction.products.size(); ++p) {
    rights_.push_back(buffer("right", p, {steps, pitch}));
    lefts_.push_back(in_place(p) ? kNone : buffer("left", p, {b_.i64(rows_), b_.add(steps, b_.i64(kLine))}));
    sums_.push_back(buffer("sums", p, {b_.i64(kMostBlocks), b_.i64(rows_), pitch}));
  }
}

ExprId BlockLowering::Implicit::count(std::span<const AxisId> axes) {
  ExprId all = b_.i64(1);
  for (const AxisId axis : axes) all = b_.mul(all, l_.k_.axis_extent(axis));
  return all;
}

BufferId BlockLowering::Implicit::buffer(const char* name, std::size_t p, std::vector<ExprId> extents) {
  return l_.worker_buffer(name, scratch_dtype(type(p)), std::move(extents));
}

/// Whether the left operand is read where it lies: numbers that need no conversion, one at a time in any case.
bool BlockLowering::Implicit::in_place(std::size_t p) const {
  const Product& product = contraction_.products[p];
  if (product.left.size() != 1) return false;
  const ax::Value& v = l_.k_.value(product.left[0]);
  if (v.op != Op::kLoad || l_.k_.tiles.loads[v.id].otherwise != kNone) return false;
  return l_.k_.out.buffers[l_.k_.arrays[l_.k_.tiles.loads[v.id].array]].dtype == scratch_dtype(type(p));
}

// ---- tiles ----

void BlockLowering::Implicit::tiles(Launch& launch) {
  const auto name = [&](AxisId axis) { return l_.k_.axis(axis).name + "0"; };
  block_step_ = balanced(all_blocks_, b_.i64(kMostBlocks));
  launch.tiles.push_back({.var = b_.loop_var(name(contraction_.row)), .extent = all_blocks_, .step = block_step_});
  first_block_ = b_.var(launch.tiles.back().var);
  launch.tiles.push_back(
      {.var = b_.loop_var(name(lane_axis())), .extent = all_columns_, .step = b_.i64(most_columns_)});
  first_column_ = b_.var(launch.tiles.back().var);
}

void BlockLowering::Implicit::tile() {
  last_block_ = b_.name_value(body(), "last", b_.min(b_.add(first_block_, block_step_), all_blocks_));
  last_column_ = b_.name_value(body(), "last", b_.min(b_.add(first_column_, b_.i64(most_columns_)), all_columns_));
  const ExprId extent = l_.k_.axis_extent(inner());
  const ExprId taps = b_.name_value(body(), "taps", taps_);
  const ExprId whole = b_.compare(Op::kLe, b_.mul(taps, extent), b_.i64(whole_steps_));
  const ExprId most =
      b_.max(b_.floor_div(b_.select(whole, b_.i64(whole_steps_), b_.i64(chunk_steps_)), taps), b_.i64(1));
  chunk_size_ = b_.name_value(body(), "chunk", balanced(extent, b_.name_value(body(), "most", most)));
  serial(l_.k_.axis(inner()).name + "0", b_.i64(0), b_.max(extent, b_.i64(1)), chunk_size_,
         [&](ExprId origin) { chunk(origin); });
}

// ---- loops ----

void BlockLowering::Implicit::lanes(ExprId lo, ExprId hi, VectorShape shape, const std::function<void(ExprId)>& fill) {
  NestWriter::lanes(l_.k_.axis(lane_axis()).name, lo, hi, shape, shape.tail, fill);
}

void BlockLowering::Implicit::steps(const std::function<void(ExprId)>& fill) {
  Loop groups{.var = b_.loop_var(l_.k_.axis(inner()).name + "1"),
              .lo = chunk_origin_,
              .hi = chunk_end_,
              .step = b_.i64(kGroup)};
  nest(groups, l_.top().vector, [&](ExprId origin) {
    const ExprId end = b_.name_value(body(), "until", b_.min(b_.add(origin, b_.i64(kGroup)), chunk_end_));
    const ExprId before = b_.mul(b_.sub(origin, chunk_origin_), taps_);
    taps(0, b_.i64(0), [&](ExprId tap) {
      const ExprId first = b_.add(before, b_.mul(tap, b_.sub(end, origin)));
      const ExprId shift = b_.name_value(body(), "first", b_.sub(first, origin));
      serial(l_.k_.axis(inner()).name, origin, end,
             [&](ExprId position) { at(inner(), position, [&] { fill(b_.add(shift, position)); }); });
    });
  });
}

void BlockLowering::Implicit::taps(std::size_t depth, ExprId outer, const std::function<void(ExprId)>& fill) {
  const AxisId axis = contraction_.over[depth];
  if (axis == inner()) return fill(outer);
  serial(l_.k_.axis(axis).name, b_.i64(0), l_.k_.axis_extent(axis), [&](ExprId position) {
    at(axis, position, [&] {
      const ExprId tap = b_.add(b_.mul(outer, l_.k_.axis_extent(axis)), position);
      taps(depth + 1, b_.name_value(body(), "tap", tap), fill);
    });
  });
}

void BlockLowering::Implicit::columns(ExprId lo, ExprId hi, const std::function<void(ExprId, ExprId, ExprId)>& fill,
                                      std::size_t depth, ExprId base) {
  const std::span<const AxisId> axes = contraction_.columns;
  const ExprId extent = l_.k_.axis_extent(axes[depth]);
  const ExprId start = base == kNone ? b_.i64(0) : base;
  const bool last = depth + 1 == axes.size();
  const ExprId each = last ? b_.i64(1) : b_.name_value(body(), "each", count(axes.subspan(depth + 1)));
  const ExprId from = b_.name_value(body(), "from", b_.max(b_.floor_div(b_.sub(lo, start), each), b_.i64(0)));
  const ExprId to = b_.name_value(body(), "to", b_.min(b_.ceil_div(b_.sub(hi, start), each), extent));
  if (last) return fill(start, from, to);
  serial(l_.k_.axis(axes[depth]).name, from, to, [&](ExprId position) {
    at(axes[depth], position, [&] {
      const ExprId next = b_.name_value(body(), "base", b_.add(start, b_.mul(position, each)));
      columns(lo, hi, fill, depth + 1, next);
    });
  });
}

// ---- multiplication ----

void BlockLowering::Implicit::chunk(ExprId origin) {
  chunk_origin_ = origin;
  chunk_end_ = b_.name_value(body(), "end", b_.min(b_.add(origin, chunk_size_), l_.k_.axis_extent(inner())));
  for (std::size_t p = 0; p < contraction_.products.size(); ++p) copy_right(p);
  serial("block", first_block_, last_block_, [&](ExprId block) { block_of_rows(block); });
}

void BlockLowering::Implicit::block_of_rows(ExprId block) {
  from_ = b_.name_value(body(), "from", b_.mul(block, b_.i64(rows_)));
  // With one chunk the sums of one block are enough.
  const ExprId extent = l_.k_.axis_extent(inner());
  const ExprId several = b_.compare(Op::kLt, chunk_size_, extent);
  const ExprId kept = b_.name_value(body(), "kept", b_.select(several, b_.sub(block, first_block_), b_.i64(0)));
  for (std::size_t p = 0; p < contraction_.products.size(); ++p) {
    if (lefts_[p] != kNone) copy_left(p);
    multiply(p, kept);
  }
  when(b_.compare(Op::kGe, chunk_end_, extent), [&] { finish(kept); });
}

/// Rows past the end stand for the last one; nobody stores what comes of them.
ExprId BlockLowering::Implicit::row_of(ExprId i) {
  return b_.min(b_.add(from_, i), b_.sub(l_.k_.axis_extent(contraction_.row), b_.i64(1)));
}

void BlockLowering::Implicit::copy_left(std::size_t p) {
  serial("i", b_.i64(0), b_.i64(rows_), [&](ExprId i) {
    at(contraction_.row, row_of(i),
       [&] { steps([&](ExprId step) { store(lefts_[p], {i, step}, l_.product_of(contraction_.products[p].left)); }); });
  });
}

/// A block of rows by all columns of the tile, over one chunk.
void BlockLowering::Implicit::multiply(std::size_t p, ExprId kept) {
  lanes(b_.i64(0), b_.sub(last_column_, first_column_), panel_, [&](ExprId n) {
    const RegId acc = b_.new_register("acc", type(p), panel_.lanes, panel_.vectors, {rows_});
    body().push_back({Declare{.reg = acc, .value = b_.constant(type(p), {})}});
    const ExprId continued = b_.compare(Op::kGt, chunk_origin_, b_.i64(0));
    unrolled(rows_, [&](ExprId i) {
      body().push_back({Set{.reg = acc, .indices = {i}, .value = b_.load(sums_[p], {kept, i, n}, continued)}});
    });
    steps([&](ExprId step) {
      body().push_back({Prefetch{.buffer = rights_[p], .indices = {b_.add(step, b_.i64(kPanelAhead)), n}}});
      const ExprId right = b_.name_value(body(), "b", b_.load(rights_[p], {step, n}));
      unrolled(rows_, [&](ExprId i) {
        const ExprId left = read_left(p, i, step);
        const ExprId next = l_.multiply_add(left, right, b_.reg(acc, {i}));
        body().push_back({Set{.reg = acc, .indices = {i}, .value = next}});
      });
    });
    unrolled(rows_, [&](ExprId i) { store(sums_[p], {kept, i, n}, b_.reg(acc, {i})); });
  });
}

ExprId BlockLowering::Implicit::read_left(std::size_t p, ExprId i, ExprId step) {
  if (lefts_[p] != kNone) return b_.name_value(body(), "a", b_.load(lefts_[p], {i, step}));
  ExprId left = kNone;
  at(contraction_.row, row_of(i),
     [&] { left = b_.name_value(body(), "a", l_.product_of(contraction_.products[p].left)); });
  return left;
}

/// The statements, on the finished sums of a block.
void BlockLowering::Implicit::finish(ExprId kept) {
  std::vector<ValueId> roots;
  for (const ax::Stmt& stmt : block_.body) {
    if (const auto* out = std::get_if<ax::Store>(&stmt.node)) roots.push_back(out->value);
  }
  const VectorShape shape{.lanes = panel_.lanes, .vectors = l_.point_cost(roots) > kDear ? 1 : 2, .tail = rest()};
  const ExprId end = b_.min(b_.i64(rows_), b_.sub(l_.k_.axis_extent(contraction_.row), from_));
  serial("i", b_.i64(0), end, [&](ExprId i) {
    at(contraction_.row, b_.add(from_, i), [&] {
      columns(first_column_, last_column_, [&](ExprId base, ExprId lo, ExprId hi) {
        const ExprId local = b_.name_value(body(), "local", b_.sub(base, first_column_));
        lanes(lo, hi, shape, [&](ExprId n) {
          at(lane_axis(), n, [&] {
            l_.top().control = true;
            for (std::size_t p = 0; p < contraction_.products.size(); ++p) {
              const ExprId sum = b_.load(sums_[p], {kept, i, b_.add(local, n)});
              l_.name(l_.depth(), contraction_.products[p].reduce, sum);
            }
            l_.statements(block_.body);
          });
        });
      });
    });
  });
}

// ---- the launch ----

Launch BlockLowering::lower_implicit(const ax::Parallel& block, const ImplicitContraction& contraction,
                                     std::string name) {
  const RegType type = k_.value(contraction.products[0].reduce).type;
  const VectorShape panel{.lanes = k_.target.lanes(bytes_per_element(scratch_dtype(type))),
                          .vectors = k_.size.vectors,
                          .tail = Tail::kNarrow};
  const std::int64_t most = (k_.target.vector_registers - panel.vectors - 1) / panel.vectors;
  AxisSet range = 0;
  for (const AxisId axis : contraction.over) range |= ax::axis_bit(axis);
  contraction_modes(block, range, contraction.columns.back(), panel.vectors);

  Launch launch{.name = std::move(name)};
  open(launch, block.axes);
  for (const AxisId axis : contraction.others) tile_axis(launch, axis, b_.i64(1));
  Implicit nest(*this, block, contraction, panel, std::clamp<std::int64_t>(most, 1, k_.size.rows));
  nest.tiles(launch);
  tile_loops(contraction.others, launch.tiles, 0, [&] {
    top().control = true;
    nest.tile();
  });
  launch.scratch = scratch_;
  const auto products = static_cast<double>(contraction.products.size());
  launch.nanoseconds = cost(kNanosecondsPerStep * products * 16 / panel.lanes, axes_of(modes_.parallel | modes_.range));
  scopes_.clear();
  return launch;
}

}  // namespace aurex::schedule
