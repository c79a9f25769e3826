#include "aurex/device/device.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "aurex/base/error.h"
#include "aurex/device/registry.h"

namespace aurex {
namespace {

constexpr std::array<std::pair<DeviceKind, std::string_view>, 5> kKinds = {{{DeviceKind::kCpu, "cpu"},
                                                                            {DeviceKind::kCuda, "cuda"},
                                                                            {DeviceKind::kHip, "hip"},
                                                                            {DeviceKind::kOpenCl, "opencl"},
                                                                            {DeviceKind::kNull, "null"}}};

std::optional<DeviceId> try_parse(std::string_view name) {
  const std::size_t colon = name.find(':');
  for (const auto& [kind, text] : kKinds) {
    if (name.substr(0, colon) != text) continue;
    if (colon == std::string_view::npos) return DeviceId{kind, 0};
    const std::string_view digits = name.substr(colon + 1);
    int index = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    const bool number = error == std::errc() && end == digits.data() + digits.size() && index >= 0;
    if (!number || (!is_gpu(kind) && index != 0)) return std::nullopt;
    return DeviceId{kind, index};
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(DeviceKind kind) {
  for (const auto& [known, text] : kKinds) {
    if (known == kind) return text;
  }
  return "?";
}

std::string to_string(DeviceId id) {
  std::string text(to_string(id.kind));
  return is_gpu(id.kind) ? text + ":" + std::to_string(id.index) : text;
}

DeviceId parse_device_id(std::string_view name) {
  if (const auto id = try_parse(name)) return *id;
  throw InvalidConfig("'" + std::string(name.substr(0, 64)) +
                      "' names no device; legal are cpu, null, cuda:N, hip:N, opencl:N");
}

Device Device::cpu() {
  static const Device cpu = find_device(DeviceId{DeviceKind::kCpu, 0});
  return cpu;
}

}  // namespace aurex
