#include "aurex/schedule/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "aurex/ax/check.h"
#include "aurex/ax/interp.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/schedule/loop_executor.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/loop_verify.h"

namespace aurex::schedule {
namespace {

using testing::IsEmpty;

using Extents = std::map<std::string, std::int64_t>;

enum class Layout { kRowMajor, kReversed /* the first axis runs fastest */, kSpread /* no axis has stride 1 */ };

/// One array of a call, in memory of its own.
struct Argument {
  std::vector<char> bytes;
  TensorView view;
};

std::int32_t fault_count = 0;

void count_fault(const AurexFrame*, std::int32_t, std::int32_t, std::int64_t, std::int64_t, std::int64_t) {
  ++fault_count;
}

/// A kernel on drawn arguments, run by the interpreter and, lowered, by the loop program's executor.
class Trial {
 public:
  Trial(std::string_view text, std::string_view kernel, Extents extents, Layout layout, std::string file)
      : extents_(std::move(extents)), layout_(layout) {
    auto source = std::make_shared<ax::Source>(std::move(file), std::string(text));
    ax::DiagnosticSink sink;
    auto module = ax::check(source, sink);
    if (!module) throw std::runtime_error(ax::render(*source, sink.sorted()));
    program_ = ax::specialize(*module, kernel, ax::sample_specialization(*module, kernel));
    draw();
  }

  [[nodiscard]] const ax::TileProgram& program() const { return program_; }

  LoopProgram lower(std::string_view target_name, SizeClass size) const {
    StrideClasses classes;
    for (const ax::Array& array : program_.arrays) classes.arrays.push_back(stride_classes(array));
    return schedule::lower(program_, classes, size, target(target_name));
  }

  void run_interpreter() {
    ax::BoundCall call = bind();
    ax::run(program_, call);
  }

  std::vector<std::string> run_lowered(const LoopProgram& lowered, bool reverse) {
    ax::BoundCall call = bind();
    AurexFrame frame = call.frame();
    AurexRuntime runtime{};
    runtime.version = kAurexAbiVersion;
    runtime.fail = count_fault;
    frame.runtime = &runtime;
    return execute(lowered, frame, {.reverse_tiles = reverse});
  }

  /// The written arrays, element by element in the order of memory, as numbers.
  [[nodiscard]] std::vector<double> results() const {
    std::vector<double> all;
    for (std::size_t a = 0; a < arguments_.size(); ++a) {
      const ax::Array& array = program_.arrays[a];
      if (array.role == ax::ArrayRole::kInput || array.role == ax::ArrayRole::kScratch) continue;
      const DType dtype = array.storage.dtype;
      const auto step = static_cast<std::size_t>(bytes_per_element(dtype));
      for (std::size_t at = 0; at + step <= arguments_[a].bytes.size(); at += step) {
        all.push_back(ax::to_f64(array.type, ax::load_element(dtype, arguments_[a].bytes.data() + at)));
      }
    }
    return all;
  }

 private:
  std::int64_t extent(ax::DimId id) const {
    const ax::Dim& dim = program_.dims[id];
    if (dim.literal) return *dim.literal;
    const auto found = extents_.find(dim.name);
    return found == extents_.end() ? 5 : found->second;
  }

  std::vector<Buffer::Stride> stride_classes(const ax::Array& array) const {
    std::vector<Buffer::Stride> classes(array.dims.size(), Buffer::Stride::kAny);
    if (classes.empty()) return classes;
    if (layout_ == Layout::kRowMajor || array.role == ax::ArrayRole::kScratch) classes.back() = Buffer::Stride::kUnit;
    if (layout_ == Layout::kReversed && program_.dims[array.dims.front().dim].pack == kNone) {
      classes.front() = Buffer::Stride::kUnit;
    }
    return classes;
  }

  void draw() {
    std::mt19937 random(7);
    std::int64_t smallest = 1 << 20;
    for (ax::DimId d = 0; d < program_.dims.size(); ++d) smallest = std::min(smallest, extent(d));
    for (const ax::Array& array : program_.arrays) {
      Dims shape, strides;
      for (std::size_t d = 0; d < array.dims.size(); ++d) {
        const bool part = d > 0 && array.dims[d].argument_axis == array.dims[d - 1].argument_axis;
        if (part) {
          shape[shape.size() - 1] *= extent(array.dims[d].dim);
        } else {
          shape.push_back(extent(array.dims[d].dim));
        }
      }
      Argument argument;
      strides = shape;
      std::int64_t dense = layout_ == Layout::kSpread && array.role != ax::ArrayRole::kScratch ? 2 : 1;
      for (int i = 0; i < shape.size(); ++i) {
        const int d = layout_ == Layout::kReversed ? i : shape.size() - 1 - i;
        strides[d] = dense;
        dense *= std::max<std::int64_t>(shape[d], 1);
      }
      const DType dtype = array.storage.dtype;
      argument.bytes.assign(static_cast<std::size_t>(std::max<std::int64_t>(dense, 1) * bytes_per_element(dtype)), 0);
      const auto step = static_cast<std::size_t>(bytes_per_element(dtype));
      for (std::size_t at = 0; at + step <= argument.bytes.size(); at += step) {
        const auto drawn =
            static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(std::max<std::int64_t>(smallest, 1)));
        const ax::Cell cell = ax::is_float(array.type)
                                  ? ax::from_f64(array.type, static_cast<double>(random() % 4001) / 1000.0 - 2.0)
                                  : ax::from_i64(array.type, array.type == RegType::kBool ? drawn & 1 : drawn);
        ax::store_element(dtype, argument.bytes.data() + at, array.type, cell);
      }
      argument.view.dtype = dtype;
      argument.view.shape = shape;
      argument.view.strides = strides;
      drawn_.push_back(std::move(argument));
    }
  }

