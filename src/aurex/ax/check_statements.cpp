// Statements (rules 19 to 24): blocks, loops, conditions, variables, stores.

#include <algorithm>

#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

Update update_of(syntax::AssignOp op) {
  switch (op) {
    case syntax::AssignOp::kSet:
      return Update::kSet;
    case syntax::AssignOp::kAdd:
      return Update::kAdd;
    case syntax::AssignOp::kSubtract:
      return Update::kSub;
    case syntax::AssignOp::kMultiply:
      return Update::kMul;
    case syntax::AssignOp::kMax:
      return Update::kMax;
    case syntax::AssignOp::kMin:
      return Update::kMin;
  }
  return Update::kSet;
}

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

}  // namespace

void Specializer::emit(Body& out, Span span, decltype(Stmt::node) node) {
  out.push_back({.node = std::move(node), .span = place(span)});
}

void Specializer::block(const syntax::Block& block, Body& out) {
  const std::size_t names = names_.size();
  for (const syntax::Stmt& stmt : block.statements) {
    if (sink_.full()) break;
    try {
      statement(stmt, out);
    } catch (const Refused&) {
      // What the statement would have named stays known, so that its users are not reported as well.
      std::string name;
      if (const auto* node = std::get_if<syntax::Let>(&stmt.node)) name = node->name.text;
      if (const auto* node = std::get_if<syntax::LetAxis>(&stmt.node)) name = node->variable.text;
      if (const auto* node = std::get_if<syntax::Var>(&stmt.node)) name = node->name.text;
      if (const auto* node = std::get_if<syntax::Scratch>(&stmt.node)) name = node->name.text;
      if (!name.empty() && find(name) == nullptr) {
        name_index_[name].push_back(static_cast<std::uint32_t>(names_.size()));
        names_.push_back({name, {.span = stmt.span, .what = "name"}});
      }
    }
  }
  pop_names(names);
}

void Specializer::statement(const syntax::Stmt& statement, Body& out) {
  const Span span = statement.span;
  if (const auto* node = std::get_if<syntax::Parallel>(&statement.node)) return parallel(*node, span, out);
  if (const auto* node = std::get_if<syntax::For>(&statement.node)) return for_loop(*node, span, out);
  if (const auto* node = std::get_if<syntax::While>(&statement.node)) return while_loop(*node, span, out);
  if (const auto* node = std::get_if<syntax::If>(&statement.node)) return if_statement(*node, span, out);
  if (const auto* node = std::get_if<syntax::Let>(&statement.node)) return let(*node, span, out);
  if (const auto* node = std::get_if<syntax::LetAxis>(&statement.node)) return let_axis(*node);
  if (const auto* node = std::get_if<syntax::Var>(&statement.node)) return declare_var(*node, span, out);
  if (const auto* node = std::get_if<syntax::Assign>(&statement.node)) return assign(*node, span, out);
  if (const auto* node = std::get_if<syntax::Scratch>(&statement.node)) return scratch(*node);
  if (const auto* node = std::get_if<syntax::Assert>(&statement.node)) return assertion(*node, span, out);
  const Typed value = settle(eval(*std::get<syntax::Print>(statement.node).value), span);
  emit(out, span, Print{value.id});
}

AxisId Specializer::add_axis(Axis axis, AxisRole role) {
  if (program().axes.size() >= kMaxAxes) {
    refuse(Code::kTooManyAxes, axis.span, "a kernel has at most 64 axes", "split the kernel in two");
  }
  axis.span = place(axis.span);
  program().axes.push_back(std::move(axis));
  axis_roles_.push_back(role);
  return static_cast<AxisId>(program().axes.size() - 1);
}

