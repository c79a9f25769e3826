#include "aurex/schedule/loop_verify.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "aurex/base/error.h"
#include "aurex/schedule/loop_parser.h"
#include "aurex/schedule/loop_printer.h"

namespace aurex::schedule {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// A program over two arrays, a scratch buffer, a cell and registers; `items` come after its own, `top` at the top
/// before its launch, `inside` in the launch, `lanes` in a vector loop of the launch.
struct Parts {
  std::string_view items = {}, top = {}, inside = {}, lanes = {};
};

LoopProgram program_of(const Parts& parts) {
  return parse(fmt::format(R"(grammar {}
program p on cpu.avx512 extents 2 packs 1 {{
  buffer x: f32 argument 0 [extent(0) unit @0]
  buffer z: f32 argument 1 [extent(0) unit @0]
  buffer w: f32 worker align 64 [16 any(extent(1)), extent(1) unit]
  buffer cell: i64 shared []
  register acc: f32 [4] 16x2
  register other: f32 [] 8x2
  register one: f32 [2] 1x1
  site 1:2 "here" over i in extent(0)
  {}
  {}
  launch p tile t in extent(0) by 64 scratch [w] costs 1:f64 {{
    start $acc = 0:f32
    start $one = 0:f32
    {}
    vector i in t .. min((t + 64), extent(0)) by 16x2 narrow {{
      {}
    }}
  }}
}}
)",
                           kLoopGrammar, parts.items, parts.top, parts.inside, parts.lanes));
}

struct Case {
  std::string_view name;
  Parts parts;
  std::string_view complaint = {};  // none: legal
};

const Case kCases[] = {
    {.name = "nothing added", .parts = {}},
    {.name = "what a program may do",
     .parts = {.items = "buffer s: f32 shared [(extent(0) * 2) any(extent(1)), extent(1) unit]",
               .top = "let %n: i64 = extent(1) store cell.uniform[] = %n if (%n < 3) { } else { }",
               .inside = "unroll u in 0 .. 2 { let %k: i64 = (u * 2) set $acc[(%k + 1)] = $acc[(1 - u)] } "
                         "set $one[1] = tree.sum($acc[3]) prefetch x[t]",
               .lanes = "set $acc[2] = x.unit[i] check 1 site 0 (i < 7) at i value i bound 7"}},

    {.name = "a register at the top",
     .parts = {.items = "register r: i64 [] 1x1", .top = "start $r = 0"},
     .complaint = "stands at the top"},
    {.name = "a vector loop at the top",
     .parts = {.top = "vector v in 0 .. 4 by 4x1 narrow { }"},
     .complaint = "stands at the top"},
    {.name = "an odometer at the top",
     .parts = {.top = "odometer v of 0 in 0 .. 4 { }"},
     .complaint = "stands at the top"},
    {.name = "a print at the top", .parts = {.top = "print site 0 1 at 0"}, .complaint = "stands at the top"},
    {.name = "a prefetch at the top", .parts = {.top = "prefetch x[0]"}, .complaint = "stands at the top"},
    {.name = "an array stored to at the top",
     .parts = {.top = "store z.uniform[0] = 1:f32"},
     .complaint = "stands at the top"},
    {.name = "the same below a condition",
     .parts = {.top = "if (extent(0) < 3) { print site 0 1 at 0 } else { }"},
     .complaint = "stands at the top"},

    {.name = "a register index that is uniform, no constant",
     .parts = {.inside = "set $acc[t] = 1:f32"},
     .complaint = "not made of constants"},
    {.name = "the same through a let",
     .parts = {.inside = "let %k: i64 = t set $acc[%k] = 1:f32"},
     .complaint = "not made of constants"},
    {.name = "the variable of a serial loop as register index",
     .parts = {.inside = "for k in 0 .. 4 { set $acc[k] = 1:f32 }"},
     .complaint = "not made of constants"},
    {.name = "a register read at an index that is no constant",
     .parts = {.inside = "set $one[0] = tree.sum($acc[t])"},
     .complaint = "not made of constants"},
    {.name = "a register index past its shape",
     .parts = {.inside = "unroll u in 0 .. 3 { set $acc[(u * 2)] = 1:f32 }"},
     .complaint = "indexed outside its shape"},
    {.name = "a register index below 0",
     .parts = {.inside = "unroll u in 0 .. 3 { set $acc[(u - 1)] = 1:f32 }"},
     .complaint = "indexed outside its shape"},

    {.name = "a tree of sums inside a vector loop",
     .parts = {.lanes = "set $one[0] = tree.sum($acc[0])"},
     .complaint = "a tree of sums inside a vector loop"},
    {.name = "a register of other lanes read in a vector loop",
     .parts = {.inside = "start $other = 0:f32", .lanes = "set $acc[0] = $other"},
     .complaint = "other lanes than its loop"},
    {.name = "registers of two shapes in one statement",
     .parts = {.inside = "start $other = 0:f32 set $acc[0] = $other"},
     .complaint = "other lanes than another one"},
    {.name = "a register of three lanes",
     .parts = {.items = "register r: f32 [] 3x1"},
     .complaint = "no power of two up to 64"},
    {.name = "a register of 128 lanes",
     .parts = {.items = "register r: f32 [] 128x1"},
     .complaint = "no power of two up to 64"},
    {.name = "a register without elements",
     .parts = {.items = "register r: f32 [0] 4x1"},
     .complaint = "has no elements"},
    {.name = "a vector loop of six lanes",
     .parts = {.inside = "vector v in 0 .. 4 by 6x1 narrow { }"},
     .complaint = "no power of two up to 64"},

    {.name = "an alignment of 128",
     .parts = {.items = "buffer b: f32 worker align 128 [4 unit]"},
     .complaint = "no power of two up to 64"},
    {.name = "an alignment of 48",
     .parts = {.items = "buffer b: f32 worker align 48 [4 unit]"},
     .complaint = "no power of two up to 64"},
    {.name = "an extent of scratch that depends on memory",
     .parts = {.items = "buffer b: f32 shared [cell.uniform[] unit]"},
     .complaint = "more than constants, scalars and extents"},
    {.name = "a stride of scratch that is no i64",
     .parts = {.items = "buffer b: f32 shared [4 any(1:f32), 4 unit]"},
     .complaint = "is not i64"},
    {.name = "scratch with a stride for some of its dimensions",
     .parts = {.items = "buffer b: f32 shared [4 any(8), 4 any, 2 unit]"},
     .complaint = "is missing"},
    {.name = "scratch whose first dimension has stride 1",
     .parts = {.items = "buffer b: f32 shared [4 unit, 4 any]"},
     .complaint = "not the last has stride 1"},
    {.name = "broadcast scratch",
     .parts = {.items = "buffer b: f32 shared [4 zero]"},
     .complaint = "neither a pack nor broadcast"},
    {.name = "two buffers for one argument",
     .parts = {.items = "buffer b: f32 argument 1 [extent(0) unit @0]"},
     .complaint = "another one names"},
    {.name = "an axis of a site that depends on memory",
     .parts = {.items = "site 1:3 \"there\" over k in cell.uniform[]"},
     .complaint = "more than constants, scalars and extents"},

    {.name = "an update in another type",
     .parts = {.lanes = "store z.unit[i] += 1:f64"},
     .complaint = "updated in another type"},
    {.name = "a step on an unrolled loop",
     .parts = {.inside = "unroll u in 0 .. 4 by 2 { }"},
     .complaint = "a loop that is not serial"},
    {.name = "a step of 0", .parts = {.inside = "for k in 0 .. 4 by 0 { }"}, .complaint = "is not positive"},
    {.name = "a prefetch with too few indices",
     .parts = {.inside = "prefetch w[t]"},
     .complaint = "wrong number of indices"},
    {.name = "a tile variable of an enclosing loop",
     .parts = {.top = "for t in 0 .. 4 { launch q tile t in 1 by 1 scratch [] costs 1:f64 { } }"},
     .complaint = "bound twice"},
    {.name = "a launch that lists shared memory as its own",
     .parts = {.top = "launch q tile q in 1 by 1 scratch [cell] costs 1:f64 { }"},
     .complaint = "no scratch of its own"},
};

