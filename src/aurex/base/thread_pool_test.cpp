#include "aurex/base/thread_pool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "aurex/base/clock.h"
#include "aurex/base/error.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define AUREX_UNDER_TSAN 1
#endif
#endif

namespace aurex {
namespace {

constexpr double kLong = 1e6;   // nanoseconds: worth waking workers for
constexpr double kShort = 1e3;  // runs inline

/// How often each tile ran.
std::vector<int> count_tiles(ThreadPool& pool, std::int64_t tiles, double estimated_ns) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(tiles));
  pool.parallel(
      tiles,
      [&](std::int64_t first, std::int64_t last, int) {
        for (std::int64_t tile = first; tile < last; ++tile) ++seen[static_cast<std::size_t>(tile)];
      },
      estimated_ns);
  return {seen.begin(), seen.end()};
}

bool each_once(const std::vector<int>& counts) {
  return std::all_of(counts.begin(), counts.end(), [](int count) { return count == 1; });
}

class Threads : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(ThreadPool, Threads, ::testing::Values(1, 2, 3, 8), ::testing::PrintToStringParamName());

TEST_P(Threads, EveryTileRunsOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (const std::int64_t tiles : {0, 1, 2, 7, 64, 1000, 100'003}) {
    for (const double estimate : {kShort, kLong, 1e9}) EXPECT_TRUE(each_once(count_tiles(pool, tiles, estimate)));
  }
}

TEST_P(Threads, ManyLaunchesInARowLoseNothing) {
  ThreadPool pool(GetParam());
  for (int launch = 0; launch < 2000; ++launch) {
    std::atomic<std::int64_t> sum{0};
    pool.parallel(
        8,
        [&](std::int64_t first, std::int64_t last, int) {
          for (; first < last; ++first) sum += first;
        },
        kLong);
    ASSERT_EQ(sum, 28) << launch;
  }
}

TEST_P(Threads, NoTwoBodiesHaveTheSameWorkerAtOnce) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> inside(static_cast<std::size_t>(GetParam()));
  std::atomic<int> clashes{0};
  for (int launch = 0; launch < 50; ++launch) {
    pool.parallel(
        64,
        [&](std::int64_t, std::int64_t, int worker) {
          if (inside.at(static_cast<std::size_t>(worker))++ != 0) ++clashes;
          for (const auto end = monotonic_ns() + 1000; monotonic_ns() < end;) {
          }
          --inside.at(static_cast<std::size_t>(worker));
        },
        kLong);
  }
  EXPECT_EQ(clashes, 0);
}

TEST_P(Threads, ABodySeesWhatTheCallerWroteAndTheCallerWhatBodiesWrote) {
  ThreadPool pool(GetParam());
  std::vector<std::int64_t> in(1000), out(1000);
  for (int launch = 0; launch < 100; ++launch) {
    std::iota(in.begin(), in.end(), launch);
    pool.parallel(
        1000,
        [&](std::int64_t first, std::int64_t last, int) {
          for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) out[i] = in[i] + 1;
        },
        kLong);
    EXPECT_EQ(std::accumulate(out.begin(), out.end(), std::int64_t{0}), 1000 * (launch + 1) + 499'500);
  }
}

TEST_P(Threads, TheFirstExceptionReachesTheCallerAndThePoolGoesOn) {
  ThreadPool pool(GetParam());
  for (const double estimate : {kShort, kLong}) {
    EXPECT_THROW(pool.parallel(
                     100, [](std::int64_t, std::int64_t, int) { throw std::runtime_error("tile"); }, estimate),
                 std::runtime_error);
    EXPECT_TRUE(each_once(count_tiles(pool, 100, estimate)));
  }
}

