#pragma once

// Whether this process can run what a piece of compiled code says it is. Asked before anything of it is called.

#include "aurex/base/kernel_abi.h"

namespace aurex::codegen {

/// The record as this version knows it: fields that the code does not have are zero. Raises KernelError that names the
/// field where the code is no kernel, is of another ABI version, wants more of the runtime's structs than there is, is
/// for a target that this process may not run, or needs aligned arguments. `kernel` need only hold the bytes that its
/// own `size` promises.
[[nodiscard]] AurexKernel check_kernel(const AurexKernel& kernel);

}  // namespace aurex::codegen
