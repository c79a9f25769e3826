#include "aurex/device/registry.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

TEST(Registry, HasTheCpuAndTheNullDeviceInThisOrder) {
  const auto& all = devices();
  ASSERT_GE(all.size(), 2u);
  EXPECT_EQ(all[all.size() - 2].name(), "cpu");
  EXPECT_EQ(all.back().name(), "null");
  EXPECT_EQ(Device::cpu(), find_device("cpu"));
}

TEST(Registry, TheCpuSaysWhatItIs) {
  const DeviceInfo info = Device::cpu().info();
  EXPECT_FALSE(info.name.empty());
  EXPECT_GE(info.cores, 1);
  EXPECT_GT(info.memory_bytes, 0);
}

TEST(Registry, AnAbsentDeviceIsAnErrorThatListsThosePresent) {
  try {
    static_cast<void>(find_device("hip:63"));
    FAIL() << "found";
  } catch (const DeviceNotAvailable& error) {
    EXPECT_NE(error.message().find("'hip:63'"), std::string::npos);
    EXPECT_NE(error.message().find("cpu, null"), std::string::npos);
    EXPECT_EQ(error.field("present"), device_names());
  }
  EXPECT_THROW(static_cast<void>(find_device("toaster")), InvalidConfig);
}

TEST(Registry, EveryDeviceOfHostMemoryCopiesBytes) {
  for (const Device& device : devices()) {
    if (is_gpu(device.kind())) continue;
    SCOPED_TRACE(device.name());
    const std::array<char, 4> in = {'a', 'b', 'c', 'd'};
    std::array<char, 4> out = {};
    DeviceBackend& backend = device.backend();
    void* memory = backend.allocate(8);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u);
    backend.copy_to_device(memory, in.data(), 4);
    backend.copy_on_device(static_cast<char*>(memory) + 4, memory, 4);
    backend.copy_to_host(out.data(), static_cast<char*>(memory) + 4, 4);
    backend.copy_to_host(nullptr, memory, 0);
    EXPECT_EQ(out, in);
    backend.release(memory, 8);
  }
}

}  // namespace
}  // namespace aurex
