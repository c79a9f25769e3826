#include "aurex/schedule/schedule.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/diagnostic.h"
#include "aurex/base/error.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/loop_verify.h"
#include "aurex/schedule/lower.h"
#include "aurex/schedule/schedule_text.h"

namespace aurex::schedule {
namespace {

constexpr const char* kEverything = R"(schedule 1 k on cpu.avx512 {
  online %9
  store %3, %17
  launch k {
    form positions
    m = fit
    n = 96 / 12
    K.3 = whole
    grain 16384
    vector n x 4
    keep none
    nest %5 vector K.3 x 8
    nest %5 vector none
    stream never
  }
  launch k.1 {
    vector none
    stream 4194304
  }
}
)";

TEST(ScheduleText, ReadsBackWhatItPrints) {
  const Schedule schedule = parse_schedule(kEverything);
  EXPECT_EQ(print(schedule), kEverything);
  EXPECT_EQ(parse_schedule(print(schedule)), schedule);
  EXPECT_EQ(schedule.launches[0].axes[1].tile, 96);
  EXPECT_EQ(schedule.launches[0].axes[1].block, 12);
  EXPECT_EQ(schedule.launches[1].launch, "k.1");
}

TEST(ScheduleText, IgnoresSpaceCommentsAndSemicolons) {
  EXPECT_EQ(parse_schedule("schedule 1 k on cpu.avx2{launch k{grain 5;vector n x 2 // lanes\n keep %2,%1}}"),
            parse_schedule("schedule 1 k on cpu.avx2 {\nlaunch k {\ngrain 5\nvector n x 2\nkeep %1, %2\n}\n}\n"));
}

TEST(ScheduleText, TakesAnEntryForAnAxisWhereAnEqualsSignFollows) {
  EXPECT_EQ(parse_schedule("schedule 1 k on cpu { launch k { vector = 4 } }").launches[0].axes[0].axis, "vector");
}

struct Refused {
  std::string text;
  std::string line, column, expected, actual;
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.text; }

/// The error that `run` raises, as far as a program may read it.
template <typename Run>
void expect_refused(const Refused& refused, const Run& run) {
  try {
    run();
    ADD_FAILURE() << "accepted: " << refused.text;
  } catch (const InvalidConfig& error) {
    EXPECT_EQ(error.field("line"), refused.line) << error.message();
    EXPECT_EQ(error.field("column"), refused.column) << error.message();
    EXPECT_EQ(error.field("expected"), refused.expected);
    EXPECT_EQ(error.field("actual"), refused.actual);
  }
}

class Malformed : public ::testing::TestWithParam<Refused> {};

TEST_P(Malformed, IsRefusedWithItsPlace) {
  expect_refused(GetParam(), [] { static_cast<void>(parse_schedule(GetParam().text)); });
}

std::string entry(const std::string& text) { return "schedule 1 k on cpu {\n launch k { " + text + " } }"; }

constexpr const char* kForms = "'positions', 'rows', 'panels', 'squares', 'stream' or 'implicit'";

INSTANTIATE_TEST_SUITE_P(
    ScheduleText, Malformed,
    ::testing::Values(
        Refused{"", "1", "1", "'schedule'", "the end of the text"},
        Refused{"schedule 2 k on cpu {}", "1", "10", "version 1", "version 2"},
        Refused{"schedule k on cpu {}", "1", "10", "the version of the text", "'k'"},
        Refused{"schedule 1 k at cpu {}", "1", "14", "'on'", "'at'"},
        Refused{"schedule 1 k on cpu {", "1", "22", "'launch', 'online', 'store' or '}'", "the end of the text"},
        Refused{"schedule 1 k on cpu {} x", "1", "24", "the end of the text", "'x'"},
        Refused{"schedule 1 k on cpu { store %1 store %2 }", "1", "32", "each entry once", "another 'store'"},
        Refused{"schedule 1 k on cpu { online %1 online %2 }", "1", "33", "each entry once", "another 'online'"},
        Refused{"schedule 1 k on cpu { launch k {} launch k {} }", "1", "42", "each launch once", "k"},
        Refused{entry("tile 4"), "2", "13", "'form', 'grain', 'vector', 'keep', 'nest', 'stream' or an axis and '='",
                "'tile'"},
        Refused{entry("grain 0"), "2", "19", "a number from 1 to 16777216", "'0'"},
        Refused{entry("grain 99999999999999999999"), "2", "19", "a number from 1 to 16777216",
                "'99999999999999999999'"},
        Refused{entry("grain -1"), "2", "19", "a number", "'-'"},
        Refused{entry("grain 1 grain 2"), "2", "21", "each entry once", "another 'grain'"},
        Refused{entry("stream often"), "2", "20", "'never' or a number", "'often'"},
        Refused{entry("form tall"), "2", "18", kForms, "'tall'"},
        Refused{entry("n = 4 / 0"), "2", "21", "a number from 1 to 64", "'0'"},
        Refused{entry("n = 4 n = 5"), "2", "19", "each axis once", "another 'n ='"},
        Refused{entry("vector n"), "2", "22", "'x'", "'}'"},
        Refused{entry("vector n x 17"), "2", "24", "a number of vectors from 1 to 16", "'17'"},
        Refused{entry("keep 3"), "2", "18", "'%'", "'3'"},
        Refused{entry("keep %3, %3"), "2", "13", "each value once", "%3 twice"},
        Refused{entry("nest %3 n x 4"), "2", "21", "'vector'", "'n'"},
        Refused{entry("\xC3\xA9"), "2", "13", "an entry or '}'", "'\xC3\xA9'"}));

