#include "aurex/device/cpu/call.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <tuple>
#include <utility>

#include "aurex/device/cpu/arena.h"
#include "aurex/device/cpu/floating_point.h"

namespace aurex::cpu {
namespace {

/// Arenas of this thread: one for calls it makes, one for tiles it runs.
Arena& call_arena() {
  thread_local Arena arena;
  return arena;
}

Arena& worker_arena() {
  thread_local Arena arena;
  return arena;
}

/// The prints of one launch, at most kMaxPrintsPerLaunch: those of the lowest positions, in the order in which one
/// position made them. A heap with the highest on top says which record yields to a lower one.
class PrintLog {
 public:
  /// No worker runs before it and after the barrier of the launch before, so it needs no lock.
  void begin_launch() {
    flush();
    ++launch_;
  }

  void add(PrintRecord record) {
    const std::scoped_lock lock(mutex_);
    record.launch = launch_;
    current_.push_back({record, next_++});
    std::push_heap(current_.begin(), current_.end(), before);
    if (current_.size() > kMaxPrintsPerLaunch) {
      std::pop_heap(current_.begin(), current_.end(), before);
      current_.pop_back();
      ++dropped_;
    }
  }

  void finish(CallOutcome& outcome) {
    flush();
    outcome.prints = std::move(kept_);
    outcome.prints_dropped = dropped_;
  }

 private:
  struct Entry {
    PrintRecord record;
    std::int64_t order;  // records of one position come from one worker, so their order is the program's
  };
  static bool before(const Entry& a, const Entry& b) {
    return std::tie(a.record.position, a.order) < std::tie(b.record.position, b.order);
  }

  void flush() {
    if (current_.empty()) return;
    std::sort_heap(current_.begin(), current_.end(), before);
    for (const Entry& entry : current_) kept_.push_back(entry.record);
    current_.clear();
  }

  std::mutex mutex_;
  std::vector<Entry> current_;
  std::vector<PrintRecord> kept_;
  std::int64_t launch_ = -1, next_ = 0, dropped_ = 0;
};

/// What AurexFrame::context points to.
struct Context {
  ThreadPool& pool;
  const std::atomic<bool>* stop;
  AurexErrorRecord fault{};
  bool stopped = false;
  std::exception_ptr failure{};
  PrintLog prints{};
};

Context& context_of(const AurexFrame* frame) { return *static_cast<Context*>(frame->context); }

bool faulted(AurexErrorRecord& record) { return std::atomic_ref(record.state).load(std::memory_order_acquire) != 0; }

std::int32_t run_parallel(const AurexFrame* frame, AurexBlock block, std::int64_t tiles, std::int64_t scratch_bytes,
                          double nanoseconds) {
  Context& context = context_of(frame);
  if (context.failure || context.stopped) return 1;
  try {
    context.prints.begin_launch();
    const auto body = [&](std::int64_t first, std::int64_t last, int worker) {
      const FloatingPointGuard guard;
      AurexWorker self{.scratch = worker_arena().reserve(scratch_bytes), .index = worker};
      block(frame, &self, first, last);
      worker_arena().shrink();
    };
    context.stopped = !context.pool.parallel(tiles, body, nanoseconds, context.stop);
  } catch (...) {
    context.failure = std::current_exception();
  }
  return context.failure || context.stopped || faulted(context.fault) ? 1 : 0;
}

void record_fault(const AurexFrame* frame, std::int32_t fault, std::int32_t site, std::int64_t position,
                  std::int64_t value, std::int64_t bound) {
  AurexErrorRecord& record = *frame->error;
  const std::atomic_ref state(record.state);
  std::int32_t expected = 0;
  if (!state.compare_exchange_strong(expected, 1, std::memory_order_acquire)) return;
  record.fault = fault;
  record.site = site;
  record.position = position;
  record.value = value;
  record.bound = bound;
  state.store(2, std::memory_order_release);
}

void record_print(const AurexFrame* frame, std::int32_t site, std::int64_t position, std::int32_t is_float,
                  std::uint64_t bits) {
  try {
    context_of(frame).prints.add({.position = position, .site = site, .is_float = is_float != 0, .bits = bits});
  } catch (const std::bad_alloc&) {
    // A print that finds no memory is lost; results are not.
  }
}

constexpr AurexRuntime kRuntime = {
    .version = kAurexAbiVersion, .reserved = 0, .parallel = run_parallel, .fail = record_fault, .print = record_print};

}  // namespace

CallOutcome run_call(const CallRequest& request, ThreadPool& pool) {
  Context context{.pool = pool, .stop = request.stop};
  AurexFrame frame = request.frame;
  frame.shared = call_arena().reserve(request.plan.shared_bytes);
  frame.error = &context.fault;
  frame.runtime = &kRuntime;
  frame.context = &context;
  {
    const FloatingPointGuard guard;
    request.drive(&frame);
  }
  call_arena().shrink();
  if (context.failure) std::rethrow_exception(context.failure);
  CallOutcome outcome{.fault = context.fault, .stopped = context.stopped};
  context.prints.finish(outcome);
  return outcome;
}

}  // namespace aurex::cpu
