// Optimiser steps: what is updated in place, and what the adaptive rate returns.

#include <cmath>
#include <cstdint>

#include "reference.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;

constexpr Real kBeta1 = 0.9L, kBeta2 = 0.999L, kEps = 1e-8L;
constexpr std::int64_t kStep = 3;
const Dims kShape = {3, 29};

/// Parameters, gradient, and the state by name; squares for `v`, which is never negative.
Values tensors(Numbers& draw, DType type, std::initializer_list<const char*> names) {
  Values values;
  for (const char* name : names) {
    auto array = draw.floats(kShape, type);
    if (std::string(name) == "v") {
      for (double& x : array.values) x = std::fabs(x);
    }
    values[name] = std::move(array);
  }
  return values;
}

/// Σ of a few products, each of two or three roundings.
Expected blend(std::initializer_list<Real> terms, Real u) {
  Expected result;
  for (const Real term : terms) {
    result.value += term;
    result.error += 6 * u * std::fabs(term);
  }
  return result;
}

Reference adam(const char* kernel, bool decoupled, Real decay) {
  return {.file = "optimizer.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [decay](Numbers& draw, DType type) {
                Values values = tensors(draw, type, {"p", "g", "m", "v"});
                values["lr"] = 0.05;
                values["step"] = kStep;
                values["weight_decay"] = static_cast<double>(decay);
                return values;
              },
          .results =
              [decoupled, decay](const Values& t, Real u) {
                Results results;
                for (std::size_t i = 0; i < in(t, "p").size(); ++i) {
                  const Real p = in(t, "p")[i], g = in(t, "g")[i], m = in(t, "m")[i], v = in(t, "v")[i];
                  const Expected d = decoupled ? Expected{g, 0} : blend({g, decay * p}, u);
                  Expected first = blend({kBeta1 * m, (1 - kBeta1) * d.value}, u);
                  first.error += (1 - kBeta1) * d.error;
                  Expected second = blend({kBeta2 * v, (1 - kBeta2) * d.value * d.value}, u);
                  second.error += 2 * (1 - kBeta2) * std::fabs(d.value) * d.error;
                  const Real root = std::sqrt(second.value / (1 - std::pow(kBeta2, kStep))) + kEps;
                  const Real scale = 0.05L / (1 - std::pow(kBeta1, kStep)) / root;
                  const Real step = scale * first.value;
                  const Real kept = decoupled ? p * (1 - 0.05L * decay) : p;
                  // beta2 itself is rounded, and 1 - beta2^step multiplies that by 1 / (1 - beta2).
                  const Real relative = second.error / second.value + 12 * u;
                  results["m"].push_back(first);
                  results["v"].push_back(second);
                  results["p"].push_back({kept - step, scale * first.error + std::fabs(step) * relative +
                                                           4 * u * (std::fabs(p) + std::fabs(step))});
                }
                return results;
              }};
}

Reference sgd(const char* kernel, bool nesterov) {
  return {.file = "optimizer.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [nesterov](Numbers& draw, DType type) {
                Values values = tensors(draw, type, {"p", "g", "velocity"});
                values["momentum"] = 0.8;
                values["weight_decay"] = 0.1;
                if (nesterov) values["nesterov"] = true;
                return values;
              },
          .results =
              [nesterov](const Values& t, Real u) {
                Results results;
                for (std::size_t i = 0; i < in(t, "p").size(); ++i) {
                  const Real p = in(t, "p")[i], g = in(t, "g")[i], v = in(t, "velocity")[i];
                  const Expected next = blend({0.8L * v, g, 0.1L * p}, u);
                  const Expected step = nesterov ? blend({g, 0.1L * p, 0.64L * v, 0.8L * g, 0.08L * p}, 2 * u) : next;
                  results["velocity"].push_back(next);
                  results["p"].push_back({p - 0.01L * step.value,
                                          0.01L * step.error + 3 * u * (std::fabs(p) + std::fabs(0.01L * step.value))});
                }
                return results;
              }};
}

/// p minus `scale` times a direction.
Expected moved(Real p, Real scale, const Expected& direction, Real u) {
  const Real step = scale * direction.value;
  return {p - step, scale * direction.error + 4 * u * (std::fabs(p) + std::fabs(step))};
}

/// d over (root of `square`) + eps.
Expected over_root(const Expected& d, const Expected& square, Real eps, Real u) {
  const Real root = std::sqrt(square.value), value = d.value / (root + eps);
  const Real relative = square.error / (2 * square.value) + 6 * u;
  return {value, d.error / (root + eps) + 1.1L * relative * std::fabs(value)};
}

Expected squared(Real kept, Real rate, const Expected& d, Real u) {
  Expected result = blend({kept, rate * d.value * d.value}, u);
  result.error += 2.1L * rate * std::fabs(d.value) * d.error;
  return result;
}

