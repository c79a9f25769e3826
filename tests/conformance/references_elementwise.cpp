// Element-wise kernels of floats and of integers, and the activations.

#include <cmath>
#include <cstdint>
#include <limits>

#include "reference.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Values;
using Args = std::vector<Real>;

const Dims kShape = {5, 33};
const std::vector<std::string> kNames = {"x", "y", "z"};

/// A kernel of floats: what it computes, and the size that its error is a multiple of, where that is not the result's.
struct Float {
  const char* file;
  const char* kernel;
  std::vector<std::string> names;  // of its parameters
  Real (*value)(const Args&);
  Real ulps;
  Real (*scale)(const Args&) = nullptr;
  Real low = -2, high = 2;
};

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real softplus(Real x) { return std::max<Real>(x, 0) + std::log1p(std::exp(-std::fabs(x))); }
Real gelu(Real x) { return 0.5L * x * std::erfc(-x * 0.70710678118654752440L); }
Real gelu_tanh(Real x) { return 0.5L * x * (1 + std::tanh(0.79788456080286535588L * (x + 0.044715L * x * x * x))); }
Real clamp(Real x, Real low, Real high) { return std::min(std::max(x, low), high); }
Real first(const Args& a) { return std::fabs(a[0]); }
Real one(const Args&) { return 1; }

constexpr const char* kPlain = "elementwise.ax";
constexpr const char* kActivations = "activations.ax";

