// Each construct of the loop program, compiled, against the scalar executor.

#include "aurex/codegen/call_fixture.h"
#include "aurex/schedule/target.h"

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

TEST(Codegen, KeepsToTheMaskInEveryStepOfAMaskedLoop) {
  const char* text = R"(program masked on cpu.avx512 extents 1 packs 0 {
    buffer x: i16 argument 0 [extent(0) unit @0]
    buffer z: f64 argument 1 [extent(0) unit @0]
    register n: i32 [] 8x2
    buffer count: i32 argument 2 [1 unit @0]
    launch masked tile t in 1 by 1 scratch [] costs 10:f64 {
      start $n = 0:i32
      vector i in 0 .. extent(0) by 8x2 masked {
        set $n = ($n + 1:i32) if (x.unit[i] > 0:i32)
        store z.unit[i] = cast<f64>(x.unit[i]) if (x.unit[i] != 3:i32)
      }
      store count.uniform[0] = tree.sum($n)
    }
  })";
  std::string ordered = text;
  std::vector<TestCall> calls;
  for (const std::int64_t n : kLengths) {
    calls.push_back({.extents = {n},
                     .arrays = {TestArray::of(DType::kI16, ramp(n, -4, 1)), TestArray::zeros(DType::kF64, n),
                                TestArray::zeros(DType::kI32, 1)}});
  }
  const std::string moved = "    buffer count: i32 argument 2 [1 unit @0]\n";
  ordered.erase(ordered.find(moved), moved.size());
  ordered.insert(ordered.find("    register"), moved);
  expect_same(ordered, calls);
}

TEST(Codegen, LoadsStridedGatheredAndGuardedElements) {
  for (const char* dtype : {"f32", "f64", "i8", "u16", "f16", "bool"}) {
    SCOPED_TRACE(dtype);
    const std::string type = std::string(dtype) == "f64"    ? "f64"
                             : std::string(dtype) == "bool" ? "bool"
                             : dtype[0] == 'f'              ? "f32"
                                                            : "i32";
    const std::string other = type == "bool" ? "true" : type[0] == 'f' ? "-7:" + type : "-7:i32";
    const std::string text = std::string(R"(program loads on cpu.avx512 extents 2 packs 0 {
      buffer x: )") + dtype + R"( argument 0 [extent(0) any @0]
      buffer at: i32 argument 1 [extent(1) unit @0]
      buffer z: )" + dtype + R"( argument 2 [extent(1) unit @0]
      buffer y: )" + dtype + R"( argument 3 [extent(1) any @0]
      launch loads tile t in 1 by 1 scratch [] costs 10:f64 {
        vector i in 0 .. extent(1) by 16x2 narrow {
          let %e: i64 = cast<i64>(at.unit[i])
          let %in: bool = ((%e >= 0) and (%e < extent(0)))
          store z.unit[i] = x.gather[%e | %in else )" +
                             other + R"(]
          store y.strided[i] = x.strided[i | (extent(0) > i)]
        }
      }
    })";
    const std::int64_t rows = 70, n = 83;
    std::vector<double> at;
    for (std::int64_t i = 0; i < n; ++i) at.push_back(static_cast<double>((i * 37) % 90 - 10));
    const DType d = parse_dtype(dtype);
    expect_same(text,
                TestCall{.extents = {rows, n},
                         .arrays = {TestArray::of(d, ramp(3 * rows - 2, -5, 0.3), {3}), TestArray::of(DType::kI32, at),
                                    TestArray::zeros(d, n), TestArray::zeros(d, 2 * n, {2})}});
  }
}