// A dimension, or any integer expression of scalars and extents (rule 12).
AxisId Specializer::make_axis(const syntax::AxisClause& clause, AxisRole role) {
  const std::string& name = clause.variable.text;
  Axis axis{.name = name, .unit = clause.by_one, .whole = role == AxisRole::kWhole, .span = clause.variable.span};
  const Span span = clause.domain->span;
  if (const auto* dim = std::get_if<syntax::NameExpr>(&clause.domain->node);
      dim != nullptr && dims_.contains(dim->name)) {
    axis.dim = dims_.find(dim->name)->second;
    axis.extent = checked(builder_.extent(axis.dim, span), span);
    return add_axis(std::move(axis), role);
  }
  const Typed extent = eval(*clause.domain);
  if (!is_integer(type_of(extent))) {
    refuse(Code::kIntegerExpected, span, "an axis runs over a dimension or an integer, not over " + type_text(extent));
  }
  if (!builder_.dependencies(extent.id).uniform) {
    refuse(Code::kNotLaunchScalar, span,
           "the length of an axis is fixed for a launch, and this is " + type_text(extent),
           "run over a dimension and bound the loop: `for " + name + " in D until …`");
  }
  axis.extent = convert(extent, RegType::kI64, span);
  if (const auto literal = builder_.integer_constant(axis.extent); literal && *literal >= 0) {
    const auto dim = literal_dims_.find(static_cast<std::uint64_t>(*literal));
    if (dim != literal_dims_.end()) axis.dim = dim->second;
  }
  return add_axis(std::move(axis), role);
}

void Specializer::parallel(const syntax::Parallel& node, Span span, Body& out) {
  if (context_.in_parallel) {
    refuse(Code::kNestedParallel, span, "a `parallel` block stands inside another one",
           "list all axes in one block: `parallel m in M, n in N { … }`, or use `for` inside");
  }
  if (context_.in_tiled_for) {
    refuse(Code::kParallelPlace, span, "a `parallel` block stands inside a `for` that runs in tiles",
           "write `by 1` after the domain of the `for`");
  }
  if (context_.condition_axes != 0) {
    refuse(Code::kParallelPlace, span,
           "a `parallel` block stands under a condition that differs from element to element",
           "move the condition into the block");
  }
  const Context outer = context_;
  const std::size_t names = names_.size();
  Parallel loop;
  for (const syntax::AxisClause& clause : node.axes) {
    const AxisId axis = make_axis(clause, AxisRole::kParallel);
    loop.axes.push_back(axis);
    bind(clause.variable.text,
         {.kind = Meaning::Kind::kAxis, .id = axis, .span = clause.variable.span, .what = "variable"},
         clause.variable.span);
    context_.parallel_axes |= axis_bit(axis);
  }
  context_.in_parallel = true;
  new_versions();
  block(node.body, loop.body);
  pop_names(names);
  new_versions();
  context_ = outer;
  emit(out, span, std::move(loop));
}

Typed Specializer::bound(const syntax::Expr& expr) {
  Typed value = eval(expr);
  if (!is_integer(type_of(value))) {
    refuse(Code::kIntegerExpected, expr.span, "a loop's bound is an integer, not " + type_text(value));
  }
  const RegType type = type_of(value);
  if (value.weak || is_unsigned(type)) value.id = convert(value, RegType::kI64, expr.span);
  return value;
}

void Specializer::for_loop(const syntax::For& node, Span span, Body& out) {
  const Context outer = context_;
  For loop;
  for (const auto& [expr, place] : {std::pair{node.from.get(), &loop.lo}, std::pair{node.until.get(), &loop.hi}}) {
    if (expr == nullptr) continue;
    const Typed value = bound(*expr);
    *place = value.id;
    context_.condition_axes |= value.axes;
  }
  loop.axis = make_axis(node.axis, AxisRole::kFor);
  const std::size_t names = names_.size();
  bind(node.axis.variable.text,
       {.kind = Meaning::Kind::kAxis, .id = loop.axis, .span = node.axis.variable.span, .what = "variable"},
       node.axis.variable.span);
  context_.in_tiled_for |= !node.axis.by_one;
  new_versions();
  block(node.body, loop.body);
  pop_names(names);
  new_versions();
  context_ = outer;
  emit(out, span, std::move(loop));
}

void Specializer::while_loop(const syntax::While& node, Span span, Body& out) {
  const Context outer = context_;
  new_versions();
  const Typed condition = to_bool(*node.condition, "the condition of `while`");
  While loop{.condition = condition.id, .body = {}};
  context_.condition_axes |= condition.axes;
  block(node.body, loop.body);
  new_versions();
  context_ = outer;
  emit(out, span, std::move(loop));
}

