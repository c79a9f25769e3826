// Values: where each is computed, once, and what it becomes.

#include <algorithm>

#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

// ---- scopes ----

std::size_t BlockLowering::control_depth() const {
  std::size_t d = depth();
  while (d > 0 && !scopes_[d].control) --d;
  return d;
}

std::size_t BlockLowering::depth_for(AxisSet deps, bool pinned) const {
  std::size_t d = depth();
  const std::size_t floor = pinned ? control_depth() : 0;
  while (d > floor && (scopes_[d - 1].bound & deps) == (scopes_[d].bound & deps) && !scopes_[d].barrier) --d;
  return d;
}

void BlockLowering::with_scope(Scope scope, const std::function<void()>& fill) {
  scopes_.push_back(std::move(scope));
  fill();
  scopes_.pop_back();
}

void BlockLowering::at_depth(std::size_t depth, const std::function<void()>& emit) {
  if (depth + 1 == scopes_.size()) return emit();
  const auto first = static_cast<std::ptrdiff_t>(depth + 1);
  std::vector<Scope> inner(std::make_move_iterator(scopes_.begin() + first), std::make_move_iterator(scopes_.end()));
  scopes_.resize(depth + 1);
  std::vector<Nest> nests, outer_nests;
  for (Nest& nest : nests_) (nest.base >= depth ? nests : outer_nests).push_back(std::move(nest));
  nests_ = std::move(outer_nests);
  std::vector<Predicate> predicates;
  while (!predicates_.empty() && predicates_.back().depth > depth) {
    predicates.push_back(std::move(predicates_.back()));
    predicates_.pop_back();
  }
  const std::vector<ExprId> positions = positions_, lo = window_lo_, hi = window_hi_;
  const std::optional<Band> band = band_;
  if (band && depth < band->depth) {
    band_.reset();
    window_lo_[modes_.row] = band->first_row;
    window_hi_[modes_.row] = band->end_row;
    window_lo_[band->axis] = band->lo;
    window_hi_[band->axis] = band->hi;
  }
  emit();
  positions_ = positions;
  window_lo_ = lo;
  window_hi_ = hi;
  band_ = band;
  for (; !predicates.empty(); predicates.pop_back()) predicates_.push_back(std::move(predicates.back()));
  std::move(nests.begin(), nests.end(), std::back_inserter(nests_));
  std::move(inner.begin(), inner.end(), std::back_inserter(scopes_));
}

ExprId BlockLowering::name(std::size_t depth, ValueId id, ExprId value) {
  value = b_.name_value(*scopes_[depth].body, "v" + std::to_string(id), value);
  scopes_[depth].values[id] = value;
  return value;
}

// ---- placement ----

std::size_t BlockLowering::bound_depth(AxisId axis) const {
  std::size_t d = depth();
  while (d > 0 && has(scopes_[d - 1].bound, axis)) --d;
  return d;
}

BlockLowering::Placed BlockLowering::place(ValueId id) {
  const ax::Value& v = k_.value(id);
  if (k_.fact(id).scalar) return {k_.launch_scalar(id), 0};
  for (std::size_t d = scopes_.size(); d-- > 0;) {
    if (const auto found = scopes_[d].values.find(id); found != scopes_[d].values.end()) return {found->second, d};
    if (const auto kept = scopes_[d].buffers.find(id); kept != scopes_[d].buffers.end()) {
      return load_kept(id, kept->second, d);
    }
  }
  if (const auto shared = k_.shared_values.find(id); shared != k_.shared_values.end()) {
    return load_shared(id, shared->second, v.axes);
  }
  if (modes_.keep[id]) return place_kept(id);
  return place_fresh(id);
}

BlockLowering::Placed BlockLowering::place_fresh(ValueId id) {
  const ax::Value& v = k_.value(id);
  switch (v.op) {
    case Op::kPosition: {
      const std::size_t d = bound_depth(v.id);
      return {b_.cast(v.type, position(v.id)), d};
    }
    case Op::kVar: {
      const std::size_t d = depth_for(k_.fact(id).deps, true);
      return {name(d, id, read_var(v.id)), d};
    }
    case Op::kLoad:
      return place_load(id);
    case Op::kSelect:
      return place_select(id);
    case Op::kReduce:
      return place_reduce(id);
    case Op::kReindex:
      return place_reindex(id);
    case Op::kRandom:
      return place_random(id);
    default:
      return place_op(id);
  }
}