  /// A call on the arguments as they were drawn.
  ax::BoundCall bind() {
    arguments_ = drawn_;
    for (Argument& argument : arguments_) argument.view.data = argument.bytes.data();
    const ax::Binding binding(program_);
    std::vector<const TensorView*> inputs, results;
    for (std::size_t a = 0; a < program_.arrays.size(); ++a) {
      const ax::ArrayRole role = program_.arrays[a].role;
      if (role == ax::ArrayRole::kInput || role == ax::ArrayRole::kInout) inputs.push_back(&arguments_[a].view);
      if (role == ax::ArrayRole::kResult) results.push_back(&arguments_[a].view);
    }
    std::vector<ax::ScalarArgument> scalars;
    for (const ax::Scalar& scalar : program_.scalars) {
      const ax::Cell value = scalar.type == RegType::kF64 ? ax::Cell::of(0.5) : ax::Cell::of(std::int64_t{1});
      scalars.push_back({scalar.type, value});
    }
    std::vector<ax::NamedExtent> named;
    ax::BoundCall call;
    binding.solve({.arrays = inputs, .scalars = scalars, .results = results, .extents = named}, call);
    binding.finish(call);
    for (std::size_t a = 0; a < program_.arrays.size(); ++a) {
      if (program_.arrays[a].role == ax::ArrayRole::kScratch) call.arrays[a].data = arguments_[a].bytes.data();
    }
    return call;
  }

  Extents extents_;
  Layout layout_;
  ax::TileProgram program_;
  std::vector<Argument> drawn_, arguments_;
};

/// Floats agree within what another order of short sums may give; everything else exactly.
void expect_close(const std::vector<double>& expected, const std::vector<double>& actual, const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i]) && std::isnan(actual[i])) continue;
    if (expected[i] == actual[i]) continue;
    ASSERT_NEAR(expected[i], actual[i], 2e-5 * (1 + std::abs(expected[i]))) << what << " element " << i;
  }
}

struct Case {
  const char* target;
  SizeClass size;
};

void expect_agreement_of(const std::vector<Case>& cases, std::string_view text, std::string_view kernel,
                         const Extents& extents, const std::string& file = "test.ax") {
  for (const Layout layout : {Layout::kRowMajor, Layout::kReversed, Layout::kSpread}) {
    Trial trial(text, kernel, extents, layout, file);
    trial.run_interpreter();
    const std::vector<double> expected = trial.results();
    std::set<std::string> seen;
    for (const Case& each : cases) {
      const LoopProgram lowered = trial.lower(each.target, each.size);
      const std::string what = print(lowered);
      if (!seen.insert(what).second) continue;  // size classes are about contractions
      ASSERT_THAT(verify(lowered), IsEmpty()) << what;
      for (const bool reverse : {false, true}) {
        fault_count = 0;
        EXPECT_THAT(trial.run_lowered(lowered, reverse), IsEmpty()) << what;
        EXPECT_EQ(fault_count, 0) << what;
        expect_close(expected, trial.results(), what);
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

void expect_agreement(std::string_view text, std::string_view kernel, const Extents& extents = {},
                      const std::string& file = "test.ax") {
  const std::vector<Case> cases = {
      Case{"cpu.avx512", {SizeClass::kDirect, 9, 3}}, Case{"cpu.avx512", {SizeClass::kLarge, 9, 3}},
      Case{"cpu.avx512", {SizeClass::kPanel, 9, 3}},  Case{"cpu.avx2", {SizeClass::kPanel, 4, 3}},
      Case{"cpu.avx512", {SizeClass::kSmall, 6, 4}},  Case{"cpu.avx512", {SizeClass::kSkinny, 4, 3}},
      Case{"cpu.avx2", {SizeClass::kSkinny, 1, 4}},   Case{"cpu.avx2", {SizeClass::kDirect, 4, 3}},
      Case{"cpu.avx2", {SizeClass::kSmall, 6, 2}}};
  expect_agreement_of(cases, text, kernel, extents, file);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::string_view kAdd = R"(
kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }
)";

constexpr std::string_view kMatmul = R"(
kernel matmul(a: T[M, K], b: T[K, N]) -> (c: T[M, N]) {
  parallel m in M, n in N { c[m, n] = sum(a[m, K] * b[K, n], K) }
}
)";

constexpr std::string_view kSoftmax = R"(
kernel softmax(x: T[R..., C]) -> (y: T[R..., C]) {
  parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))
    let inv = 1 / sum(e, C)
    y[r, C] = e * inv
  }
}
)";

constexpr std::string_view kLayerNorm = R"(
kernel layer_norm(x: T[R..., C], w: T[C] = 1, b: T[C] = 0, eps: float = 1e-5) -> (y: T[R..., C]) {
  parallel r in R {
    let d = x[r, C] - mean(x[r, C], C)
    y[r, C] = d * rsqrt(mean(d * d, C) + eps) * w[C] + b[C]
  }
}
)";

constexpr std::string_view kAttention = R"(
kernel attention(q: T[B, (G, J), S, D], k: T[B, G, L, D], v: T[B, G, L, D], scale: float, const causal: bool = true) -> (o: T[B, (G, J), S, D]) {
  parallel b in B by 1, g in G by 1, j in J, s in S {
    var top[j, s] = -inf;  var norm[j, s] = 0;  var acc[j, s, D] = 0
    for t in L until (causal ? L - S + s + 1 : L) {
      let z    = sum(q[b, g, j, s, D] * k[b, g, t, D], D) * scale
      let new  = maximum(top, max(z, t))
      let p    = exp(z - new)
      let keep = exp(top - new)
      norm = norm * keep + sum(p, t)
      acc  = acc * keep + sum(p * v[b, g, t, D], t)
      top  = new
    }
    o[b, g, j, s, D] = norm > 0 ? acc / norm : 0
  }
}
)";

