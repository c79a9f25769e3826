#include "aurex/codegen/cpu/odometer_functions.h"

#include <functional>
#include <span>

#include "aurex/base/kernel_abi.h"

namespace aurex::codegen {
namespace {

constexpr std::int64_t kInner = kAurexPackRank - 1;

LLVMValueRef made_once(LLVMModuleRef module, const char* name, LLVMTypeRef result, std::span<LLVMTypeRef> params,
                       const std::function<void(Ir&)>& body) {
  if (const LLVMValueRef known = LLVMGetNamedFunction(module, name)) return known;
  const LLVMTypeRef type = LLVMFunctionType(result, params.data(), static_cast<unsigned>(params.size()), 0);
  const LLVMValueRef function = LLVMAddFunction(module, name, type);
  LLVMSetLinkage(function, LLVMPrivateLinkage);
  Ir ir(module, function);
  body(ir);
  return function;
}

LLVMValueRef entry(Ir& ir, LLVMValueRef table, std::int64_t k) { return ir.address(ir.int_type(64), table, ir.i64(k)); }

/// digits[k] = position % extents[k], from the innermost; an extent of one (most are) costs no division.
void emit_start(Ir& ir) {
  const LLVMTypeRef word = ir.int_type(64);
  const LLVMValueRef extents = LLVMGetParam(ir.function(), 0), digits = LLVMGetParam(ir.function(), 2);
  LLVMValueRef position = LLVMGetParam(ir.function(), 1);
  for (std::int64_t k = kInner; k >= 0; --k) {
    const LLVMValueRef extent = ir.load_invariant(word, entry(ir, extents, k));
    const LLVMBasicBlockRef before = ir.current(), divide = ir.block("divide"), after = ir.block("digit");
    ir.push_scope(ir.branch(ir.compare(LLVMIntSGT, extent, ir.i64(1)), divide, after));
    ir.enter(divide);
    const LLVMValueRef rest = ir.binary(LLVMURem, position, extent), quotient = ir.binary(LLVMUDiv, position, extent);
    const LLVMBasicBlockRef divided = ir.current();
    ir.jump(after);
    ir.pop_scope();
    ir.enter(after);
    const LLVMValueRef digit = ir.phi(word), left = ir.phi(word);
    Ir::incoming(digit, ir.i64(0), before);
    Ir::incoming(digit, rest, divided);
    Ir::incoming(left, position, before);
    Ir::incoming(left, quotient, divided);
    ir.store(digit, entry(ir, digits, k), 8);
    position = left;
  }
  ir.ret();
}

/// The innermost digit becomes 0, the next one that has room is raised, those between become 0.
void emit_carry(Ir& ir) {
  const LLVMTypeRef word = ir.int_type(64);
  const LLVMValueRef extents = LLVMGetParam(ir.function(), 0), digits = LLVMGetParam(ir.function(), 1);
  const LLVMBasicBlockRef done = ir.block("done");
  ir.store(ir.i64(0), entry(ir, digits, kInner), 8);
  for (std::int64_t k = kInner - 1; k >= 0; --k) {
    const LLVMBasicBlockRef wrapped = ir.block("wrapped");
    const LLVMValueRef raised = ir.add(ir.load(word, entry(ir, digits, k), 8), ir.i64(1));
    const LLVMValueRef room = ir.compare(LLVMIntSLT, raised, ir.load_invariant(word, entry(ir, extents, k)));
    ir.store(ir.select(room, raised, ir.i64(0)), entry(ir, digits, k), 8);
    ir.branch(room, done, wrapped);
    ir.enter(wrapped);
  }
  ir.jump(done);
  ir.enter(done);
  ir.ret();
}

void emit_offset(Ir& ir) {
  const LLVMTypeRef word = ir.int_type(64);
  const LLVMValueRef digits = LLVMGetParam(ir.function(), 0), strides = LLVMGetParam(ir.function(), 1);
  LLVMValueRef offset = ir.i64(0);
  for (std::int64_t k = 0; k <= kInner; ++k) {
    const LLVMValueRef digit = ir.load(word, entry(ir, digits, k), 8);
    offset = ir.add(offset, ir.mul(digit, ir.load_invariant(word, entry(ir, strides, k))));
  }
  ir.ret(offset);
}

}  // namespace

OdometerFunctions odometer_functions(LLVMModuleRef module) {
  const LLVMContextRef context = LLVMGetModuleContext(module);
  const LLVMTypeRef word = LLVMInt64TypeInContext(context), address = LLVMPointerTypeInContext(context, 0);
  const LLVMTypeRef nothing = LLVMVoidTypeInContext(context);
  LLVMTypeRef start[] = {address, word, address}, two[] = {address, address};
  return {.start = made_once(module, "odometer.start", nothing, start, emit_start),
          .carry = made_once(module, "odometer.carry", nothing, two, emit_carry),
          .offset = made_once(module, "odometer.offset", word, two, emit_offset)};
}

}  // namespace aurex::codegen
