#include "cli/interrupt.h"

#include <cstdlib>

namespace aurex::cli {
namespace {

std::atomic<bool> stopped = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler writes it

}  // namespace

Interrupt::Interrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stopped.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &before_);
}

Interrupt::~Interrupt() { sigaction(SIGINT, &before_, nullptr); }

const std::atomic<bool>* Interrupt::stop() const { return &stopped; }

bool Interrupt::happened() { return stopped.load(); }

void Interrupt::end_process() {
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
  std::_Exit(130);  // where SIGINT is blocked
}

}  // namespace aurex::cli
