#include "aurex/base/thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "aurex/base/clock.h"
#include "aurex/base/environment.h"
#include "aurex/base/error.h"
#include "aurex/base/log.h"
#include "aurex/base/thread_count.h"

namespace aurex {
namespace {

// Figures behind these are in the ADR. A launch with awake workers costs 0.5 µs, and as much again until their caches
// have what the caller's had; a wake costs the caller 12 to 14 µs.
constexpr double kInlineAwakeNs = 8'000;
constexpr double kInlineAsleepNs = 50'000;
// Most work that short launches do inline before sleeping workers are woken for one of them.
constexpr double kMostPatienceNs = 16'000'000;
// How long a woken worker may take to arrive.
constexpr std::int64_t kWakeNs = 100'000;
constexpr std::int64_t kSpinNs = 2'000;
// Chunks per share: enough that a slow worker holds up the launch by an eighth of its share.
constexpr std::int64_t kChunksPerShare = 8;
// Most work between two looks at the stop flag; a person who presses Ctrl-C does not notice a millisecond.
constexpr double kChunkNs = 1'000'000;
constexpr std::size_t kCacheLine = 64;

/// Whether this thread is inside a body, of any pool: a launch from there runs inline.
thread_local bool inside_body = false;

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}
void futex_wake(std::atomic<std::uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void relax() {
#ifdef __x86_64__
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Spins until `done` or for kSpinNs; returns whether it is done.
template <typename Done>
bool spin_until(Done done) {
  if (done()) return true;
  for (const std::int64_t end = monotonic_ns() + kSpinNs; monotonic_ns() < end;) {
    for (int i = 0; i < 8; ++i) {
      if (done()) return true;
      relax();
    }
  }
  return done();
}

int checked_thread_count(int threads) {
  if (threads >= 1 && threads <= ThreadPool::kMaxThreads) return threads;
  throw InvalidConfig("threads: " + std::to_string(threads) + " is outside [1, " +
                      std::to_string(ThreadPool::kMaxThreads) + "]");
}

class InsideBody {
 public:
  InsideBody() : before_(inside_body) { inside_body = true; }
  ~InsideBody() { inside_body = before_; }
  InsideBody(const InsideBody&) = delete;
  InsideBody& operator=(const InsideBody&) = delete;

 private:
  bool before_;
};

/// Tiles per chunk: `limit` at most, and no more than kChunkNs of estimated work.
std::int64_t chunk_size(std::int64_t tiles, double estimated_ns, std::int64_t limit) {
  const double by_time = estimated_ns > kChunkNs ? static_cast<double>(tiles) * (kChunkNs / estimated_ns) : 9e18;
  if (by_time < static_cast<double>(limit)) limit = static_cast<std::int64_t>(by_time);
  return std::max<std::int64_t>(1, limit);
}

/// On the calling thread alone, in chunks where somebody may want to stop in between.
bool run_inline(std::int64_t tiles, ThreadPool::Body body, double estimated_ns, const std::atomic<bool>* stop) {
  const InsideBody inside;
  const std::int64_t chunk = stop == nullptr ? tiles : chunk_size(tiles, estimated_ns, tiles);
  for (std::int64_t first = 0; first < tiles; first += std::min(chunk, tiles - first)) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return false;
    body(first, first + std::min(chunk, tiles - first), 0);
  }
  return true;
}

}  // namespace

/// A run of a launch's tiles that belongs to one thread. Launch after launch the same thread has the same part of the
/// arrays, and finds in its caches what it left there.
struct alignas(kCacheLine) Share {
  std::atomic<std::int64_t> next{0};  // first tile nobody has taken
  std::int64_t end = 0;
};

/// The workers and the words through which they meet the caller.
///
/// A launch is open while `busy` > 0. The caller opens it with 1 for itself; a worker enters by raising `busy` from a
/// value above 0, and lowers it when it finds no more tiles; the caller closes it by moving 1 → 0. So the caller waits
/// for those who entered and for nobody else, and the launch's description may change only while it is closed.
struct ThreadPool::Crew {
  struct Launch {
    Body body;
    std::int64_t chunk;
    const std::atomic<bool>* stop;
    std::exception_ptr failure;  // written by whoever takes `failed`
  };

  // The top bit of `busy` says that the caller sleeps until it falls to 1.
  static constexpr std::uint32_t kCallerSleeps = 1u << 31;

  // Each on a line of its own: the workers spin on `epoch` while the others change.
  alignas(kCacheLine) std::atomic<std::uint32_t> epoch{0};  // one more for every launch; what sleeping workers wait on
  alignas(kCacheLine) std::atomic<std::uint32_t> sleeping{0};
  alignas(kCacheLine) std::atomic<std::uint32_t> busy{0};
  alignas(kCacheLine) Launch* launch = nullptr;
  std::atomic<bool> failed{false}, stopped{false}, ending{false};

