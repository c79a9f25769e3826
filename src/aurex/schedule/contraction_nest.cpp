// Contractions as register-blocked nests: a block of rows by some vectors of results stays in registers while the
// reduced axis runs; each step loads the vectors of the right operand once and one number of the left operand per row.
//
// Here: the launch around all of them, and right operands small enough to be read where they lie.
// contraction_packed.cpp has large ones, contraction_stream.cpp few rows. Every result is one chain of fused
// multiply-adds along the reduced axis, whatever the tile, so no tile size shows in the bits.

#include <algorithm>
#include <utility>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/contraction_match.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

namespace {

/// Blocks of rows per tile: copying a panel costs about one block's time, a transposed one three times that, so it is
/// shared by many; but the rows of a tile should stay in L2 while panels pass by.
constexpr std::int64_t kFewestBlocks = 16, kMostBlocks = 64;
/// Where nothing is copied: few, so that products of some microseconds have tiles for several workers.
constexpr std::int64_t kBlocksInPlace = 4;
/// A fused multiply-add of one element at 100 GF/s.
constexpr double kNanosecondsPerStep = 0.02;
/// An element of a right operand on its way from the second or third cache, once for all rows: most of what few take.
constexpr double kNanosecondsPerRead = 0.12;

}  // namespace

void BlockLowering::contraction_modes(const ax::Parallel& block, AxisSet range, AxisId lane, std::int32_t vectors) {
  modes_ = {};
  for (const AxisId axis : block.axes) modes_.parallel |= ax::axis_bit(axis);
  modes_.range = range;
  modes_.lane = lane;
  modes_.lane_vectors = vectors;
  modes_.reached.assign(k_.tiles.values.size(), true);
  modes_.keep.assign(k_.tiles.values.size(), false);
  modes_.unit.assign(k_.tiles.axes.size(), 0);
}

Launch BlockLowering::lower_contraction(const ax::Parallel& block, const Contraction& contraction, std::string name) {
  const RegType type = k_.value(contraction.products[0].reduce).type;
  // Masks in every step of a long loop cost more there than a second body in a short one.
  const bool masked = k_.target.masks && k_.size.kind != SizeClass::kPanel;
  const VectorShape panel{.lanes = k_.target.lanes(bytes_per_element(scratch_dtype(type))),
                          .vectors = k_.size.vectors,
                          .tail = masked ? Tail::kMasked : Tail::kNarrow};
  const auto products = static_cast<std::int64_t>(contraction.products.size());
  const std::int64_t most = (k_.target.vector_registers - panel.vectors - 1) / (panel.vectors * products);
  const std::int64_t rows = std::clamp<std::int64_t>(most, 1, k_.size.rows);

  contraction_modes(block, ax::axis_bit(contraction.products[0].over), contraction.column, panel.vectors);
  const bool few_rows = form_ == Form::kStream;
  const bool packed = !few_rows && (k_.size.kind == SizeClass::kSmall || k_.size.kind == SizeClass::kLarge);
  lane_tile_ = few_rows ? stream_columns(contraction) : std::int64_t{panel.lanes} * panel.vectors;

  Launch launch{.name = std::move(name)};
  open(launch, block.axes);
  const auto tile = [&](AxisId axis, ExprId step) { tile_origin_[axis] = tile_axis(launch, axis, step); };
  for (const AxisId axis : contraction.others) tile(axis, b_.i64(1));
  if (packed) {
    packed_contraction(block, contraction, panel, k_.size.rows, launch);
  } else {
    const ExprId row_step = few_rows ? b_.i64(rows) : row_tile(contraction, rows, type);
    tile(contraction.row, row_step);
    tile(contraction.column, b_.i64(lane_tile_));
    tile_loops(contraction.others, launch.tiles, 0, [&] {
      top().control = true;
      if (few_rows) {
        stream_tile(block, contraction, panel, rows);
      } else {
        contraction_tile(block, contraction, panel, rows, row_step);
      }
    });
  }
  launch.scratch = scratch_;
  const AxisSet all = modes_.parallel | modes_.range;
  const ExprId steps = cost(kNanosecondsPerStep * static_cast<double>(products) * 16 / panel.lanes, axes_of(all));
  const ExprId reads =
      cost(kNanosecondsPerRead * static_cast<double>(products), axes_of(all & ~ax::axis_bit(contraction.row)));
  launch.nanoseconds = b_.op(Op::kAdd, RegType::kF64, {steps, reads});
  scopes_.clear();
  return launch;
}

