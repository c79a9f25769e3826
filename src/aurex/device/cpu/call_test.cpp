#include "aurex/device/cpu/call.h"

#include <gtest/gtest.h>

#include <algorithm>
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

/// Asks for a launch of a block as a kernel does.
std::int32_t parallel(const AurexFrame* frame, AurexBlock block, std::int64_t tiles, std::int64_t scratch_bytes = 0,
                      double nanoseconds = kLong, std::int32_t number = 0) {
  const AurexLaunch launch{.block = block, .name = "test", .number = number, .flags = 0, .reserved = 0};
  return frame->runtime->parallel(frame, &launch, tiles, scratch_bytes, nanoseconds);
}

/// A hand-written kernel: each test sets what its block and drive do through arrays[0], a vector of i64.
std::int64_t* output(const AurexFrame* frame) { return reinterpret_cast<std::int64_t*>(frame->arrays[0].data); }

class Calls : public ::testing::Test {
 protected:
  CallOutcome call(AurexDrive drive, AurexPlan plan = {}, const std::atomic<bool>* stop = nullptr) {
    const AurexArray arrays[] = {{reinterpret_cast<char*>(values_.data()), nullptr}};
    CallRequest request{.drive = drive, .plan = plan, .stop = stop};
    request.frame.arrays = arrays;
    return run_call(request, workers_);
  }

  ThreadPool pool_{3};
  Workers workers_{pool_};
  std::vector<std::int64_t> values_ = std::vector<std::int64_t>(kTiles);
};

TEST_F(Calls, EveryTileRunsOnce) {
  const CallOutcome outcome = call([](const AurexFrame* frame) {
    const auto block = [](const AurexFrame* f, AurexWorker*, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) output(f)[i] += i + 1;
    };
    EXPECT_EQ(parallel(frame, block, kTiles), 0);
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
        EXPECT_EQ(parallel(frame, block, kTiles, 10'000), 0);
      },
      {.shared_bytes = 5000, .worker_bytes = 10'000, .tiles = kTiles, .nanoseconds = kLong});
  for (const std::int64_t misalignment : values_) EXPECT_EQ(misalignment, 0);
}

TEST_F(Calls, ASecondCallAllocatesNothing) {
  const auto drive = [](const AurexFrame* frame) {
    parallel(frame, [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) {}, 1, 4096, 0);
  };
  const AurexPlan plan{.shared_bytes = 4096, .worker_bytes = 4096, .tiles = 1, .nanoseconds = 0};
  call(drive, plan);
  const MemoryMark mark = mark_memory();
  call(drive, plan);
  EXPECT_EQ(memory_since(mark).allocated, 0);
}

#ifdef __x86_64__
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
    parallel(frame, block, kTiles);
  });
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  for (const std::int64_t bits : values_) EXPECT_EQ(bits, 0x00400000);
  EXPECT_EQ(after & kFlushToZero, kFlushToZero);
}
#endif

TEST_F(Calls, AFaultEndsTheCallAndSaysWhereItWas) {
  const CallOutcome outcome = call([](const AurexFrame* frame) {
    const auto block = [](const AurexFrame* f, AurexWorker*, std::int64_t, std::int64_t) {
      f->runtime->fail(f, kAurexFaultIndex, 7, 3, 12, 10);
    };
    const auto count = [](const AurexFrame* f, AurexWorker*, std::int64_t, std::int64_t) { ++output(f)[0]; };
    EXPECT_EQ(parallel(frame, block, 1, 0, 0, 5), 1);
    EXPECT_EQ(parallel(frame, count, 1, 0, 0, 6), 1);
  });
  EXPECT_EQ(outcome.fault.fault, kAurexFaultIndex);
  EXPECT_EQ(outcome.fault.launch, 5);
  EXPECT_EQ(outcome.fault.site, 7);
  EXPECT_EQ(outcome.fault.position, 3);
  EXPECT_EQ(outcome.fault.value, 12);
  EXPECT_EQ(outcome.fault.bound, 10);
  EXPECT_EQ(values_[0], 0) << "a launch after the fault has run";
}

TEST_F(Calls, AFaultOfDriveItselfKeepsLaunchesFromStarting) {
  const CallOutcome outcome = call([](const AurexFrame* frame) {
    const auto count = [](const AurexFrame* f, AurexWorker*, std::int64_t, std::int64_t) { ++output(f)[0]; };
    frame->runtime->fail(frame, kAurexFaultAssert, 1, 0, 0, 0);
    EXPECT_EQ(parallel(frame, count, 1), 1);
  });
  EXPECT_EQ(outcome.fault.launch, -1);
  EXPECT_EQ(values_[0], 0);
}

