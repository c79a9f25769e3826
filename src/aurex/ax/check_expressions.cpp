// Expressions (rules 25, 26, 31, 32): literals, names, operators, and how types meet.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

constexpr std::size_t kMaxWork = 500'000;  // expressions looked at in one pass, inlined ones included
constexpr int kMaxHeight = 600;            // nested expressions, through inlined functions

/// A counter that falls again when its scope ends.
class Level {
 public:
  explicit Level(int& depth) : depth_(depth) { ++depth_; }
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  int& depth_;
};

bool fits(std::int64_t value, RegType type, bool pattern) {
  switch (type) {
    case RegType::kI32:
      return value >= std::numeric_limits<std::int32_t>::min() &&
             value <= (pattern ? std::int64_t{0xffffffff} : std::int64_t{std::numeric_limits<std::int32_t>::max()});
    case RegType::kU32:
      return value >= 0 && value <= std::int64_t{0xffffffff};
    case RegType::kU64:
      return value >= 0 || pattern;
    default:
      return true;
  }
}

bool keeps_type(Op op) {
  return op == Op::kAdd || op == Op::kSub || op == Op::kMul || op == Op::kDiv || op == Op::kNeg || op == Op::kAbs ||
         op == Op::kMin || op == Op::kMax;
}

}  // namespace

ValueId Specializer::checked(ValueId id, Span span) {
  if (id == kNone) {
    refuse(Code::kTooManyValues, span, "the kernel computes more than " + std::to_string(kMaxValues) + " values",
           "split it into several kernels");
  }
  return id;
}

Typed Specializer::eval(const syntax::Expr& expr) {
  const Level level(depth_);
  if (++work_ > kMaxWork || depth_ > kMaxHeight) {
    refuse(Code::kTooManyValues, expr.span, "the kernel is too large once its functions are inlined",
           "split it into several kernels");
  }
  const Span span = expr.span;
  Typed result;
  if (const auto* node = std::get_if<syntax::IntLiteral>(&expr.node)) {
    if (node->value > std::uint64_t{INT64_MAX} && !node->hexadecimal) {
      refuse(Code::kLiteralRange, span, "the integer is larger than 2^63 - 1", "write bit patterns in hexadecimal");
    }
    result = {builder_.integer(static_cast<std::int64_t>(node->value), RegType::kI64, place(span)), 0, true,
              node->hexadecimal};
  } else if (const auto* real = std::get_if<syntax::FloatLiteral>(&expr.node)) {
    result = {builder_.number(real->value, RegType::kF64, place(span)), 0, true};
  } else if (const auto* truth = std::get_if<syntax::BoolLiteral>(&expr.node)) {
    result = {builder_.boolean(truth->value, place(span))};
  } else if (const auto* name = std::get_if<syntax::NameExpr>(&expr.node)) {
    result = eval_name(name->name, span);
  } else if (const auto* target = std::get_if<syntax::TargetFeature>(&expr.node)) {
    if (!condition_of_kernel_if_) {
      refuse(Code::kTargetPlace, span, "`target` is asked in an `if` at kernel level only");
    }
    const auto& features = given_.target_features;
    result = {
        builder_.boolean(std::find(features.begin(), features.end(), target->feature.text) != features.end(), span)};
  } else if (const auto* unary = std::get_if<syntax::Unary>(&expr.node)) {
    result = eval_unary(*unary, span);
  } else if (const auto* binary = std::get_if<syntax::Binary>(&expr.node)) {
    result = eval_binary(*binary, span);
  } else if (const auto* conditional = std::get_if<syntax::Conditional>(&expr.node)) {
    result = eval_conditional(*conditional, span);
  } else if (const auto* call = std::get_if<syntax::Call>(&expr.node)) {
    result = eval_call(*call, span);
  } else if (const auto* index = std::get_if<syntax::Index>(&expr.node)) {
    result = eval_index(*index, span, nullptr);
  } else if (const auto* reindex = std::get_if<syntax::Reindex>(&expr.node)) {
    result = eval_reindex(*reindex, span, nullptr);
  } else {
    result = eval_otherwise(std::get<syntax::Otherwise>(expr.node), span);
  }
  checked(result.id, span);
  result.axes |= builder_.value(result.id).axes;
  return result;
}

