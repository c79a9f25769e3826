#pragma once

// Inside the parser: recursive descent over two tokens of look-ahead. Private to parser*.cpp.
//
// Every rule of the grammar is one function that leaves the parser behind what it read. A rule that cannot go on
// reports and throws Recover; statements, format items and declarations catch it, skip to where the next one begins,
// and go on. Recursion is bounded by Level, the height of an expression by make().

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aurex/ax/lexer.h"
#include "aurex/ax/parser.h"
#include "aurex/ax/syntax.h"

namespace aurex::ax {

class Parser {
 public:
  Parser(const Source& source, DiagnosticSink& sink) : source_(source), sink_(sink), lexer_(source, sink) {
    current_ = lexer_.next();
  }

  syntax::Module module();

 private:
  /// Thrown after a report; never leaves parse().
  struct Recover : std::exception {};

  /// Counts one level of nesting while it lives, and refuses too many.
  class Level {
   public:
    Level(Parser& parser, int& depth);
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  // Tokens (parser.cpp).
  [[nodiscard]] bool at(TokenKind kind) const { return current_.kind == kind; }
  [[nodiscard]] bool at_word(std::string_view word) const;
  [[nodiscard]] TokenKind kind_after();
  Token advance();
  bool accept(TokenKind kind);
  Token expect(TokenKind kind, std::string_view purpose);
  void expect_close(TokenKind kind, Span open);
  [[nodiscard]] std::string found() const;
  [[nodiscard]] std::string text(Token token) const { return std::string(source_.text(token.span)); }
  [[nodiscard]] Span since(std::uint32_t begin) const { return {begin, previous_.end}; }
  [[nodiscard]] std::uint32_t here() const { return current_.span.begin; }

  // Errors and recovery (parser.cpp).
  [[noreturn]] void fail(Code code, Span span, std::string message, std::string help = {},
                         std::optional<Note> note = std::nullopt);
  [[noreturn]] void fail_expected(std::string_view what);
  void skip_statement();
  void skip_declaration();
  void skip_terminators();
  void end_statement();
  [[nodiscard]] bool at_declaration() const;

  // Names (parser.cpp).
  syntax::Name name(std::string_view what);
  syntax::Name lower_name(std::string_view what);
  syntax::Name upper_name(std::string_view what);

  // Expressions (parser_expression.cpp).
  template <typename Node>
  syntax::ExprPtr make(Span span, Node node);
  syntax::ExprPtr expression();
  syntax::ExprPtr binary(int loosest);
  syntax::ExprPtr negation();
  syntax::ExprPtr unary();
  syntax::ExprPtr postfix();
  syntax::ExprPtr primary();
  syntax::ExprPtr name_or_call();
  syntax::ExprPtr index(syntax::ExprPtr base);
  syntax::ExprPtr reindex(syntax::ExprPtr base, Span open);
  syntax::ExprPtr index_position();
  syntax::ExprPtr literal();
  std::uint64_t integer(Token token);
  double number(Token token);
  std::vector<syntax::ExprPtr> expressions_until(TokenKind close, Span open);

  // Statements (parser_statement.cpp).
  syntax::Block block();
  syntax::Stmt statement();
  syntax::Parallel parallel_statement();
  syntax::For for_statement();
  syntax::While while_statement();
  syntax::If if_statement();
  std::variant<syntax::Let, syntax::LetAxis> let_statement();
  syntax::Var var_statement();
  syntax::Assign assignment();
  syntax::AssignOp assign_op();
  std::vector<syntax::IndexItem> store_indices();
  syntax::Scratch scratch_statement();
  syntax::Assert assert_statement();
  syntax::Print print_statement();
  syntax::AxisClause axis_clause();
  bool by_one();
  [[noreturn]] void refuse_statement();

  // Declarations (parser_declaration.cpp).
  std::optional<syntax::Declaration> declaration();
  syntax::Kernel kernel();
  std::vector<syntax::Param> params();
  syntax::Param param();
  std::vector<syntax::Result> results();
  std::vector<syntax::WhereClause> where();
  syntax::TypeExpr type();
  syntax::TypeExpr scratch_type();
  syntax::TypeExpr shaped_type(syntax::Dim (Parser::*one_dim)());  // both, by the form of an extent
  syntax::TypeRef type_ref();
  syntax::Dim dim();
  syntax::Dim dim_part();
  syntax::Dim scratch_dim();
  syntax::Function function();
  void function_block(syntax::Function& function);
  syntax::Use use();

  // Formats and schedules (parser_format.cpp).
  syntax::Format format();
  std::vector<syntax::NamedExtent> format_params();
  std::vector<syntax::FormatItem> format_items(bool inside_part);
  syntax::FormatItem format_item(bool inside_part);
  syntax::FormatBlock format_block();
  syntax::FormatField format_field();
  syntax::FormatTable format_table();
  syntax::NamedExtent named_extent(std::string_view what);
  syntax::Schedule schedule();
  syntax::ScheduleEntry schedule_entry();

  const Source& source_;
  DiagnosticSink& sink_;
  Lexer lexer_;
  Token current_;
  std::optional<Token> after_;  // read ahead of current_ where a rule asked
  Span previous_;               // of the token read last
  TokenKind previous_kind_ = TokenKind::kTerminator;
  std::size_t refusals_seen_ = 0;  // of the lexer, before this statement
  int expression_depth_ = 0;
  int statement_depth_ = 0;
};

}  // namespace aurex::ax
