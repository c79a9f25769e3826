#include "aurex/codegen/cpu/operations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "aurex/base/error.h"
#include "aurex/codegen/cpu/special.h"

namespace aurex::codegen {

using ax::Op;
using ax::RegType;

namespace {

[[noreturn]] void refuse(Op op, RegType type) {
  throw NotImplemented("the CPU code generator has no " + std::string(ax::to_string(op)) + " of " +
                       std::string(ax::to_string(type)));
}

LLVMValueRef intrinsic1(Ir& ir, std::string_view name, LLVMValueRef a) {
  return ir.intrinsic(name, {LLVMTypeOf(a)}, {a});
}

/// a > b ? a : b with NaN of either kept, a first; as in ax/element.h. One vmaxps, and one compare and blend for a's
/// NaN.
LLVMValueRef extreme(Ir& ir, bool greatest, RegType type, LLVMValueRef a, LLVMValueRef b) {
  if (ax::is_float(type)) {
    const LLVMRealPredicate better_than = greatest ? LLVMRealOGT : LLVMRealOLT;
    // Beside a constant one vmaxps does it: the instruction gives its second operand where the first is not greater,
    // NaN included. Equal operands must give b, so a constant b that is zero (of either sign) takes the long way.
    double known = 0;
    if (Ir::constant(a, known) && known == known) return ir.select(ir.compare(better_than, a, b), a, b);
    if (Ir::constant(b, known) && known == known && known != 0) return ir.select(ir.compare(better_than, b, a), b, a);
    const LLVMValueRef chosen = ir.select(ir.compare(better_than, a, b), a, b);
    return ir.select(ir.compare(LLVMRealUNO, a, a), a, chosen);
  }
  const bool sign = is_signed(type);
  const LLVMIntPredicate greater = sign ? LLVMIntSGT : LLVMIntUGT, less = sign ? LLVMIntSLT : LLVMIntULT;
  return ir.select(ir.compare(greatest ? greater : less, a, b), a, b);
}

LLVMValueRef float_unary(Ir& ir, Op op, LLVMValueRef a) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  switch (op) {
    case Op::kNeg:
      return ir.negate_float(a);
    case Op::kAbs:
      return intrinsic1(ir, "llvm.fabs", a);
    case Op::kSign: {  // keeps ±0 and NaN
      const LLVMValueRef zero = Ir::zero(type);
      const LLVMValueRef negative = ir.select(ir.compare(LLVMRealOLT, a, zero), Ir::real(type, -1), a);
      return ir.select(ir.compare(LLVMRealOGT, a, zero), Ir::real(type, 1), negative);
    }
    case Op::kSqrt:
      return intrinsic1(ir, "llvm.sqrt", a);
    case Op::kFloor:
      return intrinsic1(ir, "llvm.floor", a);
    case Op::kCeil:
      return intrinsic1(ir, "llvm.ceil", a);
    case Op::kTrunc:
      return intrinsic1(ir, "llvm.trunc", a);
    case Op::kRound:
      return intrinsic1(ir, "llvm.roundeven", a);
    case Op::kNot:
      return ir.compare(LLVMRealOEQ, a, Ir::zero(type));
    case Op::kIsNan:
      return ir.compare(LLVMRealUNO, a, a);
    case Op::kIsInf:
      return ir.compare(LLVMRealOEQ, intrinsic1(ir, "llvm.fabs", a),
                        Ir::real(type, std::numeric_limits<double>::infinity()));
    case Op::kIsFinite:
      return ir.compare(LLVMRealOLT, intrinsic1(ir, "llvm.fabs", a),
                        Ir::real(type, std::numeric_limits<double>::infinity()));
    default:
      return nullptr;
  }
}

LLVMValueRef int_unary(Ir& ir, Op op, RegType kind, LLVMValueRef a) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  const LLVMValueRef zero = Ir::zero(type);
  switch (op) {
    case Op::kNeg:
      return ir.sub(zero, a);
    case Op::kAbs:
      return is_signed(kind) ? ir.select(ir.compare(LLVMIntSLT, a, zero), ir.sub(zero, a), a) : a;
    case Op::kSign: {
      const LLVMValueRef one = Ir::integer(type, 1);
      if (!is_signed(kind)) return ir.select(ir.compare(LLVMIntNE, a, zero), one, zero);
      const LLVMValueRef negative =
          ir.select(ir.compare(LLVMIntSLT, a, zero), Ir::integer(type, ~std::uint64_t{0}), zero);
      return ir.select(ir.compare(LLVMIntSGT, a, zero), one, negative);
    }
    case Op::kPopcount:
      return intrinsic1(ir, "llvm.ctpop", a);
    case Op::kClz:
      return ir.intrinsic("llvm.ctlz", {type}, {a, ir.truth(false)});
    case Op::kBitNot:
      return ir.bit_not(a);
    case Op::kNot:
      return ir.compare(LLVMIntEQ, a, zero);
    default:
      return nullptr;
  }
}

