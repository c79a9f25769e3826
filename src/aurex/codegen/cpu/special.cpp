#include "aurex/codegen/cpu/special.h"

#include <bit>
#include <cmath>
#include <vector>

#include "aurex/codegen/cpu/float_mod.h"
#include "aurex/codegen/cpu/operations.h"

namespace aurex::codegen {
namespace {

// ---- ldexp ----

/// Lanes [first, first + count) of a vector; lanes past its end are poison.
LLVMValueRef slice(Ir& ir, LLVMValueRef vector, unsigned first, unsigned count) {
  const unsigned lanes = Ir::lanes(vector);
  std::vector<int> mask;
  for (unsigned l = first; l < first + count; ++l) mask.push_back(l < lanes ? static_cast<int>(l) : -1);
  return ir.shuffle(vector, LLVMGetPoison(LLVMTypeOf(vector)), mask);
}

/// vscalefps: x * 2^floor(n), rounded once, subnormals and far exponents right; x itself where `live` does not hold.
LLVMValueRef scalef(Ir& ir, LLVMValueRef x, LLVMValueRef n, LLVMValueRef live) {
  const bool single = Ir::element_bits(LLVMTypeOf(x)) == 32;
  const LLVMTypeRef bits = ir.int_type(single ? 16 : 8);
  const LLVMValueRef mask = live ? ir.convert(LLVMBitCast, live, bits) : Ir::integer(bits, ~std::uint64_t{0});
  return ir.intrinsic(single ? "llvm.x86.avx512.mask.scalef.ps.512" : "llvm.x86.avx512.mask.scalef.pd.512", {},
                      {x, n, x, mask, ir.i32(4)});
}

/// The same in pieces of one machine vector. `live` may be null.
LLVMValueRef scalef_vector(Ir& ir, LLVMValueRef x, LLVMValueRef n, LLVMValueRef live) {
  const unsigned lanes = Ir::lanes(x), piece = 512 / Ir::element_bits(LLVMTypeOf(x));
  if (lanes == piece) return scalef(ir, x, n, live);
  const auto part = [&](unsigned first, unsigned count) {
    return scalef_vector(ir, slice(ir, x, first, count), slice(ir, n, first, count),
                         live ? slice(ir, live, first, count) : nullptr);
  };
  if (lanes < piece) return slice(ir, part(0, piece), 0, lanes);
  std::vector<int> mask;
  for (unsigned l = 0; l < lanes; ++l) mask.push_back(static_cast<int>(l));
  return ir.shuffle(part(0, lanes / 2), part(lanes / 2, lanes / 2), mask);
}

LLVMValueRef clamp(Ir& ir, LLVMValueRef n, std::int32_t lowest, std::int32_t highest) {
  const LLVMTypeRef type = LLVMTypeOf(n);
  const LLVMValueRef low =
      ir.intrinsic("llvm.smax", {type}, {n, Ir::integer(type, static_cast<std::uint64_t>(lowest))});
  return ir.intrinsic("llvm.smin", {type}, {low, Ir::integer(type, static_cast<std::uint64_t>(highest))});
}

/// 2^n as f64 for −1022 ≤ n ≤ 1023.
LLVMValueRef power_of_two(Ir& ir, LLVMValueRef n) {
  const LLVMTypeRef wide = Ir::with_element(LLVMTypeOf(n), ir.int_type(64));
  const LLVMValueRef field = ir.add(ir.convert(LLVMSExt, n, wide), Ir::integer(wide, 1023));
  return ir.convert(LLVMBitCast, ir.binary(LLVMShl, field, Ir::integer(wide, 52)), Ir::with_element(wide, ir.f64()));
}

/// Through f64, where every f32 times 2^±400 is exact; one rounding on the way back.
LLVMValueRef ldexp_f32(Ir& ir, LLVMValueRef x, LLVMValueRef n) {
  const LLVMTypeRef single = LLVMTypeOf(x);
  const LLVMValueRef wide = ir.convert(LLVMFPExt, x, Ir::with_element(single, ir.f64()));
  const LLVMValueRef scaled = ir.binary(LLVMFMul, wide, power_of_two(ir, clamp(ir, n, -400, 400)));
  return ir.convert(LLVMFPTrunc, scaled, single);
}

/// Two steps bring n within one power of two. The steps down are by 2^(−1022 + 53), so that a result that is subnormal
/// is rounded by the last multiplication only.
LLVMValueRef ldexp_f64(Ir& ir, LLVMValueRef x, LLVMValueRef n) {
  constexpr int kUp = 1023, kDown = -1022 + 53;
  const LLVMTypeRef type = LLVMTypeOf(x), count = LLVMTypeOf(n);
  const auto number = [&](int value) { return Ir::integer(count, static_cast<std::uint64_t>(value)); };
  n = clamp(ir, n, -3000, 3200);  // beyond is 0 or infinity for every x
  for (int step = 0; step < 2; ++step) {
    const LLVMValueRef high = ir.compare(LLVMIntSGT, n, number(1023)), low = ir.compare(LLVMIntSLT, n, number(-1022));
    const LLVMValueRef down = ir.select(low, Ir::real(type, std::ldexp(1.0, kDown)), Ir::real(type, 1));
    x = ir.binary(LLVMFMul, x, ir.select(high, Ir::real(type, std::ldexp(1.0, kUp)), down));
    n = ir.sub(n, ir.select(high, number(kUp), ir.select(low, number(kDown), number(0))));
  }
  return ir.binary(LLVMFMul, x, power_of_two(ir, clamp(ir, n, -1022, 1023)));
}

// ---- integer division ----

struct Division {
  LLVMValueRef quotient, rest;  // truncated; both 0 where the divisor is 0
};

/// Vectors of 32 bits divide as f64: the quotient of two 32-bit integers never rounds up to the next integer.
LLVMValueRef divide_through_f64(Ir& ir, bool sign, LLVMValueRef a, LLVMValueRef b) {
  const LLVMTypeRef type = LLVMTypeOf(a), wide = Ir::with_element(type, ir.f64());
  const LLVMOpcode in = sign ? LLVMSIToFP : LLVMUIToFP, out = sign ? LLVMFPToSI : LLVMFPToUI;
  return ir.convert(out, ir.binary(LLVMFDiv, ir.convert(in, a, wide), ir.convert(in, b, wide)), type);
}

Division divide(Ir& ir, bool sign, LLVMValueRef a, LLVMValueRef b) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  const LLVMValueRef zero = Ir::zero(type), one = Ir::integer(type, 1), minus_one = ir.bit_not(zero);
  std::int64_t known = 0;
  const bool harmless = Ir::constant(b, known) && known != 0 && known != -1;
  const LLVMValueRef by_zero = ir.compare(LLVMIntEQ, b, zero), by_minus_one = ir.compare(LLVMIntEQ, b, minus_one);
  LLVMValueRef divisor = b;
  if (!harmless) divisor = ir.select(sign ? ir.binary(LLVMOr, by_zero, by_minus_one) : by_zero, one, b);
  const bool vector_of_words = Ir::lanes(a) > 1 && Ir::element_bits(type) == 32 && !harmless;
  LLVMValueRef quotient =
      vector_of_words ? divide_through_f64(ir, sign, a, divisor) : ir.binary(sign ? LLVMSDiv : LLVMUDiv, a, divisor);
  const LLVMValueRef rest = ir.sub(a, ir.mul(quotient, divisor));  // 0 for the divisors replaced by one
  if (!harmless) {
    if (sign) quotient = ir.select(by_minus_one, ir.sub(zero, a), quotient);
    quotient = ir.select(by_zero, zero, quotient);
  }
  return {quotient, rest};
}

/// The exponent of a positive constant power of two, else −1.
int known_power(LLVMValueRef value) {
  std::int64_t known = 0;
  if (!Ir::constant(value, known) || known <= 0) return -1;
  return std::has_single_bit(static_cast<std::uint64_t>(known)) ? std::countr_zero(static_cast<std::uint64_t>(known))
                                                                : -1;
}

/// Where a truncated quotient is one too high: the rest is not 0 and its sign differs from the divisor's.
LLVMValueRef too_high(Ir& ir, LLVMValueRef rest, LLVMValueRef divisor) {
  const LLVMValueRef zero = Ir::zero(LLVMTypeOf(rest));
  const LLVMValueRef differ = ir.compare(LLVMIntSLT, ir.binary(LLVMXor, rest, divisor), zero);
  return ir.binary(LLVMAnd, ir.compare(LLVMIntNE, rest, zero), differ);
}

}  // namespace

