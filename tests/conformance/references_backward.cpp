// Gradients of softmax, the norms, activations, cross entropy and attention.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reference.h"
#include "reference_rows.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Values;

constexpr const char* kFile = "backward.ax";
constexpr std::int64_t kRows = 5, kColumns = 37;

Values matrices(Numbers& draw, DType type, std::initializer_list<const char*> names) {
  Values values;
  for (const char* name : names) values[name] = draw.floats({kRows, kColumns}, type);
  return values;
}

Reference softmax_backward(bool logarithm) {
  return {.file = kFile,
          .kernel = logarithm ? "log_softmax_backward" : "softmax_backward",
          .types = kFloats,
          .inputs = [](Numbers& draw, DType type) { return matrices(draw, type, {"y", "dy"}); },
          .results =
              [logarithm](const Values& v, Real u) {
                Results results;
                for (std::size_t r = 0; r < kRows; ++r) {
                  const Row y = row_of(in(v, "y"), r, kColumns), dy = row_of(in(v, "dy"), r, kColumns);
                  Sum sum(u);
                  for (std::size_t c = 0; c < y.size(); ++c) sum.add(logarithm ? dy[c] : dy[c] * y[c]);
                  for (std::size_t c = 0; c < y.size(); ++c) {
                    const Real factor = logarithm ? std::exp(y[c]) : y[c], shared = factor * sum.value();
                    const Real own = logarithm ? dy[c] : factor * dy[c];
                    results["dx"].push_back(
                        {own - shared, std::fabs(factor) * sum.error() + 8 * u * (std::fabs(own) + std::fabs(shared))});
                  }
                }
                return results;
              }};
}

/// A row divided by its size, the errors of its elements, and the factor with its own relative error.
struct Unit {
  Row x, error;
  Real scale = 0, relative = 0;
};

Unit unit_of(const Row& x, bool centre, Real eps, Real u) {
  const auto n = static_cast<Real>(x.size());
  const Centred d = centre ? centred(x, u) : Centred{.d = x, .error = 0};
  const Expected sum = squares(d, u);
  const Real power = sum.value / n + eps;
  Unit unit = {.x = {}, .error = {}, .scale = 1 / std::sqrt(power), .relative = sum.error / n / power / 2 + 8 * u};
  for (const Real one : d.d) {
    unit.x.push_back(one * unit.scale);
    unit.error.push_back(unit.scale * d.error + std::fabs(unit.x.back()) * unit.relative);
  }
  return unit;
}

/// scale (g - mean(g) - unit mean(g unit)) where g = dy w; without the mean of g where the row is not centred.
void gradient_of_row(const Unit& unit, const Row& dy, const Row& w, bool centre, Real u, std::vector<Expected>& dx) {
  const auto n = static_cast<Real>(dy.size());
  Sum plain(u), along(u);
  for (std::size_t c = 0; c < dy.size(); ++c) {
    const Real g = dy[c] * w[c];
    plain.add(g, u * std::fabs(g));
    along.add(g * unit.x[c], std::fabs(g) * (unit.error[c] + 2 * u * std::fabs(unit.x[c])));
  }
  const Real middle = centre ? plain.value() / n : 0, middle_error = centre ? plain.error() / n : 0;
  const Real share = along.value() / n, share_error = along.error() / n;
  for (std::size_t c = 0; c < dy.size(); ++c) {
    const Real g = dy[c] * w[c], parts = std::fabs(g) + std::fabs(middle) + std::fabs(unit.x[c] * share);
    const Real error =
        middle_error + std::fabs(unit.x[c]) * share_error + std::fabs(share) * unit.error[c] + 5 * u * parts;
    const Real value = unit.scale * (g - middle - unit.x[c] * share);
    dx.push_back({value, 1.01L * (unit.scale * error + std::fabs(value) * unit.relative)});
  }
}

