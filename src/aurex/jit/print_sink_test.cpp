#include "aurex/jit/print_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "aurex/base/log.h"
#include "aurex/jit/kernel.h"

namespace aurex {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class PrintTest : public testing::Test {
 protected:
  PrintTest() {
    std::iota(x_.begin(), x_.end(), 0.5f);
    set_print_sink([this](const KernelPrint& print) { shown_.push_back(to_string(print)); });
  }
  ~PrintTest() override { set_print_sink(nullptr); }

  void run(const char* text, std::int64_t count) {
    const auto part = [&](std::vector<float>& values) {
      return view_of(std::span(values).first(static_cast<std::size_t>(count)), {count});
    };
    compile(text)["show"].into(part(z_), part(x_));
  }

  std::vector<std::string> shown_;
  std::vector<float> x_ = std::vector<float>(2000), z_ = std::vector<float>(2000);
};

constexpr const char* kShow =
    "kernel show(x: f32[N]) -> (z: f32[N]) {\n parallel i in N {\n  print(x[i])\n  z[i] = x[i]\n } }";

TEST_F(PrintTest, CompiledKernelsPrintToTheSinkInOrder) {
  run(kShow, 3);
  EXPECT_THAT(shown_, ElementsAre("show, line 3, position 0 (i=0): 0.5", "show, line 3, position 1 (i=1): 1.5",
                                  "show, line 3, position 2 (i=2): 2.5"));
}

TEST_F(PrintTest, ALaunchShowsItsFirstThousandRecords) {
  run(kShow, 2000);
  EXPECT_THAT(shown_, SizeIs(1000));
  EXPECT_EQ(shown_.back(), "show, line 3, position 999 (i=999): 999.5");
}

TEST_F(PrintTest, ACallThatFailsHasPrinted) {
  EXPECT_THROW(run("kernel show(x: f32[N]) -> (z: f32[N]) { parallel i in N {\n"
                   "print(x[i])\n assert x[i] < 1.0, \"small\"\n z[i] = x[i] } }",
                   2),
               KernelError);
  EXPECT_THAT(shown_, SizeIs(2));
}

TEST_F(PrintTest, WithoutASinkTheLogHasIt) {
  std::string logged;
  set_print_sink(nullptr);
  set_log_sink([&](const LogRecord& record) { logged += record.message; });
  run(kShow, 1);
  set_log_sink(nullptr);
  EXPECT_THAT(logged, HasSubstr("show, line 3, position 0 (i=0): 0.5"));
  EXPECT_THAT(shown_, SizeIs(0));
}

}  // namespace
}  // namespace aurex
