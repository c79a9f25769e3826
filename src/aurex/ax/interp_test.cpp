#include "aurex/ax/interp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "aurex/ax/philox.h"
#include "aurex/ax/test_call.h"
#include "aurex/base/error.h"

namespace aurex::ax::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr std::int64_t kTiles[] = {1, 3, InterpOptions::kWhole};

MATCHER(SameNumber, "") {  // NOLINT(readability-identifier-naming): as gtest names matchers
  const double a = std::get<0>(arg), b = std::get<1>(arg);
  return a == b || (std::isnan(a) && std::isnan(b));
}

/// One kernel on one set of values: result `name` has to be `expected` at every tile size.
void expect(const std::string& text, const Values& values, const std::vector<double>& expected,
            const CallOptions& options = {}) {
  TestCall call(compile(text), kernels(*compile(text)).front().name, values, options);
  for (const std::int64_t tile : kTiles) {
    call.reset();
    run(call.program(), call.bound(), {.tile = tile});
    EXPECT_THAT(call.results().front().second.values, Pointwise(SameNumber(), expected)) << "tile " << tile << "\n"
                                                                                         << text;
  }
}

/// Runs at one tile size.
TestCall& launched(TestCall& call, const InterpOptions& options = {}) {
  run(call.program(), call.bound(), options);
  return call;
}

template <typename E>
E raised(const std::string& text, const Values& values, const InterpOptions& options = {}) {
  TestCall call(compile(text), kernels(*compile(text)).front().name, values);
  try {
    run(call.program(), call.bound(), options);
  } catch (const E& error) {
    return error;
  }
  throw std::logic_error("nothing was raised");
}

TEST(Interpreter, AddsElementByElement) {
  expect("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }",
         {{"x", numbers({1, 2, 3, 4})}, {"y", numbers({10, 20, 30, 40})}}, {11, 22, 33, 44});
}

TEST(Interpreter, RunsExpressionKernelsOnStretchedArguments) {
  expect("kernel add(x, y) = x + y", {{"x", matrix(2, {1, 2, 3, 4})}, {"y", numbers({10, 20})}}, {11, 22, 13, 24});
}

TEST(Interpreter, ReadsEveryLayoutBetweenForbiddenPages) {
  for (const Layout layout : kAllLayouts) {
    for (const Guard guard : {Guard::kAfter, Guard::kBefore}) {
      expect("kernel t(x: T[N, M]) -> (y: T[M, N]) { parallel i in N, j in M { y[j, i] = x[i, j] } }",
             {{"x", matrix(2, {1, 2, 3, 4, 5, 6})}}, {1, 4, 2, 5, 3, 6}, {.layout = layout, .guard = guard});
    }
  }
}

TEST(Interpreter, Rule3AxesLineUpByNameNotByPosition) {
  expect(
      "kernel f(x: T[M, D], y: T[N, D]) -> (z: T[M, N]) { parallel m in M, n in N { z[m, n] = sum(x[m, D] * y[n, D], "
      "D) } }",
      {{"x", matrix(2, {1, 2, 3, 4})}, {"y", matrix(2, {1, 0, 1, 1})}}, {1, 3, 3, 7});
}

TEST(Interpreter, Rule4ADimensionInAnExpressionIsItsExtent) {
  expect("kernel flip(x: T[C]) -> (y: T[C]) { parallel c in C { y[C - 1 - c] = x[c] } }", {{"x", numbers({1, 2, 3})}},
         {3, 2, 1});
}

TEST(Interpreter, Rule6AnIndexedLoadHasTheAxesOfItsIndices) {
  expect("kernel f(t: T[V, D], id: i32[S]) -> (y: T[S, D]) { parallel s in S { y[s, D] = t[id[s], D] } }",
         {{"t", matrix(3, {1, 2, 3, 4, 5, 6})}, {"id", numbers({2, 0, 2, 1}, DType::kI32)}}, {5, 6, 1, 2, 5, 6, 3, 4});
}

TEST(Interpreter, Rule6AnIndexOutsideItsAxisRaisesWithItsPlace) {
  const auto error = raised<IndexOutOfRange>(
      "kernel f(t: T[V], id: i32[S]) -> (y: T[S]) {\n  parallel s in S {\n    y[s] = t[id[s]]\n  }\n}",
      {{"t", numbers({1, 2})}, {"id", numbers({1, 0, 5, 7}, DType::kI32)}});
  EXPECT_EQ(error.site.kernel, "f");
  EXPECT_EQ(error.site.line, 3);
  EXPECT_EQ(error.site.position, 2);
  EXPECT_EQ(error.site.index, 5);
  EXPECT_EQ(error.site.bound, 2);
}

