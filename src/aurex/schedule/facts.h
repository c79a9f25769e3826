#pragma once

// What lowering needs to know of every value of a tile program, found in one walk over the DAG.

#include <string>
#include <vector>

#include "aurex/ax/tile_program.h"

namespace aurex::schedule {

/// Costs beyond this mean "too dear to compute twice" and are not told apart.
inline constexpr std::int32_t kMaxCost = 1000;

struct ValueFacts {
  ax::AxisSet deps = 0;    // axes the value varies over, those walked one position at a time included
  bool changing = false;   // reads a variable or an array that this kernel writes
  bool memory = false;     // reads an array
  bool checked = false;    // contains an index that must be checked
  bool scalar = false;     // a launch scalar: constants, extents and scalar parameters only
  std::int32_t cost = 0;   // operations per element, up to the nearest reduction
  std::int32_t users = 0;  // values, indices and statements that name it
};

struct ProgramFacts {
  std::vector<ValueFacts> values;
  std::vector<bool> written;  // per array: some statement stores to it
};

[[nodiscard]] ProgramFacts gather_facts(const ax::TileProgram& program);

/// All values that a statement names directly: conditions, bounds, indices, right sides. Not those of its body.
[[nodiscard]] std::vector<ax::ValueId> operands(const ax::Stmt& stmt);

/// Calls `visit` for each statement of a body, outer ones first.
template <typename Visit>
void for_each_stmt(const ax::Body& body, const Visit& visit);

/// The axes of a set, ascending.
[[nodiscard]] std::vector<ax::AxisId> axes_of(ax::AxisSet set);

[[nodiscard]] inline bool has(ax::AxisSet set, ax::AxisId axis) { return (set & ax::axis_bit(axis)) != 0; }

template <typename Visit>
void for_each_stmt(const ax::Body& body, const Visit& visit) {
  for (const ax::Stmt& stmt : body) {
    visit(stmt);
    if (const auto* parallel = std::get_if<ax::Parallel>(&stmt.node)) for_each_stmt(parallel->body, visit);
    if (const auto* loop = std::get_if<ax::For>(&stmt.node)) for_each_stmt(loop->body, visit);
    if (const auto* loop = std::get_if<ax::While>(&stmt.node)) for_each_stmt(loop->body, visit);
    if (const auto* branch = std::get_if<ax::If>(&stmt.node)) {
      for_each_stmt(branch->then_body, visit);
      for_each_stmt(branch->else_body, visit);
    }
  }
}

}  // namespace aurex::schedule
