#pragma once

// What the process's control groups allow it: containers and job schedulers set limits here that the machine's own
// figures do not show. Both versions of the interface. Reads files: ask once, not per launch.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace aurex {

/// Where the kernel publishes control groups; tests point these elsewhere.
struct CgroupPaths {
  std::filesystem::path membership = "/proc/self/cgroup";  ///< which groups this process is in
  std::filesystem::path root = "/sys/fs/cgroup";           ///< where their files are mounted (versions 1 and 2)
};

// Each is the tightest on the way up from the process's group; nothing where none is set.

/// Processors, in fractions: 1.5.
[[nodiscard]] std::optional<double> cgroup_processors(const CgroupPaths& paths = {});
[[nodiscard]] std::optional<std::int64_t> cgroup_memory_bytes(const CgroupPaths& paths = {});

}  // namespace aurex