Typed Specializer::eval_name(const std::string& name, Span span) {
  if (name == "pi") return {builder_.number(std::numbers::pi, RegType::kF64, place(span)), 0, true};
  if (name == "inf")
    return {builder_.number(std::numeric_limits<double>::infinity(), RegType::kF64, place(span)), 0, true};
  if (name == "nan")
    return {builder_.number(std::numeric_limits<double>::quiet_NaN(), RegType::kF64, place(span)), 0, true};
  if (syntax::is_upper(name)) {
    const auto dim = dims_.find(name);
    if (dim != dims_.end()) {
      if (!solved_[dim->second]) where_order_.push_back(dim->second);
      return {builder_.extent(dim->second, place(span)), 0, true};
    }
    if (types_.contains(name)) {
      refuse(Code::kDimensionAsType, span, "`" + name + "` is a storage type and has no extent");
    }
    const std::string near = similar(name);
    refuse(Code::kUnknownName, span, "there is no dimension `" + name + "`",
           near.empty() ? "dimensions come from the signature" : "did you mean `" + near + "`?");
  }
  const Meaning& found = meaning(name, span);
  switch (found.kind) {
    case Meaning::Kind::kAxis:
      return {builder_.position(found.id, place(span)), 0, false};
    case Meaning::Kind::kValue:
      return found.value;
    case Meaning::Kind::kVar: {
      const VarState& state = vars_[found.id];
      const ValueId id = builder_.read_var(found.id, std::max(state.version, forget_), state.contents, place(span));
      return {id, 0, state.weak};
    }
    default:
      break;
  }
  const bool scalar = found.kind == Meaning::Kind::kArray && program().arrays[found.id].dims.empty();
  refuse(Code::kNotAValue, span, "`" + name + "` is " + (scalar ? "a result" : "an array") + ", not a value",
         scalar ? "keep it in a `let` or `var` and store that"
                : "index it: `" + name + "[…]`; a dimension is the whole axis");
}

Typed Specializer::eval_unary(const syntax::Unary& node, Span span) {
  const Typed x = eval(*node.operand);
  const RegType type = type_of(x);
  switch (node.op) {
    case syntax::UnaryOp::kNegate:
      if (type == RegType::kBool) refuse(Code::kNumberExpected, span, "`-` wants a number, not " + type_text(x));
      return {builder_.unary(Op::kNeg, type, x.id, place(span)), x.axes, x.weak};
    case syntax::UnaryOp::kBitNot:
      if (!is_integer(type)) refuse(Code::kIntegerExpected, span, "`~` wants an integer, not " + type_text(x));
      return {builder_.unary(Op::kBitNot, type, x.id, place(span)), x.axes, x.weak, true};
    case syntax::UnaryOp::kNot:
      break;
  }
  if (type != RegType::kBool) {
    refuse(Code::kBoolExpected, span, "`not` wants a bool, not " + type_text(x), "compare it: `… == 0`");
  }
  return {builder_.unary(Op::kNot, RegType::kBool, x.id, place(span)), x.axes};
}

Register Specializer::joined(std::string_view what, std::initializer_list<Typed> values, Span span) {
  Register type = reg(*values.begin());
  std::string names;
  for (const Typed& value : values) names += (names.empty() ? "" : " with ") + type_text(value);
  for (auto it = values.begin() + 1; it != values.end(); ++it) {
    const Join join = aurex::ax::join(type, reg(*it));
    if (join.error == JoinError::kBoolWithNumber) {
      refuse(Code::kBoolWithNumber, span, std::string(what) + " would join " + names + ": a bool is no number",
             "write `c ? 1 : 0`, or compare the number with 0");
    }
    if (join.error == JoinError::kSignedWithUnsigned) {
      refuse(Code::kSignedWithUnsigned, span, std::string(what) + " would join " + names,
             "cast one side: i32(x), i64(x), u32(x) or u64(x)");
    }
    type = join.type;
  }
  return type;
}

Typed Specializer::arithmetic(Op op, std::string_view spelling, Typed a, Typed b, Span span) {
  const Register type = joined("`" + std::string(spelling) + "`", {a, b}, span);
  if (type.type == RegType::kBool) {
    refuse(Code::kNumberExpected, span, "`" + std::string(spelling) + "` wants numbers, not bool",
           "use `and`, `or`, or count with `c ? 1 : 0`");
  }
  if (op == Op::kDiv && is_integer(type.type)) {
    refuse(Code::kIntegerDivision, span, "`/` divides floats, and both sides are integers",
           "write `div(a, b)`, which rounds down, or cast one side to a float");
  }
  if ((op == Op::kFloorDiv || op == Op::kMod) && !is_integer(type.type)) {
    refuse(Code::kIntegerExpected, span,
           "`" + std::string(spelling) + "` is for integers, not " + type_text(a) + " and " + type_text(b));
  }
  const ValueId x = convert(a, type.type, span), y = convert(b, type.type, span);
  return {builder_.binary(op, type.type, x, y, place(span)), a.axes | b.axes, type.weak};
}

