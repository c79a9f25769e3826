// Losses: by element, their sums, and cross entropy of logits that a linear layer makes.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "reference.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Values;

const Dims kShape = {3, 37};
constexpr Real kDivisor = 29;

/// One element of a loss: arguments x and target, and the weights where it has any.
struct Term {
  Real x = 0, t = 0, weight = 1, positive = 1;
};

/// A loss by element. `parameter` is the name of its number, `drawn` makes a target of a number in [-2, 2).
struct Loss {
  std::string kernel;
  std::function<Expected(const Term&, Real u)> value;
  double (*drawn)(double) = nullptr;
  std::string parameter = {};
  double number = 0;
  bool weighted = false;
};

HostArray mapped(HostArray array, double (*f)(double)) {
  if (f != nullptr) {
    for (double& x : array.values) x = f(x);
  }
  return stored(std::move(array));
}

std::vector<Expected> terms(const Loss& loss, const Values& v, Real u) {
  std::vector<Expected> result;
  for (std::size_t i = 0; i < in(v, "x").size(); ++i) {
    Term term = {.x = in(v, "x")[i], .t = in(v, "target")[i]};
    if (loss.weighted) {
      term.weight = in(v, "weight")[i];
      term.positive = in(v, "pos_weight")[i];
    }
    result.push_back(loss.value(term, u));
  }
  return result;
}

Reference reference(const Loss& loss, bool total) {
  return {.file = "losses.ax",
          .kernel = total ? loss.kernel + "_total" : loss.kernel,
          .types = kFloats,
          .inputs =
              [=](Numbers& draw, DType type) {
                Values values = {{"x", draw.floats(kShape, type)},
                                 {"target", mapped(draw.floats(kShape, type), loss.drawn)}};
                if (loss.weighted) values["weight"] = draw.floats(kShape, type);
                if (loss.weighted) values["pos_weight"] = draw.floats(kShape, type);
                if (!loss.parameter.empty()) values[loss.parameter] = loss.number;
                if (total) values["divisor"] = static_cast<double>(kDivisor);
                return values;
              },
          .results =
              [=](const Values& v, Real u) {
                const std::vector<Expected> each = terms(loss, v, u);
                if (!total) return Results{{"result", each}};
                Sum sum(u);
                for (const Expected& term : each) sum.add(term.value, term.error);
                const Real mean = sum.value() / kDivisor;
                return Results{{"loss", {{mean, sum.error() / kDivisor + 2 * u * std::fabs(mean)}}}};
              }};
}

/// The error of x - t to the power 1 or 2, times a slope, is a few roundings of the result and of the shift after it.
Expected rounded(Real value, Real shift, Real u) { return {value - shift, 5 * u * (std::fabs(value) + shift)}; }

Expected smooth(const Term& a, Real beta, Real u) {
  const Real d = std::fabs(a.x - a.t);
  return d < beta ? rounded(0.5L * d * d / beta, 0, u) : rounded(d, 0.5L * beta, u);
}

Expected binary(const Term& a, Real u) {
  const Real softplus = std::max<Real>(-a.x, 0) + std::log1p(std::exp(-std::fabs(a.x)));
  const Real positive = (1 + (a.positive - 1) * a.t) * softplus, negative = (1 - a.t) * a.x;
  const Real size = std::fabs(negative) + (1 + std::fabs(a.positive - 1) * std::fabs(a.t)) * softplus;
  return {(negative + positive) * a.weight, 14 * u * size * std::fabs(a.weight)};
}