/// Whether the tiles of a contraction lay out this product's right operand anew.
bool BlockLowering::copies_panel(const Contraction::Product& product) const {
  return product.transposed || k_.size.kind == SizeClass::kPanel;
}

/// Rows per tile. Where panels are copied: tiles of nearly equal height, whose rows half of L2 holds along the reduced
/// axis, within reason.
ExprId BlockLowering::row_tile(const Contraction& contraction, std::int64_t rows, RegType type) {
  if (std::ranges::none_of(contraction.products, [&](const auto& product) { return copies_panel(product); })) {
    return b_.i64(kBlocksInPlace * rows);
  }
  const std::int64_t bytes = rows * bytes_per_element(scratch_dtype(type));
  const ExprId block_bytes = b_.mul(b_.max(k_.axis_extent(contraction.products[0].over), b_.i64(1)), b_.i64(bytes));
  const ExprId fit = b_.floor_div(b_.i64(k_.target.l2_bytes / 2), block_bytes);
  const ExprId most = b_.mul(b_.max(b_.min(fit, b_.i64(kMostBlocks)), b_.i64(kFewestBlocks)), b_.i64(rows));
  const ExprId all = k_.axis_extent(contraction.row);
  return b_.max(b_.ceil_div(all, b_.max(b_.ceil_div(all, most), b_.i64(1))), b_.i64(1));
}

void BlockLowering::contraction_tile(const ax::Parallel& block, const Contraction& contraction, VectorShape panel,
                                     std::int64_t rows, ExprId row_step) {
  const AxisId column = contraction.column, row = contraction.row;
  const ExprId first = tile_origin_[column];
  const ExprId last = b_.min(b_.add(first, b_.i64(lane_tile_)), k_.axis_extent(column));
  std::vector<BufferId> panels;
  for (const Contraction::Product& product : contraction.products) {
    panels.push_back(copies_panel(product) ? pack_panel(product, column, first, last, panel) : kNone);
  }
  const ExprId top_row = tile_origin_[row];
  const ExprId end = b_.min(b_.add(top_row, row_step), k_.axis_extent(row));
  loop_over(column, first, last, panel, [&] {
    adjacent_blocks(row, top_row, end, rows,
                    [&](ExprId from, std::int64_t height) { row_block(block, contraction, panels, from, height); });
  });
}

void BlockLowering::adjacent_blocks(AxisId row, ExprId from, ExprId end, std::int64_t rows,
                                    const std::function<void(ExprId from, std::int64_t height)>& fill) {
  // Blocks of `rows` would reach past the end by `past`; so many of them get one row less.
  const ExprId blocks = b_.ceil_div(b_.sub(end, from), b_.i64(rows));
  const ExprId past = b_.sub(b_.add(from, b_.mul(blocks, b_.i64(rows))), end);
  const ExprId tall = b_.max(b_.sub(blocks, past), b_.i64(0));
  const ExprId middle = b_.name_value(*top().body, "lower", b_.add(from, b_.mul(tall, b_.i64(rows))));
  const auto loop = [&](ExprId lo, ExprId hi, std::int64_t height) {
    Loop blocks_of{.var = b_.loop_var(k_.axis(row).name), .lo = lo, .hi = hi, .step = b_.i64(height)};
    Body body;
    with_scope({.body = &body, .bound = top().bound, .vector = top().vector},
               [&] { fill(b_.var(blocks_of.var), height); });
    blocks_of.body = std::move(body);
    top().body->push_back({std::move(blocks_of)});
  };
  loop(from, middle, rows);
  if (rows <= 2) return loop(middle, end, 1);
  const ExprId lower = b_.floor_div(b_.sub(end, middle), b_.i64(rows - 1));
  const ExprId rest = b_.name_value(*top().body, "rest", b_.add(middle, b_.mul(lower, b_.i64(rows - 1))));
  loop(middle, rest, rows - 1);
  loop(rest, end, 1);
}