Typed Specializer::comparison(Op op, std::string_view spelling, Typed a, Typed b, Span span) {
  const Register type = joined("`" + std::string(spelling) + "`", {a, b}, span);
  if (type.type == RegType::kBool && op != Op::kEq && op != Op::kNe) {
    refuse(Code::kNumberExpected, span, "`" + std::string(spelling) + "` orders numbers, not bool");
  }
  const ValueId x = convert(a, type.type, span), y = convert(b, type.type, span);
  return {builder_.binary(op, RegType::kBool, x, y, place(span)), a.axes | b.axes};
}

Typed Specializer::logical(Op op, std::string_view spelling, Typed a, Typed b, Span span) {
  if (type_of(a) != RegType::kBool || type_of(b) != RegType::kBool) {
    refuse(Code::kBoolExpected, span,
           "`" + std::string(spelling) + "` wants bool on both sides, not " + type_text(a) + " and " + type_text(b),
           "for bits use `&`, `|` and `^`");
  }
  return {builder_.binary(op, RegType::kBool, a.id, b.id, place(span)), a.axes | b.axes};
}

Typed Specializer::shift(Op op, Typed a, Typed b, Span span) {
  if (!is_integer(type_of(a)) || !is_integer(type_of(b))) {
    refuse(Code::kIntegerExpected, span, "shifts are for integers, not " + type_text(a) + " by " + type_text(b));
  }
  if (a.weak && !b.weak) a = {convert(a, type_of(b), span), a.axes};
  const RegType type = type_of(a);
  const ValueId by =
      b.weak ? convert_weak(b.id, type, false, span) : builder_.unary(Op::kCast, type, b.id, place(span));
  return {builder_.binary(op, type, a.id, by, place(span)), a.axes | b.axes, a.weak};
}

Typed Specializer::eval_binary(const syntax::Binary& node, Span span) {
  const Typed a = eval(*node.left);
  const Typed b = eval(*node.right);
  const std::string_view text = syntax::spelling(node.op);
  switch (node.op) {
    case syntax::BinaryOp::kOr:
      return logical(Op::kOr, text, a, b, span);
    case syntax::BinaryOp::kAnd:
      return logical(Op::kAnd, text, a, b, span);
    case syntax::BinaryOp::kEqual:
      return comparison(Op::kEq, text, a, b, span);
    case syntax::BinaryOp::kNotEqual:
      return comparison(Op::kNe, text, a, b, span);
    case syntax::BinaryOp::kLess:
      return comparison(Op::kLt, text, a, b, span);
    case syntax::BinaryOp::kLessEqual:
      return comparison(Op::kLe, text, a, b, span);
    case syntax::BinaryOp::kGreater:
      return comparison(Op::kGt, text, a, b, span);
    case syntax::BinaryOp::kGreaterEqual:
      return comparison(Op::kGe, text, a, b, span);
    case syntax::BinaryOp::kBitOr:
      return integer_call(Op::kBitOr, text, a, b, span);
    case syntax::BinaryOp::kBitXor:
      return integer_call(Op::kBitXor, text, a, b, span);
    case syntax::BinaryOp::kBitAnd:
      return integer_call(Op::kBitAnd, text, a, b, span);
    case syntax::BinaryOp::kShiftLeft:
      return shift(Op::kShl, a, b, span);
    case syntax::BinaryOp::kShiftRight:
      return shift(Op::kShr, a, b, span);
    case syntax::BinaryOp::kAdd:
      return arithmetic(Op::kAdd, text, a, b, span);
    case syntax::BinaryOp::kSubtract:
      return arithmetic(Op::kSub, text, a, b, span);
    case syntax::BinaryOp::kMultiply:
      return arithmetic(Op::kMul, text, a, b, span);
    case syntax::BinaryOp::kDivide:
      return arithmetic(Op::kDiv, text, a, b, span);
    case syntax::BinaryOp::kRemainder:
      return arithmetic(Op::kMod, text, a, b, span);
  }
  throw Refused{};
}

