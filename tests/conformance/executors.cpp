#include "executors.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>

#include "aurex/ax/interp.h"
#include "aurex/base/error.h"
#include "compiled.h"

namespace aurex::testing {
namespace {

/// Shrinking makes loops that never end.
constexpr std::int64_t kMaxRounds = 1000;

Executor interpreter(std::int64_t tile) {
  const std::string size = tile == ax::InterpOptions::kWhole ? "whole axes" : "tile " + std::to_string(tile);
  return {.name = "interpreter, " + size, .run = [tile](const ax::Binding& binding, ax::BoundCall& call) {
            static_cast<void>(ax::run(binding.program(), call, {.tile = tile, .max_rounds = kMaxRounds}));
          }};
}

/// Entries of a schedule to turn: enough that several act together, few enough that most of a schedule stays as it is.
constexpr int kTurns = 6;

Executor loops(const std::string& target, bool reverse_tiles, int turns = 0) {
  const Lowering lowering = {.target = schedule::target(target), .turns = turns};
  return {.name = "loop program for " + target + (reverse_tiles ? ", last tile first" : "") +
                  (turns > 0 ? ", its schedule turned" : ""),
          .run = [lowering, reverse_tiles](const ax::Binding& binding, ax::BoundCall& call) {
            run_loops(binding, call, lowering, reverse_tiles);
          }};
}

Executor code(const std::string& target, int turns = 0) {
  const Lowering lowering = {.target = schedule::target(target), .turns = turns};
  return {.name = "code for " + target + (turns > 0 ? ", its schedule turned" : ""),
          .run = [lowering](const ax::Binding& binding, ax::BoundCall& call) { run_code(binding, call, lowering); }};
}

Executor code_under(const Circumstances& circumstances) {
  std::string name = "code with " + std::to_string(circumstances.threads) + " threads";
  if (circumstances.flush_to_zero) name += ", caller flushes to zero";
  return {.name = name,
          .run = [circumstances, target = schedule::target(schedule::runnable_targets().front())](
                     const ax::Binding& binding, ax::BoundCall& call) {
            run_code_under(circumstances, binding, call, target);
          }};
}

using Results = std::vector<std::pair<std::string, ax::testing::HostArray>>;

/// Results of one run, or the error that it raised, or what it may in no case do.
struct Outcome {
  Results results;
  std::optional<ErrorCode> error;
  std::string message;
  std::string complaint;
};

Outcome outcome(const Executor& executor, ax::testing::TestCall& call) {
  call.reset();
  Outcome outcome;
  try {
    executor.run(call.binding(), call.bound());
    outcome.results = call.results();
  } catch (const Error& error) {
    outcome.error = error.code();
    outcome.message = error.message();
  } catch (const std::exception& error) {
    outcome.complaint = error.what();
  }
  return outcome;
}

bool same(double a, double b) {
  return (a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b));
}

struct Place {
  std::size_t array = 0, element = 0;
};

/// What rule 30 leaves to the order of terms.
struct Freedom {
  std::vector<ax::ErrorBounds> bounds;
  bool zeros = false;  // which of two zeros a maximum gives
};

bool takes_extremes(const ax::TileProgram& program) {
  return std::ranges::any_of(program.values, [](const ax::Value& v) {
    const bool over = v.op == ax::Op::kReduce || v.op == ax::Op::kScan;
    const bool extreme = v.reduction == ax::Reduction::kMax || v.reduction == ax::Reduction::kMin;
    return over && extreme && ax::is_float(v.type);
  });
}

std::optional<Place> first_difference(const Results& a, const Results& b, const Freedom* freedom) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].second.values.size(); ++k) {
      const double x = a[i].second.values[k], y = b[i].second.values[k];
      if (same(x, y)) continue;
      if (freedom != nullptr) {
        if (freedom->zeros && x == 0 && y == 0) continue;
        // Where sums decide between a number and none, any outcome is one of theirs.
        const double bound = freedom->bounds[i].bound[k];
        if (bound > 0 && (std::isinf(bound) || std::fabs(x - y) <= bound)) continue;
      }
      return Place{i, k};
    }
  }
  return std::nullopt;
}

std::string raised(const Outcome& outcome) {
  if (!outcome.error) return "nothing";
  return std::string(to_string(*outcome.error)) + " (" + outcome.message + ")";
}

