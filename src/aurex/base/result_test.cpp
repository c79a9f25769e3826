#include "aurex/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace aurex {
namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return InvalidConfig(std::string("not a digit: ") + c);
  return c - '0';
}

TEST(Result, HoldsAValue) {
  const Result<int> result = parse_digit('7');
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value(), 7);
  EXPECT_EQ(result.value_or(1), 7);
}

TEST(Result, HoldsAnError) {
  const Result<int> result = parse_digit('x');
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(result.value_or(1), 1);
}

TEST(Result, ValueRaisesTheErrorWithItsOwnClass) {
  const Result<int> result = ShapeMismatch("x", {1, 2}, {3});
  try {
    (void)result.value();
    FAIL() << "nothing was raised";
  } catch (const ShapeMismatch& error) {
    EXPECT_EQ(error.actual.at(0), 3);
  }
}

TEST(Result, AttemptTurnsARaisedErrorIntoAResult) {
  const auto result = attempt([]() -> int { throw DimensionMismatch("x", 2, 3); });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().field("actual"), "3");
  EXPECT_THROW((void)result.value(), DimensionMismatch);
}

TEST(Result, AttemptLetsExceptionsOfOtherFamiliesPass) {
  EXPECT_THROW((void)attempt([]() -> int { throw std::runtime_error("x"); }), std::runtime_error);
}

TEST(Result, AttemptWorksWithoutAValue) {
  EXPECT_TRUE(attempt([] {}).ok());
  const auto failed = attempt([] { throw IoError("x"); });
  EXPECT_FALSE(failed.ok());
  EXPECT_THROW(failed.value(), IoError);
}

TEST(Result, CarriesValuesThatOnlyMove) {
  auto result = attempt([] { return std::make_unique<int>(3); });
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 3);
}

}  // namespace
}  // namespace aurex
