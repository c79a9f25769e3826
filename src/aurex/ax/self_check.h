#pragma once

// Runs a kernel as its author never sees it run: in the interpreter, with tiles of 1, 3 and all positions, on small
// drawn inputs. Results that differ show a program whose meaning depends on the tile size, which no backend may be
// given.
//
// The inputs: extents from 1 to 8 that fit the signature, arrays of the sample types of `check`, filled with integers
// in [0, smallest extent) so that they may serve as indices. Where no draw is legal (a `where` clause that small
// extents do not meet, an assert, an index out of range) the kernel is not run, and the report says why. Pure; any
// thread may call.
//
//   for (const KernelInterface& kernel : kernels(*module)) report(self_check(*module, kernel.name));

#include <cstdint>
#include <string>
#include <string_view>

#include "aurex/ax/check.h"

namespace aurex::ax {

struct SelfCheck {
  enum class Outcome : std::uint8_t {
    kSame,     ///< the same results at every tile size, up to the order of float sums
    kNotRun,   ///< no legal input was found
    kDiffers,  ///< the kernel depends on the tile size
  };
  std::string kernel;
  Outcome outcome = Outcome::kNotRun;
  std::string inputs;  ///< what it ran on: "x f32[4, 7], eps = 1e-5"; empty where it did not run
  std::string detail;  ///< why it did not run, or the first difference
};
/// "same", "not run", "differs".
[[nodiscard]] std::string_view to_string(SelfCheck::Outcome outcome);

/// The same seed draws the same inputs. Raises ArgumentError for an unknown kernel.
[[nodiscard]] SelfCheck self_check(const CheckedModule& module, std::string_view kernel, std::uint64_t seed = 0);
/// The same for a program at hand, which `interface` describes.
[[nodiscard]] SelfCheck self_check(const TileProgram& program, const KernelInterface& interface,
                                   std::uint64_t seed = 0);

}  // namespace aurex::ax
