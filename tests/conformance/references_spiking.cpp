// Spiking layers. Weights, decays and thresholds are few bits long, so that nothing rounds and every spike is certain.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reference.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Values;

constexpr std::int64_t kSteps = 5, kBatch = 3, kInputs = 19, kNeurons = 7;
constexpr Real kDecay = 0.75L, kThreshold = 1.5L, kRest = 0.25L, kReset = -0.5L, kUp = 0.25L, kDown = 0.125L,
               kPreDecay = 0.5L, kPostDecay = 0.5L, kLow = -1, kHigh = 1;
constexpr int kHold = 1;

std::size_t cell(std::int64_t row, std::int64_t column, std::int64_t columns) {
  return static_cast<std::size_t>(row * columns + column);
}

/// Eighths in [-1, 1).
HostArray eighths(Numbers& draw, const Dims& shape, DType type) {
  HostArray array = draw.integers(shape, -8, 8);
  for (double& x : array.values) x /= 8;
  array.dtype = type;
  return array;
}

HostArray spikes(Numbers& draw, std::int64_t lines) {
  return draw.integers({kSteps, kBatch, lines}, 0, 2, DType::kBool);
}

Values inputs(Numbers& draw, DType type, bool runs, bool learns) {
  Values values = {{"w", eighths(draw, {kNeurons, kInputs}, type)}};
  if (runs) {
    values["spikes"] = spikes(draw, kInputs);
    values["v"] = eighths(draw, {kBatch, kNeurons}, type);
    values["wait"] = draw.integers({kBatch, kNeurons}, 0, 3);
    values["hold"] = std::int64_t{kHold};
  } else {
    values["pre"] = spikes(draw, kInputs);
    values["post"] = spikes(draw, kNeurons);
  }
  if (learns) {
    values["pre_trace"] = eighths(draw, {kBatch, kInputs}, type);
    values["post_trace"] = eighths(draw, {kBatch, kNeurons}, type);
  }
  const auto number = [&](const char* name, Real value) { values[name] = static_cast<double>(value); };
  if (runs) {
    number("decay", kDecay);
    number("threshold", kThreshold);
    number("rest", kRest);
    number("reset", kReset);
  }
  if (learns) {
    number("up", kUp);
    number("down", kDown);
    number("pre_decay", kPreDecay);
    number("post_decay", kPostDecay);
    number("low", kLow);
    number("high", kHigh);
  }
  return values;
}

/// A layer as it stands between two steps.
struct Layer {
  Row w, v, wait, pre, post;

  /// The spikes of the neurons.
  Row run(const Row& in) {
    Row fired;
    for (std::int64_t i = 0; i < kBatch * kNeurons; ++i) {
      const std::int64_t b = i / kNeurons, n = i % kNeurons;
      Real& potential = v[static_cast<std::size_t>(i)];
      Real& held = wait[static_cast<std::size_t>(i)];
      potential = kRest + kDecay * (potential - kRest);
      for (std::int64_t k = 0; k < kInputs; ++k) {
        if (in[cell(b, k, kInputs)] != 0) potential += w[cell(n, k, kInputs)];
      }
      const bool fires = potential >= kThreshold && held == 0;
      if (fires || held > 0) potential = kReset;
      held = fires ? kHold : std::max<Real>(held - 1, 0);
      fired.push_back(fires ? 1 : 0);
    }
    return fired;
  }

  void learn(const Row& in, const Row& out) {
    for (std::size_t i = 0; i < pre.size(); ++i) pre[i] = kPreDecay * pre[i] + in[i];
    for (Real& trace : post) trace *= kPostDecay;
    for (std::int64_t i = 0; i < kNeurons * kInputs; ++i) {
      const std::int64_t n = i / kInputs, k = i % kInputs;
      Real change = 0;
      for (std::int64_t b = 0; b < kBatch; ++b) {
        change += kUp * out[cell(b, n, kNeurons)] * pre[cell(b, k, kInputs)];
        change -= kDown * in[cell(b, k, kInputs)] * post[cell(b, n, kNeurons)];
      }
      Real& weight = w[static_cast<std::size_t>(i)];
      weight = std::clamp(weight + change, kLow, kHigh);
    }
    for (std::size_t i = 0; i < post.size(); ++i) post[i] += out[i];
  }
};

std::vector<Expected> exactly(const Row& values) {
  std::vector<Expected> result;
  for (const Real value : values) result.push_back({value, 0});
  return result;
}

Reference layer(const char* kernel, bool runs, bool learns) {
  return {.file = "spiking.ax",
          .kernel = kernel,
          .types = {DType::kF32, DType::kF64},
          .inputs = [=](Numbers& draw, DType type) { return inputs(draw, type, runs, learns); },
          .results =
              [=](const Values& values, Real) {
                Layer layer = {.w = list(values, "w"), .v = {}, .wait = {}, .pre = {}, .post = {}};
                if (runs) {
                  layer.v = list(values, "v");
                  layer.wait = list(values, "wait");
                }
                if (learns) {
                  layer.pre = list(values, "pre_trace");
                  layer.post = list(values, "post_trace");
                }
                Results results;
                for (std::size_t s = 0; s < kSteps; ++s) {
                  const Row in = row_of(testing::in(values, runs ? "spikes" : "pre"), s, kBatch * kInputs);
                  const Row out = runs ? layer.run(in) : row_of(testing::in(values, "post"), s, kBatch * kNeurons);
                  if (learns) layer.learn(in, out);
                  for (const Expected& spike : exactly(out)) {
                    if (runs) results["out"].push_back(spike);
                  }
                }
                if (runs) {
                  results["v"] = exactly(layer.v);
                  results["wait"] = exactly(layer.wait);
                }
                if (learns) {
                  results["w"] = exactly(layer.w);
                  results["pre_trace"] = exactly(layer.pre);
                  results["post_trace"] = exactly(layer.post);
                }
                return results;
              }};
}

}  // namespace

std::vector<Reference> spiking_references() {
  return {layer("lif", true, false), layer("stdp", false, true), layer("lif_stdp", true, true)};
}

}  // namespace aurex::testing
