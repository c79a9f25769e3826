#include "aurex/jit/ceilings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "aurex/base/clock.h"
#include "aurex/codegen/compile.h"
#include "aurex/device/device.h"
#include "aurex/memory/tensor.h"
#include "aurex/schedule/loop_parser.h"

namespace aurex {
namespace {

// A processor takes some milliseconds to raise its clock, and other processes come and go.
constexpr std::int64_t kNanoseconds = 40'000'000;
constexpr int kRounds = 5;

template <typename F>
double best_nanoseconds(F&& run) {
  double best = 1e18;
  const std::int64_t begin = monotonic_ns();
  for (int round = 0; round < kRounds || monotonic_ns() - begin < kNanoseconds; ++round) {
    const std::int64_t start = monotonic_ns();
    run();
    best = std::min(best, static_cast<double>(monotonic_ns() - start));
  }
  return best;
}

/// Calls code over one array of extent `n`.
void call(const codegen::CompiledCode& code, Tensor& array, std::int64_t n) {
  const std::int64_t stride = 1;
  const AurexArray arrays[] = {{static_cast<char*>(array.data()), &stride}};
  AurexFrame frame{};
  frame.extents = &n;
  frame.arrays = arrays;
  CallRequest request{.drive = code.drive(), .plan = {}, .frame = frame};
  code.plan()(&frame, &request.plan);
  (void)Device::cpu().backend().call(request);
}

/// Twelve independent chains: more than latency (4 cycles) times throughput (2 per cycle) needs.
double measure_fma(const schedule::Target& target) {
  constexpr int kChains = 12, kSteps = 100'000;
  const int lanes = target.lanes(4);
  std::string updates, sum = "$acc[0]";
  for (int c = 0; c < kChains; ++c) {
    updates += fmt::format("        set $acc[{0}] = fma($acc[{0}], %a, %a)\n", c);
    if (c > 0) sum = fmt::format("({} + $acc[{}])", sum, c);
  }
  const std::string text = fmt::format(R"(grammar 2
program fma_ceiling on {0} extents 1 packs 0 {{
  buffer y: f32 argument 0 [extent(0) unit @0]
  register acc: f32 [{1}] {2}x1
  launch chains tile t in 1 by 1 scratch [] costs 1:f64 {{
    vector i in 0 .. extent(0) by {2}x1 none {{
      let %a: f32 = y.unit[i]
      start $acc = 1:f32
      for k in 0 .. {3} {{
{4}      }}
      store y.unit[i] = {5}
    }}
  }}
}}
)",
                                       target.name, kChains, lanes, kSteps, updates, sum);
  const auto code = codegen::compile(schedule::parse(text), target);
  Tensor y = Tensor::full({lanes}, DType::kF32, 0.5);
  const double ns = best_nanoseconds([&] {
    std::fill_n(static_cast<float*>(y.data()), lanes, 0.5f);
    call(*code, y, lanes);
  });
  return 2.0 * kChains * kSteps * lanes / ns;
}

/// Eight partial sums over a long array.
double measure_read(const schedule::Target& target) {
  constexpr std::int64_t kElements = 16 << 20;
  const std::string text = fmt::format(R"(grammar 2
program read_ceiling on {0} extents 1 packs 0 {{
  buffer y: f32 argument 0 [extent(0) unit @0]
  register acc: f32 [] {1}x8
  launch sum tile t in 1 by 1 scratch [] costs 1:f64 {{
    start $acc = 0:f32
    vector i in 0 .. extent(0) by {1}x8 none {{
      set $acc = ($acc + y.unit[i])
    }}
    store y.uniform[0] = tree.sum($acc)
  }}
}}
)",
                                       target.name, target.lanes(4));
  const auto code = codegen::compile(schedule::parse(text), target);
  Tensor y = Tensor::zeros({kElements}, DType::kF32);
  return 4.0 * kElements / best_nanoseconds([&] { call(*code, y, kElements); });
}

double measure_copy() {
  constexpr std::size_t kBytes = 16 << 20;
  const std::vector<char> from(kBytes, 1);
  std::vector<char> to(kBytes, 0);
  return 2.0 * kBytes / best_nanoseconds([&] {
           std::memcpy(to.data(), from.data(), kBytes);
           asm volatile("" : : "r"(to.data()) : "memory");  // a copy that nobody reads would be left out
         });
}

}  // namespace

Ceilings measure_ceilings() {
  const schedule::Target target = schedule::target(schedule::runnable_targets().front());
  return {.fma_gflops = measure_fma(target), .copy_gbs = measure_copy(), .read_gbs = measure_read(target)};
}

}  // namespace aurex