TEST(Interpreter, Rule6OnlyALiveElementOutOfRangeIsAnError) {
  const Values values = {{"t", numbers({1, 2})}, {"id", numbers({1, -1, 5}, DType::kI32)}};
  expect(
      "kernel f(t: T[V], id: i32[S]) -> (y: T[S]) { parallel s in S { let i = id[s]\n"
      "y[s] = i >= 0 and i < V ? t[i] : 9 } }",
      values, {2, 9, 9});
  expect(
      "kernel f(t: T[V], id: i32[S]) -> (y: T[S] = 7) { parallel s in S { let i = id[s]\n"
      "if i >= 0 and i < V { y[s] = t[i] } } }",
      values, {2, 7, 7});
  expect("kernel f(t: T[V], id: i32[S]) -> (y: T[S]) { parallel s in S { y[s] = t[id[s]] else 4 } }", values,
         {2, 4, 4});
}

TEST(Interpreter, Rule7ReindexingShiftsAValueByName) {
  expect("kernel f(x: T[N]) -> (y: T[N]) { let c in N\n y[c] = scan_sum(x[c], c)[c = c - 1] else 0 }",
         {{"x", numbers({1, 2, 3, 4})}}, {0, 1, 3, 6});
}

TEST(Interpreter, Rule8AVariableIsItsPositionInTheWholeAxis) {
  expect("kernel f(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = x[i] * 0 + i } }",
         {{"x", numbers({5, 5, 5, 5, 5})}}, {0, 1, 2, 3, 4});
}

TEST(Interpreter, Rule9SplitsAreViewsOfOneAxis) {
  expect("kernel f(x: T[(2, P)]) -> (y: T[(2, P)]) { parallel p in P { y[0, p] = x[1, p]\n y[1, p] = -x[0, p] } }",
         {{"x", numbers({1, 2, 3, 4, 5, 6})}}, {4, 5, 6, -1, -2, -3});
}

TEST(Interpreter, Rule10PacksStandForAnyLeadingAxes) {
  HostArray x = numbers({1, 2, 3, 4, 5, 6, 7, 8});
  x.shape = {2, 2, 2};
  for (const Layout layout : kAllLayouts) {
    expect("kernel f(x: T[R..., C]) -> (y: T[R...]) { parallel r in R { y[r] = sum(x[r, C], C) } }", {{"x", x}},
           {3, 7, 11, 15}, {.layout = layout});
  }
}

TEST(Interpreter, Rule16InoutReadsSeeThisTilesEarlierWrites) {
  expect("kernel f(inout p: T[N]) { parallel i in N { p[i] = p[i] + 1\n p[i] = p[i] * 2 } }",
         {{"p", numbers({1, 2, 3, 4})}}, {4, 6, 8, 10});
}

TEST(Interpreter, Rule19ScratchCarriesValuesBetweenBlocks) {
  expect(
      "kernel f(x: T[N, C]) -> (y: T[N]) { scratch mu: f32[N]\n"
      "parallel n in N { mu[n] = sum(x[n, C], C) }\n parallel n in N { y[n] = mu[n] * 2 } }",
      {{"x", matrix(2, {1, 2, 3, 4})}}, {6, 14});
}

TEST(Interpreter, Rule20EveryElementHasItsOwnBounds) {
  expect(
      "kernel f(x: T[S, L], n: i32[S]) -> (y: T[S]) { parallel s in S { var acc[s] = 0.0\n"
      "for t in L until n[s] { acc += sum(x[s, t], t) }\n y[s] = acc } }",
      {{"x", matrix(3, {1, 2, 3, 4, kNan, kNan, kNan, kNan, 1, 1, 1, kNan})}, {"n", numbers({9, 0, 3}, DType::kI32)}},
      {10, 0, 3});
}

TEST(Interpreter, Rule20WhileStopsElementByElement) {
  expect(
      "kernel f(x: i32[N]) -> (y: i32[N]) { parallel i in N { var n[i] = 0\n var v[i] = x[i]\n"
      "while v > 1 { v = v % 2 == 0 ? div(v, 2) : 3 * v + 1\n n = n + 1 }\n y[i] = n } }",
      {{"x", numbers({1, 2, 3, 6, 7}, DType::kI32)}}, {0, 1, 7, 8, 16});
}

