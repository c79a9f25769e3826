#include "aurex/jit/launch.h"

#include <fmt/format.h>

#include "aurex/base/clock.h"
#include "aurex/base/error.h"
#include "aurex/device/device.h"
#include "aurex/memory/allocator.h"
#include "aurex/telemetry/recorder.h"
#include "aurex/tensor/shape.h"

namespace aurex::jit {
namespace {

[[noreturn]] void raise_fault(const ax::TileProgram& program, const CodeEntry& entry, const AurexErrorRecord& record) {
  const schedule::Site& site = entry.loops.sites[static_cast<std::size_t>(record.site)];
  if (record.fault == kAurexFaultIndex) {
    throw IndexOutOfRange({.kernel = program.name,
                           .line = site.line,
                           .position = record.position,
                           .index = record.value,
                           .bound = record.bound});
  }
  KernelError error(fmt::format("{}, line {}: assertion failed at position {}: {}", program.name, site.line,
                                record.position, site.text));
  error.with("kernel", program.name).with("line", fmt::format("{}", site.line));
  error.with("position", fmt::format("{}", record.position));
  throw error;
}

/// What the trace says of a call: extents, and each array's bytes once.
LaunchFacts facts_of(const ax::TileProgram& program, const ax::BoundCall& call) {
  LaunchFacts facts;
  for (std::size_t i = 0; i < call.extents.size() && i < LaunchFacts::kMaxExtents; ++i) {
    facts.extents[facts.rank++] = call.extents[i];
  }
  for (const TensorView* view : call.views) {
    if (view) facts.bytes += byte_count(view->shape, view->dtype);
  }
  return facts;
}

/// Gives the kernel's own arrays memory, row-major after each other, that the calling thread keeps for its next call.
void place_scratch(const ax::TileProgram& program, ax::BoundCall& call) {
  thread_local Buffer memory;
  constexpr std::int64_t kAlignment = 64;
  std::int64_t bytes = 0;
  const auto each = [&](auto&& use) {
    bytes = 0;
    for (ax::ArrayId id = 0; id < program.arrays.size(); ++id) {
      const ax::Array& array = program.arrays[id];
      if (array.role != ax::ArrayRole::kScratch) continue;
      Dims shape;
      for (const ax::ArrayDim& dim : array.dims) shape.push_back(call.extents[dim.dim]);
      use(call.arrays[id]);
      bytes += (byte_count(shape, array.storage.dtype) + kAlignment - 1) / kAlignment * kAlignment;
    }
  };
  each([](AurexArray&) {});
  if (bytes == 0) return;
  if (bytes > memory.size()) memory = Buffer(bytes);
  each([&](AurexArray& array) { array.data = reinterpret_cast<char*>(memory.data()) + bytes; });
}

}  // namespace

AurexPlan plan(const CodeEntry& entry, const ax::BoundCall& call) {
  AurexPlan plan{};
  const AurexFrame frame = call.frame();
  entry.code->plan()(&frame, &plan);
  return plan;
}

std::vector<PrintRecord> launch(const ax::TileProgram& program, const CodeEntry& entry, ax::BoundCall& call,
                                const AurexPlan& plan, const LaunchOptions& options) {
  place_scratch(program, call);
  const bool traced = recording();
  const std::int64_t begin_ns = traced ? monotonic_ns() : 0;
  CallOutcome outcome = options.device.backend().call(
      {.drive = entry.code->drive(), .plan = plan, .frame = call.frame(), .stop = options.stop});
  if (traced) record_launch(program.name, begin_ns, facts_of(program, call));
  if (outcome.fault.fault != kAurexFaultNone) raise_fault(program, entry, outcome.fault);
  if (outcome.stopped) {
    KernelError error(fmt::format("{} was stopped before it was done", program.name));
    error.with("kernel", program.name).with("stopped", "true");
    throw error;
  }
  return std::move(outcome.prints);
}

}  // namespace aurex::jit
