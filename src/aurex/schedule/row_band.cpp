// Bands: the rows of a window go through the body as many at a time as a register block has. The rectangles of a band
// stay close to L1, a band runs only the part of a ragged `for` that some row of it runs, and what all rows multiply by
// is copied once for the whole window.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/row_window.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::Reduction;
using ax::ValueId;

AxisSet BlockLowering::band_bit() const {
  return ax::axis_bit(ax::kMaxAxes - 1 - static_cast<AxisId>(axes_of(modes_.chunks).size()));
}

void BlockLowering::bands(const ax::For& loop, const std::function<void()>& fill) {
  if (!modes_.banded || band_) return fill();
  const AxisId row = modes_.row;
  const auto panels = shared_panels_;
  share_panels(loop);
  const ExprId first = low(row), end = high(row);
  Loop band{.var = b_.loop_var(k_.axis(row).name + "0"), .lo = first, .hi = end, .step = b_.i64(block_rows())};
  Body body;
  with_scope({.body = &body, .bound = top().bound | band_bit(), .control = true, .vector = top().vector}, [&] {
    band_ = {.depth = depth(),
             .axis = loop.axis,
             .first_row = first,
             .end_row = end,
             .lo = low(loop.axis),
             .hi = high(loop.axis)};
    window_lo_[row] = b_.var(band.var);
    window_hi_[row] = b_.name_value(body, "end", b_.min(b_.add(b_.var(band.var), band.step), end));
    narrow(loop, fill);
    window_lo_[row] = first;
    window_hi_[row] = end;
    band_.reset();
  });
  band.body = std::move(body);
  top().body->push_back({std::move(band)});
  shared_panels_ = panels;
}

/// Runs `fill` with the part of a ragged `for` that some row of the band in hand runs, if there is any. It starts where
/// a strip of columns starts.
void BlockLowering::narrow(const ax::For& loop, const std::function<void()>& fill) {
  const bool from = loop.lo != kNone && varies(loop.lo), until = loop.hi != kNone && varies(loop.hi);
  if (!from && !until) return fill();
  const AxisId axis = loop.axis;
  const ExprId first = low(axis), last = high(axis), width = b_.i64(std::int64_t{kStripVectors} * k_.target.lanes(4));
  if (from) {
    const ExprId skipped = b_.max(b_.sub(extreme(loop.lo, Reduction::kMin), first), b_.i64(0));
    const ExprId begin = b_.add(first, b_.mul(b_.floor_div(skipped, width), width));
    window_lo_[axis] = b_.name_value(*top().body, "begin", begin);
  }
  if (until) {
    window_hi_[axis] = b_.name_value(*top().body, "end", b_.min(extreme(loop.hi, Reduction::kMax), last));
  }
  guarded(b_.compare(Op::kLt, low(axis), high(axis)), fill);
  window_lo_[axis] = first;
  window_hi_[axis] = last;
}

/// Whether what a contraction multiplies rows by is the same for all bands of the part of `loop` in hand, and there.
bool BlockLowering::may_share(const Contraction& contraction, const ax::For& loop) const {
  const Contraction::Product& product = contraction.products[0];
  const AxisSet own = ax::axis_bit(contraction.column) | ax::axis_bit(product.over);
  if (!product.transposed || !has(own, loop.axis)) return false;
  for (const AxisId axis : axes_of(own & modes_.chunks)) {
    if (window_lo_[axis] == kNone) return false;
  }
  // A row that cannot be blocked with others takes no part.
  if (loop.axis == product.over && !alike_but_for(contraction.row, loop.lo, loop.hi)) return false;
  return std::none_of(product.right.begin(), product.right.end(), [&](ValueId factor) {
    const ValueFacts& fact = k_.fact(factor);
    return fact.changing || (fact.deps & ~own & ~scopes_.back().bound) != 0;
  });
}

/// Copies right operands that do not lie along their columns, strip by strip.
void BlockLowering::share_panels(const ax::For& loop) {
  for (ValueId id = 0; id < modes_.reached.size(); ++id) {
    if (!modes_.reached[id] || shared_panels_.contains(id)) continue;
    const auto contraction = match_row_contraction(k_, id, modes_.row, modes_.range, modes_.keep);
    if (!contraction || !may_share(*contraction, loop)) continue;
    const Contraction::Product& product = contraction->products[0];
    const AxisId column = contraction->column;
    const VectorShape shape = strip_shape(product);
    const ExprId width = b_.i64(std::int64_t{shape.lanes} * shape.vectors);
    const BufferId buffer =
        worker_buffer("panels", scratch_dtype(k_.value(id).type),
                      {b_.ceil_div(window_extent(column), width), panel_depth(product, shape.lanes), width});
    Loop strips{.var = b_.loop_var(k_.axis(column).name + "0"), .lo = low(column), .hi = high(column), .step = width};
    with_scope({.body = &strips.body, .bound = top().bound, .vector = top().vector}, [&] {
      const ExprId first = b_.var(strips.var);
      const ExprId last = b_.name_value(strips.body, "end", b_.min(b_.add(first, width), strips.hi));
      transpose_panel(product, buffer, {b_.floor_div(b_.sub(first, low(column)), width)}, column, first, last,
                      shape.lanes);
    });
    top().body->push_back({std::move(strips)});
    shared_panels_[id] = {.buffer = buffer, .column = low(column), .over = low(product.over)};
  }
}

}  // namespace aurex::schedule
