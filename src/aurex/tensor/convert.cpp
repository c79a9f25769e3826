#include "aurex/tensor/convert.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace aurex {
namespace {

constexpr int kF64MantissaBits = 52;
constexpr int kF64Bias = 1023;
constexpr std::uint64_t kF64MantissaMask = (std::uint64_t{1} << kF64MantissaBits) - 1;

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + kF64Bias) << kF64MantissaBits);
}

/// The first code that is no finite number.
std::uint32_t first_special(const NarrowFloat& layout) {
  const std::uint32_t all_ones = (1u << (layout.exponent_bits + layout.mantissa_bits)) - 1;
  return layout.ieee ? all_ones & ~((1u << layout.mantissa_bits) - 1) : all_ones;
}

std::uint32_t nan_code(const NarrowFloat& layout, std::uint64_t f64_mantissa) {
  if (!layout.ieee) return first_special(layout);
  const auto payload = static_cast<std::uint32_t>(f64_mantissa >> (kF64MantissaBits - layout.mantissa_bits));
  return first_special(layout) | payload | (1u << (layout.mantissa_bits - 1));
}

std::uint32_t overflow_code(const NarrowFloat& layout) {
  return layout.saturate ? first_special(layout) - 1 : first_special(layout);
}

/// significand / 2^shift to nearest, ties to even; significand < 2^53.
std::uint64_t shift_to_nearest_even(std::uint64_t significand, int shift) {
  if (shift > kF64MantissaBits + 1) return 0;  // less than half a unit
  const std::uint64_t quotient = significand >> shift;
  const std::uint64_t rest = significand & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  return quotient + (rest > half || (rest == half && (quotient & 1) != 0) ? 1 : 0);
}

/// An integer as f64 such that a later rounding to at most 50 bits is as if from the integer itself: bits that do not
/// fit are replaced by a set last bit ("round to odd").
double to_f64_odd(std::uint64_t magnitude) {
  const int excess = std::max(0, 64 - std::countl_zero(magnitude) - (kF64MantissaBits + 1));
  if (excess == 0) return static_cast<double>(magnitude);
  const bool inexact = (magnitude & ((std::uint64_t{1} << excess) - 1)) != 0;
  const std::uint64_t kept = (magnitude >> excess) | (inexact ? 1 : 0);
  return static_cast<double>(kept) * power_of_two(excess);
}

template <typename T>
T load(const void* element) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  return value;
}

template <typename T>
void store(void* element, T value) {
  std::memcpy(element, &value, sizeof(T));
}

template <NarrowFloatElement T>
T narrow(double value) {
  if constexpr (std::same_as<T, F16>) return to_f16(value);
  if constexpr (std::same_as<T, BF16>) return to_bf16(value);
  if constexpr (std::same_as<T, F8E4M3>) return to_f8_e4m3(value);
  if constexpr (std::same_as<T, F8E4M3Nan>) return to_f8_e4m3_nan(value);
  if constexpr (std::same_as<T, F8E5M2>) return to_f8_e5m2(value);
}

template <typename Integer>
void store_integer(DType dtype, void* element, Integer value) {
  visit_element_type(dtype, [&]<typename T>() {
    if constexpr (std::same_as<T, bool>) {
      store<T>(element, value != 0);
    } else if constexpr (NarrowFloatElement<T>) {
      const bool negative = std::cmp_less(value, 0);
      const auto bits = static_cast<std::uint64_t>(value);
      const double magnitude = to_f64_odd(negative ? 0 - bits : bits);
      store<T>(element, narrow<T>(negative ? -magnitude : magnitude));
    } else if constexpr (std::floating_point<T>) {
      store<T>(element, static_cast<T>(value));
    } else {
      store<T>(element, saturate_cast<T>(value));
    }
  });
}

}  // namespace

