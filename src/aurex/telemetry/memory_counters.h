#pragma once

// Bytes of tracked memory taken and given back by the calling thread.
//
// The memory layer reports here; zones and profilers read. The counters are the thread's own, so concurrent work on
// other threads never shows in an operation's figures, and neither reporting nor reading takes a lock. Memory that one
// thread takes and another gives back moves the second one's `held` below zero, which is as it should be: only
// differences over an operation are used.
//
//   MemoryMark mark = mark_memory();
//   … the operation …
//   MemoryUse use = memory_since(mark);       // marks nest; close them in reverse order

#include <cstdint>

namespace aurex {

/// Called by the memory layer for every allocation and release.
void note_allocation(std::int64_t bytes) noexcept;
void note_release(std::int64_t bytes) noexcept;

/// The state of this thread's counters when an operation begins.
struct MemoryMark {
  std::int64_t allocated = 0;  ///< bytes ever taken
  std::int64_t held = 0;       ///< bytes taken less bytes given back
  std::int64_t outer_peak = 0;
};

struct MemoryUse {
  std::int64_t allocated = 0;  ///< bytes taken since the mark, also those given back since
  std::int64_t peak = 0;       ///< most bytes held at once above what was held at the mark
};

[[nodiscard]] MemoryMark mark_memory() noexcept;
/// Closes a mark of the same thread.
[[nodiscard]] MemoryUse memory_since(const MemoryMark& mark) noexcept;

}  // namespace aurex
