#include "aurex/codegen/cpu/conversions.h"

#include <cmath>
#include <limits>

#include "aurex/codegen/cpu/operations.h"
#include "aurex/tensor/convert.h"

namespace aurex::codegen {

using ax::RegType;

namespace {

constexpr int kF32Mantissa = 23, kF32Bias = 127;

/// One emission: the value's lane count decides all types.
class Converter {
 public:
  Converter(Ir& ir, LLVMValueRef sample) : ir_(ir), lanes_(Ir::lanes(sample)) {}

  LLVMTypeRef bits(unsigned width) const { return Ir::vector_type(ir_.int_type(width), lanes_); }
  LLVMTypeRef f16() const { return Ir::vector_type(ir_.f16(), lanes_); }
  LLVMTypeRef f32() const { return Ir::vector_type(ir_.f32(), lanes_); }
  LLVMTypeRef f64() const { return Ir::vector_type(ir_.f64(), lanes_); }
  LLVMValueRef word(std::uint64_t value) const { return Ir::integer(bits(32), value); }

  // ---- widening ----

  LLVMValueRef bf16_to_f32(LLVMValueRef raw) {
    const LLVMValueRef wide = ir_.convert(LLVMZExt, raw, bits(32));
    return ir_.convert(LLVMBitCast, ir_.binary(LLVMShl, wide, word(16)), f32());
  }

  LLVMValueRef f16_to_f32(LLVMValueRef raw) { return ir_.convert(LLVMFPExt, raw, f32()); }

  /// e5m2 is the upper half of an f16.
  LLVMValueRef e5m2_to_f32(LLVMValueRef raw) {
    const LLVMValueRef half = ir_.binary(LLVMShl, ir_.convert(LLVMZExt, raw, bits(16)), Ir::integer(bits(16), 8));
    return f16_to_f32(ir_.convert(LLVMBitCast, half, f16()));
  }

  /// Exponent and mantissa moved to their places in an f16 give the number times 2^(7 − 15).
  LLVMValueRef e4m3_to_f32(LLVMValueRef raw) {
    const LLVMValueRef wide = ir_.convert(LLVMZExt, raw, bits(16));
    const auto half = [&](std::uint64_t value) { return Ir::integer(bits(16), value); };
    const LLVMValueRef magnitude = ir_.binary(LLVMAnd, wide, half(0x7f));
    const LLVMValueRef sign = ir_.binary(LLVMShl, ir_.binary(LLVMAnd, wide, half(0x80)), half(8));
    const LLVMValueRef moved = ir_.binary(LLVMOr, ir_.binary(LLVMShl, magnitude, half(7)), sign);
    const LLVMValueRef value =
        ir_.binary(LLVMFMul, f16_to_f32(ir_.convert(LLVMBitCast, moved, f16())), Ir::real(f32(), 256));
    const LLVMValueRef nan =
        ir_.binary(LLVMOr, ir_.binary(LLVMShl, ir_.convert(LLVMZExt, sign, bits(32)), word(16)), word(0x7fc00000));
    return ir_.select(ir_.compare(LLVMIntEQ, magnitude, half(0x7f)), ir_.convert(LLVMBitCast, nan, f32()), value);
  }

  // ---- narrowing ----

  /// f64 to f32 rounded to odd: what is lost stays visible in the last bit, so that a later rounding to at most 22 bits
  /// is as if from the f64 itself.
  LLVMValueRef to_f32_odd(LLVMValueRef value) {
    const LLVMValueRef nearest = ir_.convert(LLVMFPTrunc, value, f32());
    const LLVMValueRef back = ir_.convert(LLVMFPExt, nearest, f64());
    const LLVMValueRef inexact = ir_.compare(LLVMRealONE, back, value);
    const LLVMValueRef away = ir_.compare(LLVMRealOGT, magnitude(back), magnitude(value));
    const LLVMValueRef code = ir_.convert(LLVMBitCast, nearest, bits(32));
    const LLVMValueRef toward_zero = ir_.sub(code, ir_.convert(LLVMZExt, away, bits(32)));
    return ir_.convert(LLVMBitCast, ir_.binary(LLVMOr, toward_zero, ir_.convert(LLVMZExt, inexact, bits(32))), f32());
  }

  /// f32 to any layout of at most 16 bits, as the code in the low bits of 32.
  LLVMValueRef encode(const NarrowFloat& layout, LLVMValueRef value) {
    const LLVMValueRef code = ir_.convert(LLVMBitCast, value, bits(32));
    const LLVMValueRef absolute = ir_.binary(LLVMAnd, code, word(0x7fffffff));
    const int width = layout.exponent_bits + layout.mantissa_bits;
    const LLVMValueRef sign =
        ir_.binary(LLVMLShr, ir_.binary(LLVMAnd, code, word(0x80000000u)), word(static_cast<unsigned>(31 - width)));
    LLVMValueRef result = round_normal(layout, absolute);
    if (layout.bias != kF32Bias) {  // with f32's exponents, subnormals follow the rule for normals
      const int lowest = 1 - layout.bias;
      const auto smallest_normal = static_cast<std::uint64_t>(lowest + kF32Bias) << kF32Mantissa;
      result = ir_.select(ir_.compare(LLVMIntULT, absolute, word(smallest_normal)), round_subnormal(layout, absolute),
                          result);
    }
    result = settle_specials(layout, absolute, result);
    return ir_.binary(LLVMOr, result, sign);
  }