constexpr std::string_view kShortAttention = R"(
kernel attention(q: T[B, H, S, D], k: T[B, H, L, D], v: T[B, H, L, D], scale: float) -> (o: T[B, H, S, D]) {
  parallel b in B by 1, h in H by 1, s in S {
    let t in L
    let z = sum(q[b, h, s, D] * k[b, h, t, D], D) * scale
    let e = exp(z - max(z, t))
    o[b, h, s, D] = sum(e * v[b, h, t, D], t) / sum(e, t)
  }
}
)";

TEST(Lower, AddAgreesAtEveryLengthAroundAVector) {
  for (const std::int64_t n : {0, 1, 7, 8, 9, 63, 64, 65, 130}) expect_agreement(kAdd, "add", {{"N", n}});
}

TEST(Lower, SoftmaxAgrees) {
  for (const std::int64_t c : {1, 16, 37, 300}) expect_agreement(kSoftmax, "softmax", {{"R", 3}, {"C", c}});
}

TEST(Lower, LayerNormAgrees) { expect_agreement(kLayerNorm, "layer_norm", {{"R", 3}, {"C", 37}}); }

TEST(Lower, MatmulAgrees) {
  expect_agreement(kMatmul, "matmul", {{"M", 5}, {"N", 19}, {"K", 21}});
  expect_agreement(kMatmul, "matmul", {{"M", 2}, {"N", 3}, {"K", 0}});
}

TEST(Lower, ContractionsAgreeAroundTheirBlocks) {
  // Blocks are 9 x 48 and 4 x 24.
  for (const std::int64_t m : {1, 9, 10, 23}) {
    for (const std::int64_t n : {1, 48, 101}) {
      expect_agreement(kMatmul, "matmul", {{"M", m}, {"N", n}, {"K", 13}});
    }
  }
  expect_agreement(kMatmul, "matmul", {{"M", 150}, {"N", 50}, {"K", 3}});
  // The reduced axis in two chunks of 512 steps; no step at all; several tiles of 40 blocks.
  for (const std::int64_t k : {513, 0}) expect_agreement(kMatmul, "matmul", {{"M", 10}, {"N", 17}, {"K", k}});
  expect_agreement(kMatmul, "matmul", {{"M", 370}, {"N", 3}, {"K", 2}});
  // Few rows: tiles of 12 rows by 1024 columns, 16 steps at a time.
  expect_agreement(kMatmul, "matmul", {{"M", 5}, {"N", 1030}, {"K", 17}});
}

void expect_implicit_agreement(std::string_view text, const Extents& extents) {
  const std::vector<Case> cases = {{"cpu.avx512", {SizeClass::kImplicit, 9, 3}},
                                   {"cpu.avx512", {SizeClass::kImplicit, 1, 8}},
                                   {"cpu.avx2", {SizeClass::kImplicit, 4, 2}}};
  const Trial trial(text, "f", extents, Layout::kRowMajor, "test.ax");
  EXPECT_THAT(print(trial.lower(cases[0].target, cases[0].size)), testing::HasSubstr("right"));
  expect_agreement_of(cases, text, "f", extents);
}

constexpr std::string_view kPatches = R"(
kernel f(x: T[N, I, H, W], w: T[O, I, P, Q]) -> (y: T[N, O, H, W]) {
  parallel n in N, o in O, i in H, j in W {
    let p in P
    let q in Q
    let patch = x[n, I, i + p - 1, j + q - 2] else 0.5
    y[n, o, i, j] = sum(patch * w[o, I, p, q], I, p, q)
  }
})";

TEST(Lower, SumsOverSeveralAxesAgreeAroundTheirBlocks) {
  // Blocks are nine rows high, groups 32 positions of I; tiles have 240 columns, which end in the middle of a row.
  for (const std::int64_t o : {1, 9, 10}) {
    expect_implicit_agreement(kPatches, {{"N", 2}, {"O", o}, {"I", 3}, {"H", 5}, {"W", 37}, {"P", 3}, {"Q", 4}});
  }
  expect_implicit_agreement(kPatches, {{"N", 1}, {"O", 3}, {"I", 33}, {"H", 3}, {"W", 3}, {"P", 2}, {"Q", 2}});
  // Two chunks: more than 640 steps. Filters larger than the image; no step at all; no column.
  expect_implicit_agreement(kPatches, {{"N", 1}, {"O", 10}, {"I", 162}, {"H", 2}, {"W", 3}, {"P", 2}, {"Q", 2}});
  expect_implicit_agreement(kPatches, {{"N", 1}, {"O", 2}, {"I", 2}, {"H", 3}, {"W", 18}, {"P", 7}, {"Q", 40}});
  expect_implicit_agreement(kPatches, {{"N", 2}, {"O", 3}, {"I", 0}, {"H", 3}, {"W", 3}, {"P", 2}, {"Q", 2}});
  expect_implicit_agreement(kPatches, {{"N", 0}, {"O", 3}, {"I", 2}, {"H", 3}, {"W", 3}, {"P", 2}, {"Q", 2}});
  // Two tiles of 32 blocks.
  expect_implicit_agreement(kPatches, {{"N", 1}, {"O", 290}, {"I", 1}, {"H", 2}, {"W", 3}, {"P", 2}, {"Q", 1}});
}