TEST(Codegen, WalksArraysBackwards) {
  const char* text = R"(program reverse on cpu.avx512 extents 1 packs 0 {
    buffer x: f32 argument 0 [extent(0) any @0]
    buffer z: f32 argument 1 [extent(0) unit @0]
    launch reverse tile t in 1 by 1 scratch [] costs 10:f64 {
      vector i in 0 .. extent(0) by 16x1 narrow {
        store z.unit[i] = x.strided[i]
      }
    }
  })";
  TestArray x = TestArray::of(DType::kF32, ramp(40), {-1});
  x.first = 39;
  expect_same(text, TestCall{.extents = {40}, .arrays = {x, TestArray::zeros(DType::kF32, 40)}});
}

TEST(Codegen, UpdatesMemoryLaneAfterLane) {
  for (const char* update : {"=", "+=", "-=", "*=", "max=", "min="}) {
    const std::string text = std::string(R"(program scatter on cpu.avx512 extents 2 packs 0 {
      buffer at: i32 argument 0 [extent(0) unit @0]
      buffer x: f32 argument 1 [extent(0) unit @0]
      buffer z: f16 argument 2 [extent(1) unit @0]
      buffer y: f32 argument 3 [extent(0) unit @0]
      launch scatter tile t in 1 by 1 scratch [] costs 10:f64 {
        vector i in 0 .. extent(0) by 16x1 narrow {
          store z.gather[cast<i64>(at.unit[i])] )") +
                             update + R"( x.unit[i] if (x.unit[i] > -20:f32)
          store y.unit[i] )" +
                             update + R"( x.unit[i]
        }
      }
    })";
    std::vector<double> at;
    for (int i = 0; i < 45; ++i) at.push_back((i * i) % 11);
    expect_same(text, TestCall{.extents = {45, 11},
                               .arrays = {TestArray::of(DType::kI32, at), TestArray::of(DType::kF32, ramp(45)),
                                          TestArray::of(DType::kF16, ramp(11)),
                                          TestArray::of(DType::kF32, ramp(45, 2, 0.01))}});
  }
}

/// A register block of 3 rows times 2 vectors, as contractions have it.
TEST(Codegen, MultipliesMatricesInARegisterBlock) {
  const char* text = R"(program matmul on cpu.avx512 extents 3 packs 0 {
    buffer a: f32 argument 0 [extent(0) any @0, extent(1) unit @1]
    buffer b: f32 argument 1 [extent(1) any @0, extent(2) unit @1]
    buffer c: f32 argument 2 [extent(0) any @0, extent(2) unit @1]
    register acc: f32 [3] 16x2
    launch matmul tile i0 in extent(0) by 3 scratch [] costs 10:f64 {
      vector j in 0 .. extent(2) by 16x2 narrow {
        start $acc = 0:f32
        for k in 0 .. extent(1) {
          let %b: f32 = b.unit[k, j]
          unroll i in 0 .. 3 {
            set $acc[i] = fma(a.uniform[(i0 + i), k], %b, $acc[i])
          }
        }
        unroll i in 0 .. 3 { store c.unit[(i0 + i), j] = $acc[i] }
      }
    }
  })";
  const std::int64_t m = 6, k = 19, n = 53;
  expect_same(text, TestCall{.extents = {m, k, n},
                             .arrays = {TestArray::of(DType::kF32, ramp(m * k), {k, 1}),
                                        TestArray::of(DType::kF32, ramp(k * n, 1, 0.001), {n, 1}),
                                        TestArray::zeros(DType::kF32, m * n, {n, 1})}});
}

