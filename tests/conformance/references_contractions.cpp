// Matrix products, linear layers, convolution, attention.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reference.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;

const std::vector<DType> kNumbers = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16, DType::kI32, DType::kI64};

ax::testing::HostArray any_numbers(Numbers& draw, const Dims& shape, DType type) {
  return is_floating_point(type) ? draw.floats(shape, type) : draw.integers(shape, -9, 10, type);
}

/// c[i, m, n] = Σ a[i, m, k] b[i, k, n] where either may have fewer axes: steps of 0.
struct Product {
  const char* kernel;
  std::vector<std::string> names;
  std::vector<Dims> shapes;
  std::string result;
  std::int64_t batches, rows, depth, columns;
  std::int64_t a_step[3], b_step[3];  // over batch, row or depth, depth or column
};

Reference product(const Product& p) {
  return {.file = "matmul.ax",
          .kernel = p.kernel,
          .types = kNumbers,
          .inputs =
              [p](Numbers& draw, DType type) {
                return Values{{p.names[0], any_numbers(draw, p.shapes[0], type)},
                              {p.names[1], any_numbers(draw, p.shapes[1], type)}};
              },
          .results =
              [p](const Values& values, Real u) {
                const auto &a = in(values, p.names[0]), &b = in(values, p.names[1]);
                Results results;
                for (std::int64_t i = 0; i < p.batches; ++i) {
                  for (std::int64_t m = 0; m < p.rows; ++m) {
                    for (std::int64_t n = 0; n < p.columns; ++n) {
                      Sum sum(u);
                      for (std::int64_t k = 0; k < p.depth; ++k) {
                        const auto x = a[static_cast<std::size_t>(i * p.a_step[0] + m * p.a_step[1] + k * p.a_step[2])];
                        const auto y = b[static_cast<std::size_t>(i * p.b_step[0] + k * p.b_step[1] + n * p.b_step[2])];
                        sum.add(static_cast<Real>(x) * y);
                      }
                      results[p.result].push_back(sum.expected());
                    }
                  }
                }
                return results;
              }};
}

std::vector<Reference> products() {
  std::vector<Reference> all;
  all.push_back(
      product({"matmul", {"a", "b"}, {{2, 9, 33}, {2, 33, 17}}, "c", 2, 9, 33, 17, {297, 33, 1}, {561, 17, 1}}));
  all.push_back(product({"matvec", {"a", "x"}, {{2, 9, 33}, {33}}, "y", 2, 9, 33, 1, {297, 33, 1}, {0, 1, 0}}));
  all.push_back(product({"vecmat", {"x", "b"}, {{33}, {2, 33, 17}}, "y", 2, 1, 33, 17, {0, 0, 1}, {561, 17, 1}}));
  all.push_back(product({"dot", {"x", "y"}, {{133}, {133}}, "s", 1, 1, 133, 1, {0, 0, 1}, {0, 1, 0}}));
  all.push_back(product({"outer", {"x", "y"}, {{9}, {17}}, "c", 1, 9, 1, 17, {0, 1, 0}, {0, 0, 1}}));
  return all;
}

/// The activations by number, and how much they may add to the error of what they are given.
Real activated(Real x, std::int64_t kind) {
  switch (kind) {
    case 1:
      return std::max<Real>(x, 0);
    case 2:
      return 0.5L * x * std::erfc(-x * 0.70710678118654752440L);
    case 3:
      return 0.5L * x * (1 + std::tanh(0.79788456080286535588L * (x + 0.044715L * x * x * x)));
    case 4:
      return x / (1 + std::exp(-x));
    case 5:
      return std::tanh(x);
    case 6:
      return 1 / (1 + std::exp(-x));
    default:
      return x;
  }
}
Expected activated(const Expected& x, std::int64_t kind, Real u) {
  constexpr Real kSteepest = 1.13L;  // of the activations' slopes
  return {activated(x.value, kind), kSteepest * x.error + (kind < 2 ? 0 : 12 * u * (1 + std::fabs(x.value)))};
}

constexpr std::int64_t kRows = 6, kDepth = 33, kColumns = 17;

Expected dot(const std::vector<double>& x, std::int64_t row, const std::vector<double>& w, std::int64_t column,
             Real u) {
  Sum sum(u);
  for (std::int64_t k = 0; k < kDepth; ++k) {
    sum.add(static_cast<Real>(x[static_cast<std::size_t>(row * kDepth + k)]) *
            w[static_cast<std::size_t>(column * kDepth + k)]);
  }
  return sum.expected();
}

