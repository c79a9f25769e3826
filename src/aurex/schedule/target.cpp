#include "aurex/schedule/target.h"

#include <array>

#include "aurex/base/cpu_features.h"
#include "aurex/base/error.h"

namespace aurex::schedule {
namespace {

const std::vector<std::string> kAvx2 = {"sse4.2", "avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "popcnt"};

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Cache sizes are those of the smallest common machine of each kind; blocking by them is right on larger ones too.
const std::array<Target, 5>& targets() {
  static const std::vector<std::string> avx512 =
      kAvx2 + std::vector<std::string>{"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
  static const std::vector<std::string> vnni = avx512 + std::vector<std::string>{"avx512vnni"};
  static const std::vector<std::string> amx =
      vnni + std::vector<std::string>{"avx512bf16", "amx-tile", "amx-int8", "amx-bf16"};
  static const std::array<Target, 5> all = {
      Target{.name = "cpu.avx2",
             .vector_bytes = 32,
             .vector_registers = 16,
             .masks = false,
             .l1_bytes = 32 << 10,
             .l2_bytes = 256 << 10,
             .features = kAvx2,
             .llvm_cpu = "haswell"},
      Target{.name = "cpu.avx512",
             .l1_bytes = 32 << 10,
             .l2_bytes = 1 << 20,
             .features = avx512,
             .llvm_cpu = "skylake-avx512"},
      Target{
          .name = "cpu.vnni", .l1_bytes = 32 << 10, .l2_bytes = 1 << 20, .features = vnni, .llvm_cpu = "cascadelake"},
      // LLVM's model of a processor switches on all that the processor has; a hypervisor may mask some of it. Ours
      // lists what was asked for, on top of the model that the code is tested with.
      Target{.name = "cpu.amx", .l1_bytes = 48 << 10, .l2_bytes = 2 << 20, .features = amx, .llvm_cpu = "cascadelake"},
      Target{.name = "cpu.neon",
             .vector_bytes = 16,
             .vector_registers = 32,
             .masks = false,
             .l1_bytes = 64 << 10,
             .l2_bytes = 1 << 20,
             .features = {"neon", "fullfp16"},
             .llvm_cpu = "neoverse-n1"},
  };
  return all;
}

}  // namespace

Target target(std::string_view name) {
  std::string known;
  for (const Target& each : targets()) {
    if (each.name == name) return each;
    known += (known.empty() ? "" : ", ") + each.name;
  }
  throw InvalidConfig("no target is called \"" + std::string(name) + "\"; there are " + known);
}

std::vector<std::string> runnable_targets() {
  std::vector<std::string> names;
  if (!cpu_features().best_target()) return names;
  for (int level = static_cast<int>(cpu_target()); level >= 0; --level) {
    names.emplace_back(to_string(static_cast<CpuTarget>(level)));
  }
  return names;
}

}  // namespace aurex::schedule