TEST(Codegen, KeepsRowsInWorkerScratch) {
  const char* text = R"(program softmax on cpu.avx512 extents 2 packs 0 {
    buffer x: f32 argument 0 [extent(0) any @0, extent(1) unit @1]
    buffer y: f32 argument 1 [extent(0) any @0, extent(1) unit @1]
    buffer e: f32 worker align 64 [2 any((extent(1) + 5)), extent(1) unit]
    buffer w: f64 worker align 64 [extent(1) unit]
    register m: f32 [] 16x2
    register s: f32 [] 16x1
    launch softmax tile r in extent(0) by 1 scratch [e w] costs 10:f64 {
      start $m = -inf:f32
      vector c in 0 .. extent(1) by 16x2 narrow { set $m = max($m, x.unit[r, c]) }
      let %top: f32 = tree.max($m)
      start $s = 0:f32
      vector c2 in 0 .. extent(1) by 16x1 narrow {
        let %t: f32 = (x.unit[r, c2] - %top)
        store e.unit[1, c2] = %t
        store w.unit[c2] = cast<f64>(%t)
        set $s = ($s + %t)
      }
      let %inv: f32 = (1:f32 / tree.sum($s))
      vector c3 in 0 .. extent(1) by 16x1 narrow {
        store y.unit[r, c3] = ((e.unit[1, c3] * %inv) + cast<f32>(w.unit[c3])) stream
      }
    }
  })";
  std::vector<TestCall> calls;
  for (const std::int64_t n : kLengths) {
    calls.push_back(
        {.extents = {3, n},
         .arrays = {TestArray::of(DType::kF32, ramp(3 * n), {n, 1}), TestArray::zeros(DType::kF32, 3 * n, {n, 1})}});
  }
  expect_same(text, calls);
}

TEST(Codegen, StreamsWhereAskedAndWhereWholeVectorsLieAligned) {
  std::vector<TestCall> calls;
  for (const std::int64_t n : kLengths) {
    for (const std::int64_t shift : {0, 3}) {
      calls.push_back({.extents = {n, shift},
                       .arrays = {TestArray::of(DType::kF32, ramp(n)), TestArray::zeros(DType::kF32, n + shift)}});
    }
  }
  for (const std::string tail : {"narrow", "masked"}) {
    for (const std::string when : {"", " if (extent(0) > 64)"}) {
      expect_same(R"(program f on cpu.avx512 extents 2 packs 0 {
        buffer x: f32 argument 0 [extent(0) unit @0]
        buffer y: f32 argument 1 [(extent(0) + extent(1)) unit @0]
        launch f tile t in 1 by 1 scratch [] costs 10:f64 {
          vector i in 0 .. extent(0) by 16x2 )" +
                      tail + R"( {
            if (extent(0) > 64) {
              prefetch x [(i + 512)]
            } else {
            }
            store y.unit[(i + extent(1))] = (x.unit[i] * 2:f32) stream)" +
                      when + R"(
          }
        }
      })",
                  calls);
    }
  }
}

TEST(Codegen, BranchesAndLoopsCarryRegisters) {
  const char* text = R"(program control on cpu.avx512 extents 1 packs 0 {
    buffer x: f32 argument 0 [extent(0) unit @0]
    buffer z: f32 argument 1 [extent(0) unit @0]
    buffer n: i32 argument 2 [extent(0) unit @0]
    register a: f32 [2] 1x1
    register v: f32 [] 16x1
    register steps: i32 [] 16x1
    launch control tile t in 1 by 1 scratch [] costs 10:f64 {
      start $a = 1:f32
      for i in 0 .. extent(0) by 2 {
        if (x.uniform[i] > 0:f32) {
          set $a[0] = ($a[0] + x.uniform[i])
        } else {
          set $a[1] = ($a[1] - x.uniform[i])
          set $a[0] = ($a[0] * 0.5:f32) if ($a[1] > 4:f32)
        }
      }
      vector j in 0 .. extent(0) by 16x1 narrow {
        start $v = abs(x.unit[j])
        start $steps = 0:i32
        while ($v > 1:f32) {
          set $steps = ($steps + 1:i32) if ($v > 1:f32)
          set $v = ($v * 0.5:f32) if ($v > 1:f32)
        }
        store z.unit[j] = (($v + $a[0]) * $a[1])
        store n.unit[j] = $steps
      }
    }
  })";
  std::vector<TestCall> calls;
  for (const std::int64_t n : kLengths) {
    calls.push_back({.extents = {n},
                     .arrays = {TestArray::of(DType::kF32, ramp(n, -9, 0.7)), TestArray::zeros(DType::kF32, n),
                                TestArray::zeros(DType::kI32, n)}});
  }
  expect_same(text, calls);
}

