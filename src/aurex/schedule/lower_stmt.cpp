// Statements of a parallel block.

#include <algorithm>

#include "aurex/base/error.h"
#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

void BlockLowering::statements(const ax::Body& body) {
  for (const ax::Stmt& stmt : body) {
    statement_axes_ = 0;
    for (const ValueId id : operands(stmt)) statement_axes_ |= k_.value(id).axes;
    std::visit([&](const auto& node) { lower_stmt(stmt, node); }, stmt.node);
  }
}

void BlockLowering::control_body(const ax::Body& body, Body& out, bool barrier) {
  Scope scope{.body = &out, .bound = top().bound, .control = true, .barrier = barrier, .vector = top().vector};
  with_scope(std::move(scope), [&] { statements(body); });
}

void BlockLowering::value_nest(AxisSet axes, std::span<const ValueId> roots, const ax::Store* store, RegType type,
                               const std::function<void()>& fill) {
  const AxisSet over = range(axes);
  const auto [vector, shape] = nest_lanes(roots[0], over, roots, store, type);
  in_nest(over, [&] { loops(over, vector, shape, fill); });
}

ExprId BlockLowering::updated(ax::Update update, RegType type, ExprId old, ExprId value) {
  switch (update) {
    case ax::Update::kSet:
      return value;
    case ax::Update::kAdd:
      return b_.op(Op::kAdd, type, {old, value});
    case ax::Update::kSub:
      return b_.op(Op::kSub, type, {old, value});
    case ax::Update::kMul:
      return b_.op(Op::kMul, type, {old, value});
    case ax::Update::kDiv:
      return b_.op(Op::kDiv, type, {old, value});
    case ax::Update::kMax:
      return b_.op(Op::kMax, type, {old, value});
    case ax::Update::kMin:
      break;
  }
  return b_.op(Op::kMin, type, {old, value});
}

ExprId BlockLowering::read_var(ax::VarId var) {
  if (const auto found = registers_.find(var); found != registers_.end()) return b_.reg(found->second);
  const ax::Var& v = k_.tiles.vars[var];
  if (const auto found = var_buffers_.find(var); found != var_buffers_.end()) {
    return b_.load(found->second, scratch_indices(found->second, v.axes));
  }
  std::vector<ExprId> at;
  for (const AxisId axis : axes_of(v.axes)) at.push_back(position(axis));
  return b_.load(k_.shared_vars.at(var), std::move(at));
}

/// A value that changes later is fixed here; any other is computed where it is first needed.
void BlockLowering::lower_stmt(const ax::Stmt&, const ax::Let& let) {
  if (!modes_.reached[let.value]) return;  // nobody asks for it, and no mode was chosen for what it is made of
  const ax::Value& v = k_.value(let.value);
  const ValueFacts& fact = k_.fact(let.value);
  if (range(v.axes) == 0) {
    value(let.value);
  } else if (fact.changing || (fact.memory && overwrites_inputs_)) {
    keep(let.value, depth_for(outer(fact.deps), true));
  }
}

void BlockLowering::lower_stmt(const ax::Stmt&, const ax::Declare& declare) {
  const ax::Var& var = k_.tiles.vars[declare.var];
  var_predicates_[declare.var] = predicates_.size();
  if (range(var.axes) == 0) {
    const ExprId start = b_.cast(var.type, value(declare.value));
    const bool by_lane = modes_.lane != kNone && has(var.axes, modes_.lane);
    const VectorShape shape = by_lane ? top().vector : VectorShape{};
    const RegId reg = b_.new_register(var.name, var.type, shape.lanes, shape.vectors);
    registers_[declare.var] = reg;
    top().body->push_back({Declare{.reg = reg, .value = start}});
    return;
  }
  const BufferId buffer = scratch(var.name, var.type, var.axes);
  const ValueId roots[] = {declare.value};
  value_nest(var.axes, roots, nullptr, var.type,
             [&] { store_scratch(buffer, var.axes, b_.cast(var.type, value(declare.value)), kNone); });
  var_buffers_[declare.var] = buffer;
}

