#include "aurex/device/choice.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/device/notice.h"
#include "aurex/device/registry.h"

namespace aurex {
namespace {

using Variables = std::map<std::string, std::string>;

std::optional<DeviceRequest> request(const Variables& variables) {
  const auto lookup = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return read_environment(lookup).device;
}

const std::vector<DeviceId> kNoGpu = {{DeviceKind::kCpu, 0}, {DeviceKind::kNull, 0}};
const std::vector<DeviceId> kTwoGpus = {
    {DeviceKind::kCuda, 0}, {DeviceKind::kCuda, 1}, {DeviceKind::kCpu, 0}, {DeviceKind::kNull, 0}};

struct Case {
  const char* name;
  DeviceConfig config;
  Variables variables;
  bool gpus;
  const char* device;  // empty: DeviceNotAvailable
  bool warn;
};

// The decision tree of the seed (force_cpu? CUDA there? else the CPU) with the environment's order in front.
TEST(ChooseDevice, FollowsTheDecisionTree) {
  const DeviceConfig any;
  const Case cases[] = {
      {"first GPU", any, {}, true, "cuda:0", false},
      {"no GPU", any, {}, false, "cpu", true},
      {"force_cpu", any.with_force_cpu(), {}, true, "cpu", true},
      {"force_cpu beats everything", any.with_force_cpu(), {{"AUREX_DEVICE", "cuda:1"}}, true, "cpu", true},
      {"force_cpu beats cuda_device", any.with_force_cpu().with_cuda_device(1), {}, true, "cpu", true},
      {"cuda_device", any.with_cuda_device(1), {}, true, "cuda:1", false},
      {"cuda_device absent", any.with_cuda_device(7), {}, true, "cpu", true},
      {"cuda_device without GPU", any.with_cuda_device(0), {}, false, "cpu", true},
      {"code beats the environment", any.with_cuda_device(1), {{"AUREX_FORCE_CPU", "1"}}, true, "cuda:1", false},
      {"prefer_metal", any.with_prefer_metal(), {}, true, "", false},

      {"AUREX_DEVICE=cpu is silent", any, {{"AUREX_DEVICE", "cpu"}}, true, "cpu", false},
      {"AUREX_DEVICE=cpu without GPU", any, {{"AUREX_DEVICE", "cpu"}}, false, "cpu", false},
      {"AUREX_DEVICE", any, {{"AUREX_DEVICE", "cuda:1"}}, true, "cuda:1", false},
      {"AUREX_DEVICE=null", any, {{"AUREX_DEVICE", "null"}}, true, "null", false},
      {"AUREX_DEVICE is strict", any, {{"AUREX_DEVICE", "cuda:0"}}, false, "", false},
      {"AUREX_DEVICE before AUREX_FORCE_CPU",
       any,
       {{"AUREX_DEVICE", "cuda:1"}, {"AUREX_FORCE_CPU", "1"}},
       true,
       "cuda:1",
       false},
      {"AUREX_FORCE_CPU warns", any, {{"AUREX_FORCE_CPU", "1"}}, true, "cpu", true},
      {"AUREX_FORCE_CPU=0 does nothing", any, {{"AUREX_FORCE_CPU", "0"}}, true, "cuda:0", false},
      {"AUREX_FORCE_CPU before RUST_AI",
       any,
       {{"AUREX_FORCE_CPU", "1"}, {"RUST_AI_CUDA_DEVICE", "1"}},
       true,
       "cpu",
       true},

      {"RUST_AI_FORCE_CPU", any, {{"RUST_AI_FORCE_CPU", "1"}}, true, "cpu", true},
      {"RUST_AI_CUDA_DEVICE", any, {{"RUST_AI_CUDA_DEVICE", "1"}}, true, "cuda:1", false},
      {"RUST_AI_CUDA_DEVICE falls back", any, {{"RUST_AI_CUDA_DEVICE", "1"}}, false, "cpu", true},
      {"RUST_AI before AXOLOTL",
       any,
       {{"RUST_AI_CUDA_DEVICE", "1"}, {"AXOLOTL_FORCE_CPU", "1"}},
       true,
       "cuda:1",
       false},
      {"AXOLOTL_FORCE_CPU", any, {{"AXOLOTL_FORCE_CPU", "1"}}, true, "cpu", true},
      {"AXOLOTL before VSA_OPTIM",
       any,
       {{"AXOLOTL_CUDA_DEVICE", "1"}, {"VSA_OPTIM_FORCE_CPU", "1"}},
       true,
       "cuda:1",
       false},
      {"VSA_OPTIM_CUDA_DEVICE", any, {{"VSA_OPTIM_CUDA_DEVICE", "1"}}, true, "cuda:1", false},
      {"VSA_OPTIM before AUREX_BACKEND",
       any,
       {{"VSA_OPTIM_CUDA_DEVICE", "1"}, {"AUREX_BACKEND", "cpu"}},
       true,
       "cuda:1",
       false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto choose = [&] { return choose_device(c.config, request(c.variables), c.gpus ? kTwoGpus : kNoGpu); };
    if (*c.device == '\0') {
      EXPECT_THROW(static_cast<void>(choose()), DeviceNotAvailable);
      continue;
    }
    const DeviceChoice choice = choose();
    EXPECT_EQ(to_string(choice.id), c.device);
    EXPECT_EQ(choice.warn, c.warn);
    EXPECT_FALSE(choice.reason.empty());
  }
}

TEST(ChooseDevice, AnAbsentDeviceNamesWhoAskedAndWhatIsThere) {
  try {
    static_cast<void>(choose_device({}, request({{"AUREX_DEVICE", "cuda:3"}}), kTwoGpus));
    FAIL() << "chosen";
  } catch (const DeviceNotAvailable& error) {
    EXPECT_NE(error.message().find("AUREX_DEVICE"), std::string::npos);
    EXPECT_EQ(error.field("present"), "cuda:0, cuda:1, cpu, null");
  }
}

TEST(ChooseDevice, NonsenseIsInvalid) {
  EXPECT_THROW(static_cast<void>(choose_device(DeviceConfig().with_cuda_device(-1), {}, kNoGpu)), InvalidConfig);
  EXPECT_THROW(static_cast<void>(choose_device({}, DeviceRequest{"toaster", "AUREX_DEVICE", true}, kNoGpu)),
               InvalidConfig);
}

TEST(WarnIfCpu, WarnsOncePerProcessAndSaysHowToSilenceIt) {
  std::vector<std::string> notices;
  NoticeSink before = set_notice_sink([&](const Notice& notice) { notices.emplace_back(notice.text); });
  EXPECT_FALSE(warn_if_cpu(find_device("null"), "test"));
  const bool first = warn_if_cpu(Device::cpu(), "test");
  EXPECT_FALSE(warn_if_cpu(Device::cpu(), "test"));
  set_notice_sink(std::move(before));
  ASSERT_EQ(notices.size(), first ? 1u : 0u);
  if (first) {
    EXPECT_NE(notices[0].find("AUREX_DEVICE=cpu"), std::string::npos);
  }
}

TEST(GetDevice, IsDeterministic) { EXPECT_EQ(get_device(), get_device()); }

TEST(GetDevice, CanBeTestedInsteadOfCaught) {
  EXPECT_EQ(try_get_device().value(), get_device());
  const Result<Device> refused = try_get_device(DeviceConfig().with_cuda_device(-1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace aurex