TEST_P(Threads, AnExceptionEndsTheLaunchEarly) {
  ThreadPool pool(GetParam());
  std::atomic<std::int64_t> ran{0};
  const auto body = [&](std::int64_t first, std::int64_t, int) {
    ++ran;
    if (first == 0) throw std::runtime_error("tile");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  EXPECT_THROW(pool.parallel(1'000'000, body, 1e15), std::runtime_error);  // so long a launch has chunks of one tile
  EXPECT_LT(ran, 1000);
}

TEST_P(Threads, ALaunchFromInsideABodyRunsOnTheSameThread) {
  ThreadPool pool(GetParam());
  std::atomic<int> elsewhere{0};
  std::atomic<std::int64_t> inner{0};
  pool.parallel(
      16,
      [&](std::int64_t first, std::int64_t last, int) {
        const auto outer = std::this_thread::get_id();
        for (; first < last; ++first) {
          pool.parallel(
              10,
              [&](std::int64_t from, std::int64_t to, int worker) {
                if (std::this_thread::get_id() != outer || worker != 0) ++elsewhere;
                inner += to - from;
              },
              kLong);
        }
      },
      kLong);
  EXPECT_EQ(inner, 160);
  EXPECT_EQ(elsewhere, 0);
}

TEST_P(Threads, SeveralCallersAtOnceAllFinish) {
  ThreadPool pool(GetParam());
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int launch = 0; launch < 200; ++launch) {
        if (!each_once(count_tiles(pool, 100, kLong))) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(Threads, AStopFlagEndsTheLaunchBetweenChunks) {
  ThreadPool pool(GetParam());
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> ran{0};
  const auto body = [&](std::int64_t first, std::int64_t last, int) {
    ran += last - first;
    stop = true;
  };
  EXPECT_FALSE(pool.parallel(1'000'000, body, 1e15, &stop));
  EXPECT_LE(ran, GetParam());
  stop = false;
  EXPECT_TRUE(pool.parallel(1, body, 1e15, &stop)) << "a flag raised after the last tile stops nothing";
}

TEST_P(Threads, AStopFlagRaisedBeforeRunsNothing) {
  ThreadPool pool(GetParam());
  const std::atomic<bool> stop{true};
  std::atomic<int> ran{0};
  for (const double estimate : {kShort, kLong}) {
    EXPECT_FALSE(pool.parallel(100, [&](std::int64_t, std::int64_t, int) { ++ran; }, estimate, &stop));
  }
  EXPECT_EQ(ran, 0);
}

TEST(ThreadPool, AShortLaunchStaysOnTheCaller) {
  ThreadPool pool(4);
  std::set<std::thread::id> seen;
  pool.parallel(100, [&](std::int64_t, std::int64_t, int) { seen.insert(std::this_thread::get_id()); }, kShort);
  EXPECT_EQ(seen, std::set{std::this_thread::get_id()});
}

TEST(ThreadPool, WorkersTakePartInALongLaunch) {
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  // Neither of the two tiles ends before the other began, so one thread alone could not do both.
  pool.parallel(
      2,
      [&](std::int64_t, std::int64_t, int) {
        ++arrived;
        while (arrived < 2) std::this_thread::yield();
      },
      kLong);
  EXPECT_EQ(arrived, 2);
}

TEST(ThreadPool, AThreadTakesItsOwnShareFirst) {
  constexpr std::int64_t kTiles = 64;
  ThreadPool pool(2);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> arrived{0};
    std::array<std::atomic<std::int64_t>, 2> first_of{-1, -1};
    const auto meet = [&](std::int64_t first, std::int64_t, int worker) {
      std::int64_t none = -1;
      if (!first_of.at(static_cast<std::size_t>(worker)).compare_exchange_strong(none, first)) return;
      ++arrived;
      for (const auto end = monotonic_ns() + 5'000'000'000; arrived < 2 && monotonic_ns() < end;)
        std::this_thread::yield();
    };
    pool.parallel(kTiles, meet, kLong);
    EXPECT_EQ(first_of[0], 0);
    EXPECT_EQ(first_of[1], kTiles / 2);
  }
}

TEST(ThreadPool, AStreamOfShortLaunchesGetsWorkers) {
  constexpr double kTooShortToWakeFor = 20'000;
  ThreadPool pool(2);
  std::atomic<bool> helped{false};
  const auto work = [&](std::int64_t, std::int64_t, int worker) {
    if (worker == 1) helped = true;
    for (const auto end = monotonic_ns() + 10'000; monotonic_ns() < end;) {
    }
  };
  for (const auto end = monotonic_ns() + 10'000'000'000; !helped && monotonic_ns() < end;) {
    pool.parallel(8, work, kTooShortToWakeFor);
  }
  EXPECT_TRUE(helped);
}

TEST(ThreadPool, AWorkerThatSleepsIsWokenAgain) {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // far beyond the spin
    std::atomic<int> arrived{0};
    pool.parallel(
        2,
        [&](std::int64_t, std::int64_t, int) {
          ++arrived;
          while (arrived < 2) std::this_thread::yield();
        },
        kLong);
    EXPECT_EQ(arrived, 2);
  }
}

TEST(ThreadPool, ACallerThatWaitsLongForAWorkerIsWoken) {
  ThreadPool pool(2);
  for (int round = 0; round < 20; ++round) {
    const auto caller = std::this_thread::get_id();
    std::atomic<int> arrived{0};
    pool.parallel(
        2,
        [&](std::int64_t, std::int64_t, int) {
          ++arrived;
          while (arrived < 2) std::this_thread::yield();
          if (std::this_thread::get_id() != caller) std::this_thread::sleep_for(std::chrono::microseconds(300));
        },
        kLong);
    EXPECT_EQ(arrived, 2);
  }
}

TEST(ThreadPool, ResizingKeepsWorking) {
  ThreadPool pool(1);
  for (const int threads : {4, 2, 2, 1, 8}) {
    pool.resize(threads);
    EXPECT_EQ(pool.threads(), threads);
    EXPECT_TRUE(each_once(count_tiles(pool, 1000, kLong)));
  }
}

TEST(ThreadPool, ResizingWhileOthersLaunchIsSafe) {
  ThreadPool pool(2);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread other([&] {
    while (!done) {
      if (!each_once(count_tiles(pool, 64, kLong))) ++wrong;
    }
  });
  for (int round = 0; round < 30; ++round) pool.resize(1 + round % 4);
  done = true;
  other.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, RefusesACountThatMakesNoSense) {
  EXPECT_THROW(ThreadPool(0), InvalidConfig);
  EXPECT_THROW(ThreadPool(ThreadPool::kMaxThreads + 1), InvalidConfig);
  ThreadPool pool(2);
  EXPECT_THROW(pool.resize(-1), InvalidConfig);
}

TEST(ThreadPool, RefusesToResizeFromInsideABody) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel(1, [&](std::int64_t, std::int64_t, int) { pool.resize(1); }, kLong), InvalidConfig);
}