BlockLowering::Placed BlockLowering::place_op(ValueId id) {
  const ax::Value& v = k_.value(id);
  std::vector<ExprId> args;
  std::size_t d = 0;
  for (const ValueId arg : v.args) {
    const Placed placed = place(arg);
    args.push_back(placed.expr);
    d = std::max(d, placed.depth);
  }
  const ExprId value = b_.op(v.op, v.type, std::move(args));
  if (k_.fact(id).users > 1) return {name(d, id, value), d};
  return {value, d};
}

/// A branch whose indices need checks is checked only where it is taken.
BlockLowering::Placed BlockLowering::place_select(ValueId id) {
  const ax::Value& v = k_.value(id);
  if (!k_.fact(v.args[1]).checked && !k_.fact(v.args[2]).checked) return place_op(id);
  const Placed condition = place(v.args[0]);
  auto branch = [&](ValueId arg, bool taken) {
    if (!k_.fact(arg).checked) return place(arg);
    const ExprId wanted = taken ? condition.expr : b_.negate(condition.expr);
    Placed placed;
    Scope scope{.body = top().body, .bound = top().bound, .control = true, .vector = top().vector};
    with_scope(std::move(scope), [&] {
      predicates_.push_back(
          {.depth = depth(), .deps = k_.fact(v.args[0]).deps, .eval = [wanted](BlockLowering&) { return wanted; }});
      placed = place(arg);
      predicates_.pop_back();
    });
    placed.depth = std::min(placed.depth, depth());
    return placed;
  };
  const Placed a = branch(v.args[1], true), otherwise = branch(v.args[2], false);
  const std::size_t d = std::max({condition.depth, a.depth, otherwise.depth});
  return {name(d, id, b_.select(condition.expr, a.expr, otherwise.expr)), d};
}

// ---- memory ----

ExprId BlockLowering::live(std::size_t first) {
  ExprId all = kNone;
  AxisSet open = 0;
  // Evaluating one takes others off and puts them back, which may move them.
  for (std::size_t i = first; i < predicates_.size(); ++i) {
    const AxisSet beyond = range(predicates_[i].deps) & ~top().bound;
    open |= beyond;
    if (beyond != 0) continue;
    const std::function<ExprId(BlockLowering&)> eval = predicates_[i].eval;
    all = b_.both(all, eval(*this));
  }
  if (open != 0) all = b_.both(all, live_along(open, first));
  if (all == kNone || b_.expr(all).kind == Expr::Kind::kConst) return all;
  return b_.name_value(*top().body, "live", all);
}

ExprId BlockLowering::live_along(AxisSet open, std::size_t first) {
  const Accumulator acc = begin(ax::Reduction::kAny, RegType::kBool, top().vector, false);
  in_nest(open, [&] { loops(open, kNone, {}, [&] { accumulate(acc, live(first), kNone); }); });
  return finish(acc);
}

ExprId BlockLowering::live_anywhere() {
  const ExprId alive = live();
  if (alive == kNone || b_.is_uniform(alive)) return alive;
  const Accumulator acc = begin(ax::Reduction::kAny, RegType::kBool, top().vector, true);
  accumulate(acc, alive, kNone);
  return finish(acc);
}

AxisSet BlockLowering::live_deps() const {
  AxisSet deps = 0;
  for (const Predicate& predicate : predicates_) deps |= predicate.deps;
  return deps;
}

AxisSet BlockLowering::condition_axes() const {
  return live_deps() & ((modes_.range & ~modes_.chunks) | modes_.parallel);
}

/// What positions count along, in the interpreter's order: first the enclosing axes that the statement carries or that
/// are walked by one, from the outside in, then its others in ascending order.
std::vector<AxisId> BlockLowering::position_axes(AxisSet axes) const {
  axes |= statement_axes_;
  std::vector<AxisId> order;
  AxisSet enclosing = 0;
  for (const AxisId axis : enclosing_) {
    enclosing |= ax::axis_bit(axis);
    if (has(axes, axis) || k_.axis(axis).unit) order.push_back(axis);
  }
  for (const AxisId axis : axes_of(axes & ~enclosing)) order.push_back(axis);
  return order;
}

