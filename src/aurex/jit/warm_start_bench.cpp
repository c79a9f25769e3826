// From text to code that can be called: with the code on disk, and without. The module is made anew each time, as in a
// new process; what a process does once (the prelude, LLVM's set-up) has been done. Counters are microseconds.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "aurex/jit/code_cache.h"
#include "aurex/jit/kernel.h"
#include "aurex/jit/kernel_state.h"

namespace {

using namespace aurex;

constexpr const char* kAdd = "kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }";
constexpr const char* kSoftmax = R"(kernel softmax(x: T[R..., C]) -> (y: T[R..., C]) {
  parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))
    y[r, C] = e / sum(e, C)
  }
})";
constexpr const char* kGelu = R"(kernel gelu(x: T[N...]) -> (y: T[N...]) {
  parallel i in N { y[i] = 0.5 * x[i] * (1 + erf(x[i] * 0.7071067811865476)) }
})";
constexpr const char* kMatmul = R"(kernel matmul(a: T[M, K], b: T[K, N]) -> (c: T[M, N]) {
  parallel m in M, n in N { c[m, n] = sum(a[m, K] * b[K, n], K) }
})";

void text_to_callable(benchmark::State& state, const char* text, bool stored) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("aurex-warm-start-" + std::to_string(::getpid()));
  cache::Store store(folder / "kernels", stored ? std::int64_t{64} << 20 : 0);
  jit::set_code_store(&store);
  const Tensor x = Tensor::zeros({64, 64}, DType::kF32), line = Tensor::zeros({64}, DType::kF32);
  jit::StageTimes sum;
  for ([[maybe_unused]] auto _ : state) {
    const Module module = compile(text);
    const Kernel& kernel = module.kernels().front();
    const Argument argument = kernel.name() == "add" ? Argument(line) : Argument(x);
    const std::vector<Argument> arguments(kernel.interface().parameters.size(), argument);
    jit::Call call(kernel.state(), arguments, {}, {});
    const Tensor result = Tensor::uninitialised(call.result_shape(0), call.result_dtype(0));
    call.give(0, result.view());
    const jit::CodeEntry& entry = call.prepare();
    benchmark::DoNotOptimize(entry.code->drive());
    sum.parse += kernel.state()->parse_ms();
    sum.specialize += entry.times.specialize;
    sum.cache += entry.times.cache;
    sum.lower += entry.times.lower;
    sum.codegen += entry.times.emit + entry.times.codegen;
    sum.link += entry.times.link;
  }
  const auto counter = [&](double ms) { return benchmark::Counter(1e3 * ms, benchmark::Counter::kAvgIterations); };
  state.counters["parse_check"] = counter(sum.parse);
  state.counters["specialize"] = counter(sum.specialize);
  state.counters["cache"] = counter(sum.cache);
  state.counters["lower"] = counter(sum.lower);
  state.counters["generate"] = counter(sum.codegen);
  state.counters["load"] = counter(sum.link);
  jit::set_code_store(nullptr);
  std::filesystem::remove_all(folder);
}

#define AUREX_WARM_START(text)                                                                      \
  BENCHMARK_CAPTURE(text_to_callable, text##_from_disk, text, true)->Unit(benchmark::kMicrosecond); \
  BENCHMARK_CAPTURE(text_to_callable, text##_compiled, text, false)->Unit(benchmark::kMicrosecond)

AUREX_WARM_START(kAdd);
AUREX_WARM_START(kSoftmax);
AUREX_WARM_START(kGelu);
AUREX_WARM_START(kMatmul);

}  // namespace
