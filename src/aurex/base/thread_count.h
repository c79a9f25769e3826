#pragma once

// How many threads this process may keep busy: the smaller of its CPU affinity and its control group's quota.

#include "aurex/base/cgroup.h"

namespace aurex {

/// Processors in the calling thread's affinity mask, at least 1.
[[nodiscard]] int affinity_thread_count();

/// Whole processors that the tightest quota on the way up allows (1.5 counts as 2), or 0 where there is none.
[[nodiscard]] int cgroup_thread_count(const CgroupPaths& paths = {});

/// The smaller of both, at least 1. Reads files: call once, not per launch.
[[nodiscard]] int available_thread_count();

}  // namespace aurex
