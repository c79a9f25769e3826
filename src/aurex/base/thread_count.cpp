#include "aurex/base/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <thread>

namespace aurex {

int affinity_thread_count() {
  // A fixed cpu_set_t ends at 1,024 processors; the kernel refuses a mask that is too small, so it grows.
  for (int processors = CPU_SETSIZE; processors <= (1 << 20); processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(static_cast<std::size_t>(processors));
    if (mask == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(processors));
    const int count = sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (count > 0) return count;
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int cgroup_thread_count(const CgroupPaths& paths) {
  const auto processors = cgroup_processors(paths);
  return processors ? std::max(1, static_cast<int>(std::ceil(*processors))) : 0;
}

int available_thread_count() {
  const int affinity = affinity_thread_count();
  const int quota = cgroup_thread_count();
  return quota == 0 ? affinity : std::min(affinity, quota);
}

}  // namespace aurex
