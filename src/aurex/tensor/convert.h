#pragma once

// Exact conversions between numbers and their storage types: the reference that the interpreter, files and tests share.
//
// Narrow floats are rounded once, to nearest even, from f64 (every f32 is one, so f32 → f16 rounds once too), subnormal
// results included. Overflow follows the type: f16, bf16 and e5m2 go to infinity, f8_e4m3 saturates at ±448,
// f8_e4m3_nan becomes NaN. A NaN keeps its sign and the leading bits of its payload and comes out quiet. Widening is
// exact. Floats to integers truncate, saturate, and make 0 of NaN. Pure functions, no reliance on the floating-point
// environment.

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <utility>

#include "aurex/tensor/dtype.h"

namespace aurex {

/// A binary floating-point layout of at most 16 bits: sign, exponent, mantissa from the top.
struct NarrowFloat {
  int exponent_bits = 5;
  int mantissa_bits = 10;
  int bias = 15;
  /// IEEE: the top exponent holds infinities and NaN. Otherwise only the all-ones pattern is NaN, and there is no
  /// infinity.
  bool ieee = true;
  /// Past the largest finite value: saturate, or else infinity (NaN where there is none).
  bool saturate = false;
};

inline constexpr NarrowFloat kF16Layout = {};
inline constexpr NarrowFloat kBF16Layout = {.exponent_bits = 8, .mantissa_bits = 7, .bias = 127};
inline constexpr NarrowFloat kF8E5M2Layout = {.exponent_bits = 5, .mantissa_bits = 2, .bias = 15};
inline constexpr NarrowFloat kF8E4M3Layout = {
    .exponent_bits = 4, .mantissa_bits = 3, .bias = 7, .ieee = false, .saturate = true};
inline constexpr NarrowFloat kF8E4M3NanLayout = {.exponent_bits = 4, .mantissa_bits = 3, .bias = 7, .ieee = false};

/// The bits of `value` rounded to the layout, in the low bits of the result.
[[nodiscard]] std::uint16_t encode_narrow(const NarrowFloat& layout, double value);
/// The number that the bits stand for; exact in f32 as well.
[[nodiscard]] double decode_narrow(const NarrowFloat& layout, std::uint16_t bits);

[[nodiscard]] inline F16 to_f16(double value) { return {encode_narrow(kF16Layout, value)}; }
[[nodiscard]] inline BF16 to_bf16(double value) { return {encode_narrow(kBF16Layout, value)}; }
/// As above for f32, on the bits alone: a caller's flush-to-zero mode does not touch subnormals.
[[nodiscard]] BF16 to_bf16(float value);
[[nodiscard]] inline F8E5M2 to_f8_e5m2(double value) {
  return {static_cast<std::uint8_t>(encode_narrow(kF8E5M2Layout, value))};
}
[[nodiscard]] inline F8E4M3 to_f8_e4m3(double value) {
  return {static_cast<std::uint8_t>(encode_narrow(kF8E4M3Layout, value))};
}
[[nodiscard]] inline F8E4M3Nan to_f8_e4m3_nan(double value) {
  return {static_cast<std::uint8_t>(encode_narrow(kF8E4M3NanLayout, value))};
}

[[nodiscard]] inline double to_f64(F16 value) { return decode_narrow(kF16Layout, value.bits); }
[[nodiscard]] inline double to_f64(BF16 value) { return decode_narrow(kBF16Layout, value.bits); }
[[nodiscard]] inline double to_f64(F8E5M2 value) { return decode_narrow(kF8E5M2Layout, value.bits); }
[[nodiscard]] inline double to_f64(F8E4M3 value) { return decode_narrow(kF8E4M3Layout, value.bits); }
[[nodiscard]] inline double to_f64(F8E4M3Nan value) { return decode_narrow(kF8E4M3NanLayout, value.bits); }

template <typename T>
concept NarrowFloatElement = std::same_as<T, F16> || std::same_as<T, BF16> || std::same_as<T, F8E5M2> ||
                             std::same_as<T, F8E4M3> || std::same_as<T, F8E4M3Nan>;

template <NarrowFloatElement T>
[[nodiscard]] inline float to_f32(T value) {
  if constexpr (std::same_as<T, BF16>) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
  } else {
    return static_cast<float>(to_f64(value));  // no narrow value but bf16's is subnormal in f32
  }
}

/// Number to integer as stores and the casts i32(x), i64(x) of floats do: truncated, clamped to To's range, NaN gives
/// 0.
template <std::integral To, typename From>
  requires(std::integral<From> || std::floating_point<From>)
[[nodiscard]] constexpr To saturate_cast(From value) {
  using Limits = std::numeric_limits<To>;
  if constexpr (std::floating_point<From>) {
    // −2ⁿ and 2ⁿ are exact in every float type, Limits::max() of 64 bits is not.
    constexpr From kPastMax = static_cast<From>(Limits::max() / 2 + 1) * From{2};
    if (!(value == value)) return 0;  // NOLINT(misc-redundant-expression): NaN; std::isnan is no constexpr yet
    if (value >= kPastMax) return Limits::max();
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    return static_cast<To>(value);
  } else {
    if (std::cmp_greater(value, Limits::max())) return Limits::max();
    if (std::cmp_less(value, Limits::min())) return Limits::min();
    return static_cast<To>(value);
  }
}

/// Integer to integer as casts written in a program do: the low bits stay.
template <std::integral To, std::integral From>
[[nodiscard]] constexpr To wrap_cast(From value) {
  return static_cast<To>(value);
}

/// One element of any dtype as a number. bool is 0 or 1. f64 rounds 64-bit integers to nearest even.
[[nodiscard]] double load_f64(DType dtype, const void* element);
/// Integers exactly; u64 past 2⁶³ − 1 wraps, floats follow saturate_cast.
[[nodiscard]] std::int64_t load_i64(DType dtype, const void* element);

/// Stores a number under the rules above. To bool: value != 0.
void store_f64(DType dtype, void* element, double value);
/// Integer stores saturate; a float gets the nearest value, rounded once.
void store_i64(DType dtype, void* element, std::int64_t value);
void store_u64(DType dtype, void* element, std::uint64_t value);

}  // namespace aurex
