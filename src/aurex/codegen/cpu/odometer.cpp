#include <cstddef>

#include "aurex/base/error.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/cpu/emitter.h"
#include "aurex/codegen/cpu/odometer_functions.h"

namespace aurex::codegen {

using namespace schedule;

/// The innermost digit and the offset of every array used are carried from position to position; the outer digits lie
/// in memory and move once per inner row. Divisions happen where the loop starts.
void Emitter::run_odometer(const Loop& loop) {
  const LLVMTypeRef word = ir_.int_type(64);
  const LLVMValueRef lo = uniform(loop.lo), hi = uniform(loop.hi);
  const auto uses = pack_uses(program_, loop.body, loop.var);
  const OdometerFunctions functions = odometer_functions(ir_.module());
  const LLVMValueRef digits = ir_.slot(word, kAurexPackRank);

  const LLVMValueRef all_packs = frame_field(offsetof(AurexFrame, packs), ir_.ptr());
  const LLVMValueRef extents = ir_.address(word, all_packs, ir_.i64(std::int64_t{loop.pack} * kAurexPackRank));
  const auto innermost = [&](LLVMValueRef table) {
    return ir_.load_invariant(word, ir_.address(word, table, ir_.i64(kAurexPackRank - 1)));
  };
  std::vector<LLVMValueRef> strides;
  for (const auto& [buffer, dimension] : uses) {
    const Buffer& array = program_.buffers[buffer];
    const LLVMValueRef table = array_field(array.array, offsetof(AurexArray, strides), ir_.ptr());
    strides.push_back(ir_.address(word, table, ir_.i64(array.slots[dimension])));
  }

  const std::vector<RegId> set = live_registers(loop.body);
  const unsigned vectors = step_ ? step_->vectors : ~0u;
  const LLVMBasicBlockRef start = ir_.block("odometer"), turn = ir_.block("loop"), carry = ir_.block("carry"),
                          next = ir_.block("next"), after = ir_.block("after");
  std::vector<LLVMValueRef> initial, phis, last;
  each_slot(set, vectors, [&](LLVMValueRef slot) { initial.push_back(slot); });
  const LLVMBasicBlockRef before = ir_.current();
  ir_.push_scope(ir_.branch(ir_.compare(LLVMIntSLT, lo, hi), start, after));

  ir_.enter(start);
  const auto call = [&](LLVMValueRef function, std::initializer_list<LLVMValueRef> args) {
    return ir_.call(LLVMGlobalGetValueType(function), function, args);
  };
  call(functions.start, {extents, lo, digits});
  std::vector<LLVMValueRef> offsets;
  for (const LLVMValueRef table : strides) offsets.push_back(call(functions.offset, {digits, table}));
  const LLVMValueRef first_digit = ir_.load(word, ir_.address(word, digits, ir_.i64(kAurexPackRank - 1)), 8);
  ir_.push_scope(ir_.jump(turn));

  ir_.enter(turn);
  const auto carried = [&](LLVMValueRef from) {
    const LLVMValueRef phi = ir_.phi(LLVMTypeOf(from));
    Ir::incoming(phi, from, start);
    return phi;
  };
  const LLVMValueRef position = carried(lo), digit = carried(first_digit);
  std::vector<LLVMValueRef> moving;
  for (std::size_t i = 0; i < uses.size(); ++i) moving.push_back(carried(offsets[i]));
  each_slot(set, vectors, [&](LLVMValueRef& slot) { phis.push_back(slot = carried(slot)); });
  vars_[loop.var] = Value{.type = RegType::kI64, .scalar = position};
  for (std::size_t i = 0; i < uses.size(); ++i) pack_offsets_[{loop.var, uses[i]}] = moving[i];

  run(loop.body);

  each_slot(set, vectors, [&](LLVMValueRef slot) { last.push_back(slot); });
  const LLVMValueRef moved = ir_.add(digit, ir_.i64(1));
  std::vector<LLVMValueRef> stepped;
  for (std::size_t i = 0; i < uses.size(); ++i) stepped.push_back(ir_.add(moving[i], innermost(strides[i])));
  const LLVMBasicBlockRef body_end = ir_.current();
  ir_.push_scope(ir_.branch(ir_.compare(LLVMIntSGE, moved, innermost(extents)), carry, next));
  ir_.enter(carry);
  call(functions.carry, {extents, digits});
  std::vector<LLVMValueRef> jumped;
  for (const LLVMValueRef table : strides) jumped.push_back(call(functions.offset, {digits, table}));
  ir_.jump(next);
  ir_.pop_scope();

  ir_.enter(next);
  const auto merged = [&](LLVMValueRef straight, LLVMValueRef wrapped) {
    const LLVMValueRef phi = ir_.phi(word);
    Ir::incoming(phi, straight, body_end);
    Ir::incoming(phi, wrapped, carry);
    return phi;
  };
  Ir::incoming(digit, merged(moved, ir_.i64(0)), next);
  for (std::size_t i = 0; i < uses.size(); ++i) Ir::incoming(moving[i], merged(stepped[i], jumped[i]), next);
  const LLVMValueRef following = ir_.add(position, ir_.i64(1));
  Ir::incoming(position, following, next);
  for (std::size_t i = 0; i < phis.size(); ++i) Ir::incoming(phis[i], last[i], next);
  ir_.branch(ir_.compare(LLVMIntSLT, following, hi), turn, after);
  ir_.pop_scope();
  ir_.pop_scope();

  ir_.enter(after);
  std::size_t i = 0;
  each_slot(set, vectors, [&](LLVMValueRef& slot) {
    slot = ir_.phi(LLVMTypeOf(slot));
    Ir::incoming(slot, initial[i], before);
    Ir::incoming(slot, last[i++], next);
  });
}

}  // namespace aurex::codegen