const std::vector<Float>& floats() {
  static const std::vector<std::string> x = {"x"}, xy = {"x", "y"};
  static const std::vector<Float> all = {
      {kPlain, "add", xy, [](const Args& a) { return a[0] + a[1]; }, 0.5L},
      {kPlain, "sub", xy, [](const Args& a) { return a[0] - a[1]; }, 0.5L},
      {kPlain, "mul", xy, [](const Args& a) { return a[0] * a[1]; }, 0.5L},
      {kPlain, "div", xy, [](const Args& a) { return a[0] / a[1]; }, 0.5L},
      {kPlain, "pow", xy, [](const Args& a) { return std::pow(a[0], a[1]); }, 2, nullptr, 0.01L, 9},
      {kPlain, "maximum", xy, [](const Args& a) { return std::max(a[0], a[1]); }, 0},
      {kPlain, "minimum", xy, [](const Args& a) { return std::min(a[0], a[1]); }, 0},
      {kPlain, "atan2", {"y", "x"}, [](const Args& a) { return std::atan2(a[0], a[1]); }, 2},
      {kPlain, "copysign", xy, [](const Args& a) { return std::copysign(a[0], a[1]); }, 0},
      {kPlain, "clamp", {"x", "low", "high"}, [](const Args& a) { return std::min(std::max(a[0], a[1]), a[2]); }, 0},
      {kPlain, "fma", {"a", "b", "c"}, [](const Args& a) { return a[0] * a[1] + a[2]; }, 0.5L},
      {kPlain, "neg", x, [](const Args& a) { return -a[0]; }, 0},
      {kPlain, "abs", x, [](const Args& a) { return std::fabs(a[0]); }, 0},
      {kPlain, "sign", x, [](const Args& a) -> Real { return a[0] > 0   ? 1
                                                             : a[0] < 0 ? -1
                                                                        : 0; }, 0},
      {kPlain, "square", x, [](const Args& a) { return a[0] * a[0]; }, 0.5L},
      {kPlain, "reciprocal", x, [](const Args& a) { return 1 / a[0]; }, 0.5L},
      {kPlain, "sqrt", x, [](const Args& a) { return std::sqrt(a[0]); }, 0.5L, nullptr, 0, 1000},
      {kPlain, "rsqrt", x, [](const Args& a) { return 1 / std::sqrt(a[0]); }, 2, nullptr, 0.01L, 1000},
      {kPlain, "floor", x, [](const Args& a) { return std::floor(a[0]); }, 0, nullptr, -99, 99},
      {kPlain, "ceil", x, [](const Args& a) { return std::ceil(a[0]); }, 0, nullptr, -99, 99},
      {kPlain, "trunc", x, [](const Args& a) { return std::trunc(a[0]); }, 0, nullptr, -99, 99},
      {kPlain, "round", x, [](const Args& a) { return std::nearbyint(a[0]); }, 0, nullptr, -99, 99},
      {kPlain, "exp", x, [](const Args& a) { return std::exp(a[0]); }, 2, nullptr, -9, 9},
      {kPlain, "exp2", x, [](const Args& a) { return std::exp2(a[0]); }, 2, nullptr, -9, 9},
      {kPlain, "expm1", x, [](const Args& a) { return std::expm1(a[0]); }, 2, nullptr, -9, 9},
      {kPlain, "log", x, [](const Args& a) { return std::log(a[0]); }, 2, nullptr, 0.01L, 99},
      {kPlain, "log2", x, [](const Args& a) { return std::log2(a[0]); }, 2, nullptr, 0.01L, 99},
      {kPlain, "log1p", x, [](const Args& a) { return std::log1p(a[0]); }, 2, nullptr, -0.9L, 9},
      {kPlain, "sin", x, [](const Args& a) { return std::sin(a[0]); }, 2, nullptr, -999, 999},
      {kPlain, "cos", x, [](const Args& a) { return std::cos(a[0]); }, 2, nullptr, -999, 999},
      {kPlain, "tan", x, [](const Args& a) { return std::tan(a[0]); }, 2, nullptr, -999, 999},
      {kPlain, "sinh", x, [](const Args& a) { return std::sinh(a[0]); }, 2, nullptr, -9, 9},
      {kPlain, "cosh", x, [](const Args& a) { return std::cosh(a[0]); }, 2, nullptr, -9, 9},
      {kPlain, "asin", x, [](const Args& a) { return std::asin(a[0]); }, 2, nullptr, -1, 1},
      {kPlain, "acos", x, [](const Args& a) { return std::acos(a[0]); }, 2, nullptr, -1, 1},
      {kPlain, "atan", x, [](const Args& a) { return std::atan(a[0]); }, 2, nullptr, -99, 99},
      {kPlain, "erf", x, [](const Args& a) { return std::erf(a[0]); }, 2, nullptr, -4, 4},
      {kPlain, "erfc", x, [](const Args& a) { return std::erfc(a[0]); }, 2, nullptr, -4, 4},

      {kActivations, "sigmoid", x, [](const Args& a) { return sigmoid(a[0]); }, 2, nullptr, -9, 9},
      {kActivations, "tanh", x, [](const Args& a) { return std::tanh(a[0]); }, 2, nullptr, -9, 9},
      {kActivations, "relu", x, [](const Args& a) { return std::max<Real>(a[0], 0); }, 0},
      {kActivations, "relu6", x, [](const Args& a) { return clamp(a[0], 0, 6); }, 0, nullptr, -9, 9},
      // Left of 0 the sum 1 + erf cancels, which leaves an error as large as that of x.
      {kActivations, "gelu", x, [](const Args& a) { return gelu(a[0]); }, 4, first, -9, 9},
      {kActivations, "gelu_tanh", x, [](const Args& a) { return gelu_tanh(a[0]); }, 6, first, -9, 9},
      {kActivations, "silu", x, [](const Args& a) { return a[0] * sigmoid(a[0]); }, 3, nullptr, -9, 9},
      {kActivations, "mish", x, [](const Args& a) { return a[0] * std::tanh(softplus(a[0])); }, 8, nullptr, -9, 9},
      {kActivations, "logsigmoid", x, [](const Args& a) { return -softplus(-a[0]); }, 5, nullptr, -9, 9},
      {kActivations, "softsign", x, [](const Args& a) { return a[0] / (1 + std::fabs(a[0])); }, 2, nullptr, -9, 9},
      {kActivations, "tanhshrink", x, [](const Args& a) { return a[0] - std::tanh(a[0]); }, 3, first, -9, 9},
      {kActivations, "leaky_relu", x, [](const Args& a) { return a[0] > 0 ? a[0] : 0.01L * a[0]; }, 2},
      {kActivations, "prelu", {"x", "weight"}, [](const Args& a) { return a[0] > 0 ? a[0] : a[1] * a[0]; }, 1},
      {kActivations, "elu", x, [](const Args& a) { return a[0] > 0 ? a[0] : std::expm1(a[0]); }, 3, nullptr, -9, 9},
      {kActivations, "celu", x, [](const Args& a) { return a[0] > 0 ? a[0] : std::expm1(a[0]); }, 3, nullptr, -9, 9},
      {kActivations, "selu", x,
       [](const Args& a) { return 1.0507009873554805L * (a[0] > 0 ? a[0] : 1.6732632423543772L * std::expm1(a[0])); },
       6, nullptr, -9, 9},
      {kActivations, "softplus", x, [](const Args& a) { return a[0] > 20 ? a[0] : softplus(a[0]); }, 5, nullptr, -30,
       30},
      {kActivations, "hardtanh", x, [](const Args& a) { return clamp(a[0], -1, 1); }, 0},
      {kActivations, "hardsigmoid", x, [](const Args& a) { return clamp(a[0] + 3, 0, 6) / 6; }, 2, one, -9, 9},
      {kActivations, "hardswish", x, [](const Args& a) { return a[0] * clamp(a[0] + 3, 0, 6) / 6; }, 3, first, -9, 9},
      {kActivations,
       "threshold",
       {"x", "threshold", "value"},
       [](const Args& a) { return a[0] <= a[1] ? a[2] : a[0]; },
       0},
      {kActivations, "softshrink", x, [](const Args& a) { return a[0] - clamp(a[0], -0.5L, 0.5L); }, 1},
      {kActivations, "hardshrink", x, [](const Args& a) -> Real { return std::fabs(a[0]) <= 0.5L ? 0 : a[0]; }, 0},
      {kActivations,
       "neuromorphic_activation",
       {"x", "alpha", "beta"},
       [](const Args& a) { return std::tanh(a[1] * a[0]) + a[2] * a[0] * std::exp(-a[0] * a[0]); },
       24,
       [](const Args& a) { return 1 + std::fabs(a[2] * a[0]); }},
  };
  return all;
}

