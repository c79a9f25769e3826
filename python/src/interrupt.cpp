#include "interrupt.h"

#include <csignal>
#include <mutex>

namespace aurex::python {
namespace {

std::atomic<bool> interrupted = false;
std::mutex mutex;
int guards = 0;                  // under mutex
struct sigaction replaced = {};  // written under mutex while no guard lives

void on_interrupt(int signal, siginfo_t* info, void* context) {
  // Python notes the signal first: a worker may be the one that gets it, and the caller, once stopped, asks Python why.
  if (replaced.sa_flags & SA_SIGINFO) {
    replaced.sa_sigaction(signal, info, context);
  } else if (replaced.sa_handler != SIG_DFL && replaced.sa_handler != SIG_IGN) {
    replaced.sa_handler(signal);
  }
  interrupted.store(true, std::memory_order_release);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  const std::scoped_lock lock(mutex);
  if (guards++ > 0) return;
  interrupted = false;
  struct sigaction ours = {};
  ours.sa_sigaction = on_interrupt;
  ours.sa_flags = SA_SIGINFO;
  sigemptyset(&ours.sa_mask);
  sigaction(SIGINT, &ours, &replaced);
}

InterruptGuard::~InterruptGuard() {
  const std::scoped_lock lock(mutex);
  if (--guards > 0) return;
  sigaction(SIGINT, &replaced, nullptr);
}

const std::atomic<bool>& InterruptGuard::stop() { return interrupted; }

}  // namespace aurex::python
