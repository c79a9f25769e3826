#include "compiled.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aurex/ax/tile_parser.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/ax/tile_verify.h"
#include "aurex/base/error.h"
#include "aurex/base/hash.h"
#include "aurex/base/thread_pool.h"
#include "aurex/device/cpu/call.h"
#include "aurex/jit/launch.h"
#include "aurex/jit/variant.h"
#include "aurex/schedule/loop_executor.h"
#include "aurex/schedule/loop_parser.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/loop_verify.h"
#include "aurex/schedule/schedule_text.h"
#include "turned.h"

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

namespace aurex::testing {
namespace {

/// Distinct programs that are kept before all are forgotten; bounds the memory of long random runs.
constexpr std::size_t kMaxPrograms = 200;

void require_legal(const schedule::LoopProgram& loops, const std::string& text) {
  const auto complain = [&](const std::string& what) { throw Complaint(what + "\n" + text); };
  for (const std::string& fault : schedule::verify(loops)) complain("illegal loop program: " + fault);
  schedule::LoopProgram reread;
  try {
    reread = schedule::parse(text);
  } catch (const FormatError& error) {
    complain("its text does not parse: " + error.message());
  }
  for (const std::string& fault : schedule::verify(reread)) complain("illegal once read back: " + fault);
  if (schedule::print(reread) != text) complain("read back and printed, it is\n" + schedule::print(reread) + "\nnot");
}

/// Code, and what it is made from.
struct Entry : jit::CodeEntry {
  schedule::LoopProgram loops;
};

/// A tile program reads back from its text, and is as legal.
void require_readable(const std::string& text) {
  const ax::TileProgram again = ax::parse_tile_program(text);
  if (ax::print(again) != text) throw Complaint("read back and printed, it is\n" + ax::print(again) + "\nnot\n" + text);
  for (const std::string& breach : ax::verify(again))
    throw Complaint("illegal once read back: " + breach + "\n" + text);
}

/// A complete schedule reads back from its text, and makes the same loop program again.
void require_exact(const schedule::Schedule& made, const ax::TileProgram& program, const Entry& entry,
                   const schedule::Target& target, const std::string& text) {
  const std::string written = schedule::print(made);
  schedule::Schedule again = schedule::parse_schedule(written);
  if (again != made) throw Complaint("a schedule read back is\n" + schedule::print(again) + "\nnot\n" + written);
  const schedule::LoopProgram loops = schedule::lower(program, entry.classes, entry.size, target, again);
  if (again != made) throw Complaint("a schedule lowered again is\n" + schedule::print(again) + "\nnot\n" + written);
  if (schedule::print(loops) != text) throw Complaint("lowered by\n" + written + "\nit is\n" + schedule::print(loops));
}

/// The loop program of a call, with its machine code from the first time that it is asked for.
Entry& entry_for(const ax::Binding& binding, const ax::BoundCall& call, const Lowering& lowering) {
  static std::map<std::string, std::unique_ptr<Entry>> entries;
  auto entry = std::make_unique<Entry>();
  entry->classes = jit::stride_classes(binding, call);
  entry->size = schedule::size_class(binding.program(), call.extents.data(), lowering.target);
  const ax::TileProgram& program = binding.program();
  const std::string tiles = ax::print(program);
  schedule::Schedule schedule;
  if (lowering.turns > 0) {
    schedule = turned_schedule(program, entry->classes, entry->size, lowering.target, hash64(tiles), lowering.turns);
  }
  entry->loops = schedule::lower(program, entry->classes, entry->size, lowering.target, schedule);
  const std::string text = schedule::print(entry->loops);
  if (const auto found = entries.find(text); found != entries.end()) return *found->second;
  require_readable(tiles);
  require_legal(entry->loops, text);
  require_exact(schedule, program, *entry, lowering.target, text);
  if (entries.size() == kMaxPrograms) entries.clear();
  return *(entries[text] = std::move(entry));
}

const jit::CodeEntry& code_for(const ax::Binding& binding, const ax::BoundCall& call, const Lowering& lowering) {
  Entry& entry = entry_for(binding, call, lowering);
  if (!entry.code) entry.code = codegen::compile(entry.loops, lowering.target);
  return entry;
}

void raise_fault(std::int32_t fault, std::int64_t value, std::int64_t bound) {
  if (fault == kAurexFaultNone) return;
  if (fault == kAurexFaultAssert) throw KernelError("assertion failed");
  throw IndexOutOfRange({.kernel = "", .line = 0, .position = 0, .index = value, .bound = bound});
}

/// What the loop executor reports to the runtime: the first fault.
struct FirstFault {
  std::int32_t fault = kAurexFaultNone;
  std::int64_t value = 0, bound = 0;
};

void keep_first(const AurexFrame* frame, std::int32_t fault, std::int32_t, std::int64_t, std::int64_t value,
                std::int64_t bound) {
  auto& first = *static_cast<FirstFault*>(frame->context);
  if (first.fault == kAurexFaultNone) first = {.fault = fault, .value = value, .bound = bound};
}

void ignore_print(const AurexFrame*, std::int32_t, std::int64_t, std::int32_t, std::uint64_t) {}

struct Crew {
  explicit Crew(int threads) : pool(threads) {}
  ThreadPool pool;
  cpu::Workers workers{pool};
};

cpu::Workers& workers_of(int threads) {
  static std::map<int, std::unique_ptr<Crew>> crews;
  auto& crew = crews[threads];
  if (!crew) crew = std::make_unique<Crew>(threads);
  return crew->workers;
}

/// The pool runs small launches on the caller's thread. A drive of this kind calls every launch long.
class LongLaunches {
 public:
  static AurexDrive around(AurexDrive drive) {
    inner_ = drive;
    return run;
  }