/// What is checked once for all positions of an axis is reported at the first.
ExprId BlockLowering::linear_position(AxisSet axes) {
  ExprId linear = b_.i64(0);
  for (const AxisId axis : position_axes(axes)) {
    linear = b_.mul(linear, k_.axis_extent(axis));
    if (has(top().bound, axis)) linear = b_.add(linear, position(axis));
  }
  return linear;
}

/// An index as an i64. Sums and products of positions are computed in 64 bits, so that they stay affine in the lane;
/// where 32 bits would have wrapped the index is outside every array in any case.
BlockLowering::Placed BlockLowering::index(ValueId id) {
  const ax::Value& v = k_.value(id);
  const bool affine = v.type == RegType::kI32 || v.type == RegType::kI64;
  if (affine && v.op == Op::kPosition) return {position(v.id), bound_depth(v.id)};
  const bool stored = k_.fact(id).scalar || k_.shared_values.contains(id);
  if (affine && (v.op == Op::kAdd || v.op == Op::kSub || v.op == Op::kMul) && !stored) {
    const Placed a = index(v.args[0]), c = index(v.args[1]);
    return {b_.op(v.op, RegType::kI64, {a.expr, c.expr}), std::max(a.depth, c.depth)};
  }
  const Placed placed = place(id);
  return {b_.cast(RegType::kI64, placed.expr), placed.depth};
}

BlockLowering::Indices BlockLowering::indices(ax::ArrayId array, const std::vector<ax::Index>& list, bool checked,
                                              AxisSet axes, ax::Span span) {
  const Buffer& buffer = k_.out.buffers[k_.arrays[array]];
  const std::vector<ExprId> extents = buffer.extents;
  const std::string text = buffer.name;
  Indices out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const ax::Index& each = list[i];
    if (each.kind == ax::Index::Kind::kAxis) {
      out.exprs.push_back(position(each.axis));
      out.depth = std::max(out.depth, bound_depth(each.axis));
      continue;
    }
    Placed placed = index(each.value);
    out.depth = std::max(out.depth, placed.depth);
    if (each.proved) {
      out.exprs.push_back(placed.expr);
      continue;
    }
    if (checked) out.depth = std::max(out.depth, depth_for(live_deps() | k_.fact(each.value).deps, true));
    placed.expr = b_.name_value(*scopes_[out.depth].body, "index", placed.expr);
    const ExprId ok = b_.in_range(placed.expr, extents[i]);
    if (checked) {
      at_depth(out.depth, [&] {
        top().body->push_back({Check{.ok = ok,
                                     .fault = kAurexFaultIndex,
                                     .site = k_.site(span, text, position_axes(axes)),
                                     .position = linear_position(axes),
                                     .value = placed.expr,
                                     .bound = extents[i],
                                     .predicate = live()}});
      });
    }
    out.in_range = b_.both(out.in_range, ok);
    out.exprs.push_back(placed.expr);
  }
  return out;
}

BlockLowering::Placed BlockLowering::place_load(ValueId id) {
  const ax::Value& v = k_.value(id);
  const ax::Load& load = k_.tiles.loads[v.id];
  const ValueFacts& fact = k_.fact(id);
  const bool checked = load.otherwise == kNone;
  Indices at = indices(load.array, load.indices, checked, v.axes, v.span);
  std::size_t d = std::max(at.depth, depth_for(fact.deps, fact.changing));
  ExprId otherwise = kNone;
  if (load.otherwise != kNone) {
    const Placed placed = place(load.otherwise);
    otherwise = placed.expr;
    d = std::max(d, placed.depth);
  }
  ExprId value = kNone;
  at_depth(d, [&] {
    const ExprId predicate = at.in_range != kNone && checked ? b_.both(at.in_range, live()) : at.in_range;
    value = name(d, id, b_.load(k_.arrays[load.array], at.exprs, predicate, otherwise));
  });
  return {value, d};
}