  std::mutex mutex;  // one launch at a time; also guards all below
  std::vector<std::thread> workers;
  std::vector<Share> shares;  // one per thread, the caller's first
  double missed_ns = 0;       // work of short launches since the workers fell asleep
  double patience_ns = kInlineAsleepNs;
  std::int64_t expected_until = 0;  // workers woken for a stream of launches arrive before this time

  void start(int threads);
  void end();
  void work(int worker);
  [[nodiscard]] bool enter();
  void leave();
  [[nodiscard]] bool leaves_asleep(double estimated_ns);
  void share_out(std::int64_t tiles);
  void run_chunks(int worker);
  void close();
};

/// Threads do not survive a fork, and the locks and counters they shared are as the fork found them. The child leaves
/// each crew where it is and hires a new one.
struct ForkHandler {
  std::mutex mutex;
  std::vector<ThreadPool*> pools;
  std::vector<ThreadPool::Crew*> abandoned;  // so that leak checkers still see them

  static ForkHandler& instance() {
    static ForkHandler* const handler = [] {
      auto* made = new ForkHandler;  // never destroyed: forks may happen while the process ends
      pthread_atfork([] { instance().mutex.lock(); }, [] { instance().mutex.unlock(); }, [] { instance().in_child(); });
      return made;
    }();
    return *handler;
  }

  void in_child() {
    for (ThreadPool* pool : pools) {
      abandoned.push_back(pool->crew_.release());
      pool->crew_ = std::make_unique<ThreadPool::Crew>();
    }
    inside_body = false;
    mutex.unlock();
  }

  void add(ThreadPool* pool) {
    const std::scoped_lock lock(mutex);
    pools.push_back(pool);
  }
  void remove(ThreadPool* pool) {
    const std::scoped_lock lock(mutex);
    std::erase(pools, pool);
  }
};

void ThreadPool::Crew::start(int threads) {
  if (shares.size() != static_cast<std::size_t>(threads))
    shares = std::vector<Share>(static_cast<std::size_t>(threads));
  // Workers take no signals: Ctrl-C belongs to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    while (static_cast<int>(workers.size()) < threads - 1) {
      const int worker = static_cast<int>(workers.size()) + 1;
      workers.emplace_back([this, worker] { work(worker); });
    }
  } catch (const std::system_error&) {
    // Those that started do the work, with the caller.
    log_warn("the system refused a worker thread", {{"threads", std::to_string(workers.size() + 1)}});
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ThreadPool::Crew::end() {
  ending.store(true, std::memory_order_relaxed);
  epoch.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(epoch, kMaxThreads);
  for (std::thread& worker : workers) worker.join();
  workers.clear();
  ending.store(false, std::memory_order_relaxed);
}

void ThreadPool::Crew::work(int worker) {
  std::uint32_t seen = epoch.load(std::memory_order_acquire);
  // A launch may have been opened before this thread first looked; entering a closed one does nothing.
  for (;;) {
    if (ending.load(std::memory_order_relaxed)) return;
    if (enter()) {
      run_chunks(worker);
      leave();
    }
    const auto news = [&] { return epoch.load(std::memory_order_acquire) != seen; };
    if (!spin_until(news)) {
      // Sequentially consistent with the caller's increment of epoch and look at `sleeping`: either the caller sees
      // this thread asleep and wakes it, or the futex sees the new epoch and does not sleep.
      sleeping.fetch_add(1, std::memory_order_seq_cst);
      while (!news()) futex_wait(epoch, seen);
      sleeping.fetch_sub(1, std::memory_order_relaxed);
    }
    seen = epoch.load(std::memory_order_acquire);
  }
}

bool ThreadPool::Crew::enter() {
  std::uint32_t seen = busy.load(std::memory_order_relaxed);
  while (seen != 0) {
    if (busy.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
  }
  return false;
}

void ThreadPool::Crew::leave() {
  const std::uint32_t before = busy.fetch_sub(1, std::memory_order_release);
  if (before == (kCallerSleeps | 2)) futex_wake(busy, 1);
}

/// Whether a short launch runs without the workers because all of them sleep. One alone is done before they are there,
/// but a stream of them is not: then they are woken, join one of the next, and stay awake while others follow in time.
/// Where none does, the next wake is twice as far away, so what wakes can cost in vain is little.
bool ThreadPool::Crew::leaves_asleep(double estimated_ns) {
  if (sleeping.load(std::memory_order_relaxed) < workers.size()) {
    missed_ns = 0;
    patience_ns = kInlineAsleepNs;
    return false;
  }
  if (estimated_ns >= kInlineAsleepNs) return false;
  const std::int64_t now = monotonic_ns();
  if (now < expected_until) return false;
  missed_ns += estimated_ns;
  if (missed_ns < patience_ns) return true;
  missed_ns = 0;
  patience_ns = std::min(2 * patience_ns, kMostPatienceNs);
  expected_until = now + kWakeNs;
  return false;
}

void ThreadPool::Crew::share_out(std::int64_t tiles) {
  const auto count = static_cast<std::int64_t>(shares.size());
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    Share& share = shares[static_cast<std::size_t>(i)];
    share.next.store(begin, std::memory_order_relaxed);
    share.end = begin += tiles / count + (i < tiles % count ? 1 : 0);
  }
}

/// The worker's own share first, then what others have left of theirs.
void ThreadPool::Crew::run_chunks(int worker) {
  const InsideBody inside;
  Launch& current = *launch;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Share& share = shares[(static_cast<std::size_t>(worker) + i) % shares.size()];
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      const std::int64_t first = share.next.fetch_add(current.chunk, std::memory_order_relaxed);
      if (first >= share.end) break;
      if (failed.load(std::memory_order_relaxed)) return;
      if (current.stop != nullptr && current.stop->load(std::memory_order_relaxed)) {
        stopped.store(true, std::memory_order_relaxed);
        return;
      }
      try {
        current.body(first, std::min(first + current.chunk, share.end), worker);
      } catch (...) {
        if (!failed.exchange(true, std::memory_order_relaxed)) current.failure = std::current_exception();
        return;
      }
    }
  }
}

