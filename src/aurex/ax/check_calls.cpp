// Calls: built-in functions, casts, bits, random numbers (rules 26, 32, 33).

#include <algorithm>
#include <array>

#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

/// Built-ins of one value.
struct UnaryBuiltin {
  std::string_view name;
  Op op;
  enum class Kind : std::uint8_t { kFloat, kRounding, kNumber, kTest, kInteger } kind;
};
using Kind = UnaryBuiltin::Kind;
constexpr std::array<UnaryBuiltin, 12> kUnary = {{{"abs", Op::kAbs, Kind::kNumber},
                                                  {"sign", Op::kSign, Kind::kNumber},
                                                  {"sqrt", Op::kSqrt, Kind::kFloat},
                                                  {"floor", Op::kFloor, Kind::kRounding},
                                                  {"ceil", Op::kCeil, Kind::kRounding},
                                                  {"trunc", Op::kTrunc, Kind::kRounding},
                                                  {"round", Op::kRound, Kind::kRounding},
                                                  {"isnan", Op::kIsNan, Kind::kTest},
                                                  {"isinf", Op::kIsInf, Kind::kTest},
                                                  {"isfinite", Op::kIsFinite, Kind::kTest},
                                                  {"popcount", Op::kPopcount, Kind::kInteger},
                                                  {"clz", Op::kClz, Kind::kInteger}}};

constexpr std::array<std::string_view, 37> kKnown = {
    "abs",     "sign",     "sqrt",      "floor",    "ceil",     "trunc",   "round", "isnan",    "isinf", "isfinite",
    "fma",     "ldexp",    "bitcast",   "square",   "div",      "bits",    "clamp", "popcount", "clz",   "maximum",
    "minimum", "random",   "sum",       "prod",     "max",      "min",     "mean",  "any",      "all",   "argmax",
    "argmin",  "scan_sum", "scan_prod", "scan_max", "scan_min", "argsort", "exp"};

}  // namespace

std::optional<RegType> Specializer::cast_type(std::string_view name) {
  for (int i = 0; i < 7; ++i) {
    if (to_string(static_cast<RegType>(i)) == name) return static_cast<RegType>(i);
  }
  const auto bound = types_.find(name);
  if (bound != types_.end() && bound->second) return register_type(bound->second->dtype);
  return std::nullopt;
}

void Specializer::want_arguments(const syntax::Call& node, std::size_t count, Span span) {
  if (node.arguments.size() == count) return;
  refuse(Code::kArgumentCount, span,
         quoted(node.callee.text) + " takes " + std::to_string(count) + " arguments, " +
             std::to_string(node.arguments.size()) + " are given");
}

Typed Specializer::builtin_unary(std::string_view name, Typed x, Span span) {
  const auto row = std::find_if(kUnary.begin(), kUnary.end(), [&](const UnaryBuiltin& b) { return b.name == name; });
  if (type_of(x) == RegType::kBool) {
    refuse(Code::kNumberExpected, span, quoted(name) + " wants a number, not " + type_text(x), "write `c ? 1 : 0`");
  }
  if (row->kind == Kind::kInteger) {
    if (!is_integer(type_of(x))) {
      refuse(Code::kIntegerExpected, span, quoted(name) + " wants an integer, not " + type_text(x),
             "for the bits of a float write `bitcast(i32, x)`");
    }
    x = settle(x, span);
    return {builder_.unary(row->op, type_of(x), x.id, place(span)), x.axes};
  }
  if (row->kind == Kind::kRounding && is_integer(type_of(x))) return x;
  if (row->kind == Kind::kFloat || row->kind == Kind::kTest) x = as_float(x, span);
  const RegType type = row->kind == Kind::kTest ? RegType::kBool : type_of(x);
  return {builder_.unary(row->op, type, x.id, place(span)), x.axes, x.weak && type != RegType::kBool};
}

Typed Specializer::cast_call(RegType to, Typed x, Span span) {
  const RegType from = type_of(x);
  if (to == RegType::kBool) {
    if (from == RegType::kBool) return x;
    const ValueId zero = is_float(from) ? builder_.number(0, from, span) : builder_.integer(0, from, span);
    return {builder_.binary(Op::kNe, RegType::kBool, x.id, zero, place(span)), x.axes};
  }
  if (from == RegType::kBool) {
    const ValueId one = is_float(to) ? builder_.number(1, to, span) : builder_.integer(1, to, span);
    const ValueId zero = is_float(to) ? builder_.number(0, to, span) : builder_.integer(0, to, span);
    return {builder_.select(x.id, one, zero, place(span)), x.axes};
  }
  // Written out, a cast of a literal wraps or rounds as any cast does; nothing has to fit.
  return {builder_.unary(Op::kCast, to, x.id, place(span)), x.axes};
}

