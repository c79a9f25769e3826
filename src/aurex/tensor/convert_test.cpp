#include "aurex/tensor/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace aurex {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Format {
  const char* name;
  NarrowFloat layout;
  std::uint16_t largest;  // code of the largest finite value
  double largest_value, min_normal, min_subnormal;
  std::uint16_t past_largest;  // what overflow gives
};

const Format kFormats[] = {
    {"f16", kF16Layout, 0x7bff, 65504.0, 0x1p-14, 0x1p-24, 0x7c00},
    {"bf16", kBF16Layout, 0x7f7f, 0x1.fep127, 0x1p-126, 0x1p-133, 0x7f80},
    {"f8_e5m2", kF8E5M2Layout, 0x7b, 57344.0, 0x1p-14, 0x1p-16, 0x7c},
    {"f8_e4m3", kF8E4M3Layout, 0x7e, 448.0, 0x1p-6, 0x1p-9, 0x7e},
    {"f8_e4m3_nan", kF8E4M3NanLayout, 0x7e, 448.0, 0x1p-6, 0x1p-9, 0x7f},
};

std::uint16_t sign_bit(const NarrowFloat& layout) {
  return static_cast<std::uint16_t>(1u << (layout.exponent_bits + layout.mantissa_bits));
}

TEST(NarrowFloat, LimitsAreThoseOfTheStandards) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    EXPECT_EQ(decode_narrow(format.layout, format.largest), format.largest_value);
    EXPECT_EQ(decode_narrow(format.layout, static_cast<std::uint16_t>(1u << format.layout.mantissa_bits)),
              format.min_normal);
    EXPECT_EQ(decode_narrow(format.layout, 1), format.min_subnormal);
  }
}

TEST(NarrowFloat, EveryCodeComesBackFromItsValue) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    const std::uint32_t codes = 2u * sign_bit(format.layout);
    for (std::uint32_t code = 0; code < codes; ++code) {
      const double value = decode_narrow(format.layout, static_cast<std::uint16_t>(code));
      if (std::isnan(value) || (std::isinf(value) && format.layout.saturate)) continue;
      ASSERT_EQ(encode_narrow(format.layout, value), code) << value;
    }
  }
}

TEST(NarrowFloat, FiniteCodesAscend) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    for (std::uint16_t code = 0; code < format.largest; ++code) {
      ASSERT_LT(decode_narrow(format.layout, code), decode_narrow(format.layout, static_cast<std::uint16_t>(code + 1)));
    }
  }
}

// Between two neighbours: the midpoint goes to the even code, anything nearer to one goes there. Exhaustive over codes,
// hence over every normal and subnormal result.
TEST(NarrowFloat, RoundsToTheNearestNeighbourAndTiesToEven) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    const std::uint16_t sign = sign_bit(format.layout);
    for (std::uint16_t low = 0; low < format.largest; ++low) {
      const auto high = static_cast<std::uint16_t>(low + 1);
      const double middle = (decode_narrow(format.layout, low) + decode_narrow(format.layout, high)) / 2;  // exact
      const std::uint16_t even = (low & 1) == 0 ? low : high;
      ASSERT_EQ(encode_narrow(format.layout, middle), even);
      ASSERT_EQ(encode_narrow(format.layout, std::nextafter(middle, 0.0)), low);
      ASSERT_EQ(encode_narrow(format.layout, std::nextafter(middle, kInf)), high);
      ASSERT_EQ(encode_narrow(format.layout, -middle), even | sign);
    }
  }
}

TEST(NarrowFloat, OverflowFollowsTheType) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    const std::uint16_t sign = sign_bit(format.layout);
    // Half a step past the largest value is a tie that goes to the even code: up from an odd mantissa, down from an
    // even.
    const double step = format.largest_value - decode_narrow(format.layout, format.largest - 1);
    const double tie = format.largest_value + step / 2;
    const std::uint16_t at_tie = (format.largest & 1) == 0 ? format.largest : format.past_largest;
    EXPECT_EQ(encode_narrow(format.layout, tie), at_tie);
    EXPECT_EQ(encode_narrow(format.layout, std::nextafter(tie, 0.0)), format.largest);
    EXPECT_EQ(encode_narrow(format.layout, std::nextafter(tie, kInf)), format.past_largest);
    EXPECT_EQ(encode_narrow(format.layout, kInf), format.past_largest);
    EXPECT_EQ(encode_narrow(format.layout, -kInf), format.past_largest | sign);
    EXPECT_EQ(encode_narrow(format.layout, std::numeric_limits<double>::max()), format.past_largest);
  }
}