/// Arguments of one shape, drawn between two bounds.
Values drawn(const std::vector<std::string>& names, Numbers& draw, DType type, Real low, Real high) {
  Values values;
  for (const std::string& name : names) {
    HostArray array = draw.floats(kShape, DType::kF64);
    for (double& x : array.values) x = static_cast<double>(low + (x + 2) / 4 * (high - low));
    array.dtype = type;
    values[name] = ax::testing::stored(std::move(array));
  }
  return values;
}

/// Calls `f` with the arguments of each element.
template <typename F>
std::vector<Expected> each_element(const std::vector<std::string>& names, const Values& values, F f) {
  std::vector<Expected> result;
  for (std::size_t i = 0; i < in(values, names[0]).size(); ++i) {
    Args args;
    for (const std::string& name : names) args.push_back(in(values, name)[i]);
    result.push_back(f(args));
  }
  return result;
}

Reference reference_of(const Float& kernel) {
  return {.file = kernel.file,
          .kernel = kernel.kernel,
          .types = kFloats,
          .inputs = [kernel](Numbers& draw,
                             DType type) { return drawn(kernel.names, draw, type, kernel.low, kernel.high); },
          .results =
              [kernel](const Values& values, Real u) {
                return Results{{"result", each_element(kernel.names, values, [&](const Args& args) {
                                  const Real value = kernel.value(args);
                                  const Real scale = kernel.scale == nullptr ? 0 : kernel.scale(args);
                                  return Expected{value, kernel.ulps * 2 * u * std::max(std::fabs(value), scale)};
                                })}};
              }};
}

/// Comparisons and questions: floats to bool.
struct Truth {
  const char* kernel;
  std::vector<std::string> names;
  bool (*value)(const Args&);
};

const std::vector<Truth>& truths() {
  static const std::vector<std::string> x = {"x"}, xy = {"x", "y"};
  static const std::vector<Truth> all = {
      {"equal", xy, [](const Args& a) { return a[0] == a[1]; }},
      {"not_equal", xy, [](const Args& a) { return a[0] != a[1]; }},
      {"less", xy, [](const Args& a) { return a[0] < a[1]; }},
      {"less_equal", xy, [](const Args& a) { return a[0] <= a[1]; }},
      {"greater", xy, [](const Args& a) { return a[0] > a[1]; }},
      {"greater_equal", xy, [](const Args& a) { return a[0] >= a[1]; }},
      {"isnan", x, [](const Args& a) { return std::isnan(a[0]); }},
      {"isinf", x, [](const Args& a) { return std::isinf(a[0]); }},
      {"isfinite", x, [](const Args& a) { return std::isfinite(a[0]); }},
  };
  return all;
}