Reference rmsprop(const char* kernel, bool momentum, bool centered) {
  return {.file = "optimizer.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [=](Numbers& draw, DType type) {
                Values values = tensors(draw, type, {"p", "g", "v"});
                // What is centred needs a variance that is no difference of equals.
                auto& square = std::get<ax::testing::HostArray>(values["v"]);
                for (double& v : square.values) v += centered ? 8 : 0;
                square = ax::testing::stored(std::move(square));
                if (momentum) values.merge(tensors(draw, type, {"velocity"}));
                if (centered) values.merge(tensors(draw, type, {"m"}));
                values["alpha"] = 0.9;
                values["weight_decay"] = 0.1;
                return values;
              },
          .results =
              [=](const Values& t, Real u) {
                Results results;
                for (std::size_t i = 0; i < in(t, "p").size(); ++i) {
                  const Real p = in(t, "p")[i];
                  const Expected d = blend({in(t, "g")[i], 0.1L * p}, u);
                  const Expected second = squared(0.9L * in(t, "v")[i], 0.1L, d, u);
                  results["v"].push_back(second);
                  Expected spread = second;
                  if (centered) {
                    Expected first = blend({0.9L * in(t, "m")[i], 0.1L * d.value}, u);
                    first.error += 0.1L * d.error;
                    results["m"].push_back(first);
                    spread.value -= first.value * first.value;
                    spread.error += 2.1L * std::fabs(first.value) * first.error + 2 * u * second.value;
                  }
                  Expected step = over_root(d, spread, kEps, u);
                  if (momentum) {
                    const Real kept = 0.9L * in(t, "velocity")[i];
                    step = {kept + step.value, step.error + 4 * u * (std::fabs(kept) + std::fabs(step.value))};
                    results["velocity"].push_back(step);
                  }
                  results["p"].push_back(moved(p, 0.01L, step, u));
                }
                return results;
              }};
}

Reference lion() {
  return {
      .file = "optimizer.ax",
      .kernel = "lion",
      .types = kFloats,
      .inputs =
          [](Numbers& draw, DType type) {
            Values values = tensors(draw, type, {"p", "g", "m"});
            values["lr"] = 0.05;
            values["weight_decay"] = 0.1;
            return values;
          },
      .results =
          [](const Values& t, Real u) {
            Results results;
            for (std::size_t i = 0; i < in(t, "p").size(); ++i) {
              const Real p = in(t, "p")[i], g = in(t, "g")[i], m = in(t, "m")[i];
              const Expected mixed = blend({0.9L * m, 0.1L * g}, u);
              const Real sign = mixed.value > 0 ? 1 : mixed.value < 0 ? -1 : 0;
              const bool clear = std::fabs(mixed.value) > mixed.error;  // else any sign is right
              results["m"].push_back(blend({0.99L * m, 0.01L * g}, 4 * u));
              results["p"].push_back({p * 0.995L - 0.05L * sign, (clear ? 0 : 0.1L) + 6 * u * (std::fabs(p) + 0.05L)});
            }
            return results;
          }};
}

Reference adagrad() {
  return {.file = "optimizer.ax",
          .kernel = "adagrad",
          .types = kFloats,
          .inputs =
              [](Numbers& draw, DType type) {
                Values values = tensors(draw, type, {"p", "g", "total"});
                for (double& v : std::get<ax::testing::HostArray>(values["total"]).values) v = std::fabs(v);
                values["lr_decay"] = 0.25;
                values["weight_decay"] = 0.1;
                values["step"] = kStep;
                return values;
              },
          .results =
              [](const Values& t, Real u) {
                Results results;
                for (std::size_t i = 0; i < in(t, "p").size(); ++i) {
                  const Real p = in(t, "p")[i];
                  const Expected d = blend({in(t, "g")[i], 0.1L * p}, u);
                  const Expected total = squared(in(t, "total")[i], 1, d, u);
                  results["total"].push_back(total);
                  results["p"].push_back(moved(p, 0.01L / 1.5L, over_root(d, total, 1e-10L, u), u));
                }
                return results;
              }};
}

Reference adaptive(const char* kernel, bool steps) {
  return {.file = "optimizer.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [steps](Numbers& draw, DType type) {
                return steps ? tensors(draw, type, {"p", "g", "momentum"}) : tensors(draw, type, {"g", "momentum"});
              },
          .results =
              [steps](const Values& t, Real u) {
                Sum squares(u);
                for (const double g : in(t, "g")) squares.add(static_cast<Real>(g) * g, u * g * g);
                const Real norm = std::sqrt(squares.value());
                const Real relative = squares.error() / squares.value() + 4 * u;
                const Real rate = 1e-3L / (1 + norm);
                Results results;
                results["norm"] = {{norm, relative * norm}};
                results["rate"] = {{rate, (relative + 4 * u) * rate}};
                for (std::size_t i = 0; i < in(t, "g").size(); ++i) {
                  const Expected next = blend({0.9L * in(t, "momentum")[i], 0.1L * in(t, "g")[i]}, u);
                  results["momentum"].push_back(next);
                  if (!steps) continue;
                  const Real p = in(t, "p")[i], step = rate * next.value;
                  results["p"].push_back({p - step, rate * next.error + std::fabs(step) * (relative + 6 * u) +
                                                        u * (std::fabs(p) + std::fabs(step))});
                }
                return results;
              }};
}

}  // namespace

std::vector<Reference> optimizer_references() {
  return {adam("adam", false, 0),
          adam("adam with_decay", false, 0.1L),
          adam("adamw", true, 0.01L),
          sgd("sgd", false),
          sgd("sgd nesterov", true),
          rmsprop("rmsprop", false, false),
          rmsprop("rmsprop_momentum", true, false),
          rmsprop("rmsprop_centered", false, true),
          lion(),
          adagrad(),
          adaptive("adaptive_learning_rate", false),
          adaptive("adaptive_step", true)};
}

}  // namespace aurex::testing
