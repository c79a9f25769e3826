#include "aurex/schedule/axis_modes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "aurex/schedule/row_window.h"

namespace aurex::schedule {
namespace {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

/// Most extents are not known when modes are chosen; such an axis counts as this long.
constexpr double kTypicalExtent = 64;
/// A value dearer than this is stored once and loaded rather than computed in several nests: a store and a load of L1
/// lines cost about as much as this many vector operations.
constexpr std::int32_t kKeepCost = 8;

/// Of argsort, per element: four passes of half a dozen instructions each.
constexpr double kSortCost = 24;

/// Below the weight of any access.
constexpr double kRowUnit = -1e30;

/// Statements and values of one block, gathered.
struct Roots {
  struct Root {
    ValueId value = kNone;
    const ax::Store* store = nullptr;
  };
  std::vector<Root> all;
  AxisSet loops = 0;  // axes of `for`
  AxisSet axes = 0;   // all that any value or statement mentions
};

Roots gather(const KernelContext& kernel, const ax::Body& body, std::span<const ValueId> values) {
  Roots roots;
  for (const ValueId v : values) roots.all.push_back({.value = v});
  for_each_stmt(body, [&](const ax::Stmt& stmt) {
    const auto* store = std::get_if<ax::Store>(&stmt.node);
    if (std::holds_alternative<ax::Let>(stmt.node)) return;  // its users count
    for (const ValueId v : operands(stmt)) roots.all.push_back({.value = v, .store = store});
    if (const auto* loop = std::get_if<ax::For>(&stmt.node)) roots.loops |= ax::axis_bit(loop->axis);
    if (const auto* declare = std::get_if<ax::Declare>(&stmt.node)) roots.axes |= kernel.tiles.vars[declare->var].axes;
    if (const auto* assign = std::get_if<ax::Assign>(&stmt.node)) roots.axes |= kernel.tiles.vars[assign->var].axes;
    if (store) {
      for (const ax::Index& index : store->indices) {
        if (index.kind == ax::Index::Kind::kAxis) roots.axes |= ax::axis_bit(index.axis);
      }
    }
  });
  return roots;
}

/// All values that the roots reach, reductions included.
std::vector<bool> reachable(const KernelContext& kernel, const Roots& roots) {
  std::vector<bool> seen(kernel.tiles.values.size(), false);
  for (const Roots::Root& root : roots.all) seen[root.value] = true;
  for (ValueId v = static_cast<ValueId>(seen.size()); v-- > 0;) {
    if (!seen[v]) continue;
    for (const ValueId arg : kernel.value(v).args) seen[arg] = true;
    if (kernel.value(v).op != Op::kLoad) continue;
    const ax::Load& load = kernel.tiles.loads[kernel.value(v).id];
    for (const ax::Index& index : load.indices) {
      if (index.kind == ax::Index::Kind::kComputed) seen[index.value] = true;
    }
    if (load.otherwise != kNone) seen[load.otherwise] = true;
  }
  return seen;
}

/// The nests that a value is computed in, as far as two of them are told apart.
class NestCount {
 public:
  void add(std::uint32_t nest) {
    if (nests_[0] == nest || nests_[1] == nest) return;
    (nests_[0] == kNone ? nests_[0] : nests_[1]) = nest;
  }
  void add(const NestCount& other) {
    for (const std::uint32_t nest : other.nests_) {
      if (nest != kNone) add(nest);
    }
  }
  [[nodiscard]] bool several() const { return nests_[1] != kNone; }