TEST(Lower, RightOperandsOfEveryKindAgree) {
  const Extents extents = {{"N", 2}, {"O", 5}, {"I", 3}, {"H", 4}, {"W", 41}, {"P", 3}, {"Q", 2}};
  // Every second element, and every third from the last one backwards; the left operand is converted.
  for (const char* index : {"2 * j + q - 3", "W - 1 - 3 * j + q"}) {
    const std::string text = std::string(R"(
kernel f(x: T[N, I, H, W], w: U[O, I, P, Q], b: T[O]) -> (y: T[N, O, H, W], z: T[N, O, H, W]) {
  parallel n in N, o in O, i in H, j in W {
    let p in P
    let q in Q
    let patch = x[n, I, i + p, )") +
                             index + R"(] else 0
    let s = sum(patch * w[o, I, p, q], I, p, q)
    y[n, o, i, j] = tanh(s) + b[o]
    z[n, o, i, j] = s * s
  }
})";
    expect_implicit_agreement(text, extents);
  }
  // Two sums of products, one with a factor beside the load.
  expect_implicit_agreement(R"(
kernel f(x: T[M, A, B], u: T[A, B, N], v: T[A, B, N], s: T[N]) -> (y: T[M, N]) {
  parallel m in M, n in N {
    y[m, n] = sum(x[m, A, B] * u[A, B, n] * s[n], A, B) - sum(exp(x[m, A, B]) * v[A, B, n], A, B)
  }
})",
                            {{"M", 11}, {"N", 50}, {"A", 3}, {"B", 7}});
}

TEST(Lower, TransposedOperandsAndEpiloguesAgree) {
  expect_agreement(R"(
kernel f(a: T[K, M], b: T[K, N], s: T[M]) -> (c: T[M, N], d: T[M, N]) {
  parallel m in M, n in N {
    let x = sum(a[K, m] * s[m] * b[K, n], K)
    c[m, n] = x
    d[m, n] = exp(-x * x) + s[m]
  }
})",
                   "f", {{"M", 23}, {"N", 50}, {"K", 21}});
  expect_agreement(R"(
kernel f(x: T[R..., K], gate: U[N, K], up: U[N, K], b: T[N]) -> (y: T[R..., N]) {
  parallel r in R, n in N {
    y[r, n] = tanh(sum(x[r, K] * gate[n, K], K) + b[n]) * sum(x[r, K] * up[n, K], K)
  }
})",
                   "f", {{"R", 11}, {"N", 50}, {"K", 21}});
}

TEST(Lower, TransposesGoBySquares) {
  const std::string text = R"(
kernel turn(x: T[B, M, N], s: T[N]) -> (y: T[B, N, M]) {
  parallel b in B, n in N, m in M { y[b, n, m] = x[b, m, n] - s[n] }
})";
  for (const std::int64_t m : {1, 16, 23, 49}) {
    for (const std::int64_t n : {1, 15, 32, 1030}) expect_agreement(text, "turn", {{"B", 2}, {"M", m}, {"N", n}});
  }
  const Trial turned(text, "turn", {}, Layout::kRowMajor, "test.ax");
  EXPECT_THAT(print(turned.lower("cpu.avx512", SizeClass::kDirect)), testing::HasSubstr("transpose y[b, "));
  const Trial mixed(
      "kernel f(x: T[M, N], z: T[N, M]) -> (y: T[N, M]) { parallel n in N, m in M "
      "{ y[n, m] = x[m, n] + z[n, m] } }",
      "f", {}, Layout::kRowMajor, "test.ax");
  EXPECT_THAT(print(mixed.lower("cpu.avx512", SizeClass::kDirect)), testing::Not(testing::HasSubstr("transpose")))
      << "one operand lies along the result";
}

TEST(Lower, BlocksOfResultsFitTheRegistersAndWasteLittle) {
  const Trial trial(kMatmul, "matmul", {{"M", 1}, {"N", 1}, {"K", 1}}, Layout::kRowMajor, "test.ax");
  const auto choose = [&](const Target& on, std::int64_t m, std::int64_t k, std::int64_t n) {
    const std::int64_t extents[] = {m, k, n};
    return size_class(trial.program(), extents, on);
  };
  for (const char* name : {"cpu.avx2", "cpu.avx512", "cpu.neon"}) {
    const Target on = target(name);
    for (std::int64_t m = 1; m < 300; m += 7) {
      for (const std::int64_t n : {64, 100, 1000}) {
        const SizeClass size = choose(on, m, 300, n);
        if (size.kind == SizeClass::kSkinny) continue;
        EXPECT_LT(size.rows * size.vectors + size.vectors, on.vector_registers) << name << " " << m << " x " << n;
        EXPECT_GE(size.rows * size.vectors * 2, on.vector_registers) << name << " " << m << " x " << n;
      }
    }
  }
  EXPECT_EQ(choose(target("cpu.avx512"), 12, 300, 300), SizeClass(SizeClass::kSkinny, 12, 2));
  EXPECT_EQ(choose(target("cpu.avx512"), 5, 300, 300), SizeClass(SizeClass::kSkinny, 8, 3));
  EXPECT_EQ(choose(target("cpu.avx2"), 0, 300, 300), SizeClass(SizeClass::kSkinny, 1, 4));
  EXPECT_EQ(choose(target("cpu.avx512"), 37, 128, 128), SizeClass(SizeClass::kDirect, 6, 4));
  EXPECT_EQ(choose(target("cpu.avx512"), 250, 500, 500), SizeClass(SizeClass::kPanel, 9, 3));
  EXPECT_EQ(choose(target("cpu.avx512"), 128, 768, 3072), SizeClass(SizeClass::kSmall, 8, 3));
  EXPECT_EQ(choose(target("cpu.avx512"), 500, 500, 500), SizeClass(SizeClass::kSmall, 9, 3));
  EXPECT_EQ(choose(target("cpu.avx512"), 900, 1100, 960), SizeClass(SizeClass::kSmall, 9, 3));
  EXPECT_EQ(choose(target("cpu.avx512"), 900, 2048, 960), SizeClass(SizeClass::kLarge, 9, 3));
}