TEST(Codegen, WalksPacksOfAnyRankByOdometer) {
  const char* text = R"(program packs on cpu.avx512 extents 2 packs 1 {
    buffer x: f32 argument 0 [extent(0) pack @0, extent(1) unit @8]
    buffer y: f32 argument 1 [extent(0) pack @0, extent(1) unit @8]
    register s: f32 [] 1x1
    buffer total: f32 argument 2 [1 unit @0]
    launch packs tile r0 in extent(0) by 7 scratch [] costs 10:f64 {
      start $s = 0:f32
      odometer r of 0 in r0 .. min((r0 + 7), extent(0)) {
        vector c in 0 .. extent(1) by 16x1 narrow { store y.unit[r, c] = (x.unit[r, c] * 2:f32) }
        set $s = ($s + x.uniform[r, 0])
      }
      store total.uniform[0] = $s
    }
  })";
  std::string program = text;
  const std::string moved = "    buffer total: f32 argument 2 [1 unit @0]\n";
  program.erase(program.find(moved), moved.size());
  program.insert(program.find("    register"), moved);
  // 2 x 3 x 4 rows of 5, x transposed in its outer axes.
  const std::vector<std::int64_t> pack = {1, 1, 1, 1, 1, 2, 3, 4};
  const std::vector<std::int64_t> x_strides = {0, 0, 0, 0, 0, 5, 10, 30, 1}, y_strides = {0, 0, 0, 0, 0, 60, 20, 5, 1};
  expect_same(program,
              TestCall{.extents = {24, 5},
                       .packs = pack,
                       .arrays = {TestArray::of(DType::kF32, ramp(120), x_strides),
                                  TestArray::zeros(DType::kF32, 120, y_strides), TestArray::zeros(DType::kF32, 1)}});
}

TEST(Codegen, ReportsFaultsAndPrintsLiveLanes) {
  const char* text = R"(program effects on cpu.avx512 extents 2 packs 0 {
    buffer at: i32 argument 0 [extent(0) unit @0]
    buffer x: f32 argument 1 [extent(1) unit @0]
    buffer z: f32 argument 2 [extent(0) unit @0]
    site 3:5 "x"
    site 4:7 "p"
    launch effects tile t in extent(0) by 40 scratch [] costs 10:f64 {
      check 2 site 1 (extent(0) < 60) at t value extent(0) bound 60
      vector i in t .. min((t + 40), extent(0)) by 16x1 narrow {
        let %e: i64 = cast<i64>(at.unit[i])
        let %in: bool = ((%e >= 0) and (%e < extent(1)))
        check 1 site 0 %in at i value %e bound extent(1) if (%e != 99)
        store z.unit[i] = x.gather[%e | %in]
        print site 1 at.unit[i] at i if (%e > 12)
        print site 0 (x.gather[%e | %in] * 2:f32) at i if (%e == 3)
      }
    }
  })";
  for (const double bad : {0.0, 99.0, 17.0, -1.0}) {
    std::vector<double> at;
    for (int i = 0; i < 70; ++i) at.push_back(i % 16);
    at[21] = at[23] = at[69] = bad;
    const Outcome outcome =
        expect_same(text, TestCall{.extents = {70, 16},
                                   .arrays = {TestArray::of(DType::kI32, at), TestArray::of(DType::kF32, ramp(16)),
                                              TestArray::zeros(DType::kF32, 70)}});
    EXPECT_EQ(outcome.events.faults.size(), bad == 17.0 || bad == -1.0 ? 4u : 2u);
  }
}

