// Axes and indices (rules 2 to 10): which axis an index stands for, loads, re-indexing, `else`.

#include <algorithm>

#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

}  // namespace

bool Specializer::tied(DimId a, DimId b) const { return dim_class_[a] == dim_class_[b]; }

bool Specializer::runs_over(AxisId axis, DimId dim) const {
  const Axis& a = builder_.program.axes[axis];
  if (a.dim != kNone && tied(a.dim, dim)) return true;
  const Dim& d = builder_.program.dims[dim];
  return d.defined_by != kNone && d.defined_by == a.extent;
}

AxisId Specializer::whole_axis(DimId dim, Span span) {
  const auto found = whole_axes_.find(dim);
  if (found != whole_axes_.end()) return found->second;
  const AxisId axis = add_axis({.name = program().dims[dim].name,
                                .extent = checked(builder_.extent(dim, place(span)), span),
                                .dim = dim,
                                .whole = true,
                                .span = span},
                               AxisRole::kWhole);
  whole_axes_.emplace(dim, axis);
  return axis;
}

// An axis by name: a variable, or a dimension for the whole of it.
AxisId Specializer::axis_argument(const syntax::Expr& expr, std::string_view what) {
  const auto* name = std::get_if<syntax::NameExpr>(&expr.node);
  if (name == nullptr) {
    refuse(Code::kNotAnAxis, expr.span, std::string(what) + " wants the name of an axis here",
           "name a dimension or a variable");
  }
  if (const auto dim = dims_.find(name->name); dim != dims_.end()) return whole_axis(dim->second, expr.span);
  if (syntax::is_upper(name->name)) {
    const std::string near = similar(name->name);
    refuse(Code::kUnknownName, expr.span, "there is no dimension " + quoted(name->name),
           near.empty() ? "" : "did you mean " + quoted(near) + "?");
  }
  const Meaning& found = meaning(name->name, expr.span);
  if (found.kind != Meaning::Kind::kAxis) {
    refuse(Code::kNotAnAxis, expr.span, quoted(name->name) + " is a " + found.what + ", no axis",
           "name a dimension, or a variable of `parallel`, `for` or `let … in`");
  }
  return found.id;
}

// In range for all extents (rule 6). Where the axis is empty, so is one that the index runs over, and nothing is read.
bool Specializer::in_range(ValueId index, DimId dim) const {
  const auto literal = builder_.program.dims[dim].literal;
  if (const auto constant = builder_.integer_constant(index)) {
    return literal && *constant >= 0 && *constant < *literal;
  }
  const AxisSet axes = builder_.dependencies(index).axes;
  bool not_empty = literal && *literal > 0;
  for (AxisId axis = 0; axis < builder_.program.axes.size(); ++axis) {
    if ((axes & axis_bit(axis)) != 0 && runs_over(axis, dim)) not_empty = true;
  }
  const auto is_extent = [&](ValueId id, std::int64_t plus) {
    const LinearForm form = builder_.linear(id);
    if (literal && form.terms.empty()) return form.constant == *literal + plus;
    return form.terms.size() == 1 && form.constant == plus && form.terms[0].second == 1 &&
           builder_.value(form.terms[0].first).op == Op::kExtent && tied(builder_.value(form.terms[0].first).id, dim);
  };
  const LinearForm form = builder_.linear(index);
  AxisId axis = kNone;
  std::int64_t step = 0;
  bool extent = literal && form.constant == *literal - 1;
  bool other = false;
  for (const auto& [atom, factor] : form.terms) {
    const Value& value = builder_.value(atom);
    if (value.op == Op::kPosition && runs_over(value.id, dim) && axis == kNone) {
      axis = value.id;
      step = factor;
    } else if (value.op == Op::kExtent && tied(value.id, dim) && factor == 1 && form.constant == -1) {
      extent = true;
    } else {
      other = true;
    }
  }
  if (axis != kNone && !other) {
    if (step == 1 && form.terms.size() == 1 && form.constant == 0) return true;
    if (step == -1 && extent && form.terms.size() == (literal ? 1u : 2u)) return true;
  }
  if (!not_empty) return false;
  const Value& value = builder_.value(index);
  if (value.op == Op::kMod) return is_extent(value.args[1], 0);
  if (value.op == Op::kMin && builder_.value(value.args[0]).op == Op::kMax && is_extent(value.args[1], -1)) {
    return builder_.integer_constant(builder_.value(value.args[0]).args[1]) == 0;
  }
  return false;
}

