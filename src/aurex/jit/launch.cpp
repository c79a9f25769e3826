#include "aurex/jit/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "aurex/base/clock.h"
#include "aurex/base/error.h"
#include "aurex/base/log.h"
#include "aurex/device/device.h"
#include "aurex/jit/print_sink.h"
#include "aurex/telemetry/recorder.h"
#include "aurex/tensor/shape.h"

namespace aurex::jit {
namespace {

/// A linear position by the axes of its site; empty where their product does not fit 63 bits.
AxisPositions axis_positions(const AurexKernel& kernel, const AurexSite& site, const AurexFrame& frame,
                             std::int64_t position) {
  AxisPositions positions;
  if (site.axis_count == 0 || position < 0) return positions;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(kernel.axis_count));
  kernel.extents(&frame, extents.data());
  std::int64_t count = 1;
  for (std::int32_t i = site.axis_count; i-- > 0;) {
    const std::int64_t extent = extents[static_cast<std::size_t>(site.first_axis) + static_cast<std::size_t>(i)];
    if (extent <= 0 || __builtin_mul_overflow(count, extent, &count)) return {};
    positions.emplace_back(kernel.axes[site.first_axis + i].name, position % extent);
    position /= extent;
  }
  std::ranges::reverse(positions);
  return positions;
}

[[noreturn]] void raise_fault(const ax::TileProgram& program, const CodeEntry& entry, const AurexFrame& frame,
                              const AurexErrorRecord& record) {
  const AurexKernel& kernel = entry.code->kernel();
  const AurexSite& site = kernel.sites[record.site];
  AxisPositions axes = axis_positions(kernel, site, frame, record.position);
  if (record.fault == kAurexFaultIndex) {
    throw IndexOutOfRange({.kernel = program.name,
                           .line = site.line,
                           .position = record.position,
                           .index = record.value,
                           .bound = record.bound,
                           .axes = std::move(axes)});
  }
  KernelError error(fmt::format("{}, line {}: assertion failed at {}: {}", program.name, site.line,
                                position_text(record.position, axes), site.text));
  error.with("kernel", program.name).with("line", fmt::format("{}", site.line));
  error.with("position", fmt::format("{}", record.position));
  throw error;
}

/// What a call printed, also one that failed: that is when people want to see it.
void show_prints(const ax::TileProgram& program, const CodeEntry& entry, const AurexFrame& frame,
                 const CallOutcome& outcome) {
  const AurexKernel& kernel = entry.code->kernel();
  for (const PrintRecord& record : outcome.prints) {
    const AurexSite& site = kernel.sites[record.site];
    emit_print({.kernel = program.name,
                .line = site.line,
                .position = record.position,
                .axes = axis_positions(kernel, site, frame, record.position),
                .is_float = record.is_float,
                .number = record.is_float ? std::bit_cast<double>(record.bits) : 0,
                .integer = record.is_float ? 0 : std::bit_cast<std::int64_t>(record.bits)});
  }
  if (outcome.prints_dropped == 0) return;
  log_warn("a kernel printed more than one launch may",
           {{"kernel", program.name}, {"dropped", fmt::format("{}", outcome.prints_dropped)}});
}

CoreType core_of(const ax::TileProgram& program) {
  return program.label == "matrix"    ? CoreType::kMatrix
         : program.label == "spiking" ? CoreType::kSpiking
                                      : CoreType::kVector;
}

/// What the trace says of a call: extents, each array's bytes once, and the operations asked for.
LaunchFacts facts_of(Variant& variant, const ax::BoundCall& call) {
  const ax::Flops flops = variant.flops().evaluate(call);
  LaunchFacts facts = {.core = core_of(variant.program()), .flops = flops.count, .flops_exact = flops.exact};
  for (std::size_t i = 0; i < call.extents.size() && i < LaunchFacts::kMaxExtents; ++i) {
    facts.extents[facts.rank++] = call.extents[i];
  }
  for (const TensorView* view : call.views) {
    if (view) facts.bytes += byte_count(view->shape, view->dtype);
  }
  return facts;
}

}  // namespace

AurexPlan plan(const CodeEntry& entry, const ax::BoundCall& call) {
  AurexPlan plan{};
  const AurexFrame frame = call.frame();
  entry.code->plan()(&frame, &plan);
  return plan;
}

void launch(Variant& variant, const CodeEntry& entry, const ax::BoundCall& call, const AurexPlan& plan,
            const LaunchOptions& options) {
  const ax::TileProgram& program = variant.program();
  const bool traced = recording();
  std::optional<LaunchFacts> facts;  // before the clock starts
  if (traced) facts = facts_of(variant, call);
  const std::int64_t begin_ns = traced ? monotonic_ns() : 0;
  const CallOutcome outcome = options.device.backend().call(
      {.drive = entry.code->drive(), .plan = plan, .frame = call.frame(), .stop = options.stop});
  if (traced) record_launch(program.name, begin_ns, *facts);
  if (!outcome.prints.empty()) show_prints(program, entry, call.frame(), outcome);
  if (outcome.stopped) {  // first: which faults a call met before depends on when it was stopped
    KernelError error(fmt::format("{} was stopped before it was done", program.name));
    error.with("kernel", program.name).with("stopped", "true");
    throw error;
  }
  if (outcome.fault.fault != kAurexFaultNone) raise_fault(program, entry, call.frame(), outcome.fault);
}

}  // namespace aurex::jit