 private:
  static void run(const AurexFrame* frame) {
    AurexRuntime runtime = *frame->runtime;
    runtime.parallel = [](const AurexFrame* call, const AurexLaunch* launch, std::int64_t tiles,
                          std::int64_t scratch_bytes,
                          double) { return parallel_(call, launch, tiles, scratch_bytes, 1e9); };
    parallel_ = frame->runtime->parallel;
    AurexFrame own = *frame;
    own.runtime = &runtime;
    inner_(&own);
  }

  static thread_local AurexDrive inner_;
  static thread_local decltype(AurexRuntime::parallel) parallel_;
};
thread_local AurexDrive LongLaunches::inner_ = nullptr;
thread_local decltype(AurexRuntime::parallel) LongLaunches::parallel_ = nullptr;

/// The control word with flush-to-zero and denormals-are-zero while it lives.
class FlushToZero {
 public:
#ifdef __x86_64__
  explicit FlushToZero(bool on) : saved_(_mm_getcsr()) {
    if (on) _mm_setcsr(saved_ | 0x8040);
  }
  ~FlushToZero() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#else
  explicit FlushToZero(bool) {}
#endif
};

}  // namespace

void run_loops(const ax::Binding& binding, ax::BoundCall& call, const Lowering& lowering, bool reverse_tiles) {
  const Entry& entry = entry_for(binding, call, lowering);
  FirstFault fault;
  AurexRuntime runtime{};
  runtime.version = kAurexAbiVersion;
  runtime.fail = keep_first;
  runtime.print = ignore_print;
  AurexFrame frame = call.frame();
  frame.runtime = &runtime;
  frame.context = &fault;
  const std::vector<std::string> complaints = schedule::execute(entry.loops, frame, {.reverse_tiles = reverse_tiles});
  if (!complaints.empty()) throw Complaint(complaints.front() + "\n" + schedule::print(entry.loops));
  raise_fault(fault.fault, fault.value, fault.bound);
}

void run_code(const ax::Binding& binding, ax::BoundCall& call, const Lowering& lowering) {
  const jit::CodeEntry& entry = code_for(binding, call, lowering);
  const CallRequest request = {.drive = entry.code->drive(), .plan = jit::plan(entry, call), .frame = call.frame()};
  const CallOutcome outcome = Device::cpu().backend().call(request);
  raise_fault(outcome.fault.fault, outcome.fault.value, outcome.fault.bound);
}

void run_code_under(const Circumstances& circumstances, const ax::Binding& binding, ax::BoundCall& call,
                    const schedule::Target& target) {
  const jit::CodeEntry& entry = code_for(binding, call, {.target = target});
  cpu::Workers& workers = workers_of(circumstances.threads);
  const CallRequest request = {
      .drive = LongLaunches::around(entry.code->drive()), .plan = jit::plan(entry, call), .frame = call.frame()};
  CallOutcome outcome;
  {
    const FlushToZero flush(circumstances.flush_to_zero);
    outcome = cpu::run_call(request, workers);
  }
  raise_fault(outcome.fault.fault, outcome.fault.value, outcome.fault.bound);
}

}  // namespace aurex::testing
