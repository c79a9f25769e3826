#pragma once

// A thread pool together with scratch memory for its workers.
//
// Launches that have the pool's workers come one after another, so one slab serves all calls: whoever needs a larger
// one makes it, and calls under way keep theirs. The caller of a launch is worker 0 and has memory of its own. Any
// thread may call reserve().

#include <cstdint>
#include <memory>
#include <mutex>

#include "aurex/base/thread_pool.h"
#include "aurex/memory/allocator.h"

namespace aurex::cpu {

/// Scratch of equal size for workers 1, 2, …
class Slab {
 public:
  /// Raises OutOfMemory.
  Slab(int workers, std::int64_t bytes) : workers_(workers), bytes_(bytes), memory_(workers * bytes) {}

  [[nodiscard]] bool holds(int workers, std::int64_t bytes) const { return workers <= workers_ && bytes <= bytes_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// 64-byte aligned; null for a worker whom the slab does not know.
  [[nodiscard]] char* of(int worker) {
    return worker <= workers_ ? reinterpret_cast<char*>(memory_.data()) + (worker - 1) * bytes_ : nullptr;
  }

 private:
  int workers_;
  std::int64_t bytes_;
  Buffer memory_;
};

class Workers {
 public:
  /// The pool must outlive this.
  explicit Workers(ThreadPool& pool) : pool_(pool) {}

  [[nodiscard]] ThreadPool& pool() { return pool_; }
  /// Room of `bytes`, a multiple of 64, for each worker but the caller; null where there are none. Raises OutOfMemory.
  [[nodiscard]] std::shared_ptr<Slab> reserve(std::int64_t bytes);

 private:
  /// What is larger, per worker, goes back when the call is done.
  static constexpr std::int64_t kKept = 64 << 20;

  ThreadPool& pool_;
  std::mutex mutex_;
  std::shared_ptr<Slab> slab_;
};

}  // namespace aurex::cpu
