#include "aurex/schedule/row_window.h"

#include <algorithm>

#include "aurex/schedule/axis_modes.h"

namespace aurex::schedule {
namespace {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

void flatten(const KernelContext& kernel, ValueId id, const std::vector<bool>& keep, std::vector<ValueId>& factors) {
  const ax::Value& v = kernel.value(id);
  if (v.op != Op::kMul || keep[id]) return factors.push_back(id);
  for (const ValueId arg : v.args) flatten(kernel, arg, keep, factors);
}

bool along(const KernelContext& kernel, ValueId factor, AxisId column, const std::vector<bool>& keep) {
  std::vector<bool> seen(kernel.tiles.values.size(), false);
  bool fine = true;
  for_each_point_value(kernel, keep, factor, seen, [&](ValueId at) {
    if (keep[at] || kernel.value(at).op != Op::kLoad) return;
    const ax::Load& load = kernel.tiles.loads[kernel.value(at).id];
    fine = fine && lane_quality(kernel, load.array, load.indices, column) >= 0;
  });
  return fine;
}

/// Statements that run for a window of rows as they do for one.
bool plain(const ax::Body& body) {
  bool fine = !body.empty();
  for_each_stmt(body, [&](const ax::Stmt& stmt) {
    const auto* store = std::get_if<ax::Store>(&stmt.node);
    fine = fine && (std::holds_alternative<ax::Let>(stmt.node) || std::holds_alternative<ax::Declare>(stmt.node) ||
                    std::holds_alternative<ax::Assign>(stmt.node) || std::holds_alternative<ax::For>(stmt.node) ||
                    (store && store->update == ax::Update::kSet));
  });
  return fine;
}

bool plain(const KernelContext& kernel, const std::vector<bool>& reached) {
  for (ValueId v = 0; v < reached.size(); ++v) {
    if (!reached[v]) continue;
    const Op op = kernel.value(v).op;
    if (op == Op::kScan || op == Op::kArgsort || op == Op::kReindex || op == Op::kRandom) return false;
    if (kernel.fact(v).checked) return false;
  }
  return true;
}

/// Whether every reduction over a chunk can take it in parts: its result has the axes of the loop's bounds, and is no
/// mean.
bool divisible(const KernelContext& kernel, const ax::Body& body, const std::vector<bool>& reached, AxisSet ranges,
               AxisSet chunks) {
  bool fine = true;
  for_each_stmt(body, [&](const ax::Stmt& stmt) {
    const auto* loop = std::get_if<ax::For>(&stmt.node);
    if (!loop || !has(chunks, loop->axis)) return;
    AxisSet bounds = 0;
    for (const ValueId id : {loop->lo, loop->hi}) {
      if (id != kNone) bounds |= (kernel.value(id).axes | kernel.fact(id).deps) & ranges;
    }
    for (ValueId v = 0; v < reached.size(); ++v) {
      const ax::Value& value = kernel.value(v);
      if (!reached[v] || value.op != Op::kReduce || !has(value.over, loop->axis)) continue;
      fine = fine && value.reduction != ax::Reduction::kMean && (bounds & ~value.axes) == 0;
    }
  });
  return fine;
}

/// Whether there are loops over chunks that can run for some rows and then again for others: all that they change has
/// the rows.
bool by_bands(const KernelContext& kernel, const ax::Body& body, AxisId row, AxisSet chunks) {
  bool fine = chunks != 0;
  for_each_stmt(body, [&](const ax::Stmt& stmt) {
    const auto* loop = std::get_if<ax::For>(&stmt.node);
    if (!loop || !has(chunks, loop->axis)) return;
    for_each_stmt(loop->body, [&](const ax::Stmt& inner) {
      const auto* assign = std::get_if<ax::Assign>(&inner.node);
      fine = fine && (!assign || has(kernel.tiles.vars[assign->var].axes, row));
    });
  });
  return fine;
}

}  // namespace

std::optional<Contraction> match_row_contraction(const KernelContext& kernel, ValueId id, AxisId row, AxisSet range,
                                                 const std::vector<bool>& keep) {
  const ax::Value& v = kernel.value(id);
  if (v.op != Op::kReduce || v.reduction != ax::Reduction::kSum || !ax::is_float(v.type)) return std::nullopt;
  const std::vector<AxisId> over = axes_of(v.over);
  const std::vector<AxisId> result = axes_of(v.axes & range);
  if (over.size() != 1 || !has(range, over[0]) || result.size() != 2 || !has(v.axes, row)) return std::nullopt;
  const AxisId column = result[0] == row ? result[1] : result[0];
  if (kernel.is_odometer(over[0]) || kernel.is_odometer(column)) return std::nullopt;
  if (kernel.value(v.args[0]).type != v.type || keep[v.args[0]]) return std::nullopt;
  Contraction::Product product{.reduce = id, .over = over[0]};
  std::vector<ValueId> factors;
  flatten(kernel, v.args[0], keep, factors);
  bool rows = false;
  for (const ValueId factor : factors) {
    const AxisSet axes = kernel.value(factor).axes;
    if (has(axes, column) && has(axes, row)) return std::nullopt;
    rows = rows || has(axes, row);
    (has(axes, column) ? product.right : product.left).push_back(factor);
    if (has(axes, column)) product.transposed = product.transposed || !along(kernel, factor, column, keep);
  }
  if (product.right.empty() || !rows) return std::nullopt;
  return Contraction{.row = row, .column = column, .others = {}, .products = {std::move(product)}};
}

RowWindow match_row_window(const KernelContext& kernel, std::span<const AxisId> parallel, const ax::Body& body,
                           const std::vector<bool>& reached, AxisSet range, AxisSet loops) {
  if (!plain(body) || !plain(kernel, reached)) return {};
  AxisSet walked = 0;
  for (const AxisId axis : axes_of(loops)) {
    if (!kernel.axis(axis).unit && !kernel.is_odometer(axis)) walked |= ax::axis_bit(axis);
  }
  const std::vector<bool> keep(reached.size(), false);
  for (std::size_t i = parallel.size(); i-- > 0;) {
    const AxisId row = parallel[i];
    if (kernel.axis(row).unit || kernel.is_odometer(row)) continue;
    const AxisSet ranges = range | walked | ax::axis_bit(row);
    RowWindow found;
    for (ValueId v = 0; v < reached.size(); ++v) {
      if (!reached[v]) continue;
      const std::optional<Contraction> sum = match_row_contraction(kernel, v, row, ranges, keep);
      if (!sum) continue;
      found.row = row;
      found.chunks |= (ax::axis_bit(sum->column) | ax::axis_bit(sum->products[0].over)) & walked;
    }
    const bool room = kernel.tiles.axes.size() + axes_of(found.chunks).size() + 1 <= ax::kMaxAxes;
    found.banded = found.row != kNone && by_bands(kernel, body, row, found.chunks);
    if (found.row != kNone && room && divisible(kernel, body, reached, ranges, found.chunks)) return found;
  }
  return {};
}

}  // namespace aurex::schedule
