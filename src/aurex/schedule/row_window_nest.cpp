// Rows walked a window at a time: the loops over parts of an axis, and the contractions between scratch rectangles.
//
// A contraction takes strips of two vectors of columns. A strip of the right operand that does not lie along its
// columns is copied once for all rows of the window; then a block of 13 rows by 2 vectors stays in registers while the
// reduced axis runs. Each result is one chain of fused multiply-adds.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/row_window.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

namespace {

constexpr std::int32_t kStripVectors = 2;
/// Positions of a `for` per part: with 56 rows, scores and weights take 170 KiB of L2.
constexpr std::int64_t kChunk = 384;
/// Blocks of rows per window: copying a strip costs about two blocks' time.
constexpr std::int64_t kMostBlocks = 10;
/// Rectangles of rows by a whole axis that a window keeps at a time: sums and weights.
constexpr std::int64_t kRectangles = 2;

}  // namespace

/// 26 accumulators, 2 vectors, 1 splat of 32 registers; 14 rows would fit too, but multiples of 13 come close to powers
/// of two from above (65, 130, 260), and what is above is done twice.
std::int64_t BlockLowering::block_rows() const {
  return std::max<std::int64_t>((k_.target.vector_registers - kStripVectors - 1) / kStripVectors - 1, 1);
}

/// Rows of a window: what half of L2 holds of them along all whole axes.
ExprId BlockLowering::row_window() {
  ExprId elements = b_.i64(1);
  for (const AxisId axis : axes_of(modes_.range & ~ax::axis_bit(modes_.row))) {
    elements = b_.add(elements, window_extent(axis));
  }
  const ExprId block_bytes = b_.mul(elements, b_.i64(block_rows() * kRectangles * 4));
  const ExprId blocks = b_.floor_div(b_.i64(k_.target.l2_bytes / 2), block_bytes);
  return b_.mul(b_.max(b_.min(blocks, b_.i64(kMostBlocks)), b_.i64(1)), b_.i64(block_rows()));
}

ExprId BlockLowering::window_extent(AxisId axis) {
  if (axis == modes_.row) return row_window();
  return has(modes_.chunks, axis) ? b_.i64(kChunk) : k_.axis_extent(axis);
}

AxisSet BlockLowering::chunk_bit(AxisId axis) const {
  const AxisSet before = modes_.chunks & (ax::axis_bit(axis) - 1);
  return ax::axis_bit(ax::kMaxAxes - 1 - static_cast<AxisId>(axes_of(before).size()));
}

AxisSet BlockLowering::outer(AxisSet deps) const {
  AxisSet axes = deps & ~modes_.range;
  for (const AxisId axis : axes_of(deps & modes_.chunks)) axes |= chunk_bit(axis);
  return axes;
}

/// The parts of a `for`: inside, its axis is a range from the part's first position to its last.
void BlockLowering::chunk_loop(AxisId axis, ExprId lo, ExprId hi, const std::function<void()>& fill) {
  Loop loop{.var = b_.loop_var(k_.axis(axis).name + "0"), .lo = lo, .hi = hi, .step = b_.i64(kChunk)};
  Body inner;
  with_scope({.body = &inner, .bound = top().bound | chunk_bit(axis), .control = true, .vector = top().vector}, [&] {
    window_lo_[axis] = b_.var(loop.var);
    window_hi_[axis] = b_.name_value(inner, "end", b_.min(b_.add(b_.var(loop.var), b_.i64(kChunk)), hi));
    enclosing_.push_back(axis);
    fill();
    enclosing_.pop_back();
    window_lo_[axis] = window_hi_[axis] = kNone;
  });
  loop.body = std::move(inner);
  top().body->push_back({std::move(loop)});
}

/// Whether the loop around, if its bounds differ, lets a block of rows find the part that all of them run.
bool BlockLowering::blocks_rows(const Contraction& contraction) const {
  for (const Ragged& loop : ragged_) {
    if (loop.axis != contraction.products[0].over) continue;
    for (const ValueId id : {loop.lo, loop.hi}) {
      if (id != kNone && (range(k_.value(id).axes | k_.fact(id).deps) & ~ax::axis_bit(contraction.row)) != 0)
        return false;
    }
  }
  return true;
}

