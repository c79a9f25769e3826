// Expressions: precedence climbing over the table of rule 31.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "aurex/ax/parser_state.h"
#include "aurex/ax/precedence.h"

namespace aurex::ax {

using enum TokenKind;
using syntax::BinaryOp;
using syntax::ExprPtr;
using syntax::UnaryOp;

namespace {

std::optional<BinaryOp> binary_op(TokenKind kind) {
  switch (kind) {
    case kOr:
      return BinaryOp::kOr;
    case kAnd:
      return BinaryOp::kAnd;
    case kEqual:
      return BinaryOp::kEqual;
    case kNotEqual:
      return BinaryOp::kNotEqual;
    case kLess:
      return BinaryOp::kLess;
    case kLessEqual:
      return BinaryOp::kLessEqual;
    case kGreater:
      return BinaryOp::kGreater;
    case kGreaterEqual:
      return BinaryOp::kGreaterEqual;
    case kPipe:
      return BinaryOp::kBitOr;
    case kCaret:
      return BinaryOp::kBitXor;
    case kAmpersand:
      return BinaryOp::kBitAnd;
    case kShiftLeft:
      return BinaryOp::kShiftLeft;
    case kShiftRight:
      return BinaryOp::kShiftRight;
    case kPlus:
      return BinaryOp::kAdd;
    case kMinus:
      return BinaryOp::kSubtract;
    case kStar:
      return BinaryOp::kMultiply;
    case kSlash:
      return BinaryOp::kDivide;
    case kPercent:
      return BinaryOp::kRemainder;
    default:
      return std::nullopt;
  }
}

/// The tallest child of a node.
struct ChildHeight {
  int tallest = 0;

  void add(const ExprPtr& child) { tallest = std::max<int>(tallest, child->height); }