/// Lets, loop variables and scalars of the top reach the blocks; shared scratch lives for the call.
TEST(Codegen, HandsTheTopOfTheProgramToItsLaunches) {
  const char* text = R"(program top on cpu.avx512 extents 1 packs 0 {
    scalar scale: f64 @0
    scalar count: i64 @0
    scalar flip: bool @1
    buffer x: f32 argument 0 [extent(0) unit @0]
    buffer z: f32 argument 1 [extent(0) unit @0]
    buffer part: f32 shared [4 unit]
    buffer sum: f32 shared [1 unit]
    let %half: i64 = floordiv(extent(0), 2)
    store sum.uniform[0] = 0:f32
    for turn in 0 .. @count {
      launch parts tile p in 4 by 1 scratch [] costs (cast<f64>(extent(0)) * 2:f64) {
        store part.uniform[p] = ((x.uniform[(%half + p)] * cast<f32>(turn)) + cast<f32>(@scale))
      }
      for p2 in 0 .. 4 { store sum.uniform[0] = (sum.uniform[0] + part.uniform[p2]) }
      let %so_far: f32 = sum.uniform[0]
      let %large: bool = (%so_far > 10:f32)
      if @flip {
        launch apply tile i0 in extent(0) by 8 scratch [] costs 5:f64 {
          vector i in i0 .. min((i0 + 8), extent(0)) by 8x1 narrow {
            store z.unit[i] = (z.unit[i] + select(%large, (x.unit[i] * %so_far), cast<f32>(i)))
          }
        }
      } else {
      }
    }
  })";
  for (const std::int64_t flip : {0, 1}) {
    expect_same(text, TestCall{.extents = {30},
                               .arrays = {TestArray::of(DType::kF32, ramp(30)), TestArray::zeros(DType::kF32, 30)},
                               .f64_scalars = {1.25},
                               .i64_scalars = {3, flip}});
  }
}

TEST(Codegen, PlansScratchTilesAndTime) {
  const char* text = R"(program sizes on cpu.avx512 extents 2 packs 0 {
    buffer s: f64 shared [extent(0) any(extent(1)), extent(1) unit]
    buffer w: f32 worker align 64 [extent(1) unit]
    buffer v: i8 worker align 64 [3 unit]
    launch one tile i in extent(0) by 10 tile j in extent(1) by 3 scratch [w v] costs cast<f64>(extent(0)) { }
    launch two tile i2 in extent(0) by 1 scratch [v] costs 4:f64 { }
  })";
  const auto code = compile(program_of(text), schedule::target(runnable().back()));
  const auto plan_of = [&](std::int64_t n, std::int64_t m) {
    const std::int64_t extents[] = {n, m};
    AurexFrame frame{};
    frame.extents = extents;
    AurexPlan plan{};
    code->plan()(&frame, &plan);
    return plan;
  };
  const AurexPlan plan = plan_of(25, 7);
  EXPECT_EQ(plan.shared_bytes, (25 * 7 * 8 + 63) / 64 * 64);
  EXPECT_EQ(plan.worker_bytes, 64 + 64);
  EXPECT_EQ(plan.tiles, 3 * 3 + 25);
  EXPECT_EQ(plan.nanoseconds, 29);
  EXPECT_GT(plan_of(std::int64_t{1} << 40, std::int64_t{1} << 40).shared_bytes, std::int64_t{1} << 60)
      << "never wraps to a small size";
}

TEST(Codegen, WritesNeonAssembly) {
  const char* text = R"(program add on cpu.neon extents 1 packs 0 {
    buffer x: f32 argument 0 [extent(0) unit @0]
    buffer z: f32 argument 1 [extent(0) unit @0]
    launch add tile t in 1 by 1 scratch [] costs 10:f64 {
      vector i in 0 .. extent(0) by 4x4 narrow { store z.unit[i] = fma(x.unit[i], x.unit[i], max(x.unit[i], 1:f32)) }
    }
  })";
  const std::string assembly = emit(program_of(text), schedule::target("cpu.neon"), Emit::kAssembly);
  EXPECT_NE(assembly.find("fmla"), std::string::npos);
  EXPECT_NE(assembly.find(".4s"), std::string::npos);
}

}  // namespace
}  // namespace aurex::codegen