 private:
  std::array<std::uint32_t, 2> nests_ = {kNone, kNone};
};

bool opens_nest(Op op) { return op == Op::kReduce || op == Op::kScan || op == Op::kArgsort || op == Op::kReindex; }

/// Whether a value can live in scratch as well as be computed again by each nest that needs it.
bool may_be_kept(const KernelContext& kernel, ValueId id) {
  const Op op = kernel.value(id).op;
  return !kernel.fact(id).scalar && op != Op::kConst && op != Op::kLoad && op != Op::kVar && op != Op::kPosition;
}

/// Walks users before what they use, so that a kept value hides what it is made of.
std::vector<bool> choose_kept(const KernelContext& kernel, LaunchDecisions& decide, const Roots& roots,
                              const std::vector<bool>& reached, AxisSet range) {
  std::vector<bool> keep(reached.size(), false);
  std::vector<NestCount> nests(reached.size());
  const auto value_count = static_cast<std::uint32_t>(reached.size());
  for (std::uint32_t i = 0; i < roots.all.size(); ++i) {
    // The operands of one store share its nest.
    const std::uint32_t nest = i > 0 && roots.all[i].store && roots.all[i].store == roots.all[i - 1].store ? i - 1 : i;
    nests[roots.all[i].value].add(value_count + nest);
  }
  for (ValueId v = value_count; v-- > 0;) {
    if (!reached[v]) continue;
    const ax::Value& value = kernel.value(v);
    const ValueFacts& fact = kernel.fact(v);
    const bool ranged = (value.axes & range) != 0;
    if (!keep[v] && ranged) {
      const bool dear = fact.cost >= kKeepCost && nests[v].several();
      keep[v] = opens_nest(value.op) ? value.op != Op::kReindex : may_be_kept(kernel, v) && decide.keep(v, dear);
    }
    NestCount mine = nests[v];
    if (keep[v] || opens_nest(value.op)) {
      mine = {};
      mine.add(v);
    }
    for (const ValueId arg : value.args) nests[arg].add(mine);
    if (value.op == Op::kReindex && (kernel.value(value.args[0]).axes & range) != 0) keep[value.args[0]] = true;
    if (value.op != Op::kLoad) continue;
    const ax::Load& load = kernel.tiles.loads[value.id];
    for (const ax::Index& index : load.indices) {
      if (index.kind == ax::Index::Kind::kComputed) nests[index.value].add(mine);
    }
    if (load.otherwise != kNone) nests[load.otherwise].add(mine);
  }
  return keep;
}

/// One load or store of the block.
struct Reference {
  ax::ArrayId array;
  const std::vector<ax::Index>* indices;
  AxisSet deps;
};

std::vector<Reference> references(const KernelContext& kernel, const Roots& roots, const std::vector<bool>& reached) {
  std::vector<Reference> all;
  for (ValueId v = 0; v < reached.size(); ++v) {
    if (!reached[v] || kernel.value(v).op != Op::kLoad) continue;
    const ax::Load& load = kernel.tiles.loads[kernel.value(v).id];
    all.push_back({load.array, &load.indices, kernel.fact(v).deps});
  }
  const ax::Store* last = nullptr;
  for (const Roots::Root& root : roots.all) {
    if (!root.store || root.store == last) continue;
    last = root.store;
    AxisSet deps = kernel.fact(root.store->value).deps;
    for (const ax::Index& index : root.store->indices) {
      deps |= index.kind == ax::Index::Kind::kAxis ? ax::axis_bit(index.axis) : kernel.fact(index.value).deps;
    }
    // A store takes a line in and out: it counts twice.
    all.push_back({root.store->array, &root.store->indices, deps});
    all.push_back({root.store->array, &root.store->indices, deps});
  }
  return all;
}

double weight(const KernelContext& kernel, AxisSet axes) {
  double product = 1;
  for (const AxisId axis : axes_of(axes)) product *= typical_extent(kernel, axis);
  return product;
}

/// Vector instructions per position of the tiles, when `lane` (or, with kNone, the best range axis of each access)
/// carries the lanes.
double estimate(const KernelContext& kernel, const std::vector<Reference>& refs, const std::vector<bool>& reached,
                AxisSet inner, AxisSet range, AxisId lane) {
  const double lanes = kernel.target.lanes(4);
  double cost = 0;
  for (const Reference& ref : refs) {
    bool wide = lane != kNone && lane_quality(kernel, ref.array, *ref.indices, lane) >= 0;
    if (lane == kNone) {
      for (const AxisId axis : axes_of(ref.deps & range)) {
        wide = wide || lane_quality(kernel, ref.array, *ref.indices, axis) > 0;
      }
    }
    cost += weight(kernel, ref.deps & inner) / (wide ? lanes : 1);
  }
  for (ValueId v = 0; v < reached.size(); ++v) {
    if (!reached[v] || kernel.fact(v).scalar) continue;
    const bool wide = lane != kNone || (kernel.fact(v).deps & range) != 0;
    cost += 0.5 * weight(kernel, kernel.fact(v).deps & inner) / (wide ? lanes : 1);
    if (kernel.value(v).op == Op::kArgsort) cost += kSortCost * weight(kernel, kernel.value(v).axes & inner);
  }
  return cost;
}

bool short_axis(const KernelContext& kernel, AxisId axis) {
  const ax::Value& extent = kernel.value(kernel.axis(axis).extent);
  return extent.op == Op::kConst && extent.integer < kernel.target.lanes(4) / 2;
}

/// Of the body of a lane loop that costs little to write a second time for the rest of its range.
constexpr std::int64_t kCheap = 16;

std::int64_t operations(const KernelContext& kernel, const std::vector<bool>& reached) {
  std::int64_t count = 0;
  for (ValueId v = 0; v < reached.size(); ++v) count += reached[v] && !kernel.fact(v).scalar;
  return count;
}

/// Lines are sorted one after the other, lanes run along them.
bool sorts(const KernelContext& kernel, const std::vector<bool>& reached) {
  for (ValueId v = 0; v < reached.size(); ++v) {
    if (reached[v] && kernel.value(v).op == Op::kArgsort) return true;
  }
  return false;
}

/// More vectors per step hide latency until the registers run out; dear bodies are wide enough by themselves.
std::int32_t lane_vectors(std::int64_t operations) {
  if (operations <= kCheap) return 4;
  return operations <= 60 ? 2 : 1;
}

/// The parallel axis along which a position costs least, if that is less than in nests of whole axes.
void choose_lane(const KernelContext& kernel, LaunchDecisions& decide, std::span<const AxisId> parallel,
                 AxisSet together, const std::vector<Reference>& refs, AxisSet inner, AxisModes& modes) {
  const auto cost_of = [&](AxisId lane) { return estimate(kernel, refs, modes.reached, inner, modes.range, lane); };
  AxisSet legal = 0;
  AxisId chosen = kNone;
  modes.cost = cost_of(kNone);
  if (sorts(kernel, modes.reached)) return;
  double least = modes.cost;
  for (const AxisId axis : parallel) {
    if (modes.row != kNone || kernel.axis(axis).unit || kernel.is_odometer(axis)) continue;
    if (!has(together, axis)) legal |= ax::axis_bit(axis);
    // Among equals the last axis wins: it is the one that the source lets run fastest.
    if (const double cost = cost_of(axis); cost <= least && !short_axis(kernel, axis)) {
      least = cost;
      chosen = axis;
    }
  }
  if (legal == 0) return;
  if (chosen != kNone && !has(legal, chosen)) chosen = kNone;
  const std::int64_t body = operations(kernel, modes.reached);
  const LaneChoice lanes = decide.vector({.axis = chosen, .vectors = lane_vectors(body)}, legal);
  modes.lane_tail = kernel.target.masks && body > kCheap ? Tail::kMasked : Tail::kNarrow;
  modes.lane = lanes.axis;
  modes.lane_vectors = lanes.vectors;
  if (modes.lane != kNone) modes.cost = cost_of(modes.lane);
}

}  // namespace

double typical_extent(const KernelContext& kernel, AxisId axis) {
  const ax::Value& extent = kernel.value(kernel.axis(axis).extent);
  return extent.op == Op::kConst ? static_cast<double>(std::max<std::int64_t>(extent.integer, 1)) : kTypicalExtent;
}

int lane_quality(const KernelContext& kernel, ax::ArrayId array, const std::vector<ax::Index>& indices, AxisId axis) {
  int quality = 0;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const ax::Index& index = indices[d];
    const Buffer::Stride stride = kernel.classes.arrays[array][d];
    const bool bare = index.kind == ax::Index::Kind::kAxis;
    if (!(bare ? index.axis == axis : has(kernel.fact(index.value).deps, axis))) continue;
    if (stride == Buffer::Stride::kZero && bare) continue;
    // A position plus something else still walks in order; anything more is a gather.
    const bool in_order = bare || kernel.value(index.value).op == Op::kAdd ||
                          kernel.value(index.value).op == Op::kSub || kernel.value(index.value).op == Op::kPosition;
    if (stride != Buffer::Stride::kUnit || !in_order || quality != 0 || (!bare && kernel.fact(index.value).memory))
      return -1;
    quality = 1;
  }
  return quality;
}

