#include "aurex/base/clock.h"

#include <gtest/gtest.h>

namespace aurex {
namespace {

TEST(Clock, NeverGoesBackAndDoesMove) {
  const std::int64_t start = monotonic_ns();
  std::int64_t last = start;
  while (last == start) {
    const std::int64_t now = monotonic_ns();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, start);
}

}  // namespace
}  // namespace aurex
