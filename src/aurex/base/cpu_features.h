#pragma once

// What the processor can do *and* the operating system permits, and the CPU target that follows from it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aurex {

/// The instruction sets that code is generated for, each containing those before it.
enum class CpuTarget : std::uint8_t { kAvx2, kAvx512, kVnni, kAmx };

/// "cpu.avx2", "cpu.avx512", "cpu.vnni", "cpu.amx".
[[nodiscard]] std::string_view to_string(CpuTarget target);
/// The inverse; raises InvalidConfig that lists the legal names.
[[nodiscard]] CpuTarget parse_cpu_target(std::string_view name);

struct CpuFeatures {
  std::string vendor;  ///< "GenuineIntel"
  std::string model;   ///< "Intel(R) Xeon(R) Processor @ 2.50GHz"

  // Each is true only where the registers it needs are saved and restored by the operating system.
  bool sse4_2 = false, avx = false, avx2 = false, fma = false, f16c = false, bmi2 = false;
  bool avx_vnni = false;
  bool avx512f = false, avx512bw = false, avx512cd = false, avx512dq = false, avx512vl = false;
  bool avx512_vnni = false, avx512_bf16 = false, avx512_fp16 = false, avx512_vbmi = false;
  bool amx_tile = false, amx_int8 = false, amx_bf16 = false;

  // Bytes of data cache that one core sees; 0 where the system does not say.
  std::int64_t l1_bytes = 0, l2_bytes = 0, l3_bytes = 0;
  std::int64_t cache_line_bytes = 64;

  /// The names of those that are there, in the order of the fields: {"sse4_2", "avx", …}.
  [[nodiscard]] std::vector<std::string> names() const;
  /// The best target these features allow; nothing where AVX2, FMA or F16C is missing.
  [[nodiscard]] std::optional<CpuTarget> best_target() const;
};

/// Asks the processor and the system once per process. AMX state is requested from Linux here (per process, inherited
/// by threads), so that amx_* means usable.
[[nodiscard]] const CpuFeatures& cpu_features();

/// The target to generate code for: the best one, lowered to `cap` where that is given. Raises DeviceNotAvailable below
/// AVX2, and when `cap` asks for more than there is.
[[nodiscard]] CpuTarget choose_cpu_target(const CpuFeatures& features, std::optional<CpuTarget> cap);
/// The same for this process, with AUREX_TARGET as the cap.
[[nodiscard]] CpuTarget cpu_target();

}  // namespace aurex