Index Specializer::computed_index(const Typed& position, DimId dim, bool checked, Span span) {
  if (!is_integer(type_of(position))) {
    refuse(Code::kIndexType, span, "an index is an integer, not " + type_text(position), "convert it: `i32(…)`");
  }
  const auto literal = program().dims[dim].literal;
  const auto constant = builder_.integer_constant(position.id);
  if (checked && literal && constant && (*constant < 0 || *constant >= *literal)) {
    refuse(Code::kLiteralIndex, span,
           "index " + std::to_string(*constant) + " lies outside an axis of " + std::to_string(*literal));
  }
  Typed index = position;
  if (index.weak && !constant) index.id = convert(index, RegType::kI64, span);
  return {.kind = Index::Kind::kComputed, .value = index.id, .proved = in_range(index.id, dim)};
}

// Rules 4 and 5: a bare name is an axis and has to belong to this dimension; anything else is a computed position.
Index Specializer::resolve_one(const syntax::Expr& expr, const std::string& array, DimId dim, bool checked,
                               AxisSet& axes) {
  const auto* name = std::get_if<syntax::NameExpr>(&expr.node);
  if (name != nullptr && dims_.contains(name->name)) {
    const DimId whole = dims_.find(name->name)->second;
    if (!tied(whole, dim)) {
      refuse(Code::kWrongAxis, expr.span,
             quoted(name->name) + " stands where " + quoted(array) + " has the axis " + dim_text(dim),
             "write " + dim_text(dim) + " for the whole axis, or `where " + name->name + " = " +
                 program().dims[dim].name + "` if the two are one");
    }
    const AxisId axis = whole_axis(whole, expr.span);
    axes |= axis_bit(axis);
    return {.kind = Index::Kind::kAxis, .axis = axis, .proved = true};
  }
  const Meaning* found = name != nullptr && !syntax::is_upper(name->name) ? find(name->name) : nullptr;
  if (found != nullptr && found->kind == Meaning::Kind::kAxis) {
    const Axis axis = program().axes[found->id];
    if (runs_over(found->id, dim)) {
      if (!axis.unit) {
        axes |= axis_bit(found->id);
        return {.kind = Index::Kind::kAxis, .axis = found->id, .proved = true};
      }
    } else if (axis.dim != kNone) {
      Diagnostic& diagnostic = report(Code::kWrongAxis, expr.span,
                                      quoted(name->name) + " runs over " + dim_text(axis.dim) + ", and this axis of " +
                                          quoted(array) + " is " + dim_text(dim));
      diagnostic.note(axis.span, quoted(name->name) + " is bound here");
      diagnostic.help("equal extents do not make two axes one: exchange the indices, or write `where " +
                      program().dims[axis.dim].name + " = " + program().dims[dim].name + "`");
      throw Refused{};
    }
  }
  const Typed position = eval(expr);
  axes |= position.axes;
  return computed_index(position, dim, checked, expr.span);
}

