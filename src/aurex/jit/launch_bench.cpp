// What a launch costs when its code is there: the price of calling a kernel, not of running it.

#include <benchmark/benchmark.h>

#include <array>
#include <span>
#include <vector>

#include "aurex/jit/kernel.h"

namespace aurex {
namespace {

constexpr const char* kText =
    "kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }\n"
    "kernel scale(x: T[R..., C], a: float) -> (z: T[R..., C]) { parallel r in R, i in C { z[r, i] = a * x[r, i] } }\n";

/// Eight elements, always the same arrays: the call that a loop makes.
void add_again(benchmark::State& state) {
  const Module module = compile(kText);
  std::array<float, 8> x{}, y{}, z{};
  const TensorView a = view_of(std::span(x), {8}), b = view_of(std::span(y), {8}), c = view_of(std::span(z), {8});
  for ([[maybe_unused]] auto _ : state) {
    module["add"].into(c, a, b);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(add_again);

/// The same from every thread at once.
BENCHMARK(add_again)->Threads(2);

/// Other arrays of the same shape each time: pointers change, nothing else does.
void add_elsewhere(benchmark::State& state) {
  const Module module = compile(kText);
  std::vector<float> memory(4 * 16);
  std::array<TensorView, 4> views;
  for (std::size_t i = 0; i < views.size(); ++i) views[i] = view_of(std::span(memory).subspan(i * 16, 8), {8});
  std::size_t turn = 0;
  for ([[maybe_unused]] auto _ : state) {
    module["add"].into(views[turn % 4], views[(turn + 1) % 4], views[(turn + 2) % 4]);
    benchmark::ClobberMemory();
    ++turn;
  }
}
BENCHMARK(add_elsewhere);

/// Two shapes in turn: every call is solved anew.
void add_of_two_shapes(benchmark::State& state) {
  const Module module = compile(kText);
  std::array<float, 8> x{}, y{}, z{};
  const auto of = [](auto& values, std::size_t count) {
    return view_of(std::span(values).first(count), {static_cast<std::int64_t>(count)});
  };
  const TensorView a[] = {of(x, 8), of(x, 7)}, b[] = {of(y, 8), of(y, 7)}, c[] = {of(z, 8), of(z, 7)};
  std::size_t turn = 0;
  for ([[maybe_unused]] auto _ : state) {
    module["add"].into(c[turn], a[turn], b[turn]);
    benchmark::ClobberMemory();
    turn ^= 1;
  }
}
BENCHMARK(add_of_two_shapes);

/// A scalar that changes with every call, over rows.
void scale_by_another(benchmark::State& state) {
  const Module module = compile(kText);
  std::array<float, 8> x{}, z{};
  const TensorView a = view_of(std::span(x), {2, 4}), c = view_of(std::span(z), {2, 4});
  float factor = 0;
  for ([[maybe_unused]] auto _ : state) {
    module["scale"].into(c, a, factor);
    benchmark::ClobberMemory();
    factor += 1;
  }
}
BENCHMARK(scale_by_another);

}  // namespace
}  // namespace aurex

BENCHMARK_MAIN();
