// The rules of the language, by number: a program that each allows, and one that it forbids. What a rule forbids is
// refused when the text is checked, or when a call is bound; a rule that gives a meaning and forbids nothing says so in
// its row.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/interp.h"
#include "aurex/ax/self_check.h"
#include "aurex/ax/test_call.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/ax/tile_verify.h"
#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::numbers;
using testing::TestCall;
using testing::Values;

constexpr int kFirstRule = 1, kLastRule = 34;

struct RuleCase {
  int rule;
  const char* name;
  const char* accepted;
  const char* refused;  ///< null where the row has nothing to refuse as text
  const char* code;     ///< of the refusal; without a refused program, why there is none
};

void PrintTo(const RuleCase& rule, std::ostream* out) { *out << "rule " << rule.rule << ", " << rule.name; }

std::string test_name(const RuleCase& rule) { return "Rule" + std::to_string(rule.rule) + rule.name; }

struct Checked {
  std::shared_ptr<const CheckedModule> module;
  std::vector<std::string> codes;
  std::string text;
};

Checked checked(const char* text) {
  const auto source = std::make_shared<const Source>("test.ax", text);
  DiagnosticSink sink;
  Checked result;
  result.module = check(source, sink);
  for (const Diagnostic& diagnostic : sink.sorted()) result.codes.push_back(to_string(diagnostic.code));
  result.text = render(*source, sink.sorted());
  return result;
}