Specializer::ResolvedIndices Specializer::resolve(const std::string& array, const std::vector<ArrayDim>& dims,
                                                  const std::vector<syntax::IndexItem>& items, Span span,
                                                  bool checked) {
  if (items.size() != dims.size()) {
    std::string axes;
    for (const ArrayDim& dim : dims) axes += (axes.empty() ? "" : ", ") + program().dims[dim.dim].name;
    refuse(Code::kIndexCount, span,
           quoted(array) + " has " + std::to_string(dims.size()) + " axes [" + axes + "], and " +
               std::to_string(items.size()) + " are indexed",
           dims.empty() ? "write " + quoted(array) + " alone" : "a dimension as an index is the whole axis");
  }
  ResolvedIndices result;
  std::vector<AxisId> wholes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const syntax::Expr& expr = *items[i].value;
    result.unique |= items[i].unique;
    const Index index = resolve_one(expr, array, dims[i].dim, checked, result.axes);
    if (index.kind == Index::Kind::kAxis && program().axes[index.axis].whole &&
        whole_axes_.contains(program().axes[index.axis].dim) &&
        whole_axes_[program().axes[index.axis].dim] == index.axis) {
      if (std::find(wholes.begin(), wholes.end(), index.axis) != wholes.end()) {
        const std::string& dim = program().axes[index.axis].name;
        refuse(Code::kDimensionTwice, expr.span, quoted(dim) + " stands twice in the indices of " + quoted(array),
               "give the axis two names, `let i in " + dim + "; let j in " + dim +
                   "`, or use a variable twice for the diagonal");
      }
      wholes.push_back(index.axis);
    }
    result.indices.push_back(index);
  }
  return result;
}

Typed Specializer::otherwise_value(const syntax::Expr& expr, RegType type, bool weak, Span span) {
  Typed value = eval(expr);
  const Register joined_type = joined(
      "`else`", {value, {is_float(type) ? builder_.number(0, type, span) : builder_.integer(0, type, span), 0, weak}},
      span);
  if (joined_type.type != type && !value.weak) {
    refuse(Code::kElseType, expr.span,
           "the value after `else` is " + type_text(value) + ", the elements are " + std::string(to_string(type)),
           "cast it: `" + std::string(to_string(type)) + "(…)`");
  }
  value.id = value.weak && is_integer(type) && is_float(type_of(value)) ? kNone : convert(value, type, span);
  if (value.id == kNone) {
    refuse(Code::kElseType, expr.span,
           "the value after `else` is a float, the elements are " + std::string(to_string(type)));
  }
  return value;
}

Typed Specializer::eval_index(const syntax::Index& node, Span span, const syntax::Expr* otherwise) {
  const auto* name = std::get_if<syntax::NameExpr>(&node.base->node);
  const Meaning* found =
      name != nullptr && !syntax::is_upper(name->name) ? &meaning(name->name, node.base->span) : nullptr;
  const bool array =
      found != nullptr && (found->kind == Meaning::Kind::kArray || found->kind == Meaning::Kind::kFilled);
  if (!array) {
    refuse(Code::kNotIndexable, node.base->span, "only arrays are indexed by position",
           "values line up by axis name; to shift one, write `value[C = e]`");
  }
  if (found->kind == Meaning::Kind::kFilled) {
    const Filled filled = filled_[found->id];
    const ResolvedIndices resolved = resolve(filled.name, filled.dims, node.items, span, otherwise == nullptr);
    Typed value = filled.value;
    value.axes |= resolved.axes;
    if (otherwise == nullptr) return value;
    // Inside is the default, outside the fallback: which of the two is asked of the position.
    Typed fallback = eval(*otherwise);
    const Register type = joined("`else`", {value, fallback}, span);
    value.id = convert(value, type.type, span);
    const ValueId outside = convert(fallback, type.type, span);
    ValueId inside = builder_.boolean(true, span);
    for (std::size_t i = 0; i < resolved.indices.size(); ++i) {
      const Index& index = resolved.indices[i];
      if (index.kind == Index::Kind::kAxis || index.proved) continue;
      const ValueId position = builder_.unary(Op::kCast, RegType::kI64, index.value, place(span));
      const ValueId low =
          builder_.binary(Op::kGe, RegType::kBool, position, builder_.integer(0, RegType::kI64, span), span);
      const ValueId high =
          builder_.binary(Op::kLt, RegType::kBool, position, builder_.extent(filled.dims[i].dim, span), span);
      inside = builder_.binary(Op::kAnd, RegType::kBool, inside,
                               builder_.binary(Op::kAnd, RegType::kBool, low, high, span), span);
    }
    return {builder_.select(inside, value.id, outside, place(span)), value.axes | fallback.axes, type.weak};
  }
  const ArrayId id = found->id;
  const Array target = program().arrays[id];
  if (target.role == ArrayRole::kResult) {
    Diagnostic& diagnostic =
        report(Code::kResultRead, node.base->span, quoted(target.name) + " is a result and can only be written");
    diagnostic.help("keep the value in a `let`, carry it in `scratch`, or make the argument `inout`");
    throw Refused{};
  }
  ResolvedIndices resolved = resolve(target.name, target.dims, node.items, span, otherwise == nullptr);
  Load load{.array = id, .indices = std::move(resolved.indices), .otherwise = kNone};
  AxisSet axes = resolved.axes;
  if (otherwise != nullptr) {
    const Typed fallback = otherwise_value(*otherwise, target.type, false, span);
    load.otherwise = fallback.id;
    axes |= fallback.axes;
  }
  const bool written = target.role != ArrayRole::kInput;
  const std::uint64_t version = written ? std::max(array_versions_[id], forget_) : 0;
  return {builder_.load(std::move(load), version, place(span)), axes};
}

