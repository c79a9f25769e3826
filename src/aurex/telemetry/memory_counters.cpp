#include "aurex/telemetry/memory_counters.h"

#include <algorithm>

namespace aurex {
namespace {

struct Counters {
  std::int64_t allocated = 0;
  std::int64_t held = 0;
  std::int64_t peak = 0;  // of held, since the innermost open mark
};

thread_local Counters counters;

}  // namespace

void note_allocation(std::int64_t bytes) noexcept {
  counters.allocated += bytes;
  counters.held += bytes;
  counters.peak = std::max(counters.peak, counters.held);
}

void note_release(std::int64_t bytes) noexcept { counters.held -= bytes; }

MemoryMark mark_memory() noexcept {
  const MemoryMark mark{counters.allocated, counters.held, counters.peak};
  counters.peak = counters.held;
  return mark;
}

MemoryUse memory_since(const MemoryMark& mark) noexcept {
  const MemoryUse use{counters.allocated - mark.allocated, counters.peak - mark.held};
  counters.peak = std::max(counters.peak, mark.outer_peak);
  return use;
}

}  // namespace aurex
