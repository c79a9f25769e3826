#include "aurex/jit/kernel.h"

#include <gtest/gtest.h>

#include "aurex/base/error.h"

namespace aurex {
namespace {

TEST(TryCompile, GivesTheModule) {
  const Result<Module> module =
      try_compile("kernel twice(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = x[i] + x[i] } }");
  ASSERT_TRUE(module.ok());
  EXPECT_EQ(module.value().kernels().size(), 1u);
}

TEST(TryCompile, GivesTheDiagnosticsOfRefusedText) {
  const Result<Module> module = try_compile("kernel twice(x: T[N]) {", "twice.ax");
  ASSERT_FALSE(module.ok());
  EXPECT_EQ(module.error().code(), ErrorCode::kCompileError);
  EXPECT_NE(module.error().message().find("twice.ax"), std::string::npos) << module.error().message();
  EXPECT_THROW(static_cast<void>(module.value()), ax::CompileError);
}

TEST(TryLoad, SaysThatAFileCannotBeRead) {
  const Result<Module> module = try_load("/no/such/file.ax");
  ASSERT_FALSE(module.ok());
  EXPECT_EQ(module.error().code(), ErrorCode::kIoError);
}

}  // namespace
}  // namespace aurex
