#include <cstddef>

#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {

using namespace schedule;

Emitter::Emitter(const ProgramContext& context, LLVMValueRef function)
    : context_(context),
      program_(context.program),
      machine_(context.machine),
      ir_(context.module, function),
      frame_(LLVMGetParam(function, 0)),
      vars_(program_.vars.size()),
      lets_(program_.lets.size()),
      registers_(program_.registers.size()),
      memo_(program_.exprs.size()),
      memo_statement_(program_.exprs.size(), 0) {}

LLVMValueRef Emitter::capture_address(std::uint32_t slot) {
  return ir_.address(ir_.int_type(64), frame_field(offsetof(AurexFrame, shared), ir_.ptr()), ir_.i64(slot));
}

LLVMValueRef Emitter::align_up(LLVMValueRef bytes, std::int64_t align) {
  return ir_.binary(LLVMAnd, ir_.add(bytes, ir_.i64(align - 1)), ir_.i64(-align));
}

LLVMValueRef Emitter::tile_count(const Launch::TileAxis& axis) {
  const LLVMValueRef step = uniform(axis.step);
  return divide_positive(ir_.add(uniform(axis.extent), ir_.sub(step, ir_.i64(1))), step);
}

LLVMValueRef Emitter::tile_count(const Launch& launch) {
  LLVMValueRef tiles = ir_.i64(1);
  for (const Launch::TileAxis& axis : launch.tiles) tiles = ir_.mul(tiles, tile_count(axis));
  return tiles;
}

/// Both are ≥ 0 and the step > 0 by the form of a launch.
LLVMValueRef Emitter::divide_positive(LLVMValueRef a, LLVMValueRef b) {
  std::int64_t known = 0;
  return Ir::constant(b, known) && known == 1 ? a : ir_.binary(LLVMUDiv, a, b);
}

// ---- drive ----

void Emitter::emit_drive() {
  stopped_ = ir_.block("stopped");
  run(program_.body);
  ir_.jump(stopped_);
  ir_.enter(stopped_);
  ir_.ret();
}

/// Hands the captured names over, then the launch to the runtime.
void Emitter::run(const Launch& launch) {
  const FreeNames names = free_names(program_, launch);
  for (const auto& [let, slot] : context_.survey.captured_lets) {
    if (!names.lets.contains(let)) continue;
    LLVMValueRef value = lets_[let].value().scalar;
    if (Ir::element_bits(LLVMTypeOf(value)) == 1) value = ir_.convert(LLVMZExt, value, ir_.int_type(8));
    ir_.store(value, capture_address(slot), 1);
  }
  for (const auto& [var, slot] : context_.survey.captured_vars) {
    if (names.vars.contains(var)) ir_.store(vars_[var].value().scalar, capture_address(slot), 8);
  }
  const LLVMValueRef tiles = tile_count(launch);
  const LLVMValueRef nanoseconds = launch.nanoseconds == kNone ? Ir::real(ir_.f64(), 0) : uniform(launch.nanoseconds);
  const LLVMValueRef scratch = worker_bytes(launch, false);
  const LLVMTypeRef word = ir_.int_type(64);
  LLVMTypeRef params[] = {ir_.ptr(), ir_.ptr(), word, word, ir_.f64()};
  const LLVMTypeRef type = LLVMFunctionType(ir_.int_type(32), params, 5, 0);
  const LLVMValueRef record = context_.records.at(&launch);
  when(ir_.compare(LLVMIntSGT, tiles, ir_.i64(0)), [&] {
    const LLVMValueRef runtime = frame_field(offsetof(AurexFrame, runtime), ir_.ptr());
    const LLVMValueRef entry =
        ir_.load_invariant(ir_.ptr(), ir_.address(ir_.int_type(8), runtime, ir_.i64(offsetof(AurexRuntime, parallel))));
    const LLVMValueRef stop = ir_.call(type, entry, {frame_, record, tiles, scratch, nanoseconds});
    const LLVMBasicBlockRef going = ir_.block("going");
    ir_.branch_unlikely(ir_.compare(LLVMIntNE, stop, ir_.i32(0)), stopped_, going);
    ir_.enter(going);
  });
}

// ---- block ----

void Emitter::emit_block(const Launch& launch) {
  launch_ = &launch;
  worker_ = LLVMGetParam(ir_.function(), 1);
  const LLVMValueRef first = LLVMGetParam(ir_.function(), 2), last = LLVMGetParam(ir_.function(), 3);
  const std::size_t axes = launch.tiles.size();
  counted_loop(first, last, ir_.i64(1), {}, ~0u, [&](LLVMValueRef tile) {
    LLVMValueRef rest = tile;
    for (std::size_t a = axes; a-- > 0;) {
      const Launch::TileAxis& axis = launch.tiles[a];
      LLVMValueRef own = rest;
      if (a != 0) {
        const LLVMValueRef count = tile_count(axis);
        own = ir_.binary(LLVMURem, rest, count);
        rest = ir_.binary(LLVMUDiv, rest, count);
      }
      vars_[axis.var] = Value{.type = RegType::kI64, .scalar = ir_.mul(own, uniform(axis.step))};
    }
    run(launch.body);
  });
  if (streams_ && machine_.x86) ir_.effect("llvm.x86.sse.sfence", {}, {});
  ir_.ret();
}