TEST(Lower, LoopsWithABoundPerElementAgree) {
  expect_agreement(kAttention, "attention", {{"B", 2}, {"G", 2}, {"J", 2}, {"S", 5}, {"L", 7}, {"D", 9}});
}

TEST(Lower, RowsOfAttentionAgreeAroundTheirWindows) {
  // Blocks are 14 rows by 32 columns (6 by 16), windows 56 (24) rows, parts of the loop 384 keys.
  const auto extents = [](std::int64_t s, std::int64_t l, std::int64_t d) {
    return Extents{{"B", 1}, {"G", 1}, {"J", 1}, {"S", s}, {"L", l}, {"D", d}};
  };
  expect_agreement(kAttention, "attention", extents(61, 66, 3));
  expect_agreement(kAttention, "attention", extents(15, 390, 2));
  expect_agreement(kAttention, "attention", extents(20, 9, 35));  // the first rows see no key
  expect_agreement(kShortAttention, "attention", {{"B", 1}, {"H", 1}, {"S", 61}, {"L", 35}, {"D", 3}});
}

TEST(Lower, BlocksOfRowsRunOnlyTheKeysOfEachRow) {
  expect_agreement(R"(
kernel f(q: f32[S, D], k: f32[L, D], v: f32[L, D], first: i32[S], end: i32[S]) -> (o: f32[S, D], n: i32[S]) {
  parallel s in S {
    var norm[s] = 0.0; var acc[s, D] = 0.0; var seen[s] = 0
    for t in L from first[s] until 3 * end[s] {
      let z = sum(q[s, D] * k[t, D], D)
      norm += sum(z, t)
      acc += sum(z * v[t, D], t)
      seen += sum(t - first[s] < 4 ? 1 : 2, t)
    }
    o[s, D] = acc + norm
    n[s] = seen
  }
})",
                   "f", {{"S", 37}, {"L", 40}, {"D", 17}});
}

TEST(Lower, WholeRowsOfScoresAgree) {
  expect_agreement(kShortAttention, "attention", {{"B", 2}, {"H", 2}, {"S", 5}, {"L", 7}, {"D", 9}});
}

/// Scores in a row: so many that a loop takes them in parts, in rows that leave a block of them incomplete.
TEST(Lower, RowsAndKeysPastOneBlockAgree) {
  expect_agreement(kShortAttention, "attention", {{"B", 1}, {"H", 1}, {"S", 29}, {"L", 520}, {"D", 3}});
}

/// What varies along the loop only is there once, for all rows, however little of the loop some of them run.
TEST(Lower, RowsShareWhatTheLoopAloneDecides) {
  expect_agreement(R"(
kernel f(q: f32[S, D], k: f32[L, D], v: f32[L, D], first: i32[S], end: i32[S]) -> (o: f32[S, D]) {
  parallel s in S {
    var norm[s] = 0.0; var acc[s, D] = 0.0
    for t in L from 5 * first[s] until 9 * end[s] {
      let w = exp(sin(exp(v[t, D])))
      let u = exp(sin(exp(v[t, 0])))
      let z = sum(q[s, D] * k[t, D], D)
      norm += sum(z * u, t) + sum(z * z * u, t)
      acc += sum(z * w, t) + sum(z * z * w, t)
    }
    o[s, D] = acc + norm
  }
})",
                   "f", {{"S", 29}, {"L", 140}, {"D", 5}});
}

LoopProgram lowered_by(const Trial& trial, Schedule& schedule) {
  StrideClasses classes;
  for (const ax::Array& array : trial.program().arrays) {
    classes.arrays.emplace_back(array.dims.size(), Buffer::Stride::kAny);
  }
  return lower(trial.program(), classes, SizeClass::kSmall, target("cpu.avx512"), schedule);
}

TEST(Lower, GoesAlongWholeRowsOnceUnlessToldNotTo) {
  const Trial trial(kShortAttention, "attention", {}, Layout::kRowMajor, "t.ax");
  Schedule chosen;
  static_cast<void>(lowered_by(trial, chosen));
  ASSERT_TRUE(chosen.online.has_value());
  EXPECT_EQ(chosen.online->value.size(), 1u);
  Schedule pinned{.kernel = "attention", .target = "cpu.avx512", .online = {{.value = {}}}};
  static_cast<void>(lowered_by(trial, pinned));
  EXPECT_THAT(pinned.online->value, IsEmpty());
}

/// Weights that are wanted themselves, or that are no exponential of a difference to the maximum, are there as a whole.
TEST(Lower, KeepsWholeRowsThatAreNeededAgain) {
  for (const char* text : {
           "kernel f(q: f32[S, D], k: f32[L, D]) -> (o: f32[S], p: f32[S, L]) { parallel s in S { let t in L; "
           "let z = sum(q[s, D] * k[t, D], D); let e = exp(z - max(z, t)); o[s] = sum(e, t); p[s, t] = e } }",
           "kernel f(q: f32[S, D], k: f32[L, D]) -> (o: f32[S]) { parallel s in S { let t in L; "
           "let z = sum(q[s, D] * k[t, D], D); let m = max(z, t); o[s] = sum(exp(z - m), t) + m } }",
           "kernel f(q: f32[S, D], k: f32[L, D]) -> (o: f32[S]) { parallel s in S { let t in L; "
           "let z = sum(q[s, D] * k[t, D], D); let e = exp(z - max(z, t)); o[s] = sum(e * e, t) } }",
       }) {
    const Trial trial(text, "f", {}, Layout::kRowMajor, "t.ax");
    Schedule chosen;
    static_cast<void>(lowered_by(trial, chosen));
    EXPECT_FALSE(chosen.online.has_value()) << text;
  }
}

