#pragma once

// The kernel library: the .ax files of this folder, carried by the program and compiled as they are asked for.
//
// A file is one module; it is checked when one of its kernels is first asked for, and lives until the process ends. Any
// thread may call.
//
//   const Kernel& softmax = ops::kernel("softmax");
//   for (const ops::LibraryFile& file : ops::library()) …        // what there is, without compiling anything

#include <span>
#include <string_view>
#include <vector>

#include "aurex/jit/kernel.h"

namespace aurex::ops {

struct LibraryFile {
  std::string_view name;                  ///< "softmax"
  std::string_view text;                  ///< AX source
  std::vector<std::string_view> kernels;  ///< in the order of the text
};

/// Every file, sorted by name: the table of what exists.
[[nodiscard]] std::span<const LibraryFile> library();

/// The module of the file of that name. Raises ArgumentError that lists the files.
[[nodiscard]] const Module& module(std::string_view name);

/// A kernel by name. Raises ArgumentError that names the kernels whose names come close.
[[nodiscard]] const Kernel& kernel(std::string_view name);

}  // namespace aurex::ops
