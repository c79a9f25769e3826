#pragma once

// The environment variables the library understands, read and checked in one place (environment.cpp is the only file
// that calls getenv). An unknown value raises InvalidConfig that names the variable and lists what is legal.
//
// Older names from the systems Aurex descends from are honoured after its own, in this order:
// RUST_AI_*, AXOLOTL_*, VSA_OPTIM_*, AUREX_BACKEND.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aurex/base/cpu_features.h"
#include "aurex/base/function_ref.h"
#include "aurex/base/log.h"

namespace aurex {

/// Which device the environment asks for, after the order of precedence has been applied.
struct DeviceRequest {
  std::string device;    ///< "cpu", "cuda:1", …; what AUREX_DEVICE says is checked against the registry, not here
  std::string variable;  ///< who asked: "AUREX_DEVICE"
  bool strict = false;   ///< AUREX_DEVICE insists: an absent device is an error; older names fall back to the CPU
};

struct Environment {
  std::optional<DeviceRequest> device;         ///< AUREX_DEVICE, AUREX_FORCE_CPU and the older names
  std::vector<std::string> disabled_backends;  ///< AUREX_DISABLE_CUDA, _HIP, _OPENCL, _NULL: "cuda", …
  std::optional<int> threads;                  ///< AUREX_THREADS; unset: as many as the process may use
  std::filesystem::path cache_dir;             ///< AUREX_CACHE_DIR; unset: the user's cache directory, empty if none
  std::int64_t cache_bytes = std::int64_t{256} << 20;  ///< AUREX_CACHE_SIZE: 0, 500M, 2G; units of 1024
  std::optional<LogLevel> log_level;                   ///< AUREX_LOG
  bool safe = false;                                   ///< AUREX_SAFE: bounds are checked in compiled code
  std::optional<CpuTarget> target;                     ///< AUREX_TARGET: no more than this instruction set
  std::filesystem::path profile;                       ///< AUREX_PROFILE: file for the trace; 1 means aurex_trace.json
  std::string serve;                                   ///< AUREX_SERVE: host:port or port; empty: off

  /// The variables that were set, with their values, in the order of environment_variables().
  std::vector<std::pair<std::string, std::string>> set;
};

struct EnvironmentVariable {
  std::string_view name;
  std::string_view values;   ///< the legal ones, for people
  std::string_view meaning;  ///< one sentence
};

/// Every variable, newest names first; the guide and `aurex devices --json` print this table.
[[nodiscard]] std::span<const EnvironmentVariable> environment_variables();

/// Reads through `lookup` (name → value, nothing where unset; empty counts as unset). Raises InvalidConfig.
[[nodiscard]] Environment read_environment(FunctionRef<std::optional<std::string>(const std::string& name)> lookup);

/// This process's environment as it was at the first call. Raises InvalidConfig, at every call until it is legal.
[[nodiscard]] const Environment& environment();

}  // namespace aurex
