#include "docs/worked_example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace aurex::docs {
namespace {

using testing::ElementsAre;

TEST(WorkedExample, HoldsNumbersAndArraysByName) {
  const auto example = parse_worked_example("// x = [[1, 2.5], [-3, 4]], B = 3 gives y = [], s = -1e2");
  ASSERT_TRUE(example.has_value());
  ASSERT_EQ(example->given.size(), 2u);
  EXPECT_EQ(example->given[0].first, "x");
  EXPECT_THAT(example->given[0].second.shape, ElementsAre(2, 2));
  EXPECT_THAT(example->given[0].second.values, ElementsAre(1, 2.5, -3, 4));
  EXPECT_FALSE(example->given[1].second.array);
  EXPECT_THAT(example->expected[0].second.shape, ElementsAre(0));
  EXPECT_THAT(example->expected[1].second.values, ElementsAre(-100));
}

TEST(WorkedExample, KnowsNanAndInfinity) {
  const auto example = parse_worked_example("// x = [nan, -inf] gives y = inf");
  ASSERT_TRUE(example.has_value());
  EXPECT_TRUE(std::isnan(example->given[0].second.values[0]));
  EXPECT_TRUE(std::isinf(example->given[0].second.values[1]));
}

TEST(WorkedExample, IsNotSeenInOtherComments) {
  EXPECT_FALSE(parse_worked_example("// every row has its own bound").has_value());
  EXPECT_FALSE(parse_worked_example("x gives y").has_value());
}

TEST(WorkedExample, IsRefusedWhereItDoesNotFollowItsGrammar) {
  for (const auto* line :
       {"// x = [1, 2 gives y = 1", "// x = [[1], [2, 3]] gives y = 1", "// x = [[1], 2] gives y = 1", "// x gives y",
        "// x = 1 gives y = 1 2", "// x = a gives y = 1"}) {
    EXPECT_THROW((void)parse_worked_example(line), std::invalid_argument) << line;
  }
}

}  // namespace
}  // namespace aurex::docs
