#include "aurex/ax/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "aurex/ax/parser.h"

namespace aurex::ax {
namespace {

using testing::HasSubstr;
using testing::Not;

// ---- The table ----

TEST(DiagnosticTable, EveryRowExplainsItself) {
  for (const CodeInfo& row : diagnostic_table()) {
    EXPECT_FALSE(row.title.empty()) << row.name;
    EXPECT_TRUE(row.explanation.ends_with('.')) << row.name;
    EXPECT_FALSE(row.repaired.empty()) << row.name;
    EXPECT_EQ(info(row.code).name, row.name);
  }
}

TEST(DiagnosticTable, TheGrammarsExamplesGetTheirCodeAndNoOther) {
  for (const CodeInfo& row : diagnostic_table()) {
    if (static_cast<int>(row.code) >= 200) continue;  // the checker's rows are tested with the checker
    const Source refused("refused.ax", std::string(row.refused));
    DiagnosticSink sink;
    EXPECT_FALSE(parse(refused, sink).ok) << row.name;
    ASSERT_EQ(sink.diagnostics().size(), 1u) << render(refused, sink.diagnostics());
    EXPECT_EQ(to_string(sink.diagnostics()[0].code), to_string(row.code)) << row.refused;
  }
}

TEST(DiagnosticTable, EveryRepairedProgramParses) {
  for (const CodeInfo& row : diagnostic_table()) {
    const Source repaired("repaired.ax", std::string(row.repaired));
    DiagnosticSink sink;
    EXPECT_TRUE(parse(repaired, sink).ok) << render(repaired, sink.diagnostics());
  }
}

TEST(DiagnosticTable, MakesAPageForTheGuide) {
  EXPECT_EQ(documentation_page(info(Code::kChainedComparison)),
            "# AX0109: comparison of a comparison\n\n"
            "`a < b < c` would compare a bool with a number. Join two comparisons with `and`.\n\n"
            "Refused:\n\n```ax refused AX0109\nkernel inside(x) = 0 < x < 1\n```\n\n"
            "Accepted:\n\n```ax\nkernel inside(x) = 0 < x and x < 1\n```\n");
}

// ---- The sink ----

TEST(DiagnosticSink, KeepsAsManyAsItsLimitAndCountsTheRest) {
  DiagnosticSink sink(2);
  for (std::uint32_t i = 0; i < 5; ++i)
    sink.error(Code::kUnexpectedToken, {i, i + 1}, "no").note({0, 1}, "here").help("do");
  EXPECT_EQ(sink.diagnostics().size(), 2u);
  EXPECT_EQ(sink.dropped(), 3u);
  EXPECT_EQ(sink.error_count(), 5u);
  EXPECT_TRUE(sink.full());
}

TEST(DiagnosticSink, DropsTheSameErrorAtTheSamePlace) {
  DiagnosticSink sink;
  sink.error(Code::kUnexpectedToken, {3, 4}, "first");
  sink.error(Code::kUnexpectedToken, {3, 4}, "second");
  sink.error(Code::kUnclosed, {3, 4}, "third");
  EXPECT_EQ(sink.diagnostics().size(), 2u);
  EXPECT_EQ(sink.dropped(), 0u);
}

TEST(DiagnosticSink, SortsByPlace) {
  DiagnosticSink sink;
  sink.error(Code::kUnexpectedToken, {7, 8}, "later");
  sink.error(Code::kUnexpectedToken, {1, 2}, "sooner");
  EXPECT_EQ(sink.sorted()[0].message, "sooner");
  EXPECT_EQ(sink.diagnostics()[0].message, "later");
}

TEST(DiagnosticSink, AWarningRefusesNothing) {
  const Source source("a.ax", "x");
  DiagnosticSink sink;
  sink.warning(Code::kUselessValue, {0, 1}, "hm");
  EXPECT_FALSE(sink.has_errors());
  EXPECT_NO_THROW(raise_if_refused(source, sink));
  EXPECT_THAT(render(source, sink.diagnostics()), HasSubstr("warning[AX0112]: hm"));
}

// ---- Rendering ----

Diagnostic at(Span span) {
  return {.code = Code::kUnexpectedToken,
          .severity = Severity::kError,
          .span = span,
          .message = "no",
          .notes = {},
          .suggestion = {}};
}

TEST(Render, ShowsPlaceLineNotesAndHelp) {
  const Source source("dir/a.ax", "kernel k(x) {\n  let a = (x +\n}\n");
  EXPECT_EQ(render(source, at({29, 30}).note({24, 25}, "open here").help("close it")),
            "error[AX0105]: no\n"
            " --> dir/a.ax:3:1\n"
            "  |\n"
            "3 | }\n"
            "  | ^\n"
            "note: open here\n"
            " --> dir/a.ax:2:11\n"
            "  |\n"
            "2 |   let a = (x +\n"
            "  |           ^\n"
            "help: close it\n");
}

TEST(Render, UnderlinesTheWholeSpanOfItsFirstLine) {
  const Source source("a.ax", "let abc = 1\nlet d = 2\n");
  EXPECT_THAT(render(source, at({4, 7})), HasSubstr("1 | let abc = 1\n  |     ^^^\n"));
  EXPECT_THAT(render(source, at({10, 20})), HasSubstr("1 | let abc = 1\n  |           ^\n"));
  EXPECT_THAT(render(source, at({11, 11})), HasSubstr("1 | let abc = 1\n  |            ^\n"));
}

TEST(Render, ExpandsTabsAndCountsCodePoints) {
  const Source source("a.ax", "\ta\tb\n\xC3\xA4\xE2\x82\xAC x\n");
  EXPECT_THAT(render(source, at({3, 4})), HasSubstr("1 |     a   b\n  |         ^\n"));
  EXPECT_THAT(render(source, at({11, 12})), HasSubstr("2 | \xC3\xA4\xE2\x82\xAC x\n  |    ^\n"));
}

TEST(Render, KeepsControlCharactersOffTheTerminal) {
  const Source source("a.ax", "a\x1b[31m \xFF \xC2\x9B b\n");
  const std::string text = render(source, at({0, 1}));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xFF")));
  EXPECT_THAT(text, HasSubstr("a\xEF\xBF\xBD[31m \xEF\xBF\xBD \xEF\xBF\xBD b"));
}

TEST(Render, CutsALongLineToAWindow) {
  const Source source("a.ax", std::string(5000, 'a') + "!" + std::string(5000, 'b'));
  const std::string text = render(source, at({5000, 5001}));
  EXPECT_LT(text.size(), 500u);
  EXPECT_THAT(text, HasSubstr("a!b"));
  const auto line = text.find("1 | "), marks = text.find("  | ", line);
  EXPECT_EQ(text.find('^', marks) - marks, text.find('!', line) - line - 2);  // the ellipsis has three bytes
}

TEST(Render, ColorsOnlyWhenAsked) {
  const Source source("a.ax", "abc\n");
  EXPECT_THAT(render(source, at({0, 1})), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render(source, at({0, 1}), {.color = true}), HasSubstr("\x1b[1;31merror[AX0105]\x1b[0m"));
}

TEST(RenderJson, HoldsEverything) {
  const Source source("a.ax", "ab\ncd \"\xFF\"\n");
  std::vector<Diagnostic> list = {at({3, 5}).note({0, 2}, "quote \" here").help("try"), at({0, 1})};
  const auto json = nlohmann::json::parse(render_json(source, list));
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["code"], "AX0105");
  EXPECT_EQ(json[0]["severity"], "error");
  EXPECT_EQ(json[0]["file"], "a.ax");
  EXPECT_EQ(json[0]["line"], 2);
  EXPECT_EQ(json[0]["column"], 1);
  EXPECT_EQ(json[0]["end_line"], 2);
  EXPECT_EQ(json[0]["end_column"], 3);
  EXPECT_EQ(json[0]["message"], "no");
  EXPECT_EQ(json[0]["notes"][0]["text"], "quote \" here");
  EXPECT_EQ(json[0]["notes"][0]["end_column"], 3);
  EXPECT_EQ(json[0]["suggestion"], "try");
  EXPECT_TRUE(json[1]["suggestion"].is_null());
}

TEST(RenderJson, ReplacesMalformedUtf8) {
  const Source source("a\xFF.ax", "x");
  EXPECT_EQ(nlohmann::json::parse(render_json(source, std::vector{at({0, 1})}))[0]["file"], "a\xEF\xBF\xBD.ax");
}

// ---- The exception ----

TEST(CompileErrorClass, CarriesCodeAndPlaceOfTheFirstError) {
  const Source source("a.ax", "ab\ncd\n");
  DiagnosticSink sink;
  sink.warning(Code::kUselessValue, {0, 1}, "only a warning");
  sink.error(Code::kUnclosed, {4, 5}, "second");
  sink.error(Code::kUnexpectedToken, {3, 4}, "first");
  try {
    raise_if_refused(source, sink);
    FAIL();
  } catch (const Error& error) {
    const auto& compile = dynamic_cast<const CompileError&>(error);
    EXPECT_EQ(error.code(), ErrorCode::kCompileError);
    EXPECT_EQ(compile.diagnostic_code, "AX0105");
    EXPECT_EQ(compile.position, (LineColumn{2, 1}));
    EXPECT_EQ(compile.text, "first");
    EXPECT_EQ(compile.diagnostics.size(), 3u);
    EXPECT_EQ(error.field("code"), "AX0105");
    EXPECT_EQ(error.field("line"), "2");
    EXPECT_EQ(error.field("column"), "1");
    EXPECT_EQ(error.field("file"), "a.ax");
    EXPECT_THAT(error.message(), testing::AllOf(HasSubstr("first"), HasSubstr("second")));
  }
}

}  // namespace
}  // namespace aurex::ax