Typed Specializer::eval_conditional(const syntax::Conditional& node, Span span) {
  const Typed condition = to_bool(*node.condition, "the condition of `?:`");
  const Typed yes = eval(*node.yes);
  const Typed no = eval(*node.no);
  const Register type = joined("`?:`", {yes, no}, span);
  const ValueId a = convert(yes, type.type, span), b = convert(no, type.type, span);
  return {builder_.select(condition.id, a, b, place(span)), condition.axes | yes.axes | no.axes,
          type.weak && type.type != RegType::kBool};
}

Typed Specializer::to_bool(const syntax::Expr& expr, std::string_view where) {
  const Typed value = eval(expr);
  if (type_of(value) != RegType::kBool) {
    refuse(Code::kBoolExpected, expr.span, std::string(where) + " is a bool, not " + type_text(value),
           "compare it: `… != 0`");
  }
  return value;
}

// A launch scalar that lands in a narrower integer has to fit; the call checks it once (rule 32).
void Specializer::require_fit(ValueId id, RegType to, Span span) {
  if (!is_integer(builder_.value(id).type) || !is_integer(to) || to == RegType::kI64) return;
  if (!fits_.emplace(std::pair{id, to}, true).second) return;
  const auto compare = [&](Op op, std::int64_t limit) {
    return builder_.binary(op, RegType::kBool, id, builder_.integer(limit, RegType::kI64, span), span);
  };
  ValueId ok = compare(Op::kGe, to == RegType::kI32 ? std::numeric_limits<std::int32_t>::min() : 0);
  if (to != RegType::kU64) {
    const std::int64_t top = to == RegType::kI32 ? std::numeric_limits<std::int32_t>::max() : std::int64_t{0xffffffff};
    ok = builder_.binary(Op::kAnd, RegType::kBool, ok, compare(Op::kLe, top), span);
  }
  program().checks.push_back(
      {checked(ok, span), std::string(program().source->text(span)) + " fits " + std::string(to_string(to)), span});
}

// Weak values are constants, launch scalars, or arithmetic and choices of such.
ValueId Specializer::convert_weak(ValueId id, RegType to, bool hexadecimal, Span span) {
  const Value value = builder_.value(id);
  if (value.type == to) return id;
  if (value.op == Op::kConst) {
    if (is_integer(value.type) && is_integer(to) && !fits(value.integer, to, hexadecimal)) {
      refuse(Code::kLiteralRange, span, std::to_string(value.integer) + " does not fit " + std::string(to_string(to)));
    }
    return checked(builder_.unary(Op::kCast, to, id, place(span)), span);
  }
  if (builder_.dependencies(id).uniform) {
    require_fit(id, to, place(span));
    return checked(builder_.unary(Op::kCast, to, id, place(span)), span);
  }
  const bool choice = value.op == Op::kSelect;
  if (!choice && !keeps_type(value.op)) return checked(builder_.unary(Op::kCast, to, id, place(span)), span);
  const Level level(depth_);
  if (++work_ > kMaxWork || depth_ > kMaxHeight) return checked(builder_.unary(Op::kCast, to, id, place(span)), span);
  Value rebuilt = value;
  rebuilt.type = to;
  for (std::size_t i = choice ? 1 : 0; i < rebuilt.args.size(); ++i) {
    rebuilt.args[i] = convert_weak(value.args[i], to, false, span);
  }
  return checked(builder_.add(std::move(rebuilt)), span);
}

ValueId Specializer::convert(const Typed& value, RegType to, Span span) {
  checked(value.id, span);
  if (type_of(value) == to) return value.id;
  if (value.weak) return convert_weak(value.id, to, value.hexadecimal, span);
  return checked(builder_.unary(Op::kCast, to, value.id, place(span)), span);
}

Typed Specializer::settle(Typed value, Span span) {
  if (!value.weak) return value;
  return {convert(value, settled(reg(value)), span), value.axes};
}

Typed Specializer::as_float(Typed value, Span span) {
  const RegType type = type_of(value);
  if (is_float(type)) return value;
  if (type == RegType::kBool) {
    refuse(Code::kNumberExpected, span, "a number is wanted, not " + type_text(value), "write `c ? 1 : 0`");
  }
  return {convert(value, value.weak ? RegType::kF64 : RegType::kF32, span), value.axes, value.weak};
}

}  // namespace aurex::ax