TEST(Lower, ColumnsAreReducedInLanes) {
  expect_agreement("kernel f(x: T[R, C]) -> (y: T[C]) { parallel c in C { y[c] = sum(x[R, c] * x[R, c], R) } }", "f",
                   {{"R", 9}, {"C", 70}});
}

TEST(Lower, ColumnSoftmaxKeepsItsRowsInScratch) {
  expect_agreement(R"(
kernel f(x: T[R, C]) -> (y: T[R, C]) {
  parallel c in C {
    let e = exp(x[R, c] - max(x[R, c], R))
    y[R, c] = e / sum(e, R)
  }
})",
                   "f", {{"R", 9}, {"C", 70}});
}

TEST(Lower, EveryReductionAgrees) {
  for (const char* reduction : {"sum", "prod", "max", "min", "mean", "argmax", "argmin"}) {
    const std::string text =
        "kernel f(x: f32[R, C]) -> (y: " + std::string(std::string_view(reduction).starts_with("arg") ? "i32" : "f32") +
        "[R]) { parallel r in R { y[r] = " + reduction + "(x[r, C], C) } }";
    for (const std::int64_t c : {0, 1, 37}) expect_agreement(text, "f", {{"R", 5}, {"C", c}});
  }
}

TEST(Lower, ScansShiftAndSumAlongAnAxis) {
  expect_agreement(R"(
kernel f(x: T[R, C]) -> (y: T[R, C]) {
  parallel r in R {
    let c in C
    y[r, c] = scan_sum(x[r, c], c)[c = c - 1] else 0
  }
})",
                   "f", {{"R", 3}, {"C", 37}});
}

TEST(Lower, ArgsortAgreesForEveryTypeAroundTheLengthsThatAreRanked) {
  for (const char* type : {"f32", "f64", "bf16", "i8", "i32", "u32", "i64", "u64"}) {
    const std::string text = "kernel f(x: " + std::string(type) +
                             "[R, C]) -> (y: i32[R, C]) { parallel r in R { y[r, C] = argsort(x[r, C], C) } }";
    for (const std::int64_t c : {0, 64, 65}) expect_agreement(text, "f", {{"R", 2}, {"C", c}});
  }
}

TEST(Lower, ArgsortGoesAlongAnyWholeAxis) {
  for (const std::int64_t n : {5, 70}) {
    expect_agreement(R"(
kernel f(x: T[N, C]) -> (y: i32[N, C], z: T[N, C]) {
  let at = argsort(x[N, C], N)
  y[N, C] = at
  z[N, C] = x[at, C]
})",
                     "f", {{"N", n}, {"C", 3}});
  }
  expect_agreement("kernel f(x: T[R...]) -> (y: i32[R...]) { y[R] = argsort(x[R], R) }", "f", {{"R", 6}});
}

TEST(Lower, WhileRunsEachElementOnItsOwn) {
  expect_agreement(R"(
kernel f(x: f32[N]) -> (y: f32[N]) {
  parallel i in N {
    var v[i] = abs(x[i]) + 1.0
    var steps[i] = 0.0
    while v < 100.0 { v *= 3.0; steps += 1.0 }
    y[i] = steps
  }
})",
                   "f", {{"N", 70}});
}

TEST(Lower, WhileRunsEachElementOfAWholeAxisOnItsOwn) {
  expect_agreement(R"(
kernel f(x: f32[R, C], m: f32[R, C]) -> (y: f32[R, C], z: f32[R, C] = 0) {
  parallel r in R {
    var v[r, C] = x[r, C]
    var steps[r, C] = 0.0
    while abs(v) < 4.0 and m[r, C] > -1.0 { v = v * 1.5 + 1.0; steps += 1.0; z[r, C] = steps }
    y[r, C] = v
  }
})",
                   "f", {{"R", 5}, {"C", 37}});
}

TEST(Lower, WhileStaysOutOfWhatTheConditionsAroundItLeaveOut) {
  // Of a dead element the inner condition would hold for ever.
  expect_agreement(R"(
kernel f(x: f32[R, C], d: f32[R]) -> (y: f32[R, C] = 0) {
  parallel r in R {
    if x[r, C] > 5.0 {
      var k[r] = 1.0
      while k > 0.0 { k = k - abs(d[r]) * 0.0 }
      y[r, C] = k
    }
    var v[r, C] = x[r, C]
    if x[r, C] > 0.0 {
      while v < 8.0 { v = v * 2.0 }
    }
    y[r, C] = v
  }
})",
                   "f", {{"R", 5}, {"C", 19}});
}

TEST(Lower, VariablesOfOneElementLiveInItsBranch) {
  for (const char* index : {"i", "N"}) {
    const std::string text = std::string("kernel f(x: f32[N]) -> (y: f32[N] = 0) {\n") +
                             (*index == 'i' ? "  parallel i in N {\n" : "  if true {\n") + "    if x[" + index +
                             "] > 0 { var k = 3.0; while k > 0.5 { k = k * 0.5 }; y[" + index + "] = k }\n  }\n}";
    expect_agreement(text, "f", {{"N", 70}});
  }
}