TEST(Interpreter, Rule20IfTouchesOnlyElementsForWhichItHolds) {
  expect(
      "kernel f(x: T[N]) -> (y: T[N]) { parallel i in N { var v[i] = x[i]\n if v < 0 { v = -v } else { v = v * 10 }\n "
      "y[i] = v } }",
      {{"x", numbers({-1, 2, -3, 4})}}, {1, 20, 3, 40});
}

TEST(Interpreter, Rule21AVarKeepsItsTypeAndAxes) {
  expect(
      "kernel f(x: T[N, C]) -> (y: T[N]) { parallel n in N { var m[n] = -inf\n for c in C { m = maximum(m, max(x[n, "
      "c], c)) }\n y[n] = m } }",
      {{"x", matrix(2, {3, 9, 2, 1, -4, -7})}}, {9, 1});
}

TEST(Interpreter, Rule22UpdatesOfOneElementAddUp) {
  expect("kernel f(x: i32[N]) -> (h: i32[B] = 0) { parallel i in N { h[x[i]] += 1 } }",
         {{"x", numbers({0, 2, 2, 1, 2}, DType::kI32)}}, {1, 1, 3}, {.extents = {{"B", 3}}});
}

TEST(Interpreter, Rule23AFailedAssertSaysWhere) {
  const auto error = raised<KernelError>(
      "kernel f(x: T[N]) -> (y: T[N]) {\n  parallel i in N {\n    assert x[i] > 0, \"positive\"\n    y[i] = x[i]\n  "
      "}\n}",
      {{"x", numbers({1, 2, -3})}}, {.tile = 1});
  EXPECT_EQ(error.field("line"), "3");
  EXPECT_EQ(error.field("position"), "2");
  EXPECT_EQ(error.field("text"), "positive");
}

TEST(Interpreter, Rule23PrintsComeOrderedByPosition) {
  for (const std::int64_t tile : kTiles) {
    std::vector<double> seen;
    InterpOptions options;
    options.tile = tile;
    options.print = [&](const PrintRecord& record) { seen.push_back(to_f64(record.type, record.value)); };
    TestCall call(compile("kernel f(x: T[N]) -> (y: T[N]) { parallel i in N { print(x[i])\n y[i] = x[i] } }"), "f",
                  {{"x", numbers({4, 3, 2, 1})}});
    launched(call, options);
    EXPECT_THAT(seen, ElementsAre(4, 3, 2, 1));
  }
}

TEST(Interpreter, Rule23SafeFindsReadsBeforeWritesNanAndDivisionByZero) {
  const auto findings = [](const std::string& text, const Values& values) {
    TestCall call(compile(text), kernels(*compile(text)).front().name, values);
    std::vector<Finding::Kind> kinds;
    for (const Finding& finding : run(call.program(), call.bound(), {.safe = true}).findings)
      kinds.push_back(finding.kind);
    return kinds;
  };
  EXPECT_THAT(
      findings("kernel f(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = x[i] / x[i] } }", {{"x", numbers({1, 0})}}),
      ElementsAre(Finding::Kind::kNan));
  EXPECT_THAT(findings("kernel f(x: i32[N]) -> (y: i32[N]) { parallel i in N { y[i] = div(7, x[i]) } }",
                       {{"x", numbers({0, 1}, DType::kI32)}}),
              ElementsAre(Finding::Kind::kDivisionByZero));
  EXPECT_THAT(
      findings("kernel f(x: T[N]) -> (y: T[N]) { scratch s: f32[N]\n parallel i in N { if x[i] > 0 { s[i] = x[i] } }\n"
               "parallel i in N { y[i] = s[i] } }",
               {{"x", numbers({1, 0})}}),
      ElementsAre(Finding::Kind::kUninitialised));
  EXPECT_THAT(findings("kernel f(x: T[N], at: i32[N]) -> (y: T[N] = 0) { parallel i in N { y[unique at[i]] = x[i] } }",
                       {{"x", numbers({1, 2})}, {"at", numbers({1, 1}, DType::kI32)}}),
              ElementsAre(Finding::Kind::kNotUnique));
}

TEST(Interpreter, Rule28ScansRunAlongOneAxis) {
  expect("kernel f(x: T[R, N]) -> (y: T[R, N]) { parallel r in R { y[r, N] = scan_max(x[r, N], N) } }",
         {{"x", matrix(2, {1, 3, 2, 5, 4, 6})}}, {1, 3, 3, 5, 5, 6});
}