Reference linear(std::int64_t activation) {
  return {.file = "linear.ax",
          .kernel = "linear activation_" + std::to_string(activation),
          .types = kFloats,
          .inputs =
              [activation](Numbers& draw, DType type) {
                return Values{{"x", draw.floats({2, 3, kDepth}, type)},
                              {"w", draw.floats({kColumns, kDepth}, activation % 2 == 0 ? type : DType::kF32)},
                              {"b", draw.floats({kColumns}, type)},
                              {"residual", draw.floats({2, 3, kColumns}, type)},
                              {"activation", activation}};
              },
          .results =
              [activation](const Values& v, Real u) {
                Results results;
                for (std::int64_t r = 0; r < kRows; ++r) {
                  for (std::int64_t n = 0; n < kColumns; ++n) {
                    Expected sum = dot(in(v, "x"), r, in(v, "w"), n, u);
                    sum.value += in(v, "b")[static_cast<std::size_t>(n)];
                    sum.error += u * std::fabs(sum.value);
                    Expected y = activated(sum, activation, u);
                    y.value += in(v, "residual")[static_cast<std::size_t>(r * kColumns + n)];
                    y.error += u * std::fabs(y.value);
                    results["y"].push_back(y);
                  }
                }
                return results;
              }};
}

Reference gated_linear() {
  return {.file = "linear.ax",
          .kernel = "gated_linear",
          .types = kFloats,
          .inputs =
              [](Numbers& draw, DType type) {
                return Values{{"x", draw.floats({2, 3, kDepth}, type)},
                              {"gate", draw.floats({kColumns, kDepth}, type)},
                              {"up", draw.floats({kColumns, kDepth}, type)}};
              },
          .results =
              [](const Values& v, Real u) {
                Results results;
                for (std::int64_t r = 0; r < kRows; ++r) {
                  for (std::int64_t n = 0; n < kColumns; ++n) {
                    const Expected gate = activated(dot(in(v, "x"), r, in(v, "gate"), n, u), 4, u);
                    const Expected up = dot(in(v, "x"), r, in(v, "up"), n, u);
                    results["y"].push_back(
                        {gate.value * up.value, std::fabs(gate.value) * up.error + std::fabs(up.value) * gate.error +
                                                    gate.error * up.error + u * std::fabs(gate.value * up.value)});
                  }
                }
                return results;
              }};
}

/// Two groups of three channels to two, with every parameter other than its default.
Reference conv2d(const char* kernel, bool plain) {
  constexpr std::int64_t kImages = 2, kGroups = 2, kIn = 3, kOut = 2, kHeight = 9, kWidth = 12, kP = 3, kQ = 2;
  const std::int64_t stride_y = plain ? 1 : 2, pad_y = plain ? 0 : 1, pad_x = plain ? 0 : 2, dilation_x = plain ? 1 : 3,
                     groups = plain ? 1 : kGroups, channels = groups * kIn, filters = groups * kOut,
                     height = (kHeight + 2 * pad_y - (kP - 1) - 1) / stride_y + 1,
                     width = kWidth + 2 * pad_x - dilation_x * (kQ - 1);
  return {
      .file = "conv2d.ax",
      .kernel = kernel,
      .types = kNumbers,
      .inputs =
          [=](Numbers& draw, DType type) {
            Values values = {{"x", any_numbers(draw, {kImages, channels, kHeight, kWidth}, type)},
                             {"w", any_numbers(draw, {filters, kIn, kP, kQ}, type)}};
            if (plain) return values;
            values["b"] = any_numbers(draw, {filters}, type);
            values["stride_y"] = stride_y;
            values["pad_y"] = pad_y;
            values["pad_x"] = pad_x;
            values["dilation_x"] = dilation_x;
            values["groups"] = groups;
            return values;
          },
      .results =
          [=](const Values& v, Real u) {
            const auto &x = in(v, "x"), &w = in(v, "w");
            Results results;
            const auto term = [&](std::int64_t n, std::int64_t o, std::int64_t c, std::int64_t row, std::int64_t column,
                                  std::int64_t p, std::int64_t q) -> Real {
              if (row < 0 || row >= kHeight || column < 0 || column >= kWidth) return 0;
              const std::int64_t channel = o / kOut * kIn + c;
              return static_cast<Real>(
                         x[static_cast<std::size_t>(((n * channels + channel) * kHeight + row) * kWidth + column)]) *
                     w[static_cast<std::size_t>(((o * kIn + c) * kP + p) * kQ + q)];
            };
            for (std::int64_t n = 0; n < kImages; ++n) {
              for (std::int64_t o = 0; o < filters; ++o) {
                for (std::int64_t i = 0; i < height * width; ++i) {
                  Sum sum(u);
                  for (std::int64_t c = 0; c < kIn; ++c) {
                    for (std::int64_t tap = 0; tap < kP * kQ; ++tap) {
                      const std::int64_t p = tap / kQ, q = tap % kQ;
                      sum.add(
                          term(n, o, c, i / width * stride_y + p - pad_y, i % width + q * dilation_x - pad_x, p, q));
                    }
                  }
                  if (!plain) sum.add(in(v, "b")[static_cast<std::size_t>(o)]);
                  results["y"].push_back(sum.expected());
                }
              }
            }
            return results;
          }};
}

/// Two key heads, two query heads to each; what of the options is on.
struct Attention {
  const char* kernel;
  bool causal = false;
  std::int64_t window = 0;
  bool lengths = false, bias = false;
  double softcap = 0;
};