Reference reference_of(const Truth& kernel) {
  return {.file = kPlain,
          .kernel = kernel.kernel,
          .types = kFloats,
          .inputs =
              [kernel](Numbers& draw, DType type) {
                Values values;
                for (const std::string& name : kernel.names) {
                  HostArray array = draw.integers(kShape, -3, 4, type);
                  array.values[3] = std::numeric_limits<double>::quiet_NaN();
                  array.values[5] = std::numeric_limits<double>::infinity();
                  values[name] = std::move(array);
                }
                return values;
              },
          .results =
              [kernel](const Values& values, Real) {
                return Results{{"result", each_element(kernel.names, values, [&](const Args& args) {
                                  return Expected{kernel.value(args) ? 1.0L : 0.0L, 0};
                                })}};
              }};
}

/// Integers, exactly: small ones, with zeros and negatives among them.
struct Integer {
  const char* kernel;
  std::vector<std::string> names;
  std::int64_t (*value)(const std::vector<std::int64_t>&);
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

const std::vector<Integer>& integers() {
  using Ints = std::vector<std::int64_t>;
  static const std::vector<std::string> x = {"x"}, xy = {"x", "y"};
  static const std::vector<Integer> all = {
      {"add", xy, [](const Ints& a) { return a[0] + a[1]; }},
      {"sub", xy, [](const Ints& a) { return a[0] - a[1]; }},
      {"mul", xy, [](const Ints& a) { return a[0] * a[1]; }},
      {"maximum", xy, [](const Ints& a) { return std::max(a[0], a[1]); }},
      {"minimum", xy, [](const Ints& a) { return std::min(a[0], a[1]); }},
      {"floor_divide", xy, [](const Ints& a) { return floor_div(a[0], a[1]); }},
      {"remainder", xy, [](const Ints& a) { return a[1] == 0 ? 0 : a[0] - floor_div(a[0], a[1]) * a[1]; }},
      {"bitwise_and", xy, [](const Ints& a) { return a[0] & a[1]; }},
      {"bitwise_or", xy, [](const Ints& a) { return a[0] | a[1]; }},
      {"bitwise_xor", xy, [](const Ints& a) { return a[0] ^ a[1]; }},
      {"bitwise_not", x, [](const Ints& a) { return ~a[0]; }},
      {"neg", x, [](const Ints& a) { return -a[0]; }},
      {"abs", x, [](const Ints& a) { return std::abs(a[0]); }},
      {"sign", x, [](const Ints& a) -> std::int64_t { return a[0] > 0   ? 1
                                                             : a[0] < 0 ? -1
                                                                        : 0; }},
      {"square", x, [](const Ints& a) { return a[0] * a[0]; }},
      {"clamp", {"x", "low", "high"}, [](const Ints& a) { return std::min(std::max(a[0], a[1]), a[2]); }},
  };
  return all;
}

Reference reference_of(const Integer& kernel) {
  return {.file = kPlain,
          .kernel = std::string(kernel.kernel) + " of_integers",
          .types = kIntegers,
          .inputs =
              [kernel](Numbers& draw, DType type) {
                Values values;
                for (const std::string& name : kernel.names) values[name] = draw.integers(kShape, -9, 10, type);
                return values;
              },
          .results =
              [kernel](const Values& values, Real) {
                return Results{{"result", each_element(kernel.names, values, [&](const Args& args) {
                                  const std::vector<std::int64_t> whole(args.begin(), args.end());
                                  return Expected{static_cast<Real>(kernel.value(whole)), 0};
                                })}};
              }};
}

Reference shift(const char* kernel, std::int64_t (*value)(std::int64_t, std::int64_t)) {
  return {.file = kPlain,
          .kernel = kernel,
          .types = kIntegers,
          .inputs =
              [](Numbers& draw, DType type) {
                return Values{{"x", draw.integers(kShape, -9, 10, type)}, {"y", draw.integers(kShape, 0, 8, type)}};
              },
          .results =
              [value](const Values& values, Real) {
                return Results{{"result", each_element({"x", "y"}, values, [&](const Args& a) {
                                  return Expected{static_cast<Real>(value(static_cast<std::int64_t>(a[0]),
                                                                          static_cast<std::int64_t>(a[1]))),
                                                  0};
                                })}};
              }};
}

Reference logic(const char* kernel, const std::vector<std::string>& names, bool (*value)(const Args&)) {
  return {.file = kPlain,
          .kernel = kernel,
          .types = {DType::kBool},
          .inputs =
              [names](Numbers& draw, DType type) {
                Values values;
                for (const std::string& name : names) values[name] = draw.integers(kShape, 0, 2, type);
                return values;
              },
          .results =
              [names, value](const Values& values, Real) {
                return Results{{"result", each_element(names, values, [&](const Args& a) {
                                  return Expected{value(a) ? 1.0L : 0.0L, 0};
                                })}};
              }};
}

Reference choice() {
  return {.file = kPlain,
          .kernel = "select",
          .types = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16, DType::kI32, DType::kI64},
          .inputs =
              [](Numbers& draw, DType type) {
                return Values{{"condition", draw.integers(kShape, 0, 2, DType::kBool)},
                              {"x", draw.integers(kShape, -9, 10, type)},
                              {"y", draw.integers(kShape, -9, 10, type)}};
              },
          .results =
              [](const Values& values, Real) {
                return Results{{"result", each_element({"condition", "x", "y"}, values, [](const Args& a) {
                                  return Expected{a[0] != 0 ? a[1] : a[2], 0};
                                })}};
              }};
}

