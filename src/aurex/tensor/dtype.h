#pragma once

// Element types: how one number lies in memory, and what follows from that for arithmetic and training.
//
// A DType names a *storage* type. Registers are wider (see accumulator_type): f16, bf16 and the 8-bit floats compute as
// f32, small integers as i32. The narrow floats have no arithmetic in C++; they appear as the bit-holding structs
// below, and tensor/convert.h is the only place that turns them into numbers. Everything here is a pure function of its
// argument.

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace aurex {

enum class DType : std::uint8_t {
  kBool,
  kI8,
  kU8,
  kI16,
  kU16,
  kI32,
  kU32,
  kI64,
  kU64,
  kF8E4M3,     ///< float8_e4m3fn; a store past ±448 saturates
  kF8E4M3Nan,  ///< the same bits; a store past ±448 gives NaN
  kF8E5M2,
  kF16,
  kBF16,
  kF32,
  kF64,
};

inline constexpr int kDTypeCount = 16;

/// Every dtype in the order of the enumeration, for loops over types.
inline constexpr std::array<DType, kDTypeCount> kAllDTypes = {
    DType::kBool, DType::kI8,   DType::kU8,  DType::kI16,    DType::kU16,       DType::kI32,
    DType::kU32,  DType::kI64,  DType::kU64, DType::kF8E4M3, DType::kF8E4M3Nan, DType::kF8E5M2,
    DType::kF16,  DType::kBF16, DType::kF32, DType::kF64};

// The bits of one element of a type that C++ has no arithmetic for.
struct F16 {
  std::uint16_t bits = 0;
  friend bool operator==(F16, F16) = default;
};
struct BF16 {
  std::uint16_t bits = 0;
  friend bool operator==(BF16, BF16) = default;
};
struct F8E4M3 {
  std::uint8_t bits = 0;
  friend bool operator==(F8E4M3, F8E4M3) = default;
};
struct F8E4M3Nan {
  std::uint8_t bits = 0;
  friend bool operator==(F8E4M3Nan, F8E4M3Nan) = default;
};
struct F8E5M2 {
  std::uint8_t bits = 0;
  friend bool operator==(F8E5M2, F8E5M2) = default;
};

[[nodiscard]] constexpr int bytes_per_element(DType dtype) {
  switch (dtype) {
    case DType::kBool:
    case DType::kI8:
    case DType::kU8:
    case DType::kF8E4M3:
    case DType::kF8E4M3Nan:
    case DType::kF8E5M2:
      return 1;
    case DType::kI16:
    case DType::kU16:
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kI32:
    case DType::kU32:
    case DType::kF32:
      return 4;
    case DType::kI64:
    case DType::kU64:
    case DType::kF64:
      return 8;
  }
  return 0;
}

[[nodiscard]] constexpr bool is_floating_point(DType dtype) { return dtype >= DType::kF8E4M3 && dtype <= DType::kF64; }

/// i8 … u64; bool is not an integer.
[[nodiscard]] constexpr bool is_integer(DType dtype) { return dtype >= DType::kI8 && dtype <= DType::kU64; }

/// Can hold a value below zero: signed integers and floats.
[[nodiscard]] constexpr bool is_signed(DType dtype) {
  return is_floating_point(dtype) || dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32 ||
         dtype == DType::kI64;
}

/// Wide enough to carry a gradient: f16, bf16, f32, f64. The 8-bit floats store activations and weights only.
[[nodiscard]] constexpr bool is_trainable(DType dtype) { return dtype >= DType::kF16 && dtype <= DType::kF64; }

/// The type in which sums and products of this type are kept: f32 for narrow floats, i32 for narrow integers, else
/// itself. This is the register type of AX; bool counts in i32.
[[nodiscard]] constexpr DType accumulator_type(DType dtype) {
  if (is_floating_point(dtype)) return dtype == DType::kF64 ? DType::kF64 : DType::kF32;
  return bytes_per_element(dtype) < 4 ? DType::kI32 : dtype;
}

/// "f32", "f8_e4m3", "bool": the names of AX, the command line and Python's reports.
[[nodiscard]] std::string_view to_string(DType dtype);

/// The inverse of to_string; empty for anything else.
[[nodiscard]] std::optional<DType> try_parse_dtype(std::string_view name);

/// The inverse of to_string. Raises InvalidConfig that lists the legal names.
[[nodiscard]] DType parse_dtype(std::string_view name);

/// How a training step mixes types: parameters and optimizer state in `master`, tensors in `compute`, sums in
/// `accumulate`.
enum class PrecisionMode : std::uint8_t { kFull, kMixedF16, kMixedBF16, kDouble };

struct Precision {
  DType master = DType::kF32;
  DType compute = DType::kF32;
  DType accumulate = DType::kF32;
  /// Gradients of this compute type underflow unless the loss is scaled up (f16's smallest normal is 2⁻¹⁴).
  bool needs_loss_scaling = false;
};

[[nodiscard]] constexpr Precision precision_of(PrecisionMode mode) {
  switch (mode) {
    case PrecisionMode::kMixedF16:
      return {.compute = DType::kF16, .needs_loss_scaling = true};
    case PrecisionMode::kMixedBF16:
      return {.compute = DType::kBF16};
    case PrecisionMode::kDouble:
      return {.master = DType::kF64, .compute = DType::kF64, .accumulate = DType::kF64};
    case PrecisionMode::kFull:
      break;
  }
  return {};
}

/// "full", "mixed_f16", "mixed_bf16", "double".
[[nodiscard]] std::string_view to_string(PrecisionMode mode);

/// The DType of a C++ element type; any integer type maps by width and sign.
template <typename T>
[[nodiscard]] constexpr DType dtype_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::same_as<U, bool>) {
    return DType::kBool;
  } else if constexpr (std::integral<U>) {
    constexpr bool kSigned = std::signed_integral<U>;
    switch (sizeof(U)) {
      case 1:
        return kSigned ? DType::kI8 : DType::kU8;
      case 2:
        return kSigned ? DType::kI16 : DType::kU16;
      case 4:
        return kSigned ? DType::kI32 : DType::kU32;
      default:
        return kSigned ? DType::kI64 : DType::kU64;
    }
  } else if constexpr (std::same_as<U, float>) {
    return DType::kF32;
  } else if constexpr (std::same_as<U, double>) {
    return DType::kF64;
  } else if constexpr (std::same_as<U, F16>) {
    return DType::kF16;
  } else if constexpr (std::same_as<U, BF16>) {
    return DType::kBF16;
  } else if constexpr (std::same_as<U, F8E4M3>) {
    return DType::kF8E4M3;
  } else if constexpr (std::same_as<U, F8E4M3Nan>) {
    return DType::kF8E4M3Nan;
  } else {
    static_assert(std::same_as<U, F8E5M2>, "no DType for this C++ type");
    return DType::kF8E5M2;
  }
}