Reference norm_backward(const char* kernel, bool centre) {
  return {.file = kFile,
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [](Numbers& draw, DType type) {
                Values values = matrices(draw, type, {"x", "dy"});
                values["w"] = draw.floats({kColumns}, type);
                return values;
              },
          .results =
              [centre](const Values& v, Real u) {
                Results results;
                std::vector<Sum> weights(kColumns, Sum(u)), shifts(kColumns, Sum(u));
                for (std::size_t r = 0; r < kRows; ++r) {
                  const Unit unit = unit_of(row_of(in(v, "x"), r, kColumns), centre, centre ? 1e-5L : 1e-6L, u);
                  const Row dy = row_of(in(v, "dy"), r, kColumns);
                  gradient_of_row(unit, dy, list(v, "w"), centre, u, results["dx"]);
                  for (std::size_t c = 0; c < kColumns; ++c) {
                    weights[c].add(dy[c] * unit.x[c], std::fabs(dy[c]) * (unit.error[c] + u * std::fabs(unit.x[c])));
                    shifts[c].add(dy[c]);
                  }
                }
                for (const Sum& sum : weights) results["dw"].push_back(sum.expected());
                if (centre) {
                  for (const Sum& sum : shifts) results["db"].push_back(sum.expected());
                }
                return results;
              }};
}

/// A slope, and the sum of the sizes of what it is computed from.
struct Slope {
  Real value = 0, size = 0;
};

Reference activation_backward(const char* kernel, Slope (*slope)(Real x)) {
  return {.file = kFile,
          .kernel = kernel,
          .types = kFloats,
          .inputs = [](Numbers& draw, DType type) { return matrices(draw, type, {"x", "dy"}); },
          .results =
              [slope](const Values& v, Real u) {
                Results results;
                for (std::size_t i = 0; i < kRows * kColumns; ++i) {
                  const Slope s = slope(in(v, "x")[i]);
                  const Real dy = in(v, "dy")[i];
                  results["result"].push_back({dy * s.value, 20 * u * std::fabs(dy) * s.size});
                }
                return results;
              }};
}

Slope gelu_slope(Real x) {
  const Real below = 0.5L * std::erfc(-x * 0.70710678118654752440L);
  const Real bump = x * 0.39894228040143267794L * std::exp(-0.5L * x * x);
  return {below + bump, 1 + std::fabs(bump)};
}

Slope gelu_tanh_slope(Real x) {
  const Real t = std::tanh(0.79788456080286535588L * (x + 0.044715L * x * x * x));
  const Real inner = 0.79788456080286535588L * (1 + 0.134145L * x * x);
  return {0.5L * (1 + t) + 0.5L * x * (1 - t * t) * inner, 1 + std::fabs(x) * inner};
}

Slope silu_slope(Real x) {
  const Real s = 1 / (1 + std::exp(-x));
  return {s * (1 + x * (1 - s)), 1 + std::fabs(x)};
}

Reference cross_entropy_backward(const char* kernel, Real smoothing) {
  return {.file = kFile,
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [smoothing](Numbers& draw, DType type) {
                HostArray target = draw.integers({kRows}, 0, kColumns);
                target.values[1] = -100;
                Values values = {{"x", draw.floats({kRows, kColumns}, type)},
                                 {"target", std::move(target)},
                                 {"dloss", draw.floats({kRows}, type)}};
                if (smoothing > 0) values["smoothing"] = static_cast<double>(smoothing);
                return values;
              },
          .results =
              [smoothing](const Values& v, Real u) {
                Results results;
                for (std::size_t r = 0; r < kRows; ++r) {
                  const Row x = row_of(in(v, "x"), r, kColumns);
                  const Real top = *std::ranges::max_element(x), dloss = in(v, "dloss")[r];
                  Real sum = 0;
                  for (const Real one : x) sum += std::exp(one - top);
                  for (std::size_t c = 0; c < kColumns; ++c) {
                    const bool ignored = in(v, "target")[r] < 0;
                    const Real p = std::exp(x[c] - top) / sum;
                    const Real wanted =
                        (static_cast<double>(c) == in(v, "target")[r] ? 1 - smoothing : 0) + smoothing / kColumns;
                    const Real error = (kColumns + 2 * (top - x[c]) + 16) * p + 4 * (p + wanted);
                    results["dx"].push_back(ignored ? Expected{}
                                                    : Expected{(p - wanted) * dloss, u * error * std::fabs(dloss)});
                  }
                }
                return results;
              }};
}

