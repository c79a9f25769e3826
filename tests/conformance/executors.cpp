#include "executors.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>

#include "aurex/ax/interp.h"
#include "aurex/base/error.h"

namespace aurex::testing {
namespace {

Executor interpreter(std::int64_t tile) {
  const std::string size = tile == ax::InterpOptions::kWhole ? "whole axes" : "tile " + std::to_string(tile);
  return {.name = "interpreter, " + size,
          .run = [tile](const ax::TileProgram& program, const ax::Binding&, ax::BoundCall& call) {
            static_cast<void>(ax::run(program, call, {.tile = tile}));
          }};
}

using Results = std::vector<std::pair<std::string, ax::testing::HostArray>>;

/// Results of one run, or the error that it raised.
struct Outcome {
  Results results;
  std::optional<ErrorCode> error;
  std::string message;
};

Outcome outcome(const Executor& executor, ax::testing::TestCall& call) {
  call.reset();
  Outcome outcome;
  try {
    executor.run(call.program(), call.binding(), call.bound());
    outcome.results = call.results();
  } catch (const Error& error) {
    outcome.error = error.code();
    outcome.message = error.message();
  }
  return outcome;
}

bool same(double a, double b) {
  return (a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b));
}

struct Place {
  std::size_t array = 0, element = 0;
};

std::optional<Place> first_difference(const Results& a, const Results& b, const std::vector<ax::ErrorBounds>* bounds) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].second.values.size(); ++k) {
      const double x = a[i].second.values[k], y = b[i].second.values[k];
      if (same(x, y)) continue;
      if (bounds != nullptr) {
        // Where sums decide between a number and none, any outcome is one of theirs.
        const double bound = (*bounds)[i].bound[k];
        if (bound > 0 && (std::isinf(bound) || std::fabs(x - y) <= bound)) continue;
      }
      return Place{i, k};
    }
  }
  return std::nullopt;
}

std::string describe(const Executor& executor, const Outcome& base, const Outcome& other) {
  std::ostringstream text;
  text << executor.name << ": ";
  if (other.error) {
    text << "raised " << to_string(*other.error) << " (" << other.message << "), the interpreter ";
  } else {
    text << "raised nothing, the interpreter ";
  }
  text << (base.error ? "raised " + std::string(to_string(*base.error)) + " (" + base.message + ")" : "nothing");
  return text.str();
}

}  // namespace

const std::vector<Executor>& executors() {
  static const std::vector<Executor> all = {
      interpreter(ax::InterpOptions::kWhole),
      interpreter(1),
      interpreter(3),
  };
  return all;
}

std::optional<std::string> disagreement(ax::testing::TestCall& call) {
  const Outcome base = outcome(executors()[0], call);
  std::optional<std::vector<ax::ErrorBounds>> bounds;
  for (std::size_t e = 1; e < executors().size(); ++e) {
    const Executor& executor = executors()[e];
    const Outcome other = outcome(executor, call);
    if (base.error != other.error) return describe(executor, base, other);
    if (base.error) continue;
    if (!first_difference(base.results, other.results, nullptr)) continue;
    if (!bounds) {
      call.reset();
      bounds = ax::error_bounds(call.program(), call.bound(), call.binding());
    }
    const auto place = first_difference(base.results, other.results, &*bounds);
    if (!place) continue;
    std::ostringstream text;
    text.precision(17);
    text << executor.name << ": " << base.results[place->array].first << "[" << place->element << "] is "
         << other.results[place->array].second.values[place->element] << ", the interpreter gives "
         << base.results[place->array].second.values[place->element] << " ± "
         << (*bounds)[place->array].bound[place->element];
    return text.str();
  }
  return std::nullopt;
}

}  // namespace aurex::testing