Typed Specializer::bitcast_call(const syntax::Call& node, Span span) {
  want_arguments(node, 2, span);
  const auto* name = std::get_if<syntax::NameExpr>(&node.arguments[0]->node);
  const auto to = name != nullptr ? cast_type(name->name) : std::nullopt;
  if (!to || *to == RegType::kBool) {
    refuse(Code::kCastType, node.arguments[0]->span, "`bitcast` wants a type of 32 or 64 bits first",
           "as in `bitcast(i32, x)`");
  }
  Typed x = eval(*node.arguments[1]);
  if (x.weak && type_of(x) != RegType::kBool) {  // the literal takes the width it is read in
    const bool narrow = bit_width(*to) == 32;
    const RegType own =
        is_float(type_of(x)) ? (narrow ? RegType::kF32 : RegType::kF64) : (narrow ? RegType::kI32 : RegType::kI64);
    x = {convert(x, own, span), x.axes};
  }
  if (bit_width(type_of(x)) != bit_width(*to)) {
    refuse(Code::kCastType, span,
           "`bitcast` keeps the width, and " + type_text(x) + " is not as wide as " + std::string(to_string(*to)));
  }
  if (type_of(x) == *to) return x;
  return {builder_.unary(Op::kBitcast, *to, x.id, place(span)), x.axes};
}

Typed Specializer::fma_call(Typed a, Typed b, Typed c, Span span) {
  Register type = joined("`fma`", {a, b, c}, span);
  if (!is_float(type.type)) {
    if (type.type == RegType::kBool) refuse(Code::kNumberExpected, span, "`fma` wants numbers, not bool");
    type.type = type.weak ? RegType::kF64 : RegType::kF32;
  }
  Value value{.op = Op::kFma,
              .type = type.type,
              .args = {convert(a, type.type, span), convert(b, type.type, span), convert(c, type.type, span)},
              .span = place(span)};
  return {builder_.add(std::move(value)), a.axes | b.axes | c.axes, type.weak};
}

Typed Specializer::ldexp_call(Typed x, Typed n, Span span) {
  x = as_float(x, span);
  if (!is_integer(type_of(n))) {
    refuse(Code::kIntegerExpected, span, "the exponent of `ldexp` is an integer, not " + type_text(n),
           "convert it: `i32(…)`");
  }
  const ValueId by = convert(n, RegType::kI32, span);
  return {builder_.binary(Op::kLdexp, type_of(x), x.id, by, place(span)), x.axes | n.axes, x.weak && n.weak};
}

Typed Specializer::integer_call(Op op, std::string_view name, Typed a, Typed b, Span span) {
  if (!is_integer(type_of(a)) || !is_integer(type_of(b))) {
    const bool bools = type_of(a) == RegType::kBool && type_of(b) == RegType::kBool;
    refuse(Code::kIntegerExpected, span, quoted(name) + " wants integers, not " + type_text(a) + " and " + type_text(b),
           bools ? "for truth values use `and`, `or` and `!=`" : "");
  }
  Typed result = arithmetic(op, name, a, b, span);
  result.hexadecimal = a.hexadecimal || b.hexadecimal;
  return result;
}

// (x >> at) & (2^n - 1)
Typed Specializer::bits_call(Typed x, Typed at, Typed count, Span span) {
  const Typed low = shift(Op::kShr, x, at, span);
  if (!is_integer(type_of(count))) {
    refuse(Code::kIntegerExpected, span, "the width of `bits` is an integer, not " + type_text(count));
  }
  const RegType type = type_of(low);
  const ValueId one = builder_.integer(1, type, span);
  const ValueId by =
      count.weak ? convert_weak(count.id, type, false, span) : builder_.unary(Op::kCast, type, count.id, place(span));
  const ValueId power = builder_.binary(Op::kShl, type, one, by, place(span));
  const ValueId mask = builder_.binary(Op::kSub, type, power, one, place(span));
  return {builder_.binary(Op::kBitAnd, type, low.id, mask, place(span)), x.axes | at.axes | count.axes,
          low.weak && count.weak};
}

