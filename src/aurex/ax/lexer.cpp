#include "aurex/ax/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "aurex/ax/syntax.h"

namespace aurex::ax {

namespace {

using enum TokenKind;

struct Spelling {
  std::string_view text;
  TokenKind kind;
};

constexpr TokenKind kFirstWord = kAnd;
constexpr TokenKind kLastWord = kWhile;

// In the order of the enumerators kFirstWord to kLastWord.
constexpr std::array<std::string_view, 28> kWords = {
    "and",     "assert", "by",     "const",  "else", "false", "fn",    "for",      "format", "from",
    "if",      "in",     "inout",  "kernel", "let",  "not",   "or",    "parallel", "print",  "schedule",
    "scratch", "true",   "unique", "until",  "use",  "var",   "where", "while",
};
static_assert(kWords.size() == static_cast<std::size_t>(kLastWord) - static_cast<std::size_t>(kFirstWord) + 1);
static_assert(std::is_sorted(kWords.begin(), kWords.end()));

// Longer spellings before their own beginnings.
constexpr Spelling kPunctuation[] = {
    {"...", kEllipsis},    {"->", kArrow},     {"+=", kPlusAssign}, {"-=", kMinusAssign}, {"*=", kStarAssign},
    {"==", kEqual},        {"!=", kNotEqual},  {"<<", kShiftLeft},  {">>", kShiftRight},  {"<=", kLessEqual},
    {">=", kGreaterEqual}, {"(", kLeftParen},  {")", kRightParen},  {"[", kLeftBracket},  {"]", kRightBracket},
    {"{", kLeftBrace},     {"}", kRightBrace}, {",", kComma},       {":", kColon},        {".", kDot},
    {"?", kQuestion},      {"=", kAssign},     {"<", kLess},        {">", kGreater},      {"+", kPlus},
    {"-", kMinus},         {"*", kStar},       {"/", kSlash},       {"%", kPercent},      {"&", kAmpersand},
    {"|", kPipe},          {"^", kCaret},      {"~", kTilde},
};

// The C library's versions ask the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool begins_punctuation(std::string_view text) {
  return std::any_of(std::begin(kPunctuation), std::end(kPunctuation),
                     [&](const Spelling& p) { return text.starts_with(p.text); });
}

/// What to write in place of a character that people bring from elsewhere; empty if there is nothing to say.
std::string_view replacement(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {"!", "write `not`"},
      {"#", "comments begin with `//`"},
      {"'", "a string stands between double quotes"},
      {"\xE2\x88\x92", "write the hyphen `-`"},                                // U+2212 minus
      {"\xE2\x80\x93", "write the hyphen `-`"},                                // U+2013 en dash
      {"\xC3\x97", "write `*`"},                                               // U+00D7 multiplication sign
      {"\xC2\xB7", "write `*`"},                                               // U+00B7 middle dot
      {"\xE2\x80\x9C", "a string stands between plain double quotes"},         // U+201C left quotation mark
      {"\xE2\x80\xA6", "write three full stops"},                              // U+2026 ellipsis
      {"\xC2\xA0", "this is a no-break space; write an ordinary one"},         // U+00A0
      {"\xEF\xBB\xBF", "remove the byte order mark; AX text is plain UTF-8"},  // U+FEFF
  };
  for (const auto& [bad, advice] : kReplacements) {
    if (text.starts_with(bad)) return advice;
  }
  return {};
}

}  // namespace

std::string_view describe(TokenKind kind) {
  switch (kind) {
    case kEnd:
      return "the end of the file";
    case kTerminator:
      return "the end of the statement";
    case kName:
      return "a name";
    case kInteger:
      return "an integer";
    case kFloat:
      return "a number";
    case kString:
      return "a string";
    default:
      break;
  }
  if (is_reserved_word(kind)) return kWords[static_cast<std::size_t>(kind) - static_cast<std::size_t>(kFirstWord)];
  for (const auto& [text, punctuation] : kPunctuation) {
    if (punctuation == kind) return text;
  }
  return "a token";
}

bool is_reserved_word(TokenKind kind) { return kind >= kFirstWord && kind <= kLastWord; }

std::span<const std::string_view> reserved_words() { return kWords; }

Token Lexer::next() {
  if (pending_) {
    const Token token = *pending_;
    pending_.reset();
    return finish(token);
  }
  const Blank blank = skip_blank();
  const Token token = read_token();
  if (blank.line_break && line_break_ends_statement(token.kind)) {
    pending_ = token;
    previous_ = kTerminator;
    return {kTerminator, {blank.at, blank.at + 1}};
  }
  return finish(token);
}

/// Keeps what the next line break has to know about this token.
Token Lexer::finish(Token token) {
  previous_ = token.kind;
  switch (token.kind) {
    case kLeftParen:
    case kLeftBracket:
      ++open_brackets_;
      break;
    case kRightParen:
    case kRightBracket:
      if (open_brackets_ > 0) --open_brackets_;
      break;
    case kLeftBrace:  // a brace never stands inside brackets, so one that was left open ends here
    case kRightBrace:
      open_brackets_ = 0;
      break;
    default:
      break;
  }
  return token;
}

bool Lexer::line_break_ends_statement(TokenKind following) const {
  if (open_brackets_ > 0) return false;
  switch (following) {
    case kLeftBrace:
    case kArrow:
    case kWhere:
      return false;
    case kElse:
      if (previous_ == kRightBrace) return false;
      break;
    default:
      break;
  }
  switch (previous_) {
    case kTerminator:
    case kAnd:
    case kOr:
    case kNot:
    case kElse:
      return false;
    case kRightParen:
    case kRightBracket:
    case kRightBrace:
    case kEllipsis:
      return true;
    default:
      return previous_ < kLeftParen;  // words and literals; what remains is operators
  }
}