/// Shifts by the width or more give 0, of a negative number to the right −1.
LLVMValueRef shift(Ir& ir, Op op, RegType kind, LLVMValueRef a, LLVMValueRef count) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  const LLVMValueRef width = Ir::integer(type, Ir::element_bits(type));
  const LLVMValueRef in_range = ir.compare(LLVMIntULT, count, width);
  if (op == Op::kShr && is_signed(kind)) {
    const LLVMValueRef last = Ir::integer(type, Ir::element_bits(type) - 1);
    return ir.binary(LLVMAShr, a, ir.select(in_range, count, last));
  }
  const LLVMValueRef shifted = ir.binary(op == Op::kShl ? LLVMShl : LLVMLShr, a, count);
  return ir.select(in_range, shifted, Ir::zero(type));
}

LLVMValueRef float_binary(Ir& ir, const Machine& machine, Op op, LLVMValueRef a, LLVMValueRef b) {
  switch (op) {
    case Op::kAdd:
      return ir.binary(LLVMFAdd, a, b);
    case Op::kSub:
      return ir.binary(LLVMFSub, a, b);
    case Op::kMul:
      return ir.binary(LLVMFMul, a, b);
    case Op::kDiv:
      return ir.binary(LLVMFDiv, a, b);
    case Op::kFloorDiv:
      return intrinsic1(ir, "llvm.floor", ir.binary(LLVMFDiv, a, b));
    case Op::kMod:
      return emit_float_mod(ir, a, b);
    case Op::kEq:
      return ir.compare(LLVMRealOEQ, a, b);
    case Op::kNe:
      return ir.compare(LLVMRealUNE, a, b);
    case Op::kLt:
      return ir.compare(LLVMRealOLT, a, b);
    case Op::kLe:
      return ir.compare(LLVMRealOLE, a, b);
    case Op::kGt:
      return ir.compare(LLVMRealOGT, a, b);
    case Op::kGe:
      return ir.compare(LLVMRealOGE, a, b);
    case Op::kLdexp:
      return emit_ldexp(ir, machine, a, b);
    default:
      return nullptr;
  }
}

LLVMValueRef int_binary(Ir& ir, Op op, RegType kind, LLVMValueRef a, LLVMValueRef b) {
  const bool sign = is_signed(kind);
  switch (op) {
    case Op::kAdd:
      return ir.add(a, b);
    case Op::kSub:
      return ir.sub(a, b);
    case Op::kMul:
      return ir.mul(a, b);
    case Op::kFloorDiv:
      return emit_floor_div(ir, sign, a, b);
    case Op::kMod:
      return emit_floor_mod(ir, sign, a, b);
    case Op::kAnd:
    case Op::kBitAnd:
      return ir.binary(LLVMAnd, a, b);
    case Op::kOr:
    case Op::kBitOr:
      return ir.binary(LLVMOr, a, b);
    case Op::kBitXor:
      return ir.binary(LLVMXor, a, b);
    case Op::kShl:
    case Op::kShr:
      return shift(ir, op, kind, a, b);
    case Op::kEq:
      return ir.compare(LLVMIntEQ, a, b);
    case Op::kNe:
      return ir.compare(LLVMIntNE, a, b);
    case Op::kLt:
      return ir.compare(sign ? LLVMIntSLT : LLVMIntULT, a, b);
    case Op::kLe:
      return ir.compare(sign ? LLVMIntSLE : LLVMIntULE, a, b);
    case Op::kGt:
      return ir.compare(sign ? LLVMIntSGT : LLVMIntUGT, a, b);
    case Op::kGe:
      return ir.compare(sign ? LLVMIntSGE : LLVMIntUGE, a, b);
    default:
      return nullptr;
  }
}

/// bool has and, or, xor, not and comparisons of 0 and 1.
bool has_bool(Op op) {
  switch (op) {
    case Op::kAnd:
    case Op::kOr:
    case Op::kBitAnd:
    case Op::kBitOr:
    case Op::kBitXor:
    case Op::kNot:
    case Op::kEq:
    case Op::kNe:
    case Op::kLt:
    case Op::kLe:
    case Op::kGt:
    case Op::kGe:
    case Op::kMin:
    case Op::kMax:
      return true;
    default:
      return false;
  }
}

}  // namespace

Machine Machine::of(const schedule::Target& target) {
  const auto has = [&](std::string_view feature) {
    return std::ranges::find(target.features, feature) != target.features.end();
  };
  return {.x86 = target.name != "cpu.neon", .avx512 = has("avx512f") && has("avx512vl") && has("avx512dq")};
}

LLVMTypeRef element_type(const Ir& ir, RegType type) {
  switch (type) {
    case RegType::kBool:
      return ir.int_type(1);
    case RegType::kI32:
    case RegType::kU32:
      return ir.int_type(32);
    case RegType::kI64:
    case RegType::kU64:
      return ir.int_type(64);
    case RegType::kF32:
      return ir.f32();
    case RegType::kF64:
      break;
  }
  return ir.f64();
}