// Where the condition is known, the other branch is checked and dropped.
void Specializer::if_statement(const syntax::If& node, Span span, Body& out) {
  const Context outer = context_;
  condition_of_kernel_if_ = !context_.in_parallel;
  Typed condition;
  try {
    condition = to_bool(*node.condition, "the condition of `if`");
  } catch (const Refused&) {
    condition_of_kernel_if_ = false;
    throw;
  }
  condition_of_kernel_if_ = false;
  If branch{.condition = condition.id, .then_body = {}, .else_body = {}};
  context_.condition_axes |= condition.axes;
  new_versions();
  block(node.then, branch.then_body);
  new_versions();
  if (node.otherwise) block(*node.otherwise, branch.else_body);
  new_versions();
  context_ = outer;
  if (builder_.is_constant(condition.id)) {
    Body& taken = builder_.value(condition.id).integer != 0 ? branch.then_body : branch.else_body;
    std::move(taken.begin(), taken.end(), std::back_inserter(out));
    return;
  }
  emit(out, span, std::move(branch));
}

void Specializer::let(const syntax::Let& node, Span span, Body& out) {
  const Typed value = eval(*node.value);
  bind(node.name.text, {.kind = Meaning::Kind::kValue, .value = value, .span = node.name.span, .what = "value"},
       node.name.span);
  emit(out, span, Let{node.name.text, value.id});
}

void Specializer::let_axis(const syntax::LetAxis& node) {
  Axis axis{.name = node.variable.text, .whole = true, .span = node.variable.span};
  const auto* name = std::get_if<syntax::NameExpr>(&node.domain->node);
  if (name == nullptr || !dims_.contains(name->name)) {
    const Typed extent = eval(*node.domain);
    if (!is_integer(type_of(extent)) || !builder_.dependencies(extent.id).uniform) {
      refuse(Code::kNotLaunchScalar, node.domain->span,
             "the length of an axis is fixed for a launch, and this is " + type_text(extent));
    }
    axis.extent = convert(extent, RegType::kI64, node.domain->span);
  } else {
    axis.dim = dims_.find(name->name)->second;
    axis.extent = builder_.extent(axis.dim, node.domain->span);
  }
  const AxisId id = add_axis(std::move(axis), AxisRole::kWhole);
  bind(node.variable.text, {.kind = Meaning::Kind::kAxis, .id = id, .span = node.variable.span, .what = "variable"},
       node.variable.span);
}

void Specializer::declare_var(const syntax::Var& node, Span span, Body& out) {
  const std::string& name = node.name.text;
  if (vars_.size() >= kMaxVars) {
    refuse(Code::kTooManyVars, span, "a kernel has at most " + std::to_string(kMaxVars) + " variables");
  }
  AxisSet axes = 0;
  for (const syntax::Name& axis_name : node.axes) {
    syntax::Expr expr{.span = axis_name.span, .node = syntax::NameExpr{axis_name.text}};
    const AxisId axis = axis_argument(expr, "`var`");
    if (program().axes[axis].unit) {
      refuse(Code::kUnitAxis, axis_name.span,
             quoted(axis_name.text) + " runs `by 1`: it is one position, no axis of a value", "leave it out");
    }
    axes |= axis_bit(axis);
  }
  const Typed initial = eval(*node.initial);
  if ((initial.axes & ~axes) != 0) {
    refuse(
        Code::kVarAxes, node.initial->span,
        quoted(name) + " is declared over " + axes_text(axes) + ", its first value carries " + axes_text(initial.axes),
        "name these axes: `var " + name + axes_text(axes | initial.axes) + "`");
  }
  const auto known = var_types_.find(&node);
  Register type = known != var_types_.end() ? known->second : reg(initial);
  const auto id = static_cast<VarId>(vars_.size());
  vars_.push_back({.syntax = &node,
                   .contents = builder_.dependencies(initial.id),
                   .condition_axes = context_.condition_axes,
                   .in_parallel = context_.in_parallel,
                   .weak = type.weak,
                   .version = ++version_});
  program().vars.push_back({.name = name, .type = type.type, .axes = axes, .span = place(span)});
  if (known == var_types_.end()) {
    var_types_[&node] = type;
  } else if (type.weak) {  // a whole pass gave it nothing else: literals decide
    var_types_[&node] = {settled(type), false};
  }
  const ValueId value = type_of(initial) == type.type ? initial.id : convert(initial, type.type, node.initial->span);
  bind(name, {.kind = Meaning::Kind::kVar, .id = id, .span = node.name.span, .what = "variable"}, node.name.span);
  emit(out, span, Declare{id, value});
}

