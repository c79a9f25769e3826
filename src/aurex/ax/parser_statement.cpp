// Statements, section 3 of the language.

#include <fmt/format.h>

#include "aurex/ax/parser_state.h"

namespace aurex::ax {

using enum TokenKind;
using syntax::AssignOp;

/// `{ statements }`. Errors within stay within.
syntax::Block Parser::block() {
  const Level level(*this, statement_depth_);
  const Span open = expect(kLeftBrace, "before the statements").span;
  syntax::Block result;
  for (skip_terminators(); !at(kRightBrace); skip_terminators()) {
    if (at(kEnd) || at_declaration()) {
      fail(Code::kUnclosed, current_.span, fmt::format("expected `}}`, found {}", found()), {},
           Note{open, "the brace that is open here"});
    }
    try {
      result.statements.push_back(statement());
      end_statement();
    } catch (const Recover&) {
      skip_statement();
    }
  }
  advance();
  result.span = since(open.begin);
  return result;
}

syntax::Stmt Parser::statement() {
  const auto begin = here();
  syntax::Stmt result;
  switch (current_.kind) {
    case kParallel:
      result.node = parallel_statement();
      break;
    case kFor:
      result.node = for_statement();
      break;
    case kWhile:
      result.node = while_statement();
      break;
    case kIf:
      result.node = if_statement();
      break;
    case kLet:
      std::visit([&]<typename Let>(Let&& let) { result.node = std::forward<Let>(let); }, let_statement());
      break;
    case kVar:
      result.node = var_statement();
      break;
    case kScratch:
      result.node = scratch_statement();
      break;
    case kAssert:
      result.node = assert_statement();
      break;
    case kPrint:
      result.node = print_statement();
      break;
    case kName:
      result.node = assignment();
      break;
    default:
      refuse_statement();
  }
  result.span = since(begin);
  return result;
}

/// Says why a statement cannot begin with the current token.
void Parser::refuse_statement() {
  if (current_.kind >= kQuestion || at(kAnd) || at(kOr)) {
    fail(Code::kLineStartsWithOperator, current_.span, fmt::format("a statement cannot begin with {}", found()),
         "the line break before it ended the statement; put the operator at the end of the line above");
  }
  if (at(kElse)) fail(Code::kUnexpectedToken, current_.span, "`else` without an `if` before it");
  if (at(kUnique) || at(kConst) || at(kInout) || is_reserved_word(current_.kind)) {
    fail(Code::kReservedWord, current_.span, fmt::format("a statement cannot begin with {}", found()));
  }
  fail_expected("a statement");
}

syntax::Parallel Parser::parallel_statement() {
  advance();
  syntax::Parallel result;
  do {
    auto axis = axis_clause();
    axis.by_one = by_one();
    result.axes.push_back(std::move(axis));
  } while (accept(kComma));
  result.body = block();
  return result;
}

syntax::For Parser::for_statement() {
  advance();
  syntax::For result;
  result.axis = axis_clause();
  if (accept(kFrom)) result.from = expression();
  if (accept(kUntil)) result.until = expression();
  result.axis.by_one = by_one();
  result.body = block();
  return result;
}

/// `v in D`.
syntax::AxisClause Parser::axis_clause() {
  syntax::AxisClause result;
  result.variable = lower_name("the name of a variable");
  expect(kIn, "between the variable and the dimension it runs over");
  result.domain = expression();
  return result;
}

/// `by 1`, or nothing.
bool Parser::by_one() {
  if (!accept(kBy)) return false;
  const Span span = current_.span;
  const auto step = expression();
  const auto* literal = std::get_if<syntax::IntLiteral>(&step->node);
  if (literal == nullptr || literal->value != 1) {
    sink_.error(Code::kStepNotOne, span, "`by` takes only 1")
        .help("`by 1` makes the variable a scalar; without `by` it is an axis whose tile size no program can see");
  }
  return true;
}

syntax::While Parser::while_statement() {
  advance();
  syntax::While result;
  result.condition = expression();
  result.body = block();
  return result;
}

syntax::If Parser::if_statement() {
  advance();
  syntax::If result;
  result.condition = expression();
  result.then = block();
  if (!accept(kElse)) return result;
  if (!at(kIf)) {
    result.otherwise = block();
    return result;
  }
  const Level level(*this, statement_depth_);  // a chain of `else if` is a nest in the tree
  const auto begin = here();
  syntax::Stmt inner;
  inner.node = if_statement();
  inner.span = since(begin);
  syntax::Block otherwise;
  otherwise.span = inner.span;
  otherwise.statements.push_back(std::move(inner));
  result.otherwise = std::move(otherwise);
  return result;
}

std::variant<syntax::Let, syntax::LetAxis> Parser::let_statement() {
  advance();
  auto variable = lower_name("the name of a value");
  if (accept(kIn)) return syntax::LetAxis{std::move(variable), expression()};
  expect(kAssign, "or `in` after the name");
  return syntax::Let{std::move(variable), expression()};
}

syntax::Var Parser::var_statement() {
  advance();
  syntax::Var result;
  result.name = lower_name("the name of a variable");
  if (at(kLeftBracket)) {
    const Span open = advance().span;
    do {
      result.axes.push_back(name("the name of an axis"));
    } while (accept(kComma));
    expect_close(kRightBracket, open);
  }
  expect(kAssign, "and a first value");
  result.initial = expression();
  return result;
}

/// `target = e`, `target[indices] += e`.
syntax::Assign Parser::assignment() {
  syntax::Assign result;
  result.target = lower_name("the name of a variable or a result");
  if (at(kLeftBracket)) result.indices = store_indices();
  result.op = assign_op();
  result.value = expression();
  return result;
}

syntax::AssignOp Parser::assign_op() {
  AssignOp op{};
  switch (current_.kind) {
    case kAssign:
      op = AssignOp::kSet;
      break;
    case kPlusAssign:
      op = AssignOp::kAdd;
      break;
    case kMinusAssign:
      op = AssignOp::kSubtract;
      break;
    case kStarAssign:
      op = AssignOp::kMultiply;
      break;
    default:
      if (!at_word("max") && !at_word("min")) {
        fail(Code::kUselessValue, current_.span, fmt::format("expected `=` or another assignment, found {}", found()),
             "a statement that is only a value does nothing: name it with `let`, or store it");
      }
      op = at_word("max") ? AssignOp::kMax : AssignOp::kMin;
      advance();
      expect(kAssign, "to complete `max=` or `min=`");
      return op;
  }
  advance();
  return op;
}

std::vector<syntax::IndexItem> Parser::store_indices() {
  const Span open = advance().span;
  std::vector<syntax::IndexItem> result;
  do {
    const bool unique = accept(kUnique);
    result.push_back({index_position(), unique});
  } while (accept(kComma));
  expect_close(kRightBracket, open);
  return result;
}

syntax::Scratch Parser::scratch_statement() {
  advance();
  syntax::Scratch result;
  result.name = lower_name("the name of an array");
  expect(kColon, "before the type");
  result.type = scratch_type();
  return result;
}

syntax::Assert Parser::assert_statement() {
  advance();
  syntax::Assert result;
  result.condition = expression();
  if (accept(kComma)) result.message = unescape(source_.text(expect(kString, "that says what is wrong").span));
  return result;
}

syntax::Print Parser::print_statement() {
  advance();
  const Span open = expect(kLeftParen, "before the value").span;
  syntax::Print result{expression()};
  expect_close(kRightParen, open);
  return result;
}

}  // namespace aurex::ax
