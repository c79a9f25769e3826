#pragma once

// From the tile program to the loop program: the only place where a schedule applies.

#include <cstdint>
#include <vector>

#include "aurex/ax/tile_program.h"
#include "aurex/schedule/loop_program.h"
#include "aurex/schedule/schedule.h"
#include "aurex/schedule/target.h"

namespace aurex::schedule {

/// What specialises code beyond the tile program: per array and dimension, the stride as far as it is known.
/// Arrays whose extents are 0 or 1 along a dimension count as kUnit or kZero, whichever serves.
struct StrideClasses {
  std::vector<std::vector<Buffer::Stride>> arrays;  // in the order of TileProgram::arrays
  friend bool operator==(const StrideClasses&, const StrideClasses&) = default;
};

/// Which shape of code suits the extents of a contraction; chosen per call, compiled on first use.
enum class SizeClass : std::uint8_t { kSkinny, kDirect, kSmall, kLarge };

/// Chooses from the extents (AurexFrame order); kDirect where the kernel has no contraction.
[[nodiscard]] SizeClass size_class(const ax::TileProgram& program, const std::int64_t* extents);

/// Assumes a verified tile program; ensures a verified loop program whose results do not depend on the number of
/// workers. Raises NotImplemented naming the construct where the CPU code generator has none yet.
[[nodiscard]] LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size,
                                const Target& target);

/// The same as `schedule` pins it; what that leaves open the cost model decides. On return `schedule` is complete, and
/// lowers to the same loop program again. Raises InvalidConfig where it does not fit the program, the target or the
/// classes, and leaves it as it was.
[[nodiscard]] LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size,
                                const Target& target, Schedule& schedule);

}  // namespace aurex::schedule
