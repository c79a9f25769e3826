#include "aurex/device/cpu/call.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "aurex/base/error.h"
#include "aurex/device/cpu/arena.h"
#include "aurex/device/cpu/fault_log.h"
#include "aurex/device/cpu/floating_point.h"

namespace aurex::cpu {
namespace {

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
  char* own_scratch;  // worker 0's
  Slab* slab;         // the others'; null where the call plans no worker scratch
  std::int64_t worker_bytes;
  std::int32_t launch = -1;  // the one that runs; -1 is drive
  bool stopped = false;
  FaultLog faults{};
  std::exception_ptr failure{};
  PrintLog prints{};

  [[nodiscard]] bool over() const { return failure || stopped || faults.any(); }
};

Context& context_of(const AurexFrame* frame) { return *static_cast<Context*>(frame->context); }

void run_tiles(const AurexFrame* frame, const AurexLaunch& launch, std::int64_t first, std::int64_t last, int worker) {
  const Context& context = context_of(frame);
  const FloatingPointGuard guard;
  AurexWorker self{.scratch = context.own_scratch, .index = worker};
  if (worker == 0 || context.worker_bytes == 0) return launch.block(frame, &self, first, last);
  self.scratch = context.slab == nullptr ? nullptr : context.slab->of(worker);
  if (self.scratch != nullptr) return launch.block(frame, &self, first, last);
  Arena late(context.worker_bytes);  // this worker joined the pool after the call began
  self.scratch = late.data();
  launch.block(frame, &self, first, last);
}

std::int32_t run_parallel(const AurexFrame* frame, const AurexLaunch* launch, std::int64_t tiles,
                          std::int64_t scratch_bytes, double nanoseconds) {
  Context& context = context_of(frame);
  if (context.over()) return 1;
  try {
    if (scratch_bytes > context.worker_bytes) throw KernelError("a launch asks for more scratch than was planned");
    context.launch = launch->number;
    context.prints.begin_launch();
    const auto body = [&](std::int64_t first, std::int64_t last, int worker) {
      run_tiles(frame, *launch, first, last, worker);
    };
    context.stopped = !context.pool.parallel(tiles, body, nanoseconds, context.stop);
  } catch (...) {
    context.failure = std::current_exception();
  }
  context.launch = -1;
  return context.over() ? 1 : 0;
}

void record_fault(const AurexFrame* frame, std::int32_t fault, std::int32_t site, std::int64_t position,
                  std::int64_t value, std::int64_t bound) {
  Context& context = context_of(frame);
  context.faults.add({.fault = fault,
                      .site = site,
                      .launch = context.launch,
                      .reserved = 0,
                      .position = position,
                      .value = value,
                      .bound = bound});
}

void record_print(const AurexFrame* frame, std::int32_t site, std::int64_t position, std::int32_t is_float,
                  std::uint64_t bits) {
  try {
    context_of(frame).prints.add({.position = position, .site = site, .is_float = is_float != 0, .bits = bits});
  } catch (const std::bad_alloc&) {
    // A print that finds no memory is lost; results are not.
  }
}

constexpr AurexRuntime kRuntime = {.version = kAurexAbiVersion,
                                   .size = sizeof(AurexRuntime),
                                   .parallel = run_parallel,
                                   .fail = record_fault,
                                   .print = record_print};

/// Sizes of a plan saturate far enough below 2^63 that two of them add up.
std::int64_t align_up(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

CallOutcome run_call(const CallRequest& request, Workers& workers) {
  const std::int64_t shared = align_up(request.plan.shared_bytes), own = align_up(request.plan.worker_bytes);
  Arena arena(shared + own);
  const std::shared_ptr<Slab> slab = own == 0 ? nullptr : workers.reserve(own);
  Context context{.pool = workers.pool(),
                  .stop = request.stop,
                  .own_scratch = arena.data() + shared,
                  .slab = slab.get(),
                  .worker_bytes = own};
  AurexFrame frame = request.frame;
  frame.shared = arena.data();
  frame.error = &context.faults.record();
  frame.runtime = &kRuntime;
  frame.context = &context;
  {
    const FloatingPointGuard guard;
    request.drive(&frame);
  }
  if (context.failure) std::rethrow_exception(context.failure);
  CallOutcome outcome{.fault = context.faults.record(), .stopped = context.stopped};
  context.prints.finish(outcome);
  return outcome;
}

}  // namespace aurex::cpu
