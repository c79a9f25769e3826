#pragma once

// Register types and how they meet (rule 25). Literals and launch scalars are weak: they have a kind and take their
// width from what they meet. Pure functions.

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// A register type, and whether it gives way to a strong one of its kind.
struct Register {
  RegType type = RegType::kF32;
  bool weak = false;
  friend bool operator==(const Register&, const Register&) = default;
};

enum class JoinError : std::uint8_t { kNone, kBoolWithNumber, kSignedWithUnsigned };

struct Join {
  Register type;
  JoinError error = JoinError::kNone;
};

[[nodiscard]] constexpr bool is_integer(RegType type) { return type != RegType::kBool && !is_float(type); }
[[nodiscard]] constexpr bool is_signed(RegType type) { return type == RegType::kI32 || type == RegType::kI64; }
[[nodiscard]] constexpr bool is_unsigned(RegType type) { return type == RegType::kU32 || type == RegType::kU64; }
/// The dtype that holds a register type as it is.
[[nodiscard]] constexpr DType storage_type(RegType type) {
  switch (type) {
    case RegType::kBool:
      return DType::kBool;
    case RegType::kI32:
      return DType::kI32;
    case RegType::kI64:
      return DType::kI64;
    case RegType::kU32:
      return DType::kU32;
    case RegType::kU64:
      return DType::kU64;
    case RegType::kF32:
      return DType::kF32;
    case RegType::kF64:
      return DType::kF64;
  }
  return DType::kF32;
}
[[nodiscard]] constexpr int bit_width(RegType type) {
  if (type == RegType::kBool) return 1;
  return type == RegType::kI32 || type == RegType::kU32 || type == RegType::kF32 ? 32 : 64;
}

/// The type in which two values are computed with. Weak with weak stays weak, in i64 or f64.
[[nodiscard]] constexpr Join join(Register a, Register b) {
  if (a.type == RegType::kBool || b.type == RegType::kBool) {
    if (a.type == b.type) return {{RegType::kBool, a.weak && b.weak}};
    return {a, JoinError::kBoolWithNumber};
  }
  if (a.weak && b.weak) return {{is_float(a.type) || is_float(b.type) ? RegType::kF64 : RegType::kI64, true}};
  if (a.weak || b.weak) {
    const RegType strong = a.weak ? b.type : a.type;
    const RegType weak = a.weak ? a.type : b.type;
    return {{is_float(weak) && is_integer(strong) ? RegType::kF32 : strong, false}};
  }
  if (is_float(a.type) || is_float(b.type)) {
    if (is_float(a.type) && is_float(b.type))
      return {{bit_width(a.type) >= bit_width(b.type) ? a.type : b.type, false}};
    return {{is_float(a.type) ? a.type : b.type, false}};
  }
  if (is_signed(a.type) != is_signed(b.type)) return {a, JoinError::kSignedWithUnsigned};
  return {{bit_width(a.type) >= bit_width(b.type) ? a.type : b.type, false}};
}

/// What a weak value becomes where nothing else decides: i32 or f32.
[[nodiscard]] constexpr RegType settled(Register type) {
  if (!type.weak || type.type == RegType::kBool) return type.type;
  return is_float(type.type) ? RegType::kF32 : RegType::kI32;
}

}  // namespace aurex::ax
