#pragma once

// C declarations of kernels that are compiled ahead of time: what stands beside the object in `aurex build`.

#include <span>
#include <string>
#include <string_view>

#include "aurex/ax/binding.h"

namespace aurex::codegen {

/// One kernel of an object.
struct DeclaredKernel {
  const ax::TileProgram* program;
  const ax::Binding* binding;  // of that program
  std::string function;        // what it is called in C
  std::string symbol;          // of its AurexKernel in the object
  std::string signature;       // as written, for whoever reads the header
};

/// A header in C99 that needs nothing but the C runtime: aurex_kernel.h, and for every kernel an inline function
///
///     int softmax(int64_t R, int64_t C, const float *x, float *y, aurex_options *options);
///
/// which takes the extents in order of first appearance (a pack's as its product; an expression kernel has one, the
/// number of elements), the scalars, and row-major arrays. `source` is named in its first line, `guard` keeps it from
/// being read twice.
[[nodiscard]] std::string c_header(std::span<const DeclaredKernel> kernels, std::string_view source,
                                   std::string_view target, std::string_view guard);

}  // namespace aurex::codegen
