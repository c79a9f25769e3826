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

/// Which shape of code suits the extents of a contraction; chosen per call, compiled on first use. Right for any
/// extents, fast for those that it was chosen for.
struct SizeClass {
  enum Kind : std::uint8_t {
    kSkinny,    // few rows: the right operand is read about once
    kDirect,    // a right operand that fits L1 is read where it lies
    kPanel,     // panels of the right operand are copied whole, sums never leave the registers
    kSmall,     // the right operand is copied in chunks
    kLarge,     // both operands are: rows of the left one lie 4 KiB apart
    kImplicit,  // several reduced axes: the right operand is made as it is copied
  };
  Kind kind = kDirect;
  /// The block of results that stays in registers: rows by machine vectors of columns.
  std::uint8_t rows = 4, vectors = 1;

  constexpr SizeClass(Kind kind = kDirect) : kind(kind) {}  // NOLINT(google-explicit-constructor): with the usual block
  constexpr SizeClass(Kind kind, int rows, int vectors)
      : kind(kind), rows(static_cast<std::uint8_t>(rows)), vectors(static_cast<std::uint8_t>(vectors)) {}
  friend bool operator==(const SizeClass&, const SizeClass&) = default;
};

/// Chooses from the extents (AurexFrame order); kDirect where the kernel has no contraction.
[[nodiscard]] SizeClass size_class(const ax::TileProgram& program, const std::int64_t* extents, const Target& target);

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