TEST_F(Calls, TheSmallestFaultIsKeptWhateverTheNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    Workers workers(pool);
    CallRequest request{.drive = [](const AurexFrame* frame) {
      const auto block = [](const AurexFrame* f, AurexWorker*, std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          const std::int64_t position = (i + 500) % 1000 / 2;  // tiles in another order than positions, two for each
          if (position < 37) continue;
          f->runtime->fail(f, kAurexFaultIndex, static_cast<std::int32_t>(3 - i % 2), position, 1000 + i, 10);
        }
      };
      EXPECT_EQ(parallel(frame, block, 1000), 1);
    }};
    const CallOutcome outcome = run_call(request, workers);
    EXPECT_EQ(outcome.fault.position, 37) << threads << " threads";
    EXPECT_EQ(outcome.fault.site, 2) << threads << " threads";
    EXPECT_EQ(outcome.fault.value, 1575) << threads << " threads";
  }
}

TEST_F(Calls, AStopEndsTheCallBetweenTilesAndBlocksLaterLaunches) {
  static std::atomic<bool> stop;
  stop = false;
  const CallOutcome outcome = call(
      [](const AurexFrame* frame) {
        const auto raise = [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) { stop = true; };
        const auto count = [](const AurexFrame* f, AurexWorker*, std::int64_t, std::int64_t) { ++output(f)[0]; };
        parallel(frame, raise, 1'000'000);
        EXPECT_EQ(parallel(frame, count, 1, 0, 0), 1);
      },
      {}, &stop);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(values_[0], 0);
}

TEST_F(Calls, ScratchThatCannotBeHadIsRaisedBeforeDriveStarts) {
  static bool started;
  started = false;
  const auto drive = [](const AurexFrame*) { started = true; };
  const std::int64_t much = std::int64_t{1} << 60;
  EXPECT_THROW(call(drive, {.shared_bytes = much, .worker_bytes = 0, .tiles = 1, .nanoseconds = 0}), OutOfMemory);
  EXPECT_THROW(call(drive, {.shared_bytes = 0, .worker_bytes = much, .tiles = 1, .nanoseconds = 0}), OutOfMemory);
  EXPECT_FALSE(started);
}

TEST_F(Calls, EachWorkerHasScratchOfItsOwn) {
  const auto drive = [](const AurexFrame* frame) {
    const auto block = [](const AurexFrame* f, AurexWorker* worker, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        auto* mine = reinterpret_cast<std::int64_t*>(worker->scratch);
        for (int k = 0; k < 1000; ++k) mine[k] = i;
        output(f)[i] = std::count(mine, mine + 1000, i);
      }
    };
    EXPECT_EQ(parallel(frame, block, kTiles, 8000), 0);
  };
  call(drive, {.shared_bytes = 0, .worker_bytes = 8000, .tiles = kTiles, .nanoseconds = kLong});
  for (const std::int64_t undisturbed : values_) EXPECT_EQ(undisturbed, 1000);
}

TEST_F(Calls, ALaunchThatWantsMoreScratchThanPlannedEndsTheCall) {
  static bool returned;
  returned = false;
  EXPECT_THROW(call([](const AurexFrame* frame) {
                 const auto block = [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) {};
                 EXPECT_EQ(parallel(frame, block, 4, 64), 1);
                 returned = true;
               }),
               KernelError);
  EXPECT_TRUE(returned);
}

TEST_F(Calls, ACallInsideACallLeavesTheOuterOnesScratchAlone) {
  static Workers* workers;
  workers = &workers_;
  const auto outer = [](const AurexFrame* frame) {
    std::fill_n(frame->shared, 5000, 'o');
    CallRequest inner{.drive = [](const AurexFrame* f) { std::fill_n(f->shared, 9000, 'i'); }};
    inner.plan.shared_bytes = 9000;
    EXPECT_EQ(run_call(inner, *workers).fault.fault, kAurexFaultNone);
    output(frame)[0] = std::count(frame->shared, frame->shared + 5000, 'o');
  };
  call(outer, {.shared_bytes = 5000, .worker_bytes = 0, .tiles = 0, .nanoseconds = 0});
  EXPECT_EQ(values_[0], 5000);
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
    parallel(frame, many, 1500);
    parallel(frame, two, 1, 0, 0);
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