const RuleCase kRules[] = {
    {1, "NoTileSizeShows",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { var a[r] = 0; for c in C { a += sum(x[r, c], c) }; "
     "y[r] = a } }",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { var a[r] = 0; for c in C { a = sum(x[r, c], c) }; y[r] "
     "= a } }",
     "AX0502"},
    {1, "FoldsOfTilesCombine",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { var a[r] = 0.0; for c in C { a = maximum(a, max(x[r, "
     "c], c)) }; y[r] = a } }",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { var a[r] = 0.0; for c in C { a += max(x[r, c], c) }; "
     "y[r] = a } }",
     "AX0521"},
    {1, "RunningValuesRescaleSums",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { var m[r] = -inf; var a[r] = 0.0; for c in C { let new "
     "= "
     "maximum(m, max(x[r, c], c)); a = a * exp(m - new) + sum(exp(x[r, c] - new), c); m = new }; y[r] = a } }",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { var m[r] = -inf; var a[r] = 0.0; for c in C { let new "
     "= "
     "maximum(m, max(x[r, c], c)); a += sum(exp(x[r, c] - new), c); m = new }; y[r] = a } }",
     "AX0521"},
    {2, "VariablesAreAxes", "kernel k(x: T[N]) -> (y: T[N]) { let i in N; y[i] = x[i] + i }",
     "kernel k(x: T[N]) -> (y: T[N]) { parallel i in N by 1 { y[i] = x[i] / max(x[i], i) } }", "AX0307"},
    {3, "AnAxisIsTheNameThatBoundIt",
     "kernel k(x: f32[M, D], z: f32[N, D]) -> (y: f32[M, N]) { parallel m in M, n in N { y[m, n] = sum(x[m, D] * z[n, "
     "D], D) } }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { let i in N; let j in N; y[i] = x[i] + x[j] }", "AX0511"},
    {4, "ADimensionIsTheWholeAxisOrItsExtent",
     "kernel k(x: f32[R, C]) -> (y: f32[R, C]) { parallel r in R, c in C { y[r, C - 1 - c] = x[r, c] } }",
     "kernel k(x: f32[N, N]) -> (y: f32[N]) { y[N] = sum(x[N, N], N) }", "AX0302"},
    {5, "ABareVariableIndexesItsOwnAxis",
     "kernel k(x: f32[N, M]) -> (y: f32[N, M]) where M = N { parallel n in N, m in M { y[n, m] = x[m, n] } }",
     "kernel k(x: f32[N, M]) -> (y: f32[N, M]) { parallel n in N, m in M { y[n, m] = x[m, n] } }", "AX0301"},
    {6, "AnIndexHasTheAxesOfItsParts",
     "kernel k(id: int[S], table: T[V, D]) -> (y: T[S, D]) { parallel s in S { y[s, D] = table[id[s], D] } }",
     "kernel k(id: int[S], table: T[V, D]) -> (y: T[V, D]) { parallel v in V { y[v, D] = table[id[S], D] } }",
     "AX0511"},
    {7, "ValuesShiftByName",
     "kernel k(x: f32[R, C]) -> (y: f32[R, C]) { parallel r in R { let c in C; y[r, c] = scan_sum(x[r, c], c)[c = c - "
     "1] else 0 } }",
     "kernel k(x: f32[R, C]) -> (y: f32[R, C]) { parallel r in R, c in C { y[r, c] = x[r, c][c = c - 1] else 0 } }",
     "AX0501"},
    {8, "APositionIsAnI32",
     "kernel k(x: f32[N], n: i32[N]) -> (y: f32[N]) { let i in N; y[i] = x[i] + i + (n[i] - i) }",
     "kernel k(x: u32[N]) -> (y: u32[N]) { let i in N; y[i] = x[i] + i }", "AX0401"},
    {9, "SplitAxes",
     "kernel k(x: T[S, (2, P)]) -> (y: T[S, (2, P)]) { parallel s in S, p in P { y[s, 0, p] = x[s, 1, p]; y[s, 1, p] = "
     "x[s, 0, p] } }",
     "kernel k(x: T[S, (2, P)]) -> (y: T[S, (2, P)]) { parallel s in S, p in P { y[s, 0, p] = x[s, 1, p] } }",
     "AX0508"},
    {10, "Packs", "kernel k(x: f32[R..., C]) -> (y: f32[R...]) { parallel r in R { y[r] = sum(x[r, C], C) } }",
     "kernel k(x: f32[R..., C]) -> (y: f32[R]) { parallel r in R { y[r] = sum(x[r, C], C) } }", "AX0211"},
    {11, "DimensionsAreUpperCase", "kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = x[N] }",
     "kernel k(x: f32[n]) -> (s: f32) { s = 1 }", "AX0108"},
    {12, "WhereDefines",
     "kernel k(x: f32[H], s: int) -> (y: f32[I]) where I = div(H, s) { parallel i in I { y[i] = x[i * s] } }",
     "kernel k(x: f32[H], s: float) -> (y: f32[I]) where I = s { parallel i in I { y[i] = x[i] } }", "AX0218"},
    {13, "ScalarsAreWeak", "kernel k(x: T[N], w: U[N], a: float) -> (y: T[N]) { y[N] = x[N] * a + w[N] }",
     "kernel k(x: T[N], a: T) -> (y: T[N]) { y[N] = x[N] * a }", "AX0207"},
    {13, "KernelsAreNotOverloaded", "kernel k(x: float[N]) -> (y: f32[N]) { y[N] = x[N] }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = x[N] }\nkernel k(x: f64[N]) -> (y: f64[N]) { y[N] = x[N] }",
     "AX0212"},
    {14, "DefaultsAreLiterals", "kernel k(x: T[N], w: T[N] = 1, a: float = 2) -> (y: T[N]) { y[N] = a * w[N] * x[N] }",
     "kernel k(x: T[N], a: int = 0.5) -> (y: T[N]) { y[N] = a * x[N] }", "AX0208"},
    {15, "ConstantsSpecialise",
     "kernel k(x: f32[N], const twice: bool = false) -> (y: f32[N]) { y[N] = twice ? 2 * x[N] : x[N] }", nullptr,
     "a `const` changes what is compiled, never what is allowed"},
    {16, "EveryElementOnce",
     "kernel k(x: f32[N]) -> (y: f32[N] = 0) { parallel i in N { if x[i] > 0 { y[i] = x[i] } } }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = x[i]; y[i] = 0 } }", "AX0508"},
    {17, "ResultsMayLieOverInputs", "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = 2 * x[i] } }",
     nullptr, "where memory is shared is known at the call: Rule17 below"},
    {18, "FunctionsSeeTheirArguments",
     "fn f(x) { let s = square(x); s + s }\nkernel k(x: f32[N]) -> (y: f32[N]) { let s = x[N]; y[N] = f(s) }",
     "fn f(x) = x + hidden\nkernel k(x: f32[N]) -> (y: f32[N]) { let hidden = x[N]; y[N] = f(hidden) }", "AX0201"},
    {19, "ParallelPlaces",
     "kernel k(inout p: f32[N], n: int) { for t in n by 1 { parallel i in N { p[i] = p[i] * 0.5 } } }",
     "kernel k(inout p: f32[N], n: int) { for t in n { parallel i in N { p[i] = p[i] * 0.5 } } }", "AX0515"},
    {20, "ElementsFollowTheirOwnPath",
     "kernel k(x: f32[N]) -> (y: i32[N]) { parallel i in N { var v[i] = x[i]; var n[i] = 0; while v > 1 { v = v * 0.5; "
     "n += 1 }; y[i] = n } }",
     "kernel k(x: f32[N]) -> (y: i32[N]) { parallel i in N { var v[i] = x[i]; var n = 0; while v > 1 { v = v * 0.5; n "
     "+= 1 }; y[i] = n } }",
     "AX0516"},
    {21, "VariablesKeepTheirAxes",
     "kernel k(x: f32[M, N]) -> (y: f32[M, N]) { parallel m in M { var s[m, N] = 0; s = s + x[m, N]; y[m, N] = s } }",
     "kernel k(x: f32[M, N]) -> (y: f32[M, N]) { parallel m in M { var s[m] = 0; s = s + x[m, N]; y[m, N] = s } }",
     "AX0512"},
    {21, "NoShadowing", "kernel k(x: f32[N]) -> (y: f32[N]) { let a = x[N]; let b = a + 1; y[N] = b }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { let a = x[N]; let a = a + 1; y[N] = a }", "AX0203"},
    {22, "Races", "kernel k(x: f32[N], id: int[N]) -> (h: f32[B] = 0) { parallel i in N { h[id[i]] += x[i] } }",
     "kernel k(x: f32[N], id: int[N]) -> (h: f32[B] = 0) { parallel i in N { h[id[i]] = x[i] } }", "AX0506"},
    {23, "AssertionsAndPrints",
     "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { assert x[i] >= 0, \"positive\"; print(x[i]); y[i] = x[i] "
     "} "
     "}",
     "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { assert x[i], \"positive\"; y[i] = x[i] } }", "AX0404"},
    {24, "ALineEndsItsStatement",
     "kernel k(x: f32[N]) -> (y: f32[N]) {\n  let a = x[N] +\n    1\n  let b = (a\n    + 1)\n  y[N] = b\n}",
     "kernel k(x: f32[N]) -> (y: f32[N]) {\n  let a = x[N]\n    + 1\n  y[N] = a\n}", "AX0111"},
    {24, "Labels", "kernel k(x: f32[N]) -> (y: f32[N]) : spiking { y[N] = x[N] }",
     "kernel k(x: f32[N]) -> (y: f32[N]) : sparkling { y[N] = x[N] }", "AX0216"},
    {24, "TargetsAreAskedForAtKernelLevel",
     "kernel k(x: f32[N]) -> (y: f32[N]) { if target.avx2 { y[N] = x[N] } else { y[N] = 1 * x[N] } }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { if target.avx2 { y[i] = x[i] } } }", "AX0520"},
    {25, "TypesJoin", "kernel k(a: i32[N], b: i64[N]) -> (y: i64[N]) { y[N] = a[N] + b[N] }",
     "kernel k(a: i64[N], b: u64[N]) -> (y: i64[N]) { y[N] = a[N] + b[N] }", "AX0401"},
    {26, "IntegersDivideByName", "kernel k(a: i32[N]) -> (y: i32[N]) { y[N] = div(a[N], 0) + a[N] % 3 + (a[N] << 40) }",
     "kernel k(a: i32[N]) -> (y: i32[N]) { y[N] = a[N] / 2 }", "AX0403"},
    {27, "StoresConvertNumbers", "kernel k(x: f32[N]) -> (y: i8[N]) { y[N] = x[N] }",
     "kernel k(x: f32[N]) -> (y: bool[N]) { y[N] = x[N] }", "AX0408"},
    {28, "ReductionsNameAnAxis",
     "kernel k(x: f32[R, C]) -> (y: i32[R]) { parallel r in R { y[r] = argmax(x[r, C], C) } }",
     "kernel k(x: f32[R, C]) -> (y: f32[R]) { parallel r in R { y[r] = max(x[r, C], 0) } }", "AX0306"},
    {29, "NothingIsReducedToTheIdentity",
     "kernel k(x: f32[R, C]) -> (y: f32[R], at: i32[R]) { parallel r in R { y[r] = max(x[r, C], C); at[r] = "
     "argmax(x[r, C], C) } }",
     nullptr, "it says what NaN and empty axes give; every operand is allowed: Rule29 below"},
    {30, "EachOperationRoundsOnce",
     "kernel k(a: f32[N], b: f32[N]) -> (y: f32[N]) { y[N] = a[N] * b[N] + fma(a[N], b[N], 1) }", nullptr,
     "it says what results are, and binds compilers, not programs: the suites under tests/ hold them to it"},
    {31, "ComparisonsDoNotChain",
     "kernel k(a: i32[N]) -> (y: bool[N]) { y[N] = 0 < a[N] and a[N] < 1 << 2 + 1 or not a[N] == 7 }",
     "kernel k(a: i32[N]) -> (y: bool[N]) { y[N] = 0 < a[N] < 9 }", "AX0109"},
    {32, "BuiltInsAndCasts", "kernel k(x: f32[N]) -> (y: i32[N]) { y[N] = i32(floor(x[N])) + popcount(i32(x[N])) }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = i8(x[N]) }", "AX0410"},
    {32, "FunctionsAreKnown", "kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = erf(x[N]) }",
     "kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = besselj(x[N]) }", "AX0202"},
    {33, "RandomNumbersHaveAnIntegerSeed",
     "kernel k(seed: int) -> (y: f32[N]) { parallel i in N { y[i] = random(seed, i) } }",
     "kernel k(seed: float) -> (y: f32[N]) { parallel i in N { y[i] = random(seed, i) } }", "AX0405"},
    {34, "GuardedScatter",
     "kernel k(x: f32[N]) -> (y: f32[I] = 0) { parallel n in N { let i = 2 * n - 3; if i >= 0 and i < I { y[i] += x[n] "
     "} } }",
     "kernel k(x: f32[N]) -> (y: f32[I] = 0) { parallel n in N { let i = div(n, 2); if i >= 0 and i < I { y[i] = x[n] "
     "} } }",
     "AX0506"},
};

class Rule : public ::testing::TestWithParam<RuleCase> {};

TEST_P(Rule, AcceptsWhatItAllows) {
  const Checked result = checked(GetParam().accepted);
  ASSERT_NE(result.module, nullptr) << result.text;
  for (const KernelInterface& kernel : kernels(*result.module)) {
    const TileProgram program =
        specialize(*result.module, kernel.name, sample_specialization(*result.module, kernel.name));
    EXPECT_THAT(verify(program), IsEmpty()) << print(program);
  }
}

TEST_P(Rule, RefusesWhatItForbids) {
  if (GetParam().refused == nullptr) {
    EXPECT_FALSE(std::string_view(GetParam().code).empty()) << "a row without a refused program says why";
    return;
  }
  const Checked result = checked(GetParam().refused);
  EXPECT_THAT(result.codes, ElementsAre(GetParam().code)) << result.text;
}

INSTANTIATE_TEST_SUITE_P(Rules, Rule, ::testing::ValuesIn(kRules),
                         [](const auto& info) { return test_name(info.param); });

TEST(Rules, AllHaveARow) {
  std::set<int> rules;
  for (const RuleCase& rule : kRules) rules.insert(rule.rule);
  EXPECT_EQ(rules.size(), static_cast<std::size_t>(kLastRule - kFirstRule + 1));
  EXPECT_EQ(*rules.begin(), kFirstRule);
  EXPECT_EQ(*rules.rbegin(), kLastRule);
}

// What a rule forbids of calls.

/// The code of the error that a call with these values raises; nothing where it runs.
std::optional<ErrorCode> refusal(const char* text, const Values& values) {
  try {
    TestCall call(testing::compile(text), "k", values);
    static_cast<void>(run(call.program(), call.bound()));
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

TEST(Rule11, TwoExtentsForOneDimensionAreAMismatch) {
  const char* text = "kernel k(x: f32[N], y: f32[N]) -> (z: f32[N]) { z[N] = x[N] + y[N] }";
  EXPECT_EQ(refusal(text, {{"x", numbers({1, 2})}, {"y", numbers({3, 4})}}), std::nullopt);
  EXPECT_EQ(refusal(text, {{"x", numbers({1, 2})}, {"y", numbers({3})}}), ErrorCode::kShapeMismatch);
}

TEST(Rule13, ATypeVariableIsOneStorageType) {
  const char* text = "kernel k(x: T[N], y: T[N]) -> (z: T[N]) { z[N] = x[N] + y[N] }";
  EXPECT_EQ(refusal(text, {{"x", numbers({1})}, {"y", numbers({3})}}), std::nullopt);
  EXPECT_EQ(refusal(text, {{"x", numbers({1})}, {"y", numbers({3}, DType::kF64)}}), ErrorCode::kCompileError);
}

TEST(Rule17, AResultLiesOverAnInputThatIsReadWhereItIsWritten) {
  std::array<float, 3> memory = {1, 2, 3};
  const TensorView whole = contiguous_view(static_cast<void*>(memory.data()), DType::kF32, Dims{3});
  const auto shared = [&](const char* text) -> std::optional<ErrorCode> {
    const auto module = testing::compile(text);
    const TileProgram program = specialize(*module, "k", sample_specialization(*module, "k"));
    const Binding binding(program);
    BoundCall call;
    const std::array<const TensorView*, 1> arrays = {&whole}, results = {&whole};
    try {
      binding.solve({.arrays = arrays, .results = results}, call);
      binding.finish(call);
      return std::nullopt;
    } catch (const Error& error) {
      return error.code();
    }
  };
  EXPECT_EQ(shared("kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = 2 * x[i] } }"), std::nullopt);
  EXPECT_EQ(shared("kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = x[N - 1 - i] } }"),
            ErrorCode::kInvalidConfig);
}

TEST(Rule29, NaNAndNothingHaveTheirResults) {
  const auto module = testing::compile(
      "kernel k(x: f32[C]) -> (y: f32[8]) { y[0] = sum(x[C], C); y[1] = prod(x[C], C); y[2] = max(x[C], C); y[3] = "
      "min(x[C], C); y[4] = mean(x[C], C); y[5] = argmax(x[C], C); y[6] = any(x[C] > 0, C) ? 1 : 0; y[7] = all(x[C] > "
      "0, C) ? 1 : 0 }");
  const auto results = [&](std::vector<double> x) {
    TestCall call(module, "k", {{"x", numbers(std::move(x))}});
    static_cast<void>(run(call.program(), call.bound()));
    return call.result("y").values;
  };
  using ::testing::IsNan;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(results({}), ElementsAre(0, 1, -kInf, kInf, IsNan(), -1, 0, 1));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(results({1, nan, 3, nan}), ElementsAre(IsNan(), IsNan(), IsNan(), IsNan(), IsNan(), 1, 1, 0));
}

// Rule 1 in detail.

struct TileCase {
  const char* name;
  const char* state;  ///< variables that the loop over c carries
  const char* body;   ///< of the loop
  const char* code;   ///< null where it is accepted
};

void PrintTo(const TileCase& tile, std::ostream* out) { *out << tile.name; }

const TileCase kTileCases[] = {
    {"SumInTwoSteps", "var a[r] = 0.0", "a = a + sum(x[r, c], c)\n a -= 2 * sum(w[c], c)", nullptr},
    {"ProductAndExtremes", "var a[r] = 1.0; var b[r] = 0.0",
     "a *= prod(x[r, c], c)\n b = minimum(min(x[r, c], c), minimum(b, 3.0))", nullptr},
    {"AnyAndAll", "var a[r] = false; var b[r] = true",
     "a = a or any(x[r, c] > 0, c)\n b = b and not any(x[r, c] < 0, c)", nullptr},
    {"SumOfWhatALetHolds", "var a[r] = 0.0", "let d = square(x[r, c] - w[c])\n a += -sum(d, c) / f32(C)", nullptr},
    {"CountOfElements", "var a[r] = 0", "a += sum(x[r, c] > 0, c)", nullptr},
    {"PositionsOneByOneInside", "var a[r] = 0.0", "for k in 3 by 1 { a += k * sum(x[r, c], c) }", nullptr},
    {"LoopsWithinLoops", "var a[r] = 0.0; var m[r] = -inf",
     "for d in C { let z = x[r, c] * w[d]\n let new = maximum(m, max(z, c, d))\n a = a * exp(m - new) + sum(exp(z - "
     "new), c, d)\n m = new }",
     nullptr},
    {"PowersOfTwoWithAScale", "var a[r] = 0.0; var m[r] = -inf",
     "let new = maximum(m, max(x[r, c], c))\n a = sum(exp2((x[r, c] - new) * s) * w[c], c) + exp2((m - new) * s) * a\n "
     "m = new",
     nullptr},
    {"TheValueBeforeIsNamed", "var a[r] = 0.0; var m[r] = -inf",
     "let old = m\n m = maximum(m, max(x[r, c], c))\n a *= exp(old - m)", "AX0521"},  // a product is no sum
    {"TheNewValueIsReadBack", "var a[r] = 0.0; var m[r] = -inf",
     "let old = m\n m = maximum(m, max(x[r, c], c))\n a = a * exp(old - m) + sum(exp(x[r, c] - m), c)", nullptr},
    {"TheStartIsAskedFor", "var a[r] = 0.0; var m[r] = -inf",
     "let new = maximum(m, max(x[r, c], c))\n let base = isinf(new) ? 0 : new\n a = a * exp(m - base) + sum(exp(x[r, "
     "c] "
     "- base), c)\n m = new",
     nullptr},
    {"RunningMean", "var a[r] = 0.0; var n[r] = 0.0",
     "let new = n + sum(x[r, c] > 0 ? 1.0 : 0.0, c)\n a = a * (n / new) + sum(x[r, c], c) / new\n n = new",
     "AX0521"},  // 0 / 0 where nothing was counted yet
    {"WhatFollowsFromOthers", "var a[r] = 0.0; var last[r] = 0.0", "a += sum(x[r, c], c)\n last = sqrt(a) + 1",
     nullptr},
    {"ElementsOfTheirOwn", "var a[r] = 0.0", "var v[c] = w[c]\n while v > 1 { v = v * 0.5 }\n a += sum(v * x[r, c], c)",
     nullptr},
    {"MaximaAdded", "var a[r] = 0.0", "a += max(x[r, c], c)", "AX0521"},
    {"SumsMultiplied", "var a[r] = 1.0", "a *= sum(x[r, c], c)", "AX0521"},
    {"SquareOfASum", "var a[r] = 0.0", "a += square(sum(x[r, c], c))", "AX0521"},
    {"SumOfNegatedMaxima", "var a[r] = 0.0", "a = maximum(a, -max(x[r, c], c))", "AX0521"},
    {"TwoKindsInOneVariable", "var a[r] = 0.0", "a += sum(x[r, c], c)\n a = maximum(a, max(x[r, c], c))", "AX0521"},
    {"DecayPerTile", "var a[r] = 0.0", "a = a * 0.5 + sum(x[r, c], c)", "AX0521"},
    {"ReadsItself", "var a[r] = 0.0", "a += sum(x[r, c] * a, c)", "AX0521"},
    {"ReadsAnother", "var a[r] = 0.0; var b[r] = 0.0", "b += sum(x[r, c], c)\n a += sum(x[r, c] * b, c)", "AX0521"},
    {"RescaledTheWrongWay", "var a[r] = 0.0; var m[r] = -inf",
     "let new = maximum(m, max(x[r, c], c))\n a = a * exp(new - m) + sum(exp(x[r, c] - new), c)\n m = new", "AX0521"},
    {"RescaledByTheValueBefore", "var a[r] = 0.0; var m[r] = -inf",
     "let new = maximum(m, max(x[r, c], c))\n a = a * exp(m - new) + sum(exp(x[r, c] - m), c)\n m = new", "AX0521"},
    {"AnotherStartPutInItsPlace", "var a[r] = 1.0; var m[r] = -inf",
     "let new = maximum(m, max(x[r, c], c))\n a = a * (m > -inf ? exp(m - new) : 1.0) + sum(exp(x[r, c] - new), c)\n m "
     "= "
     "new",
     "AX0521"},
    {"CountsTilesInDisguise", "var a[r] = 0.0", "a = a + 1 + 0 * max(x[r, c], c)", "AX0521"},
    {"SumInAConditionOnATile", "var a[r] = 0.0", "if any(x[r, c] > 3, c) { a += sum(x[r, c], c) }", "AX0504"},
    {"SumInAConditionOnWhatIsCarried", "var a[r] = 0.0", "if a < 3 { a += sum(x[r, c], c) }", "AX0504"},
    {"SumOfMaximaIntoAResult", "var a[r] = 0.0", "a += sum(x[r, c], c)\n h[r] += max(x[r, c], c)", "AX0521"},
    {"MaximaIntoAResult", "var a[r] = 0.0", "a += sum(x[r, c], c)\n h[r] max= max(x[r, c], c)", nullptr},
    {"NeighboursInALoop", "var a[r] = 0.0", "a += sum(x[r, c], c)\n p[r, c] = p[r, c - 1] else 0", "AX0507"},
    {"OwnElementsInALoop", "var a[r] = 0.0", "a += sum(x[r, c], c)\n p[r, c] = p[r, c] * 0.5", nullptr},
    {"AssertionOnAPart", "var a[r] = 0.0", "a += sum(x[r, c], c)\n assert sum(x[r, c], c) < 9, \"small\"", "AX0504"},
    {"AssertionOnEach", "var a[r] = 0.0", "a += sum(x[r, c], c)\n assert all(x[r, c] < 9, c), \"small\"", nullptr},
    {"PrintOfAPart", "var a[r] = 0.0", "a += sum(x[r, c], c)\n print(a)", "AX0504"},
    {"PrintOncePerTile", "var a[r] = 0.0", "a += sum(x[r, c], c)\n print(s)", "AX0503"},
    {"PrintOfEach", "var a[r] = 0.0", "a += sum(x[r, c], c)\n print(x[r, c])", nullptr},
};

class TileRule : public ::testing::TestWithParam<TileCase> {};

TEST_P(TileRule, LetsNoTileSizeShow) {
  const std::string text =
      std::string(
          "kernel k(x: f32[R, C], w: f32[C], inout p: f32[R, C], s: float) -> (y: f32[R], "
          "h: f32[R] = 0) {\n parallel r in R {\n") +
      GetParam().state + "\n for c in C {\n" + GetParam().body + "\n }\n y[r] = " +
      (std::string_view(GetParam().state).find("false") != std::string_view::npos ? "a and b ? 1 : 0" : "a") + "\n } }";
  const Checked result = checked(text.c_str());
  if (GetParam().code != nullptr) {
    EXPECT_THAT(result.codes, ElementsAre(GetParam().code)) << result.text;
    return;
  }
  ASSERT_NE(result.module, nullptr) << result.text;
  const SelfCheck same = self_check(*result.module, "k");
  EXPECT_EQ(same.outcome, SelfCheck::Outcome::kSame) << same.detail;
}

INSTANTIATE_TEST_SUITE_P(Rule1, TileRule, ::testing::ValuesIn(kTileCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace aurex::ax