TEST(Lower, AssertionsUnderAConditionOnAWholeAxisAreOnlyOfItsElements) {
  expect_agreement(R"(
kernel f(x: f32[R, C]) -> (y: f32[R] = 0) {
  parallel r in R {
    if x[r, C] > 7.0 { assert x[r, 0] > 9.0, "never asked" }
    y[r] = 1
  }
})",
                   "f", {{"R", 3}, {"C", 9}});
}

TEST(Lower, KernelLevelBranchesAndLoopsFollowEachElement) {
  expect_agreement(R"(
kernel f(x: f32[N, M], n: i32[N], w: f32[M]) -> (a: f32[N] = 0, b: f32[N], c: f32[N], d: f32[N, M] = 1) {
  if x[N, 0] > 0 { a[N] = sum(w[M], M) } else { a[N] += 2.0 }
  var v[N] = x[N, 1]
  while v < 4.0 { v = v * 1.5 + 1.0 }
  b[N] = v
  var acc[N] = 0.0
  for t in M until n[N] { acc += sum(x[N, t], t) }
  c[N] = acc
  if x[N, M] > 0 {
    let e = x[N, M] * 2.0
    d[N, M] = e
    if e > 2.0 { d[N, M] = 5.0 }
  }
})",
                   "f", {{"N", 21}, {"M", 9}});
}

TEST(Lower, KernelLevelLetsAreIndicesAsTheyAreStored) {
  expect_agreement(R"(
kernel f(x: f32[A, B], n: i32[A]) -> (z: f32[A, B]) {
  let a in A
  let at = argmin(x[a, B], B) + n[a]
  z[a, B] = x[a, at + 0] else 0.5
})",
                   "f", {{"A", 5}, {"B", 33}});
}

TEST(Lower, KernelLevelBranchesReadWhatTheyWroteElsewhere) {
  expect_agreement(R"(
kernel f(inout p: f32[N], x: f32[N]) -> (y: f32[N] = 0) {
  let i in N
  if x[i] > 0 {
    p[i] = x[i]
    y[i] = p[N - 1 - i]
  }
})",
                   "f", {{"N", 40}});
}

TEST(Lower, BranchesPerElementHoldStoresBack) {
  expect_agreement(R"(
kernel f(x: f32[N]) -> (y: f32[N] = 7) {
  parallel i in N {
    var v[i] = x[i]
    if v > 0.0 { v += 1.0; y[i] = v } else { v -= 1.0; y[i] = v * 2.0 }
  }
})",
                   "f", {{"N", 70}});
}

TEST(Lower, GathersReadWhereTheIndexSays) {
  expect_agreement("kernel f(t: T[V, D], id: i32[S]) -> (y: T[S, D]) { parallel s in S { y[s, D] = t[id[s], D] } }",
                   "f", {{"V", 9}, {"D", 37}, {"S", 9}});
}

TEST(Lower, KernelLevelReductionsAreOneNumber) {
  expect_agreement(R"(
kernel f(x: f32[N]) -> (y: f32[N]) {
  let m = mean(x[N], N)
  let v = mean(square(x[N] - m), N)
  y[N] = (x[N] - m) * rsqrt(v + 0.5)
})",
                   "f", {{"N", 70}});
}

TEST(Lower, KernelLevelLoopsCarryVariablesBetweenBlocks) {
  expect_agreement(R"(
kernel f(a: f32[K, N]) -> (y: f32[N]) {
  scratch h: f32[N]
  parallel i in N { h[i] = 0.0 }
  for k in K by 1 { parallel i in N { h[i] = h[i] * 0.5 + a[k, i] } }
  parallel i in N { y[i] = h[i] }
})",
                   "f", {{"K", 3}, {"N", 70}});
}

/// Kernel-level reductions agree, and give the same bits for tiles in any order.
void expect_chunks_agree(const std::string& text, const Extents& extents, Layout layout = Layout::kRowMajor,
                         const char* target_name = "cpu.avx512") {
  Trial trial(text, "f", extents, layout, "test.ax");
  const LoopProgram lowered = trial.lower(target_name, SizeClass::kDirect);
  const std::string what = print(lowered);
  ASSERT_THAT(verify(lowered), IsEmpty()) << what;
  trial.run_interpreter();
  const std::vector<double> expected = trial.results();
  EXPECT_THAT(trial.run_lowered(lowered, false), IsEmpty()) << what;
  const std::vector<double> forward = trial.results();
  expect_close(expected, forward, what);
  EXPECT_THAT(trial.run_lowered(lowered, true), IsEmpty()) << what;
  EXPECT_THAT(trial.results(), testing::Pointwise(testing::NanSensitiveDoubleEq(), forward)) << what;
}

TEST(Lower, KernelLevelReductionsAgreeAroundTheirChunks) {
  for (const std::int64_t n : {0, 1, 65535, 65536, 65537, 200001}) {
    SCOPED_TRACE(n);
    expect_chunks_agree(R"(
kernel f(x: f32[N], k: i32[N]) -> (y: f32[5], z: i32[6]) {
  y[0] = max(x[N], N)
  y[1] = min(abs(x[N]), N)
  y[2] = mean(x[N], N)
  y[3] = max(sqrt(x[N]), N)
  y[4] = min(x[N] > 1.9985 ? sqrt(0 - x[N]) : x[N], N)
  z[0] = sum(k[N], N)
  z[1] = prod(k[N] | 1, N)
  z[2] = any(k[N] > 65530, N) ? 1 : 0
  z[3] = all(k[N] >= 0, N) ? 1 : 0
  z[4] = argmax(x[N], N)
  z[5] = argmin(x[N] > 1.9985 ? sqrt(0 - x[N]) : x[N], N)
})",
                        {{"N", n}});
  }
}

