#include "aurex/base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
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

bool has_controller(const std::string& controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == wanted) return true;
  }
  return false;
}

std::optional<double> read_number(const fs::path& file) {
  std::ifstream in(file);
  double value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

std::optional<double> processors_v2(const fs::path& folder) {
  std::ifstream in(folder / "cpu.max");  // "150000 100000" or "max 100000"
  std::string quota;
  double period = 0;
  if (!(in >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
  std::istringstream number(quota);
  double value = 0;
  return number >> value ? std::optional(value / period) : std::nullopt;
}

std::optional<double> processors_v1(const fs::path& folder) {
  const auto quota = read_number(folder / "cpu.cfs_quota_us");  // −1: none
  const auto period = read_number(folder / "cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::optional<double> memory_v2(const fs::path& folder) { return read_number(folder / "memory.max"); }  // or "max"

std::optional<double> memory_v1(const fs::path& folder) {
  constexpr double kNone = 9e18;  // without a limit the file shows the largest int64, rounded down to a page
  const auto limit = read_number(folder / "memory.limit_in_bytes");
  return limit && *limit < kNone ? limit : std::nullopt;
}

using Limit = std::optional<double> (*)(const fs::path& folder);

/// The tightest limit of `group` and everything above it. Inside a container the mount shows the container's group as
/// the root while the membership file names the path outside, so folders that are missing are passed over.
void tighten(std::optional<double>& tightest, const fs::path& mount, const std::string& group, Limit limit_of) {
  fs::path folder = fs::path(group).relative_path();
  for (;;) {
    if (const auto limit = limit_of(mount / folder)) tightest = tightest ? std::min(*tightest, *limit) : *limit;
    if (folder.empty()) return;
    folder = folder.parent_path();
  }
}

std::optional<double> tightest(const CgroupPaths& paths, const std::string& controller, Limit v2, Limit v1) {
  std::optional<double> limit;
  for (const Membership& group : read_memberships(paths.membership)) {
    if (group.controllers.empty()) {
      tighten(limit, paths.root, group.path, v2);
    } else if (has_controller(group.controllers, controller)) {
      for (const std::string& mount : {group.controllers, controller}) {
        tighten(limit, paths.root / mount, group.path, v1);
      }
    }
  }
  return limit;
}

}  // namespace

std::optional<double> cgroup_processors(const CgroupPaths& paths) {
  return tightest(paths, "cpu", processors_v2, processors_v1);
}

std::optional<std::int64_t> cgroup_memory_bytes(const CgroupPaths& paths) {
  const auto limit = tightest(paths, "memory", memory_v2, memory_v1);
  return limit && *limit >= 0 && *limit < 9e18 ? std::optional(static_cast<std::int64_t>(*limit)) : std::nullopt;
}

}  // namespace aurex
