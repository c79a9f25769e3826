#include "aurex/device/dispatch.h"

#include <algorithm>

#include "aurex/base/error.h"
#include "aurex/device/registry.h"

namespace aurex {

void raise_not_dispatchable(Device device) {
  DeviceNotAvailable error("device '" + device.name() + "' computes nothing; an operation runs on a GPU or on \"cpu\"");
  error.with("device", device.name()).with("present", device_names());
  throw error;
}

bool gpu_available() {
  return std::any_of(devices().begin(), devices().end(), [](const Device& device) { return is_gpu(device.kind()); });
}

}  // namespace aurex