/// Two key heads, two query heads to each; the seven queries stand beside the last of the keys.
constexpr std::int64_t kBatches = 2, kHeads = 2, kShared = 2, kQueries = 7, kKeys = 11, kDim = 9, kOut = 5;
constexpr Real kScale = 0.75L;

struct Attention {
  const char* kernel;
  bool causal = false;
  std::int64_t window = 0;
  bool lengths = false;
};

/// Row `row` of an argument whose last axis is `columns`.
Row at(const Values& v, const char* name, std::int64_t row, std::int64_t columns) {
  return row_of(in(v, name), static_cast<std::size_t>(row), static_cast<std::size_t>(columns));
}

Expected dot(const Row& a, const Row& b, Real u) {
  Sum sum(u);
  for (std::size_t i = 0; i < a.size(); ++i) sum.add(a[i] * b[i]);
  return sum.expected();
}

/// What one query sees: its keys, their probabilities, and the gradients of their scores.
struct Seen {
  std::int64_t begin = 0;
  Row p;
  Real p_relative = 0;
  std::vector<Expected> dz;
};

Seen look(const Attention& a, const Values& v, std::int64_t head, std::int64_t s, Real u) {
  const std::int64_t own = kKeys - kQueries + s, keys = head / kShared * kKeys;
  std::int64_t end = a.causal ? own + 1 : kKeys;
  if (a.lengths) {
    end = std::min(
        end, static_cast<std::int64_t>(in(v, "key_lengths")[static_cast<std::size_t>(head / (kHeads * kShared))]));
  }
  Seen seen;
  seen.begin = a.window > 0 ? std::max<std::int64_t>(0, own + 1 - a.window) : 0;
  const Row q = at(v, "q", head * kQueries + s, kDim), dout = at(v, "dout", head * kQueries + s, kOut);
  std::vector<Expected> z, dp;
  Real top = -1e30L, error = 0, norm = 0;
  for (std::int64_t t = seen.begin; t < end; ++t) {
    const Expected raw = dot(q, at(v, "k", keys + t, kDim), u);
    z.push_back({raw.value * kScale, raw.error * kScale + 4 * u * std::fabs(raw.value)});
    dp.push_back(dot(dout, at(v, "v", keys + t, kOut), u));
    top = std::max(top, z.back().value);
    error = std::max(error, z.back().error);
  }
  for (const Expected& one : z) norm += std::exp(one.value - top);
  const Real total = top + std::log(norm);
  Real spread = 0;
  for (const Expected& one : z) spread = std::max(spread, total - one.value);
  // Of a score and of the logarithm of the sum, whose terms are rescaled at most once per key.
  seen.p_relative = 2.1L * (2 * error + (8 * kKeys + 16 + 4 * std::fabs(total) + 2 * spread) * u);
  Sum delta(u);
  for (std::size_t i = 0; i < z.size(); ++i) {
    seen.p.push_back(std::exp(z[i].value - total));
    delta.add(seen.p[i] * dp[i].value, seen.p[i] * (dp[i].error + (seen.p_relative + 4 * u) * std::fabs(dp[i].value)));
  }
  // The kernel adds values first and multiplies by dout then: the same terms, the larger by what cancels among them.
  Real size = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const Row value = at(v, "v", keys + seen.begin + static_cast<std::int64_t>(i), kOut);
    for (std::size_t e = 0; e < value.size(); ++e) size += seen.p[i] * std::fabs(value[e] * dout[e]);
  }
  const Real delta_error = delta.error() + size * (seen.p_relative + (kKeys + kOut + 4) * u);
  for (std::size_t i = 0; i < z.size(); ++i) {
    const Real dz = seen.p[i] * (dp[i].value - delta.value());
    const Real parts = dp[i].error + delta_error + 2 * u * (std::fabs(dp[i].value) + std::fabs(delta.value()));
    seen.dz.push_back({dz, seen.p[i] * parts + std::fabs(dz) * (seen.p_relative + 2 * u)});
  }
  return seen;
}

