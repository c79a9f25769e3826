#include "aurex/base/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using Variables = std::map<std::string, std::string>;

Environment read(const Variables& variables) {
  return read_environment([&variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Environment, NothingSetGivesTheDefaults) {
  const Environment result = read({});
  EXPECT_FALSE(result.device);
  EXPECT_FALSE(result.threads);
  EXPECT_FALSE(result.log_level);
  EXPECT_FALSE(result.target);
  EXPECT_FALSE(result.safe);
  EXPECT_EQ(result.cache_bytes, 256 << 20);
  EXPECT_TRUE(result.cache_dir.empty());
  EXPECT_TRUE(result.set.empty());
}

TEST(Environment, EmptyCountsAsUnset) { EXPECT_FALSE(read({{"AUREX_DEVICE", ""}}).device); }

struct DeviceCase {
  std::string name;
  Variables variables;
  std::string device, variable;

  friend void PrintTo(const DeviceCase& self, std::ostream* out) { *out << self.name; }
};

class DeviceOrder : public ::testing::TestWithParam<DeviceCase> {};

TEST_P(DeviceOrder, TheFirstThatSpeaksDecides) {
  const std::optional<DeviceRequest> request = read(GetParam().variables).device;
  EXPECT_EQ(request ? request->device : "", GetParam().device);
  EXPECT_EQ(request ? request->variable : "", GetParam().variable);
  EXPECT_EQ(request && request->strict, GetParam().variable == "AUREX_DEVICE");
}

INSTANTIATE_TEST_SUITE_P(
    Environment, DeviceOrder,
    ::testing::Values(
        DeviceCase{"DeviceBeatsAll",
                   {{"AUREX_DEVICE", "hip:1"}, {"AUREX_FORCE_CPU", "1"}, {"AUREX_BACKEND", "cuda"}},
                   "hip:1",
                   "AUREX_DEVICE"},
        DeviceCase{"ForceCpuBeatsOlderNames",
                   {{"AUREX_FORCE_CPU", "1"}, {"RUST_AI_CUDA_DEVICE", "1"}},
                   "cpu",
                   "AUREX_FORCE_CPU"},
        DeviceCase{"RustAiForceCpuBeatsItsDevice",
                   {{"RUST_AI_FORCE_CPU", "true"}, {"RUST_AI_CUDA_DEVICE", "1"}},
                   "cpu",
                   "RUST_AI_FORCE_CPU"},
        DeviceCase{"RustAiBeatsAxolotl",
                   {{"RUST_AI_CUDA_DEVICE", "2"}, {"AXOLOTL_FORCE_CPU", "1"}},
                   "cuda:2",
                   "RUST_AI_CUDA_DEVICE"},
        DeviceCase{"AxolotlBeatsVsaOptim",
                   {{"AXOLOTL_CUDA_DEVICE", "3"}, {"VSA_OPTIM_CUDA_DEVICE", "4"}},
                   "cuda:3",
                   "AXOLOTL_CUDA_DEVICE"},
        DeviceCase{"VsaOptimBeatsBackend",
                   {{"VSA_OPTIM_FORCE_CPU", "1"}, {"AUREX_BACKEND", "cuda"}},
                   "cpu",
                   "VSA_OPTIM_FORCE_CPU"},
        DeviceCase{"BackendIsLast", {{"AUREX_BACKEND", "ROCm"}}, "hip:0", "AUREX_BACKEND"},
        DeviceCase{"ForceCpuOffChoosesNothing", {{"AUREX_FORCE_CPU", "0"}}, "", ""},
        DeviceCase{"ForceCpuOffOverrulesOlderOnes", {{"AUREX_FORCE_CPU", "0"}, {"RUST_AI_FORCE_CPU", "1"}}, "", ""}),
    [](const auto& info) { return info.param.name; });

TEST(Environment, SizesHaveUnitsOf1024) {
  EXPECT_EQ(read({{"AUREX_CACHE_SIZE", "0"}}).cache_bytes, 0);
  EXPECT_EQ(read({{"AUREX_CACHE_SIZE", "12"}}).cache_bytes, 12);
  EXPECT_EQ(read({{"AUREX_CACHE_SIZE", "3k"}}).cache_bytes, 3 << 10);
  EXPECT_EQ(read({{"AUREX_CACHE_SIZE", "500M"}}).cache_bytes, 500 << 20);
  EXPECT_EQ(read({{"AUREX_CACHE_SIZE", "2GiB"}}).cache_bytes, std::int64_t{2} << 30);
}

TEST(Environment, TheCacheLiesInTheUsersCacheFolder) {
  EXPECT_EQ(read({{"HOME", "/home/u"}}).cache_dir, "/home/u/.cache/aurex");
  EXPECT_EQ(read({{"HOME", "/home/u"}, {"XDG_CACHE_HOME", "/c"}}).cache_dir, "/c/aurex");
  EXPECT_EQ(read({{"HOME", "/home/u"}, {"AUREX_CACHE_DIR", "/x"}}).cache_dir, "/x");
}

TEST(Environment, AProfileIsAFileOrASwitch) {
  EXPECT_EQ(read({{"AUREX_PROFILE", "1"}}).profile, "aurex_trace.json");
  EXPECT_EQ(read({{"AUREX_PROFILE", "off"}}).profile, "");
  EXPECT_EQ(read({{"AUREX_PROFILE", "t.json"}}).profile, "t.json");
}

TEST(Environment, ReadsTheOtherVariables) {
  const Environment result = read({{"AUREX_THREADS", "3"},
                                   {"AUREX_LOG", "debug"},
                                   {"AUREX_SAFE", "1"},
                                   {"AUREX_TARGET", "cpu.avx2"},
                                   {"AUREX_SERVE", "127.0.0.1:8080"},
                                   {"AUREX_DISABLE_CUDA", "1"},
                                   {"AUREX_DISABLE_NULL", "yes"}});
  EXPECT_EQ(result.threads, 3);
  EXPECT_EQ(result.log_level, LogLevel::kDebug);
  EXPECT_TRUE(result.safe);
  EXPECT_EQ(result.target, CpuTarget::kAvx2);
  EXPECT_EQ(result.serve, "127.0.0.1:8080");
  EXPECT_THAT(result.disabled_backends, ElementsAre("cuda", "null"));
}

TEST(Environment, ReportsWhatWasSetInTheOrderOfTheTable) {
  EXPECT_THAT(read({{"AUREX_THREADS", "3"}, {"AUREX_DEVICE", "cpu"}, {"HOME", "/home/u"}}).set,
              ElementsAre(Pair("AUREX_DEVICE", "cpu"), Pair("AUREX_THREADS", "3")));
}

class Refused : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(Refused, NamesTheVariableAndListsWhatIsLegal) {
  const auto& [name, value] = GetParam();
  std::string legal;
  for (const EnvironmentVariable& variable : environment_variables()) {
    if (variable.name == name) legal = variable.values;
  }
  try {
    (void)read({{name, value}});
    FAIL() << "nothing was raised";
  } catch (const InvalidConfig& error) {
    EXPECT_EQ(error.message(), name + "='" + value + "' is not legal; legal: " + legal);
    EXPECT_EQ(error.field("variable"), name);
  }
}

INSTANTIATE_TEST_SUITE_P(Environment, Refused,
                         ::testing::Values(std::pair("AUREX_FORCE_CPU", "maybe"), std::pair("AUREX_THREADS", "0"),
                                           std::pair("AUREX_THREADS", "1025"), std::pair("AUREX_THREADS", "2x"),
                                           std::pair("AUREX_CACHE_SIZE", "-1"), std::pair("AUREX_CACHE_SIZE", "M"),
                                           std::pair("AUREX_CACHE_SIZE", "99999999T"), std::pair("AUREX_LOG", "loud"),
                                           std::pair("AUREX_SAFE", "2"), std::pair("AUREX_TARGET", "cpu.sse2"),
                                           std::pair("AUREX_SERVE", "here"), std::pair("AUREX_SERVE", ":80"),
                                           std::pair("AUREX_SERVE", "h:70000"), std::pair("AUREX_DISABLE_HIP", "x"),
                                           std::pair("VSA_OPTIM_CUDA_DEVICE", "-1"),
                                           std::pair("AUREX_BACKEND", "sycl")));

TEST(Environment, ABadValueIsRefusedEvenWhereAnotherDecides) {
  EXPECT_THROW((void)read({{"AUREX_DEVICE", "cpu"}, {"RUST_AI_FORCE_CPU", "maybe"}}), InvalidConfig);
}

}  // namespace
}  // namespace aurex