// Records that a variable has to hold this type; another pass follows where it does not yet.
void Specializer::want(VarId var, Register type) { var_types_[vars_[var].syntax] = type; }

void Specializer::assign(const syntax::Assign& node, Span span, Body& out) {
  const std::string& name = node.target.text;
  const Meaning& target = meaning(name, node.target.span);
  if (target.kind == Meaning::Kind::kArray) return store(node, target.id, span, out);
  if (target.kind != Meaning::Kind::kVar) {
    Diagnostic& diagnostic = report(Code::kAssignTarget, node.target.span,
                                    quoted(name) + " is a " + target.what + " and cannot be assigned to");
    diagnostic.note(place(target.span), quoted(name) + " is named here");
    if (target.kind == Meaning::Kind::kValue) diagnostic.help("declare it with `var " + name + " = …`");
    throw Refused{};
  }
  if (!node.indices.empty()) {
    refuse(Code::kAssignTarget, node.target.span, quoted(name) + " is a variable: it is assigned as a whole",
           "write `" + name + " = …`; its axes line up by name");
  }
  assign_var(node, target.id, span, out);
}

void Specializer::assign_var(const syntax::Assign& node, VarId var, Span span, Body& out) {
  const std::string& name = node.target.text;
  const Typed value = eval(*node.value);
  VarState& state = vars_[var];
  const AxisSet axes = program().vars[var].axes;
  if (context_.in_parallel && !state.in_parallel) {
    refuse(Code::kOuterVar, span,
           quoted(name) + " belongs to the kernel; positions of a `parallel` block would race for it",
           "reduce into a result or `scratch`, or declare the variable inside the block");
  }
  if ((value.axes & ~axes) != 0) {
    refuse(Code::kVarAxes, node.value->span,
           quoted(name) + " has the axes " + axes_text(axes) + ", the value carries " + axes_text(value.axes),
           "reduce over the others, or declare `var " + name + axes_text(axes | value.axes) + "`");
  }
  const AxisSet condition = context_.condition_axes & ~state.condition_axes;
  if ((condition & ~axes) != 0) {
    refuse(Code::kConditionAxes, span,
           "the condition around this differs along " + axes_text(condition & ~axes) + ", and " + quoted(name) +
               " has the axes " + axes_text(axes),
           "declare `var " + name + axes_text(axes | condition) + "`: every element follows its own path");
  }
  const Register type{program().vars[var].type, state.weak};
  const Join join = aurex::ax::join(type, reg(value));
  if (join.error != JoinError::kNone) joined("assigning to " + quoted(name), {eval_name(name, span), value}, span);
  if (join.type != type) want(var, join.type);
  const Update update = update_of(node.op);
  if (type.type == RegType::kBool && update != Update::kSet) {
    refuse(Code::kNumberExpected, span, quoted(name) + " is bool and can only be replaced",
           "write `" + name + " = " + name + " or …`");
  }
  const Dependencies depends = builder_.dependencies(value.id);
  state.contents.axes |= depends.axes;
  state.contents.reduced |= depends.reduced;
  state.contents.vars |= depends.vars;
  state.contents.memory |= depends.memory;
  const ValueId converted = join.type.type == type.type ? convert(value, type.type, node.value->span) : value.id;
  state.version = ++version_;
  emit(out, span, Assign{var, update, converted});
}

