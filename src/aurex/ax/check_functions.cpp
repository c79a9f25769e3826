// Functions (rule 18): which body a call means, and its inlining.

#include <algorithm>

#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

constexpr std::size_t kMaxInlined = 48;  // calls within calls

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

std::optional<RegType> register_named(std::string_view name) {
  for (int i = 0; i < 7; ++i) {
    if (to_string(static_cast<RegType>(i)) == name) return static_cast<RegType>(i);
  }
  return std::nullopt;
}

/// How well a type suits a parameter of a type: 0 is exact, -1 not at all.
int distance(Register argument, RegType parameter) {
  if (argument.weak) {
    if (argument.type == RegType::kBool) return parameter == RegType::kBool ? 0 : -1;
    if (is_float(parameter)) return parameter == RegType::kF64 ? 1 : 2;
    return is_integer(argument.type) ? (parameter == RegType::kI64 ? 3 : 4) : -1;
  }
  if (argument.type == parameter) return 0;
  if (is_integer(argument.type) && is_float(parameter)) return parameter == RegType::kF32 ? 5 : 6;
  const Join join = aurex::ax::join(argument, {parameter, false});
  return join.error == JoinError::kNone && join.type.type == parameter ? 3 : -1;
}

}  // namespace

const std::vector<FunctionBody>* Specializer::find_functions(std::string_view name) const {
  const auto own = scope_->functions.find(name);
  if (own != scope_->functions.end()) return &own->second;
  return nullptr;
}

// By the type of the first parameter; parameters of the same type are joined for it, so `pow(2, x)` is that of x.
const FunctionBody& Specializer::choose(const std::vector<FunctionBody>& bodies, const std::vector<Typed>& arguments,
                                        const syntax::Call& node, Span span) {
  const FunctionBody* best = nullptr;
  int best_distance = 0;
  for (const FunctionBody& body : bodies) {
    const auto& params = body.syntax->params;
    if (params.size() != arguments.size()) continue;
    if (params.empty() || !params[0].register_type) return body;
    const auto type = register_named(params[0].register_type->text);
    if (!type) continue;
    Register joined_type = reg(arguments[0]);
    for (std::size_t i = 1; i < params.size(); ++i) {
      if (!params[i].register_type || params[i].register_type->text != params[0].register_type->text) continue;
      const Join join = aurex::ax::join(joined_type, reg(arguments[i]));
      if (join.error == JoinError::kNone) joined_type = join.type;
    }
    const int far = distance(joined_type, *type);
    if (far >= 0 && (best == nullptr || far < best_distance)) {
      best = &body;
      best_distance = far;
    }
  }
  if (best != nullptr) return *best;
  const std::string name = quoted(node.callee.text);
  const bool counts = std::any_of(bodies.begin(), bodies.end(),
                                  [&](const FunctionBody& b) { return b.syntax->params.size() == arguments.size(); });
  if (!counts) {
    refuse(Code::kArgumentCount, span,
           name + " takes " + std::to_string(bodies.front().syntax->params.size()) + " arguments, " +
               std::to_string(arguments.size()) + " are given");
  }
  std::string known;
  for (const FunctionBody& body : bodies) {
    if (body.syntax->params.empty() || !body.syntax->params[0].register_type) continue;
    known += (known.empty() ? "" : ", ") + body.syntax->params[0].register_type->text;
  }
  refuse(Code::kNoBody, span, name + " has no body for " + type_text(arguments[0]), "it is defined for " + known);
}

Typed Specializer::function_result(const FunctionBody& body) {
  for (const syntax::Let& let : body.syntax->lets) {
    const Typed value = eval(*let.value);
    bind(let.name.text, {.kind = Meaning::Kind::kValue, .value = value, .span = let.name.span, .what = "value"},
         let.name.span);
  }
  return eval(*body.syntax->result);
}

Typed Specializer::inline_function(const FunctionBody& body, const std::vector<Typed>& arguments, Span span) {
  const syntax::Function& function = *body.syntax;
  if (std::find(inlining_.begin(), inlining_.end(), &function) != inlining_.end()) {
    refuse(Code::kRecursion, span, quoted(function.name.text) + " calls itself",
           "functions are inlined; use a loop in the kernel");
  }
  if (inlining_.size() >= kMaxInlined) {
    refuse(Code::kTooManyValues, span, "functions call each other more than " + std::to_string(kMaxInlined) + " deep");
  }
  const std::size_t frame = frame_, names = names_.size();
  const FunctionScope* scope = scope_;
  const std::optional<Span> foreign = foreign_call_;
  const auto restore = [&] {
    pop_names(names);
    frame_ = frame;
    scope_ = scope;
    foreign_call_ = foreign;
    inlining_.pop_back();
  };
  if (body.source != program().source.get() && !foreign_call_) foreign_call_ = span;
  frame_ = names;
  scope_ = body.scope;
  inlining_.push_back(&function);
  Call call{.function = function.name.text, .args = {}};
  try {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const syntax::FnParam& param = function.params[i];
      Typed value = arguments[i];
      if (param.register_type) {
        const auto type = register_named(param.register_type->text);
        if (!type) {
          refuse(Code::kUnknownType, param.register_type->span,
                 quoted(param.register_type->text) + " is no register type",
                 "the types of values are bool, i32, i64, u32, u64, f32 and f64");
        }
        if (distance(reg(value), *type) < 0) {
          refuse(Code::kNoBody, span,
                 quoted(function.name.text) + " takes " + param.register_type->text + " as " + quoted(param.name.text) +
                     ", not " + type_text(value));
        }
        value = {convert(value, *type, span), value.axes};
      }
      call.args.push_back(value.id);
      bind(param.name.text,
           {.kind = Meaning::Kind::kValue, .value = value, .span = param.name.span, .what = "parameter"},
           param.name.span);
    }
    Typed result = function_result(body);
    restore();
    if (body.source == prelude().source.get() && !builder_.is_constant(result.id)) {
      call.result = result.id;
      program().calls.push_back(std::move(call));
    }
    return result;
  } catch (...) {
    restore();
    throw;
  }
}

Typed Specializer::call_function(const std::vector<FunctionBody>& bodies, const syntax::Call& node, Span span) {
  std::vector<Typed> arguments;
  bool weak = !node.arguments.empty();
  for (const syntax::ExprPtr& argument : node.arguments) {
    arguments.push_back(eval(*argument));
    weak &= arguments.back().weak;
  }
  const FunctionBody& body = choose(bodies, arguments, node, span);
  Typed result = inline_function(body, arguments, span);
  // Of launch scalars only, a function's value is one too, whatever its body computes in (rule 32).
  const RegType type = type_of(result);
  if (weak && !result.weak && type != RegType::kBool && builder_.dependencies(result.id).uniform) {
    result.id = convert(result, is_float(type) ? RegType::kF64 : RegType::kI64, span);
    result.weak = true;
  }
  return result;
}

}  // namespace aurex::ax
