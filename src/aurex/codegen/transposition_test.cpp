// Squares stored the other way round, compiled, against the scalar executor.

#include <fmt/format.h>

#include "aurex/codegen/call_fixture.h"
#include "aurex/schedule/loop_parser.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/loop_verify.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {
namespace {

/// Turns x [extent(0), extent(1)] into z [extent(1), extent(0)] by squares of `lanes`.
std::string transpose_program(const std::string& dtype, const std::string& type, int lanes, const std::string& tail,
                              const std::string& suffix = "") {
  return fmt::format(R"(program turn on cpu.avx512 extents 2 packs 0 {{
    buffer x: {0} argument 0 [extent(0) any @0, extent(1) unit @1]
    buffer z: {0} argument 1 [extent(1) any @0, extent(0) unit @1]
    register square: {1} [{2}] {2}x1
    launch turn tile j0 in extent(0) by {2} scratch [] costs 10:f64 {{
      let %count: i64 = min((extent(0) - j0), {2})
      vector k in 0 .. extent(1) by {2}x1 {3} {{
        start $square = {5}
        unroll i in 0 .. {2} {{ set $square[i] = x.unit[(j0 + i), k | (i < %count)] }}
        transpose z[k, j0] along 1 = $square count %count{4}
      }}
    }}
  }})",
                     dtype, type, lanes, tail, suffix, type == "bool" ? "false" : "0:" + type);
}

TestCall transpose_call(DType dtype, std::int64_t rows, std::int64_t columns, std::int64_t padding = 0) {
  const std::int64_t from = columns + padding, to = rows + padding;
  return {.extents = {rows, columns},
          .arrays = {TestArray::of(dtype, ramp((rows - 1) * from + columns), {from, 1}),
                     TestArray::zeros(dtype, (columns - 1) * to + rows, {to, 1})}};
}

TEST(Transposition, TurnsSquaresOfEveryLaneCount) {
  for (const int lanes : {2, 4, 8, 16}) {
    SCOPED_TRACE(lanes);
    std::vector<TestCall> calls;
    for (const std::int64_t rows : {1, lanes - 1, lanes, 2 * lanes + 1}) {
      for (const std::int64_t columns : {1, lanes - 1, lanes, 2 * lanes + 3}) {
        calls.push_back(transpose_call(DType::kF32, rows, columns, 5));
      }
    }
    for (const char* tail : {"narrow", "masked"}) expect_same(transpose_program("f32", "f32", lanes, tail), calls);
  }
}

TEST(Transposition, TurnsElementsOfEverySize) {
  for (const auto& [dtype, type] :
       {std::pair{"f64", "f64"}, std::pair{"i64", "i64"}, std::pair{"i32", "i32"}, std::pair{"u16", "i32"},
        std::pair{"i8", "i32"}, std::pair{"f16", "f32"}, std::pair{"bf16", "f32"}, std::pair{"bool", "bool"}}) {
    SCOPED_TRACE(dtype);
    const DType d = parse_dtype(dtype);
    const int lanes = bytes_per_element(d) == 8 ? 8 : 4;
    expect_same(transpose_program(dtype, type, lanes, "narrow"),
                {transpose_call(d, 21, 19), transpose_call(d, 16, 16), transpose_call(d, 3, 50)});
  }
}

/// 64-byte aligned lines take the way past the caches, others do not.
TEST(Transposition, StreamsWholeLines) {
  const char* text = R"(program turn on cpu.avx512 extents 2 packs 0 {
    buffer x: f32 argument 0 [extent(0) any @0, extent(1) unit @1]
    buffer z: f32 argument 1 [extent(1) any @0, extent(0) unit @1]
    register square: f32 [16] 16x1
    launch turn tile j0 in extent(0) by 16 scratch [] costs 10:f64 {
      vector k in 0 .. extent(1) by 16x1 narrow {
        start $square = 0:f32
        unroll i in 0 .. 16 { set $square[i] = x.unit[(j0 + i), k] }
        transpose z[k, j0] along 1 = $square stream if (extent(0) > 20)
      }
    }
  })";
  expect_same(text, {transpose_call(DType::kF32, 32, 64), transpose_call(DType::kF32, 32, 64, 1),
                     transpose_call(DType::kF32, 16, 64), transpose_call(DType::kF32, 48, 35)});
}

