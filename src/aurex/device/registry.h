#pragma once

// The devices of this process. The build lists the backends; each is asked once, at first use, what it finds.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/device/device.h"

namespace aurex {

using DeviceBackends = std::vector<std::unique_ptr<DeviceBackend>>;

/// One line of the build's list: looks for devices of a kind and appends them. Never raises for a missing driver.
using DeviceProbe = void (*)(DeviceBackends& found);

/// Every device that is present, GPUs first, then "cpu", then "null".
[[nodiscard]] const std::vector<Device>& devices();

/// The device of that name. Raises InvalidConfig for a name that no device could have and DeviceNotAvailable, which
/// lists those present, for one that is not there.
[[nodiscard]] Device find_device(std::string_view name);
[[nodiscard]] Device find_device(DeviceId id);

/// The names of devices(), "cpu, null", for messages.
[[nodiscard]] std::string device_names();

}  // namespace aurex
