#include <cmath>
#include <numbers>

#include "aurex/ax/philox.h"
#include "case.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;

const std::vector<Sizes> kLengths = {{0}, {1}, {7}, {16}, {17}, {130}};

template <typename F>
std::vector<double> mapped(const Values& values, F&& f) {
  std::vector<double> result = values_of(values, "x");
  for (double& x : result) x = f(x);
  return result;
}

Case unary(const std::string& name, std::string source, double (*f)(double), double tolerance) {
  return {.name = name,
          .source = std::move(source),
          .kernel = name,
          .sizes = kLengths,
          .inputs = [](const Sizes& n, Numbers& draw) { return Values{{"x", draw.floats({n[0]})}}; },
          .reference = [f](const Sizes&, const Values& values) { return mapped(values, f); },
          .tolerance = tolerance,
          .large = {100'003}};
}

}  // namespace

const std::vector<Case>& elementwise_cases() {
  static const std::vector<Case> cases = {
      {.name = "add",
       .source = "kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }",
       .kernel = "add",
       .sizes = kLengths,
       .inputs = [](const Sizes& n,
                    Numbers& draw) { return Values{{"x", draw.floats({n[0]})}, {"y", draw.floats({n[0]})}}; },
       .reference =
           [](const Sizes&, const Values& values) {
             std::vector<double> z = values_of(values, "x");
             for (std::size_t i = 0; i < z.size(); ++i) z[i] = static_cast<float>(z[i] + values_of(values, "y")[i]);
             return z;
           }},
      {.name = "outer difference by broadcasting",
       .source = "kernel sub(x, y) = x - y",
       .kernel = "sub",
       .sizes = {{0, 3}, {1, 1}, {5, 1}, {3, 7}},
       .inputs = [](const Sizes& n,
                    Numbers& draw) { return Values{{"x", draw.floats({n[0], 1})}, {"y", draw.floats({n[1]})}}; },
       .reference =
           [](const Sizes& n, const Values& values) {
             std::vector<double> z;
             for (std::int64_t i = 0; i < n[0]; ++i) {
               for (const double y : values_of(values, "y")) {
                 z.push_back(static_cast<float>(values_of(values, "x")[static_cast<std::size_t>(i)] - y));
               }
             }
             return z;
           }},
      unary(
          "gelu", "fn gelu(x) = 0.5 * x * (1 + erf(x * 0.7071067811865476))\nkernel gelu(x) = gelu(x)",
          [](double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); }, 1e-6),
      unary(
          "exp", "kernel exp(x) = exp(x)", [](double x) { return std::exp(x); }, 1e-6),
      unary(
          "tanh", "kernel tanh(x) = tanh(x)", [](double x) { return std::tanh(x); }, 1e-6),
      unary(
          "sigmoid", "kernel sigmoid(x) = sigmoid(x)", [](double x) { return 1 / (1 + std::exp(-x)); }, 1e-6),
      unary(
          "relu", "kernel relu(x) = maximum(x, 0)", [](double x) { return x > 0 ? x : 0; }, 0),
      {.name = "transpose",
       .source = "kernel turn(x: T[B, M, N], s: f32[M]) -> (y: T[B, N, M]) {\n"
                 "  parallel b in B, n in N, m in M { y[b, n, m] = x[b, m, n] * s[m] }\n}",
       .kernel = "turn",
       .sizes = {{1, 1, 1}, {2, 16, 16}, {1, 35, 17}, {2, 7, 50}, {1, 33, 0}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{{"x", draw.floats({n[0], n[1], n[2]})}, {"s", draw.floats({n[1]})}};
           },
       .reference =
           [](const Sizes& n, const Values& values) {
             const auto &x = values_of(values, "x"), &s = values_of(values, "s");
             std::vector<double> y;
             for (std::int64_t b = 0; b < n[0]; ++b) {
               for (std::int64_t j = 0; j < n[2]; ++j) {
                 for (std::int64_t i = 0; i < n[1]; ++i) {
                   y.push_back(x[static_cast<std::size_t>((b * n[1] + i) * n[2] + j)] * s[static_cast<std::size_t>(i)]);
                 }
               }
             }
             return y;
           },
       .tolerance = 1e-7,
       .large = {3, 70, 1100}},
      {.name = "random",
       .source = "kernel noise(x: f32[R, C], seed: int) -> (y: f32[R, C], z: f32[C]) {\n"
                 "  parallel r in R { y[r, C] = x[r, C] > 0 ? random(seed, r, C) : random(seed + 1, C) - 2 }\n"
                 "  parallel c in C { z[c] = random(7, c) }\n}",
       .kernel = "noise",
       .sizes = {{0, 3}, {1, 1}, {3, 7}, {2, 16}, {5, 33}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{{"x", draw.floats({n[0], n[1]})}, {"seed", std::int64_t{-5'000'000'000}}};
           },
       .reference =
           [](const Sizes& n, const Values& values) {
             std::vector<double> y;
             constexpr auto kSeed = static_cast<std::uint64_t>(std::int64_t{-5'000'000'000});
             for (const double x : values_of(values, "x")) {
               const std::uint64_t at = y.size();
               y.push_back(x > 0 ? ax::philox_uniform(kSeed, at)
                                 : ax::philox_uniform(kSeed + 1, at % static_cast<std::uint64_t>(n[1])) - 2);
               y.back() = static_cast<float>(y.back());
             }
             return y;
           },
       .large = {301, 130}},
      {.name = "copy to f16",
       .source = "kernel copy(x: f32[N]) -> (y: f16[N]) { parallel i in N { y[i] = x[i] } }",
       .kernel = "copy",
       .sizes = kLengths,
       .inputs = [](const Sizes& n, Numbers& draw) { return Values{{"x", draw.floats({n[0]})}}; },
       .reference =
           [](const Sizes&, const Values& values) {
             return ax::testing::stored({.dtype = DType::kF16,
                                         .shape = {static_cast<std::int64_t>(values_of(values, "x").size())},
                                         .values = values_of(values, "x")})
                 .values;
           }},
  };
  return cases;
}

}  // namespace aurex::testing
