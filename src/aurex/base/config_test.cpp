#include "aurex/base/config.h"

#include <gtest/gtest.h>

namespace aurex {
namespace {

struct RankConfig {
  int rank = 8;
  [[nodiscard]] RankConfig with_rank(int value) const {
    RankConfig next = *this;
    next.rank = value;
    return next;
  }
  void validate() const {
    if (rank <= 0) throw InvalidConfig("rank must be positive");
  }
};

struct NoValidation {};

static_assert(ValidatableConfig<RankConfig>);
static_assert(!ValidatableConfig<NoValidation>);

TEST(Config, AValidOnePassesUnchanged) { EXPECT_EQ(validated(RankConfig().with_rank(4)).rank, 4); }

TEST(Config, AnInvalidOneIsRaisedOrReturned) {
  EXPECT_THROW((void)validated(RankConfig().with_rank(0)), InvalidConfig);
  EXPECT_TRUE(try_validate(RankConfig()).ok());
  EXPECT_EQ(try_validate(RankConfig().with_rank(-1)).error().message(), "rank must be positive");
}

}  // namespace
}  // namespace aurex