/// One body serves every block of rows: the last block starts where a full block is left, and finds some of its rows
/// done. Rows of a window lower than a block are taken one by one.
void BlockLowering::keep_contraction(const Contraction& contraction, BufferId buffer) {
  const Contraction::Product& product = contraction.products[0];
  const bool wide = k_.value(product.reduce).type == RegType::kF64;
  const VectorShape panel{.lanes = k_.target.lanes(wide ? 8 : 4),
                          .vectors = kStripVectors,
                          .tail = k_.target.masks ? Tail::kMasked : Tail::kNarrow};
  const AxisId row = contraction.row, column = contraction.column;
  const ExprId width = b_.i64(std::int64_t{panel.lanes} * panel.vectors), height = b_.i64(block_rows());
  Loop strips{.var = b_.loop_var(k_.axis(column).name + "0"), .lo = low(column), .hi = high(column), .step = width};
  Body body;
  with_scope({.body = &body, .bound = top().bound, .vector = top().vector}, [&] {
    const ExprId first = b_.var(strips.var);
    const ExprId last = b_.name_value(body, "end", b_.min(b_.add(first, width), strips.hi));
    const BufferId strip = product.transposed ? pack_panel(product, column, first, last, panel) : kNone;
    const Strip columns{.product = product, .column = column, .first = first, .panel = strip, .sums = buffer};
    const ExprId blocked = b_.compare(Op::kGe, b_.sub(high(row), low(row)), height);
    const ExprId until = b_.name_value(body, "blocked", b_.select(blocked, high(row), low(row)));
    in_nest(0, [&] {
      loop_over(column, first, last, panel, [&] {
        Loop blocks{.var = b_.loop_var(k_.axis(row).name), .lo = low(row), .hi = until, .step = height};
        Body inner;
        with_scope({.body = &inner, .bound = top().bound, .vector = top().vector}, [&] {
          keep_block(columns, row, b_.name_value(inner, "from", b_.min(b_.var(blocks.var), b_.sub(until, height))));
        });
        blocks.body = std::move(inner);
        top().body->push_back({std::move(blocks)});
        loop_over(row, until, high(row), {}, [&] {
          const RowBounds bounds = row_bounds(product.over, row, position(row), 1);
          keep_row(columns, bounds.all_lo, bounds.all_hi, /*resumed=*/false);
        });
      });
    });
  });
  strips.body = std::move(body);
  top().body->push_back({std::move(strips)});
}

/// Where the rows of a block stop at different positions, they run together what all of them run, and the rest each by
/// itself, on the sums as they lie in memory.
void BlockLowering::keep_block(const Strip& strip, AxisId row, ExprId from) {
  const std::int64_t height = block_rows();
  const ExprId until = b_.add(from, b_.i64(height));
  const ax::Value& sum = k_.value(strip.product.reduce);
  const RowBounds bounds = row_bounds(strip.product.over, row, from, height);
  if (bounds.lo != kNone) {
    loop_over(row, from, until, {}, [&] {
      const RowBounds own = row_bounds(strip.product.over, row, position(row), 1);
      keep_row(strip, own.all_lo, b_.min(own.all_hi, bounds.all_lo), /*resumed=*/false);
    });
  }
  const RegId acc = b_.new_register("acc", sum.type, top().vector.lanes, top().vector.vectors, {height});
  top().body->push_back({Declare{.reg = acc, .value = b_.constant(sum.type, {})}});
  if (bounds.lo != kNone) {
    each_row(row, from, height, [&](ExprId i) {
      const ExprId begun = b_.load(strip.sums, scratch_indices(sum.axes));
      top().body->push_back({Set{.reg = acc, .indices = {i}, .value = begun}});
    });
  }
  loop_over(strip.product.over, bounds.all_lo, bounds.all_hi, {}, [&] {
    const ExprId right = right_of(strip);
    each_row(row, from, height, [&](ExprId i) {
      const ExprId left = b_.name_value(*top().body, "a", product_of(strip.product.left));
      const ExprId next = b_.op(Op::kFma, sum.type, {left, right, b_.reg(acc, {i})});
      top().body->push_back({Set{.reg = acc, .indices = {i}, .value = next}});
    });
  });
  each_row(row, from, height, [&](ExprId i) { store_scratch(strip.sums, sum.axes, b_.reg(acc, {i}), kNone); });
  if (bounds.lo == kNone && bounds.hi == kNone) return;
  loop_over(row, from, until, {}, [&] {
    const RowBounds own = row_bounds(strip.product.over, row, position(row), 1);
    keep_row(strip, b_.max(own.all_lo, bounds.all_hi), own.all_hi, /*resumed=*/true);
  });
}