void add_scaled(std::vector<Sum>& sums, std::int64_t row, const Row& values, const Expected& factor) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    sums[static_cast<std::size_t>(row) * values.size() + i].add(factor.value * values[i],
                                                                1.01L * factor.error * std::fabs(values[i]));
  }
}

std::vector<Expected> scaled(const std::vector<Sum>& sums, Real scale, Real u) {
  std::vector<Expected> result;
  for (const Sum& sum : sums) {
    result.push_back({scale * sum.value(), scale * (sum.error() + 3 * u * sum.size())});
  }
  return result;
}

Results gradients(const Attention& a, const Values& v, Real u) {
  std::vector<Sum> dq(kBatches * kHeads * kShared * kQueries * kDim, Sum(u)),
      dk(kBatches * kHeads * kKeys * kDim, Sum(u)), dv(kBatches * kHeads * kKeys * kOut, Sum(u));
  for (std::int64_t row = 0; row < kBatches * kHeads * kShared * kQueries; ++row) {
    const std::int64_t head = row / kQueries;
    const Seen seen = look(a, v, head, row % kQueries, u);
    for (std::size_t i = 0; i < seen.p.size(); ++i) {
      const std::int64_t key = head / kShared * kKeys + seen.begin + static_cast<std::int64_t>(i);
      add_scaled(dq, row, at(v, "k", key, kDim), seen.dz[i]);
      add_scaled(dk, key, at(v, "q", row, kDim), seen.dz[i]);
      add_scaled(dv, key, at(v, "dout", row, kOut), {seen.p[i], seen.p[i] * seen.p_relative});
    }
  }
  return {{"dq", scaled(dq, kScale, u)}, {"dk", scaled(dk, kScale, u)}, {"dv", scaled(dv, 1, u)}};
}

Reference attention_backward(const Attention& a) {
  return {.file = kFile,
          .kernel = a.kernel,
          .types = kFloats,
          .inputs =
              [a](Numbers& draw, DType type) {
                Values values = {{"q", draw.floats({kBatches, kHeads * kShared, kQueries, kDim}, type)},
                                 {"k", draw.floats({kBatches, kHeads, kKeys, kDim}, type)},
                                 {"v", draw.floats({kBatches, kHeads, kKeys, kOut}, type)},
                                 {"dout", draw.floats({kBatches, kHeads * kShared, kQueries, kOut}, type)},
                                 {"scale", static_cast<double>(kScale)}};
                if (a.causal) values["causal"] = true;
                if (a.window > 0) values["window"] = a.window;
                if (a.lengths) values["key_lengths"] = draw.integers({kBatches}, 2, kKeys);
                return values;
              },
          .results = [a](const Values& v, Real u) { return gradients(a, v, u); }};
}

}  // namespace

std::vector<Reference> backward_references() {
  return {softmax_backward(false),
          softmax_backward(true),
          norm_backward("layer_norm_backward", true),
          norm_backward("rms_norm_backward", false),
          activation_backward("gelu_backward", gelu_slope),
          activation_backward("gelu_tanh_backward", gelu_tanh_slope),
          activation_backward("silu_backward", silu_slope),
          cross_entropy_backward("cross_entropy_backward", 0),
          cross_entropy_backward("cross_entropy_backward smoothed", 0.1L),
          attention_backward({.kernel = "attention_backward"}),
          attention_backward({.kernel = "attention_backward causal", .causal = true}),
          attention_backward({.kernel = "attention_backward with_a_window", .causal = true, .window = 3}),
          attention_backward({.kernel = "attention_backward with_lengths", .causal = true, .lengths = true})};
}

}  // namespace aurex::testing
