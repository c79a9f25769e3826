// Reductions, scans, argsort (rules 1, 20, 28).

#include <algorithm>
#include <array>

#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

struct Named {
  std::string_view name;
  Reduction reduction;
};
constexpr std::array<Named, 9> kReductions = {{{"sum", Reduction::kSum},
                                               {"prod", Reduction::kProd},
                                               {"max", Reduction::kMax},
                                               {"min", Reduction::kMin},
                                               {"mean", Reduction::kMean},
                                               {"any", Reduction::kAny},
                                               {"all", Reduction::kAll},
                                               {"argmax", Reduction::kArgmax},
                                               {"argmin", Reduction::kArgmin}}};
constexpr std::array<Named, 4> kScans = {{{"scan_sum", Reduction::kSum},
                                          {"scan_prod", Reduction::kProd},
                                          {"scan_max", Reduction::kMax},
                                          {"scan_min", Reduction::kMin}}};

template <std::size_t N>
const Named* lookup(const std::array<Named, N>& table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Named& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

}  // namespace

void Specializer::require_carried(const Typed& x, AxisId axis, std::string_view what, Span span) {
  if ((x.axes & axis_bit(axis)) != 0) return;
  const Axis& wanted = program().axes[axis];
  Diagnostic& diagnostic =
      report(Code::kAxisNotCarried, span,
             quoted(what) + " over " + quoted(wanted.name) + ", and the value carries " + axes_text(x.axes));
  for (AxisId other = 0; other < program().axes.size(); ++other) {
    if ((x.axes & axis_bit(other)) != 0 && wanted.dim != kNone && program().axes[other].dim == wanted.dim) {
      diagnostic.help("it carries " + quoted(program().axes[other].name) + ", another axis over " +
                      dim_text(wanted.dim));
      throw Refused{};
    }
  }
  diagnostic.help("index an operand with this axis first");
  throw Refused{};
}

// Inside a block only a tile of a parallel axis is there; in a `for` only a tile of its axis, which a reduction may
// cover and nothing that looks at neighbours may.
void Specializer::require_reducible(AxisId axis, std::string_view what, bool whole_only, Span span) {
  const Axis& a = program().axes[axis];
  if (a.unit) {
    refuse(Code::kUnitAxis, span, quoted(a.name) + " runs `by 1`: it is one position, no axis of a value",
           "name the dimension to have the whole axis");
  }
  const std::string dim = a.dim == kNone ? "its domain" : dim_text(a.dim);
  if (axis_roles_[axis] == AxisRole::kParallel) {
    Diagnostic& diagnostic =
        report(Code::kParallelReduction, span,
               quoted(what) + " over " + quoted(a.name) +
                   " would see one tile of the parallel axis, and its result depend on the tile size");
    diagnostic.note(a.span, quoted(a.name) + " is made parallel here");
    diagnostic.help(a.dim == kNone ? "loop over it with `for`"
                                   : "index with " + dim + " for the whole axis and leave " + quoted(a.name) +
                                         " out of `parallel`");
    throw Refused{};
  }
  if (whole_only && axis_roles_[axis] == AxisRole::kFor) {
    refuse(Code::kTileScan, span,
           quoted(what) + " over " + quoted(a.name) +
               " would see one tile of the loop at a time, and its result depend on the tile size",
           "use the whole axis: `let " + a.name + " in " + (a.dim == kNone ? "D" : program().dims[a.dim].name) +
               "` instead of the loop");
  }
  if ((context_.condition_axes & axis_bit(axis)) != 0) {
    refuse(Code::kReduceCondition, span,
           quoted(what) + " over " + quoted(a.name) + ", which the condition around it differs along",
           "choose by value instead, `c ? x : 0`, or move the reduction out of the condition");
  }
}

// Gives a value axes that its source carries and its computation does not need, so that it can be reduced over them.
Typed Specializer::spread(Typed value, AxisSet axes, Span span) {
  for (AxisId axis = 0; axis < program().axes.size(); ++axis) {
    if ((axes & axis_bit(axis)) == 0 || (builder_.value(value.id).axes & axis_bit(axis)) != 0) continue;
    // Both branches differ in nothing but the position they look at, which no rewrite of constants sees through.
    const ValueId inside = builder_.binary(Op::kGe, RegType::kBool, builder_.position(axis, place(span)),
                                           builder_.integer(0, RegType::kI32, span), place(span));
    const RegType type = type_of(value);
    const ValueId zero = is_float(type) ? builder_.number(0, type, span) : builder_.integer(0, type, span);
    if (value.id == zero) {
      const ValueId one = is_float(type) ? builder_.number(1, type, span) : builder_.integer(1, type, span);
      const ValueId outside = builder_.unary(Op::kNot, RegType::kBool, inside, place(span));
      value.id = checked(builder_.select(outside, one, value.id, place(span)), span);
    } else {
      value.id = checked(builder_.select(inside, value.id, zero, place(span)), span);
    }
    value.axes |= axis_bit(axis);
  }
  return value;
}

