#include "aurex/codegen/cpu/float_mod.h"

#include <limits>
#include <string>

namespace aurex::codegen {
namespace {

/// Long division in binary on the bits of the significands, all lanes together until the last is done.
class Remainder {
 public:
  Remainder(LLVMModuleRef module, LLVMValueRef function, LLVMTypeRef type)
      : ir_(module, function),
        type_(type),
        bits_(Ir::with_element(type, ir_.int_type(Ir::element_bits(type)))),
        width_(Ir::element_bits(type)),
        mantissa_(width_ == 32 ? 23 : 52) {}

  void emit() {
    const LLVMValueRef a = LLVMGetParam(ir_.function(), 0), b = LLVMGetParam(ir_.function(), 1);
    const LLVMValueRef raw_a = ir_.convert(LLVMBitCast, a, bits_), raw_b = ir_.convert(LLVMBitCast, b, bits_);
    const LLVMValueRef magnitude = number(~std::uint64_t{0} >> (65 - width_));
    const LLVMValueRef sign = ir_.binary(LLVMAnd, raw_a, ir_.bit_not(magnitude));
    const LLVMValueRef abs_a = ir_.binary(LLVMAnd, raw_a, magnitude), abs_b = ir_.binary(LLVMAnd, raw_b, magnitude);
    const LLVMValueRef infinity = number(((std::uint64_t{1} << (width_ - 1 - mantissa_)) - 1) << mantissa_);
    const LLVMValueRef wrong = ir_.binary(
        LLVMOr, ir_.binary(LLVMOr, ir_.compare(LLVMIntUGE, abs_a, infinity), ir_.compare(LLVMIntUGT, abs_b, infinity)),
        ir_.compare(LLVMIntEQ, abs_b, number(0)));
    const LLVMValueRef smaller = ir_.compare(LLVMIntULT, abs_a, abs_b);  // |a| is the rest already
    const LLVMValueRef settled = ir_.binary(LLVMOr, wrong, smaller);

    Parts rest = split(abs_a), divisor = split(abs_b);
    rest.exponent = ir_.select(settled, divisor.exponent, rest.exponent);  // no steps for these lanes
    const LLVMValueRef left = divide(rest, divisor);

    LLVMValueRef result = ir_.binary(LLVMOr, join(left, divisor.exponent), sign);
    result = ir_.select(smaller, raw_a, result);
    const LLVMValueRef nan = ir_.binary(LLVMFDiv, ir_.binary(LLVMFMul, a, b), ir_.binary(LLVMFMul, a, b));
    ir_.ret(ir_.select(wrong, nan, ir_.convert(LLVMBitCast, result, type_)));
  }

 private:
  struct Parts {
    LLVMValueRef significand, exponent;  // significand in [2^mantissa, 2^(mantissa+1)), 0 stays 0
  };

  LLVMValueRef number(std::uint64_t value) const { return Ir::integer(bits_, value); }

  Parts split(LLVMValueRef magnitude) {
    const LLVMValueRef field = ir_.binary(LLVMLShr, magnitude, number(mantissa_));
    const LLVMValueRef fraction = ir_.binary(LLVMAnd, magnitude, number((std::uint64_t{1} << mantissa_) - 1));
    const LLVMValueRef subnormal = ir_.compare(LLVMIntEQ, field, number(0));
    const LLVMValueRef zeros = ir_.intrinsic("llvm.ctlz", {bits_}, {fraction, ir_.truth(false)});
    // At most width − 1, so that a fraction of 0 shifts without poison.
    const LLVMValueRef shift =
        ir_.intrinsic("llvm.umin", {bits_}, {ir_.sub(zeros, number(width_ - 1 - mantissa_)), number(width_ - 1)});
    const LLVMValueRef normal = ir_.binary(LLVMOr, fraction, number(std::uint64_t{1} << mantissa_));
    return {ir_.select(subnormal, ir_.binary(LLVMShl, fraction, shift), normal),
            ir_.select(subnormal, ir_.sub(number(1), shift), field)};
  }

