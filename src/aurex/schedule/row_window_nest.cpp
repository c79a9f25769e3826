// Rows walked a window at a time: the loops over parts of an axis, and the contractions between scratch rectangles.
//
// A contraction takes strips of two vectors of columns. A strip of the right operand that does not lie along its
// columns is copied once for all rows of the window; then a block of 14 rows by 2 vectors stays in registers while the
// reduced axis runs: 28 accumulators, 2 vectors, 1 splat. Each result is one chain of fused multiply-adds.

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
/// Rectangles of rows by a whole axis that a window keeps at a time: sums, weights, and the right operand beside them.
constexpr std::int64_t kRectangles = 3;

}  // namespace

std::int64_t BlockLowering::block_rows() const {
  return std::max<std::int64_t>((k_.target.vector_registers - kStripVectors - 1) / kStripVectors, 1);
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

void BlockLowering::keep_contraction(const Contraction& contraction, BufferId buffer) {
  const Contraction::Product& product = contraction.products[0];
  const bool wide = k_.value(product.reduce).type == RegType::kF64;
  const VectorShape panel{.lanes = k_.target.lanes(wide ? 8 : 4), .vectors = kStripVectors};
  const AxisId row = contraction.row, column = contraction.column;
  const ExprId width = b_.i64(panel.lanes * panel.vectors);
  Loop strips{.var = b_.loop_var(k_.axis(column).name + "0"), .lo = low(column), .hi = high(column), .step = width};
  Body body;
  with_scope({.body = &body, .bound = top().bound, .vector = top().vector}, [&] {
    const ExprId first = b_.var(strips.var);
    const ExprId last = b_.name_value(body, "end", b_.min(b_.add(first, width), strips.hi));
    const BufferId strip = product.transposed ? pack_panel(product, column, first, last, panel) : kNone;
    in_nest(0, [&] {
      loop_over(column, first, last, panel, [&] {
        row_blocks(row, low(row), high(row), block_rows(), [&](ExprId from, std::int64_t height) {
          keep_block(contraction, strip, first, buffer, from, height);
        });
      });
    });
  });
  strips.body = std::move(body);
  top().body->push_back({std::move(strips)});
}

void BlockLowering::keep_block(const Contraction& contraction, BufferId strip, ExprId first, BufferId buffer,
                               ExprId from, std::int64_t height) {
  const Contraction::Product& product = contraction.products[0];
  const ax::Value& sum = k_.value(product.reduce);
  const AxisId over = product.over;
  const RegId acc = b_.new_register("acc", sum.type, top().vector.lanes, top().vector.vectors, {height});
  top().body->push_back({Declare{.reg = acc, .value = b_.constant(sum.type, {})}});
  auto steps = [&](ExprId lo, ExprId hi, bool masked) {
    loop_over(over, lo, hi, {}, [&] {
      const ExprId vectors =
          strip == kNone
              ? product_of(product.right)
              : b_.load(strip, {b_.sub(position(over), low(over)), b_.sub(position(contraction.column), first)});
      const ExprId right = b_.name_value(*top().body, "b", vectors);
      each_row(contraction.row, from, height, [&](ExprId i) {
        const ExprId left = b_.name_value(*top().body, "a", product_of(product.left));
        const ExprId next = b_.op(Op::kFma, sum.type, {left, right, b_.reg(acc, {i})});
        top().body->push_back({Set{.reg = acc, .indices = {i}, .value = next, .predicate = masked ? live() : kNone}});
      });
    });
  };
  const auto ragged = std::find_if(ragged_.begin(), ragged_.end(), [&](const Ragged& r) { return r.axis == over; });
  if (ragged == ragged_.end()) {
    steps(low(over), high(over), false);
  } else {
    const RowBounds bounds = row_bounds(*ragged, contraction.row, from, height);
    if (ragged->lo != kNone) steps(bounds.any_lo, bounds.all_lo, true);
    steps(bounds.all_lo, bounds.all_hi, false);
    if (ragged->hi != kNone || ragged->lo != kNone) steps(bounds.all_hi, bounds.any_hi, true);
  }
  each_row(contraction.row, from, height, [&](ExprId i) { store_scratch(buffer, sum.axes, b_.reg(acc, {i}), kNone); });
}

/// Which positions of a ragged loop some of the rows run and which all of them do, within the part in hand.
BlockLowering::RowBounds BlockLowering::row_bounds(const Ragged& loop, AxisId row, ExprId from, std::int64_t height) {
  const ExprId begin = low(loop.axis), end = high(loop.axis);
  auto over_rows = [&](ValueId id, Op better, ExprId start) {
    const RegId best = b_.new_register("bound", RegType::kI64, 1, 1);
    top().body->push_back({Declare{.reg = best, .value = start}});
    each_row(row, from, height, [&](ExprId) {
      const ExprId bound = b_.cast(RegType::kI64, value(id));
      top().body->push_back({Set{.reg = best, .value = b_.op(better, RegType::kI64, {b_.reg(best), bound})}});
    });
    return b_.name_value(*top().body, "bound", b_.reg(best));
  };
  RowBounds bounds{.any_lo = begin, .all_lo = begin, .all_hi = end, .any_hi = end};
  if (loop.lo != kNone) {
    bounds.any_lo = b_.max(over_rows(loop.lo, Op::kMin, end), begin);
    bounds.all_lo = b_.min(over_rows(loop.lo, Op::kMax, begin), end);
  }
  if (loop.hi != kNone) {
    bounds.any_hi = b_.max(b_.min(over_rows(loop.hi, Op::kMax, begin), end), bounds.any_lo);
    bounds.all_hi = b_.min(over_rows(loop.hi, Op::kMin, end), bounds.any_hi);
  }
  bounds.all_lo = b_.name_value(*top().body, "full", b_.min(bounds.all_lo, bounds.any_hi));
  bounds.all_hi = b_.name_value(*top().body, "rest", b_.max(bounds.all_hi, bounds.all_lo));
  return bounds;
}

}  // namespace aurex::schedule