BlockLowering::Placed BlockLowering::load_shared(ValueId id, BufferId buffer, AxisSet axes) {
  std::vector<ExprId> at;
  for (const AxisId axis : axes_of(axes)) at.push_back(position(axis));
  const std::size_t d = depth_for(axes, true);
  return {name(d, id, b_.load(buffer, std::move(at))), d};
}

// ---- kept values ----

BlockLowering::Placed BlockLowering::load_kept(ValueId id, BufferId buffer, std::size_t depth) {
  const AxisSet axes = range(k_.value(id).axes);
  const std::size_t d = std::max(depth, depth_for(k_.fact(id).deps | axes, false));
  return {name(d, id, b_.load(buffer, scratch_indices(buffer, k_.value(id).axes))), d};
}

BufferId BlockLowering::kept_buffer(ValueId id) {
  for (std::size_t d = scopes_.size(); d-- > 0;) {
    if (const auto kept = scopes_[d].buffers.find(id); kept != scopes_[d].buffers.end()) return kept->second;
  }
  const ValueFacts& fact = k_.fact(id);
  const std::size_t base = depth_for(outer(fact.deps), fact.changing || fact.checked);
  keep(id, base);
  return scopes_[base].buffers.at(id);
}

/// Computed on the way where the current nest visits just its positions, else in a nest of its own.
BlockLowering::Placed BlockLowering::place_kept(ValueId id) {
  const ax::Value& v = k_.value(id);
  const ValueFacts& fact = k_.fact(id);
  const std::size_t base = depth_for(outer(fact.deps), fact.changing || fact.checked);
  const bool pointwise = v.op != Op::kReduce && v.op != Op::kScan && v.op != Op::kArgsort;
  if (pointwise && !nests_.empty()) {
    Nest& nest = nests_.back();
    if (nest.axes == range(v.axes) && nest.base == base) {
      const BufferId buffer = scratch("v" + std::to_string(id), v.type, v.axes);
      const Placed placed = place_fresh(id);
      const ExprId value = name(depth(), id, placed.expr);
      store_scratch(buffer, v.axes, value, kNone);
      nests_.back().kept.emplace_back(id, buffer);
      return {value, depth()};
    }
  }
  keep(id, base);
  return load_kept(id, scopes_[base].buffers.at(id), base);
}

/// `value[axis = e]`: the operand lies in scratch and is read at another position.
BlockLowering::Placed BlockLowering::place_reindex(ValueId id) {
  const ax::Value& v = k_.value(id);
  const ValueId operand = v.args[0];
  const auto axis = static_cast<AxisId>(v.id);
  const std::size_t base = depth_for(outer(k_.fact(operand).deps), k_.fact(operand).changing);
  bool present = false;
  for (const Scope& scope : scopes_) present = present || scope.buffers.contains(operand);
  if (!present) keep(operand, base);
  BufferId buffer = kNone;
  for (const Scope& scope : scopes_) {
    if (const auto found = scope.buffers.find(operand); found != scope.buffers.end()) buffer = found->second;
  }
  const Placed at = index(v.args[1]);
  const ExprId where = b_.name_value(*scopes_[at.depth].body, "index", at.expr);
  const ExprId bound = k_.axis_extent(axis);
  const bool checked = v.args.size() < 3;
  ExprId otherwise = kNone;
  if (!checked) otherwise = value(v.args[2]);
  const ExprId ok = b_.in_range(where, bound);
  const ExprId alive = checked ? live() : kNone;
  if (checked) {
    top().body->push_back({Check{.ok = ok,
                                 .fault = kAurexFaultIndex,
                                 .site = k_.site(v.span, k_.axis(axis).name, position_axes(v.axes)),
                                 .position = linear_position(v.axes),
                                 .value = where,
                                 .bound = bound,
                                 .predicate = alive}});
  }
  const ExprId old = positions_[axis];
  positions_[axis] = where;
  const ExprId element =
      b_.load(buffer, scratch_indices(buffer, k_.value(operand).axes), b_.both(ok, alive), otherwise);
  positions_[axis] = old;
  return {name(depth(), id, element), depth()};
}

}  // namespace aurex::schedule
