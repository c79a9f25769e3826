#pragma once

// One call of a compiled kernel on the CPU: the services behind AurexRuntime, and how a call ends.
//
// `drive` runs on the calling thread and hands each launch to the thread pool. Every worker, and the caller around
// `drive`, runs under the default floating-point control word. Scratch comes from arenas kept per thread; a call that
// has run before allocates nothing. No exception crosses generated code: one raised by the pool or an allocation is
// kept, ends the call, and is raised again once `drive` has returned.

#include "aurex/base/thread_pool.h"
#include "aurex/device/device.h"

namespace aurex::cpu {

/// Runs the call on `pool`. Raises OutOfMemory where scratch cannot be had.
[[nodiscard]] CallOutcome run_call(const CallRequest& request, ThreadPool& pool);

}  // namespace aurex::cpu