TEST(ThreadPool, WorkersTakeNoSignals) {
  ThreadPool pool(2);
  const auto caller = std::this_thread::get_id();
  std::atomic<int> arrived{0};
  std::atomic<bool> blocked{false};
  pool.parallel(
      2,
      [&](std::int64_t, std::int64_t, int) {
        ++arrived;
        while (arrived < 2) std::this_thread::yield();
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        if (std::this_thread::get_id() != caller) blocked = sigismember(&mask, SIGINT) == 1;
      },
      kLong);
  EXPECT_TRUE(blocked);
}

TEST(ThreadPool, AForkedChildHasAPoolThatWorks) {
#ifdef AUREX_UNDER_TSAN
  GTEST_SKIP() << "needs: a fork with threads, which the thread sanitizer does not support";
#endif
  ThreadPool pool(3);
  ASSERT_TRUE(each_once(count_tiles(pool, 1000, kLong)));  // the workers exist
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // a child that hangs must not hang the test
    _exit(each_once(count_tiles(pool, 1000, kShort)) && each_once(count_tiles(pool, 1000, kLong)) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(each_once(count_tiles(pool, 1000, kLong)));
}

TEST(ThreadPool, AForkDuringAnotherThreadsLaunchLeavesTheChildFree) {
#ifdef AUREX_UNDER_TSAN
  GTEST_SKIP() << "needs: a fork with threads, which the thread sanitizer does not support";
#endif
  ThreadPool pool(2);
  std::atomic<bool> entered{false}, release{false};
  std::thread busy([&] {
    pool.parallel(
        2,
        [&](std::int64_t, std::int64_t, int) {
          entered = true;
          while (!release) std::this_thread::yield();
        },
        kLong);
  });
  while (!entered) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(each_once(count_tiles(pool, 1000, kLong)) ? 0 : 1);
  }
  release = true;
  busy.join();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(DefaultPool, CanBeResized) {
  const int before = threads();
  EXPECT_GE(before, 1);
  set_threads(2);
  EXPECT_EQ(threads(), 2);
  EXPECT_TRUE(each_once(count_tiles(default_pool(), 1000, kLong)));
  EXPECT_THROW(set_threads(0), InvalidConfig);
  set_threads(before);
}

}  // namespace
}  // namespace aurex