void BlockLowering::lower_stmt(const ax::Stmt&, const ax::Assign& assign) {
  const ax::Var& var = k_.tiles.vars[assign.var];
  const auto known = var_predicates_.find(assign.var);
  const std::size_t first = known == var_predicates_.end() ? 0 : known->second;
  if (const auto found = registers_.find(assign.var); found != registers_.end()) {
    const ExprId right = b_.cast(var.type, value(assign.value));
    const ExprId next = updated(assign.update, var.type, b_.reg(found->second), right);
    top().body->push_back({Set{.reg = found->second, .value = next, .predicate = live(first)}});
    return;
  }
  const auto own = var_buffers_.find(assign.var);
  const ValueId roots[] = {assign.value};
  value_nest(var.axes, roots, nullptr, var.type, [&] {
    const ExprId right = b_.cast(var.type, value(assign.value));
    const ExprId old = assign.update == ax::Update::kSet ? kNone : read_var(assign.var);
    const ExprId next = updated(assign.update, var.type, old, right);
    if (own != var_buffers_.end()) return store_scratch(own->second, var.axes, next, live(first));
    Store store{.buffer = k_.shared_vars.at(assign.var), .value = next, .predicate = live(first)};
    for (const AxisId axis : axes_of(var.axes)) store.indices.push_back(position(axis));
    store.access = b_.access(store.buffer, store.indices);
    top().body->push_back({std::move(store)});
  });
}

void BlockLowering::lower_stmt(const ax::Stmt& stmt, const ax::Store& store) {
  std::vector<ValueId> roots = {store.value};
  AxisSet axes = k_.value(store.value).axes;
  for (const ax::Index& index : store.indices) {
    if (index.kind == ax::Index::Kind::kAxis) {
      axes |= ax::axis_bit(index.axis);
    } else {
      axes |= k_.value(index.value).axes;
      roots.push_back(index.value);
    }
  }
  const ax::Value& v = k_.value(store.value);
  value_nest(axes | live_deps(), roots, &store, v.type, [&] {
    const ExprId right = value(store.value);
    Indices at = indices(store.array, store.indices, true, axes, stmt.span);
    Store out{.buffer = k_.arrays[store.array],
              .indices = at.exprs,
              .value = right,
              .update = store.update,
              .predicate = b_.both(at.in_range, live())};
    out.access = b_.access(out.buffer, out.indices);
    // Lanes that may meet take their turns, in ascending order.
    if (store.update != ax::Update::kSet && out.access != Access::kUnit && top().vector.active()) {
      out.access = Access::kGather;
    }
    top().body->push_back({std::move(out)});
  });
}

void BlockLowering::lower_stmt(const ax::Stmt& stmt, const ax::Assert& assertion) {
  const ValueId roots[] = {assertion.condition};
  const AxisSet axes = k_.value(assertion.condition).axes | condition_axes();
  value_nest(axes, roots, nullptr, RegType::kF32, [&] {
    top().body->push_back({Check{.ok = value(assertion.condition),
                                 .fault = kAurexFaultAssert,
                                 .site = k_.site(stmt.span, assertion.text, position_axes(axes)),
                                 .position = linear_position(axes),
                                 .value = b_.i64(0),
                                 .bound = b_.i64(0),
                                 .predicate = live()}});
  });
}

void BlockLowering::lower_stmt(const ax::Stmt& stmt, const ax::Print& print) {
  const ValueId roots[] = {print.value};
  const AxisSet axes = k_.value(print.value).axes;
  value_nest(axes, roots, nullptr, RegType::kF32, [&] {
    top().body->push_back({Print{.value = value(print.value),
                                 .position = linear_position(axes),
                                 .predicate = live(),
                                 .site = k_.site(stmt.span, {}, position_axes(axes))}});
  });
}

void BlockLowering::lower_stmt(const ax::Stmt&, const ax::Parallel&) {
  throw NotImplemented("a parallel block inside a parallel block");
}

}  // namespace aurex::schedule
