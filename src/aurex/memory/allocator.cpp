#include "aurex/memory/allocator.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "aurex/base/cgroup.h"
#include "aurex/telemetry/memory_counters.h"

namespace aurex {
namespace {

/// What the machine has, or what the process's control group leaves it: past that the kernel would end the process.
std::int64_t available_memory() {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  const std::int64_t machine = pages > 0 && page > 0 ? pages * page : MemoryTracker::kNoLimit;
  const std::optional<std::int64_t> group = cgroup_memory_bytes();
  if (!group) return machine;
  return machine == MemoryTracker::kNoLimit ? *group : std::min(machine, *group);
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
    static auto* made = new HostAllocator(available_memory());
    pthread_atfork([] { made->pool().lock(); }, [] { made->pool().unlock(); }, [] { made->pool().unlock(); });
    return made;
  }();
  return *allocator;
}

}  // namespace aurex
