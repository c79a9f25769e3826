#include "aurex/tensor/dtype.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

struct Row {
  DType dtype;
  const char* name;
  int bytes;
  bool floating, integer, is_signed, trainable;
  DType accumulator;
};

constexpr Row kRows[] = {
    {DType::kBool, "bool", 1, false, false, false, false, DType::kI32},
    {DType::kI8, "i8", 1, false, true, true, false, DType::kI32},
    {DType::kU8, "u8", 1, false, true, false, false, DType::kI32},
    {DType::kI16, "i16", 2, false, true, true, false, DType::kI32},
    {DType::kU16, "u16", 2, false, true, false, false, DType::kI32},
    {DType::kI32, "i32", 4, false, true, true, false, DType::kI32},
    {DType::kU32, "u32", 4, false, true, false, false, DType::kU32},
    {DType::kI64, "i64", 8, false, true, true, false, DType::kI64},
    {DType::kU64, "u64", 8, false, true, false, false, DType::kU64},
    {DType::kF8E4M3, "f8_e4m3", 1, true, false, true, false, DType::kF32},
    {DType::kF8E4M3Nan, "f8_e4m3_nan", 1, true, false, true, false, DType::kF32},
    {DType::kF8E5M2, "f8_e5m2", 1, true, false, true, false, DType::kF32},
    {DType::kF16, "f16", 2, true, false, true, true, DType::kF32},
    {DType::kBF16, "bf16", 2, true, false, true, true, DType::kF32},
    {DType::kF32, "f32", 4, true, false, true, true, DType::kF32},
    {DType::kF64, "f64", 8, true, false, true, true, DType::kF64},
};

TEST(DType, EveryTypeHasTheFactsOfItsRow) {
  ASSERT_EQ(std::size(kRows), static_cast<std::size_t>(kDTypeCount));
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(to_string(row.dtype), row.name);
    EXPECT_EQ(parse_dtype(row.name), row.dtype);
    EXPECT_EQ(bytes_per_element(row.dtype), row.bytes);
    EXPECT_EQ(is_floating_point(row.dtype), row.floating);
    EXPECT_EQ(is_integer(row.dtype), row.integer);
    EXPECT_EQ(is_signed(row.dtype), row.is_signed);
    EXPECT_EQ(is_trainable(row.dtype), row.trainable);
    EXPECT_EQ(accumulator_type(row.dtype), row.accumulator);
  }
}

TEST(DType, ListOfAllTypesHasEachOnce) {
  EXPECT_EQ(std::set<DType>(kAllDTypes.begin(), kAllDTypes.end()).size(), static_cast<std::size_t>(kDTypeCount));
}

TEST(DType, AnUnknownNameIsRefusedWithTheLegalOnes) {
  EXPECT_EQ(try_parse_dtype("float32"), std::nullopt);
  EXPECT_EQ(try_parse_dtype(""), std::nullopt);
  try {
    static_cast<void>(parse_dtype("float32"));
    FAIL() << "accepted";
  } catch (const InvalidConfig& error) {
    EXPECT_NE(error.message().find("'float32'"), std::string::npos);
    EXPECT_NE(error.message().find("f8_e4m3_nan"), std::string::npos);
  }
}

TEST(DType, ElementTypesOfCppMapToTheirDType) {
  static_assert(dtype_of<const float>() == DType::kF32);
  static_assert(dtype_of<long>() == DType::kI64 && dtype_of<long long>() == DType::kI64);
  static_assert(dtype_of<bool>() == DType::kBool &&
                dtype_of<char>() == (std::is_signed_v<char> ? DType::kI8 : DType::kU8));
  for (DType dtype : kAllDTypes) {
    visit_element_type(dtype, [&]<typename T>() {
      EXPECT_EQ(dtype_of<T>(), dtype);
      EXPECT_EQ(sizeof(T), static_cast<std::size_t>(bytes_per_element(dtype)));
    });
  }
}

TEST(Precision, OnlyHalfPrecisionNeedsLossScaling) {
  EXPECT_FALSE(precision_of(PrecisionMode::kFull).needs_loss_scaling);
  EXPECT_TRUE(precision_of(PrecisionMode::kMixedF16).needs_loss_scaling);
  EXPECT_FALSE(precision_of(PrecisionMode::kMixedBF16).needs_loss_scaling);
  EXPECT_FALSE(precision_of(PrecisionMode::kDouble).needs_loss_scaling);
}

TEST(Precision, MixedModesKeepMasterAndSumsInF32) {
  for (PrecisionMode mode : {PrecisionMode::kMixedF16, PrecisionMode::kMixedBF16}) {
    SCOPED_TRACE(to_string(mode));
    const Precision precision = precision_of(mode);
    EXPECT_EQ(precision.master, DType::kF32);
    EXPECT_EQ(precision.accumulate, DType::kF32);
    EXPECT_EQ(bytes_per_element(precision.compute), 2);
  }
  EXPECT_EQ(precision_of(PrecisionMode::kDouble).compute, DType::kF64);
}

}  // namespace
}  // namespace aurex