TEST(LoopVerify, RefusesWhatExecutorAndCodeDoNotDoAlike) {
  for (const Case& c : kCases) {
    const std::vector<std::string> complaints = verify(program_of(c.parts));
    if (c.complaint.empty()) {
      EXPECT_THAT(complaints, IsEmpty()) << c.name;
    } else {
      EXPECT_THAT(complaints, Contains(HasSubstr(std::string(c.complaint)))) << c.name;
    }
  }
}

TEST(LoopParser, RefusesTextOfAnotherGrammar) {
  const std::string rest = "\nprogram p on cpu.avx2 extents 0 packs 0 {\n}\n";
  EXPECT_NO_THROW(static_cast<void>(parse(fmt::format("grammar {}{}", kLoopGrammar, rest))));
  EXPECT_THROW(static_cast<void>(parse(fmt::format("grammar {}{}", kLoopGrammar + 1, rest))), FormatError);
  EXPECT_THROW(static_cast<void>(parse(fmt::format("grammar {}{}", kLoopGrammar - 1, rest))), FormatError);
  EXPECT_THROW(static_cast<void>(parse(rest)), FormatError);
}

TEST(LoopParser, ReadsTextsOfSitesAsTheyWerePrinted) {
  LoopProgram program =
      parse(fmt::format("grammar {}\nprogram p on cpu.avx2 extents 0 packs 0 {{\n}}\n", kLoopGrammar));
  Site& site = program.sites.emplace_back();
  site.text = "a \\n is no end of a line, \n is; \"quoted\"\ttab";
  EXPECT_EQ(parse(print(program)).sites.at(0).text, site.text);
}

}  // namespace
}  // namespace aurex::schedule