void Specializer::store(const syntax::Assign& node, ArrayId array, Span span, Body& out) {
  const Array target = program().arrays[array];
  if (target.role == ArrayRole::kInput) {
    refuse(Code::kAssignTarget, node.target.span, quoted(target.name) + " is an input and cannot be written",
           "declare it `inout " + target.name + "`, or add a result");
  }
  const Update update = update_of(node.op);
  if (update != Update::kSet && target.role == ArrayRole::kResult && target.start == kNone) {
    refuse(Code::kNeedsStart, span, quoted(target.name) + " is updated, and has nothing to start from",
           "give it a start value: `-> (" + target.name + ": … = 0)`");
  }
  ResolvedIndices resolved = resolve(target.name, target.dims, node.indices, node.target.span, true);
  Typed value = eval(*node.value);
  if ((value.axes & ~resolved.axes) != 0) {
    const AxisSet extra = value.axes & ~resolved.axes;
    refuse(Code::kStoreAxes, node.value->span,
           "the value carries " + axes_text(extra) + ", which the indices of " + quoted(target.name) + " do not have",
           "reduce over it, for example `sum(…, " + axes_text(extra).substr(1, axes_text(extra).size() - 2) + ")`");
  }
  if ((context_.condition_axes & ~resolved.axes) != 0) {
    refuse(Code::kConditionAxes, span,
           "the condition around this store differs along " + axes_text(context_.condition_axes & ~resolved.axes) +
               ", which the indices of " + quoted(target.name) + " do not have",
           "reduce the condition with `any` or `all`, or index by these axes");
  }
  if ((type_of(value) == RegType::kBool) != (target.type == RegType::kBool)) {
    refuse(Code::kStoreType, node.value->span,
           quoted(target.name) + " holds " + std::string(to_string(target.storage.dtype)) + ", the value is " +
               type_text(value),
           target.type == RegType::kBool ? "compare it: `… != 0`" : "write `… ? 1 : 0`");
  }
  if (value.weak && target.type != RegType::kBool) {
    const bool fits = is_float(target.type) || is_integer(type_of(value));
    value.id = convert(value, fits ? target.type : RegType::kF64, node.value->span);
  }
  array_versions_[array] = ++version_;
  emit(out, span,
       Store{.array = array,
             .indices = std::move(resolved.indices),
             .update = update,
             .value = value.id,
             .unique = resolved.unique});
}

void Specializer::scratch(const syntax::Scratch& node) {
  const std::string& name = node.name.text;
  if (context_.in_parallel) {
    refuse(Code::kScratchPlace, node.name.span, "`scratch` carries values between blocks and stands at kernel level",
           "inside a block use `let`, or `var` with axes");
  }
  const Storage storage = exact_storage(node.type.element, std::nullopt, name);
  Array array{.name = name,
              .role = ArrayRole::kScratch,
              .storage = storage,
              .type = register_type(storage.dtype),
              .dims = {},
              .scratch_axes = {},
              .span = node.type.span};
  std::uint32_t axis = 0;
  if (node.type.shape) {
    for (const syntax::Dim& dim : *node.type.shape) {
      DimId id = kNone;
      if (dim.kind == syntax::Dim::Kind::kLiteral) {
        id = literal_dim(dim.literal, dim.span);
      } else if (dim.kind == syntax::Dim::Kind::kExtent) {
        const Typed extent = eval(*dim.extent);
        if (!is_integer(type_of(extent)) || !builder_.dependencies(extent.id).uniform) {
          refuse(Code::kNotLaunchScalar, dim.span,
                 "an extent of scratch is an integer of extents and scalar parameters, not " + type_text(extent));
        }
        id = static_cast<DimId>(program().dims.size());
        program().dims.push_back({.name = std::string(program().source->text(dim.span)),
                                  .literal = std::nullopt,
                                  .defined_by = convert(extent, RegType::kI64, dim.span),
                                  .pack = kNone});
        dim_spans_.push_back(dim.span);
        solved_.push_back(true);
        dim_class_.push_back(id);
      } else if (const auto known = dims_.find(dim.name); known != dims_.end()) {
        id = known->second;
      } else {
        refuse(Code::kUnknownName, dim.span, "there is no dimension `" + dim.name + "`");
      }
      array.dims.push_back({id, axis++});
    }
  }
  bind(name,
       {.kind = Meaning::Kind::kArray,
        .id = static_cast<ArrayId>(program().arrays.size()),
        .span = node.name.span,
        .what = "scratch array"},
       node.name.span);
  program().arrays.push_back(std::move(array));
  array_versions_.push_back(0);
}

void Specializer::assertion(const syntax::Assert& node, Span span, Body& out) {
  const Typed condition = to_bool(*node.condition, "the condition of `assert`");
  emit(out, span, Assert{condition.id, node.message});
}

}  // namespace aurex::ax
