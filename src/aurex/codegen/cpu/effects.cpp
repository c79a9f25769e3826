#include <cstddef>

#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {

using namespace schedule;

LLVMValueRef Emitter::any(LLVMValueRef mask) {
  if (Ir::lanes(mask) == 1) return mask;
  return ir_.intrinsic("llvm.vector.reduce.or", {LLVMTypeOf(mask)}, {mask});
}

void Emitter::each_lane(Shape shape, std::span<const LLVMValueRef> mask,
                        const std::function<void(unsigned vector, LLVMValueRef lane)>& body) {
  for (unsigned n = 0; n < shape.vectors; ++n) {
    for (unsigned l = 0; l < shape.lanes; ++l) {
      const LLVMValueRef lane = ir_.i64(l);
      if (mask.empty()) {
        body(n, lane);
      } else {
        when(shape.lanes == 1 ? mask[n] : ir_.lane(mask[n], lane), [&] { body(n, lane); });
      }
    }
  }
}

void Emitter::call_runtime(unsigned offset, std::span<const LLVMTypeRef> types,
                           std::initializer_list<LLVMValueRef> args) {
  const LLVMValueRef runtime = frame_field(offsetof(AurexFrame, runtime), ir_.ptr());
  const LLVMValueRef entry = ir_.load_invariant(ir_.ptr(), ir_.address(ir_.int_type(8), runtime, ir_.i64(offset)));
  const LLVMTypeRef type =
      LLVMFunctionType(LLVMVoidTypeInContext(ir_.context()), const_cast<LLVMTypeRef*>(types.data()),
                       static_cast<unsigned>(types.size()), 0);
  ir_.call(type, entry, args);
}

/// One test for the whole block of lanes; what the record needs is computed in the cold block only.
void Emitter::run(const Check& check) {
  const Value ok = eval(check.ok);
  const Value* predicate = check.predicate == kNone ? nullptr : &eval(check.predicate);
  const bool one = ok.uniform() && (predicate == nullptr || predicate->uniform());
  std::vector<LLVMValueRef> bad;
  Shape shape;
  if (one) {
    bad = {ir_.bit_not(ok.scalar)};
    if (predicate != nullptr) bad[0] = ir_.binary(LLVMAnd, bad[0], predicate->scalar);
  } else {
    const Value parts[] = {ok, predicate == nullptr ? ok : *predicate};
    shape = step_ ? Shape{step_->lanes, step_->vectors} : shape_of(parts);
    const std::vector<LLVMValueRef> mask = live(predicate, shape);
    for (const LLVMValueRef part : spread(ok, shape)) bad.push_back(ir_.bit_not(part));
    for (std::size_t n = 0; n < mask.size(); ++n) bad[n] = ir_.binary(LLVMAnd, bad[n], mask[n]);
  }
  LLVMValueRef found = nullptr;
  for (const LLVMValueRef part : bad) found = found == nullptr ? part : ir_.binary(LLVMOr, found, part);

  const LLVMBasicBlockRef report = ir_.block("fault"), after = ir_.block("checked");
  ir_.push_scope(ir_.branch_unlikely(any(found), report, after));
  ir_.enter(report);
  // Whatever the cold block computes is gone after it.
  const auto lets = lets_, vars = vars_;
  const auto bases = bases_;
  ir_.pin(true);
  report_fault(check, shape, bad);
  ir_.pin(false);
  lets_ = lets;
  vars_ = vars;
  bases_ = bases;
  ir_.jump(after);
  ir_.pop_scope();
  ir_.enter(after);
}

void Emitter::report_fault(const Check& check, Shape shape, std::span<const LLVMValueRef> bad) {
  const LLVMTypeRef word = ir_.int_type(64), half = ir_.int_type(32);
  const LLVMTypeRef types[] = {ir_.ptr(), half, half, word, word, word};
  const Value values[] = {cast(eval(check.position), RegType::kI64), cast(eval(check.value), RegType::kI64),
                          cast(eval(check.bound), RegType::kI64)};
  for (std::size_t n = 0; n < bad.size(); ++n) {
    LLVMValueRef lane = nullptr;
    if (shape.lanes > 1) {
      const LLVMTypeRef set = ir_.int_type(shape.lanes);
      const LLVMValueRef bits = ir_.convert(LLVMBitCast, bad[n], set);
      const LLVMValueRef first = ir_.intrinsic("llvm.cttz", {set}, {bits, ir_.truth(false)});
      lane = ir_.convert(shape.lanes < 64 ? LLVMZExt : LLVMBitCast, first, word);
    }
    LLVMValueRef picked[3];
    for (std::size_t i = 0; i < 3; ++i) {
      picked[i] = values[i].scalar;  // a uniform check in a vector loop reports the step's first position
      if (values[i].uniform() || shape.lanes * shape.vectors == 1) continue;
      const LLVMValueRef vector = spread(values[i], shape)[n];
      picked[i] = lane == nullptr ? vector : ir_.lane(vector, lane);
    }
    const auto call = [&] {
      call_runtime(offsetof(AurexRuntime, fail), types,
                   {frame_, ir_.i32(check.fault), ir_.i32(check.site), picked[0], picked[1], picked[2]});
    };
    if (bad.size() == 1) {
      call();
    } else {
      when(any(bad[n]), call);
    }
  }
}

void Emitter::run(const Print& print) {
  const LLVMTypeRef word = ir_.int_type(64), half = ir_.int_type(32);
  const LLVMTypeRef types[] = {ir_.ptr(), half, word, half, word};
  const Value raw = eval(print.value);
  const bool number = ax::is_float(raw.type);
  const Value value = cast(raw, number ? RegType::kF64 : RegType::kI64),
              position = cast(eval(print.position), RegType::kI64);
  const Value* predicate = print.predicate == kNone ? nullptr : &eval(print.predicate);
  const auto emit = [&](LLVMValueRef at, LLVMValueRef what) {
    call_runtime(offsetof(AurexRuntime, print), types,
                 {frame_, ir_.i32(print.site), at, ir_.i32(number ? 1 : 0), ir_.convert(LLVMBitCast, what, word)});
  };
  if (value.uniform() && position.uniform() && (predicate == nullptr || predicate->uniform())) {
    if (predicate == nullptr) return emit(position.scalar, value.scalar);
    return when(predicate->scalar, [&] { emit(position.scalar, value.scalar); });
  }
  std::vector<Value> parts = {value, position};
  if (predicate != nullptr) parts.push_back(*predicate);
  const Shape shape = step_ ? Shape{step_->lanes, step_->vectors} : shape_of(parts);
  const std::vector<LLVMValueRef> values = spread(value, shape), positions = spread(position, shape);
  each_lane(shape, live(predicate, shape), [&](unsigned n, LLVMValueRef lane) {
    const auto pick = [&](LLVMValueRef vector) { return shape.lanes == 1 ? vector : ir_.lane(vector, lane); };
    emit(pick(positions[n]), pick(values[n]));
  });
}

}  // namespace aurex::codegen