AxisModes choose_modes(const KernelContext& kernel, LaunchDecisions& decide, std::span<const AxisId> parallel,
                       AxisSet together, const ax::Body& body, std::span<const ValueId> values) {
  AxisModes modes;
  for (const AxisId axis : parallel) modes.parallel |= ax::axis_bit(axis);
  const Roots roots = gather(kernel, body, values);
  const std::vector<bool> reached = reachable(kernel, roots);
  AxisSet mentioned = roots.axes;
  for (ValueId v = 0; v < reached.size(); ++v) {
    if (reached[v]) mentioned |= kernel.value(v).axes | kernel.fact(v).deps | kernel.value(v).over;
  }
  AxisSet outer = modes.parallel | roots.loops;
  for (const auto& [axis, buffer] : kernel.shared_positions) outer |= ax::axis_bit(axis);
  modes.range = mentioned & ~outer;
  RowWindow window = match_row_window(kernel, parallel, body, reached, modes.range, roots.loops);
  if (window.row != kNone) {
    const Form forms[] = {Form::kPositions, Form::kRows};
    if (decide.form(Form::kRows, forms) != Form::kRows) window = {};
  }
  modes.row = window.row;
  modes.chunks = window.chunks;
  modes.banded = window.banded;
  if (modes.row != kNone) modes.range |= modes.chunks | ax::axis_bit(modes.row);
  modes.reached = reached;
  modes.keep = choose_kept(kernel, decide, roots, reached, modes.range);

  const std::vector<Reference> refs = references(kernel, roots, reached);
  const AxisSet inner = modes.inner = (modes.range | roots.loops) & ~modes.parallel;
  choose_lane(kernel, decide, parallel, together, refs, inner, modes);
  modes.unit.assign(kernel.tiles.axes.size(), 0);
  for (const AxisId axis : axes_of(modes.range)) {
    for (const Reference& ref : refs) {
      modes.unit[axis] += lane_quality(kernel, ref.array, *ref.indices, axis) * weight(kernel, ref.deps & inner);
    }
  }
  // Rectangles of rows lie row by row, those of a chunk along it.
  for (const AxisId axis : axes_of(modes.chunks)) modes.unit[axis] = kRowUnit / 2;
  if (modes.row != kNone) modes.unit[modes.row] = kRowUnit;
  return modes;
}

}  // namespace aurex::schedule