  void operator()(const syntax::Unary& node) { add(node.operand); }
  void operator()(const syntax::Binary& node) { add(node.left), add(node.right); }
  void operator()(const syntax::Conditional& node) { add(node.condition), add(node.yes), add(node.no); }
  void operator()(const syntax::Call& node) {
    for (const auto& argument : node.arguments) add(argument);
  }
  void operator()(const syntax::Index& node) {
    add(node.base);
    for (const auto& item : node.items) add(item.value);
  }
  void operator()(const syntax::Reindex& node) {
    add(node.base);
    for (const auto& binding : node.bindings) add(binding.position);
  }
  void operator()(const syntax::Otherwise& node) { add(node.access), add(node.fallback); }
  template <typename Leaf>
  void operator()(const Leaf&) {}
};

/// What to write instead of an operator that other languages have.
std::string_view advice(TokenKind previous, TokenKind found) {
  if (found == kPlus) return "there is no unary plus";
  if (previous == kAmpersand && found == kAmpersand) return "write `and`";
  if (previous == kPipe && found == kPipe) return "write `or`";
  if (previous == kStar && found == kStar) return "write `pow(x, y)`";
  if (previous == kSlash && found == kAssign) return "write `v = v / …`";
  return {};
}

}  // namespace

template <typename Node>
ExprPtr Parser::make(Span span, Node node) {
  ChildHeight children;
  children(node);
  if (children.tallest >= syntax::kMaxDepth) {
    fail(Code::kTooDeep, span, fmt::format("the expression has more than {} levels", syntax::kMaxDepth),
         "give a name to a part of it with `let`");
  }
  auto expr = std::make_unique<syntax::Expr>();
  expr->span = span;
  expr->height = static_cast<std::uint16_t>(children.tallest + 1);
  expr->node = std::move(node);
  return expr;
}

/// condition ? yes : no, or anything tighter.
ExprPtr Parser::expression() {
  const Level level(*this, expression_depth_);
  const auto begin = here();
  ExprPtr condition = binary(kLoosestBinary);
  if (!accept(kQuestion)) return condition;
  ExprPtr yes = expression();
  expect(kColon, "between the two values of `?:`");
  ExprPtr no = expression();
  return make(since(begin), syntax::Conditional{std::move(condition), std::move(yes), std::move(no)});
}

/// Operands joined by operators that bind at least as tight as `loosest`.
ExprPtr Parser::binary(int loosest) {
  const auto begin = here();
  ExprPtr left = at(kNot) && loosest <= kNotPrecedence ? negation() : unary();
  for (;;) {
    const auto op = binary_op(current_.kind);
    if (!op || precedence(*op) < loosest) return left;
    advance();
    ExprPtr right = binary(precedence(*op) + 1);
    left = make(since(begin), syntax::Binary{*op, std::move(left), std::move(right)});
    const auto next = binary_op(current_.kind);
    if (next && is_comparison(*op) && is_comparison(*next)) {
      fail(Code::kChainedComparison, current_.span, "comparisons do not chain", "write `a < b and b < c`");
    }
  }
}

ExprPtr Parser::negation() {
  const Level level(*this, expression_depth_);
  const auto begin = advance().span.begin;
  ExprPtr operand = binary(kNotPrecedence);
  return make(since(begin), syntax::Unary{UnaryOp::kNot, std::move(operand)});
}

ExprPtr Parser::unary() {
  if (at(kNot)) {
    fail(Code::kLooseNot, current_.span, "`not` binds looser than the operator before it",
         "put it in parentheses: `(not a)`");
  }
  if (!at(kMinus) && !at(kTilde)) return postfix();
  const Level level(*this, expression_depth_);
  const Token token = advance();
  ExprPtr operand = unary();
  const UnaryOp op = token.kind == kMinus ? UnaryOp::kNegate : UnaryOp::kBitNot;
  return make(since(token.span.begin), syntax::Unary{op, std::move(operand)});
}

ExprPtr Parser::postfix() {
  const auto begin = here();
  ExprPtr result = primary();
  while (at(kLeftBracket)) {
    result = index(std::move(result));
    result->span.begin = begin;
    if (!accept(kElse)) continue;
    const Level level(*this, expression_depth_);
    ExprPtr fallback = unary();
    return make(since(begin), syntax::Otherwise{std::move(result), std::move(fallback)});
  }
  return result;
}

ExprPtr Parser::primary() {
  switch (current_.kind) {
    case kInteger: {
      const Token token = advance();
      const auto written = source_.text(token.span);
      const bool hexadecimal = written.starts_with("0x") || written.starts_with("0X");
      return make(token.span, syntax::IntLiteral{integer(token), hexadecimal});
    }
    case kFloat: {
      const Token token = advance();
      return make(token.span, syntax::FloatLiteral{number(token)});
    }
    case kTrue:
    case kFalse: {
      const Token token = advance();
      return make(token.span, syntax::BoolLiteral{token.kind == kTrue});
    }
    case kLeftParen: {
      const Span open = advance().span;
      ExprPtr inner = expression();
      expect_close(kRightParen, open);
      return inner;
    }
    case kName:
      return name_or_call();
    case kUnique:
      fail(Code::kMisplacedUnique, current_.span, "`unique` belongs into the index of a store",
           "write it on the left of `=`: `cache[unique slot[n], D] = …`");
    default:
      break;
  }
  fail(Code::kUnexpectedToken, current_.span, fmt::format("expected an expression, found {}", found()),
       std::string(advice(previous_kind_, current_.kind)));
}

/// A name, a call, or `target.feature`.
ExprPtr Parser::name_or_call() {
  const bool target = at_word("target") && kind_after() == kDot;
  const Token token = advance();
  if (target) {
    advance();
    auto feature = lower_name("a feature of the target");
    return make(since(token.span.begin), syntax::TargetFeature{std::move(feature)});
  }
  if (at(kEllipsis)) {
    fail(Code::kUnexpectedToken, current_.span, "expected the name of the pack alone, found `...`",
         "the dots stand where the pack is declared, in the signature");
  }
  if (!at(kLeftParen)) return make(token.span, syntax::NameExpr{text(token)});
  const Span open = advance().span;
  auto arguments = expressions_until(kRightParen, open);
  return make(since(token.span.begin), syntax::Call{{text(token), token.span}, std::move(arguments)});
}

/// One or more expressions and the closing bracket.
std::vector<ExprPtr> Parser::expressions_until(TokenKind close, Span open) {
  std::vector<ExprPtr> list;
  do {
    list.push_back(expression());
  } while (accept(kComma));
  expect_close(close, open);
  return list;
}

/// `[positions]` or `[axis = position, …]` behind `base`.
ExprPtr Parser::index(ExprPtr base) {
  const auto begin = base->span.begin;
  const Span open = advance().span;
  if (at(kName) && kind_after() == kAssign) return reindex(std::move(base), open);
  std::vector<syntax::IndexItem> items;
  do {
    items.push_back({index_position(), false});
  } while (accept(kComma));
  expect_close(kRightBracket, open);
  return make(since(begin), syntax::Index{std::move(base), std::move(items)});
}

ExprPtr Parser::reindex(ExprPtr base, Span open) {
  const auto begin = base->span.begin;
  std::vector<syntax::AxisBinding> bindings;
  do {
    if (!at(kName) || kind_after() != kAssign) {
      fail(Code::kMixedIndices, current_.span, "positions by name and by place do not mix in one index",
           "write `axis = position` for each");
    }
    auto axis = name("the name of an axis");
    advance();
    bindings.push_back({std::move(axis), expression()});
  } while (accept(kComma));
  expect_close(kRightBracket, open);
  return make(since(begin), syntax::Reindex{std::move(base), std::move(bindings)});
}

/// One position of an index by place.
ExprPtr Parser::index_position() {
  if (at(kName) && kind_after() == kAssign) {
    fail(Code::kMixedIndices, current_.span, "positions by name and by place do not mix in one index",
         "name every axis, or none");
  }
  ExprPtr position = at(kColon) ? nullptr : expression();
  if (at(kColon)) {
    fail(Code::kSlice, current_.span, "there are no slices", "a dimension as an index is the whole axis: `x[r, C]`");
  }
  return position;
}

/// A default or start value: a number, true or false, or the name of a constant; a number or constant may be negated.
ExprPtr Parser::literal() {
  const auto begin = here();
  const bool negative = accept(kMinus);
  const bool truth = !negative && (at(kTrue) || at(kFalse));
  if (!truth && !at(kInteger) && !at(kFloat) && !at(kName)) {
    fail(Code::kUnexpectedToken, current_.span, fmt::format("expected a literal, found {}", found()));
  }
  ExprPtr value = at(kName) ? nullptr : primary();
  if (!value) {
    auto constant = lower_name("the name of a constant");
    value = make(constant.span, syntax::NameExpr{std::move(constant.text)});
  }
  if (!negative) return value;
  return make(since(begin), syntax::Unary{UnaryOp::kNegate, std::move(value)});
}

/// The value of a kInteger token. Digits that the lexer refused give 0.
std::uint64_t Parser::integer(Token token) {
  auto digits = source_.text(token.span);
  const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
  if (hexadecimal) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  if (error == std::errc::result_out_of_range) {
    sink_.error(Code::kNumberTooLarge, token.span, "the integer does not fit into 64 bits");
  }
  return value;
}

/// The value of a kFloat token.
double Parser::number(Token token) {
  const auto digits = source_.text(token.span);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    sink_.error(Code::kNumberTooLarge, token.span, "the number is outside the range of f64")
        .help("write `inf` for infinity, `0.0` for a number that is too small");
  }
  return value;
}

}  // namespace aurex::ax