Reference attention(const Attention& a) {
  constexpr std::int64_t kBatches = 2, kHeads = 2, kShared = 2, kQueries = 7, kKeys = 19, kDim = 9, kOut = 5;
  return {.file = "attention.ax",
          .kernel = a.kernel,
          .types = kFloats,
          .inputs =
              [a](Numbers& draw, DType type) {
                Values values = {{"q", draw.floats({kBatches, kHeads * kShared, kQueries, kDim}, type)},
                                 {"k", draw.floats({kBatches, kHeads, kKeys, kDim}, type)},
                                 {"v", draw.floats({kBatches, kHeads, kKeys, kOut}, type)},
                                 {"scale", 0.75}};
                if (a.causal) values["causal"] = true;
                if (a.window > 0) values["window"] = a.window;
                if (a.lengths) values["key_lengths"] = draw.integers({kBatches}, 4, kKeys);
                if (a.bias) values["bias"] = draw.floats({kBatches, kHeads * kShared, kQueries, kKeys}, type);
                if (a.softcap > 0) values["softcap"] = a.softcap;
                return values;
              },
          .results =
              [a](const Values& values, Real u) {
                const auto &q = in(values, "q"), &k = in(values, "k"), &v = in(values, "v");
                Results results;
                const auto score = [&](std::int64_t head, std::int64_t s, std::int64_t t) -> Expected {
                  Sum sum(u);
                  for (std::int64_t d = 0; d < kDim; ++d) {
                    sum.add(static_cast<Real>(q[static_cast<std::size_t>((head * kQueries + s) * kDim + d)]) *
                            k[static_cast<std::size_t>((head / kShared * kKeys + t) * kDim + d)]);
                  }
                  Expected z = {sum.value() * 0.75L, sum.error() * 0.75L + 2 * u * std::fabs(sum.value())};
                  if (a.bias)
                    z.value += in(values, "bias")[static_cast<std::size_t>((head * kQueries + s) * kKeys + t)];
                  if (a.softcap > 0) z.value = a.softcap * std::tanh(z.value / a.softcap);
                  z.error += 6 * u * (std::fabs(z.value) + 1);
                  return z;
                };
                for (std::int64_t row = 0; row < kBatches * kHeads * kShared * kQueries; ++row) {
                  const std::int64_t head = row / kQueries, s = row % kQueries, own = kKeys - kQueries + s;
                  std::int64_t end = a.causal ? own + 1 : kKeys;
                  if (a.lengths) {
                    const double length =
                        in(values, "key_lengths")[static_cast<std::size_t>(head / (kHeads * kShared))];
                    end = std::min(end, static_cast<std::int64_t>(length));
                  }
                  const std::int64_t begin = a.window > 0 ? std::max<std::int64_t>(0, own + 1 - a.window) : 0;
                  std::vector<Expected> z;
                  for (std::int64_t t = begin; t < end; ++t) z.push_back(score(head, s, t));
                  Real top = -1e30L, error = 0, norm = 0;
                  for (const Expected& one : z) top = std::max(top, one.value);
                  for (const Expected& one : z) {
                    norm += std::exp(one.value - top);
                    error = std::max(error, one.error + (top - one.value) * 2 * u);
                  }
                  for (std::int64_t e = 0; e < kOut; ++e) {
                    Real sum = 0, size = 0;
                    for (std::size_t t = 0; t < z.size(); ++t) {
                      const std::int64_t key = begin + static_cast<std::int64_t>(t);
                      const Real term = std::exp(z[t].value - top) *
                                        v[static_cast<std::size_t>((head / kShared * kKeys + key) * kOut + e)];
                      sum += term;
                      size += std::fabs(term);
                    }
                    // Each weight is rescaled at most once per key, by an exponential of its own.
                    const Real relative = 2.1L * error + (8 * kKeys + 16) * u;
                    results["o"].push_back(z.empty() ? Expected{} : Expected{sum / norm, relative * size / norm});
                  }
                }
                return results;
              }};
}

}  // namespace

std::vector<Reference> contraction_references() {
  std::vector<Reference> all = products();
  for (std::int64_t activation = 0; activation <= 6; ++activation) all.push_back(linear(activation));
  all.push_back(gated_linear());
  all.push_back(conv2d("conv2d", true));
  all.push_back(conv2d("conv2d grouped", false));
  all.push_back(attention({.kernel = "attention"}));
  all.push_back(attention({.kernel = "attention causal", .causal = true}));
  all.push_back(attention({.kernel = "attention with_a_window", .causal = true, .window = 4}));
  all.push_back(attention({.kernel = "attention with_lengths", .lengths = true}));
  all.push_back(attention({.kernel = "attention with_everything",
                           .causal = true,
                           .window = 6,
                           .lengths = true,
                           .bias = true,
                           .softcap = 3}));
  all.push_back(attention({.kernel = "plain_attention"}));
  return all;
}

}  // namespace aurex::testing