TEST(Lower, KernelLevelReductionsOverSeveralAxesAgree) {
  struct Case {
    std::int64_t rows, columns;
  };
  for (const auto& [rows, columns] : {Case{1, 65537}, Case{65537, 1}, Case{350, 190}, Case{0, 9}}) {
    SCOPED_TRACE(rows);
    const Extents extents = {{"R", rows}, {"C", columns}};
    expect_chunks_agree(R"(
kernel f(x: f32[R, C]) -> (y: f32[2], z: i32[1]) {
  y[0] = max(x[R, C], R, C)
  y[1] = mean(x[R, C] * x[R, C], R, C)
  z[0] = argmax(max(x[R, C], C), R)
})",
                        extents, Layout::kReversed);
  }
}

TEST(Lower, KernelLevelReductionsOfPacksAndOfOtherReductionsAgree) {
  expect_chunks_agree("kernel f(x: f32[R...]) -> (y: f32[1]) { y[0] = max(x[R], R) }", {{"R", 65537}}, Layout::kSpread);
  expect_chunks_agree("kernel f(x: f32[R, C]) -> (y: f32[1]) { y[0] = max(min(x[R, C], C), R) }",
                      {{"R", 701}, {"C", 190}});
  expect_chunks_agree("kernel f(x: f32[R, C]) -> (y: f32[1]) { y[0] = max(scan_max(x[R, C], C), R, C) }",
                      {{"R", 7}, {"C", 9}});
}

TEST(Lower, KernelLevelReductionsFollowWhatChanges) {
  expect_chunks_agree(R"(
kernel f(inout x: f32[N]) -> (y: f32[2], steps: i32[1]) {
  let before = max(x[N], N)
  parallel i in N { x[i] = x[i] * 2 }
  y[0] = max(x[N], N) - before
  var n = 0
  while max(x[N], N) < 100.0 {
    parallel i in N { x[i] = x[i] * 2 }
    n += 1
  }
  y[1] = before
  steps[0] = n
})",
                      {{"N", 300}});
}

TEST(Lower, LargeElementWiseResultsPassTheCaches) {
  constexpr const char* kText =
      "kernel f(x: f32[N], y: f32[N]) -> (z: f32[N]) { parallel i in N { z[i] = x[i] - y[i] } }";
  const Trial trial(kText, "f", {}, Layout::kRowMajor, "test.ax");
  EXPECT_THAT(print(trial.lower("cpu.avx2", SizeClass::kDirect)),
              testing::AllOf(testing::HasSubstr("stream"), testing::HasSubstr("prefetch")));
  const Trial gathered("kernel f(x: f32[N], k: i32[N]) -> (z: f32[N]) { parallel i in N { z[i] = x[k[i]] } }", "f", {},
                       Layout::kSpread, "test.ax");
  EXPECT_THAT(print(gathered.lower("cpu.avx2", SizeClass::kDirect)), testing::Not(testing::HasSubstr("stream")));
  // Four second caches of cpu.avx2 are a mebibyte.
  for (const std::int64_t n : {262143, 262144, 262149})
    expect_chunks_agree(kText, {{"N", n}}, Layout::kRowMajor, "cpu.avx2");
}

TEST(Lower, LargeRowsAskForTheRowsToCome) {
  const Trial trial(kSoftmax, "softmax", {}, Layout::kRowMajor, "test.ax");
  const std::string text = print(trial.lower("cpu.avx512", SizeClass::kDirect));
  EXPECT_THAT(text, testing::AllOf(testing::HasSubstr("prefetch x [(r + 1), "), testing::HasSubstr("prefetch y [r, ")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("stream")));  // rows are stored in bursts, between arithmetic
}

TEST(Lower, LongBodiesAreWrittenOnceWhereMasksAreFree) {
  constexpr const char* kText = "kernel f(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = erf(exp(x[i])) } }";
  const Trial trial(kText, "f", {}, Layout::kRowMajor, "test.ax");
  EXPECT_THAT(print(trial.lower("cpu.avx512", SizeClass::kDirect)), testing::HasSubstr(" masked {"));
  EXPECT_THAT(print(trial.lower("cpu.avx2", SizeClass::kDirect)), testing::HasSubstr(" narrow {"));
  for (const std::int64_t n : {1, 16, 17, 33, 1000}) {
    expect_chunks_agree(kText, {{"N", n}}, Layout::kRowMajor, "cpu.avx512");
  }
}

/// Every kernel of the library, as the checker's sample types have it.
class LibraryKernels : public testing::TestWithParam<const char*> {};

TEST_P(LibraryKernels, Agree) {
  const std::string file = std::string(AUREX_OPS_FOLDER) + "/" + GetParam() + ".ax";
  const std::string text = read_file(file);
  auto source = std::make_shared<ax::Source>(file, text);
  ax::DiagnosticSink sink;
  const auto module = ax::check(source, sink);
  ASSERT_NE(module, nullptr) << ax::render(*source, sink.sorted());
  for (const ax::KernelInterface& kernel : ax::kernels(*module)) {
    SCOPED_TRACE(kernel.name);
    try {
      const std::int64_t image = kernel.name == "conv_transpose2d" ? 8 : 3;
      expect_agreement(text, kernel.name, {{"G", kernel.name == "conv2d" ? 1 : 5}, {"Y", image}, {"X", image}}, file);
    } catch (const Error& error) {
      ADD_FAILURE() << kernel.name << ": " << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, LibraryKernels,
                         testing::Values("activations", "attention", "backward", "conv2d", "cross_entropy",
                                         "elementwise", "embedding", "linear", "losses", "matmul", "movement",
                                         "normalization", "optimizer", "reductions", "rope", "scans", "softmax", "sort",
                                         "spiking"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace aurex::schedule