std::uint16_t encode_narrow(const NarrowFloat& layout, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const int m = layout.mantissa_bits;
  const auto sign = static_cast<std::uint32_t>(bits >> 63) << (layout.exponent_bits + m);
  const int field = static_cast<int>(bits >> kF64MantissaBits) & 0x7ff;
  const std::uint64_t mantissa = bits & kF64MantissaMask;

  std::uint64_t code = 0;
  if (field == 0x7ff) {
    code = mantissa != 0 ? nan_code(layout, mantissa) : overflow_code(layout);
  } else if (field != 0) {  // a subnormal f64 is far below half of the smallest narrow number
    const int exponent = field - kF64Bias;
    const int lowest = 1 - layout.bias;
    const std::uint64_t significand = mantissa | (kF64MantissaMask + 1);
    const int dropped = kF64MantissaBits - m;
    if (exponent < lowest) {
      code = shift_to_nearest_even(significand, dropped + lowest - exponent);
    } else {
      // The leading one adds 1 to the exponent field, and so does a carry out of the mantissa.
      const auto below = static_cast<std::uint64_t>(exponent + layout.bias - 1) << m;
      code = below + shift_to_nearest_even(significand, dropped);
    }
    if (code >= first_special(layout)) code = overflow_code(layout);
  }
  return static_cast<std::uint16_t>(sign | code);
}

double decode_narrow(const NarrowFloat& layout, std::uint16_t bits) {
  const int m = layout.mantissa_bits;
  const int width = layout.exponent_bits + m;
  const std::uint64_t sign = static_cast<std::uint64_t>((bits >> width) & 1) << 63;
  const std::uint32_t code = bits & ((1u << width) - 1);
  const std::uint64_t mantissa = code & ((1u << m) - 1);
  const int field = static_cast<int>(code >> m);

  std::uint64_t magnitude;
  if (code >= first_special(layout)) {
    const bool infinity = layout.ieee && mantissa == 0;
    const std::uint64_t payload = layout.ieee ? mantissa << (kF64MantissaBits - m) : std::uint64_t{1} << 51;
    magnitude = (std::uint64_t{0x7ff} << kF64MantissaBits) | (infinity ? 0 : payload);
  } else if (field == 0) {
    magnitude = std::bit_cast<std::uint64_t>(static_cast<double>(mantissa) * power_of_two(1 - layout.bias - m));
  } else {
    magnitude = (static_cast<std::uint64_t>(field - layout.bias + kF64Bias) << kF64MantissaBits) |
                (mantissa << (kF64MantissaBits - m));
  }
  return std::bit_cast<double>(sign | magnitude);
}

BF16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t kInfinity = 0x7f800000;
  if ((bits & 0x7fffffff) > kInfinity) return {static_cast<std::uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

double load_f64(DType dtype, const void* element) {
  return visit_element_type(dtype, [&]<typename T>() -> double {
    if constexpr (std::same_as<T, bool>) {
      return load<std::uint8_t>(element) != 0 ? 1.0 : 0.0;
    } else if constexpr (NarrowFloatElement<T>) {
      return to_f64(load<T>(element));
    } else {
      return static_cast<double>(load<T>(element));
    }
  });
}

std::int64_t load_i64(DType dtype, const void* element) {
  return visit_element_type(dtype, [&]<typename T>() -> std::int64_t {
    if constexpr (std::same_as<T, bool>) {
      return load<std::uint8_t>(element) != 0 ? 1 : 0;
    } else if constexpr (std::integral<T>) {
      return wrap_cast<std::int64_t>(load<T>(element));
    } else if constexpr (NarrowFloatElement<T>) {
      return saturate_cast<std::int64_t>(to_f64(load<T>(element)));
    } else {
      return saturate_cast<std::int64_t>(load<T>(element));
    }
  });
}

void store_f64(DType dtype, void* element, double value) {
  visit_element_type(dtype, [&]<typename T>() {
    if constexpr (std::same_as<T, bool>) {
      store<T>(element, value != 0);
    } else if constexpr (NarrowFloatElement<T>) {
      store<T>(element, narrow<T>(value));
    } else if constexpr (std::floating_point<T>) {
      store<T>(element, static_cast<T>(value));
    } else {
      store<T>(element, saturate_cast<T>(value));
    }
  });
}

void store_i64(DType dtype, void* element, std::int64_t value) { store_integer(dtype, element, value); }
void store_u64(DType dtype, void* element, std::uint64_t value) { store_integer(dtype, element, value); }

}  // namespace aurex
