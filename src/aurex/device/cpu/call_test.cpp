#include "aurex/device/cpu/call.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/device/cpu/floating_point.h"
#include "aurex/telemetry/memory_counters.h"

namespace aurex::cpu {
namespace {

constexpr std::int64_t kTiles = 100;
constexpr double kLong = 1e9;  // an estimate that makes the pool use its workers

/// A hand-written kernel: each test sets what its block and drive do through arrays[0], a vector of i64.
std::int64_t* output(const AurexFrame* frame) { return reinterpret_cast<std::int64_t*>(frame->arrays[0].data); }

class Calls : public ::testing::Test {
 protected:
  CallOutcome call(AurexDrive drive, AurexPlan plan = {}, const std::atomic<bool>* stop = nullptr) {
    const AurexArray arrays[] = {{reinterpret_cast<char*>(values_.data()), nullptr}};
    CallRequest request{.drive = drive, .plan = plan, .stop = stop};
    request.frame.arrays = arrays;
    return run_call(request, pool_);
  }

  ThreadPool pool_{3};
  std::vector<std::int64_t> values_ = std::vector<std::int64_t>(kTiles);
};

TEST_F(Calls, EveryTileRunsOnce) {
  const CallOutcome outcome = call([](const AurexFrame* frame) {
    const auto block = [](const AurexFrame* f, AurexWorker*, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) output(f)[i] += i + 1;
    };
    EXPECT_EQ(frame->runtime->parallel(frame, block, kTiles, 0, kLong), 0);
  });
  for (std::int64_t i = 0; i < kTiles; ++i) EXPECT_EQ(values_[static_cast<std::size_t>(i)], i + 1);
  EXPECT_EQ(outcome.fault.fault, kAurexFaultNone);
  EXPECT_FALSE(outcome.stopped);
}

TEST_F(Calls, ScratchIsAlignedAndAsLargeAsAsked) {
  call(
      [](const AurexFrame* frame) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame->shared) % 64, 0u);
        frame->shared[4999] = 1;
        const auto block = [](const AurexFrame* f, AurexWorker* worker, std::int64_t first, std::int64_t last) {
          worker->scratch[9999] = 1;
          for (std::int64_t i = first; i < last; ++i) {
            output(f)[i] = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(worker->scratch) % 64);
          }
        };
        frame->runtime->parallel(frame, block, kTiles, 10'000, kLong);
      },
      {.shared_bytes = 5000, .worker_bytes = 10'000, .tiles = kTiles, .nanoseconds = kLong});
  for (const std::int64_t misalignment : values_) EXPECT_EQ(misalignment, 0);
}

TEST_F(Calls, ASecondCallAllocatesNothing) {
  const auto drive = [](const AurexFrame* frame) {
    frame->runtime->parallel(frame, [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) {}, 1, 4096, 0);
  };
  const AurexPlan plan{.shared_bytes = 4096, .worker_bytes = 4096, .tiles = 1, .nanoseconds = 0};
  call(drive, plan);
  const MemoryMark mark = mark_memory();
  call(drive, plan);
  EXPECT_EQ(memory_since(mark).allocated, 0);
}

#if defined(__x86_64__)
constexpr unsigned kFlushToZero = 0x8040;  // FTZ and DAZ

TEST_F(Calls, SubnormalsSurviveTheCallersFlushToZeroOnEveryWorker) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kFlushToZero);
  call([](const AurexFrame* frame) {
    const auto block = [](const AurexFrame* f, AurexWorker*, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        volatile float smallest = std::numeric_limits<float>::min();
        output(f)[i] = std::bit_cast<std::int32_t>(smallest * 0.5f);
      }
    };
    frame->runtime->parallel(frame, block, kTiles, 0, kLong);
  });
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  for (const std::int64_t bits : values_) EXPECT_EQ(bits, 0x00400000);
  EXPECT_EQ(after & kFlushToZero, kFlushToZero);
}
#endif

TEST_F(Calls, TheFirstFaultIsKeptAndEndsTheCall) {
  const CallOutcome outcome = call([](const AurexFrame* frame) {
    const auto block = [](const AurexFrame* f, AurexWorker*, std::int64_t first, std::int64_t) {
      if (first == 0) f->runtime->fail(f, kAurexFaultIndex, 7, 3, 12, 10);
    };
    EXPECT_EQ(frame->runtime->parallel(frame, block, 1, 0, 0), 1);
    frame->runtime->fail(frame, kAurexFaultAssert, 8, 0, 0, 0);
  });
  EXPECT_EQ(outcome.fault.state, 2);
  EXPECT_EQ(outcome.fault.fault, kAurexFaultIndex);
  EXPECT_EQ(outcome.fault.site, 7);
  EXPECT_EQ(outcome.fault.position, 3);
  EXPECT_EQ(outcome.fault.value, 12);
  EXPECT_EQ(outcome.fault.bound, 10);
}

TEST_F(Calls, AStopEndsTheCallBetweenTilesAndBlocksLaterLaunches) {
  static std::atomic<bool> stop;
  stop = false;
  const CallOutcome outcome = call(
      [](const AurexFrame* frame) {
        const auto raise = [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) { stop = true; };
        const auto count = [](const AurexFrame* f, AurexWorker*, std::int64_t, std::int64_t) { ++output(f)[0]; };
        frame->runtime->parallel(frame, raise, 1'000'000, 0, kLong);
        EXPECT_EQ(frame->runtime->parallel(frame, count, 1, 0, 0), 1);
      },
      {}, &stop);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(values_[0], 0);
}

TEST_F(Calls, ScratchThatCannotBeHadIsRaisedAfterDriveReturned) {
  static bool returned;
  returned = false;
  EXPECT_THROW(call([](const AurexFrame* frame) {
                 const auto block = [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) {};
                 EXPECT_EQ(frame->runtime->parallel(frame, block, 4, std::int64_t{1} << 60, kLong), 1);
                 returned = true;
               }),
               OutOfMemory);
  EXPECT_TRUE(returned);
}

TEST_F(Calls, PrintsComeByLaunchAndPositionAndAreBounded) {
  const CallOutcome outcome = call([](const AurexFrame* frame) {
    const auto many = [](const AurexFrame* f, AurexWorker*, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) f->runtime->print(f, 0, 2000 - i, 0, static_cast<std::uint64_t>(i));
    };
    const auto two = [](const AurexFrame* f, AurexWorker*, std::int64_t, std::int64_t) {
      f->runtime->print(f, 1, 5, 1, std::bit_cast<std::uint64_t>(0.5));
      f->runtime->print(f, 2, 5, 0, 9);
    };
    frame->runtime->parallel(frame, many, 1500, 0, kLong);
    frame->runtime->parallel(frame, two, 1, 0, 0);
  });
  ASSERT_EQ(outcome.prints.size(), kMaxPrintsPerLaunch + 2);
  EXPECT_EQ(outcome.prints_dropped, 500);
  for (std::size_t i = 0; i < kMaxPrintsPerLaunch; ++i) {
    EXPECT_EQ(outcome.prints[i].launch, 0);
    EXPECT_EQ(outcome.prints[i].position, 501 + static_cast<std::int64_t>(i));
  }
  const PrintRecord& half = outcome.prints[kMaxPrintsPerLaunch];
  EXPECT_EQ(half.launch, 1);
  EXPECT_TRUE(half.is_float);
  EXPECT_EQ(std::bit_cast<double>(half.bits), 0.5);
  EXPECT_EQ(outcome.prints.back().site, 2);
}

}  // namespace
}  // namespace aurex::cpu
