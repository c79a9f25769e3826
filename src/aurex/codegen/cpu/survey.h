#pragma once

// What has to be known of a whole loop program before its first function is written.
//
// Blocks see nothing of the drive but the frame. A let or loop variable of the top that a launch uses is *computed
// again* in the block where it follows from the frame alone, else *captured*: the drive writes it into a slot at the
// start of the call's shared scratch, and the block reads it there.

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "aurex/schedule/loop_program.h"

namespace aurex::codegen {

struct Survey {
  std::vector<const schedule::Launch*> launches;  // in program order
  /// The expression of each let.
  std::vector<schedule::ExprId> let_values;
  /// Per expression: follows from the frame's extents and scalars alone.
  std::vector<bool> from_frame;
  /// Slots of captured lets and variables, 8 bytes each.
  std::map<schedule::LetId, std::uint32_t> captured_lets;
  std::map<schedule::VarId, std::uint32_t> captured_vars;

  [[nodiscard]] std::int64_t capture_bytes() const {
    const auto slots = static_cast<std::int64_t>(captured_lets.size() + captured_vars.size());
    return (slots * 8 + 63) / 64 * 64;
  }
};

[[nodiscard]] Survey survey(const schedule::LoopProgram& program);

/// What a launch may do: AurexLaunchFlags.
[[nodiscard]] std::uint32_t launch_flags(const schedule::Launch& launch);

/// Registers that a body sets, nested bodies included, ascending.
[[nodiscard]] std::vector<schedule::RegId> registers_set(const schedule::Body& body);

/// What a launch takes from the top of the program.
struct FreeNames {
  std::set<schedule::LetId> lets;
  std::set<schedule::VarId> vars;
};
[[nodiscard]] FreeNames free_names(const schedule::LoopProgram& program, const schedule::Launch& launch);

/// (buffer, dimension) pairs whose index in the body is exactly this odometer variable.
[[nodiscard]] std::vector<std::pair<schedule::BufferId, std::size_t>> pack_uses(const schedule::LoopProgram& program,
                                                                                const schedule::Body& body,
                                                                                schedule::VarId var);

}  // namespace aurex::codegen