  LLVMValueRef to_f16(LLVMValueRef value) { return ir_.convert(LLVMFPTrunc, value, f16()); }

  // ---- integers ----

  LLVMValueRef saturate_int(LLVMValueRef value, bool from_signed, unsigned width, bool to_signed) {
    const LLVMTypeRef type = LLVMTypeOf(value), to = bits(width);
    const unsigned source = Ir::element_bits(type);
    const std::uint64_t all = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
    const std::uint64_t highest = to_signed ? all >> 1 : all;
    const std::uint64_t source_highest = (~std::uint64_t{0} >> (64 - source)) >> (from_signed ? 1 : 0);
    if (highest < source_highest) {
      value = ir_.intrinsic(from_signed ? "llvm.smin" : "llvm.umin", {type}, {value, Ir::integer(type, highest)});
    }
    if (from_signed && (!to_signed || width < source)) {
      const std::uint64_t lowest = to_signed ? ~(all >> 1) : 0;
      value = ir_.intrinsic("llvm.smax", {type}, {value, Ir::integer(type, lowest)});
    }
    if (width == source) return value;
    return ir_.convert(width < source ? LLVMTrunc : from_signed ? LLVMSExt : LLVMZExt, value, to);
  }

  /// An integer as f64 whose rounding to a narrow float is as if from the integer: of more than 53 bits, the last 12
  /// are gathered in one.
  LLVMValueRef to_f64_sticky(RegType type, LLVMValueRef value) {
    const LLVMOpcode op = is_signed(type) ? LLVMSIToFP : LLVMUIToFP;
    const LLVMTypeRef source = LLVMTypeOf(value);
    if (Ir::element_bits(source) < 64) return ir_.convert(op, value, f64());
    const LLVMValueRef low = ir_.binary(LLVMAnd, value, Ir::integer(source, 0xfff));
    const LLVMValueRef kept = ir_.binary(LLVMAnd, value, Ir::integer(source, ~std::uint64_t{0xfff}));
    const LLVMValueRef any = ir_.compare(LLVMIntNE, low, Ir::zero(source));
    const LLVMValueRef sticky = ir_.select(any, ir_.binary(LLVMOr, kept, Ir::integer(source, 0x800)), kept);
    const LLVMValueRef magnitude = is_signed(type) ? ir_.select(ir_.compare(LLVMIntSLT, value, Ir::zero(source)),
                                                                ir_.sub(Ir::zero(source), value), value)
                                                   : value;
    const LLVMValueRef large = ir_.compare(LLVMIntUGE, magnitude, Ir::integer(source, std::uint64_t{1} << 53));
    return ir_.convert(op, ir_.select(large, sticky, value), f64());
  }

 private:
  LLVMValueRef magnitude(LLVMValueRef value) { return ir_.intrinsic("llvm.fabs", {LLVMTypeOf(value)}, {value}); }

  /// Adds half a unit, less one where the kept part is even, and drops; a carry raises the exponent as it should.
  LLVMValueRef round_normal(const NarrowFloat& layout, LLVMValueRef absolute) {
    const auto dropped = static_cast<unsigned>(kF32Mantissa - layout.mantissa_bits);
    const LLVMValueRef last = ir_.binary(LLVMAnd, ir_.binary(LLVMLShr, absolute, word(dropped)), word(1));
    const LLVMValueRef rounded = ir_.add(ir_.add(absolute, word((1u << (dropped - 1)) - 1)), last);
    const auto rebias = static_cast<std::uint64_t>(kF32Bias - layout.bias) << layout.mantissa_bits;
    return ir_.sub(ir_.binary(LLVMLShr, rounded, word(dropped)), word(rebias));
  }

  /// Adding a number whose unit is the smallest subnormal rounds to it.
  LLVMValueRef round_subnormal(const NarrowFloat& layout, LLVMValueRef absolute) {
    const int exponent = 1 - layout.bias - layout.mantissa_bits + kF32Mantissa;
    const LLVMValueRef magic = Ir::real(f32(), std::ldexp(1.0, exponent));
    const LLVMValueRef sum = ir_.binary(LLVMFAdd, ir_.convert(LLVMBitCast, absolute, f32()), magic);
    const auto code = static_cast<std::uint64_t>(exponent + kF32Bias) << kF32Mantissa;
    return ir_.sub(ir_.convert(LLVMBitCast, sum, bits(32)), word(code));
  }

