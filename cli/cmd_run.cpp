// aurex run: compiles a kernel, runs it on given or drawn arguments, shows and stores the results.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "aurex/ax/interp.h"
#include "aurex/base/clock.h"
#include "aurex/base/error.h"
#include "aurex/base/thread_pool.h"
#include "aurex/device/choice.h"
#include "aurex/device/registry.h"
#include "aurex/jit/kernel.h"
#include "aurex/jit/kernel_state.h"
#include "aurex/jit/print_sink.h"
#include "aurex/telemetry/chrome_trace.h"
#include "aurex/telemetry/recorder.h"
#include "aurex/tensor/convert.h"
#include "aurex/tensor/npy.h"
#include "cli/array_text.h"
#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/interrupt.h"
#include "cli/kernel_call.h"
#include "cli/value.h"

namespace aurex::cli {
namespace {

struct Timing {
  double compile_ms = 0;
  double first_ms = 0;
  double best_ms = 0;
  double median_ms = 0;
};

double milliseconds_since(std::int64_t start_ns) { return static_cast<double>(monotonic_ns() - start_ns) * 1e-6; }

/// Runs once on the caller's arguments. Further rounds run on copies, so that inout arrays step once only.
Timing run_compiled(Trial& trial, const Kernel& kernel, const Arguments& before, const RunOptions& options,
                    const Console& console) {
  const Interrupt interrupt;
  const jit::LaunchOptions launch{.device = options.device.empty() ? default_device() : find_device(options.device),
                                  .stop = interrupt.stop()};
  Timing timing;
  std::int64_t start = monotonic_ns();
  const jit::CodeEntry& code = trial.call().prepare();
  timing.compile_ms = milliseconds_since(start);
  start = monotonic_ns();
  {
    const Zone zone("run");
    trial.call().run_prepared(code, launch);
  }
  timing.first_ms = milliseconds_since(start);
  if (options.repeat == 1) return timing;
  const Arguments copies = before.clone();
  Trial again(kernel, copies);
  const jit::CodeEntry& same = again.call().prepare();
  std::vector<double> times;
  Progress progress(console, "running", options.repeat);
  for (int i = 0; i < options.repeat; ++i) {
    start = monotonic_ns();
    again.call().run_prepared(same, launch);
    times.push_back(milliseconds_since(start));
    progress.step();
  }
  std::ranges::sort(times);
  timing.best_ms = times.front();
  timing.median_ms = times[times.size() / 2];
  return timing;
}

/// The interpreter's answer to the same call, with the largest difference and how far it may be.
struct Verdict {
  double difference = 0;
  double bound = 0;  // at the element of the largest difference
  bool within = true;
};

Verdict verify(const std::vector<NamedArray>& compiled, const Kernel& kernel, const Arguments& before) {
  const Arguments copies = before.clone();
  Trial oracle(kernel, copies);
  static_cast<void>(oracle.call().prepare());
  const ax::TileProgram& program = oracle.call().variant().program();
  const ax::BoundCall& bound = oracle.call().bound();
  const auto bounds = ax::error_bounds(program, bound, oracle.call().variant().binding());
  static_cast<void>(ax::run(program, bound));
  const std::vector<NamedArray> expected = oracle.written();
  Verdict verdict;
  for (std::size_t a = 0; a < expected.size(); ++a) {
    const auto limit = std::ranges::find_if(
        bounds, [&](const ax::ErrorBounds& b) { return program.arrays[b.array].name == expected[a].name; });
    const Tensor mine = compiled[a].tensor.contiguous(), theirs = expected[a].tensor.contiguous();
    const auto size = static_cast<std::size_t>(bytes_per_element(mine.dtype()));
    for (std::size_t k = 0; k < static_cast<std::size_t>(mine.size()); ++k) {
      const double x = load_f64(mine.dtype(), static_cast<const char*>(mine.data()) + k * size);
      const double y = load_f64(theirs.dtype(), static_cast<const char*>(theirs.data()) + k * size);
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      const double apart = std::isnan(x) || std::isnan(y) ? HUGE_VAL : std::fabs(x - y);
      const double allowed = limit == bounds.end() ? 0 : limit->bound[k];
      verdict.within &= apart <= allowed;
      if (apart <= verdict.difference) continue;
      verdict.difference = apart;
      verdict.bound = allowed;
    }
  }
  return verdict;
}

/// Runs in the interpreter with its checks on; returns whether it found nothing.
bool run_safely(Trial& trial, const Console& console) {
  static_cast<void>(trial.call().prepare());
  ax::InterpOptions options;
  options.safe = true;
  options.print = [&console](const ax::PrintRecord& record) {
    console.message(fmt::format("line {}, position {}: {:.9g}", record.line, record.position,
                                ax::to_f64(record.type, record.value)));
  };
  const ax::RunReport report = ax::run(trial.call().variant().program(), trial.call().bound(), options);
  for (const ax::Finding& finding : report.findings) {
    console.message(fmt::format("line {}, position {}: {}: {}", finding.line, finding.position,
                                ax::to_string(finding.kind), finding.text));
  }
  return report.findings.empty();
}

nlohmann::json elements_json(const Tensor& tensor) {
  const Tensor dense = tensor.contiguous();
  auto list = nlohmann::json::array();
  const char* element = static_cast<const char*>(dense.data());
  for (std::int64_t i = 0; i < dense.size(); ++i, element += bytes_per_element(dense.dtype())) {
    if (dense.dtype() == DType::kBool) {
      list.push_back(load_i64(dense.dtype(), element) != 0);
    } else if (is_floating_point(dense.dtype())) {
      list.push_back(load_f64(dense.dtype(), element));
    } else {
      list.push_back(load_i64(dense.dtype(), element));
    }
  }
  return list;
}

struct Report {
  std::string kernel;
  std::vector<NamedArray> arrays;
  std::optional<Timing> timing;
  std::optional<Verdict> verdict;
};

void print_json(const Report& report, int repeat, const Console& console) {
  constexpr std::int64_t kMostElements = 1000;  // longer results belong in a file (-o)
  nlohmann::json json = {{"kernel", report.kernel}, {"results", nlohmann::json::array()}};
  for (const NamedArray& array : report.arrays) {
    nlohmann::json entry = {
        {"name", array.name}, {"dtype", to_string(array.tensor.dtype())}, {"shape", array.tensor.shape().extents()}};
    if (array.tensor.size() <= kMostElements) entry["values"] = elements_json(array.tensor);
    json["results"].push_back(std::move(entry));
  }
  if (report.timing) {
    json["milliseconds"] = {{"compile", report.timing->compile_ms}, {"first", report.timing->first_ms}};
    if (repeat > 1) {
      json["milliseconds"]["best"] = report.timing->best_ms;
      json["milliseconds"]["median"] = report.timing->median_ms;
    }
  }
  if (report.verdict) {
    json["verify"] = {{"difference", report.verdict->difference},
                      {"bound", report.verdict->bound},
                      {"within", report.verdict->within}};
  }
  console.line(json.dump(2));
}

void print_text(const Report& report, int repeat, const Console& console) {
  for (const NamedArray& array : report.arrays) {
    console.line(
        fmt::format("{} {}{} =", array.name, to_string(array.tensor.dtype()), to_string(array.tensor.shape())));
    console.line(format_array(array.tensor.view()));
  }
  if (report.timing) {
    std::string text =
        fmt::format("compiled in {:.2f} ms, ran in {:.4g} ms", report.timing->compile_ms, report.timing->first_ms);
    if (repeat > 1) {
      text += fmt::format("; {} times: best {:.4g} ms, median {:.4g} ms", repeat, report.timing->best_ms,
                          report.timing->median_ms);
    }
    console.message(text);
  }
  if (report.verdict) {
    console.line(fmt::format("verify: largest difference from the interpreter {:.3g}, allowed there {:.3g}: {}",
                             report.verdict->difference, report.verdict->bound,
                             report.verdict->within ? "ok" : "WRONG"));
  }
}

void store_outputs(const Report& report, const std::vector<std::string>& outputs) {
  for (const std::string& output : outputs) {
    const auto [name, path] = split_assignment(output);
    const auto array = std::ranges::find(report.arrays, name, &NamedArray::name);
    if (array == report.arrays.end()) {
      std::vector<std::string> names;
      for (const NamedArray& known : report.arrays) names.push_back(known.name);
      throw with_fields(
          ArgumentError(fmt::format("{} has no result '{}'; it has {}", report.kernel, name, fmt::join(names, ", "))),
          {{"argument", name}});
    }
    write_npy(path, array->tensor.view());
  }
}

}  // namespace

int run(const RunOptions& options, const Console& console) {
  if (options.threads > 0) set_threads(options.threads);
  const Module module(read_source(options.file));
  std::vector<ax::KernelInterface> interfaces;
  for (const Kernel& each : module.kernels()) interfaces.push_back(each.interface());
  Kernel kernel = module.kernels()[choose_kernel(interfaces, options.kernel)];
  if (!options.schedule.empty()) kernel = Kernel(kernel.state()->with_schedule(read_schedule(options.schedule)));
  const Arguments arguments(kernel.interface(), options.arguments);
  const Arguments before = arguments.clone();
  if (!options.profile.empty()) set_recording(true);

  Trial trial(kernel, arguments);
  Report report{.kernel = kernel.name(), .arrays = {}, .timing = {}, .verdict = {}};
  bool good = true;
  if (options.safe) {
    good = run_safely(trial, console);
  } else {
    set_print_sink([&console](const KernelPrint& print) { console.message(to_string(print)); });
    report.timing = run_compiled(trial, kernel, before, options, console);
    set_print_sink(nullptr);
  }
  report.arrays = trial.written();
  if (options.verify) {
    report.verdict = verify(report.arrays, kernel, before);
    good &= report.verdict->within;
  }
  store_outputs(report, options.outputs);
  if (!options.profile.empty()) write_chrome_trace(options.profile, recorded_events());
  if (console.json()) {
    print_json(report, options.repeat, console);
  } else {
    print_text(report, options.repeat, console);
  }
  return good ? kDone : kRefused;
}

}  // namespace aurex::cli