// ---- against programs ----

ax::TileProgram tile_program(const std::string& text) {
  auto source = std::make_shared<ax::Source>("test.ax", text);
  ax::DiagnosticSink sink;
  const auto module = ax::check(source, sink);
  ax::raise_if_refused(*source, sink);
  const std::string kernel = ax::kernels(*module)[0].name;
  return ax::specialize(*module, kernel, ax::sample_specialization(*module, kernel));
}

/// Row-major arrays, extents of no particular size.
LoopProgram lower_by(const ax::TileProgram& program, Schedule& schedule) {
  StrideClasses classes;
  for (const ax::Array& array : program.arrays) {
    classes.arrays.emplace_back(array.dims.size(), Buffer::Stride::kAny);
    if (!array.dims.empty()) classes.arrays.back().back() = Buffer::Stride::kUnit;
  }
  return lower(program, classes, SizeClass::kLarge, target("cpu.avx512"), schedule);
}

std::string of(const std::string& kernel, const std::string& text) {
  return "schedule 1 " + kernel + " on cpu.avx512 {\n launch " + kernel + " {\n" + text + "\n} }";
}

constexpr const char* kSoftmax = R"(kernel softmax(x: f32[R, C]) -> (y: f32[R, C]) {
  parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))
    y[r, C] = e / sum(e, C)
  }
})";
constexpr const char* kScale = "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { y[i] = x[i] * 2 } }";
constexpr const char* kHistogram = R"(kernel k(at: i32[N]) -> (h: i32[B] = 0) {
  parallel i in N { if at[i] >= 0 and at[i] < B { h[at[i]] += 1 } }
})";

constexpr const char* kAttention = R"(kernel k(q: f32[B, S, D], k: f32[B, L, D]) -> (o: f32[B, S, D]) {
  parallel b in B, s in S {
    var norm[b, s] = 0.0
    var acc[b, s, D] = 0.0
    for t in L until L - S + s + 1 {
      let p = exp(sum(q[b, s, D] * k[b, t, D], D))
      norm += sum(p, t)
      acc += sum(p * k[b, t, D], t)
    }
    o[b, s, D] = acc / norm
  }
})";

TEST(Schedule, PinsOneEntryAndLeavesTheRest) {
  const ax::TileProgram program = tile_program(kScale);
  Schedule chosen;
  static_cast<void>(lower_by(program, chosen));
  Schedule pinned = parse_schedule("schedule 1 k on cpu.avx512 { launch k { vector i x 2 } }");
  const LoopProgram loops = lower_by(program, pinned);
  EXPECT_NE(print(loops).find("by 16x2"), std::string::npos) << print(loops);
  ASSERT_EQ(pinned.launches.size(), 1u);
  EXPECT_EQ(pinned.launches[0].vector->value, (Lanes{.axis = "i", .vectors = 2}));
  chosen.launches[0].vector = pinned.launches[0].vector;
  EXPECT_EQ(pinned, chosen);
}

TEST(Schedule, OfALaunchWithoutStoresPastTheCachesHasOneBody) {
  Schedule pinned = parse_schedule("schedule 1 k on cpu.avx512 { launch k { stream never } }");
  EXPECT_EQ(print(lower_by(tile_program(kScale), pinned)).find(" stream"), std::string::npos);
}

TEST(Schedule, SaysHowAContractionOverSeveralAxesIsWalked) {
  const ax::TileProgram program = tile_program(R"(kernel k(x: f32[M, A, B], y: f32[A, B, N]) -> (z: f32[M, N]) {
    parallel m in M, n in N { z[m, n] = sum(x[m, A, B] * y[A, B, n], A, B) }
  })");
  StrideClasses all;
  for (const ax::Array& array : program.arrays) all.arrays.emplace_back(array.dims.size(), Buffer::Stride::kAny);
  for (auto& array : all.arrays) array.back() = Buffer::Stride::kUnit;
  const SizeClass size = {SizeClass::kImplicit, 9, 3};
  Schedule schedule;
  const std::string loops = print(lower(program, all, size, target("cpu.avx512"), schedule));
  EXPECT_NE(print(schedule).find("form implicit"), std::string::npos) << print(schedule);
  EXPECT_EQ(print(lower(program, all, size, target("cpu.avx512"), schedule)), loops);
  Schedule pinned = parse_schedule(of("k", "form positions"));
  EXPECT_NE(print(lower(program, all, size, target("cpu.avx512"), pinned)), loops);
}