/// Copies one panel of the right operand.
BufferId BlockLowering::pack_panel(const Contraction::Product& product, AxisId column, ExprId first, ExprId last,
                                   VectorShape panel) {
  const std::int64_t width = std::int64_t{panel.lanes} * panel.vectors;
  const BufferId buffer = worker_buffer("panel", scratch_dtype(k_.value(product.reduce).type),
                                        {panel_depth(product, panel.lanes), b_.i64(width)});
  if (product.transposed) {
    transpose_panel(product, buffer, {}, column, first, last, panel.lanes);
    return buffer;
  }
  auto copy = [&] {
    put(buffer, {b_.sub(position(product.over), low(product.over)), b_.sub(position(column), first)},
        product_of(product.right));
  };
  loop_over(product.over, low(product.over), high(product.over), {},
            [&] { loop_over(column, first, last, panel, copy); });
  return buffer;
}

/// Rows of a panel: whole squares of them, where it is copied by squares.
ExprId BlockLowering::panel_depth(const Contraction::Product& product, std::int64_t lanes) {
  const ExprId depth = window_extent(product.over);
  return product.transposed ? b_.mul(b_.ceil_div(depth, b_.i64(lanes)), b_.i64(lanes)) : depth;
}

/// The right operand lies along the reduced axis: squares of `lanes` columns are loaded along it and turned over. Past
/// the last column its neighbours are loaded again, and past the last row of the panel there is room.
void BlockLowering::transpose_panel(const Contraction::Product& product, BufferId buffer,
                                    const std::vector<ExprId>& panel, AxisId column, ExprId first, ExprId last,
                                    std::int32_t lanes) {
  const RegType type = k_.value(product.reduce).type;
  const AxisId over = product.over;
  const ExprId width = b_.i64(lanes), end = b_.sub(last, b_.i64(1));
  Loop squares{.var = b_.loop_var(k_.axis(column).name), .lo = first, .hi = last, .step = width};
  const ExprId from = b_.var(squares.var);
  with_scope({.body = &squares.body, .bound = top().bound}, [&] {
    const Tail tail = k_.target.masks ? Tail::kMasked : Tail::kNarrow;
    loop_over(over, low(over), high(over), {.lanes = lanes, .vectors = 1, .tail = tail}, [&] {
      const RegId square = b_.new_register("square", type, lanes, 1, {lanes});
      top().body->push_back({Declare{.reg = square, .value = b_.constant(type, {})}});
      each_row(
          column, lanes, [&](ExprId i) { return b_.min(b_.add(from, i), end); },
          [&](ExprId i) {
            top().body->push_back({Set{.reg = square, .indices = {i}, .value = product_of(product.right)}});
          });
      std::vector<ExprId> at = panel;
      at.insert(at.end(), {b_.sub(position(over), low(over)), b_.sub(from, first)});
      top().body->push_back({TransposedStore{.buffer = buffer,
                                             .indices = std::move(at),
                                             .dimension = static_cast<std::uint32_t>(panel.size() + 1),
                                             .reg = square,
                                             .whole = true}});
    });
  });
  top().body->push_back({std::move(squares)});
}

ExprId BlockLowering::product_of(std::span<const ValueId> factors) {
  ExprId product = value(factors[0]);
  for (const ValueId factor : factors.subspan(1)) product = b_.mul(product, value(factor));
  return product;
}

ExprId BlockLowering::multiply_add(ExprId left, ExprId right, ExprId sum) {
  const RegType type = b_.type(sum);
  return ax::is_float(type) ? b_.op(Op::kFma, type, {left, right, sum}) : b_.add(sum, b_.mul(left, right));
}

void BlockLowering::put(BufferId buffer, std::vector<ExprId> indices, ExprId value) {
  Store out{.buffer = buffer, .indices = std::move(indices), .value = value};
  out.access = b_.access(out.buffer, out.indices);
  top().body->push_back({std::move(out)});
}

