#pragma once

// Source text to tokens, one at a time and without a token list, so that memory does not grow with the text.
//
// The lexer applies rule 24 of the language: it hands out a kTerminator for a `;`, and for a line break that ends a
// statement. A line break ends one unless it stands inside ( ) or [ ], follows an operator, a comma, `->` or `{`, or
// precedes a word that cannot begin a statement (`{`, `->`, `where`, and `else` after `}`).
//
// Malformed text is reported to the sink and skipped. When the sink is full, or the file has more than kMaxTokens
// tokens, the rest of the text reads as its end.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/source.h"

namespace aurex::ax {

enum class TokenKind : std::uint8_t {
  kEnd,
  kTerminator,
  kName,
  kInteger,
  kFloat,
  kString,
  // Reserved words, in the order of the alphabet.
  kAnd,
  kAssert,
  kBy,
  kConst,
  kElse,
  kFalse,
  kFn,
  kFor,
  kFormat,
  kFrom,
  kIf,
  kIn,
  kInout,
  kKernel,
  kLet,
  kNot,
  kOr,
  kParallel,
  kPrint,
  kSchedule,
  kScratch,
  kTrue,
  kUnique,
  kUntil,
  kUse,
  kVar,
  kWhere,
  kWhile,
  // Punctuation.
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kComma,
  kColon,
  kDot,
  kEllipsis,
  kArrow,
  kQuestion,
  kAssign,
  kPlusAssign,
  kMinusAssign,
  kStarAssign,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kAmpersand,
  kPipe,
  kCaret,
  kTilde,
  kShiftLeft,
  kShiftRight,
};

/// How a diagnostic speaks of a kind: "`->`", "a name", "the end of the line".
[[nodiscard]] std::string_view describe(TokenKind kind);
[[nodiscard]] bool is_reserved_word(TokenKind kind);
/// The words that cannot be names, in the order of the alphabet.
[[nodiscard]] std::span<const std::string_view> reserved_words();

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Span span;
};

class Lexer {
 public:
  /// Both must outlive the lexer; the text is at most kMaxSourceBytes long.
  Lexer(const Source& source, DiagnosticSink& sink) : text_(source.text()), sink_(sink) {}

  /// kEnd for ever once the text is read.
  [[nodiscard]] Token next();

  /// Takes all round and square brackets for closed: after an error, so that a line break ends the statement again.
  void forget_brackets() { open_brackets_ = 0; }

  /// How often malformed text was reported so far.
  [[nodiscard]] std::size_t refusals() const { return refusals_; }

 private:
  struct Blank {
    bool line_break = false;
    std::uint32_t at = 0;
  };

  Token finish(Token token);
  Blank skip_blank();
  Token read_token();
  Token read_name();
  Token read_number();
  Token read_string();
  std::optional<Token> read_punctuation();
  void refuse_characters();
  void refuse(Code code, Span span, std::string message, std::string_view help = {});
  [[nodiscard]] bool line_break_ends_statement(TokenKind following) const;
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] Span since(std::uint32_t begin) const { return {begin, static_cast<std::uint32_t>(at_)}; }

  std::string_view text_;
  DiagnosticSink& sink_;
  std::size_t at_ = 0;
  std::size_t tokens_ = 0;
  std::size_t refusals_ = 0;
  std::size_t open_brackets_ = 0;
  TokenKind previous_ = TokenKind::kTerminator;
  std::optional<Token> pending_;  // the token behind a line break that was handed out as a terminator
};

/// The text between the quotes with its escapes resolved. `literal` is a kString token's text.
[[nodiscard]] std::string unescape(std::string_view literal);
/// The literal that reads as `text`, quotes included.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace aurex::ax