/// Calls `body.template operator()<T>()` with the C++ element type of a dtype, and returns what it returns.
template <typename Body>
constexpr decltype(auto) visit_element_type(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::kBool:
      return body.template operator()<bool>();
    case DType::kI8:
      return body.template operator()<std::int8_t>();
    case DType::kU8:
      return body.template operator()<std::uint8_t>();
    case DType::kI16:
      return body.template operator()<std::int16_t>();
    case DType::kU16:
      return body.template operator()<std::uint16_t>();
    case DType::kI32:
      return body.template operator()<std::int32_t>();
    case DType::kU32:
      return body.template operator()<std::uint32_t>();
    case DType::kI64:
      return body.template operator()<std::int64_t>();
    case DType::kU64:
      return body.template operator()<std::uint64_t>();
    case DType::kF8E4M3:
      return body.template operator()<F8E4M3>();
    case DType::kF8E4M3Nan:
      return body.template operator()<F8E4M3Nan>();
    case DType::kF8E5M2:
      return body.template operator()<F8E5M2>();
    case DType::kF16:
      return body.template operator()<F16>();
    case DType::kBF16:
      return body.template operator()<BF16>();
    case DType::kF32:
      return body.template operator()<float>();
    case DType::kF64:
      break;
  }
  return body.template operator()<double>();
}

}  // namespace aurex