std::vector<Reference> by_element() {
  const auto share = [](double x) { return (x + 2) / 4; };
  const std::vector<Loss> losses = {
      {.kernel = "mse_loss", .value = [](const Term& a, Real u) { return rounded((a.x - a.t) * (a.x - a.t), 0, u); }},
      {.kernel = "l1_loss", .value = [](const Term& a, Real u) { return rounded(std::fabs(a.x - a.t), 0, u); }},
      {.kernel = "smooth_l1_loss",
       .value = [](const Term& a, Real u) { return smooth(a, 0.75L, u); },
       .parameter = "beta",
       .number = 0.75},
      {.kernel = "huber_loss",
       .value =
           [](const Term& a, Real u) {
             const Expected smoothed = smooth(a, 1.5L, u);
             return Expected{1.5L * smoothed.value, 1.5L * smoothed.error + 2 * u * std::fabs(smoothed.value)};
           },
       .parameter = "delta",
       .number = 1.5},
      {.kernel = "binary_cross_entropy_with_logits", .value = binary, .drawn = share, .weighted = true},
      {.kernel = "kl_div",
       .value =
           [](const Term& a, Real u) {
             if (a.t == 0) return Expected{};
             const Real log = std::log(a.t);
             return Expected{a.t * (log - a.x), a.t * 6 * u * (std::fabs(log) + std::fabs(a.x))};
           },
       .drawn = [](double x) { return std::max(x, 0.0); }},
      {.kernel = "kl_div_log", .value = [](const Term& a, Real u) {
         const Real value = std::exp(a.t) * (a.t - a.x);
         return Expected{value, 10 * u * std::fabs(value)};
       }}};
  std::vector<Reference> all;
  for (const Loss& loss : losses) {
    all.push_back(reference(loss, false));
    all.push_back(reference(loss, true));
  }
  return all;
}

/// The logits of one row, each with its error.
std::vector<Expected> logits(const Values& v, std::size_t row, std::size_t depth, std::size_t classes, Real u) {
  const Row x = row_of(in(v, "x"), row, depth);
  std::vector<Expected> result;
  for (std::size_t c = 0; c < classes; ++c) {
    const Row w = row_of(in(v, "w"), c, depth);
    Sum sum(u);
    for (std::size_t k = 0; k < depth; ++k) sum.add(x[k] * w[k]);
    sum.add(in(v, "b")[c]);
    result.push_back(sum.expected());
  }
  return result;
}

Reference linear_cross_entropy() {
  static constexpr std::int64_t kRows = 5, kDepth = 19, kClasses = 37;
  return {.file = "cross_entropy.ax",
          .kernel = "linear_cross_entropy",
          .types = kFloats,
          .inputs =
              [](Numbers& draw, DType type) {
                HostArray target = draw.integers({kRows}, 0, kClasses);
                target.values[1] = -100;
                return Values{{"x", draw.floats({kRows, kDepth}, type)},
                              {"w", draw.floats({kClasses, kDepth}, type)},
                              {"b", draw.floats({kClasses}, type)},
                              {"target", std::move(target)}};
              },
          .results =
              [](const Values& v, Real u) {
                Results results;
                for (std::size_t r = 0; r < kRows; ++r) {
                  const auto target = static_cast<std::int64_t>(in(v, "target")[r]);
                  const std::vector<Expected> z = logits(v, r, kDepth, kClasses, u);
                  Real top = -std::numeric_limits<Real>::infinity(), error = 0, norm = 0;
                  for (const Expected& one : z) {
                    top = std::max(top, one.value);
                    error = std::max(error, one.error);
                  }
                  for (const Expected& one : z) norm += std::exp(one.value - top);
                  if (target < 0) {
                    results["loss"].push_back({});
                    continue;
                  }
                  const Real loss = top + std::log(norm) - z[static_cast<std::size_t>(target)].value;
                  // A weight in the sum is rescaled at most once per class, by an exponential of its own.
                  results["loss"].push_back(
                      {loss, 4 * error + (8 * kClasses + 24 + 4 * std::fabs(top) + std::fabs(loss)) * u});
                }
                return results;
              }};
}

}  // namespace

std::vector<Reference> loss_references() {
  std::vector<Reference> all = by_element();
  all.push_back(linear_cross_entropy());
  return all;
}

}  // namespace aurex::testing
