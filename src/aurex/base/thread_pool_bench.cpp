// What a launch costs and when it pays: the figures of docs/adr/0002-thread-pool.md.
//
//   build/release/bin/base_bench --benchmark_min_time=0.2

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aurex/base/clock.h"
#include "aurex/base/thread_pool.h"

namespace aurex {
namespace {

constexpr double kAlwaysNs = 1e6;  // an estimate that always goes to the workers

void spin_for(std::int64_t nanoseconds) {
  for (const std::int64_t end = monotonic_ns() + nanoseconds; monotonic_ns() < end;) {
  }
}

void inline_launch(benchmark::State& state) {
  ThreadPool pool(2);
  std::int64_t sum = 0;
  for ([[maybe_unused]] auto _ : state) {
    pool.parallel(2, [&](std::int64_t first, std::int64_t last, int) { sum += last - first; }, 100);
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(inline_launch);

/// Launches follow each other at once, so the worker is still spinning.
void launch_with_awake_worker(benchmark::State& state) {
  ThreadPool pool(2);
  for ([[maybe_unused]] auto _ : state) {
    pool.parallel(2, [](std::int64_t, std::int64_t, int) {}, kAlwaysNs);
  }
}
BENCHMARK(launch_with_awake_worker)->UseRealTime();

/// A pause between launches lets the worker fall asleep; only the launch is timed.
void launch_with_sleeping_worker(benchmark::State& state) {
  ThreadPool pool(2);
  for ([[maybe_unused]] auto _ : state) {
    spin_for(100'000);
    const std::int64_t start = monotonic_ns();
    pool.parallel(2, [](std::int64_t, std::int64_t, int) {}, kAlwaysNs);
    state.SetIterationTime(static_cast<double>(monotonic_ns() - start) * 1e-9);
  }
}
BENCHMARK(launch_with_sleeping_worker)->UseManualTime();

/// Element-wise work, one tile per 4,096 elements; argument: elements, threads.
void add(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  ThreadPool pool(static_cast<int>(state.range(1)));
  constexpr std::size_t kTile = 4096;
  std::vector<float> x(count, 1), y(count, 2), z(count);
  const auto tiles = static_cast<std::int64_t>((count + kTile - 1) / kTile);
  // About 0.15 ns an element in cache; the estimate decides, as it does for a kernel.
  const double estimate = 0.15 * static_cast<double>(count);
  for ([[maybe_unused]] auto _ : state) {
    pool.parallel(
        tiles,
        [&](std::int64_t first, std::int64_t last, int) {
          const std::size_t end = std::min(count, static_cast<std::size_t>(last) * kTile);
          for (std::size_t i = static_cast<std::size_t>(first) * kTile; i < end; ++i) z[i] = x[i] + y[i];
        },
        estimate);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(add)
    ->ArgsProduct({{1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22}, {1, 2}})
    ->ArgNames({"elements", "threads"})
    ->UseRealTime();

/// Work that takes the given nanoseconds on one thread, in 16 equal tiles, at the pool's own choice.
void even_work(benchmark::State& state) {
  const std::int64_t total = state.range(0);
  ThreadPool pool(static_cast<int>(state.range(1)));
  for ([[maybe_unused]] auto _ : state) {
    pool.parallel(
        16, [&](std::int64_t first, std::int64_t last, int) { spin_for((last - first) * total / 16); },
        static_cast<double>(total));
  }
}
BENCHMARK(even_work)
    ->ArgsProduct({{2'000, 5'000, 10'000, 20'000, 50'000, 100'000, 1'000'000}, {1, 2}})
    ->ArgNames({"ns", "threads"})
    ->UseRealTime();

}  // namespace
}  // namespace aurex

BENCHMARK_MAIN();
