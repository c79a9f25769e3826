#include "aurex/device/choice.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/base/log.h"
#include "aurex/device/notice.h"
#include "aurex/device/registry.h"

namespace aurex {
namespace {

constexpr DeviceId kCpu{DeviceKind::kCpu, 0};

bool has(std::span<const DeviceId> present, DeviceId id) {
  return std::find(present.begin(), present.end(), id) != present.end();
}

std::string list(std::span<const DeviceId> present) {
  std::string names;
  for (const DeviceId id : present) names += (names.empty() ? "" : ", ") + to_string(id);
  return names;
}

[[noreturn]] void throw_absent(const std::string& name, const std::string& who, std::span<const DeviceId> present) {
  DeviceNotAvailable error(who + " asks for device '" + name + "', which is not available; present are " +
                           list(present));
  error.with("device", name).with("present", list(present));
  throw error;
}

DeviceChoice cpu_with_warning(std::string reason) { return {.id = kCpu, .warn = true, .reason = std::move(reason)}; }

DeviceChoice use_or_fall_back(DeviceId id, const std::string& who, std::span<const DeviceId> present) {
  if (id == kCpu || !has(present, id)) return cpu_with_warning(who);
  return {.id = id, .reason = who};
}

/// What this process has, asked once.
const std::vector<DeviceId>& present_ids() {
  static const auto* const ids = [] {
    auto* list = new std::vector<DeviceId>;
    for (const Device& device : devices()) list->push_back(device.id());
    return list;
  }();
  return *ids;
}

DeviceChoice decide(const DeviceConfig& config) {
  const DeviceChoice choice = choose_device(config, environment().device, present_ids());
  if (log_enabled(LogLevel::kDebug)) {
    log_debug("device chosen", {{"device", to_string(choice.id)}, {"reason", choice.reason}});
  }
  return choice;
}

}  // namespace

DeviceConfig DeviceConfig::with_force_cpu(bool value) const {
  DeviceConfig next = *this;
  next.force_cpu = value;
  return next;
}

DeviceConfig DeviceConfig::with_cuda_device(int index) const {
  DeviceConfig next = *this;
  next.cuda_device = index;
  return next;
}

DeviceConfig DeviceConfig::with_prefer_metal(bool value) const {
  DeviceConfig next = *this;
  next.prefer_metal = value;
  return next;
}

void DeviceConfig::validate() const {
  if (cuda_device && *cuda_device < 0) {
    throw InvalidConfig("cuda_device: " + std::to_string(*cuda_device) + " is no index of a device");
  }
}

DeviceChoice choose_device(const DeviceConfig& config, const std::optional<DeviceRequest>& environment,
                           std::span<const DeviceId> present) {
  config.validate();
  if (config.prefer_metal) throw_absent("metal", "prefer_metal", present);
  if (config.force_cpu) return cpu_with_warning("force_cpu");
  if (config.cuda_device) return use_or_fall_back({DeviceKind::kCuda, *config.cuda_device}, "cuda_device", present);
  if (environment) {
    const DeviceId id = parse_device_id(environment->device);
    if (!environment->strict) return use_or_fall_back(id, environment->variable, present);
    if (!has(present, id)) throw_absent(environment->device, environment->variable, present);
    return {.id = id, .reason = environment->variable};
  }
  for (const DeviceId id : present) {
    if (is_gpu(id.kind)) return {.id = id, .reason = "first GPU"};
  }
  return cpu_with_warning("no GPU");
}

Device get_device(const DeviceConfig& config) {
  const DeviceChoice choice = decide(config);
  const Device device = find_device(choice.id);
  if (choice.warn) warn_if_cpu(device, "get_device");
  return device;
}

Result<Device> try_get_device(const DeviceConfig& config) {
  return attempt([&] { return get_device(config); });
}

Device default_device() {
  const DeviceChoice choice = decide({});
  const Device device = find_device(choice.id);
  if (choice.warn) {
    const bool gpu =
        std::any_of(present_ids().begin(), present_ids().end(), [](DeviceId id) { return is_gpu(id.kind); });
    static std::atomic<bool> told{false};
    if (gpu) {
      warn_if_cpu(device, "default_device");
    } else if (!told.exchange(true)) {
      log_info("no GPU, kernels run on the CPU", {{"reason", choice.reason}});
    }
  }
  return device;
}

bool warn_if_cpu(Device device, std::string_view caller) {
  if (device.kind() != DeviceKind::kCpu) return false;
  static std::atomic<bool> warned{false};
  if (warned.load(std::memory_order_relaxed) || warned.exchange(true)) return false;
  const std::string text = "WARNING: CPU device in use by " + std::string(caller) +
                           "; kernels run slower than on a GPU. Set AUREX_DEVICE=cpu to silence this warning.";
  log_warn(text, {{"caller", std::string(caller)}});
  emit_notice({.kind = Notice::Kind::kWarning, .text = text});
  return true;
}

}  // namespace aurex
