#include "aurex/ax/flop_count.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "aurex/ax/test_call.h"

namespace aurex::ax {

bool operator==(const Flops& a, const Flops& b) { return a.count == b.count && a.exact == b.exact; }
void PrintTo(const Flops& flops, std::ostream* out) { *out << flops.count << (flops.exact ? "" : " at most"); }

namespace testing {
namespace {

HostArray zeros(const Dims& shape, DType dtype = DType::kF32) {
  const std::int64_t count = element_count(shape);
  return {.dtype = dtype, .shape = shape, .values = std::vector<double>(static_cast<std::size_t>(count))};
}

Flops exactly(std::int64_t count) { return {.count = count, .exact = true}; }
Flops at_most(std::int64_t count) { return {.count = count, .exact = false}; }

Flops counted(const std::string& text, const Values& values, const CallOptions& options = {}) {
  const auto module = compile(text);
  TestCall call(module, kernels(*module).front().name, values, options);
  return FlopCount(call.binding()).evaluate(call.bound());
}

struct Case {
  std::string body;  // of `let`s and the stored value, over x: T[M, N] and y: T[N]
  std::int64_t count;
};

TEST(FlopCount, OperationsCountAsTheHeaderSays) {
  const std::vector<Case> cases = {
      {"z[m, n] = x[m, n]", 0},
      {"z[m, n] = x[m, n] + y[n]", 15},
      {"z[m, n] = x[m, n] / y[n] - 1", 30},
      {"z[m, n] = fma(x[m, n], y[n], 1)", 30},
      {"z[m, n] = sqrt(x[m, n]) - 3", 30},
      {"z[m, n] = maximum(minimum(x[m, n], 1), y[n])", 30},
      {"z[m, n] = abs(-floor(x[m, n]))", 0},
      {"z[m, n] = x[m, n] > y[n] ? 1 : 0", 0},
      {"z[m, n] = f32(m * n)", 0},
      {"z[m, n] = exp(x[m, n])", 15},
      {"z[m, n] = pow(tanh(x[m, n]), sigmoid(y[n]))", 35},
      {"z[m, n] = x[m, n] * (1 / sqrt(N))", 15},
      {"let e = exp(y[n]); z[m, n] = e * e + x[m, n]", 5 + 5 + 15},
      {"z[m, n] = sum(x[m, N], N) + y[n]", 15 + 15},
      {"z[m, n] = mean(x[m, N], N) + y[n]", 15 + 3 + 15},
      {"z[m, n] = max(x[m, N], N) - y[n]", 15 + 15},
      {"z[m, n] = f32(argmax(x[m, N], N))", 15},
      {"z[m, n] = any(x[m, N] > 0, N) ? 1 : 0", 0},
  };
  for (const Case& c : cases) {
    const std::string text =
        "kernel k(x: f32[M, N], y: f32[N]) -> (z: f32[M, N]) { parallel m in M, n in N { " + c.body + " } }";
    EXPECT_EQ(counted(text, {{"x", zeros({3, 5})}, {"y", zeros({5})}}), exactly(c.count)) << c.body;
  }
}

TEST(FlopCount, AFunctionOfTheFileCountsItsOperationsAndOneOfThePreludeIsOne) {
  const std::string gelu = "fn gelu(x) = 0.5 * x * (1 + erf(x * 0.7071067811865476))\nkernel k(x) = gelu(x)";
  EXPECT_EQ(counted(gelu, {{"x", zeros({2, 7})}}), exactly(5 * 14));
  EXPECT_EQ(counted("fn exp(x) = x * x + 1\nkernel k(x) = exp(x)", {{"x", zeros({4})}}), exactly(2 * 4));
}

TEST(FlopCount, IntegersAreNoFloatingPointOperations) {
  const Values values = {{"x", zeros({2, 7}, DType::kI32)}};
  EXPECT_EQ(counted("kernel k(x: T[M, N]) -> (y: T[M]) { parallel m in M { y[m] = sum(x[m, N] * 2, N) } }", values),
            exactly(0));
}

TEST(FlopCount, AMatrixProductIsTwoPerTerm) {
  EXPECT_EQ(counted(R"(kernel matmul(a: T[M, K], b: T[K, N]) -> (c: T[M, N]) {
    parallel m in M, n in N { c[m, n] = sum(a[m, K] * b[K, n], K) } })",
                    {{"a", zeros({7, 11})}, {"b", zeros({11, 5})}}),
            exactly(2 * 7 * 11 * 5));
}

TEST(FlopCount, SoftmaxIsFivePerElementAndOnePerRow) {
  EXPECT_EQ(counted(R"(kernel softmax(x: T[R..., C]) -> (y: T[R..., C]) { parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))
    y[r, C] = e * (1 / sum(e, C)) } })",
                    {{"x", zeros({2, 3, 10})}}),
            exactly(5 * 60 + 6));
}

