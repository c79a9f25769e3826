#include "aurex/base/cpu_features.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "aurex/base/environment.h"
#include "aurex/base/error.h"

namespace aurex {
namespace {

constexpr std::array<std::pair<CpuTarget, std::string_view>, 4> kTargets = {{{CpuTarget::kAvx2, "cpu.avx2"},
                                                                             {CpuTarget::kAvx512, "cpu.avx512"},
                                                                             {CpuTarget::kVnni, "cpu.vnni"},
                                                                             {CpuTarget::kAmx, "cpu.amx"}}};

struct Flag {
  std::string_view name;
  bool CpuFeatures::* there;
};

constexpr Flag kFlags[] = {
    {"sse4_2", &CpuFeatures::sse4_2},
    {"avx", &CpuFeatures::avx},
    {"avx2", &CpuFeatures::avx2},
    {"fma", &CpuFeatures::fma},
    {"f16c", &CpuFeatures::f16c},
    {"bmi2", &CpuFeatures::bmi2},
    {"avx_vnni", &CpuFeatures::avx_vnni},
    {"avx512f", &CpuFeatures::avx512f},
    {"avx512bw", &CpuFeatures::avx512bw},
    {"avx512cd", &CpuFeatures::avx512cd},
    {"avx512dq", &CpuFeatures::avx512dq},
    {"avx512vl", &CpuFeatures::avx512vl},
    {"avx512_vnni", &CpuFeatures::avx512_vnni},
    {"avx512_bf16", &CpuFeatures::avx512_bf16},
    {"avx512_fp16", &CpuFeatures::avx512_fp16},
    {"avx512_vbmi", &CpuFeatures::avx512_vbmi},
    {"amx_tile", &CpuFeatures::amx_tile},
    {"amx_int8", &CpuFeatures::amx_int8},
    {"amx_bf16", &CpuFeatures::amx_bf16},
};

#ifdef __x86_64__

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// All zero for a leaf the processor does not have.
Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

bool bit(unsigned word, int index) { return ((word >> index) & 1) != 0; }

/// Which register states the operating system saves (extended control register 0).
std::uint64_t enabled_states() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

/// Linux hands out AMX's 8 KiB of tile state only to processes that ask.
bool request_amx() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

void detect_names(CpuFeatures& found) {
  const Registers zero = cpuid(0);
  char vendor[12];
  std::memcpy(vendor, &zero.ebx, 4);
  std::memcpy(vendor + 4, &zero.edx, 4);
  std::memcpy(vendor + 8, &zero.ecx, 4);
  found.vendor.assign(vendor, sizeof vendor);

  if (cpuid(0x80000000).eax < 0x80000004) return;
  char brand[49] = {};
  for (std::size_t part = 0; part < 3; ++part) {
    const Registers r = cpuid(0x80000002 + static_cast<unsigned>(part));
    std::memcpy(brand + 16 * part, &r, 16);
  }
  found.model = brand;
  found.model.erase(0, found.model.find_first_not_of(' '));
}

void detect_features(CpuFeatures& found) {
  const Registers one = cpuid(1), seven = cpuid(7), seven_one = cpuid(7, 1);
  constexpr std::uint64_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
  const std::uint64_t states = bit(one.ecx, 27) ? enabled_states() : 0;
  const bool ymm = (states & kYmm) == kYmm;
  const bool zmm = (states & kZmm) == kZmm;
  const bool tiles = (states & kTiles) == kTiles && bit(seven.edx, 24) && request_amx();

  found.sse4_2 = bit(one.ecx, 20);
  found.avx = ymm && bit(one.ecx, 28);
  found.fma = ymm && bit(one.ecx, 12);
  found.f16c = ymm && bit(one.ecx, 29);
  found.avx2 = ymm && bit(seven.ebx, 5);
  found.bmi2 = bit(seven.ebx, 8);
  found.avx_vnni = ymm && bit(seven_one.eax, 4);
  found.avx512f = zmm && bit(seven.ebx, 16);
  found.avx512dq = zmm && bit(seven.ebx, 17);
  found.avx512cd = zmm && bit(seven.ebx, 28);
  found.avx512bw = zmm && bit(seven.ebx, 30);
  found.avx512vl = zmm && bit(seven.ebx, 31);
  found.avx512_vbmi = zmm && bit(seven.ecx, 1);
  found.avx512_vnni = zmm && bit(seven.ecx, 11);
  found.avx512_fp16 = zmm && bit(seven.edx, 23);
  found.avx512_bf16 = zmm && bit(seven_one.eax, 5);
  found.amx_tile = tiles;
  found.amx_int8 = tiles && bit(seven.edx, 25);
  found.amx_bf16 = tiles && bit(seven.edx, 22);
}

#else

void detect_names(CpuFeatures&) {}
void detect_features(CpuFeatures&) {}

#endif

std::int64_t system_value(int name) {
  const long value = sysconf(name);
  return value > 0 ? value : 0;
}

CpuFeatures detect() {
  CpuFeatures found;
  detect_names(found);
  detect_features(found);
  found.l1_bytes = system_value(_SC_LEVEL1_DCACHE_SIZE);
  found.l2_bytes = system_value(_SC_LEVEL2_CACHE_SIZE);
  found.l3_bytes = system_value(_SC_LEVEL3_CACHE_SIZE);
  if (const auto line = system_value(_SC_LEVEL1_DCACHE_LINESIZE); line > 0) found.cache_line_bytes = line;
  return found;
}

}  // namespace

std::string_view to_string(CpuTarget target) {
  for (const auto& [value, name] : kTargets) {
    if (value == target) return name;
  }
  return "cpu";
}

CpuTarget parse_cpu_target(std::string_view name) {
  std::string legal;
  for (const auto& [value, text] : kTargets) {
    if (text == name) return value;
    legal += (legal.empty() ? "" : ", ") + std::string(text);
  }
  throw InvalidConfig("unknown CPU target '" + std::string(name) + "'; legal: " + legal);
}

std::vector<std::string> CpuFeatures::names() const {
  std::vector<std::string> found;
  for (const Flag& flag : kFlags) {
    if (this->*flag.there) found.emplace_back(flag.name);
  }
  return found;
}

std::optional<CpuTarget> CpuFeatures::best_target() const {
  if (!(avx2 && fma && f16c)) return std::nullopt;
  if (!(avx512f && avx512bw && avx512dq && avx512vl && bmi2)) return CpuTarget::kAvx2;
  if (!avx512_vnni) return CpuTarget::kAvx512;
  return amx_tile && amx_int8 && amx_bf16 ? CpuTarget::kAmx : CpuTarget::kVnni;
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect();
  return features;
}

CpuTarget choose_cpu_target(const CpuFeatures& features, std::optional<CpuTarget> cap) {
  const std::optional<CpuTarget> best = features.best_target();
  if (!best) {
    throw DeviceNotAvailable("code generation needs AVX2, FMA and F16C, which '" + features.model +
                             "' or its operating system does not offer");
  }
  if (!cap) return *best;
  if (*cap > *best) {
    throw DeviceNotAvailable("the CPU target '" + std::string(to_string(*cap)) + "' was asked for, but '" +
                             features.model + "' goes up to '" + std::string(to_string(*best)) + "'");
  }
  return *cap;
}

CpuTarget cpu_target() { return choose_cpu_target(cpu_features(), environment().target); }

}  // namespace aurex
