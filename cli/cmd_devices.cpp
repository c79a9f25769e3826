// aurex devices: what is here and what it can do at most.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "aurex/base/cpu_features.h"
#include "aurex/base/environment.h"
#include "aurex/base/thread_count.h"
#include "aurex/base/thread_pool.h"
#include "aurex/device/choice.h"
#include "aurex/device/registry.h"
#include "aurex/jit/ceilings.h"
#include "cli/commands.h"

namespace aurex::cli {
namespace {

constexpr const char* kNotAvailable = "not available";

std::string bytes_text(std::int64_t bytes) {
  if (bytes <= 0) return kNotAvailable;
  if (bytes < std::int64_t{1} << 20) return fmt::format("{} KiB", bytes >> 10);
  if (bytes < std::int64_t{1} << 30) return fmt::format("{:.4g} MiB", std::ldexp(static_cast<double>(bytes), -20));
  return fmt::format("{:.4g} GiB", std::ldexp(static_cast<double>(bytes), -30));
}

nlohmann::json device_json(const Device& device) {
  const DeviceInfo info = device.info();
  return {{"name", device.name()},
          {"product", info.name},
          {"cores", info.cores},
          {"memory_bytes", info.memory_bytes},
          {"target", info.target},
          {"features", info.features},
          {"driver", info.driver.empty() ? nlohmann::json(nullptr) : nlohmann::json(info.driver)}};
}

nlohmann::json environment_json() {
  auto list = nlohmann::json::array();
  for (const EnvironmentVariable& variable : environment_variables()) {
    nlohmann::json entry = {
        {"name", variable.name}, {"values", variable.values}, {"meaning", variable.meaning}, {"value", nullptr}};
    for (const auto& [name, value] : environment().set) {
      if (name == variable.name) entry["value"] = value;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

void print_json(const Console& console) {
  const CpuFeatures& features = cpu_features();
  const Ceilings ceilings = measure_ceilings();
  auto list = nlohmann::json::array();
  for (const Device& device : aurex::devices()) list.push_back(device_json(device));
  const nlohmann::json json = {
      {"default", default_device().name()},
      {"devices", list},
      {"threads",
       {{"used", threads()}, {"affinity", affinity_thread_count()}, {"cgroup_quota", cgroup_thread_count()}}},
      {"caches", {{"l1_bytes", features.l1_bytes}, {"l2_bytes", features.l2_bytes}, {"l3_bytes", features.l3_bytes}}},
      {"ceilings",
       {{"fma_gflops", ceilings.fma_gflops}, {"copy_gbs", ceilings.copy_gbs}, {"read_gbs", ceilings.read_gbs}}},
      {"sensors", {{"temperature", nullptr}, {"power", nullptr}, {"clock", nullptr}}},
      {"environment", environment_json()}};
  console.line(json.dump(2));
}

void print_field(const Console& console, std::string_view name, std::string_view value) {
  console.line(fmt::format("  {:<10} {}", name, value));
}

void print_cpu(const Console& console) {
  const CpuFeatures& features = cpu_features();
  const Ceilings ceilings = measure_ceilings();
  const int quota = cgroup_thread_count();
  print_field(console, "threads",
              fmt::format("{} used; affinity {}, quota {}", threads(), affinity_thread_count(),
                          quota == 0 ? "none" : std::to_string(quota)));
  print_field(console, "caches",
              fmt::format("L1 {}, L2 {}, L3 {}", bytes_text(features.l1_bytes), bytes_text(features.l2_bytes),
                          bytes_text(features.l3_bytes)));
  print_field(console, "ceilings",
              fmt::format("f32 FMA {:.1f} GF/s, copy {:.1f} GB/s, read {:.1f} GB/s, one thread", ceilings.fma_gflops,
                          ceilings.copy_gbs, ceilings.read_gbs));
  print_field(console, "sensors", fmt::format("temperature {0}, power {0}, clock {0}", kNotAvailable));
}

void print_text(const Console& console) {
  const std::string chosen = default_device().name();
  for (const Device& device : aurex::devices()) {
    const DeviceInfo info = device.info();
    console.line(fmt::format("{}{}{}{}", device.name(), info.name.empty() ? "" : "  ", info.name,
                             device.name() == chosen ? "  (default)" : ""));
    if (!info.target.empty()) print_field(console, "target", info.target);
    if (!info.features.empty()) print_field(console, "features", fmt::format("{}", fmt::join(info.features, " ")));
    if (info.memory_bytes > 0) print_field(console, "memory", bytes_text(info.memory_bytes));
    if (!info.driver.empty()) print_field(console, "driver", info.driver);
    if (device.kind() == DeviceKind::kCpu) print_cpu(console);
  }
  if (environment().set.empty()) return;
  console.line("environment");
  for (const auto& [name, value] : environment().set) console.line(fmt::format("  {}={}", name, value));
}

}  // namespace

int devices(const Console& console) {
  if (console.json()) {
    print_json(console);
  } else {
    print_text(console);
  }
  return kDone;
}

}  // namespace aurex::cli
