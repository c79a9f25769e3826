#pragma once

// Runs compiled code on a device and turns a fault record into an error.

#include <atomic>

#include "aurex/ax/binding.h"
#include "aurex/device/device.h"
#include "aurex/jit/variant.h"

namespace aurex::jit {

/// What may be said about one launch.
struct LaunchOptions {
  Device device = Device::cpu();
  const std::atomic<bool>* stop = nullptr;  ///< once true, no further tiles start and the call raises KernelError
};

/// Runs `entry`, code of `variant`, on a finished call, whose plan() is given; what its `print` statements show goes to
/// the sink (print_sink.h). Raises IndexOutOfRange, KernelError for a failed assert or a stopped call, and OutOfMemory
/// for scratch. Allocates nothing once the arenas of the calling thread and the workers have grown.
void launch(Variant& variant, const CodeEntry& entry, const ax::BoundCall& call, const AurexPlan& plan,
            const LaunchOptions& options = {});

/// What the plan of a call says, without running it.
[[nodiscard]] AurexPlan plan(const CodeEntry& entry, const ax::BoundCall& call);

}  // namespace aurex::jit
