// Rows walked a window at a time: the loops over parts of an axis, and the contractions between scratch rectangles.
//
// A contraction takes strips of two vectors of columns. A strip of the right operand that does not lie along its
// columns is copied once for all rows; then a block of 13 rows by 2 vectors stays in registers while the reduced axis
// runs. Each result is one chain of fused multiply-adds.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/row_window.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

namespace {

/// Positions of a `for` per part: of 64 wide keys and values, L2 holds so many besides the rows of a window.
constexpr std::int64_t kChunk = 512;
/// Blocks of rows per window: copying a strip costs about as much as a block.
constexpr std::int64_t kFewestBlocks = 8, kMostBlocks = 40;
/// Rectangles of rows by a whole axis that a window keeps at a time: sums and weights.
constexpr std::int64_t kRectangles = 2;
/// Windows that a launch has at least, so that several workers share it evenly; where that leaves them kFewestBlocks.
constexpr std::int64_t kWindows = 8;

}  // namespace

/// 26 accumulators, 2 vectors, 1 splat of 32 registers; 14 rows would fit too, but multiples of 13 come close to powers
/// of two from above (65, 130, 260), and what is above is done twice.
std::int64_t BlockLowering::block_rows() const {
  return std::max<std::int64_t>((k_.target.vector_registers - kStripVectors - 1) / kStripVectors - 1, 1);
}

/// What half of L2 holds of rows along all whole axes. Rectangles of bands are small.
ExprId BlockLowering::row_window() {
  ExprId elements = b_.i64(1);
  const AxisSet banded = modes_.banded ? modes_.chunks : 0;
  for (const AxisId axis : axes_of(modes_.range & ~ax::axis_bit(modes_.row) & ~banded)) {
    elements = b_.add(elements, window_extent(axis));
  }
  const ExprId block_bytes = b_.mul(elements, b_.i64(block_rows() * kRectangles * 4));
  const ExprId blocks = b_.floor_div(b_.i64(k_.target.l2_bytes / 2), block_bytes);
  return b_.mul(b_.max(b_.min(blocks, b_.i64(kMostBlocks)), b_.i64(1)), b_.i64(block_rows()));
}

/// Windows of nearly equal height, in whole blocks.
ExprId BlockLowering::row_tile(std::span<const AxisId> axes, ExprId rows) {
  const ExprId height = b_.i64(block_rows());
  ExprId all = b_.i64(1);
  for (const AxisId axis : axes) all = b_.mul(all, k_.axis_extent(axis));
  const ExprId share =
      b_.max(b_.mul(b_.ceil_div(all, b_.i64(kWindows * block_rows())), height), b_.i64(kFewestBlocks * block_rows()));
  const ExprId windows = b_.max(b_.ceil_div(rows, b_.min(share, row_window())), b_.i64(1));
  return b_.max(b_.mul(b_.ceil_div(b_.ceil_div(rows, windows), height), height), height);
}

ExprId BlockLowering::window_extent(AxisId axis) {
  if (axis == modes_.row) return band_ ? b_.i64(block_rows()) : row_window();
  return has(modes_.chunks, axis) ? b_.i64(kChunk) : k_.axis_extent(axis);
}

AxisSet BlockLowering::chunk_bit(AxisId axis) const {
  const AxisSet before = modes_.chunks & (ax::axis_bit(axis) - 1);
  return ax::axis_bit(ax::kMaxAxes - 1 - static_cast<AxisId>(axes_of(before).size()));
}

AxisSet BlockLowering::outer(AxisSet deps) const {
  AxisSet axes = deps & ~modes_.range;
  for (const AxisId axis : axes_of(deps & modes_.chunks)) axes |= chunk_bit(axis);
  if (band_ && has(deps, modes_.row)) axes |= band_bit();
  return axes;
}

/// The parts of a `for`: inside, its axis is a range from the part's first position to its last.
void BlockLowering::chunk_loop(const ax::For& stmt, ExprId lo, ExprId hi, const std::function<void()>& fill) {
  const AxisId axis = stmt.axis;
  Loop loop{.var = b_.loop_var(k_.axis(axis).name + "0"), .lo = lo, .hi = hi, .step = b_.i64(kChunk)};
  Body inner;
  with_scope({.body = &inner, .bound = top().bound | chunk_bit(axis), .control = true, .vector = top().vector}, [&] {
    window_lo_[axis] = b_.var(loop.var);
    window_hi_[axis] = b_.name_value(inner, "end", b_.min(b_.add(b_.var(loop.var), b_.i64(kChunk)), hi));
    enclosing_.push_back(axis);
    bands(stmt, fill);
    enclosing_.pop_back();
    window_lo_[axis] = window_hi_[axis] = kNone;
  });
  loop.body = std::move(inner);
  top().body->push_back({std::move(loop)});
}

