#include "aurex/base/environment.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "aurex/base/error.h"
#include "aurex/base/result.h"
#include "aurex/base/thread_pool.h"

namespace aurex {
namespace {

constexpr std::string_view kSwitch = "1, 0, true, false, yes, no, on, off";
constexpr std::string_view kBackendNames = "cpu, cuda, hip, rocm, opencl, null";

constexpr EnvironmentVariable kVariables[] = {
    {"AUREX_DEVICE", "cpu, cuda:N, hip:N, opencl:N, null", "The device to use; an error where it is absent."},
    {"AUREX_FORCE_CPU", kSwitch, "Uses the CPU even where there is a GPU."},
    {"AUREX_THREADS", "1 to 1024", "Threads of the default pool."},
    {"AUREX_CACHE_DIR", "a folder", "Where compiled kernels and tuning results are kept."},
    {"AUREX_CACHE_SIZE", "bytes, or with K, M, G, T", "Most that the cache may take up; 0 switches it off."},
    {"AUREX_LOG", "off, error, warn, info, debug, trace", "How much is logged."},
    {"AUREX_SAFE", kSwitch, "Checks every index in compiled code."},
    {"AUREX_TARGET", "cpu.avx2, cpu.avx512, cpu.vnni, cpu.amx", "Generates code for no more than this."},
    {"AUREX_PROFILE", "a file, or a switch", "Writes a trace there; switched on it is aurex_trace.json."},
    {"AUREX_SERVE", "a port, host:port, or off", "Serves live telemetry there."},
    {"AUREX_DISABLE_CUDA", kSwitch, "Hides CUDA devices."},
    {"AUREX_DISABLE_HIP", kSwitch, "Hides HIP devices."},
    {"AUREX_DISABLE_OPENCL", kSwitch, "Hides OpenCL devices."},
    {"AUREX_DISABLE_NULL", kSwitch, "Hides the null device."},
    {"RUST_AI_FORCE_CPU", kSwitch, "Older name of AUREX_FORCE_CPU."},
    {"RUST_AI_CUDA_DEVICE", "a device number", "Prefers that CUDA device."},
    {"AXOLOTL_FORCE_CPU", kSwitch, "Older name of AUREX_FORCE_CPU."},
    {"AXOLOTL_CUDA_DEVICE", "a device number", "Prefers that CUDA device."},
    {"VSA_OPTIM_FORCE_CPU", kSwitch, "Older name of AUREX_FORCE_CPU."},
    {"VSA_OPTIM_CUDA_DEVICE", "a device number", "Prefers that CUDA device."},
    {"AUREX_BACKEND", kBackendNames, "Prefers the first device of that kind."},
};

using Lookup = FunctionRef<std::optional<std::string>(const std::string&)>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return text;
}

[[noreturn]] void refuse(const std::string& name, const std::string& value) {
  std::string legal;
  for (const EnvironmentVariable& variable : kVariables) {
    if (variable.name == name) legal = variable.values;
  }
  InvalidConfig error(name + "='" + value + "' is not legal; legal: " + legal);
  error.with("variable", name).with("value", value).with("legal", legal);
  throw error;
}

std::optional<bool> as_switch(const std::string& value) {
  const std::string text = lower(value);
  for (const std::string_view yes : {"1", "true", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "false", "no", "off"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> as_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

/// "512M" in bytes.
std::optional<std::int64_t> as_bytes(std::string text) {
  text = lower(std::move(text));
  if (text.ends_with("ib")) text.resize(text.size() - 2);
  const std::size_t unit = text.empty() ? std::string::npos : std::string_view("kmgt").find(text.back());
  const int shift = unit == std::string::npos ? 0 : 10 * (static_cast<int>(unit) + 1);
  if (shift > 0) text.pop_back();
  const std::optional<std::int64_t> number = as_number(text);
  if (!number || *number > (std::numeric_limits<std::int64_t>::max() >> shift)) return std::nullopt;
  return *number << shift;
}

bool is_endpoint(const std::string& value) {
  const auto colon = value.rfind(':');
  const std::optional<std::int64_t> port = as_number(colon == std::string::npos ? value : value.substr(colon + 1));
  return port && *port >= 1 && *port <= 65535 && colon != 0;
}

/// Looks variables up and keeps note of those that are set.
class Reader {
 public:
  explicit Reader(Lookup lookup) {
    for (const EnvironmentVariable& variable : kVariables) {
      std::optional<std::string> value = lookup(std::string(variable.name));
      if (value && !value->empty()) set_.emplace_back(variable.name, std::move(*value));
    }
  }

  [[nodiscard]] const std::string* get(std::string_view name) const {
    for (const auto& [key, value] : set_) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  [[nodiscard]] std::optional<bool> get_switch(const std::string& name) const {
    const std::string* value = get(name);
    if (value == nullptr) return std::nullopt;
    const std::optional<bool> on = as_switch(*value);
    if (!on) refuse(name, *value);
    return on;
  }
  [[nodiscard]] std::optional<std::int64_t> get_number(const std::string& name, std::int64_t low,
                                                       std::int64_t high) const {
    const std::string* value = get(name);
    if (value == nullptr) return std::nullopt;
    const std::optional<std::int64_t> number = as_number(*value);
    if (!number || *number < low || *number > high) refuse(name, *value);
    return number;
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> take() && { return std::move(set_); }

 private:
  std::vector<std::pair<std::string, std::string>> set_;
};

std::optional<DeviceRequest> read_backend(const Reader& reader) {
  const std::string* value = reader.get("AUREX_BACKEND");
  if (value == nullptr) return std::nullopt;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kDevices = {{{"cpu", "cpu"},
                                                                                      {"cuda", "cuda:0"},
                                                                                      {"hip", "hip:0"},
                                                                                      {"rocm", "hip:0"},
                                                                                      {"opencl", "opencl:0"},
                                                                                      {"null", "null"}}};
  for (const auto& [backend, device] : kDevices) {
    if (lower(*value) == backend) return DeviceRequest{std::string(device), "AUREX_BACKEND", false};
  }
  refuse("AUREX_BACKEND", *value);
}

/// The first that speaks decides. A FORCE_CPU of 0 chooses no device but overrules the FORCE_CPUs after it. All are
/// read, so that a value nobody needs is still checked.
std::optional<DeviceRequest> read_device(const Reader& reader) {
  std::optional<DeviceRequest> request;
  const auto propose = [&request](DeviceRequest next) {
    if (!request) request = std::move(next);
  };
  bool cpu_decided = false;
  const auto propose_cpu = [&](const std::string& name) {
    const std::optional<bool> force = reader.get_switch(name);
    if (force.value_or(false) && !cpu_decided) propose({"cpu", name, false});
    cpu_decided |= force.has_value();
  };

  if (const std::string* device = reader.get("AUREX_DEVICE")) propose({*device, "AUREX_DEVICE", true});
  propose_cpu("AUREX_FORCE_CPU");
  for (const std::string family : {"RUST_AI", "AXOLOTL", "VSA_OPTIM"}) {
    propose_cpu(family + "_FORCE_CPU");
    const auto index = reader.get_number(family + "_CUDA_DEVICE", 0, 1023);
    if (index) propose({"cuda:" + std::to_string(*index), family + "_CUDA_DEVICE", false});
  }
  if (std::optional<DeviceRequest> backend = read_backend(reader)) propose(std::move(*backend));
  return request;
}

std::filesystem::path default_cache_dir(Lookup lookup) {
  if (const auto cache = lookup("XDG_CACHE_HOME"); cache && cache->starts_with('/')) return *cache + "/aurex";
  if (const auto home = lookup("HOME"); home && home->starts_with('/')) return *home + "/.cache/aurex";
  return {};
}

void read_cache(const Reader& reader, Lookup lookup, Environment& result) {
  const std::string* folder = reader.get("AUREX_CACHE_DIR");
  result.cache_dir = folder != nullptr ? std::filesystem::path(*folder) : default_cache_dir(lookup);
  if (const std::string* size = reader.get("AUREX_CACHE_SIZE")) {
    const std::optional<std::int64_t> bytes = as_bytes(*size);
    if (!bytes) refuse("AUREX_CACHE_SIZE", *size);
    result.cache_bytes = *bytes;
  }
}

void read_observation(const Reader& reader, Environment& result) {
  if (const std::string* level = reader.get("AUREX_LOG")) {
    const Result<LogLevel> parsed = attempt([level] { return parse_log_level(*level); });
    if (!parsed) refuse("AUREX_LOG", *level);
    result.log_level = parsed.value();
  }
  if (const std::string* profile = reader.get("AUREX_PROFILE")) {
    const std::optional<bool> on = as_switch(*profile);
    if (!on) result.profile = *profile;
    if (on == true) result.profile = "aurex_trace.json";
  }
  if (const std::string* serve = reader.get("AUREX_SERVE"); serve != nullptr && as_switch(*serve) != false) {
    if (!is_endpoint(*serve)) refuse("AUREX_SERVE", *serve);
    result.serve = *serve;
  }
}

}  // namespace

std::span<const EnvironmentVariable> environment_variables() { return kVariables; }

Environment read_environment(Lookup lookup) {
  Reader reader(lookup);
  Environment result;
  result.device = read_device(reader);
  for (const std::string backend : {"CUDA", "HIP", "OPENCL", "NULL"}) {
    if (reader.get_switch("AUREX_DISABLE_" + backend).value_or(false))
      result.disabled_backends.push_back(lower(backend));
  }
  if (const auto threads = reader.get_number("AUREX_THREADS", 1, ThreadPool::kMaxThreads)) {
    result.threads = static_cast<int>(*threads);
  }
  read_cache(reader, lookup, result);
  read_observation(reader, result);
  result.safe = reader.get_switch("AUREX_SAFE").value_or(false);
  if (const std::string* target = reader.get("AUREX_TARGET")) {
    const Result<CpuTarget> parsed = attempt([target] { return parse_cpu_target(*target); });
    if (!parsed) refuse("AUREX_TARGET", *target);
    result.target = parsed.value();
  }
  result.set = std::move(reader).take();
  return result;
}

const Environment& environment() {
  static const Environment process = read_environment([](const std::string& name) {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): read once, nobody sets
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
  return process;
}

}  // namespace aurex
