#include "aurex/device/dispatch.h"

#include <gtest/gtest.h>

#include <string>

#include "aurex/base/error.h"
#include "aurex/device/registry.h"

namespace aurex {
namespace {

/// Says which of its two implementations ran, on what.
struct Which {
  using Input = int;
  using Output = std::string;
  std::string dispatch_gpu(int input, Device device) const {
    return "gpu " + std::to_string(input) + " on " + device.name();
  }
  std::string dispatch_cpu(int input, Device device) const {
    return "cpu " + std::to_string(input) + " on " + device.name();
  }
};

/// Only what the choice looks at; nothing runs on it.
class Pretended : public DeviceBackend {
 public:
  explicit Pretended(DeviceId id) : id_(id) {}
  DeviceId id() const override { return id_; }
  DeviceInfo info() const override { return {}; }
  void* allocate(std::int64_t) override { throw NotImplemented("allocate"); }
  void release(void*, std::int64_t) noexcept override {}
  void copy_to_device(void*, const void*, std::int64_t) override { throw NotImplemented("copy_to_device"); }
  void copy_to_host(void*, const void*, std::int64_t) override { throw NotImplemented("copy_to_host"); }
  void copy_on_device(void*, const void*, std::int64_t) override { throw NotImplemented("copy_on_device"); }
  CallOutcome call(const CallRequest&) override { throw NotImplemented("call"); }

 private:
  DeviceId id_;
};

TEST(Dispatch, RunsTheImplementationForTheDevice) {
  EXPECT_EQ(dispatch(Which{}, 7, Device::cpu()), "cpu 7 on cpu");
  for (const DeviceKind kind : {DeviceKind::kCuda, DeviceKind::kHip, DeviceKind::kOpenCl}) {
    Pretended gpu({kind, 1});
    EXPECT_EQ(dispatch(Which{}, 7, Device(gpu)), "gpu 7 on " + to_string(DeviceId{kind, 1}));
  }
}

TEST(Dispatch, RefusesADeviceThatComputesNothing) {
  try {
    dispatch(Which{}, 7, find_device("null"));
    FAIL() << "null computed";
  } catch (const DeviceNotAvailable& error) {
    EXPECT_NE(error.message().find("'null'"), std::string::npos) << error.message();
  }
}

TEST(Dispatch, SeesAGpuWhereOneIsRegistered) {
  EXPECT_EQ(gpu_available(), is_gpu(devices().front().kind())) << "GPUs are listed first";
}

}  // namespace
}  // namespace aurex
