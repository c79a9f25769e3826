#include "aurex/ops/compile_kernel.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "aurex/ax/diagnostic.h"
#include "aurex/base/error.h"

namespace aurex {
namespace {

TEST(CompileKernel, RunsTheSeedsExampleLineByLine) {
  auto add = compile_kernel<int(int, int)>("add");
  EXPECT_EQ(add(1, 2), 3);
  auto mul = compile_kernel_f32("mul_f32", Device::cpu());
  EXPECT_EQ(mul(2.0f, 4.0f), 8.0f);
}

TEST(CompileKernel, TakesAnyTypeAndNumberOfArguments) {
  EXPECT_EQ((compile_kernel<double(double)>("sqrt")(9.0)), 3.0);
  EXPECT_EQ((compile_kernel<std::int64_t(std::int64_t, std::int64_t)>("sub_i64")(5, 7)), -2);
  EXPECT_TRUE((compile_kernel<bool(float, float)>("less")(1.0f, 2.0f)));
}

TEST(CompileKernel, SharesOneKernelPerDeviceAndTypes) {
  const DType types[] = {DType::kF32, DType::kF32};
  const Kernel a = ops::scalar_kernel("add", Device::cpu(), types, DType::kF32);
  const Kernel b = ops::scalar_kernel("add", Device::cpu(), types, DType::kF32);
  EXPECT_EQ(a.state(), b.state());
}

TEST(CompileKernel, RefusesWhatIsNoScalarKernel) {
  EXPECT_THROW((void)compile_kernel_f32("nonsense"), ArgumentError);
  EXPECT_THROW((void)compile_kernel_f32("softmax"), ArgumentError);
  EXPECT_THROW((void)compile_kernel_f32("sqrt"), ArgumentError);
}

TEST(CompileKernel, RefusesAResultOfAnotherType) {
  EXPECT_THROW((void)(compile_kernel<float(std::int64_t, std::int64_t)>("less")), ax::CompileError);
}

}  // namespace
}  // namespace aurex