TEST(NarrowFloat, UnderflowKeepsTheSignOfZero) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    for (double tiny : {0.0, 5e-324, 1e-310, format.min_subnormal / 2}) {
      EXPECT_EQ(encode_narrow(format.layout, tiny), 0);
      EXPECT_EQ(encode_narrow(format.layout, -tiny), sign_bit(format.layout));
    }
    EXPECT_EQ(encode_narrow(format.layout, std::nextafter(format.min_subnormal / 2, 1.0)), 1);
    EXPECT_TRUE(std::signbit(decode_narrow(format.layout, sign_bit(format.layout))));
  }
}

TEST(NarrowFloat, NanStaysNanInBothDirections) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(format.name);
    const std::uint16_t code = encode_narrow(format.layout, kNan);
    EXPECT_TRUE(std::isnan(decode_narrow(format.layout, code)));
    EXPECT_EQ(encode_narrow(format.layout, std::copysign(kNan, -1.0)), code | sign_bit(format.layout));
    const auto signalling = std::bit_cast<double>(std::uint64_t{0x7ff0000000000001});
    EXPECT_TRUE(std::isnan(decode_narrow(format.layout, encode_narrow(format.layout, signalling))));
  }
  EXPECT_EQ(to_f16(kNan).bits, 0x7e00);
  EXPECT_EQ(to_bf16(kNan).bits, 0x7fc0);
  EXPECT_EQ(to_f8_e5m2(kNan).bits, 0x7e);
  EXPECT_EQ(to_f8_e4m3(kNan).bits, 0x7f);
}

TEST(NarrowFloat, F64ToF16RoundsOnce) {
  // 1 + 2⁻¹¹ + 2⁻³⁰: through f32 it would become the tie 1 + 2⁻¹¹ and then 1.
  EXPECT_EQ(to_f16(1 + 0x1p-11 + 0x1p-30).bits, 0x3c01);
  EXPECT_EQ(to_f16(static_cast<float>(1 + 0x1p-11 + 0x1p-30)).bits, 0x3c00);
}

TEST(NarrowFloat, Bf16FromF32AgreesWithTheWideRouteOnEveryUpperHalf) {
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (std::uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const auto value = std::bit_cast<float>((upper << 16) | lower);
      ASSERT_EQ(to_bf16(value).bits, to_bf16(static_cast<double>(value)).bits) << std::hex << upper << " " << lower;
    }
  }
}

TEST(NarrowFloat, WideningToF32IsExact) {
  for (std::uint32_t code = 0; code < 0x10000; ++code) {
    const auto bits = static_cast<std::uint16_t>(code);
    const double half = to_f64(F16{bits}), brain = to_f64(BF16{bits});
    if (!std::isnan(half)) {
      ASSERT_EQ(to_f32(F16{bits}), half);
    }
    if (!std::isnan(brain)) {
      ASSERT_EQ(to_f32(BF16{bits}), brain);
    }
  }
}

