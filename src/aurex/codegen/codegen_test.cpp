// Each construct of the loop program, compiled, against the scalar executor.

#include "aurex/codegen/call_fixture.h"

namespace aurex::codegen {
namespace {

/// Lengths around one and several steps of 16 lanes times 4.
const std::vector<std::int64_t> kLengths = {0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 150};

TEST(Codegen, AddsTwoArraysOfAnyLength) {
  const char* text = R"(program add on cpu.avx512 extents 1 packs 0 {
    buffer x: f32 argument 0 [extent(0) unit @0]
    buffer y: f32 argument 1 [extent(0) unit @0]
    buffer z: f32 argument 2 [extent(0) unit @0]
    launch add tile i0 in extent(0) by 96 scratch [] costs 10:f64 {
      vector i in i0 .. min((i0 + 96), extent(0)) by 16x4 narrow {
        store z.unit[i] = (x.unit[i] + y.unit[i])
      }
    }
  })";
  std::vector<TestCall> calls;
  for (const std::int64_t n : kLengths) {
    calls.push_back({.extents = {n},
                     .arrays = {TestArray::of(DType::kF32, ramp(n)), TestArray::of(DType::kF32, ramp(n, 1, 0.11)),
                                TestArray::zeros(DType::kF32, n)}});
  }
  expect_same(text, calls);
}

TEST(Codegen, SumsRowsWithPartialVectorsAndAFixedTree) {
  const char* text = R"(program rows on cpu.avx512 extents 2 packs 0 {
    buffer x: f32 argument 0 [extent(0) any @0, extent(1) unit @1]
    buffer y: f32 argument 1 [extent(0) unit @0]
    register s: f32 [] 16x4
    register m: f32 [] 16x4
    launch rows tile r in extent(0) by 1 scratch [] costs 10:f64 {
      start $s = 0:f32
      start $m = -inf:f32
      vector c in 0 .. extent(1) by 16x4 narrow {
        set $s = ($s + x.unit[r, c])
        set $m = max($m, x.unit[r, c])
      }
      store y.uniform[r] = (tree.sum($s) + tree.max($m))
    }
  })";
  std::vector<TestCall> calls;
  for (const std::int64_t n : kLengths) {
    calls.push_back({.extents = {3, n},
                     .arrays = {TestArray::of(DType::kF32, ramp(3 * n), {n, 1}), TestArray::zeros(DType::kF32, 3)}});
  }
  expect_same(text, calls);
}

}  // namespace
}  // namespace aurex::codegen