TEST(FlopCount, NoExtentNoOperations) {
  EXPECT_EQ(counted("kernel k(x: f32[N]) -> (s: f32) { s = sum(x[N] * 2, N) }", {{"x", zeros({0})}}), exactly(0));
}

TEST(FlopCount, ScratchAndKernelLevelValuesCount) {
  EXPECT_EQ(counted(R"(kernel k(x: f32[M, N]) -> (y: f32[M, N]) {
    scratch mu: f32[M]
    parallel m in M { mu[m] = mean(x[m, N], N) }
    parallel m in M { y[m, N] = x[m, N] - mu[m] } })",
                    {{"x", zeros({3, 5})}}),
            exactly((15 + 3) + 15));
}

constexpr const char* kAttention = R"(
kernel attention(q: T[B, S, D], k: T[B, L, D], v: T[B, L, D], key_lengths: i32[B] = 2147483647, window: int = 0,
                 const causal: bool = false) -> (o: T[B, S, D]) {
  parallel b in B by 1, s in S {
    var acc[s, D] = 0.0
    let end = minimum(causal ? L - S + s + 1 : L, key_lengths[b])
    for t in L from (window > 0 ? L - S + s + 1 - window : 0) until end {
      acc = acc + sum(sum(q[b, s, D] * k[b, t, D], D) * v[b, t, D], t)
    }
    o[b, s, D] = acc
  }
})";

/// Terms of both products, and the additions to `acc`.
Flops attention(std::int64_t visited, Flops (*kind)(std::int64_t) = exactly) {
  return kind(4 * visited * 8 + 2 * 4 * 8);
}

TEST(FlopCount, ALoopCountsTheTurnsThatItsBoundsAllow) {
  Values values = {{"q", zeros({2, 4, 8})}, {"k", zeros({2, 6, 8})}, {"v", zeros({2, 6, 8})}};
  EXPECT_EQ(counted(kAttention, values), attention(2 * 4 * 6));
  values["causal"] = true;
  EXPECT_EQ(counted(kAttention, values), attention(2 * (3 + 4 + 5 + 6)));
  values["window"] = std::int64_t{4};
  EXPECT_EQ(counted(kAttention, values), attention(2 * (3 + 4 + 4 + 4)));
}

TEST(FlopCount, ALengthThatIsAnArgumentIsRead) {
  Values values = {{"q", zeros({2, 4, 8})}, {"k", zeros({2, 6, 8})}, {"v", zeros({2, 6, 8})}};
  values["key_lengths"] = numbers({2, 100}, DType::kI32);
  for (const Layout layout : kAllLayouts) {
    EXPECT_EQ(counted(kAttention, values, {.layout = layout}), attention(4 * (2 + 6)));
  }
  values["causal"] = true;
  EXPECT_EQ(counted(kAttention, values), attention(4 * 2 + (3 + 4 + 5 + 6)));
  values["key_lengths"] = numbers({-3, 4}, DType::kI32);
  EXPECT_EQ(counted(kAttention, values), attention(3 + 4 + 4 + 4));
}

