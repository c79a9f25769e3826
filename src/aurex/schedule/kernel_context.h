#pragma once

// What the lowering of one kernel shares between its launches: the program being built and where arrays, kernel-level
// variables and kernel-level values lie in memory.

#include <map>
#include <span>
#include <unordered_map>

#include "aurex/base/kernel_abi.h"
#include "aurex/schedule/builder.h"
#include "aurex/schedule/decisions.h"
#include "aurex/schedule/facts.h"
#include "aurex/schedule/lower.h"

namespace aurex::schedule {

struct KernelContext {
  KernelContext(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size, const Target& target,
                Schedule given);

  const ax::TileProgram& tiles;
  const StrideClasses& classes;
  SizeClass size;
  const Target& target;
  ProgramFacts facts;
  Decisions decide;
  LoopProgram out;
  LoopBuilder b;

  std::vector<BufferId> arrays;  // per array of the tile program
  // Kernel-level state lives in shared memory, one dimension per axis in ascending order, so that launches see it.
  std::unordered_map<ax::ValueId, BufferId> shared_values;
  std::unordered_map<ax::VarId, BufferId> shared_vars;
  // Positions of kernel-level loops, one i64 cell each.
  std::map<ax::AxisId, BufferId> shared_positions;  // from the outside in

  [[nodiscard]] const ax::Value& value(ax::ValueId id) const { return tiles.values[id]; }
  [[nodiscard]] const ValueFacts& fact(ax::ValueId id) const { return facts.values[id]; }
  [[nodiscard]] const ax::Axis& axis(ax::AxisId id) const { return tiles.axes[id]; }

  /// Takes these launch scalars for known numbers in the code made from now on: a branch around it says so.
  void assume(const std::unordered_map<ax::ValueId, std::int64_t>& numbers);

  /// A launch scalar as an expression without names, legal anywhere, in a buffer's extents too.
  [[nodiscard]] ExprId launch_scalar(ax::ValueId id);
  /// The extent of an axis, i64.
  [[nodiscard]] ExprId axis_extent(ax::AxisId id);
  /// True where some array's stride class says that this axis is a pack of several merged axes.
  [[nodiscard]] bool is_odometer(ax::AxisId id) const;
  /// A shared buffer with one dimension per axis.
  [[nodiscard]] BufferId shared_buffer(std::string name, RegType type, ax::AxisSet axes);
  /// A place whose positions count along `axes`, the last one fastest.
  [[nodiscard]] std::int32_t site(ax::Span span, std::string text, std::span<const ax::AxisId> axes);

 private:
  [[nodiscard]] ExprId make_launch_scalar(const ax::Value& v);

  std::unordered_map<ax::ValueId, ExprId> launch_scalars_;  // made so far, or assumed
};

}  // namespace aurex::schedule
