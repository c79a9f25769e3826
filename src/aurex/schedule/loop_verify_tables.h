#pragma once

// The part of verify() that looks at a loop program's tables, before any statement: what they name exists, and sizes of
// buffers are known before a call runs.

#include <string>
#include <vector>

#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

/// Complaints; where there are none, walks over expressions end and find what they name.
[[nodiscard]] std::vector<std::string> verify_tables(const LoopProgram& program);

/// A number of lanes that machines and `tree` can do: a power of two up to 64.
[[nodiscard]] bool is_lane_count(std::int32_t lanes);

}  // namespace aurex::schedule
