#include "aurex/memory/allocator.h"

#include <pthread.h>
#include <unistd.h>

#include "aurex/telemetry/memory_counters.h"

namespace aurex {
namespace {

std::int64_t physical_memory() {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? pages * page : MemoryTracker::kNoLimit;
}

}  // namespace

void* HostAllocator::allocate(std::int64_t bytes) {
  tracker_.allocate(bytes);
  try {
    void* memory = pool_.allocate(bytes);
    note_allocation(bytes);
    return memory;
  } catch (...) {
    tracker_.release(bytes);
    throw;
  }
}

void HostAllocator::release(void* memory, std::int64_t bytes) noexcept {
  if (memory == nullptr) return;
  pool_.release(memory, bytes);
  tracker_.release(bytes);
  note_release(bytes);
}

HostAllocator& host_allocator() {
  // Never destroyed: tensors with static storage may outlive any order of destruction.
  static HostAllocator* const allocator = [] {
    static auto* made = new HostAllocator(physical_memory());
    pthread_atfork([] { made->pool().lock(); }, [] { made->pool().unlock(); }, [] { made->pool().unlock(); });
    return made;
  }();
  return *allocator;
}

}  // namespace aurex