  /// One conditional subtraction per exponent of difference, and a last one.
  LLVMValueRef divide(const Parts& rest, const Parts& divisor) {
    const LLVMBasicBlockRef before = ir_.current(), loop = ir_.block("step"), body = ir_.block("shift"),
                            done = ir_.block("done");
    const LLVMValueRef leave = ir_.jump(loop);
    ir_.push_scope(leave);
    ir_.enter(loop);
    const LLVMValueRef significand = ir_.phi(bits_), exponent = ir_.phi(bits_);
    Ir::incoming(significand, rest.significand, before);
    Ir::incoming(exponent, rest.exponent, before);
    const LLVMValueRef enough = ir_.compare(LLVMIntUGE, significand, divisor.significand);
    const LLVMValueRef reduced = ir_.select(enough, ir_.sub(significand, divisor.significand), significand);
    const LLVMValueRef more = ir_.compare(LLVMIntSGT, exponent, divisor.exponent);
    ir_.branch(any(more), body, done);

    ir_.enter(body);
    const LLVMValueRef doubled = ir_.binary(LLVMShl, reduced, number(1));
    Ir::incoming(significand, ir_.select(more, doubled, significand), body);
    Ir::incoming(exponent, ir_.select(more, ir_.sub(exponent, number(1)), exponent), body);
    ir_.jump(loop);

    ir_.enter(done);
    ir_.pop_scope();
    const LLVMValueRef result = ir_.phi(bits_);
    Ir::incoming(result, reduced, loop);
    return result;
  }

  LLVMValueRef any(LLVMValueRef mask) {
    const LLVMTypeRef type = LLVMTypeOf(mask);
    return Ir::lanes(type) == 1 ? mask : ir_.intrinsic("llvm.vector.reduce.or", {type}, {mask});
  }

  /// significand * 2^(exponent), normalised as far as the exponent allows.
  LLVMValueRef join(LLVMValueRef significand, LLVMValueRef exponent) {
    const LLVMValueRef zeros = ir_.intrinsic("llvm.ctlz", {bits_}, {significand, ir_.truth(false)});
    const LLVMValueRef wanted = ir_.sub(zeros, number(width_ - 1 - mantissa_));
    const LLVMValueRef room = ir_.sub(exponent, number(1));  // negative for a subnormal divisor
    const LLVMValueRef up =
        ir_.intrinsic("llvm.smax", {bits_}, {ir_.intrinsic("llvm.smin", {bits_}, {wanted, room}), number(0)});
    const LLVMValueRef last = number(width_ - 1);
    const LLVMValueRef down = ir_.intrinsic(
        "llvm.smin", {bits_}, {ir_.intrinsic("llvm.smax", {bits_}, {ir_.sub(number(0), room), number(0)}), last});
    const LLVMValueRef shift = ir_.intrinsic("llvm.smin", {bits_}, {up, last});
    const LLVMValueRef shifted = ir_.binary(LLVMLShr, ir_.binary(LLVMShl, significand, shift), down);
    // The leading one of a normal number adds 1 to the field.
    const LLVMValueRef reached = ir_.sub(ir_.intrinsic("llvm.smax", {bits_}, {exponent, number(1)}), shift);
    const LLVMValueRef field = ir_.binary(LLVMShl, ir_.sub(reached, number(1)), number(mantissa_));
    const LLVMValueRef is_normal = ir_.compare(LLVMIntUGE, shifted, number(std::uint64_t{1} << mantissa_));
    return ir_.select(is_normal, ir_.add(shifted, field), shifted);
  }

  Ir ir_;
  LLVMTypeRef type_, bits_;
  unsigned width_, mantissa_;
};

}  // namespace

LLVMValueRef float_remainder_function(LLVMModuleRef module, LLVMTypeRef type) {
  const std::string name =
      "remainder.f" + std::to_string(Ir::element_bits(type)) + "x" + std::to_string(Ir::lanes(type));
  if (const LLVMValueRef known = LLVMGetNamedFunction(module, name.c_str())) return known;
  LLVMTypeRef params[] = {type, type};
  const LLVMValueRef function = LLVMAddFunction(module, name.c_str(), LLVMFunctionType(type, params, 2, 0));
  LLVMSetLinkage(function, LLVMPrivateLinkage);
  Remainder(module, function, type).emit();
  return function;
}

}  // namespace aurex::codegen