/// One row, the one in hand.
void BlockLowering::keep_row(const Strip& strip, ExprId lo, ExprId hi, bool resumed) {
  const ax::Value& sum = k_.value(strip.product.reduce);
  const RegId acc = b_.new_register("acc", sum.type, top().vector.lanes, top().vector.vectors);
  const ExprId start = resumed ? b_.load(strip.sums, scratch_indices(sum.axes)) : b_.constant(sum.type, {});
  top().body->push_back({Declare{.reg = acc, .value = start}});
  loop_over(strip.product.over, lo, hi, {}, [&] {
    const ExprId right = right_of(strip);
    const ExprId left = b_.name_value(*top().body, "a", product_of(strip.product.left));
    top().body->push_back({Set{.reg = acc, .value = b_.op(Op::kFma, sum.type, {left, right, b_.reg(acc)})}});
  });
  store_scratch(strip.sums, sum.axes, b_.reg(acc), kNone);
}

ExprId BlockLowering::right_of(const Strip& strip) {
  const AxisId over = strip.product.over;
  const ExprId vectors =
      strip.panel == kNone
          ? product_of(strip.product.right)
          : b_.load(strip.panel, {b_.sub(position(over), low(over)), b_.sub(position(strip.column), strip.first)});
  return b_.name_value(*top().body, "b", vectors);
}

/// Which positions of the reduced axis, of those in hand, all of some rows run: all of them, unless its loop is ragged.
BlockLowering::RowBounds BlockLowering::row_bounds(AxisId over, AxisId row, ExprId from, std::int64_t height) {
  RowBounds bounds{.all_lo = low(over), .all_hi = high(over)};
  const auto loop = std::find_if(ragged_.begin(), ragged_.end(), [&](const Ragged& r) { return r.axis == over; });
  if (loop == ragged_.end()) return bounds;
  bounds.lo = loop->lo;
  bounds.hi = loop->hi;
  auto over_rows = [&](ValueId id, Op better, ExprId start) {
    if (height == 1) return b_.op(better, RegType::kI64, {start, b_.cast(RegType::kI64, value(id))});
    const RegId best = b_.new_register("bound", RegType::kI64, 1, 1);
    top().body->push_back({Declare{.reg = best, .value = start}});
    loop_over(row, from, b_.add(from, b_.i64(height)), {}, [&] {
      const ExprId bound = b_.cast(RegType::kI64, value(id));
      top().body->push_back({Set{.reg = best, .value = b_.op(better, RegType::kI64, {b_.reg(best), bound})}});
    });
    return b_.name_value(*top().body, "bound", b_.reg(best));
  };
  if (bounds.lo != kNone) bounds.all_lo = b_.min(over_rows(bounds.lo, Op::kMax, low(over)), high(over));
  if (bounds.hi != kNone) bounds.all_hi = over_rows(bounds.hi, Op::kMin, high(over));
  bounds.all_lo = b_.name_value(*top().body, "full", bounds.all_lo);
  bounds.all_hi = b_.name_value(*top().body, "rest", b_.max(bounds.all_hi, bounds.all_lo));
  return bounds;
}

}  // namespace aurex::schedule
