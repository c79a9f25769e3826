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

constexpr int kChains = 12;  // independent: more than latency (4 cycles) times throughput (2 per cycle) needs
constexpr int kSteps = 100'000;
constexpr std::size_t kCopyBytes = 16 << 20;
constexpr std::int64_t kReadElements = 16 << 20;

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

std::shared_ptr<const codegen::CompiledCode> compile_fma(const schedule::Target& target) {
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
                                       target.name, kChains, target.lanes(4), kSteps, updates, sum);
  return codegen::compile(schedule::parse(text), target);
}

/// Eight partial sums over a long array.
std::shared_ptr<const codegen::CompiledCode> compile_read(const schedule::Target& target) {
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
  return codegen::compile(schedule::parse(text), target);
}

template <typename F>
double nanoseconds(F&& run) {
  const std::int64_t start = monotonic_ns();
  run();
  return static_cast<double>(monotonic_ns() - start);
}

}  // namespace

struct CeilingProbe::Loops {
  schedule::Target target = schedule::target(schedule::runnable_targets().front());
  std::shared_ptr<const codegen::CompiledCode> fma = compile_fma(target);
  std::shared_ptr<const codegen::CompiledCode> read = compile_read(target);
  Tensor chain = Tensor::zeros({target.lanes(4)}, DType::kF32);
  Tensor array = Tensor::zeros({kReadElements}, DType::kF32);
  std::vector<char> from = std::vector<char>(kCopyBytes, 1);
  std::vector<char> to = std::vector<char>(kCopyBytes, 0);
};

CeilingProbe::CeilingProbe() : loops_(std::make_unique<Loops>()) {}

CeilingProbe::~CeilingProbe() = default;

double CeilingProbe::fma_gflops() {
  const int lanes = loops_->target.lanes(4);
  std::fill_n(static_cast<float*>(loops_->chain.data()), lanes, 0.5f);
  return 2.0 * kChains * kSteps * lanes / nanoseconds([&] { call(*loops_->fma, loops_->chain, lanes); });
}

double CeilingProbe::read_gbs() {
  return 4.0 * kReadElements / nanoseconds([&] { call(*loops_->read, loops_->array, kReadElements); });
}

double CeilingProbe::copy_gbs() {
  return 2.0 * kCopyBytes / nanoseconds([&] {
           std::memcpy(loops_->to.data(), loops_->from.data(), kCopyBytes);
           asm volatile("" : : "r"(loops_->to.data()) : "memory");  // a copy that nobody reads would be left out
         });
}

Ceilings measure_ceilings() {
  // A processor takes some milliseconds to raise its clock, and other processes come and go.
  constexpr std::int64_t kNanoseconds = 40'000'000;
  constexpr int kRounds = 5;
  CeilingProbe probe;
  const auto best = [&](double (CeilingProbe::*run)()) {
    double rate = 0;
    const std::int64_t begin = monotonic_ns();
    for (int round = 0; round < kRounds || monotonic_ns() - begin < kNanoseconds; ++round) {
      rate = std::max(rate, (probe.*run)());
    }
    return rate;
  };
  return {.fma_gflops = best(&CeilingProbe::fma_gflops),
          .copy_gbs = best(&CeilingProbe::copy_gbs),
          .read_gbs = best(&CeilingProbe::read_gbs)};
}

}  // namespace aurex