/// Skips blanks and comments; tells whether there was a line break, and where the first one is.
Lexer::Blank Lexer::skip_blank() {
  Blank blank;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n' && !blank.line_break) blank = {true, static_cast<std::uint32_t>(at_)};
    if (is_blank(c)) {
      ++at_;
    } else if (text_.substr(at_).starts_with("//")) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      break;
    }
  }
  return blank;
}

Token Lexer::read_token() {
  while (at_ < text_.size() && !sink_.full()) {
    const auto begin = static_cast<std::uint32_t>(at_);
    if (++tokens_ > syntax::kMaxTokens) {
      refuse(Code::kTooManyTokens, {begin, begin + 1},
             fmt::format("the file has more than {} tokens", syntax::kMaxTokens));
      break;
    }
    const char c = peek();
    if (is_letter(c)) return read_name();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number();
    if (c == '"') return read_string();
    if (c == ';') {
      ++at_;
      return {kTerminator, since(begin)};
    }
    if (const auto token = read_punctuation()) return *token;
    refuse_characters();
    skip_blank();
  }
  at_ = text_.size();
  return {kEnd, {static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(at_)}};
}

Token Lexer::read_name() {
  const auto begin = static_cast<std::uint32_t>(at_);
  while (is_letter(peek()) || is_digit(peek())) ++at_;
  const auto text = text_.substr(begin, at_ - begin);
  const auto word = std::lower_bound(kWords.begin(), kWords.end(), text);
  if (word == kWords.end() || *word != text) return {kName, since(begin)};
  const auto index = static_cast<std::size_t>(word - kWords.begin());
  return {static_cast<TokenKind>(static_cast<std::size_t>(kFirstWord) + index), since(begin)};
}

/// Integers `12`, `0xff`; numbers `1.5`, `1e-5`, `2.`. Takes in whatever letters, digits and points follow, so that
/// `12ab` is one bad number and not a number and a name.
Token Lexer::read_number() {
  const auto begin = static_cast<std::uint32_t>(at_);
  const auto digits = [&] {
    const std::size_t first = at_;
    while (is_digit(peek())) ++at_;
    return at_ > first;
  };
  bool good = true;
  bool integer = true;
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
    at_ += 2;
    good = is_hex_digit(peek());
    while (is_hex_digit(peek())) ++at_;
  } else {
    good = digits();
    if (peek() == '.' && peek(1) != '.') {
      integer = false;
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      integer = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      good = digits() && good;
    }
  }
  if (is_letter(peek()) || is_digit(peek()) || (peek() == '.' && peek(1) != '.')) {
    good = false;
    while (is_letter(peek()) || is_digit(peek()) || peek() == '.') ++at_;
  }
  if (!good) {
    refuse(Code::kBadNumber, since(begin), "this is not a number",
           text_[begin] == '.' ? "write a digit before the point: `0.5`" : "");
  }
  return {integer ? kInteger : kFloat, since(begin)};
}

Token Lexer::read_string() {
  const auto begin = static_cast<std::uint32_t>(at_);
  ++at_;
  while (at_ < text_.size() && peek() != '"' && peek() != '\n') {
    if (peek() == '\\') {
      const auto escape = static_cast<std::uint32_t>(at_);
      ++at_;
      if (std::string_view("\"\\nt").find(peek()) == std::string_view::npos || at_ == text_.size()) {
        refuse(Code::kBadEscape, {escape, escape + 1}, "a string knows the escapes \\\" \\\\ \\n and \\t only",
               "write `\\\\` for a backslash");
        continue;
      }
    }
    ++at_;
  }
  if (peek() != '"') {
    refuse(Code::kUnterminatedString, since(begin), "the string does not end on its line",
           "close it with `\"`; write `\\n` for a line break in it");
    return {kString, since(begin)};
  }
  ++at_;
  return {kString, since(begin)};
}

std::optional<Token> Lexer::read_punctuation() {
  const auto rest = text_.substr(at_);
  for (const auto& [text, kind] : kPunctuation) {
    if (!rest.starts_with(text)) continue;
    const auto begin = static_cast<std::uint32_t>(at_);
    at_ += text.size();
    return Token{kind, since(begin)};
  }
  return std::nullopt;
}

void Lexer::refuse(Code code, Span span, std::string message, std::string_view help) {
  ++refusals_;
  sink_.error(code, span, std::move(message)).help(std::string(help));
}

/// Reports a run of bytes that begin no token as one diagnostic.
void Lexer::refuse_characters() {
  const auto begin = static_cast<std::uint32_t>(at_);
  const auto advice = replacement(text_.substr(at_));
  do {
    ++at_;
  } while (at_ < text_.size() && !is_blank(peek()) && !is_letter(peek()) && !is_digit(peek()) && peek() != '"' &&
           peek() != ';' && !begins_punctuation(text_.substr(at_)));
  refuse(Code::kUnexpectedCharacter, since(begin), "AX programs do not use this character", advice);
}

std::string unescape(std::string_view literal) {
  std::string text;
  for (std::size_t i = 1; i + 1 < literal.size(); ++i) {
    char c = literal[i];
    if (c == '\\') {
      c = literal[++i];
      if (c == 'n') c = '\n';
      if (c == 't') c = '\t';
    }
    text += c;
  }
  return text;
}

std::string quote(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        literal += "\\\"";
        break;
      case '\\':
        literal += "\\\\";
        break;
      case '\n':
        literal += "\\n";
        break;
      case '\t':
        literal += "\\t";
        break;
      default:
        literal += c;
    }
  }
  return literal += '"';
}

}  // namespace aurex::ax
