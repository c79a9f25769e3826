#pragma once

// Ctrl-C while a kernel runs: the launch stops between tiles, and the process ends the way an interrupted program does.
//
// While an Interrupt exists, the first SIGINT sets stop() and a second one ends the process at once. Outside, SIGINT
// does what it always does. One at a time, on the main thread.
//
//   const Interrupt interrupt;
//   call.run_prepared(code, {.stop = interrupt.stop()});     // raises KernelError once it has stopped
//   …
//   if (Interrupt::happened()) Interrupt::end_process();

#include <atomic>
#include <csignal>

namespace aurex::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] const std::atomic<bool>* stop() const;

  /// Whether a SIGINT came while one existed.
  [[nodiscard]] static bool happened();
  /// Ends the process by SIGINT, so that a shell's loop ends with it.
  [[noreturn]] static void end_process();

 private:
  struct sigaction before_ = {};
};

}  // namespace aurex::cli