/// Whether the loop around, if its bounds differ, lets a block of rows find the part that all of them run.
bool BlockLowering::blocks_rows(const Contraction& contraction) const {
  return std::ranges::all_of(ragged_, [&](const Ragged& loop) {
    return loop.axis != contraction.products[0].over || alike_but_for(contraction.row, loop.lo, loop.hi);
  });
}

/// Whether the bounds of a loop differ from row to row at most.
bool BlockLowering::alike_but_for(AxisId row, ValueId lo, ValueId hi) const {
  return std::ranges::all_of(std::initializer_list<ValueId>{lo, hi}, [&](ValueId id) {
    return id == kNone || (range(k_.value(id).axes | k_.fact(id).deps) & ~ax::axis_bit(row)) == 0;
  });
}

BlockLowering::VectorShape BlockLowering::strip_shape(const Contraction::Product& product) const {
  const bool wide = k_.value(product.reduce).type == RegType::kF64;
  return {.lanes = k_.target.lanes(wide ? 8 : 4),
          .vectors = kStripVectors,
          .tail = k_.target.masks ? Tail::kMasked : Tail::kNarrow};
}

/// One body serves every block of rows: in place of rows past the end, the last one is computed again, and scratch has
/// room for what comes of it.
void BlockLowering::keep_contraction(const Contraction& contraction, BufferId buffer) {
  const Contraction::Product& product = contraction.products[0];
  const VectorShape panel = strip_shape(product);
  const AxisId row = contraction.row, column = contraction.column;
  const ExprId width = b_.i64(std::int64_t{panel.lanes} * panel.vectors), height = b_.i64(block_rows());
  const auto shared = shared_panels_.find(product.reduce);
  const bool cleared = clear_past_end(contraction);
  Loop strips{.var = b_.loop_var(k_.axis(column).name + "0"), .lo = low(column), .hi = high(column), .step = width};
  Body body;
  with_scope({.body = &body, .bound = top().bound, .vector = top().vector}, [&] {
    const ExprId first = b_.var(strips.var);
    const ExprId last = b_.name_value(body, "end", b_.min(b_.add(first, width), strips.hi));
    Strip columns{.product = product,
                  .column = column,
                  .first = first,
                  .begin = low(product.over),
                  .sums = buffer,
                  .cleared = cleared};
    if (shared != shared_panels_.end()) {
      columns.panel = shared->second.buffer;
      columns.index = b_.name_value(body, "strip", b_.floor_div(b_.sub(first, shared->second.column), width));
      columns.begin = shared->second.over;
    } else if (product.transposed) {
      columns.panel = pack_panel(product, column, first, last, panel);
    }
    in_nest(0, [&] {
      loop_over(column, first, last, panel, [&] {
        Loop blocks{.var = b_.loop_var(k_.axis(row).name), .lo = low(row), .hi = high(row), .step = height};
        with_scope({.body = &blocks.body, .bound = top().bound, .vector = top().vector},
                   [&] { keep_block(columns, row, b_.var(blocks.var)); });
        top().body->push_back({std::move(blocks)});
      });
    });
  });
  strips.body = std::move(body);
  top().body->push_back({std::move(strips)});
}

/// Where the one left factor lies in scratch, the rows of its last block that are past the end become zeros, and are
/// read like all others. Says whether that is so.
bool BlockLowering::clear_past_end(const Contraction& contraction) {
  const Contraction::Product& product = contraction.products[0];
  const AxisId row = contraction.row;
  const ValueId factor = product.left[0];
  if (product.left.size() != 1 || !modes_.keep[factor] || k_.shared_values.contains(factor)) return false;
  if (top().vector.active()) return false;
  const BufferId buffer = kept_buffer(factor);
  const ax::Value& v = k_.value(factor);
  const ExprId height = b_.i64(block_rows());
  const ExprId blocks = b_.ceil_div(b_.sub(high(row), low(row)), height);
  const VectorShape shape = shape_for(v.type, 1, 4);
  loop_over(row, high(row), b_.add(low(row), b_.mul(blocks, height)), {}, [&] {
    loop_over(product.over, low(product.over), high(product.over), shape,
              [&] { store_scratch(buffer, v.axes, b_.constant(v.type, {}), kNone); });
  });
  return true;
}