// ---- sizes ----

LLVMValueRef Emitter::worker_bytes(const Launch& launch, bool checked) {
  LLVMValueRef bytes = ir_.i64(0);
  for (const BufferId id : launch.scratch) bytes = append(bytes, id, checked);
  return align_up(bytes, 64);
}

/// The end of a buffer that follows what takes `bytes`. `checked`: no sum or product wraps; what would be larger than
/// any memory stays so.
LLVMValueRef Emitter::append(LLVMValueRef bytes, BufferId id, bool checked) {
  const LLVMValueRef end = ir_.add(align_up(bytes, program_.buffers[id].align), scratch_bytes(id, checked));
  if (!checked) return end;
  return ir_.intrinsic("llvm.smin", {ir_.int_type(64)}, {end, ir_.i64(kNoMemoryIsLarger)});
}

LLVMValueRef Emitter::shared_bytes() {
  LLVMValueRef bytes = ir_.i64(context_.survey.capture_bytes());
  for (BufferId id = 0; id < program_.buffers.size(); ++id) {
    if (program_.buffers[id].kind == Buffer::Kind::kShared) bytes = append(bytes, id, true);
  }
  return align_up(bytes, 64);
}

// ---- plan ----

void Emitter::emit_plan() {
  total_tiles_ = ir_.i64(0);
  total_nanoseconds_ = Ir::real(ir_.f64(), 0);
  largest_worker_ = ir_.i64(0);
  plan_body(program_.body, ir_.i64(1));
  const LLVMValueRef plan = LLVMGetParam(ir_.function(), 1);
  const auto put = [&](LLVMValueRef value, unsigned offset) {
    ir_.store(value, ir_.address(ir_.int_type(8), plan, ir_.i64(offset)), 8);
  };
  put(shared_bytes(), offsetof(AurexPlan, shared_bytes));
  put(largest_worker_, offsetof(AurexPlan, worker_bytes));
  put(total_tiles_, offsetof(AurexPlan, tiles));
  put(total_nanoseconds_, offsetof(AurexPlan, nanoseconds));
  ir_.ret();
}

void Emitter::emit_extents() {
  const LLVMValueRef extents = LLVMGetParam(ir_.function(), 1);
  std::int64_t number = 0;
  for (const Site& site : program_.sites) {
    for (const Site::Axis& axis : site.axes) {
      ir_.store(uniform(axis.extent), ir_.address(ir_.int_type(64), extents, ir_.i64(number++)), 8);
    }
  }
  ir_.ret();
}

/// Adds up every launch, as often as the loops around it turn where that is known before the call; a branch counts as
/// taken, a loop of unknown length as one turn.
void Emitter::plan_body(const Body& body, LLVMValueRef times) {
  const auto known = [&](ExprId id) { return id == kNone || context_.survey.from_frame[id]; };
  for (const Stmt& stmt : body) {
    ++statement_;
    if (const auto* launch = std::get_if<Launch>(&stmt.node)) plan_launch(*launch, times);
    if (const auto* branch = std::get_if<If>(&stmt.node)) {
      plan_body(branch->then_body, times);
      plan_body(branch->else_body, times);
    }
    if (const auto* loop = std::get_if<While>(&stmt.node)) plan_body(loop->body, times);
    if (const auto* loop = std::get_if<Loop>(&stmt.node)) {
      LLVMValueRef turns = times;
      if (known(loop->lo) && known(loop->hi) && loop->step == kNone) {
        const LLVMTypeRef word = ir_.int_type(64);
        const LLVMValueRef length = ir_.sub(uniform(loop->hi), uniform(loop->lo));
        turns = ir_.mul(times, ir_.intrinsic("llvm.smax", {word}, {length, ir_.i64(0)}));
      }
      plan_body(loop->body, turns);
    }
  }
}

void Emitter::plan_launch(const Launch& launch, LLVMValueRef times) {
  bool countable = true;
  for (const Launch::TileAxis& axis : launch.tiles) {
    countable = countable && context_.survey.from_frame[axis.extent] && context_.survey.from_frame[axis.step];
  }
  const LLVMValueRef tiles = countable ? tile_count(launch) : ir_.i64(1);
  total_tiles_ = ir_.add(total_tiles_, ir_.mul(tiles, times));
  largest_worker_ = ir_.intrinsic("llvm.smax", {ir_.int_type(64)}, {largest_worker_, worker_bytes(launch, true)});
  if (launch.nanoseconds == kNone || !context_.survey.from_frame[launch.nanoseconds]) return;
  const LLVMValueRef cost =
      ir_.binary(LLVMFMul, uniform(launch.nanoseconds), ir_.convert(LLVMSIToFP, times, ir_.f64()));
  total_nanoseconds_ = ir_.binary(LLVMFAdd, total_nanoseconds_, cost);
}

}  // namespace aurex::codegen
