#pragma once

// How each axis of a parallel block is walked, and which values are kept in scratch memory: decided before any loop is
// built, from the block's accesses alone.

#include <vector>

#include "aurex/schedule/kernel_context.h"

namespace aurex::schedule {

struct AxisModes {
  ax::AxisSet parallel = 0;  // handed out in tiles
  ax::AxisSet range = 0;     // whole axes
  ax::AxisId lane = kNone;   // a parallel axis, or none
  std::int32_t lane_vectors = 1;
  Tail lane_tail = Tail::kNarrow;
  std::vector<bool> reached;  // per value: a statement's effect needs it
  std::vector<bool> keep;     // per value: computed once into scratch, then loaded
  std::vector<double> unit;   // per axis: weight of its unit-stride accesses less its others; orders scratch dims
  // Where rows meet whole axes in contractions (row_window.h) these are range axes too, a window of them at a time.
  ax::AxisId row = kNone;  // a parallel axis, or none
  ax::AxisSet chunks = 0;  // axes of `for`
  bool banded = false;     // the window's rows go through the body a band at a time
  double cost = 0;         // of one position of the parallel axes, in vector instructions of the target, where `inner`
  ax::AxisSet inner = 0;   // axes, walked whole by a position, have their typical extents
};

/// How long an axis is where that is known before a call, else how long it is taken to be.
[[nodiscard]] double typical_extent(const KernelContext& kernel, ax::AxisId axis);

/// `roots` are the statements of the block (a value that is no statement's: see BlockLowering::lower_value). Axes of
/// `together` have to be walked in order and carry no lanes.
[[nodiscard]] AxisModes choose_modes(const KernelContext& kernel, LaunchDecisions& decide,
                                     std::span<const ax::AxisId> parallel, ax::AxisSet together, const ax::Body& body,
                                     std::span<const ax::ValueId> roots);

/// Calls `visit(load, weight)` for every load that evaluating `root` at one point reaches without passing a reduction,
/// a scan or a kept value.
template <typename Visit>
void for_each_point_value(const KernelContext& kernel, const std::vector<bool>& keep, ax::ValueId root,
                          std::vector<bool>& seen, const Visit& visit) {
  if (seen[root]) return;
  seen[root] = true;
  visit(root);
  const ax::Value& v = kernel.value(root);
  if (keep[root] || v.op == ax::Op::kReduce || v.op == ax::Op::kScan || v.op == ax::Op::kArgsort) return;
  for (const ax::ValueId arg : v.args) for_each_point_value(kernel, keep, arg, seen, visit);
  if (v.op != ax::Op::kLoad) return;
  const ax::Load& load = kernel.tiles.loads[v.id];
  for (const ax::Index& index : load.indices) {
    if (index.kind == ax::Index::Kind::kComputed) for_each_point_value(kernel, keep, index.value, seen, visit);
  }
  if (load.otherwise != kNone) for_each_point_value(kernel, keep, load.otherwise, seen, visit);
}

/// How well lanes along `axis` reach the elements named by `indices`: 1 in order, 0 the same for all, -1 one by one.
[[nodiscard]] int lane_quality(const KernelContext& kernel, ax::ArrayId array, const std::vector<ax::Index>& indices,
                               ax::AxisId axis);

}  // namespace aurex::schedule
