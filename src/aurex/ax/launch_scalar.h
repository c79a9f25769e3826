#pragma once

// Values that are the same for a whole launch: `where` definitions and checks, start values, extents of axes.
//
// Such a value depends on constants, extents and scalar parameters only. A LaunchScalar is one of them as a flat list
// of operations, made once per program; evaluating it is a walk over that list and allocates nothing for up to 64
// operations. Immutable once made; any thread may evaluate.
//
//   LaunchScalar columns(program, program.dims[2].defined_by);
//   if (columns.ready(extents)) extents[2] = columns.integer({extents, f64s, i64s});

#include <cstdint>
#include <vector>

#include "aurex/ax/element.h"
#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// What a launch knows, laid out as in AurexFrame. An extent below 0 is not known yet.
struct LaunchFacts {
  const std::int64_t* extents = nullptr;
  const double* f64_scalars = nullptr;
  const std::int64_t* i64_scalars = nullptr;
};

/// Whether a value depends on constants, extents and scalar parameters only.
[[nodiscard]] bool is_launch_scalar(const TileProgram& program, ValueId value);

class LaunchScalar {
 public:
  /// Raises KernelError where the value is no launch scalar.
  LaunchScalar(const TileProgram& program, ValueId value);

  /// Are all extents known that it reads?
  [[nodiscard]] bool ready(const std::int64_t* extents) const;
  [[nodiscard]] RegType type() const { return steps_.back().type; }
  [[nodiscard]] Cell evaluate(const LaunchFacts& facts) const;
  [[nodiscard]] std::int64_t integer(const LaunchFacts& facts) const { return to_i64(type(), evaluate(facts)); }

 private:
  struct Step {
    Op op = Op::kConst;
    RegType type = RegType::kI64, operand = RegType::kI64;
    Cell constant;                      // kConst
    std::uint32_t id = kNone;           // kExtent: the dimension; kScalar: the slot
    std::uint32_t args[3] = {0, 0, 0};  // earlier steps
    std::uint32_t arg_count = 0;
  };
  std::uint32_t flatten(const TileProgram& program, ValueId value, std::vector<std::uint32_t>& step_of);
  void run(const LaunchFacts& facts, Cell* cells) const;

  std::vector<Step> steps_;
};

/// The scalar parameter in the type of the value that reads it.
[[nodiscard]] Cell read_scalar(const Scalar& scalar, RegType type, const LaunchFacts& facts);

}  // namespace aurex::ax
