#include "aurex/base/cpu_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

using ::testing::HasSubstr;

CpuFeatures avx2_machine() {
  CpuFeatures features;
  features.model = "Haswell";
  features.avx2 = features.fma = features.f16c = features.bmi2 = true;
  return features;
}

CpuFeatures avx512_machine() {
  CpuFeatures features = avx2_machine();
  features.avx512f = features.avx512bw = features.avx512dq = features.avx512vl = true;
  return features;
}

TEST(CpuFeatures, TheTargetFollowsFromTheFeatures) {
  EXPECT_EQ(CpuFeatures().best_target(), std::nullopt);
  EXPECT_EQ(avx2_machine().best_target(), CpuTarget::kAvx2);
  CpuFeatures features = avx512_machine();
  EXPECT_EQ(features.best_target(), CpuTarget::kAvx512);
  features.avx512_vnni = true;
  EXPECT_EQ(features.best_target(), CpuTarget::kVnni);
  features.amx_tile = features.amx_int8 = features.amx_bf16 = true;
  EXPECT_EQ(features.best_target(), CpuTarget::kAmx);
}

TEST(CpuFeatures, HalfAnAvx512StaysWithAvx2) {
  CpuFeatures features = avx512_machine();
  features.avx512vl = false;
  EXPECT_EQ(features.best_target(), CpuTarget::kAvx2);
}

TEST(CpuFeatures, TargetsPrintAndParse) {
  for (const CpuTarget target : {CpuTarget::kAvx2, CpuTarget::kAvx512, CpuTarget::kVnni, CpuTarget::kAmx}) {
    EXPECT_EQ(parse_cpu_target(to_string(target)), target);
  }
}

TEST(CpuFeatures, AnUnknownTargetIsRefusedWithTheLegalOnes) {
  try {
    (void)parse_cpu_target("cpu.sse4");
    FAIL() << "nothing was raised";
  } catch (const InvalidConfig& error) {
    EXPECT_THAT(error.what(), HasSubstr("cpu.avx2, cpu.avx512, cpu.vnni, cpu.amx"));
  }
}

TEST(CpuFeatures, ACapLowersTheTargetButNeverRaisesIt) {
  EXPECT_EQ(choose_cpu_target(avx512_machine(), std::nullopt), CpuTarget::kAvx512);
  EXPECT_EQ(choose_cpu_target(avx512_machine(), CpuTarget::kAvx2), CpuTarget::kAvx2);
  EXPECT_THROW((void)choose_cpu_target(avx2_machine(), CpuTarget::kAvx512), DeviceNotAvailable);
}

TEST(CpuFeatures, BelowAvx2ThereIsNoTarget) {
  CpuFeatures features = avx2_machine();
  features.fma = false;
  EXPECT_THROW((void)choose_cpu_target(features, std::nullopt), DeviceNotAvailable);
}

// Linux lists what it permits under other names; what it does not list must not be claimed.
TEST(CpuFeatures, ClaimsNothingThatLinuxDoesNotList) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string flags;
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("flags")) {
      flags = line + " ";
      break;
    }
  }
  if (flags.empty()) GTEST_SKIP() << "needs: /proc/cpuinfo with flags";
  for (const std::string& name : cpu_features().names()) EXPECT_THAT(flags, HasSubstr(" " + name + " "));
  EXPECT_EQ(cpu_features().avx2, flags.find(" avx2 ") != std::string::npos);
  EXPECT_EQ(cpu_features().avx512f, flags.find(" avx512f ") != std::string::npos);
}

}  // namespace
}  // namespace aurex