TEST(Schedule, StaysAsItWasWhereItIsRefused) {
  Schedule pinned = parse_schedule("schedule 1 k on cpu.avx512 { launch other { grain 4 } }");
  const Schedule before = pinned;
  EXPECT_THROW(static_cast<void>(lower_by(tile_program(kScale), pinned)), InvalidConfig);
  EXPECT_EQ(pinned, before);
}

TEST(Schedule, KeepsAnyValueOfAWindowOfRows) {
  const ax::TileProgram program = tile_program(kAttention);
  int kept = 0;
  for (std::size_t value = 0; value < program.values.size(); ++value) {
    Schedule pinned =
        parse_schedule("schedule 1 k on cpu.avx512 { launch k { form rows; keep %" + std::to_string(value) + " } }");
    try {
      const LoopProgram loops = lower_by(program, pinned);
      EXPECT_EQ(verify(loops), std::vector<std::string>()) << "keeping %" << value;
      ++kept;
    } catch (const InvalidConfig&) {  // NOLINT(bugprone-empty-catch): not every value can be kept
    }
  }
  EXPECT_GT(kept, 10);
}

TEST(Schedule, TellsAxesOfOneNameApart) {
  const ax::TileProgram program = tile_program(
      "kernel k(x: f32[N], y: f32[N]) -> (s: f32[M]) where M = 1 { parallel m in M { let a = sum(x[N], N)\n let i in "
      "N\n"
      "s[m] = a + sum(y[i], i) } }");
  EXPECT_EQ(axis_name(program, 0), program.axes[0].name);
  for (ax::AxisId a = 0; a < program.axes.size(); ++a) {
    for (ax::AxisId b = 0; b < a; ++b) EXPECT_NE(axis_name(program, a), axis_name(program, b));
  }
}

struct Unfit {
  const char* program;
  Refused refused;
};

void PrintTo(const Unfit& unfit, std::ostream* out) { *out << unfit.refused.text; }

class Illegal : public ::testing::TestWithParam<Unfit> {};

TEST_P(Illegal, IsRefusedWithItsPlace) {
  const ax::TileProgram program = tile_program(GetParam().program);
  Schedule schedule = parse_schedule(GetParam().refused.text);
  expect_refused(GetParam().refused, [&] { static_cast<void>(lower_by(program, schedule)); });
}

INSTANTIATE_TEST_SUITE_P(
    Schedule, Illegal,
    ::testing::Values(
        Unfit{kScale, {"schedule 1 j on cpu.avx512 {}", "1", "12", "a schedule of that kernel", "one of j"}},
        Unfit{kScale, {"schedule 1 k on cpu.avx2 {}", "1", "12", "one for cpu.avx512", "one for cpu.avx2"}},
        Unfit{kScale,
              {"schedule 1 k on cpu.avx512 {\n launch j { grain 4 } }", "2", "9", "one of its launches, k", "j"}},
        Unfit{kScale,
              {"schedule 1 k on cpu.avx512 { store %1 }", "1", "30", "a value that may be stored or not", "%1"}},
        Unfit{
            kScale,
            {"schedule 1 k on cpu.avx512 { online %1 }", "1", "30", "a maximum that can be taken along the way", "%1"}},
        Unfit{kScale,
              {"schedule 1 k on cpu.avx512 { online none }", "1", "30", "an entry that decides something", "'online'"}},
        Unfit{kScale, {of("k", "vector j x 4"), "3", "1", "for launch k vector i or none", "j"}},
        Unfit{kScale,
              {of("k", "form panels"), "3", "1", "for launch k an entry that decides something there", "'form'"}},
        Unfit{kScale,
              {of("k", "i = 4 / 2"), "3", "1", "for launch k one size, there are no blocks in registers", "two"}},
        Unfit{kScale, {of("k", "i = whole"), "3", "1", "for launch k 'fit' or a number", "'whole'"}},
        Unfit{kScale,
              {of("k", "grain 4\nj = 4"), "4", "1", "for launch k an entry that decides something there", "'j ='"}},
        Unfit{kScale, {of("k", "keep %1"), "3", "1", "for launch k an entry that decides something there", "'keep'"}},
        Unfit{kScale,
              {of("k", "nest %1 vector i x 4"), "3", "1", "for launch k an entry that decides something there",
               "'nest %1'"}},
        Unfit{kSoftmax, {of("softmax", "vector C x 4"), "3", "1", "for launch softmax vector r or none", "C"}},
        Unfit{kSoftmax,
              {of("softmax", "keep %0"), "3", "1", "for launch softmax values that may be kept or not", "%0"}}));

TEST(Schedule, KeepsTogetherWhatMayMeet) {
  const ax::TileProgram program = tile_program(kHistogram);
  for (const char* text : {"i = 4", "vector i x 1"}) {
    Schedule schedule = parse_schedule(of("k", text));
    EXPECT_THROW(static_cast<void>(lower_by(program, schedule)), InvalidConfig) << text;
  }
}

}  // namespace
}  // namespace aurex::schedule
