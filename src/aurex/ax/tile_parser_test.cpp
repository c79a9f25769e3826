#include "aurex/ax/tile_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "aurex/ax/check.h"
#include "aurex/ax/reference_programs.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/ax/tile_verify.h"
#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(TileParser, ReadsBackTheTileProgramsOfTheReference) {
  int read = 0;
  for (const NamedProgram& reference : kReferencePrograms) {
    auto source = std::make_shared<Source>(std::string(reference.name), std::string(reference.text));
    DiagnosticSink sink;
    const auto module = check(source, sink);
    if (!module || sink.has_errors()) continue;  // shows the grammar and is no legal program
    for (const KernelInterface& kernel : kernels(*module)) {
      const TileProgram program = specialize(*module, kernel.name, sample_specialization(*module, kernel.name));
      const std::string text = print(program);
      const TileProgram again = parse_tile_program(text);
      EXPECT_EQ(print(again), text);
      EXPECT_THAT(verify(again), IsEmpty());
      ++read;
    }
  }
  EXPECT_GT(read, 5);
}

/// Entries that no kernel of the library has, names that want escaping, floats at the limits.
TileProgram odd_program() {
  TileProgram program;
  program.name = "odd";
  program.label = "two words";
  program.broadcast = true;
  program.pack_count = 2;
  program.dims = {{.name = "a \"b\" \\ \n c", .literal = -3, .pack = 1}};
  program.axes = {{.name = "3", .extent = 0, .unit = true, .whole = true, .span = {}}};
  program.arrays = {{.name = "s",
                     .role = ArrayRole::kScratch,
                     .storage = {.dtype = DType::kF8E4M3, .format = 7},
                     .dims = {{.dim = 0, .argument_axis = 4}},
                     .scratch_axes = {0, 63},
                     .start = 2,
                     .in_place = true,
                     .span = {}}};
  for (const double number : {0.0, -0.0, 0x1p-1074, std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(), std::nan(""), 0.1}) {
    program.values.push_back({.type = RegType::kF64, .args = {}, .number = number, .span = {}});
  }
  const auto least = std::numeric_limits<std::int64_t>::min();
  program.values.push_back({.type = RegType::kI64, .args = {}, .integer = least, .span = {}});
  program.body.push_back({.node = If{.condition = kNone, .then_body = {}, .else_body = {}}, .span = {}});
  return program;
}

TEST(TileParser, ReadsBackWhatNoKernelHas) {
  const TileProgram program = odd_program();
  const std::string text = print(program);
  const TileProgram again = parse_tile_program(text);
  EXPECT_EQ(print(again), text);
  EXPECT_EQ(again.label, program.label);
  EXPECT_EQ(again.dims[0].name, program.dims[0].name);
  EXPECT_EQ(again.dims[0].literal, program.dims[0].literal);
  EXPECT_EQ(again.arrays[0].storage, program.arrays[0].storage);
  EXPECT_EQ(again.arrays[0].scratch_axes, program.arrays[0].scratch_axes);
  for (std::size_t i = 0; i < program.values.size(); ++i) {
    EXPECT_EQ(std::signbit(again.values[i].number), std::signbit(program.values[i].number));
    EXPECT_EQ(again.values[i].integer, program.values[i].integer);
    if (!std::isnan(program.values[i].number)) EXPECT_EQ(again.values[i].number, program.values[i].number);
  }
}

struct Refused {
  const char* text;
  std::int64_t offset;
  const char* message;
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.text; }

class TileText : public testing::TestWithParam<Refused> {};

TEST_P(TileText, IsRefusedWhereItLeavesTheGrammar) {
  try {
    static_cast<void>(parse_tile_program(GetParam().text));
    ADD_FAILURE() << "accepted";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset, GetParam().offset) << error.message();
    EXPECT_THAT(error.message(), HasSubstr(GetParam().message));
  }
}

#define AUREX_HEAD "tile 1 kernel k \"\" packs 0 "
constexpr std::int64_t kHead = sizeof(AUREX_HEAD) - 1;

INSTANTIATE_TEST_SUITE_P(
    TileParser, TileText,
    testing::Values(Refused{"", 0, "'tile', found the end"}, Refused{"tile 2 kernel k", 5, "version 1"},
                    Refused{"tile 1 kernel k vector", 16, "a string, found 'vector'"},
                    Refused{"tile 1 kernel k \"vector", 16, "a closing quote"},
                    Refused{AUREX_HEAD "bode", kHead, "'body', found 'bode'"},
                    Refused{AUREX_HEAD "body", kHead + 4, "a statement or 'end', found the end"},
                    Refused{AUREX_HEAD "body end end", kHead + 9, "the end of the text"},
                    Refused{AUREX_HEAD "%1 = add i32 [] ()", kHead, "value %0"},
                    Refused{AUREX_HEAD "%0 = plus i32 [] ()", kHead + 5, "an operation"},
                    Refused{AUREX_HEAD "%0 = add i33 [] ()", kHead + 9, "a register type"},
                    Refused{AUREX_HEAD "%0 = add i32 [64] ()", kHead + 14, "an axis below 64"},
                    Refused{AUREX_HEAD "%0 = const f32 [] 1.5 ()", kHead + 18, "a number in hexadecimal"},
                    Refused{AUREX_HEAD "%0 = const i64 [] 9223372036854775808 ()", kHead + 18, "an integer"},
                    Refused{AUREX_HEAD "load 4294967295 [] else -", kHead + 5, "an array"},
                    Refused{AUREX_HEAD "array \"x\" output f32 f32 [] start -", kHead + 10, "a role"},
                    Refused{AUREX_HEAD "array \"x\" input f31 f32 [] start -", kHead + 16, "an element type"},
                    Refused{AUREX_HEAD "array \"x\" input f32 f32 [0] start -", kHead + 25, "a dimension and an axis"},
                    Refused{AUREX_HEAD "body if %0 end", kHead + 11, "'else', found 'end'"}));
#undef AUREX_HEAD

TEST(TileParser, BoundsTheDepthOfHostileText) {
  std::string text = "tile 1 kernel k \"\" packs 0 body ";
  for (int i = 0; i < 100000; ++i) text += "while - ";
  EXPECT_THROW(static_cast<void>(parse_tile_program(text)), FormatError);
}

}  // namespace
}  // namespace aurex::ax