TEST(FlopCount, ALengthMayBeLookedUpAndOneThatIsNotThereIsNone) {
  const std::string text = R"(kernel k(x: f32[N], at: i32[M], n: i32[P, 2]) -> (y: f32[M]) { parallel m in M by 1 {
    var s = 0.0
    for t in N until n[at[m], 1] { s += sum(x[t], t) }
    y[m] = s } })";
  Values values = {
      {"x", zeros({10})}, {"at", numbers({1, 0}, DType::kI32)}, {"n", matrix(2, {9, 3, 9, 5}, DType::kI32)}};
  EXPECT_EQ(counted(text, values), exactly(5 + 3 + 2));
  values["at"] = numbers({1, 7}, DType::kI32);
  EXPECT_EQ(counted(text, values), exactly(5 + 0 + 2));
}

TEST(FlopCount, ABoundThatTheKernelComputesCountsAsTheWholeAxis) {
  EXPECT_EQ(counted(R"(kernel k(x: f32[M, N]) -> (y: f32[M]) { parallel m in M {
    var s[m] = 0.0
    for n in N until i32(x[m, 0]) { s += sum(x[m, n], n) }
    y[m] = s } })",
                    {{"x", zeros({3, 5})}}),
            at_most(15 + 3));
}

TEST(FlopCount, AValueWithoutTheAxesOfARaggedBoundCountsAlongTheWholeLoop) {
  EXPECT_EQ(counted(R"(kernel k(x: f32[N], n: i32[M]) -> (y: f32[M]) { parallel m in M {
    var s[m] = 0.0
    for t in N until n[m] { let e = exp(x[t]); s += sum(e * f32(m), t) }
    y[m] = s } })",
                    {{"x", zeros({10})}, {"n", numbers({2, 3}, DType::kI32)}}),
            at_most(10 + 2 * 5 + 2));
}

TEST(FlopCount, StepsOfOneCountEachTurn) {
  EXPECT_EQ(counted(R"(kernel k(x: f32[T, N]) -> (y: f32[N]) {
    parallel n in N {
      var h[n] = 0.0
      for t in T from 1 by 1 { h = 0.5 * h + x[t, n] }
      y[n] = h
    } })",
                    {{"x", zeros({4, 6})}}),
            exactly(2 * 3 * 6));
}

TEST(FlopCount, AConditionOfTheWholeLaunchIsDecidedAndAnotherCountsBothBranches) {
  const std::string whole = R"(kernel k(x: f32[N], twice: int) -> (y: f32[N]) { parallel n in N {
    var z[n] = x[n]
    if twice > 0 { z = z * 2 } else { z = z * z + 1 }
    y[n] = z } })";
  EXPECT_EQ(counted(whole, {{"x", zeros({6})}, {"twice", std::int64_t{1}}}), exactly(6));
  EXPECT_EQ(counted(whole, {{"x", zeros({6})}, {"twice", std::int64_t{0}}}), exactly(12));
  EXPECT_EQ(counted(R"(kernel k(x: f32[N]) -> (y: f32[N]) { parallel n in N {
    var z[n] = x[n]
    if x[n] > 0 { z = z * 2 } else { z = z * z + 1 }
    y[n] = z } })",
                    {{"x", zeros({6})}}),
            at_most(18));
}

TEST(FlopCount, AWhileCannotBeCounted) {
  EXPECT_EQ(counted(R"(kernel k(x: f32[N]) -> (y: f32[N]) { parallel n in N {
    var z[n] = x[n]
    while z > 1 { z = z / 2 }
    y[n] = z } })",
                    {{"x", zeros({6})}})
                .count,
            Flops::kUnknown);
}

TEST(FlopCount, UpdatesOfAnArrayCount) {
  EXPECT_EQ(counted("kernel k(inout x: f32[N], y: f32[N]) { parallel n in N { x[n] -= 0.1 * y[n] } }",
                    {{"x", zeros({6})}, {"y", zeros({6})}}),
            exactly(12));
}

}  // namespace
}  // namespace testing
}  // namespace aurex::ax