LLVMValueRef emit_operation(Ir& ir, const Machine& machine, Op op, RegType type, RegType operand,
                            std::span<const LLVMValueRef> args) {
  switch (op) {
    case Op::kCast:
      return emit_cast(ir, type, operand, args[0]);
    case Op::kBitcast:
      return ir.convert(LLVMBitCast, args[0], Ir::with_element(LLVMTypeOf(args[0]), element_type(ir, type)));
    case Op::kSelect:
      return ir.select(args[0], args[1], args[2]);
    case Op::kFma:
      return ir.intrinsic("llvm.fma", {LLVMTypeOf(args[0])}, {args[0], args[1], args[2]});
    default:
      break;
  }
  if (operand == RegType::kBool && !has_bool(op)) refuse(op, operand);
  LLVMValueRef result = nullptr;
  if (op == Op::kMax || op == Op::kMin) {
    result = extreme(ir, op == Op::kMax, operand, args[0], args[1]);
  } else if (ax::is_float(operand)) {
    result = args.size() == 1 ? float_unary(ir, op, args[0]) : float_binary(ir, machine, op, args[0], args[1]);
  } else {
    result = args.size() == 1 ? int_unary(ir, op, operand, args[0]) : int_binary(ir, op, operand, args[0], args[1]);
  }
  if (result == nullptr) refuse(op, operand);
  return result;
}

LLVMValueRef emit_saturating_float_to_int(Ir& ir, LLVMValueRef value, unsigned bits, bool sign) {
  const LLVMTypeRef from = LLVMTypeOf(value);
  const LLVMTypeRef to = Ir::with_element(from, ir.int_type(bits));
  // First the range, as floats: −2ⁿ and 2ⁿ are exact. A value inside converts without poison; the rest is chosen after.
  const LLVMValueRef past = Ir::real(from, std::ldexp(1.0, static_cast<int>(sign ? bits - 1 : bits)));
  const LLVMValueRef lowest = Ir::real(from, sign ? -std::ldexp(1.0, static_cast<int>(bits - 1)) : 0.0);
  const LLVMValueRef above = ir.compare(LLVMRealOGE, value, past);
  const LLVMValueRef inside =
      ir.binary(LLVMAnd, ir.compare(LLVMRealOGT, value, lowest), ir.compare(LLVMRealOLT, value, past));
  const LLVMValueRef safe = ir.select(inside, value, Ir::zero(from));
  const std::uint64_t all = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  LLVMValueRef result = ir.convert(sign ? LLVMFPToSI : LLVMFPToUI, safe, to);
  result = ir.select(above, Ir::integer(to, sign ? all >> 1 : all), result);
  if (!sign) return result;  // below: `safe` has become 0
  return ir.select(ir.compare(LLVMRealOLE, value, lowest), Ir::integer(to, all - (all >> 1)), result);
}

LLVMValueRef emit_cast(Ir& ir, RegType to, RegType from, LLVMValueRef value) {
  if (to == from) return value;
  const LLVMTypeRef source = LLVMTypeOf(value);
  const LLVMTypeRef result = Ir::with_element(source, element_type(ir, to));
  if (to == RegType::kBool) {
    return ax::is_float(from) ? ir.compare(LLVMRealUNE, value, Ir::zero(source))
                              : ir.compare(LLVMIntNE, value, Ir::zero(source));
  }
  if (ax::is_float(from)) {
    if (to == RegType::kF64) return ir.convert(LLVMFPExt, value, result);
    if (to == RegType::kF32) return ir.convert(LLVMFPTrunc, value, result);
    return emit_saturating_float_to_int(ir, value, Ir::element_bits(result), is_signed(to));
  }
  if (ax::is_float(to)) return ir.convert(is_signed(from) ? LLVMSIToFP : LLVMUIToFP, value, result);
  const unsigned wide = Ir::element_bits(result), narrow = Ir::element_bits(source);
  if (wide == narrow) return value;
  if (wide < narrow) return ir.convert(LLVMTrunc, value, result);
  return ir.convert(is_signed(from) ? LLVMSExt : LLVMZExt, value, result);
}

LLVMValueRef emit_combine(Ir& ir, const Machine& machine, ax::Reduction reduction, RegType type, LLVMValueRef left,
                          LLVMValueRef right) {
  const LLVMValueRef args[] = {left, right};
  switch (reduction) {
    case ax::Reduction::kSum:
      return emit_operation(ir, machine, Op::kAdd, type, type, args);
    case ax::Reduction::kProd:
      return emit_operation(ir, machine, Op::kMul, type, type, args);
    case ax::Reduction::kMax:
      return emit_operation(ir, machine, Op::kMax, type, type, args);
    case ax::Reduction::kMin:
      return emit_operation(ir, machine, Op::kMin, type, type, args);
    case ax::Reduction::kAny:
      return ir.binary(LLVMOr, left, right);
    case ax::Reduction::kAll:
      return ir.binary(LLVMAnd, left, right);
    default:
      throw NotImplemented("the CPU code generator has no tree of " + std::string(ax::to_string(reduction)));
  }
}

}  // namespace aurex::codegen
