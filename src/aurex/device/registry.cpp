#include "aurex/device/registry.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "aurex/base/error.h"
#include "aurex/device/backends.h"

namespace aurex {
namespace {

int rank_of(DeviceKind kind) {
  if (is_gpu(kind)) return 0;
  return kind == DeviceKind::kCpu ? 1 : 2;
}

/// The backends that were found, for the life of the process: kernels may run while static objects are destroyed.
const DeviceBackends& backends() {
  static const DeviceBackends* const found = [] {
    auto* list = new DeviceBackends;
    for (const DeviceProbe probe : kDeviceProbes) probe(*list);
    std::sort(list->begin(), list->end(), [](const auto& a, const auto& b) {
      const DeviceId x = a->id(), y = b->id();
      return std::tuple(rank_of(x.kind), x.kind, x.index) < std::tuple(rank_of(y.kind), y.kind, y.index);
    });
    return list;
  }();
  return *found;
}

}  // namespace

const std::vector<Device>& devices() {
  static const std::vector<Device>* const all = [] {
    auto* list = new std::vector<Device>;
    for (const auto& backend : backends()) list->emplace_back(*backend);
    return list;
  }();
  return *all;
}

Device find_device(DeviceId id) {
  for (const Device& device : devices()) {
    if (device.id() == id) return device;
  }
  DeviceNotAvailable error("device '" + to_string(id) + "' is not available; present are " + device_names());
  error.with("device", to_string(id)).with("present", device_names());
  throw error;
}

Device find_device(std::string_view name) { return find_device(parse_device_id(name)); }

std::string device_names() {
  std::string names;
  for (const Device& device : devices()) names += (names.empty() ? "" : ", ") + device.name();
  return names;
}

}  // namespace aurex
