#pragma once

// Schedules turned at random: what the cost model decided for a program, with some entries changed to what else is
// accepted there. Whatever comes out has to compute the same.

#include <cstdint>

#include "aurex/schedule/lower.h"

namespace aurex::testing {

/// The pins after up to `turns` entries were turned; what lower() refuses for the program is not turned. A pure
/// function of the seed and the program.
[[nodiscard]] schedule::Schedule turned_schedule(const ax::TileProgram& program, const schedule::StrideClasses& classes,
                                                 schedule::SizeClass size, const schedule::Target& target,
                                                 std::uint64_t seed, int turns);

}  // namespace aurex::testing
