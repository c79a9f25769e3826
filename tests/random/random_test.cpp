// Random programs: each by the interpreter at three tile sizes and by the loop program's executor, and every
// kCodeEvery-th by machine code as well, which takes most of the time. A failing one is shrunk and printed, ready for a
// file under kept/.
//
// Other programs by hand:  build/release/bin/random_test --seed=77 --count=100000 --code-every=1

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "aurex/base/error.h"
#include "aurex/jit/variant.h"
#include "aurex/schedule/loop_printer.h"
#include "conformance/executors.h"
#include "conformance/turned.h"
#include "generator.h"

namespace aurex::testing::random {
namespace {

constexpr std::uint64_t kPrograms = 2000;
constexpr std::uint64_t kCodeEvery = 4;
std::uint64_t first_seed = 1;
std::uint64_t program_count = kPrograms;
std::uint64_t code_every = kCodeEvery;

/// What is wrong with a program; empty where it is refused or all agree.
std::string fault(const Program& program, bool refusal_is_fault) {
  std::shared_ptr<const ax::CheckedModule> module;
  try {
    module = ax::testing::compile(print(program));
  } catch (const Error& error) {
    return refusal_is_fault ? "refused with " + std::string(error.field("code")) + ": " + error.message() : "";
  }
  ax::testing::TestCall call(module, "k", arguments(program), {.layout = shape_of(program.seed).layout});
  Report report = compare(call, quick_executors(program.seed % code_every == 0));
  if (report.fault) return *report.fault;
  return report.missing.empty() ? "" : "not compiled: " + report.missing.front();
}

std::string report(const Program& program, const std::string& what) {
  std::ostringstream text;
  text << "seed " << program.seed << ", A = " << program.rows << ", B = " << program.columns << ": " << what << "\n"
       << "// seed " << program.seed << " rows " << program.rows << " columns " << program.columns << "\n"
       << print(program);
  return text.str();
}

TEST(RandomPrograms, AreTheSameOnEveryExecutor) {
  for (std::uint64_t seed = first_seed; seed < first_seed + program_count; ++seed) {
    const Program program = generate(seed);
    const std::string what = fault(program, /*refusal_is_fault=*/true);
    if (what.empty()) continue;
    const bool refused = what.starts_with("refused");
    const std::string kind = refused ? what.substr(0, what.find(':')) : "";
    const Program small = shrink(program, [&](const Program& candidate) {
      const std::string other = fault(candidate, refused);
      return !other.empty() && other.starts_with("refused") == refused && other.starts_with(kind);
    });
    ADD_FAILURE() << report(small, fault(small, refused));
    return;
  }
}

TEST(RandomPrograms, AreLoweredOtherwiseByMostTurnedSchedules) {
  const schedule::Target target = schedule::target("cpu.avx512");
  int other = 0;
  constexpr int kTried = 40;
  for (std::uint64_t seed = 1; seed <= kTried; ++seed) {
    const Program program = generate(seed);
    ax::testing::TestCall call(ax::testing::compile(print(program)), "k", arguments(program));
    const auto classes = jit::stride_classes(call.binding(), call.bound());
    const auto size = schedule::size_class(call.program(), call.bound().extents.data(), target);
    schedule::Schedule turned = turned_schedule(call.program(), classes, size, target, seed, 6);
    const auto by_turned = schedule::lower(call.program(), classes, size, target, turned);
    other += schedule::print(by_turned) != schedule::print(schedule::lower(call.program(), classes, size, target));
  }
  EXPECT_GT(other, kTried / 2);
}

TEST(RandomPrograms, KeptOnesStayRight) {
  int kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(AUREX_RANDOM_KEPT)) {
    if (entry.path().extension() != ".ax") continue;
    ++kept;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    Program shape;
    std::string word;
    text >> word >> word >> shape.seed >> word >> shape.rows >> word >> shape.columns;
    ax::testing::TestCall call(ax::testing::compile(text.str()), "k", arguments(shape),
                               {.layout = shape_of(shape.seed).layout});
    EXPECT_EQ(compare(call).fault.value_or(""), "") << entry.path();
  }
  EXPECT_GT(kept, 0);
}

TEST(RandomPrograms, ShrinkToTheStatementThatMatters) {
  const Program program = generate(5);
  const Program small =
      shrink(program, [](const Program& candidate) { return print(candidate).find("s[a] = ") != std::string::npos; });
  EXPECT_EQ(small.body.size(), 1u);
  EXPECT_EQ(small.rows, 1);
  EXPECT_EQ(small.columns, 1);
}

}  // namespace
}  // namespace aurex::testing::random

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--seed=")) aurex::testing::random::first_seed = std::stoull(argument.substr(7));
    if (argument.starts_with("--count=")) aurex::testing::random::program_count = std::stoull(argument.substr(8));
    if (argument.starts_with("--code-every=")) aurex::testing::random::code_every = std::stoull(argument.substr(13));
  }
  return RUN_ALL_TESTS();
}