// Rule 7. A re-indexing needs the value along the whole axis, which a tile of a parallel or looped axis is not.
Typed Specializer::eval_reindex(const syntax::Reindex& node, Span span, const syntax::Expr* otherwise) {
  Typed value = settle(eval(*node.base), span);
  if (otherwise != nullptr && node.bindings.size() > 1) {
    refuse(Code::kElseType, span,
           "`else` belongs to one shifted axis, and " + std::to_string(node.bindings.size()) + " are",
           "shift one axis after the other: `v[a = …] else 0` first");
  }
  for (const syntax::AxisBinding& binding : node.bindings) {
    const syntax::Expr name{.span = binding.axis.span, .node = syntax::NameExpr{binding.axis.text}};
    const AxisId axis = axis_argument(name, "re-indexing");
    require_reducible(axis, "re-indexing", true, binding.axis.span);
    require_carried(value, axis, "re-indexing", binding.axis.span);
    value = spread(value, axis_bit(axis), span);
    Typed position = eval(*binding.position);
    const auto* bare = std::get_if<syntax::NameExpr>(&binding.position->node);
    if (bare != nullptr && dims_.contains(bare->name)) {
      const AxisId whole = whole_axis(dims_.find(bare->name)->second, binding.position->span);
      position = {builder_.position(whole, place(span)), axis_bit(whole)};
    }
    if (!is_integer(type_of(position))) {
      refuse(Code::kIndexType, binding.position->span, "a position is an integer, not " + type_text(position),
             "convert it: `i32(…)`");
    }
    if (position.weak) position.id = convert(position, RegType::kI64, span);
    Value shifted{
        .op = Op::kReindex, .type = type_of(value), .id = axis, .args = {value.id, position.id}, .span = place(span)};
    AxisSet axes = (value.axes & ~axis_bit(axis)) | position.axes;
    if (otherwise != nullptr) {
      const Typed fallback = otherwise_value(*otherwise, type_of(value), false, span);
      shifted.args.push_back(fallback.id);
      axes |= fallback.axes;
    }
    value = {builder_.add(std::move(shifted)), axes};
    checked(value.id, span);
  }
  return value;
}

Typed Specializer::eval_otherwise(const syntax::Otherwise& node, Span span) {
  if (const auto* index = std::get_if<syntax::Index>(&node.access->node)) {
    return eval_index(*index, span, node.fallback.get());
  }
  return eval_reindex(std::get<syntax::Reindex>(node.access->node), span, node.fallback.get());
}

}  // namespace aurex::ax