void BlockLowering::at(AxisId axis, ExprId position, const std::function<void()>& fill) {
  const ExprId outer = std::exchange(positions_[axis], position);
  with_scope({.body = top().body, .bound = top().bound | ax::axis_bit(axis), .vector = top().vector}, fill);
  positions_[axis] = outer;
}

void BlockLowering::ask_for(std::span<const ValueId> factors) {
  for (const ValueId factor : factors) {
    const ax::Value& v = k_.value(factor);
    if (v.op != Op::kLoad) continue;
    Prefetch ahead{.buffer = k_.arrays[k_.tiles.loads[v.id].array]};
    bool plain = true;
    for (const ax::Index& index : k_.tiles.loads[v.id].indices) {
      plain = plain && index.kind == ax::Index::Kind::kAxis;
      if (plain) ahead.indices.push_back(position(index.axis));
    }
    if (plain) top().body->push_back({std::move(ahead)});
  }
}

/// `height` rows from `from` on, by the lanes of the column loop around.
void BlockLowering::row_block(const ax::Parallel& block, const Contraction& contraction,
                              std::span<const BufferId> panels, ExprId from, std::int64_t height) {
  std::vector<RegId> sums;
  for (const Contraction::Product& product : contraction.products) {
    const RegType type = k_.value(product.reduce).type;
    sums.push_back(b_.new_register("acc", type, top().vector.lanes, top().vector.vectors, {height}));
    top().body->push_back({Declare{.reg = sums.back(), .value = b_.constant(type, {})}});
  }
  multiply(contraction, sums, panels, from, height, b_.i64(0), k_.axis_extent(contraction.products[0].over));
  each_row(contraction.row, from, height, [&](ExprId i) {
    top().control = true;
    for (std::size_t p = 0; p < sums.size(); ++p) {
      name(depth(), contraction.products[p].reduce, b_.reg(sums[p], {i}));
    }
    statements(block.body);
  });
}

/// Adds the products of [lo, hi) along the reduced axis to `sums`.
void BlockLowering::multiply(const Contraction& contraction, std::span<const RegId> sums,
                             std::span<const BufferId> panels, ExprId from, std::int64_t height, ExprId lo, ExprId hi) {
  const AxisId over = contraction.products[0].over;
  loop_over(over, lo, hi, {}, [&] {
    std::vector<ExprId> right;
    for (std::size_t p = 0; p < sums.size(); ++p) {
      const ExprId local = b_.sub(position(contraction.column), tile_origin_[contraction.column]);
      const ExprId vectors =
          panels[p] == kNone ? product_of(contraction.products[p].right) : b_.load(panels[p], {position(over), local});
      right.push_back(b_.name_value(*top().body, "b", vectors));
    }
    each_row(contraction.row, from, height, [&](ExprId i) {
      for (std::size_t p = 0; p < sums.size(); ++p) {
        const ExprId left = b_.name_value(*top().body, "a", product_of(contraction.products[p].left));
        const ExprId next = multiply_add(left, right[p], b_.reg(sums[p], {i}));
        top().body->push_back({Set{.reg = sums[p], .indices = {i}, .value = next}});
      }
    });
  });
}

void BlockLowering::each_row(AxisId row, ExprId from, std::int64_t height, const std::function<void(ExprId)>& fill) {
  each_row(row, height, [&](ExprId i) { return b_.add(from, i); }, fill);
}

void BlockLowering::each_row(AxisId row, std::int64_t height, const std::function<ExprId(ExprId)>& place,
                             const std::function<void(ExprId)>& fill) {
  Loop loop{.kind = Loop::Kind::kUnroll, .var = b_.loop_var("i"), .lo = b_.i64(0), .hi = b_.i64(height)};
  Body body;
  const ExprId outer = positions_[row];
  positions_[row] = place(b_.var(loop.var));
  with_scope({.body = &body, .bound = top().bound | ax::axis_bit(row), .vector = top().vector},
             [&] { fill(b_.var(loop.var)); });
  positions_[row] = outer;
  loop.body = std::move(body);
  top().body->push_back({std::move(loop)});
}

}  // namespace aurex::schedule