/// Gated units: two halves of the last axis.
Reference gated(const char* kernel, Real (*value)(Real, Real), Real (*scale)(Real, Real)) {
  return {.file = kActivations,
          .kernel = kernel,
          .types = kFloats,
          .inputs = [](Numbers& draw, DType type) { return Values{{"x", draw.floats({3, 34}, type)}}; },
          .results =
              [value, scale](const Values& values, Real u) {
                const auto& x = in(values, "x");
                std::vector<Expected> y;
                for (std::size_t r = 0; r < 3; ++r) {
                  for (std::size_t c = 0; c < 17; ++c) {
                    const Real a = x[34 * r + c], b = x[34 * r + 17 + c];
                    y.push_back({value(a, b), 12 * u * scale(a, b)});
                  }
                }
                return Results{{"y", std::move(y)}};
              }};
}

}  // namespace

std::vector<Reference> elementwise_references() {
  std::vector<Reference> all;
  for (const Float& kernel : floats()) all.push_back(reference_of(kernel));
  for (const Truth& kernel : truths()) all.push_back(reference_of(kernel));
  const auto product = [](Real a, Real b) { return std::fabs(a * b); };
  all.push_back(gated("glu", [](Real a, Real b) { return a * sigmoid(b); }, [](Real a, Real) { return std::fabs(a); }));
  all.push_back(gated("swiglu", [](Real a, Real b) { return a * sigmoid(a) * b; }, product));
  all.push_back(gated("geglu", [](Real a, Real b) { return gelu(a) * b; }, product));
  all.push_back(choice());
  return all;
}

std::vector<Reference> integer_references() {
  std::vector<Reference> all;
  for (const Integer& kernel : integers()) all.push_back(reference_of(kernel));
  all.push_back(shift("left_shift", [](std::int64_t x, std::int64_t y) { return x * (std::int64_t{1} << y); }));
  all.push_back(shift("right_shift", [](std::int64_t x, std::int64_t y) { return x >> y; }));
  all.push_back(logic("logical_and", {"x", "y"}, [](const Args& a) { return a[0] != 0 && a[1] != 0; }));
  all.push_back(logic("logical_or", {"x", "y"}, [](const Args& a) { return a[0] != 0 || a[1] != 0; }));
  all.push_back(logic("logical_not", {"x"}, [](const Args& a) { return a[0] == 0; }));
  return all;
}

}  // namespace aurex::testing