  /// Overflow, infinity and NaN.
  LLVMValueRef settle_specials(const NarrowFloat& layout, LLVMValueRef absolute, LLVMValueRef code) {
    const unsigned all_ones = (1u << (layout.exponent_bits + layout.mantissa_bits)) - 1;
    const unsigned first_special = layout.ieee ? all_ones & ~((1u << layout.mantissa_bits) - 1) : all_ones;
    const LLVMValueRef over = word(layout.saturate ? first_special - 1 : first_special);
    // Signed: the normal rule gives a negative code to nothing that reaches here but numbers far below.
    LLVMValueRef result = ir_.select(ir_.compare(LLVMIntSGE, code, word(first_special)), over, code);
    result = ir_.select(ir_.compare(LLVMIntUGE, absolute, word(0x7f800000)), over, result);
    LLVMValueRef nan = word(first_special);
    if (layout.ieee) {
      const auto dropped = static_cast<unsigned>(kF32Mantissa - layout.mantissa_bits);
      const LLVMValueRef payload = ir_.binary(LLVMLShr, ir_.binary(LLVMAnd, absolute, word(0x7fffff)), word(dropped));
      nan = ir_.binary(LLVMOr, payload, word(first_special | (1u << (layout.mantissa_bits - 1))));
    }
    return ir_.select(ir_.compare(LLVMIntUGT, absolute, word(0x7f800000)), nan, result);
  }

  Ir& ir_;
  unsigned lanes_;
};

bool is_unsigned_storage(DType dtype) {
  return dtype == DType::kU8 || dtype == DType::kU16 || dtype == DType::kU32 || dtype == DType::kU64;
}

/// A value of any register type to f32, such that a following rounding to a narrow float is the only one.
LLVMValueRef to_f32_for_narrowing(Converter& to, Ir& ir, RegType type, LLVMValueRef value) {
  if (type == RegType::kF32) return value;
  if (type == RegType::kF64) return to.to_f32_odd(value);
  return to.to_f32_odd(to.to_f64_sticky(type, value));
}

LLVMValueRef store_integer(Converter& to, Ir& ir, DType dtype, RegType type, LLVMValueRef value) {
  const auto width = static_cast<unsigned>(8 * bytes_per_element(dtype));
  const bool sign = !is_unsigned_storage(dtype);
  if (ax::is_float(type)) {
    const LLVMValueRef rounded = ir.intrinsic("llvm.roundeven", {LLVMTypeOf(value)}, {value});
    return emit_saturating_float_to_int(ir, rounded, width, sign);
  }
  return to.saturate_int(value, is_signed(type), width, sign);
}

}  // namespace

LLVMTypeRef storage_type(const Ir& ir, DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return ir.f64();
    case DType::kF32:
      return ir.f32();
    case DType::kF16:
      return ir.f16();
    default:
      return ir.int_type(static_cast<unsigned>(8 * bytes_per_element(dtype)));
  }
}

LLVMValueRef emit_from_storage(Ir& ir, DType dtype, LLVMValueRef raw) {
  Converter to(ir, raw);
  switch (dtype) {
    case DType::kBool:
      return ir.compare(LLVMIntNE, raw, Ir::zero(LLVMTypeOf(raw)));
    case DType::kI8:
    case DType::kI16:
      return ir.convert(LLVMSExt, raw, to.bits(32));
    case DType::kU8:
    case DType::kU16:
      return ir.convert(LLVMZExt, raw, to.bits(32));
    case DType::kF8E4M3:
    case DType::kF8E4M3Nan:
      return to.e4m3_to_f32(raw);
    case DType::kF8E5M2:
      return to.e5m2_to_f32(raw);
    case DType::kF16:
      return to.f16_to_f32(raw);
    case DType::kBF16:
      return to.bf16_to_f32(raw);
    default:
      return raw;
  }
}

LLVMValueRef emit_to_storage(Ir& ir, DType dtype, RegType type, LLVMValueRef value) {
  Converter to(ir, value);
  if (type == RegType::kBool) {  // 0 or 1 of any type
    if (dtype == DType::kBool) return ir.convert(LLVMZExt, value, to.bits(8));
    value = ir.convert(LLVMZExt, value, to.bits(32));
    type = RegType::kI32;
  }
  const auto narrow = [&](const NarrowFloat& layout, unsigned width) {
    return ir.convert(LLVMTrunc, to.encode(layout, to_f32_for_narrowing(to, ir, type, value)), to.bits(width));
  };
  switch (dtype) {
    case DType::kBool:
      return ir.convert(LLVMZExt, emit_cast(ir, RegType::kBool, type, value), to.bits(8));
    case DType::kF64:
      return emit_cast(ir, RegType::kF64, type, value);
    case DType::kF32:
      return emit_cast(ir, RegType::kF32, type, value);
    case DType::kF16:
      return to.to_f16(to_f32_for_narrowing(to, ir, type, value));
    case DType::kBF16:
      return narrow(kBF16Layout, 16);
    case DType::kF8E5M2:
      return narrow(kF8E5M2Layout, 8);
    case DType::kF8E4M3:
      return narrow(kF8E4M3Layout, 8);
    case DType::kF8E4M3Nan:
      return narrow(kF8E4M3NanLayout, 8);
    default:
      return store_integer(to, ir, dtype, type, value);
  }
}

}  // namespace aurex::codegen
