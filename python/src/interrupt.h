#pragma once

// Ctrl-C during a long launch.
//
// Python runs its signal handlers between bytecodes, so a launch that releases the GIL would not notice. While one of
// these lives, SIGINT also sets `stop`, which the launch looks at between tiles; Python's own handler still runs.

#include <atomic>

namespace aurex::python {

class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// True once Ctrl-C was pressed during the life of any guard that still lives.
  [[nodiscard]] static const std::atomic<bool>& stop();
};

}  // namespace aurex::python