LLVMValueRef emit_ldexp(Ir& ir, const Machine& machine, LLVMValueRef x, LLVMValueRef n) {
  // An i32 that f32 rounds is past every exponent anyway.
  if (machine.avx512 && Ir::lanes(x) > 1) {
    return scalef_vector(ir, x, ir.convert(LLVMSIToFP, n, LLVMTypeOf(x)), nullptr);
  }
  return Ir::element_bits(LLVMTypeOf(x)) == 32 ? ldexp_f32(ir, x, n) : ldexp_f64(ir, x, n);
}

LLVMValueRef emit_scale(Ir& ir, LLVMValueRef x, LLVMValueRef n, bool small) {
  if (!small) {  // infinities: 0 * 2^inf would be NaN
    const LLVMValueRef most = Ir::real(LLVMTypeOf(n), 1 << 20), least = Ir::real(LLVMTypeOf(n), -(1 << 20));
    n = ir.select(ir.compare(LLVMRealOLT, most, n), most, n);
    n = ir.select(ir.compare(LLVMRealOGT, least, n), least, n);
  }
  return scalef_vector(ir, x, n, ir.compare(LLVMRealORD, n, n));
}

LLVMValueRef emit_floor_div(Ir& ir, bool sign, LLVMValueRef a, LLVMValueRef b) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  if (const int power = known_power(b); power >= 0) {
    return ir.binary(sign ? LLVMAShr : LLVMLShr, a, Ir::integer(type, static_cast<std::uint64_t>(power)));
  }
  const Division division = divide(ir, sign, a, b);
  if (!sign) return division.quotient;
  const LLVMValueRef lower = ir.sub(division.quotient, Ir::integer(type, 1));
  return ir.select(too_high(ir, division.rest, b), lower, division.quotient);
}

LLVMValueRef emit_floor_mod(Ir& ir, bool sign, LLVMValueRef a, LLVMValueRef b) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  if (const int power = known_power(b); power >= 0) {
    return ir.binary(LLVMAnd, a, Ir::integer(type, (std::uint64_t{1} << power) - 1));
  }
  const Division division = divide(ir, sign, a, b);
  if (!sign) return division.rest;
  return ir.select(too_high(ir, division.rest, b), ir.add(division.rest, b), division.rest);
}

LLVMValueRef emit_float_mod(Ir& ir, LLVMValueRef a, LLVMValueRef b) {
  const LLVMTypeRef type = LLVMTypeOf(a);
  const LLVMValueRef zero = Ir::zero(type);
  const LLVMValueRef rest = ir.call_pure(float_remainder_function(ir.module(), type), {a, b});
  const LLVMValueRef differ = ir.binary(LLVMXor, ir.compare(LLVMRealOLT, rest, zero), ir.compare(LLVMRealOLT, b, zero));
  const LLVMValueRef adjust = ir.binary(LLVMAnd, ir.compare(LLVMRealUNE, rest, zero), differ);
  return ir.select(adjust, ir.binary(LLVMFAdd, rest, b), rest);
}

}  // namespace aurex::codegen
