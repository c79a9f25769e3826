#include "aurex/memory/tracker.h"

#include <algorithm>
#include <limits>
#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

void raise_to(std::atomic<std::int64_t>& peak, std::int64_t value) noexcept {
  std::int64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < value && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

MemoryTracker::MemoryTracker(std::int64_t limit, double overhead_factor)
    : overhead_factor_(overhead_factor), limit_(std::max(limit, kNoLimit)) {
  if (!(overhead_factor >= 1)) {
    throw InvalidConfig("overhead_factor must be at least 1, not " + std::to_string(overhead_factor));
  }
}

void MemoryTracker::allocate(std::int64_t bytes) {
  if (bytes < 0) throw InvalidConfig("an allocation of " + std::to_string(bytes) + " bytes");
  if (!try_allocate(bytes)) throw OutOfMemory("over the memory limit", bytes, free(), limit());
}

bool MemoryTracker::try_allocate(std::int64_t bytes) noexcept {
  if (bytes < 0) return false;
  std::int64_t before = used_.load(std::memory_order_relaxed);
  do {
    const std::int64_t limit = limit_.load(std::memory_order_relaxed);
    if (bytes > (limit < 0 ? kMax : limit) - std::max<std::int64_t>(before, 0)) return false;
  } while (!used_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  raise_to(peak_, before + bytes);
  return true;
}

void MemoryTracker::release(std::int64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

bool MemoryTracker::would_fit(std::int64_t bytes) const noexcept {
  return static_cast<double>(bytes) * overhead_factor_ <= static_cast<double>(free());
}

std::int64_t MemoryTracker::free() const noexcept {
  const std::int64_t limit = this->limit();
  return limit < 0 ? kMax : std::max<std::int64_t>(0, limit - used());
}

void MemoryTracker::set_limit(std::int64_t limit) noexcept {
  limit_.store(std::max(limit, kNoLimit), std::memory_order_relaxed);
}

void MemoryTracker::reset_peak() noexcept { peak_.store(used(), std::memory_order_relaxed); }

void MemoryTracker::reset() noexcept {
  used_.store(0, std::memory_order_relaxed);
  reset_peak();
}

}  // namespace aurex
