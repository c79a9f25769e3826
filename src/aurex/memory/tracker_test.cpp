#include "aurex/memory/tracker.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "aurex/base/error.h"

namespace aurex {
namespace {

TEST(MemoryTracker, CountsUsedPeakAndFree) {
  MemoryTracker tracker(1000);
  tracker.allocate(600);
  tracker.release(500);
  tracker.allocate(300);
  EXPECT_EQ(tracker.used(), 400);
  EXPECT_EQ(tracker.peak(), 600);
  EXPECT_EQ(tracker.free(), 600);
  EXPECT_EQ(tracker.limit(), 1000);
}

TEST(MemoryTracker, OverTheLimitNothingIsCountedAndTheErrorHasTheFigures) {
  MemoryTracker tracker(1000);
  tracker.allocate(800);
  try {
    tracker.allocate(201);
    FAIL() << "fitted";
  } catch (const OutOfMemory& error) {
    EXPECT_EQ(error.requested, 201);
    EXPECT_EQ(error.free, 200);
    EXPECT_EQ(error.limit, 1000);
  }
  EXPECT_EQ(tracker.used(), 800);
  EXPECT_TRUE(tracker.try_allocate(200));
  EXPECT_FALSE(tracker.try_allocate(1));
}

TEST(MemoryTracker, WithoutALimitOnlyTheNumbersEnd) {
  MemoryTracker tracker;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(tracker.free(), kMax);
  tracker.allocate(kMax);
  EXPECT_THROW(tracker.allocate(1), OutOfMemory);
  EXPECT_THROW(tracker.allocate(-1), InvalidConfig);
}

TEST(MemoryTracker, WouldFitAddsTheOverheadFactor) {
  const MemoryTracker tracker(1100);
  EXPECT_EQ(tracker.overhead_factor(), 1.1);
  EXPECT_TRUE(tracker.would_fit(1000));
  EXPECT_FALSE(tracker.would_fit(1001));
  EXPECT_TRUE(MemoryTracker(1000, 1.0).would_fit(1000));
  EXPECT_THROW(MemoryTracker(1000, 0.9), InvalidConfig);
}

TEST(MemoryTracker, ResetsForgetThePeakOrEverything) {
  MemoryTracker tracker(100);
  tracker.allocate(90);
  tracker.release(60);
  tracker.reset_peak();
  EXPECT_EQ(tracker.peak(), 30);
  tracker.reset();
  EXPECT_EQ(tracker.used(), 0);
  EXPECT_EQ(tracker.peak(), 0);
  tracker.allocate(100);
  EXPECT_EQ(tracker.free(), 0);
}

TEST(MemoryTracker, ALoweredLimitLeavesNothingFree) {
  MemoryTracker tracker(100);
  tracker.allocate(90);
  tracker.set_limit(50);
  EXPECT_EQ(tracker.free(), 0);
  EXPECT_FALSE(tracker.try_allocate(1));
  tracker.set_limit(MemoryTracker::kNoLimit);
  EXPECT_TRUE(tracker.try_allocate(1000));
}

TEST(MemoryTracker, ThreadsNeverPassTheLimitTogetherAndNothingIsLost) {
  MemoryTracker tracker(100);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2000; ++n) {
        if (tracker.try_allocate(40)) tracker.release(40);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tracker.used(), 0);
  EXPECT_LE(tracker.peak(), 80);
  EXPECT_GE(tracker.peak(), 40);
}

}  // namespace
}  // namespace aurex
