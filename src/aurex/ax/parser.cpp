#include "aurex/ax/parser.h"

#include <fmt/format.h>

#include "aurex/ax/parser_state.h"

namespace aurex::ax {

using enum TokenKind;

namespace {

/// "`->`" for what is spelled one way, "a name" for what is not.
std::string described(TokenKind kind) {
  const auto text = describe(kind);
  return kind <= kString ? std::string(text) : fmt::format("`{}`", text);
}

bool begins_statement(TokenKind kind) {
  switch (kind) {
    case kParallel:
    case kFor:
    case kWhile:
    case kIf:
    case kLet:
    case kVar:
    case kScratch:
    case kAssert:
    case kPrint:
      return true;
    default:
      return false;
  }
}

}  // namespace

ParseResult parse(const Source& source, DiagnosticSink& sink) {
  ParseResult result;
  if (source.text().size() > kMaxSourceBytes) {
    sink.error(Code::kSourceTooLong, {0, 0},
               fmt::format("the file has {} bytes; AX reads at most {}", source.text().size(), kMaxSourceBytes));
    return result;
  }
  const std::size_t before = sink.error_count();
  result.module = Parser(source, sink).module();
  result.ok = sink.error_count() == before && !sink.full();  // a full sink ends the text early
  return result;
}

syntax::Module Parser::module() {
  syntax::Module result;
  for (skip_terminators(); !at(kEnd); skip_terminators()) {
    try {
      if (auto next = declaration()) result.declarations.push_back(std::move(*next));
      end_statement();
    } catch (const Recover&) {
      skip_declaration();
    }
  }
  return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Tokens

Parser::Level::Level(Parser& parser, int& depth) : depth_(depth) {
  if (depth_ >= syntax::kMaxDepth) {
    parser.fail(Code::kTooDeep, parser.current_.span, fmt::format("more than {} levels of nesting", syntax::kMaxDepth),
                "give a name to an inner part with `let`");
  }
  ++depth_;
}

bool Parser::at_word(std::string_view word) const { return at(kName) && source_.text(current_.span) == word; }

/// The kind of the token behind the current one.
TokenKind Parser::kind_after() {
  if (!after_) after_ = lexer_.next();
  return after_->kind;
}

Token Parser::advance() {
  const Token token = current_;
  previous_ = token.span;
  previous_kind_ = token.kind;
  current_ = after_ ? *after_ : lexer_.next();
  after_.reset();
  return token;
}

bool Parser::accept(TokenKind kind) {
  if (!at(kind)) return false;
  advance();
  return true;
}

/// The token, or a failure that says what it would have been for: expect(kColon, "before the type").
Token Parser::expect(TokenKind kind, std::string_view purpose) {
  if (at(kind)) return advance();
  fail_expected(fmt::format("{} {}", described(kind), purpose));
}

void Parser::expect_close(TokenKind kind, Span open) {
  if (accept(kind)) return;
  fail(Code::kUnclosed, current_.span, fmt::format("expected `{}` or `,`, found {}", describe(kind), found()), {},
       Note{open, "the bracket that is open here"});
}

/// What stands at the current place, for a message.
std::string Parser::found() const {
  switch (current_.kind) {
    case kTerminator:
      return source_.text(current_.span) == ";" ? "`;`" : "the end of the line";
    case kEnd:
      return "the end of the file";
    case kString:
      return "a string";
    default:
      return fmt::format("`{}`", source_.text(current_.span).substr(0, 40));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Errors and recovery

/// Reports and recovers. Text that the lexer refused in this statement has its diagnostic already; what follows from it
/// is not said.
void Parser::fail(Code code, Span span, std::string message, std::string help, std::optional<Note> note) {
  if (lexer_.refusals() == refusals_seen_) {
    auto& diagnostic = sink_.error(code, span, std::move(message)).help(std::move(help));
    if (note) diagnostic.note(note->span, std::move(note->text));
  }
  refusals_seen_ = lexer_.refusals();
  throw Recover{};
}

void Parser::fail_expected(std::string_view what) {
  fail(Code::kUnexpectedToken, current_.span, fmt::format("expected {}, found {}", what, found()));
}

/// At a word that begins a declaration, where one can begin: at the start of a line, or behind `}` or `;`. After an
/// error the line break may have been swallowed by an open bracket, so the text is asked.
bool Parser::at_declaration() const {
  if (!at(kKernel) && !at(kFormat) && !at(kSchedule) && !at(kUse)) return false;
  if (previous_kind_ == kTerminator || previous_kind_ == kRightBrace) return true;
  const auto before = source_.text().substr(0, current_.span.begin);
  const auto last = before.find_last_not_of(" \t\r");
  return last == std::string_view::npos || before[last] == '\n';
}

/// Skips to the end of the statement, or to a word that begins another one.
void Parser::skip_statement() {
  lexer_.forget_brackets();
  int open_braces = 0;
  while (!at(kEnd) && !at_declaration()) {
    if (open_braces == 0 && (at(kTerminator) || at(kRightBrace) || begins_statement(current_.kind))) return;
    if (at(kLeftBrace)) ++open_braces;
    if (at(kRightBrace)) --open_braces;
    advance();
  }
}

void Parser::skip_declaration() {
  lexer_.forget_brackets();
  int open_braces = 0;
  while (!at(kEnd) && !at_declaration() && !(at(kFn) && open_braces == 0)) {
    if (at(kLeftBrace)) ++open_braces;
    if (at(kRightBrace) && open_braces > 0) --open_braces;
    advance();
  }
}

void Parser::skip_terminators() {
  while (accept(kTerminator)) {
  }
}

/// A line break or `;` ends a statement; `}` behind it, or at its own end, does too.
void Parser::end_statement() {
  if (at(kTerminator) || at(kRightBrace) || at(kEnd) || previous_kind_ == kRightBrace) {
    refusals_seen_ = lexer_.refusals();
    return;
  }
  std::string help;
  if (at(kAssign)) help = "a comparison is written `==`";
  if (source_.text(previous_) == "return") help = "the last line of a function is its value, without `return`";
  if (at(kElse)) help = "`else` gives the value outside the array and stands right behind an index: `x[i] else 0`";
  fail(Code::kUnexpectedToken, current_.span, fmt::format("expected the end of the statement, found {}", found()),
       std::move(help));
}

// ---------------------------------------------------------------------------------------------------------------------
// Names

syntax::Name Parser::name(std::string_view what) {
  if (is_reserved_word(current_.kind)) {
    fail(Code::kReservedWord, current_.span,
         fmt::format("expected {}, and {} is a word of the language", what, found()), "choose another name");
  }
  if (!at(kName)) fail_expected(what);
  const Token token = advance();
  return {text(token), token.span};
}

syntax::Name Parser::lower_name(std::string_view what) {
  auto result = name(what);
  if (syntax::is_upper(result.text)) {
    sink_
        .error(Code::kNameCase, result.span,
               fmt::format("expected {}, and `{}` begins with a capital", what, result.text))
        .help("capitals are for dimensions and storage type variables");
  }
  return result;
}

syntax::Name Parser::upper_name(std::string_view what) {
  auto result = name(what);
  if (!syntax::is_upper(result.text)) {
    sink_
        .error(Code::kNameCase, result.span,
               fmt::format("expected {}, and `{}` does not begin with a capital", what, result.text))
        .help("dimensions begin with a capital");
  }
  return result;
}

}  // namespace aurex::ax