TEST(Interpreter, Rule28ArgsortIsStableWithNanLast) {
  expect("kernel f(x: T[N]) -> (y: i32[N]) { let at = argsort(x[N], N)\n y[N] = at }",
         {{"x", numbers({2, kNan, 1, 2, -kInf})}}, {4, 2, 0, 3, 1});
}

TEST(Interpreter, Rule29EmptyReductionsGiveTheirIdentity) {
  const HostArray empty = {.dtype = DType::kF32, .shape = {1, 0}, .values = {}};
  const auto over_nothing = [&](const std::string& call, double expected) {
    expect("kernel f(x: f32[N, C]) -> (y: f32[N]) { parallel n in N { y[n] = " + call + " } }", {{"x", empty}},
           {expected});
  };
  over_nothing("sum(x[n, C], C)", 0);
  over_nothing("prod(x[n, C], C)", 1);
  over_nothing("max(x[n, C], C)", -kInf);
  over_nothing("min(x[n, C], C)", kInf);
  over_nothing("mean(x[n, C], C)", kNan);
  over_nothing("argmax(x[n, C], C)", -1);
  over_nothing("any(x[n, C] > 0, C) ? 1 : 0", 0);
  over_nothing("all(x[n, C] > 0, C) ? 1 : 0", 1);
}

TEST(Interpreter, Rule29ExtremesPropagateNanAndArgmaxFindsTheFirst) {
  const Values values = {{"x", matrix(2, {1, kNan, 3, kNan, 2, 7, 7, 1})}};
  expect("kernel f(x: T[N, C]) -> (y: T[N]) { parallel n in N { y[n] = max(x[n, C], C) } }", values, {kNan, 7});
  expect("kernel f(x: T[N, C]) -> (y: i32[N]) { parallel n in N { y[n] = argmax(x[n, C], C) } }", values, {1, 1});
}

TEST(Interpreter, Rule27StoresRoundToNearestEvenAndSaturate) {
  expect("kernel f(x: f32[N]) -> (y: f16[N]) { parallel i in N { y[i] = x[i] } }",
         {{"x", numbers({1.0 + 0x1p-11, 1.0 + 3 * 0x1p-11, 70000})}}, {1, 1.0 + 0x1p-9, kInf});
  expect("kernel f(x: i32[N]) -> (y: i8[N]) { parallel i in N { y[i] = x[i] } }",
         {{"x", numbers({-300, 5, 300}, DType::kI32)}}, {-128, 5, 127});
}

TEST(Interpreter, Rule30EachOperationRoundsOnceInItsType) {
  const float x = 1.0f + 0x1p-12f;
  expect("kernel f(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = x[i] * x[i] - 1 } }", {{"x", numbers({x})}},
         {static_cast<float>(x * x) - 1.0f});
  expect("kernel f(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = fma(x[i], x[i], -1) } }", {{"x", numbers({x})}},
         {std::fma(x, x, -1.0f)});
}

TEST(Interpreter, Rule33RandomIsPhilox) {
  std::vector<double> expected;
  for (std::uint64_t element = 0; element < 6; ++element) expected.push_back(philox_uniform(7, element));
  expect("kernel f(seed: int) -> (y: f32[R, C]) { parallel r in R, c in C { y[r, c] = random(seed, r, c) } }",
         {{"seed", std::int64_t{7}}}, expected, {.extents = {{"R", 2}, {"C", 3}}});
}

