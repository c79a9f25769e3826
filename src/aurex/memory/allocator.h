#pragma once

// The one allocator of the library: a pool, a tracker and the telemetry counters behind one door.
//
// Tensors, scratch arenas and buffers all come from host_allocator(), so its tracker knows what the library holds and
// its limit binds everything. Any thread may allocate and any other release. Memory is 64-byte aligned and not cleared.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "aurex/memory/host_pool.h"
#include "aurex/memory/tracker.h"

namespace aurex {

class HostAllocator {
 public:
  explicit HostAllocator(std::int64_t limit = MemoryTracker::kNoLimit) : tracker_(limit) {}

  /// Raises OutOfMemory over the limit or where the system has no more.
  [[nodiscard]] void* allocate(std::int64_t bytes);
  /// `bytes` as requested; null is ignored.
  void release(void* memory, std::int64_t bytes) noexcept;

  [[nodiscard]] MemoryTracker& tracker() noexcept { return tracker_; }
  [[nodiscard]] HostPool& pool() noexcept { return pool_; }

 private:
  MemoryTracker tracker_;
  HostPool pool_;
};

/// The process's allocator; lives until the process ends. Its limit is the machine's physical memory, or what the
/// process's control group allows of it, until set.
[[nodiscard]] HostAllocator& host_allocator();

/// Bytes with one owner, from host_allocator().
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t bytes) : data_(host_allocator().allocate(bytes)), size_(bytes) {}
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { host_allocator().release(data_, size_); }

  [[nodiscard]] std::byte* data() noexcept { return static_cast<std::byte*>(data_); }
  [[nodiscard]] const std::byte* data() const noexcept { return static_cast<const std::byte*>(data_); }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {data(), static_cast<std::size_t>(size_)}; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data(), static_cast<std::size_t>(size_)}; }

 private:
  void* data_ = nullptr;
  std::int64_t size_ = 0;
};

}  // namespace aurex
