#pragma once

// What a code generator's machine can do and what it costs, as data. The only place for such numbers; each has its
// reason.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aurex::schedule {

struct Target {
  std::string name;                // "cpu.avx512"
  std::int32_t vector_bytes = 64;  // one machine vector
  std::int32_t vector_registers = 32;
  bool masks = true;                 // predicated loads and stores cost nothing (AVX-512 k registers)
  std::int64_t l1_bytes = 32 << 10;  // data cache
  std::int64_t l2_bytes = 1 << 20;
  std::vector<std::string> features;  // LLVM feature strings without the plus: "avx512f", "fma"
  std::string llvm_cpu;               // "cascadelake"

  [[nodiscard]] std::int32_t lanes(std::int64_t element_bytes) const {
    return static_cast<std::int32_t>(vector_bytes / element_bytes);
  }
};

/// The target of a name ("cpu.avx2", "cpu.avx512", "cpu.vnni", "cpu.amx", "cpu.neon"); InvalidConfig lists the known
/// ones.
[[nodiscard]] Target target(std::string_view name);
/// Names of the CPU targets that this process may run here, best first: what the processor has, no more than
/// AUREX_TARGET says. Raises DeviceNotAvailable where that asks for more than there is.
[[nodiscard]] std::vector<std::string> runnable_targets();

}  // namespace aurex::schedule
