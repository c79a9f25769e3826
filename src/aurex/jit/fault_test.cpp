// Which fault of a call is reported, and what is said about it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/base/thread_pool.h"
#include "aurex/jit/kernel.h"

namespace aurex {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::int64_t kRows = 3000, kColumns = 700;

class FaultTest : public testing::Test {
 protected:
  ~FaultTest() override { set_threads(before_); }

  /// Runs a call with 1, 2, 3 and 8 threads and looks at the error of each.
  template <typename E>
  void with_every_thread_count(const std::function<void()>& call, const std::function<void(const E&)>& look) {
    for (const int count : {1, 2, 3, 8}) {
      SCOPED_TRACE(count);
      set_threads(count);
      for (int round = 0; round < 3; ++round) {
        try {
          call();
          ADD_FAILURE() << "no error";
        } catch (const E& error) {
          look(error);
        }
      }
    }
  }

 private:
  const int before_ = threads();
};

TEST_F(FaultTest, OfManyWrongIndicesTheFirstInRowMajorOrderIsNamed) {
  const Module module = compile(
      "kernel take(x: T[N], at: i32[M, K]) -> (z: T[M, K]) {\n"
      "  parallel m in M, k in K { z[m, k] = x[at[m, k]] }\n"
      "}");
  std::vector<float> x(10), z(kRows * kColumns);
  std::vector<std::int32_t> at(kRows * kColumns, 3);
  constexpr std::int64_t kFirst = 1234 * kColumns + 56;
  for (std::size_t i = kFirst; i < at.size(); i += 7) at[i] = static_cast<std::int32_t>(10 + i % 1000);
  const TensorView values = view_of(std::span(x), {10}), places = view_of(std::span(at), {kRows, kColumns});
  const TensorView out = view_of(std::span(z), {kRows, kColumns});
  with_every_thread_count<IndexOutOfRange>([&] { module["take"].into(out, values, places); },
                                           [&](const IndexOutOfRange& error) {
                                             EXPECT_EQ(error.site.position, kFirst);
                                             EXPECT_EQ(error.site.index, 10 + kFirst % 1000);
                                             EXPECT_EQ(error.site.bound, 10);
                                             EXPECT_EQ(error.site.line, 2);
                                             EXPECT_THAT(error.site.axes, ElementsAre(Pair("m", 1234), Pair("k", 56)));
                                             EXPECT_THAT(error.message(),
                                                         HasSubstr("at position 863856 (m=1234, k=56)"));
                                           });
}

TEST_F(FaultTest, OfManyFailedAssertionsTheFirstIsNamed) {
  const Module module = compile(
      "kernel root(x: T[N]) -> (z: T[N]) {\n"
      "  parallel i in N { assert x[i] >= 0.0, \"only squares have roots\"\n z[i] = sqrt(x[i]) }\n"
      "}");
  std::vector<float> x(kRows * kColumns, 1.0f), z(x.size());
  for (std::size_t i = 777'777; i < x.size(); i += 3) x[i] = -1.0f;
  const TensorView in = view_of(std::span(x), {kRows * kColumns}), out = view_of(std::span(z), {kRows * kColumns});
  with_every_thread_count<KernelError>(
      [&] { module["root"].into(out, in); },
      [&](const KernelError& error) {
        EXPECT_EQ(error.field("position"), "777777");
        EXPECT_THAT(error.message(), HasSubstr("at position 777777 (i=777777): only squares have roots"));
      });
}

}  // namespace
}  // namespace aurex
