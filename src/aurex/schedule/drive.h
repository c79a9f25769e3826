#pragma once

// The kernel level: parallel blocks become launches, and what stands between them becomes launches of one tile that
// keep their results in shared memory, so that `drive` itself only loops, branches and launches.

#include "aurex/schedule/kernel_context.h"

namespace aurex::schedule {

/// Fills `kernel.out.body`.
void lower_kernel(KernelContext& kernel);

}  // namespace aurex::schedule
