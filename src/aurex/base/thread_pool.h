#pragma once

// Spreads the tiles of a launch over worker threads. See docs/adr/0002-thread-pool.md for the design and its figures.
//
// A launch costs nothing when it runs inline, about half a microsecond when workers are awake, and about ten when they
// must be woken; the pool chooses by the caller's estimate. Nothing is allocated per launch. Workers start at the first
// launch that wants them, spin for two microseconds after a launch, then sleep.
//
// Any thread may call parallel(): while one caller's launch has the workers, another caller's runs inline on its own
// thread, and so does a launch from inside a body. After fork() the child's pool starts without workers and makes its
// own at need; a body must not fork and then return.
//
//   default_pool().parallel(tiles, [&](std::int64_t first, std::int64_t last, int worker) { … }, estimated_ns);

#include <atomic>
#include <cstdint>
#include <memory>

#include "aurex/base/function_ref.h"

namespace aurex {

class ThreadPool {
 public:
  /// Runs tiles [first, last). `worker` is in [0, threads()); of the calls of one launch that run at the same time, no
  /// two have the same worker. Which worker gets which tiles is not determined.
  using Body = FunctionRef<void(std::int64_t first, std::int64_t last, int worker)>;

  /// `threads` counts the caller: 1 means no workers. Raises InvalidConfig outside [1, kMaxThreads].
  explicit ThreadPool(int threads);
  ~ThreadPool();  ///< no launch may be under way
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const noexcept;

  /// Changes the number of threads once the launch under way is done. Raises InvalidConfig as the constructor does, and
  /// when called from inside a body.
  void resize(int threads);

  /// Runs `body` over tiles [0, tiles), each tile once, and returns when all are done. `estimated_ns` is the whole
  /// launch on one thread. What a body throws ends the launch; the first such exception is raised here. Once `*stop`
  /// is true no further tiles are started; returns whether every tile ran.
  bool parallel(std::int64_t tiles, Body body, double estimated_ns, const std::atomic<bool>* stop = nullptr);

  static constexpr int kMaxThreads = 1024;

 private:
  friend struct ForkHandler;
  struct Crew;

  std::unique_ptr<Crew> crew_;  // everything workers touch; abandoned, not destroyed, in the child of a fork
  std::atomic<int> threads_;
};

/// The pool that kernels run on: AUREX_THREADS, or as many threads as the process may use.
[[nodiscard]] ThreadPool& default_pool();
/// Resizes the default pool. Raises InvalidConfig.
void set_threads(int threads);
[[nodiscard]] int threads();

}  // namespace aurex