// The named axes stay arguments, as their positions: their order is that of the row-major count.
Typed Specializer::random_call(const syntax::Call& node, Span span) {
  if (node.arguments.size() < 2) {
    refuse(Code::kAxisMissing, span, "`random` takes a seed and the axes to number", "as in `random(seed, r, C)`");
  }
  Typed seed = eval(*node.arguments[0]);
  if (!is_integer(type_of(seed))) {
    refuse(Code::kIntegerExpected, span, "the seed of `random` is an integer, not " + type_text(seed));
  }
  if (seed.weak) seed.id = convert(seed, RegType::kI64, span);
  Value value{.op = Op::kRandom, .type = RegType::kF32, .args = {seed.id}, .span = place(span)};
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    const AxisId axis = axis_argument(*node.arguments[i], "`random`");
    value.args.push_back(checked(builder_.position(axis, place(span)), span));
  }
  return {builder_.add(std::move(value)), seed.axes};
}

bool Specializer::builtin(const syntax::Call& node, Span span, Typed& result) {
  const std::string& name = node.callee.text;
  if (reduction(node, span, result)) return true;
  if (name == "bitcast") {
    result = bitcast_call(node, span);
    return true;
  }
  if (name == "random") {
    result = random_call(node, span);
    return true;
  }
  const bool unary = std::any_of(kUnary.begin(), kUnary.end(), [&](const UnaryBuiltin& b) { return b.name == name; });
  const auto cast = cast_type(name);
  std::size_t count = 0;
  if (unary || cast || name == "square") count = 1;
  if (name == "maximum" || name == "minimum" || name == "div" || name == "ldexp") count = 2;
  if (name == "clamp" || name == "fma" || name == "bits") count = 3;
  if (count == 0) return false;
  want_arguments(node, count, span);
  std::vector<Typed> x;
  for (const syntax::ExprPtr& argument : node.arguments) x.push_back(eval(*argument));
  if (unary) {
    result = builtin_unary(name, x[0], span);
  } else if (cast) {
    result = cast_call(*cast, x[0], span);
  } else if (name == "square") {
    result = arithmetic(Op::kMul, name, x[0], x[0], span);
  } else if (name == "maximum") {
    result = arithmetic(Op::kMax, name, x[0], x[1], span);
  } else if (name == "minimum") {
    result = arithmetic(Op::kMin, name, x[0], x[1], span);
  } else if (name == "clamp") {
    result = arithmetic(Op::kMin, name, arithmetic(Op::kMax, name, x[0], x[1], span), x[2], span);
  } else if (name == "div") {
    result = integer_call(Op::kFloorDiv, name, x[0], x[1], span);
  } else if (name == "ldexp") {
    result = ldexp_call(x[0], x[1], span);
  } else if (name == "fma") {
    result = fma_call(x[0], x[1], x[2], span);
  } else {
    result = bits_call(x[0], x[1], x[2], span);
  }
  return true;
}

Typed Specializer::eval_call(const syntax::Call& node, Span span) {
  const std::string& name = node.callee.text;
  if (const auto* own = find_functions(name)) return call_function(*own, node, span);
  Typed result;
  if (builtin(node, span, result)) return result;
  if (scope_->prelude != nullptr) {
    const auto found = scope_->prelude->functions.find(name);
    if (found != scope_->prelude->functions.end()) return call_function(found->second, node, span);
  }
  if (types_.contains(name)) {
    refuse(Code::kUnsolvedType, node.callee.span, "no argument decides the storage type " + quoted(name));
  }
  if (try_parse_dtype(name)) {
    refuse(Code::kCastType, node.callee.span,
           quoted(name) + " is a type of memory, and values in registers are bool, i32, i64, u32, u64, f32 or f64",
           "a store converts to the type of its array");
  }
  const auto near = std::find_if(kKnown.begin(), kKnown.end(), [&](std::string_view known) {
    return known.size() >= 3 && (known.substr(0, 3) == std::string_view(name).substr(0, 3));
  });
  refuse(Code::kUnknownFunction, node.callee.span, "there is no function " + quoted(name),
         near != kKnown.end() ? "did you mean " + quoted(*near) + "?" : "define it: `fn " + name + "(x) = …`");
}

}  // namespace aurex::ax
