#pragma once

// Counts bytes against a limit. Lock-free and exact under threads: allocate either takes all of its bytes or none, and
// the sum never passes the limit.
//
//   MemoryTracker tracker(8 << 20);
//   if (tracker.would_fit(bytes)) …        // with room to spare for what an operation needs beside its result
//   tracker.allocate(bytes);               // raises OutOfMemory: requested, free, limit
//   tracker.release(bytes);

#include <atomic>
#include <cstdint>

namespace aurex {

class MemoryTracker {
 public:
  static constexpr std::int64_t kNoLimit = -1;
  /// What would_fit adds to a request: temporary memory and rounding. The factor of the rust-ai-core tracker.
  static constexpr double kDefaultOverheadFactor = 1.1;

  /// Raises InvalidConfig for an overhead factor below 1.
  explicit MemoryTracker(std::int64_t limit = kNoLimit, double overhead_factor = kDefaultOverheadFactor);

  /// Counts `bytes` as used. Raises OutOfMemory, and counts nothing, where that would pass the limit; InvalidConfig for
  /// a negative number.
  void allocate(std::int64_t bytes);
  /// The same without raising.
  [[nodiscard]] bool try_allocate(std::int64_t bytes) noexcept;
  void release(std::int64_t bytes) noexcept;

  /// Would `bytes` times the overhead factor fit now?
  [[nodiscard]] bool would_fit(std::int64_t bytes) const noexcept;

  [[nodiscard]] std::int64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  /// The most ever used at once since construction or reset.
  [[nodiscard]] std::int64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  /// limit − used, never below 0; the largest int64 where there is no limit.
  [[nodiscard]] std::int64_t free() const noexcept;
  [[nodiscard]] double overhead_factor() const noexcept { return overhead_factor_; }

  /// Holds for later requests; what is used already stays. kNoLimit takes the limit away.
  void set_limit(std::int64_t limit) noexcept;
  /// Forgets the peak: it becomes what is used now.
  void reset_peak() noexcept;
  /// Counts nothing as used any more, and forgets the peak. For a tracker that is nobody's allocator.
  void reset() noexcept;

 private:
  const double overhead_factor_;
  std::atomic<std::int64_t> limit_;
  std::atomic<std::int64_t> used_{0};
  std::atomic<std::int64_t> peak_{0};
};

}  // namespace aurex
