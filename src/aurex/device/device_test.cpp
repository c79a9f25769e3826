#include "aurex/device/device.h"

#include <gtest/gtest.h>

#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

struct Name {
  const char* text;
  DeviceId id;
  const char* canonical;
};

TEST(DeviceId, NamesComeBack) {
  const Name names[] = {
      {"cpu", {DeviceKind::kCpu, 0}, "cpu"},        {"null", {DeviceKind::kNull, 0}, "null"},
      {"cuda", {DeviceKind::kCuda, 0}, "cuda:0"},   {"cuda:1", {DeviceKind::kCuda, 1}, "cuda:1"},
      {"hip:12", {DeviceKind::kHip, 12}, "hip:12"}, {"opencl:0", {DeviceKind::kOpenCl, 0}, "opencl:0"},
      {"cpu:0", {DeviceKind::kCpu, 0}, "cpu"}};
  for (const Name& name : names) {
    EXPECT_EQ(parse_device_id(name.text), name.id) << name.text;
    EXPECT_EQ(to_string(name.id), name.canonical);
  }
}

TEST(DeviceId, NonsenseIsRefusedWithTheLegalForms) {
  for (const char* text :
       {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999", "cpu:1", "null:3"}) {
    try {
      static_cast<void>(parse_device_id(text));
      FAIL() << text;
    } catch (const InvalidConfig& error) {
      EXPECT_NE(error.message().find("cuda:N"), std::string::npos);
    }
  }
}

TEST(DeviceKind, GpusAreThoseThatComeFirst) {
  EXPECT_TRUE(is_gpu(DeviceKind::kCuda));
  EXPECT_TRUE(is_gpu(DeviceKind::kHip));
  EXPECT_TRUE(is_gpu(DeviceKind::kOpenCl));
  EXPECT_FALSE(is_gpu(DeviceKind::kCpu));
  EXPECT_FALSE(is_gpu(DeviceKind::kNull));
}

}  // namespace
}  // namespace aurex
