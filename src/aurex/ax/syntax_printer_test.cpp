#include "aurex/ax/syntax_printer.h"

#include <gtest/gtest.h>

#include <string>

#include "aurex/ax/parser.h"
#include "aurex/ax/reference_programs.h"

namespace aurex::ax {
namespace {

syntax::Module parsed(const std::string& text) {
  const Source source("test.ax", text);
  DiagnosticSink sink;
  auto result = parse(source, sink);
  EXPECT_TRUE(result.ok) << render(source, sink.diagnostics()) << text;
  return std::move(result.module);
}

class ReferenceProgram : public testing::TestWithParam<NamedProgram> {};

TEST_P(ReferenceProgram, Parses) { EXPECT_GT(parsed(std::string(GetParam().text)).declarations.size(), 0u); }

TEST_P(ReferenceProgram, PrintsToTheSameTree) {
  const auto module = parsed(std::string(GetParam().text));
  EXPECT_EQ(syntax::dump(parsed(syntax::print(module))), syntax::dump(module));
}

TEST_P(ReferenceProgram, PrintsTheSameTextAgain) {
  const std::string once = syntax::print(parsed(std::string(GetParam().text)));
  EXPECT_EQ(syntax::print(parsed(once)), once);
}

INSTANTIATE_TEST_SUITE_P(Language, ReferenceProgram, testing::ValuesIn(kReferencePrograms),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SyntaxPrinter, WritesTheCanonicalForm) {
  EXPECT_EQ(
      syntax::print(
          parsed("kernel  k ( x:T[ R...,(2,P) ] ,const c :bool=false)->(y:T[R...,(2,P)]=-1):spiking where "
                 "P%2==0,I=P*2{parallel r in R,p in P by 1{y[r,0,p]=x[r,1,p];y[unique r,1,p]max=-x[r,0,p]else 0}}")),
      "kernel k(x: T[R..., (2, P)], const c: bool = false) -> (y: T[R..., (2, P)] = -1) : spiking where P % 2 == 0, "
      "I = P * 2 {\n"
      "  parallel r in R, p in P by 1 {\n"
      "    y[r, 0, p] = x[r, 1, p]\n"
      "    y[unique r, 1, p] max= -x[r, 0, p] else 0\n"
      "  }\n"
      "}\n");
}

TEST(SyntaxPrinter, KeepsTheParenthesesThatMatter) {
  const std::pair<std::string, std::string> cases[] = {
      {"((a + b)) * c", "(a + b) * c"},
      {"a - (b - c)", "a - (b - c)"},
      {"(a - b) - c", "a - b - c"},
      {"(a < b) == (c < d)", "(a < b) == (c < d)"},
      {"(not a) == b", "(not a) == b"},
      {"(a ? b : c) ? (d) : (e ? f : g)", "(a ? b : c) ? d : e ? f : g"},
      {"-(a + b)", "-(a + b)"},
      {"-(-a)", "--a"},
      {"(-a)[c = 0]", "(-a)[c = 0]"},
      {"(a[i] else b)[c = 0] else (c + d)", "(a[i] else b)[c = 0] else (c + d)"},
      {"(a[i] else b) * 2", "a[i] else b * 2"},
      {"1.0 + 1e5 + 1e-7 + 0x1F", "1.0 + 100000.0 + 1e-07 + 0x1f"},
  };
  for (const auto& [written, canonical] : cases) {
    EXPECT_EQ(syntax::print(parsed("kernel k(x) = " + written)), "kernel k(x) = " + canonical + "\n");
  }
}

TEST(SyntaxDump, ShowsEveryNode) {
  EXPECT_EQ(syntax::dump(parsed("kernel k(x) = x > 0 ? -x[0] else 1.5 : f(true, 0x10)")),
            "kernel k\n"
            "  param x\n"
            "  expression\n"
            "    conditional\n"
            "      binary >\n"
            "        name x\n"
            "        int 0\n"
            "      unary -\n"
            "        otherwise\n"
            "          index\n"
            "            name x\n"
            "            at\n"
            "              int 0\n"
            "          float 0x1.8p+0\n"
            "      call f\n"
            "        bool true\n"
            "        int 16 hex\n");
}

}  // namespace
}  // namespace aurex::ax
