// aurex compile: what a kernel becomes, stage by stage, and how long each stage takes.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/parser.h"
#include "aurex/ax/syntax_printer.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/base/clock.h"
#include "aurex/base/error.h"
#include "aurex/codegen/compile.h"
#include "aurex/jit/variant.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/schedule_text.h"
#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/output_file.h"
#include "cli/sample_call.h"
#include "cli/target_name.h"

namespace aurex::cli {
namespace {

/// Milliseconds of each stage on the way from text to callable code, in order.
struct Stage {
  const char* name;
  double ms = 0;
};
struct Stages {
  std::string kernel;
  std::vector<Stage> list;  // the last one is the total
};

class Stopwatch {
 public:
  double lap_ms() {
    const std::int64_t now = monotonic_ns();
    return static_cast<double>(now - std::exchange(last_, now)) * 1e-6;
  }

 private:
  std::int64_t last_ = monotonic_ns();
};

ax::TileProgram sample_program(const ax::CheckedModule& module, const std::string& kernel) {
  return ax::specialize(module, kernel, ax::sample_specialization(module, kernel));
}

Stages time_stages(const std::shared_ptr<const ax::Source>& source, const std::string& wanted,
                   const schedule::Target& target, schedule::Schedule schedule, const NamedExtents& extents) {
  Stopwatch watch;
  ax::DiagnosticSink parse_sink;
  static_cast<void>(ax::parse(*source, parse_sink));
  const double parse = watch.lap_ms();
  const auto module = checked(source);  // parses once more
  const double check = std::max(0.0, watch.lap_ms() - parse);
  const auto& kernels = ax::kernels(*module);
  const std::string& kernel = kernels[choose_kernel(kernels, wanted)].name;
  const ax::TileProgram program = sample_program(*module, kernel);
  const double specialize = watch.lap_ms();
  const SampleCall call(program, extents);
  const auto classes = jit::stride_classes(call.binding(), call.bound());
  watch.lap_ms();
  const auto size = schedule::size_class(program, call.bound().extents.data(), target);
  const schedule::LoopProgram loops = schedule::lower(program, classes, size, target, schedule);
  const double lower = watch.lap_ms();
  const auto code = codegen::compile(loops, target);
  const codegen::CompileTimes& times = code->times();
  std::vector<Stage> list = {{"parse", parse},       {"check", check},        {"specialise", specialize},
                             {"lower", lower},       {"emit", times.emit_ms}, {"codegen", times.codegen_ms},
                             {"link", times.link_ms}};
  double total = 0;
  for (const Stage& stage : list) total += stage.ms;
  list.push_back({"total", total});
  return {kernel, std::move(list)};
}

void print_timing(const std::shared_ptr<const ax::Source>& source, const CompileOptions& options,
                  const schedule::Target& target, const NamedExtents& extents, const Console& console) {
  constexpr int kRounds = 5;
  const schedule::Schedule pins = read_schedule(options.schedule);
  const Stages first = time_stages(source, options.kernel, target, pins, extents);
  Stages best = time_stages(source, options.kernel, target, pins, extents);
  Progress progress(console, "compiling", kRounds);
  for (int round = 1; round < kRounds; ++round) {
    Stages stages = time_stages(source, options.kernel, target, pins, extents);
    if (stages.list.back().ms < best.list.back().ms) best = std::move(stages);
    progress.step();
  }
  if (console.json()) {
    nlohmann::json json = {{"kernel", first.kernel}, {"target", target.name}, {"unit", "ms"}};
    for (const Stage& stage : first.list) json["first"][stage.name] = stage.ms;
    for (const Stage& stage : best.list) json["again"][stage.name] = stage.ms;
    console.line(json.dump(2));
    return;
  }
  console.line(fmt::format("{} on {}, milliseconds; first: in a fresh process, again: best of {}", first.kernel,
                           target.name, kRounds));
  console.line(fmt::format("{:<12}{:>9}{:>9}", "stage", "first", "again"));
  for (std::size_t i = 0; i < first.list.size(); ++i) {
    console.line(fmt::format("{:<12}{:>9.3f}{:>9.3f}", first.list[i].name, first.list[i].ms, best.list[i].ms));
  }
}

std::string emit_text(const std::shared_ptr<const ax::Source>& source, const CompileOptions& options,
                      const schedule::Target& target, const NamedExtents& extents) {
  const auto module = checked(source);
  const auto& kernels = ax::kernels(*module);
  const ax::TileProgram program = sample_program(*module, kernels[choose_kernel(kernels, options.kernel)].name);
  if (options.emit == "tile") return ax::print(program);
  const SampleCall call(program, extents);
  schedule::Schedule schedule = read_schedule(options.schedule);
  const schedule::LoopProgram loops =
      schedule::lower(program, jit::stride_classes(call.binding(), call.bound()),
                      schedule::size_class(program, call.bound().extents.data(), target), target, schedule);
  if (options.emit == "schedule") return schedule::print(schedule);
  if (options.emit == "loop") return schedule::print(loops);
  return codegen::emit(loops, target,
                       options.emit == "llvm"  ? codegen::Emit::kLlvm
                       : options.emit == "asm" ? codegen::Emit::kAssembly
                                               : codegen::Emit::kObject);
}

std::string emit_ast(const ax::Source& source) {
  ax::DiagnosticSink sink;
  const ax::ParseResult parsed = ax::parse(source, sink);
  ax::raise_if_refused(source, sink);
  return ax::syntax::dump(parsed.module);
}

}  // namespace

int compile(const CompileOptions& options, const Console& console) {
  const auto source = read_source(options.file);
  if (options.emit == "ast") {
    write_output(options.output, emit_ast(*source), console);
    return kDone;
  }
  const schedule::Target target = choose_target(options.target);
  const NamedExtents extents = parse_extents(options.shape);
  if (options.timing) print_timing(source, options, target, extents, console);
  if (!options.emit.empty()) {
    write_output(options.output, emit_text(source, options, target, extents), console);
  } else if (!options.timing) {
    throw UsageError("say what to show: --emit ast|tile|schedule|loop|llvm|asm|obj, or --timing");
  }
  return kDone;
}

}  // namespace aurex::cli
