#pragma once

// One call of a compiled kernel on the CPU: the services behind AurexRuntime, and how a call ends.
//
// `drive` runs on the calling thread and hands each launch to the thread pool. Every worker, and the caller around
// `drive`, runs under the default floating-point control word. All scratch is reserved before `drive` starts, from
// memory that is kept; a call that has run before allocates nothing. Calls may nest. No exception crosses generated
// code: one raised by the pool is kept, ends the call, and is raised again once `drive` has returned.

#include "aurex/device/cpu/workers.h"
#include "aurex/device/device.h"

namespace aurex::cpu {

/// Runs the call on the workers' pool. Raises OutOfMemory where scratch cannot be had, before anything is written; only
/// workers that join the pool during the call reserve theirs later. Raises KernelError where a launch asks for more
/// scratch than the plan said.
[[nodiscard]] CallOutcome run_call(const CallRequest& request, Workers& workers);

}  // namespace aurex::cpu
