#include "aurex/base/seed.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

namespace aurex {
namespace {

TEST(SplitMix64, MatchesPublishedNumbers) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random(), 6457827717110365317u);
  EXPECT_EQ(random(), 3203168211198807973u);
  EXPECT_EQ(random(), 9817491932198370423u);
  EXPECT_EQ(random(), 4593380528125082431u);
  EXPECT_EQ(random(), 16408922859458223821u);
}

TEST(SplitMix64, BelowReachesEveryNumberAndNoOther) {
  SplitMix64 random(1);
  std::array<int, 5> seen{};
  for (int i = 0; i < 5000; ++i) ++seen.at(random.below(5));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
}

TEST(SplitMix64, BetweenIncludesBothEndsAndTheWholeRange) {
  SplitMix64 random(2);
  EXPECT_EQ(random.between(-3, -3), -3);
  bool low = false, high = false;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t value = random.between(-1, 1);
    ASSERT_LE(-1, value);
    ASSERT_LE(value, 1);
    low |= value == -1;
    high |= value == 1;
  }
  EXPECT_TRUE(low && high);
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min(), kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_NE(random.between(kMin, kMax), random.between(kMin, kMax));
}

TEST(SplitMix64, UnitStaysBelowOne) {
  SplitMix64 random(3);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = random.unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
}

}  // namespace
}  // namespace aurex