TEST(SaturateCast, FloatsTruncateClampAndTurnNanIntoZero) {
  EXPECT_EQ(saturate_cast<std::int32_t>(-1.9), -1);
  EXPECT_EQ(saturate_cast<std::int32_t>(kNan), 0);
  EXPECT_EQ(saturate_cast<std::int32_t>(kInf), 2147483647);
  EXPECT_EQ(saturate_cast<std::int32_t>(-kInf), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(saturate_cast<std::int32_t>(2147483647.0), 2147483647);
  EXPECT_EQ(saturate_cast<std::int32_t>(2147483648.0f), 2147483647);
  EXPECT_EQ(saturate_cast<std::int64_t>(0x1p63), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(saturate_cast<std::int64_t>(-0x1p63), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(saturate_cast<std::int64_t>(std::nextafter(0x1p63, 0.0)), 0x7ffffffffffffc00);
  EXPECT_EQ(saturate_cast<std::uint64_t>(0x1p64), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(saturate_cast<std::uint64_t>(0x1.8p63), 0xc000000000000000u);
  EXPECT_EQ(saturate_cast<std::uint8_t>(-3.0), 0);
  EXPECT_EQ(saturate_cast<std::uint8_t>(255.9f), 255);
  EXPECT_EQ(saturate_cast<std::int8_t>(-128.5f), -128);
}

TEST(SaturateCast, IntegersClamp) {
  EXPECT_EQ(saturate_cast<std::int8_t>(300), 127);
  EXPECT_EQ(saturate_cast<std::int8_t>(-300), -128);
  EXPECT_EQ(saturate_cast<std::uint8_t>(-1), 0);
  EXPECT_EQ(saturate_cast<std::int64_t>(~std::uint64_t{0}), std::numeric_limits<std::int64_t>::max());
}

TEST(WrapCast, KeepsTheLowBits) {
  EXPECT_EQ(wrap_cast<std::int8_t>(300), 44);
  EXPECT_EQ(wrap_cast<std::uint8_t>(-1), 255);
}

TEST(Elements, SmallNumbersComeBackFromEveryType) {
  for (DType dtype : kAllDTypes) {
    SCOPED_TRACE(to_string(dtype));
    std::uint64_t cell = 0;
    for (std::int64_t value : {0, 1, 3, -2}) {
      if ((dtype == DType::kBool && value != 0 && value != 1) || (value < 0 && !is_signed(dtype))) continue;
      store_i64(dtype, &cell, value);
      EXPECT_EQ(load_i64(dtype, &cell), value);
      EXPECT_EQ(load_f64(dtype, &cell), static_cast<double>(value));
      store_f64(dtype, &cell, static_cast<double>(value));
      EXPECT_EQ(load_i64(dtype, &cell), value);
    }
  }
}

TEST(Elements, StoresToIntegersSaturate) {
  for (DType dtype : kAllDTypes) {
    if (!is_integer(dtype)) continue;
    SCOPED_TRACE(to_string(dtype));
    const int bits = 8 * bytes_per_element(dtype) - (is_signed(dtype) ? 1 : 0);
    const std::uint64_t top = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    std::uint64_t cell = 0;
    store_f64(dtype, &cell, 1e300);
    EXPECT_EQ(static_cast<std::uint64_t>(load_i64(dtype, &cell)), top);
    store_u64(dtype, &cell, ~std::uint64_t{0});
    EXPECT_EQ(static_cast<std::uint64_t>(load_i64(dtype, &cell)), top);
    store_f64(dtype, &cell, -1e300);
    EXPECT_EQ(load_i64(dtype, &cell), is_signed(dtype) ? static_cast<std::int64_t>(~top) : 0);
    store_f64(dtype, &cell, kNan);
    EXPECT_EQ(load_i64(dtype, &cell), 0);
  }
}

TEST(Elements, LargeIntegersReachNarrowFloatsWithOneRounding) {
  // 2⁶² + 2⁵⁴ is a tie between two bf16 values; one more decides it upwards, which a detour through f64 would lose.
  const std::int64_t tie = (std::int64_t{1} << 62) + (std::int64_t{1} << 54);
  BF16 cell;
  store_i64(DType::kBF16, &cell, tie);
  EXPECT_EQ(to_f64(cell), 0x1p62);
  store_i64(DType::kBF16, &cell, tie + 1);
  EXPECT_EQ(to_f64(cell), 0x1p62 + 0x1p55);
  store_i64(DType::kBF16, &cell, -(tie + 1));
  EXPECT_EQ(to_f64(cell), -(0x1p62 + 0x1p55));
  store_u64(DType::kBF16, &cell, ~std::uint64_t{0});
  EXPECT_EQ(to_f64(cell), 0x1p64);
}

}  // namespace
}  // namespace aurex