Typed Specializer::reduction_operand(Reduction reduction, Typed x, std::string_view name, Span span) {
  const RegType type = type_of(x);
  const bool logical = reduction == Reduction::kAny || reduction == Reduction::kAll;
  if (logical && type != RegType::kBool) {
    refuse(Code::kBoolExpected, span, quoted(name) + " wants bool, not " + type_text(x), "compare it: `… != 0`");
  }
  if (logical) return x;
  if (type == RegType::kBool) {
    if (reduction != Reduction::kSum) {
      refuse(Code::kNumberExpected, span, quoted(name) + " wants numbers, not " + type_text(x),
             "use `any`, `all`, or `sum`, which counts");
    }
    const ValueId one = builder_.integer(1, RegType::kI32, span), zero = builder_.integer(0, RegType::kI32, span);
    return {checked(builder_.select(x.id, one, zero, place(span)), span), x.axes};
  }
  x = settle(x, span);
  if (reduction == Reduction::kMean && !is_float(type_of(x))) x = {convert(x, RegType::kF32, span), x.axes};
  return x;
}

Typed Specializer::reduce(Reduction reduction, Typed x, AxisSet over, Span span) {
  x = spread(x, over, span);
  const bool position = reduction == Reduction::kArgmax || reduction == Reduction::kArgmin;
  Value value{.op = Op::kReduce,
              .type = position ? RegType::kI32 : type_of(x),
              .reduction = reduction,
              .over = over,
              .args = {x.id},
              .span = place(span)};
  return {checked(builder_.add(std::move(value)), span), x.axes & ~over};
}

Typed Specializer::scan(Reduction reduction, Typed x, AxisId axis, Span span) {
  x = spread(x, axis_bit(axis), span);
  Value value{
      .op = Op::kScan, .type = type_of(x), .reduction = reduction, .id = axis, .args = {x.id}, .span = place(span)};
  return {checked(builder_.add(std::move(value)), span), x.axes};
}

Typed Specializer::argsort(Typed x, AxisId axis, Span span) {
  if (type_of(x) == RegType::kBool) {
    refuse(Code::kNumberExpected, span, "`argsort` orders numbers, not " + type_text(x), "write `c ? 1 : 0`");
  }
  x = spread(settle(x, span), axis_bit(axis), span);
  Value value{.op = Op::kArgsort, .type = RegType::kI32, .id = axis, .args = {x.id}, .span = place(span)};
  return {checked(builder_.add(std::move(value)), span), x.axes};
}

bool Specializer::reduction(const syntax::Call& node, Span span, Typed& result) {
  const std::string& name = node.callee.text;
  const Named* reduction = lookup(kReductions, name);
  const Named* scanned = lookup(kScans, name);
  const bool sort = name == "argsort";
  if (reduction == nullptr && scanned == nullptr && !sort) return false;
  if (node.arguments.size() < 2) {
    std::string help = "name the axis to go along: `" + name + "(x, C)`";
    if (name == "max" || name == "min") help += "; of two values, `" + name + "imum(a, b)`";
    refuse(Code::kAxisMissing, span, quoted(name) + " names at least one axis", help);
  }
  Typed x = eval(*node.arguments[0]);
  const bool position = name == "argmax" || name == "argmin";
  if ((scanned != nullptr || sort || position) && node.arguments.size() != 2) {
    refuse(Code::kArgumentCount, span,
           quoted(name) + " goes along one axis, " + std::to_string(node.arguments.size() - 1) + " are named");
  }
  const bool whole = scanned != nullptr || sort || name == "mean";
  AxisSet over = 0;
  AxisId axis = kNone;
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    const Span place_of_axis = node.arguments[i]->span;
    if ((name == "max" || name == "min") && !std::holds_alternative<syntax::NameExpr>(node.arguments[i]->node)) {
      refuse(Code::kNotAnAxis, place_of_axis, quoted(name) + " wants the name of an axis here",
             "of two values, the larger is `maximum(a, b)` and the smaller `minimum(a, b)`");
    }
    axis = axis_argument(*node.arguments[i], quoted(name));
    require_reducible(axis, name, whole, place_of_axis);
    require_carried(x, axis, name, place_of_axis);
    over |= axis_bit(axis);
  }
  if (sort) {
    result = argsort(x, axis, span);
  } else if (scanned != nullptr) {
    result = scan(scanned->reduction, reduction_operand(scanned->reduction, x, name, span), axis, span);
  } else {
    result = reduce(reduction->reduction, reduction_operand(reduction->reduction, x, name, span), over, span);
  }
  return true;
}

}  // namespace aurex::ax
