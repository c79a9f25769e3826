#pragma once

// Which device a program gets: what the code asks for, else the environment, else the first GPU, else the CPU.
//
//   Device device = get_device(DeviceConfig().with_cuda_device(1));
//
// The order, first match wins:
//   1. DeviceConfig: prefer_metal (DeviceNotAvailable until there is one), force_cpu, cuda_device;
//   2. AUREX_DEVICE, strict: an absent device is DeviceNotAvailable;
//   3. AUREX_FORCE_CPU, then the older names in the order of base/environment.h, which fall back to the CPU;
//   4. the first GPU; 5. the CPU.
// Getting the CPU gives one warning per process, unless AUREX_DEVICE=cpu asked for it by name.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aurex/base/environment.h"
#include "aurex/base/result.h"
#include "aurex/device/device.h"

namespace aurex {

struct DeviceConfig {
  bool force_cpu = false;
  std::optional<int> cuda_device;  ///< index of the CUDA device to use where it is there
  bool prefer_metal = false;

  [[nodiscard]] DeviceConfig with_force_cpu(bool value = true) const;
  [[nodiscard]] DeviceConfig with_cuda_device(int index) const;
  [[nodiscard]] DeviceConfig with_prefer_metal(bool value = true) const;
  /// Raises InvalidConfig for a negative index.
  void validate() const;
};

/// A decision and its reason.
struct DeviceChoice {
  DeviceId id;
  bool warn = false;   ///< the caller gets the CPU without having asked for it by name
  std::string reason;  ///< "AUREX_DEVICE", "first GPU"
};

/// The rule above as a pure function of what is asked and what is present.
[[nodiscard]] DeviceChoice choose_device(const DeviceConfig& config, const std::optional<DeviceRequest>& environment,
                                         std::span<const DeviceId> present);

/// The device a program should use; the warning where it is due. Under a microsecond after the first call.
[[nodiscard]] Device get_device(const DeviceConfig& config = {});
/// The same for callers that test instead of catching.
[[nodiscard]] Result<Device> try_get_device(const DeviceConfig& config = {});

/// The device that plain calls run on: chosen as above with nothing configured. Warns only where a GPU is present and
/// not used; a machine without one logs an info line.
[[nodiscard]] Device default_device();

/// Warns, once per process, that `caller` runs on the CPU; says how to silence it. Goes to the log and to the notice
/// sink. Does nothing for other devices. Returns whether this call gave the warning.
bool warn_if_cpu(Device device, std::string_view caller);

}  // namespace aurex
