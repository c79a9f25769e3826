#pragma once

// The one clock of the library: monotonic, in nanoseconds, the same for kernels, telemetry and agents.

#include <chrono>
#include <cstdint>

namespace aurex {

/// Nanoseconds since an arbitrary start; never goes back. About 25 ns a call.
[[nodiscard]] inline std::int64_t monotonic_ns() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace aurex