/// What all rows of a block run, they run together; before that, where they begin and stop at different positions, with
/// those rows held back that do not take part.
void BlockLowering::keep_block(const Strip& strip, AxisId row, ExprId from) {
  const AxisId over = strip.product.over;
  const std::int64_t height = block_rows();
  const ExprId until = b_.name_value(*top().body, "until", b_.min(b_.add(from, b_.i64(height)), high(row)));
  const ax::Value& sum = k_.value(strip.product.reduce);
  const RowBounds bounds = row_bounds(over, row, from, until);
  const RegId acc = b_.new_register("acc", sum.type, top().vector.lanes, top().vector.vectors, {height});
  top().body->push_back({Declare{.reg = acc, .value = b_.constant(sum.type, {})}});
  const auto existing = [&](ExprId i) { return b_.min(b_.add(from, i), b_.sub(until, b_.i64(1))); };
  const auto step = [&](bool held_back) {
    const ExprId right = right_of(strip);
    each_row(row, from, height, [&](ExprId i) {
      const ExprId place = positions_[row];
      positions_[row] = existing(i);
      const ExprId runs = held_back ? b_.name_value(*top().body, "runs", within(bounds, over)) : kNone;
      if (strip.cleared) positions_[row] = place;
      const ExprId left = b_.name_value(*top().body, "a", product_of(strip.product.left));
      positions_[row] = place;
      const ExprId next = b_.op(Op::kFma, sum.type, {left, right, b_.reg(acc, {i})});
      top().body->push_back({Set{.reg = acc, .indices = {i}, .value = next, .predicate = runs}});
    });
  };
  if (bounds.lo != kNone || bounds.hi != kNone) {
    Loop parts{.var = b_.loop_var("part"), .lo = b_.i64(0), .hi = b_.i64(2)};
    const ExprId before = b_.compare(Op::kEq, b_.var(parts.var), b_.i64(0));
    with_scope({.body = &parts.body, .bound = top().bound, .vector = top().vector}, [&] {
      loop_over(over, b_.select(before, low(over), bounds.all_hi), b_.select(before, bounds.all_lo, high(over)), {},
                [&] { step(/*held_back=*/true); });
    });
    top().body->push_back({std::move(parts)});
  }
  loop_over(over, bounds.all_lo, bounds.all_hi, {}, [&] { step(/*held_back=*/false); });
  each_row(row, from, height, [&](ExprId i) { store_scratch(strip.sums, sum.axes, b_.reg(acc, {i}), kNone); });
}

/// Whether the row in hand runs the position in hand along `over`.
ExprId BlockLowering::within(const RowBounds& bounds, AxisId over) {
  ExprId runs = kNone;
  if (bounds.lo != kNone) {
    runs = b_.compare(Op::kGe, position(over), b_.cast(RegType::kI64, value(bounds.lo)));
  }
  if (bounds.hi == kNone) return runs;
  return b_.both(runs, b_.compare(Op::kLt, position(over), b_.cast(RegType::kI64, value(bounds.hi))));
}

ExprId BlockLowering::right_of(const Strip& strip) {
  std::vector<ExprId> at;
  if (strip.index != kNone) at.push_back(strip.index);
  at.push_back(b_.sub(position(strip.product.over), strip.begin));
  at.push_back(b_.sub(position(strip.column), strip.first));
  const ExprId vectors = strip.panel == kNone ? product_of(strip.product.right) : b_.load(strip.panel, std::move(at));
  return b_.name_value(*top().body, "b", vectors);
}

/// Which positions of the reduced axis, of those in hand, all of some rows run: all of them, unless its loop is ragged.
BlockLowering::RowBounds BlockLowering::row_bounds(AxisId over, AxisId row, ExprId from, ExprId until) {
  RowBounds bounds{.all_lo = low(over), .all_hi = high(over)};
  const auto loop = std::find_if(ragged_.begin(), ragged_.end(), [&](const Ragged& r) { return r.axis == over; });
  if (loop == ragged_.end()) return bounds;
  bounds.lo = loop->lo;
  bounds.hi = loop->hi;
  auto over_rows = [&](ValueId id, Op better, ExprId start) {
    if (until == kNone) return b_.op(better, RegType::kI64, {start, b_.cast(RegType::kI64, value(id))});
    const RegId best = b_.new_register("bound", RegType::kI64, 1, 1);
    top().body->push_back({Declare{.reg = best, .value = start}});
    loop_over(row, from, until, {}, [&] {
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
