// One accepted and one refused program for each rule of the grammar, and the bounds that hold for any text.

#include "aurex/ax/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aurex/ax/syntax_printer.h"

namespace aurex::ax {
namespace {

using testing::HasSubstr;

/// The codes that a text gets, in the order of their places.
std::vector<std::string> codes(const std::string& text) {
  const Source source("test.ax", text);
  DiagnosticSink sink;
  const bool ok = parse(source, sink).ok;
  EXPECT_EQ(ok, !sink.has_errors());
  std::vector<std::string> result;
  for (const auto& diagnostic : sink.sorted()) result.push_back(to_string(diagnostic.code));
  return result;
}

std::string rendered(const std::string& text) {
  const Source source("test.ax", text);
  DiagnosticSink sink;
  (void)parse(source, sink);
  return render(source, sink.sorted());
}

std::string in_kernel(const std::string& statements) {
  return "kernel k(x: T[R, C], n: int) -> (y: T[R, C]) {\n" + statements + "\n}\n";
}

struct RuleCase {
  std::string name;
  std::string accepted;
  std::string refused;
  std::string code;
};

void PrintTo(const RuleCase& rule, std::ostream* out) { *out << rule.name; }

class SyntaxRule : public testing::TestWithParam<RuleCase> {};

TEST_P(SyntaxRule, AcceptsWhatItSays) { EXPECT_EQ(rendered(GetParam().accepted), ""); }

TEST_P(SyntaxRule, RefusesTheRest) { EXPECT_THAT(codes(GetParam().refused), testing::ElementsAre(GetParam().code)); }

INSTANTIATE_TEST_SUITE_P(
    Axes, SyntaxRule,
    testing::Values(
        RuleCase{"Rule1ByTakesOnly1", in_kernel("parallel r in R by 1 { y[r, C] = x[r, C] }"),
                 in_kernel("parallel r in R by 8 { y[r, C] = x[r, C] }"), "AX0113"},
        RuleCase{"Rule2LetInIsAWholeAxis", in_kernel("let i in C; let j in C"), in_kernel("let i of C"), "AX0105"},
        RuleCase{"Rule4ADimensionIsAWholeAxis", in_kernel("parallel r in R { y[r, C] = x[r, C - 1 - c] }"),
                 in_kernel("parallel r in R { y[r, C] = x[r, :] }"), "AX0115"},
        RuleCase{"Rule6ElseGivesTheValueOutside", in_kernel("let v = x[n - 1, C] else -inf + 1"),
                 in_kernel("let v = n else 0"), "AX0105"},
        RuleCase{"Rule6ElseTakesAUnaryOperand", in_kernel("let v = x[n, 0] else x[0, n] else -1"),
                 in_kernel("let v = x[n, 0] else not true"), "AX0110"},
        RuleCase{"Rule7ReindexesByName", in_kernel("let v = scan_sum(x[n, c], c)[c = c - 1] else 0"),
                 in_kernel("let v = e[r, c = c - 1]"), "AX0114"},
        RuleCase{"Rule7NamesEveryAxisOrNone", in_kernel("let v = e[r = 0, c = c - 1]"),
                 in_kernel("let v = e[r = 0, c]"), "AX0114"},
        RuleCase{"Rule9SplitsADimension", "kernel k(x: T[S, (2, P)]) {}", "kernel k(x: T[S, (P)]) {}", "AX0105"},
        RuleCase{"Rule10Packs", "kernel k(x: T[R..., C]) {}", "kernel k(x: T[...R, C]) {}", "AX0105"},
        RuleCase{"Rule10APackIsAnIndexWithoutDots", in_kernel("let s = sum(x[R, C], R, C)"),
                 in_kernel("let s = sum(x[R..., C], R, C)"), "AX0105"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Signatures, SyntaxRule,
    testing::Values(
        RuleCase{"Rule11DimensionsHaveCapitals", "kernel k(x: T[N, 3]) {}", "kernel k(x: T[n, 3]) {}", "AX0108"},
        RuleCase{"Rule11ValuesHaveNone", "kernel k(x: T[N]) {}", "kernel k(X: T[N]) {}", "AX0108"},
        RuleCase{"Rule12Where", "kernel k(x: T[H], p: int) where I = div(H + 2 * p, 2) + 1, G = p, H % 32 == 0 {}",
                 "kernel k(x: T[H], p: int) where i = H {}", "AX0108"},
        RuleCase{"Rule13Types",
                 "kernel k(a: T[N], b: float[N], c: int[N], d: any[N], e: q4_k[N], f: float, g: nf4(32)[N]) {}",
                 "kernel k(a: T[N], b: [N]) {}", "AX0105"},
        RuleCase{"Rule14DefaultsAreLiterals",
                 "kernel k(w: T[C] = 1, m: f32[C] = -inf, e: float = 1e-5, c: bool = true) {}",
                 "kernel k(w: T[C] = 1 + 1) {}", "AX0106"},
        RuleCase{"Rule15ConstParameters", "kernel k(const causal: bool = false) {}", "kernel k(causal: const bool) {}",
                 "AX0107"},
        RuleCase{"Rule16InoutAndStartValues", "kernel k(inout p: T[N], i: i32[N]) -> (h: i32[B] = 0, s: f32) {}",
                 "kernel k(inout p: T[N]) -> (h: i32[B] = 0 + 1) {}", "AX0106"},
        RuleCase{"Rule16AResultHasAType", "kernel k() -> (s: f32) {}", "kernel k() -> (s) {}", "AX0105"},
        RuleCase{"Rule18ExpressionKernels", "kernel k(x, y, a: float = 2) = x * a + y", "kernel k(x, y) x + y",
                 "AX0105"},
        RuleCase{"Rule18FunctionsInBothForms", "fn f(a, b) = a * b\nfn g(x) { let s = x * x; let t = s + 1; s * t }",
                 "fn f(x) { return x }", "AX0105"},
        RuleCase{"Rule18AFunctionHoldsLetsOnly", "fn f(x) { let s = x\n s }", "fn f(x) { if x > 0 { 1 } }", "AX0117"},
        RuleCase{"Rule18AFunctionEndsInAValue", "fn f(x) {\n  let s = x\n  s\n}", "fn f(x) {\n  let s = x\n}",
                 "AX0118"},
        RuleCase{"Rule18FunctionsPerRegisterType", "fn exp(x: f32) = x\nfn exp(x: f64) = x", "fn exp(x: f32[N]) = x",
                 "AX0106"},
        RuleCase{"Rule18Use", "use \"formats/q4.ax\"", "use formats", "AX0105"},
        RuleCase{"Rule34WideIsATypeOfAType", "kernel k(x: T[N]) -> (s: wide(T)) {}",
                 "kernel k(x: T[N]) -> (s: wide(T) {}", "AX0106"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Statements, SyntaxRule,
    testing::Values(
        RuleCase{"Rule19Parallel", in_kernel("parallel r in R by 1, c in C { y[r, c] = 0 }"),
                 in_kernel("parallel in R { y[r, c] = 0 }"), "AX0107"},
        RuleCase{"Rule19Scratch", in_kernel("scratch mu: f32[R]\nscratch nu: f32[R, 2 * C]\nscratch s: f32"),
                 in_kernel("scratch mu = 0"), "AX0105"},
        RuleCase{"Rule20For", in_kernel("for t in C from n until (n > 0 ? C : n + 1) by 1 { s += t }\nfor t in C {}"),
                 in_kernel("for t in C until n from 0 { s += t }"), "AX0105"},
        RuleCase{"Rule20While", in_kernel("while any(s > 0, c) { s -= 1 }"), in_kernel("while { s -= 1 }"), "AX0105"},
        RuleCase{
            "Rule20If",
            in_kernel("if n > 0 { s = 1 } else if n < 0 { s = 2 } else { s = 3 }\nif n > 1 { s = 1 }\nelse { s = 2 }"),
            in_kernel("if n > 0 s = 1"), "AX0105"},
        RuleCase{"Rule20ElseFollowsAnIf", in_kernel("if n > 0 { s = 1 }"), in_kernel("else { s = 1 }"), "AX0105"},
        RuleCase{"Rule21VarNamesItsAxes", in_kernel("var top[r, C] = -inf; var n2 = 0"),
                 in_kernel("var top[r + 1] = 0"), "AX0106"},
        RuleCase{"Rule21Assignments", in_kernel("s = 1; s += 1; s -= 1; s *= 2"), in_kernel("s /= 2"), "AX0112"},
        RuleCase{"Rule22AtomicStores", in_kernel("y[n, C] += 1; y[n, C] max= 2; y[n, C] min= 3; y[unique n, C] = 0"),
                 in_kernel("y[n, C] = x[unique n, C]"), "AX0116"},
        RuleCase{"Rule23AssertAndPrint", in_kernel("assert n > 0, \"n \\\"counts\\\"\"\nassert n < 9\nprint(n + 1)"),
                 in_kernel("assert n > 0, n"), "AX0105"},
        RuleCase{"Rule24Labels", "kernel lif(v: T[N]) -> (s: T[N]) : spiking where N % 2 == 0 {}",
                 "kernel lif(v: T[N]) : {}", "AX0105"},
        RuleCase{"Rule24TargetFeatures", in_kernel("if target.avx512_vnni { s = 1 } else { s = 2 }"),
                 in_kernel("if target. { s = 1 }"), "AX0105"},
        RuleCase{"Rule24SemicolonsEndStatements", in_kernel("let a = 1; let b = 2;; let c = 3;"),
                 in_kernel("let a = 1 let b = 2"), "AX0105"},
        RuleCase{"Rule24LineBreaksEndStatements", in_kernel("let a = 1 +\n 2\nlet b = exp(\n a\n)\nlet c = x[\nn,\nC]"),
                 in_kernel("let a = 1\n + 2"), "AX0111"},
        RuleCase{"Rule24ALineMayBeginWithWhatCannotBeginAStatement",
                 "kernel k(\n  x: T[N]\n)\n  -> (y: T[N])\n  where N > 1\n{\n  // nothing\n}\n",
                 "kernel\nk(x: T[N]) {}", "AX0105"},
        RuleCase{"AStatementIsNoValue", in_kernel("s = n"), in_kernel("n"), "AX0112"},
        RuleCase{"WordsAreNotNames", in_kernel("let until_now = 1"), in_kernel("let until = 1"), "AX0107"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Expressions, SyntaxRule,
    testing::Values(RuleCase{"Rule31ComparisonsDoNotChain", "kernel k(x) = 0 < x and x < 1", "kernel k(x) = 0 < x < 1",
                             "AX0109"},
                    RuleCase{"Rule31NotIsLoose", "kernel k(x) = not x == 1 and not not (x < 2)",
                             "kernel k(x) = 1 + not x", "AX0110"},
                    RuleCase{"Rule31Conditionals", "kernel k(x) = x > 0 ? x : x < -1 ? -1 : 0",
                             "kernel k(x) = x > 0 ? x", "AX0105"},
                    RuleCase{"Rule31ThereIsNoUnaryPlus", "kernel k(x) = -~-x", "kernel k(x) = +x", "AX0105"},
                    RuleCase{"Rule31CallsHaveArguments", "kernel k(x) = pow(x, 2)", "kernel k(x) = pow()", "AX0105"},
                    RuleCase{"Rule32Literals", "kernel k(x) = 0xFF + 1e-5 + 2.5E+3 + 1. + 0.5 + 18446744073709551615",
                             "kernel k(x) = .5", "AX0103"},
                    RuleCase{"Rule32LiteralsFit64Bits", "kernel k(x) = 0xffffffffffffffff",
                             "kernel k(x) = 0x10000000000000000", "AX0104"},
                    RuleCase{"Rule32FloatsFitF64", "kernel k(x) = 1e308", "kernel k(x) = 1e309", "AX0104"},
                    RuleCase{"Rule32CastsAreWrittenAsTypes", "kernel k(x) = i32(x) + bitcast(i32, x)",
                             "kernel k(x) = (i32) x", "AX0105"},
                    RuleCase{"BracketsClose", "kernel k(x) = (x)", "kernel k(x) = (x", "AX0106"},
                    RuleCase{"CommentsEndWithTheLine", "// comment — with any text: \"\nkernel k(x) = x // more",
                             "# no comment\n", "AX0101"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    FormatsAndSchedules, SyntaxRule,
    testing::Values(
        RuleCase{"Section5Parameters", "format f(B: 64, C) { block j: B }", "format f(b: 64) { block j: B }", "AX0108"},
        RuleCase{"Section5Fields", "format f { d: f16; qs: u8[2, 16]; s: nf4(32)[8] }", "format f { d f16 }", "AX0105"},
        RuleCase{"Section5Separate",
                 "format f { a: f32 separate; b: f32 separate[]; c: f32 separate[row: 128, block: 4] }",
                 "format f { a: f32 separate[128] }", "AX0105"},
        RuleCase{"Section5Parts", "format f { part { block l: 2; value = l }; part { block l: 3; value = -l } }",
                 "format f { part { part { value = 1 } } }", "AX0105"},
        RuleCase{"Section5FunctionsAndTables", "format f { fn g(x) = x + 1\n levels = [-1, 0.5, 1] }",
                 "format f { levels = 3 }", "AX0105"},
        RuleCase{"Section5OtherWordsAreNames",
                 "kernel k(block, part, value, separate, on, target, max) = value + target + max",
                 "kernel k(format) = format", "AX0107"},
        RuleCase{"Section6Schedules", "schedule k on cpu.avx512 { m = 96 / 12; vector n; pack a, b }",
                 "schedule k on cpu { m = n }", "AX0105"}),
    [](const auto& info) { return info.param.name; });

// ---------------------------------------------------------------------------------------------------------------------

TEST(Parser, BindsOperatorsAsRule31Says) {
  const std::pair<std::string, std::string> cases[] = {
      {"a ? b : c or d", "a ? b : (c or d)"},
      {"a or b and c", "a or (b and c)"},
      {"not a and b", "(not a) and b"},
      {"not a == b", "not (a == b)"},
      {"a == b | c", "a == (b | c)"},
      {"a | b ^ c & d", "a | (b ^ (c & d))"},
      {"a & b << c", "a & (b << c)"},
      {"a << b + c", "a << (b + c)"},
      {"a - b - c", "(a - b) - c"},
      {"a + b * c % d", "a + ((b * c) % d)"},
      {"-a * ~b", "(-a) * (~b)"},
      {"-f(x)[c = 0]", "-(f(x)[c = 0])"},
      {"-a[i] else b + c", "(-(a[i] else b)) + c"},
      {"a[i] else -b[j] else c", "a[i] else (-(b[j] else c))"},
  };
  const auto tree = [](const std::string& expression) {
    const Source source("test.ax", "kernel k(x) = " + expression);
    DiagnosticSink sink;
    const auto result = parse(source, sink);
    EXPECT_TRUE(result.ok) << render(source, sink.diagnostics());
    return syntax::dump(result.module);
  };
  for (const auto& [loose, explicit_form] : cases) EXPECT_EQ(tree(loose), tree(explicit_form)) << loose;
  EXPECT_NE(tree("(a ? b : c) + d"), tree("a ? b : c + d"));
  EXPECT_NE(tree("-(a[i] else b) * c"), tree("-(a[i] else (b * c))"));
}

TEST(Parser, ReportsSeveralErrorsInOneRun) {
  EXPECT_THAT(codes("kernel a(x: T[N]) {\n  let = 1\n  let b = exp(2\n  let c = 3 < 4 < 5\n  d\n}\n"
                    "kernel b(x) = * x\nkernel c(x) = x $ 2\n"),
              testing::ElementsAre("AX0105", "AX0106", "AX0109", "AX0112", "AX0105", "AX0101"));
}

TEST(Parser, KeepsWhatItUnderstood) {
  const Source source("test.ax",
                      "kernel a(x) = x\nkernel b(x) = = x\nkernel c(x: T[N]) { let a = 1; let b = ; let c = 3 }\n");
  DiagnosticSink sink;
  const auto result = parse(source, sink);
  EXPECT_FALSE(result.ok);
  ASSERT_EQ(result.module.declarations.size(), 2u);
  const auto& kernel = std::get<syntax::Kernel>(result.module.declarations[1].node);
  EXPECT_EQ(std::get<syntax::Block>(kernel.body).statements.size(), 2u);
}

TEST(Parser, AMissingBraceIsReportedWhereTheNextKernelBegins) {
  EXPECT_THAT(rendered("kernel a(x: T[N]) {\n  if 1 < 2 {\n    s = 1\n}\nkernel b(x) = x\n"),
              testing::AllOf(HasSubstr("AX0106"), HasSubstr("test.ax:5:1"), HasSubstr("the brace that is open here")));
}

TEST(Parser, SpansCoverWhatTheyName) {
  const Source source("test.ax",
                      "kernel k(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = (x[i]) + f(1)[i = 0] else 2 } }");
  DiagnosticSink sink;
  const auto result = parse(source, sink);
  ASSERT_TRUE(result.ok);
  const auto& kernel = std::get<syntax::Kernel>(result.module.declarations[0].node);
  EXPECT_EQ(source.text(kernel.name.span), "k");
  EXPECT_EQ(source.text(kernel.params[0].span), "x: T[N]");
  EXPECT_EQ(source.text(kernel.results[0].type.span), "T[N]");
  const auto& parallel = std::get<syntax::Parallel>(std::get<syntax::Block>(kernel.body).statements[0].node);
  const auto& store = parallel.body.statements[0];
  EXPECT_EQ(source.text(store.span), "y[i] = (x[i]) + f(1)[i = 0] else 2");
  const auto& sum = *std::get<syntax::Assign>(store.node).value;
  EXPECT_EQ(source.text(sum.span), "(x[i]) + f(1)[i = 0] else 2");
  EXPECT_EQ(source.text(std::get<syntax::Binary>(sum.node).left->span), "x[i]");
  EXPECT_EQ(source.text(std::get<syntax::Binary>(sum.node).right->span), "f(1)[i = 0] else 2");
}

// ---------------------------------------------------------------------------------------------------------------------
// Bounds

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text(piece);
  text.reserve(piece.size() * times);
  while (text.size() < piece.size() * times) {
    text.append(text, 0, piece.size() * times - text.size());  // as much as there is
  }
  return text;
}

TEST(ParserBounds, TwentyThousandNestedBracketsAreADiagnostic) {
  for (const std::string open : {"(", "x[", "f(", "-", "not ", "1 ? ", "1 ? 2 : ", "x[0] else "}) {
    EXPECT_THAT(codes("kernel k(x) = " + repeated(open, 20'000) + "1"), testing::ElementsAre("AX0901")) << open;
  }
  for (const std::string open : {"if x { ", "parallel i in N { ", "while x { ", "if x { } else "}) {
    EXPECT_THAT(codes(in_kernel(repeated(open, 20'000))), testing::Contains("AX0901")) << open;
  }
}

TEST(ParserBounds, ALongChainOfOperatorsIsADiagnostic) {
  for (const std::string link : {" + 1", " or 1", "[0]", "[c = 0]"}) {
    EXPECT_THAT(codes("kernel k(x) = x" + repeated(link, 20'000)), testing::ElementsAre("AX0901")) << link;
  }
}

TEST(ParserBounds, ProgramsWithinTheLimitsAreAccepted) {
  EXPECT_EQ(rendered("kernel k(x) = " + repeated("(", 200) + "x" + repeated(")", 200)), "");
  EXPECT_EQ(rendered("kernel k(x) = x" + repeated(" + x", 200)), "");
  EXPECT_EQ(rendered(in_kernel(repeated("if n > 0 { ", 200) + repeated("}", 200))), "");
}

TEST(ParserBounds, TenMegabytesOfAnythingEnd) {
  constexpr std::size_t kBytes = 10'000'000;
  for (const std::string piece : {"(",
                                  ")",
                                  "{",
                                  "}",
                                  "$ ",
                                  "\"",
                                  "\\",
                                  "kernel ",
                                  "let x = ",
                                  "1 ",
                                  "x[",
                                  "\n",
                                  ";",
                                  "\xFF ",
                                  "kernel k(x) = x\n",
                                  "kernel k(x) { ",
                                  "a.b ",
                                  "// \n",
                                  "use \"a\"\n",
                                  "?:",
                                  "else "}) {
    const Source source("test.ax", repeated(piece, kBytes / piece.size()));
    DiagnosticSink sink;
    (void)parse(source, sink);
    EXPECT_LE(sink.diagnostics().size(), 50u) << piece;
    EXPECT_LT(render(source, sink.sorted()).size(), 100'000u) << piece;
  }
}

TEST(ParserBounds, ALongerFileIsRefusedUnread) {
  EXPECT_THAT(codes(std::string(kMaxSourceBytes + 1, ' ')), testing::ElementsAre("AX0902"));
  EXPECT_THAT(codes(std::string(kMaxSourceBytes, ' ')), testing::IsEmpty());
}

TEST(ParserBounds, AMillionTokensAreTheLimit) {
  EXPECT_THAT(codes("kernel k(x) = f(" + repeated("x,", syntax::kMaxTokens / 2)), testing::Contains("AX0903"));
}

}  // namespace
}  // namespace aurex::ax