TEST(Interpreter, PhiloxGivesThePublishedVectors) {
  EXPECT_THAT(philox4x32_10({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  EXPECT_THAT(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
              ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
}

TEST(Interpreter, AttentionWithItsOwnBoundPerRowEqualsTheDefinition) {
  const std::string text =
      "kernel attention(q: T[S, D], k: T[L, D], v: T[L, D]) -> (o: T[S, D]) {\n"
      "  parallel s in S {\n"
      "    var top[s] = -inf;  var norm[s] = 0.0;  var acc[s, D] = 0.0\n"
      "    for t in L until s + 1 {\n"
      "      let z = sum(q[s, D] * k[t, D], D)\n"
      "      let new = maximum(top, max(z, t))\n"
      "      let p = exp(z - new)\n"
      "      let keep = exp(top - new)\n"
      "      norm = norm * keep + sum(p, t)\n"
      "      acc = acc * keep + sum(p * v[t, D], t)\n"
      "      top = new\n"
      "    }\n"
      "    o[s, D] = norm > 0 ? acc / norm : 0\n"
      "  }\n"
      "}";
  const std::vector<double> q = {1, 0, 0.5, 1, -1, 2, 0, 0}, k = {1, 1, 0, 1, 2, 0, 1, -1},
                            v = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<double> expected;
  for (std::size_t s = 0; s < 4; ++s) {
    double norm = 0, sum0 = 0, sum1 = 0;
    for (std::size_t t = 0; t <= s; ++t) {
      const double p = std::exp(q[2 * s] * k[2 * t] + q[2 * s + 1] * k[2 * t + 1]);
      norm += p;
      sum0 += p * v[2 * t];
      sum1 += p * v[2 * t + 1];
    }
    expected.push_back(sum0 / norm);
    expected.push_back(sum1 / norm);
  }
  TestCall call(compile(text), "attention", {{"q", matrix(4, q)}, {"k", matrix(4, k)}, {"v", matrix(4, v)}});
  for (const std::int64_t tile : kTiles) {
    call.reset();
    launched(call, {.tile = tile});
    EXPECT_THAT(call.result("o").values, Pointwise(::testing::DoubleNear(1e-5), expected)) << tile;
  }
}

TEST(Interpreter, ErrorBoundsAreZeroWithoutFloatSumsAndCoverOtherOrders) {
  TestCall plain(compile("kernel f(x) = x * x + 1"), "f", {{"x", numbers({1, 2, 3})}});
  for (const ErrorBounds& bounds : error_bounds(plain.program(), plain.bound(), plain.binding())) {
    EXPECT_THAT(bounds.bound, ElementsAre(0, 0, 0));
  }
  std::vector<double> terms;
  for (int i = 0; i < 100; ++i) terms.push_back(1.0 / (i + 1));
  TestCall sum(compile("kernel f(x: T[N]) -> (s: T) { s = sum(x[N], N) }"), "f", {{"x", numbers(terms)}});
  launched(sum);
  float backwards = 0;
  for (int i = 99; i >= 0; --i) backwards += static_cast<float>(terms[static_cast<std::size_t>(i)]);
  const auto bounds = error_bounds(sum.program(), sum.bound(), sum.binding());
  EXPECT_GT(bounds[0].bound[0], 0);
  EXPECT_LE(std::fabs(sum.result("s").values[0] - static_cast<double>(backwards)), bounds[0].bound[0]);
}

struct RangeCase {
  const char* name;
  std::vector<double> a, b;
  bool any_order_agrees;
};

TEST(Interpreter, ErrorBoundsAreInfiniteWhereAnOrderLeavesTheRange) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const RangeCase cases[] = {
      {"a product overflows, fused it does not", {3e38, -2e38}, {2, 2}, false},
      {"a sum of some terms overflows", {3e38, 3e38, -3e38}, {1, 1, 1}, false},
      {"all stays in range", {1e38, 1e38, -1e38}, {1, 1, 1}, true},
      {"an infinity is one in any order", {kInf, 1, 1}, {1, 1, 1}, true},
      {"an infinity against an overflow", {kInf, -3e38, -3e38}, {1, 2, 1}, false},
      {"two infinities in the one, one in the other", {kInf, -3e38, -3e38}, {1, 1, 2}, false},
      {"tiny products vanish within the bound", {1e-30, 1}, {1e-30, 1}, true},
  };
  for (const RangeCase& row : cases) {
    TestCall call(compile("kernel f(a: f32[K], b: f32[K]) -> (s: f32) { s = sum(a[K] * b[K], K) }"), "f",
                  {{"a", numbers(row.a)}, {"b", numbers(row.b)}});
    const auto bounds = error_bounds(call.program(), call.bound(), call.binding());
    EXPECT_EQ(std::isfinite(bounds[0].bound[0]), row.any_order_agrees) << row.name;
  }
}

TEST(Interpreter, ValuesOverTheMemoryLimitAreRefused) {
  const auto error = raised<OutOfMemory>(
      "kernel f(x: T[N], y: T[M]) -> (z: T[N, M]) { parallel i in N, j in M { z[i, j] = x[i] + y[j] } }",
      {{"x", numbers({1, 2, 3, 4})}, {"y", numbers({1, 2, 3, 4})}}, {.memory_limit = 64});
  EXPECT_EQ(error.limit, 64);
}

}  // namespace
}  // namespace aurex::ax::testing
