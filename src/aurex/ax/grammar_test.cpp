// docs/guide/grammar.ebnf against lexer and parser, in both directions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "aurex/ax/ebnf_test_support.h"
#include "aurex/ax/lexer.h"
#include "aurex/ax/parser.h"
#include "aurex/ax/reference_programs.h"
#include "aurex/ax/syntax_printer.h"

namespace aurex::ax {
namespace {

const Ebnf& grammar() {
  static const Ebnf instance = [] {
    std::ifstream file(AUREX_GRAMMAR_FILE);
    return Ebnf(std::string(std::istreambuf_iterator<char>(file), {}));
  }();
  return instance;
}

struct Verdict {
  bool accepted = false;
  std::string why;
  syntax::Module module;
};

Verdict verdict(const std::string& text) {
  const Source source("sentence.ax", text);
  DiagnosticSink sink;
  auto result = parse(source, sink);
  return {result.ok, render(source, sink.diagnostics()), std::move(result.module)};
}

/// The tokens of a text as the grammar names them; nothing if the lexer refuses some.
std::optional<std::vector<Ebnf::Token>> tokens(const std::string& text) {
  const Source source("sentence.ax", text);
  DiagnosticSink sink;
  Lexer lexer(source, sink);
  std::vector<Ebnf::Token> result;
  for (Token token = lexer.next(); token.kind != TokenKind::kEnd; token = lexer.next()) {
    const std::string written(source.text(token.span));
    switch (token.kind) {
      case TokenKind::kTerminator:
        result.push_back({"END", ";"});
        break;
      case TokenKind::kName:
        result.push_back({syntax::is_upper(written) ? "UPPER" : "LOWER", written});
        break;
      case TokenKind::kInteger:
        result.push_back({"INTEGER", written});
        break;
      case TokenKind::kFloat:
        result.push_back({"FLOAT", written});
        break;
      case TokenKind::kString:
        result.push_back({"STRING", written});
        break;
      default:
        result.push_back({"", written});
    }
  }
  if (sink.has_errors()) return std::nullopt;
  return result;
}

TEST(Grammar, TheParserAcceptsEverySentenceAndTheSentencesUseEveryAlternative) {
  constexpr int kSentences = 4000;
  std::mt19937 random(1);
  for (int i = 0; i < kSentences; ++i) {
    const std::string text = grammar().sentence("module", random, 20 + i % 1000);
    const Verdict given = verdict(text);
    ASSERT_TRUE(given.accepted) << given.why << text;
    const std::string printed = syntax::print(given.module);
    const Verdict again = verdict(printed);
    ASSERT_TRUE(again.accepted) << again.why << printed;
    ASSERT_EQ(syntax::dump(again.module), syntax::dump(given.module)) << text << "\n" << printed;
    ASSERT_EQ(syntax::print(again.module), printed);
  }
  EXPECT_THAT(grammar().unused(), testing::IsEmpty());
}

TEST(Grammar, DerivesTheProgramsOfTheReference) {
  for (const auto& program : kReferencePrograms) {
    EXPECT_TRUE(grammar().accepts("module", tokens(std::string(program.text)).value())) << program.name;
  }
}

TEST(Grammar, AgreesWithTheParserOnDamagedPrograms) {
  constexpr int kPrograms = 1500;
  std::mt19937 random(2);
  int refused = 0;
  for (int i = 0; i < kPrograms; ++i) {
    const auto& program = kReferencePrograms[random() % std::size(kReferencePrograms)];
    auto pieces = tokens(std::string(program.text)).value();
    for (std::size_t damage = 1 + random() % 2; damage > 0; --damage) {
      const std::size_t at = random() % pieces.size();
      const auto other = pieces[random() % pieces.size()];
      switch (random() % 4) {
        case 0:
          pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 1:
          pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(at), other);
          break;
        case 2:
          pieces[at] = other;
          break;
        default:
          std::swap(pieces[at], pieces[random() % pieces.size()]);
      }
    }
    std::string text;
    for (const auto& piece : pieces) text += piece.text + " ";
    const auto read = tokens(text);
    if (!read) continue;
    const Verdict given = verdict(text);
    ASSERT_EQ(given.accepted, grammar().accepts("module", *read)) << given.why << text;
    if (!given.accepted) ++refused;
  }
  EXPECT_GT(refused, kPrograms / 2);
}

TEST(Grammar, NamesTheReservedWords) {
  const auto words = grammar().words(grammar().rules().at("WORD"));
  EXPECT_THAT(words, testing::UnorderedElementsAreArray(reserved_words().begin(), reserved_words().end()));
}

TEST(Grammar, HasNoRuleThatNothingUses) {
  std::set<std::string> used = {"module"};
  const auto visit = [&](const auto& self, const EbnfNode& node) -> void {
    if (node.kind == EbnfNode::Kind::kRule) {
      EXPECT_TRUE(grammar().rules().contains(node.text)) << node.text;
      used.insert(node.text);
    }
    for (const EbnfNode& child : node.children) self(self, child);
  };
  for (const auto& [name, node] : grammar().rules()) visit(visit, node);
  for (const auto& [name, node] : grammar().rules()) EXPECT_TRUE(used.contains(name)) << name;
}

}  // namespace
}  // namespace aurex::ax
