#pragma once

// Host memory in pools, after the memory manager of the AMDGPU framework.
//
// A request up to kSmallLimit is served from size classes (64, 128, … bytes; one free list each, filled from the pools
// a slab at a time). A larger one is rounded to 64 bytes and placed first fit: the first pool, and in it the lowest
// free range, that holds it. When none does, a new pool of twice the request is mapped (at least kMinPool). Freed
// ranges merge with their neighbours. A pool that has become empty is kept for the next request while the empty pools
// together hold no more than the bound given, and is unmapped otherwise. Pools of 4 MiB and more ask for huge pages.
//
// Addresses are multiples of 64. Memory is not cleared. Any thread may call; one mutex, held for the search only.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace aurex {

/// Figures of a pool at one moment, in bytes where nothing else is said.
struct MemoryTelemetry {
  std::int64_t total = 0;  ///< mapped from the system
  std::int64_t used = 0;   ///< given out, rounded as placed; slabs of small blocks count by their blocks
  std::int64_t pools = 0;
  std::int64_t largest_free = 0;  ///< the longest free range of any pool
  /// 1 − largest free range ÷ free bytes; 0 where nothing is free.
  double fragmentation = 0;
};

class HostPool {
 public:
  static constexpr std::int64_t kAlignment = 64;
  static constexpr std::int64_t kSmallLimit = 4096;
  static constexpr std::int64_t kSlab = 64 * 1024;
  static constexpr std::int64_t kMinPool = 1 << 20;
  static constexpr std::int64_t kHugePageFrom = 4 << 20;
  static constexpr std::int64_t kDefaultKeptEmpty = 256 << 20;

  /// `kept_empty`: bytes of empty pools that stay mapped.
  explicit HostPool(std::int64_t kept_empty = kDefaultKeptEmpty);
  /// Everything must have been released.
  ~HostPool();
  HostPool(const HostPool&) = delete;
  HostPool& operator=(const HostPool&) = delete;

  /// At least `bytes` bytes, never null; a request of 0 gets an address of its own. Raises OutOfMemory where the system
  /// has no more.
  [[nodiscard]] void* allocate(std::int64_t bytes);
  /// `bytes` as requested.
  void release(void* memory, std::int64_t bytes) noexcept;

  [[nodiscard]] MemoryTelemetry telemetry() const;

  /// Unmaps every pool that is empty.
  void trim() noexcept;

  /// Held over fork() so that the child finds the pool whole.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  struct Pool;
  struct FreeBlock;                   // the link that lies in a free small block
  static constexpr int kClasses = 7;  // 64 … 4096

  void* allocate_small(int size_class);
  void* allocate_range(std::int64_t bytes);
  void release_range(std::byte* memory, std::int64_t bytes) noexcept;
  [[nodiscard]] std::int64_t used() const noexcept;

  const std::int64_t kept_empty_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Pool>> pools_;
  std::array<FreeBlock*, kClasses> free_small_{};
  std::array<std::int64_t, kClasses> small_in_use_{};
  std::int64_t slab_bytes_ = 0;
};

}  // namespace aurex
