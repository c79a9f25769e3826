#include "aurex/base/thread_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace aurex {
namespace {

namespace fs = std::filesystem;

/// One line of the membership file, "4:cpu,cpuacct:/docker/1f2e": version 2 has hierarchy 0 and no controllers.
struct Membership {
  std::string controllers, path;
};

std::vector<Membership> read_memberships(const fs::path& file) {
  std::vector<Membership> groups;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    groups.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return groups;
}

std::optional<double> read_number(const fs::path& file) {
  std::ifstream in(file);
  double value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

std::optional<double> quota_v2(const fs::path& folder) {
  std::ifstream in(folder / "cpu.max");  // "150000 100000" or "max 100000"
  std::string quota;
  double period = 0;
  if (!(in >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
  std::istringstream number(quota);
  double value = 0;
  return number >> value ? std::optional(value / period) : std::nullopt;
}

std::optional<double> quota_v1(const fs::path& folder) {
  const auto quota = read_number(folder / "cpu.cfs_quota_us");  // −1: none
  const auto period = read_number(folder / "cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

/// The tightest quota of `group` and everything above it. Inside a container the mount shows the container's group as
/// the root while the membership file names the path outside, so folders that are missing are passed over.
template <typename Quota>
double tightest(const fs::path& mount, const std::string& group, Quota quota_of, double tightest_so_far) {
  fs::path folder = fs::path(group).relative_path();
  for (;;) {
    if (const auto quota = quota_of(mount / folder)) tightest_so_far = std::min(tightest_so_far, *quota);
    if (folder.empty()) return tightest_so_far;
    folder = folder.parent_path();
  }
}

bool has_cpu_controller(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

}  // namespace

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
  constexpr double kNone = 1e9;
  double quota = kNone;
  for (const Membership& group : read_memberships(paths.membership)) {
    if (group.controllers.empty()) {
      quota = tightest(paths.root, group.path, quota_v2, quota);
    } else if (has_cpu_controller(group.controllers)) {
      for (const std::string& mount : {group.controllers, std::string("cpu")}) {
        quota = tightest(paths.root / mount, group.path, quota_v1, quota);
      }
    }
  }
  return quota >= kNone ? 0 : std::max(1, static_cast<int>(std::ceil(quota)));
}

int available_thread_count() {
  const int affinity = affinity_thread_count();
  const int quota = cgroup_thread_count();
  return quota == 0 ? affinity : std::min(affinity, quota);
}

}  // namespace aurex
