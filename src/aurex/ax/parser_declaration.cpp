// Kernels, functions and `use`: section 2 of the language.

#include <fmt/format.h>

#include "aurex/ax/parser_state.h"

namespace aurex::ax {

using enum TokenKind;

std::optional<syntax::Declaration> Parser::declaration() {
  const auto begin = here();
  syntax::Declaration result;
  switch (current_.kind) {
    case kKernel:
      result.node = kernel();
      break;
    case kFn:
      result.node = function();
      break;
    case kUse:
      result.node = use();
      break;
    case kFormat:
      result.node = format();
      break;
    case kSchedule:
      result.node = schedule();
      break;
    default:
      fail(Code::kUnexpectedToken, current_.span,
           fmt::format("expected `kernel`, `fn`, `use`, `format` or `schedule`, found {}", found()),
           "statements stand inside a kernel");
  }
  result.span = since(begin);
  return result;
}

syntax::Kernel Parser::kernel() {
  advance();
  syntax::Kernel result;
  result.name = lower_name("the name of the kernel");
  result.params = params();
  if (accept(kArrow)) result.results = results();
  if (accept(kColon)) result.label = lower_name("a label: vector, matrix or spiking");
  if (accept(kWhere)) result.where = where();
  if (accept(kAssign)) {
    result.body = expression();
  } else if (at(kLeftBrace)) {
    result.body = block();
  } else {
    fail_expected("the kernel's body, `{` or `=`");
  }
  return result;
}

std::vector<syntax::Param> Parser::params() {
  const Span open = expect(kLeftParen, "before the parameters").span;
  std::vector<syntax::Param> result;
  if (accept(kRightParen)) return result;
  do {
    result.push_back(param());
  } while (accept(kComma));
  expect_close(kRightParen, open);
  return result;
}

/// `[const | inout] name [: type] [= literal]`.
syntax::Param Parser::param() {
  const auto begin = here();
  syntax::Param result;
  if (accept(kConst)) {
    result.mode = syntax::ParamMode::kConst;
  } else if (accept(kInout)) {
    result.mode = syntax::ParamMode::kInout;
  }
  result.name = lower_name("the name of a parameter");
  if (accept(kColon)) result.type = type();
  if (accept(kAssign)) result.default_value = literal();
  result.span = since(begin);
  return result;
}

std::vector<syntax::Result> Parser::results() {
  const Span open = expect(kLeftParen, "before the results").span;
  std::vector<syntax::Result> result;
  do {
    const auto begin = here();
    syntax::Result one;
    one.name = lower_name("the name of a result");
    expect(kColon, "before the type");
    one.type = type();
    if (accept(kAssign)) one.start = literal();
    one.span = since(begin);
    result.push_back(std::move(one));
  } while (accept(kComma));
  expect_close(kRightParen, open);
  return result;
}

/// `where` clauses: `I = e` defines a dimension, anything else is a condition.
std::vector<syntax::WhereClause> Parser::where() {
  std::vector<syntax::WhereClause> result;
  do {
    const auto begin = here();
    syntax::WhereClause clause;
    if (at(kName) && kind_after() == kAssign) {
      auto dimension = upper_name("the name of a dimension");
      advance();
      clause.node = syntax::WhereDefinition{std::move(dimension), expression()};
    } else {
      clause.node = syntax::WhereCondition{expression()};
    }
    clause.span = since(begin);
    result.push_back(std::move(clause));
  } while (accept(kComma));
  return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Types and shapes

/// `T[R..., C]`, `float`: the type of a parameter or a result.
syntax::TypeExpr Parser::type() { return shaped_type(&Parser::dim); }

/// `f32[R, 2 * C]`: as a parameter's, but extents may be computed and splits have no meaning.
syntax::TypeExpr Parser::scratch_type() { return shaped_type(&Parser::scratch_dim); }

syntax::TypeExpr Parser::shaped_type(syntax::Dim (Parser::*one_dim)()) {
  const auto begin = here();
  syntax::TypeExpr result;
  result.element = type_ref();
  if (at(kLeftBracket)) {
    const Span open = advance().span;
    std::vector<syntax::Dim> shape;
    do {
      shape.push_back((this->*one_dim)());
    } while (accept(kComma));
    expect_close(kRightBracket, open);
    result.shape = std::move(shape);
  }
  result.span = since(begin);
  return result;
}

/// `f32`, `T`, `nf4(32)`, `wide(T)`.
syntax::TypeRef Parser::type_ref() {
  const auto begin = here();
  syntax::TypeRef result;
  result.name = name("a type");
  if (at(kLeftParen)) {
    const Span open = advance().span;
    result.arguments = expressions_until(kRightParen, open);
  }
  result.span = since(begin);
  return result;
}

/// `N`, `R...`, `3`, `(A, B)`.
syntax::Dim Parser::dim() {
  const auto begin = here();
  if (at(kLeftParen)) {
    syntax::Dim split;
    split.kind = syntax::Dim::Kind::kSplit;
    const Span open = advance().span;
    split.parts.push_back(dim_part());
    expect(kComma, "between the two parts of a split dimension");
    do {
      split.parts.push_back(dim_part());
    } while (accept(kComma));
    expect_close(kRightParen, open);
    split.span = since(begin);
    return split;
  }
  auto result = dim_part();
  if (result.kind == syntax::Dim::Kind::kName && accept(kEllipsis)) {
    result.kind = syntax::Dim::Kind::kPack;
    result.span = since(begin);
  }
  return result;
}

/// `N` or `3`.
syntax::Dim Parser::dim_part() {
  syntax::Dim result;
  result.span = current_.span;
  if (at(kInteger)) {
    result.kind = syntax::Dim::Kind::kLiteral;
    result.literal = integer(advance());
    return result;
  }
  if (at(kColon)) fail(Code::kSlice, current_.span, "there are no slices", "give the dimension a name");
  result.kind = syntax::Dim::Kind::kName;
  result.name = upper_name("a dimension").text;
  return result;
}

/// A dimension, a pack, or any integer expression.
syntax::Dim Parser::scratch_dim() {
  if (at(kName) && kind_after() == kEllipsis) return dim();
  syntax::Dim result;
  auto extent = expression();
  result.span = extent->span;
  if (const auto* literal = std::get_if<syntax::IntLiteral>(&extent->node)) {
    result.kind = syntax::Dim::Kind::kLiteral;
    result.literal = literal->value;
  } else if (auto* named = std::get_if<syntax::NameExpr>(&extent->node); named && syntax::is_upper(named->name)) {
    result.kind = syntax::Dim::Kind::kName;
    result.name = std::move(named->name);
  } else {
    result.kind = syntax::Dim::Kind::kExtent;
    result.extent = std::move(extent);
  }
  return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Functions

syntax::Function Parser::function() {
  advance();
  syntax::Function result;
  result.name = lower_name("the name of the function");
  const Span open = expect(kLeftParen, "before the parameters").span;
  do {
    syntax::FnParam parameter;
    parameter.name = name("the name of a parameter");
    if (accept(kColon)) parameter.register_type = lower_name("a register type");
    result.params.push_back(std::move(parameter));
  } while (accept(kComma));
  expect_close(kRightParen, open);
  if (accept(kAssign)) {
    result.result = expression();
  } else {
    function_block(result);
  }
  return result;
}

/// `{ let a = …; let b = …; value }`.
void Parser::function_block(syntax::Function& function) {
  const Span open = expect(kLeftBrace, "or `=` before the value").span;
  function.block_form = true;
  for (skip_terminators(); at(kLet); skip_terminators()) {
    advance();
    auto variable = lower_name("the name of a value");
    expect(kAssign, "after the name");
    function.lets.push_back({std::move(variable), expression()});
    end_statement();
  }
  if (at(kRightBrace)) {
    fail(Code::kFunctionWithoutValue, current_.span, fmt::format("`{}` ends without a value", function.name.text),
         "the last line of a function is its value, without `return`");
  }
  if (current_.kind == kVar || current_.kind == kFor || current_.kind == kWhile || current_.kind == kIf ||
      current_.kind == kParallel || current_.kind == kScratch || current_.kind == kAssert || current_.kind == kPrint) {
    fail(Code::kStatementInFunction, current_.span, fmt::format("{} cannot stand in a function", found()),
         "a function is `let` lines and a value; `c ? a : b` chooses");
  }
  function.result = expression();
  end_statement();
  skip_terminators();
  if (accept(kRightBrace)) return;
  fail(Code::kUnclosed, current_.span, fmt::format("expected `}}` behind the value, found {}", found()), {},
       Note{open, "the brace that is open here"});
}

syntax::Use Parser::use() {
  advance();
  const Token path = expect(kString, "with the path of a file");
  return {unescape(source_.text(path.span)), path.span};
}

}  // namespace aurex::ax