/// A panel in scratch, and a count that no lane reaches.
TEST(Transposition, FillsScratchAndStoresNothingForACountOfZero) {
  const char* text = R"(program panel on cpu.avx512 extents 2 packs 0 {
    buffer x: f64 argument 0 [extent(0) any @0, extent(1) unit @1]
    buffer z: f64 argument 1 [extent(1) unit @0]
    buffer panel: f64 worker align 64 [(floordiv((extent(1) + 7), 8) * 8) any, 8 unit]
    register square: f64 [8] 8x1
    launch turn tile t in 1 by 1 scratch [panel] costs 10:f64 {
      vector k in 0 .. extent(1) by 8x1 narrow {
        start $square = 2:f64
        transpose panel[k, 0] along 1 = $square whole
        unroll i in 0 .. 8 { set $square[i] = x.unit[min(i, (extent(0) - 1)), k] }
        transpose panel[k, 0] along 1 = $square count (extent(0) - 3)
      }
      for c in 0 .. extent(1) { store z.uniform[c] = (panel.uniform[c, 0] + panel.uniform[c, 7]) }
    }
  })";
  for (const std::int64_t rows : {1, 3, 4, 8, 11}) {
    expect_same(text, TestCall{.extents = {rows, 29},
                               .arrays = {TestArray::of(DType::kF64, ramp(rows * 29), {29, 1}),
                                          TestArray::zeros(DType::kF64, 29)}});
  }
}

TEST(Transposition, TakesLog2StepsOfShufflesAndWholeVectors) {
  const schedule::LoopProgram program = program_of(transpose_program("f32", "f32", 16, "narrow"));
  const std::string assembly = emit(program, schedule::target("cpu.avx512"), Emit::kAssembly);
  EXPECT_NE(assembly.find("vunpcklps"), std::string::npos);
  EXPECT_NE(assembly.find("vshuff"), std::string::npos);
  EXPECT_EQ(assembly.find("scatter"), std::string::npos);
  EXPECT_EQ(assembly.find("vpermt2"), std::string::npos) << "a shuffle that needs a table";
}

TEST(Transposition, IsPrintedAndReadBack) {
  const std::string text = transpose_program("f32", "f32", 8, "masked", " whole stream");
  const std::string printed = schedule::print(program_of(text));
  EXPECT_NE(printed.find("transpose z[k, j0] along 1 = $square count %count whole stream"), std::string::npos)
      << printed;
  EXPECT_EQ(schedule::print(schedule::parse(printed)), printed);
}

TEST(Transposition, IsRefusedWhereItIsNoSquareOfLines) {
  const std::string text = transpose_program("f32", "f32", 8, "narrow");
  const auto complains = [&](const std::string& from, const std::string& to) {
    std::string changed = fmt::format("grammar {}\n{}", schedule::kLoopGrammar, text);
    for (std::size_t at = 0; (at = changed.find(from, at)) != std::string::npos; at += to.size()) {
      changed.replace(at, from.size(), to);
    }
    return !schedule::verify(schedule::parse(changed)).empty();
  };
  EXPECT_FALSE(complains("nothing", "nothing"));
  EXPECT_TRUE(complains("[8] 8x1", "[4] 8x1"));
  EXPECT_TRUE(complains("[8] 8x1", "[8] 8x2"));
  EXPECT_TRUE(complains("register square: f32", "register square: f64"));
  EXPECT_TRUE(complains("along 1", "along 0"));
  EXPECT_TRUE(complains("along 1", "along 2"));
  EXPECT_TRUE(complains("z[k, j0]", "z[k, k]"));
  EXPECT_TRUE(complains("z[k, j0]", "z[(k * k), j0]"));
  EXPECT_TRUE(complains("z[k, j0]", "z[k]"));
  EXPECT_TRUE(complains("by 8x1 narrow", "by 8x2 narrow"));
  EXPECT_TRUE(complains("count %count", "count k"));
}

}  // namespace
}  // namespace aurex::codegen