/// "a: z[3] is 1, b gives 2".
std::string different(const Executor& a, const Outcome& of_a, const Executor& b, const Outcome& of_b, Place place) {
  std::ostringstream text;
  text.precision(17);
  text << a.name << ": " << of_a.results[place.array].first << "[" << place.element << "] is "
       << of_a.results[place.array].second.values[place.element] << ", " << b.name << " gives "
       << of_b.results[place.array].second.values[place.element];
  return text.str();
}

std::string different_errors(const Executor& a, const Outcome& of_a, const Executor& b, const Outcome& of_b) {
  return a.name + " raised " + raised(of_a) + ", " + b.name + " " + raised(of_b);
}

std::vector<Executor> interpreters() {
  return {interpreter(ax::InterpOptions::kWhole), interpreter(1), interpreter(3)};
}

std::vector<Executor> all_executors() {
  std::vector<Executor> all = interpreters();
  for (const std::string& target : schedule::runnable_targets()) {
    all.push_back(loops(target, false));
    all.push_back(loops(target, true));
    all.push_back(code(target));
    all.push_back(loops(target, true, kTurns));
  }
  return all;
}

std::vector<Executor> best_executors(bool with_code) {
  std::vector<Executor> some = interpreters();
  for (const std::string& best : schedule::runnable_targets()) {
    some.push_back(loops(best, true));
    some.push_back(loops(best, true, kTurns));
    if (with_code) some.insert(some.end(), {code(best), code(best, kTurns)});
    break;
  }
  return some;
}

}  // namespace

const std::vector<Executor>& executors() {
  static const std::vector<Executor> all = all_executors();
  return all;
}

const std::vector<Executor>& quick_executors(bool code) {
  static const std::vector<Executor> with = best_executors(true), without = best_executors(false);
  return code ? with : without;
}

Report compare(ax::testing::TestCall& call, std::span<const Executor> with) {
  Report report;
  const Executor& oracle = with.front();
  const Outcome base = outcome(oracle, call);
  if (!base.complaint.empty()) report.fault = oracle.name + ": " + base.complaint;
  if (base.error == ErrorCode::kKernelError && base.message.ends_with(" rounds")) return report;  // others would hang
  std::optional<Freedom> freedom;
  for (std::size_t e = 1; e < with.size() && !report.fault; ++e) {
    const Executor& executor = with[e];
    const Outcome other = outcome(executor, call);
    if (!other.complaint.empty()) {
      report.fault = executor.name + ": " + other.complaint;
    } else if (other.error == ErrorCode::kNotImplemented && base.error != other.error) {
      report.missing.push_back(executor.name + ": " + other.message);
    } else if (base.error != other.error) {
      report.fault = different_errors(executor, other, oracle, base);
    } else if (!base.error && first_difference(base.results, other.results, nullptr)) {
      if (!freedom) {
        call.reset();
        freedom = {ax::error_bounds(call.program(), call.bound(), call.binding(), {.max_rounds = kMaxRounds}),
                   takes_extremes(call.program())};
      }
      const auto place = first_difference(base.results, other.results, &*freedom);
      if (!place) continue;
      std::ostringstream bound;
      bound << " ± " << freedom->bounds[place->array].bound[place->element];
      report.fault = different(executor, other, oracle, base, *place) + bound.str();
    }
  }
  return report;
}

std::optional<std::string> difference_by_circumstances(ax::testing::TestCall& call) {
  const Executor one = code_under({.threads = 1});
  const Outcome base = outcome(one, call);
  if (base.error == ErrorCode::kNotImplemented) return std::nullopt;
  if (!base.complaint.empty()) return one.name + ": " + base.complaint;
  for (const Circumstances& other : {Circumstances{.threads = 2}, Circumstances{.threads = 3},
                                     Circumstances{.threads = 8}, Circumstances{.threads = 2, .flush_to_zero = true}}) {
    const Executor executor = code_under(other);
    const Outcome result = outcome(executor, call);
    if (!result.complaint.empty()) return executor.name + ": " + result.complaint;
    if (base.error != result.error) return different_errors(executor, result, one, base);
    if (base.error) continue;
    const auto place = first_difference(base.results, result.results, nullptr);
    if (place) return different(executor, result, one, base, *place);
  }
  return std::nullopt;
}

}  // namespace aurex::testing