void ThreadPool::Crew::close() {
  const auto try_close = [this] {
    std::uint32_t alone = 1;
    return busy.compare_exchange_strong(alone, 0, std::memory_order_acquire, std::memory_order_relaxed);
  };
  if (spin_until(try_close)) return;
  std::uint32_t seen = busy.fetch_or(kCallerSleeps, std::memory_order_relaxed) | kCallerSleeps;
  for (;;) {
    if (seen != (kCallerSleeps | 1)) {
      futex_wait(busy, seen);
      seen = busy.load(std::memory_order_relaxed);
    } else if (busy.compare_exchange_strong(seen, 0, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
  }
}

ThreadPool::ThreadPool(int threads) : crew_(std::make_unique<Crew>()), threads_(checked_thread_count(threads)) {
  ForkHandler::instance().add(this);
}

ThreadPool::~ThreadPool() {
  ForkHandler::instance().remove(this);
  crew_->end();
}

int ThreadPool::threads() const noexcept { return threads_.load(std::memory_order_relaxed); }

void ThreadPool::resize(int threads) {
  checked_thread_count(threads);
  if (inside_body) throw InvalidConfig("threads cannot change from inside a kernel or a parallel body");
  const std::scoped_lock lock(crew_->mutex);
  if (threads == this->threads()) return;
  if (!crew_->workers.empty()) crew_->end();
  threads_.store(threads, std::memory_order_relaxed);
}

bool ThreadPool::parallel(std::int64_t tiles, Body body, double estimated_ns, const std::atomic<bool>* stop) {
  if (tiles <= 0) return true;
  if (tiles == 1 || estimated_ns < kInlineAwakeNs || inside_body || threads() == 1) {
    return run_inline(tiles, body, estimated_ns, stop);
  }
  Crew& crew = *crew_;
  // While another thread's launch has the workers, this thread is a worker of its own.
  const std::unique_lock lock(crew.mutex, std::try_to_lock);
  if (!lock.owns_lock()) return run_inline(tiles, body, estimated_ns, stop);

  if (crew.leaves_asleep(estimated_ns)) return run_inline(tiles, body, estimated_ns, stop);
  const int count = threads();
  if (static_cast<int>(crew.workers.size()) < count - 1) crew.start(count);

  const std::int64_t limit = tiles / (static_cast<std::int64_t>(count) * kChunksPerShare);
  Crew::Launch launch{body, chunk_size(tiles, estimated_ns, limit), stop, nullptr};
  crew.launch = &launch;
  crew.failed.store(false, std::memory_order_relaxed);
  crew.stopped.store(false, std::memory_order_relaxed);
  crew.share_out(tiles);
  crew.busy.store(1, std::memory_order_release);
  crew.epoch.fetch_add(1, std::memory_order_seq_cst);
  if (crew.sleeping.load(std::memory_order_seq_cst) > 0) {
    futex_wake(crew.epoch, static_cast<int>(std::min<std::int64_t>(tiles - 1, count - 1)));
  }
  crew.run_chunks(0);
  crew.close();
  if (launch.failure) std::rethrow_exception(launch.failure);
  return !crew.stopped.load(std::memory_order_relaxed);
}

ThreadPool& default_pool() {
  // Never destroyed: a thread may still be in a launch while the process ends.
  static ThreadPool* const pool = new ThreadPool(environment().threads.value_or(available_thread_count()));
  return *pool;
}

void set_threads(int threads) { default_pool().resize(threads); }

int threads() { return default_pool().threads(); }

}  // namespace aurex
