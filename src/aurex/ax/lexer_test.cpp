#include "aurex/ax/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aurex::ax {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Lexed {
  std::vector<std::string> tokens;  // a line break that ends a statement is "↵"
  std::vector<std::string> codes;
};

Lexed lexed(const std::string& text) {
  const Source source("test.ax", text);
  DiagnosticSink sink;
  Lexer lexer(source, sink);
  Lexed result;
  for (Token token = lexer.next(); token.kind != TokenKind::kEnd; token = lexer.next()) {
    const std::string written(source.text(token.span));
    result.tokens.push_back(written == "\n" ? "↵" : written);
  }
  for (const auto& diagnostic : sink.diagnostics()) result.codes.push_back(to_string(diagnostic.code));
  return result;
}

std::vector<std::string> tokens(const std::string& text) { return lexed(text).tokens; }
std::vector<std::string> codes(const std::string& text) { return lexed(text).codes; }

TEST(Lexer, TakesTheLongestSpelling) {
  EXPECT_THAT(tokens("a->b<<=c>>d<=e..."), ElementsAre("a", "->", "b", "<<", "=", "c", ">>", "d", "<=", "e", "..."));
  EXPECT_THAT(tokens("x+=-1--2"), ElementsAre("x", "+=", "-", "1", "-", "-", "2"));
}

TEST(Lexer, ReadsNumbers) {
  for (const std::string text : {"0", "42", "0x1F", "0XaB", "1.5", "1.", "1e5", "1.5E-5", "2.e+3"}) {
    EXPECT_THAT(tokens(text), ElementsAre(text));
    EXPECT_THAT(codes(text), IsEmpty()) << text;
  }
}

TEST(Lexer, RefusesWhatOnlyLooksLikeANumber) {
  for (const std::string text : {"12ab", "0x", "0xg", "1e", "1e+", "1.2.3", ".5", "1.5f", "1_000"}) {
    EXPECT_THAT(tokens(text), ElementsAre(text));
    EXPECT_THAT(codes(text), ElementsAre("AX0103")) << text;
  }
}

TEST(Lexer, SkipsCommentsToTheEndOfTheLine) {
  EXPECT_THAT(tokens("a // b \" ( $\nc//"), ElementsAre("a", "↵", "c"));
  EXPECT_THAT(codes("// \xFF \x01"), IsEmpty());
}

TEST(Lexer, ALineBreakEndsAStatement) {
  EXPECT_THAT(tokens("a\n\n  \n b"), ElementsAre("a", "↵", "b"));
  EXPECT_THAT(tokens("a\r\nb"), ElementsAre("a", "↵", "b"));
  EXPECT_THAT(tokens("(a)\n1\n2.5\n\"s\"\ntrue\n}"),
              ElementsAre("(", "a", ")", "↵", "1", "↵", "2.5", "↵", "\"s\"", "↵", "true", "↵", "}"));
}

TEST(Lexer, ALineBreakInsideBracketsIsABlank) {
  EXPECT_THAT(tokens("f(\na\n,[\nb\n]\n)"), ElementsAre("f", "(", "a", ",", "[", "b", "]", ")"));
}

TEST(Lexer, ALineBreakBehindAnOperatorIsABlank) {
  for (const std::string text :
       {"+",  "-", "*", "/", "%",  "&",  "|",  "^", "~",  "<<", ">>",  "==", "!=",  "<",    "<=", ">",
        ">=", "?", ":", "=", "+=", "-=", "*=", ",", "->", ".",  "and", "or", "not", "else", "{",  ";"}) {
    EXPECT_THAT(tokens(text + "\na"), ElementsAre(text, "a"));
  }
}

TEST(Lexer, ALineBreakBeforeWhatCannotBeginAStatementIsABlank) {
  for (const std::string text : {"{", "->", "where"}) EXPECT_THAT(tokens("a\n" + text), ElementsAre("a", text));
  EXPECT_THAT(tokens("}\nelse"), ElementsAre("}", "else"));
  EXPECT_THAT(tokens("a\nelse"), ElementsAre("a", "↵", "else"));
}

TEST(Lexer, ABraceClosesBracketsThatWereLeftOpen) {
  EXPECT_THAT(tokens("(a{b\nc"), ElementsAre("(", "a", "{", "b", "↵", "c"));
}

TEST(Lexer, RefusesARunOfStrangeBytesOnce) {
  EXPECT_THAT(codes("a $$@ b"), ElementsAre("AX0101"));
  EXPECT_THAT(codes("a \xE2\x88\x92 b"), ElementsAre("AX0101"));
  EXPECT_THAT(codes(std::string("a \0 b", 5)), ElementsAre("AX0101"));
}

TEST(Lexer, RefusesStringsThatDoNotEnd) {
  EXPECT_THAT(codes("\"abc"), ElementsAre("AX0102"));
  EXPECT_THAT(codes("\"abc\nd"), ElementsAre("AX0102"));
  EXPECT_THAT(codes("\"a\\qb\""), ElementsAre("AX0119"));
}

TEST(Lexer, ReadsItsOwnWords) {
  EXPECT_EQ(reserved_words().size(), 28u);
  for (const auto word : reserved_words()) {
    const Source source("test.ax", std::string(word));
    DiagnosticSink sink;
    const Token token = Lexer(source, sink).next();
    EXPECT_TRUE(is_reserved_word(token.kind));
    EXPECT_EQ(describe(token.kind), word);
  }
}

TEST(StringLiterals, SurviveQuotingAndBack) {
  for (const std::string text : {"", "plain", "a \"b\" \\ c\n\td", "ä"}) EXPECT_EQ(unescape(quote(text)), text);
}

}  // namespace
}  // namespace aurex::ax
