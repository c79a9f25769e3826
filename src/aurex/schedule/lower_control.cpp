// Loops and branches of a parallel block. Where a bound or a condition differs from element to element, the body runs
// for all of them together and every effect is held back where an element is not live (rule 20).

#include <algorithm>
#include <limits>

#include "aurex/base/error.h"
#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {

using ax::AxisSet;
using ax::Op;
using ax::Reduction;
using ax::ValueId;

/// Whether a value differs between lanes or along a range axis.
bool BlockLowering::varies(ValueId id) const {
  const AxisSet axes = k_.fact(id).deps | k_.value(id).axes;
  return range(axes) != 0 || (modes_.lane != kNone && has(axes, modes_.lane));
}

void BlockLowering::under(Predicate predicate, const std::function<void()>& fill) {
  predicate.depth = depth();
  predicates_.push_back(std::move(predicate));
  fill();
  predicates_.pop_back();
}

/// The truth of a value as of now. One that differs along range axes and may change later is kept in scratch.
BlockLowering::Predicate BlockLowering::condition(ValueId id) {
  const ValueFacts& fact = k_.fact(id);
  if (range(k_.value(id).axes) == 0) {
    value(id);
  } else if (fact.changing) {
    keep(id, depth_for(outer(fact.deps), true));
  }
  return {.deps = fact.deps | k_.value(id).axes, .eval = [id](BlockLowering& self) { return self.value(id); }};
}

void BlockLowering::lower_stmt(const ax::Stmt&, const ax::If& branch) {
  if (!varies(branch.condition)) {
    If out{.condition = value(branch.condition)};
    control_body(branch.then_body, out.then_body, true);
    control_body(branch.else_body, out.else_body, true);
    top().body->push_back({std::move(out)});
    return;
  }
  // Each part is lowered in a scope of its own that shares this body, so that its names end with it.
  const Predicate wanted = condition(branch.condition);
  Predicate unwanted = wanted;
  unwanted.eval = [eval = wanted.eval](BlockLowering& self) { return self.b_.negate(eval(self)); };
  auto part = [&](const ax::Body& body, const Predicate& predicate) {
    Scope scope{.body = top().body, .bound = top().bound, .control = true, .vector = top().vector};
    with_scope(std::move(scope), [&] { under(predicate, [&] { statements(body); }); });
  };
  part(branch.then_body, wanted);
  if (!branch.else_body.empty()) part(branch.else_body, unwanted);
}

/// The body runs while any element is live; each leaves when its own condition fails.
void BlockLowering::lower_stmt(const ax::Stmt&, const ax::While& loop) {
  const ax::Value& condition = k_.value(loop.condition);
  if (range(condition.axes) != 0) throw NotImplemented("while with a condition along a whole axis");
  const bool by_lane = varies(loop.condition);
  const VectorShape shape = by_lane ? top().vector : VectorShape{};
  const RegId running = b_.new_register("running", RegType::kBool, shape.lanes, shape.vectors);
  const ExprId outer = by_lane ? live() : kNone;
  top().body->push_back({Declare{.reg = running, .value = b_.boolean(outer == kNone)}});
  if (outer != kNone) top().body->push_back({Set{.reg = running, .value = b_.boolean(true), .predicate = outer}});

  While out{.condition = b_.reg(running)};
  Scope scope{.body = &out.body, .bound = top().bound, .control = true, .barrier = true, .vector = top().vector};
  with_scope(std::move(scope), [&] {
    const ExprId goes_on = b_.both(b_.reg(running), value(loop.condition));
    out.body.push_back({Set{.reg = running, .value = goes_on}});
    if (!by_lane) {
      If guarded{.condition = b_.reg(running)};
      control_body(loop.body, guarded.then_body, true);
      out.body.push_back({std::move(guarded)});
      return;
    }
    const ExprId now = b_.name_value(out.body, "running", b_.reg(running));
    Predicate predicate{.deps = k_.fact(loop.condition).deps | condition.axes,
                        .eval = [now](BlockLowering&) { return now; }};
    under(std::move(predicate), [&] { statements(loop.body); });
  });
  top().body->push_back({std::move(out)});
}

void BlockLowering::lower_stmt(const ax::Stmt&, const ax::For& loop) {
  const ExprId extent = k_.axis_extent(loop.axis);
  const bool ragged = (loop.lo != kNone && varies(loop.lo)) || (loop.hi != kNone && varies(loop.hi));
  auto bound = [&](ValueId id, ExprId otherwise) {
    return id == kNone ? otherwise : b_.cast(RegType::kI64, value(id));
  };
  if (!ragged) {
    const ExprId lo = loop.lo == kNone ? b_.i64(0) : b_.max(bound(loop.lo, kNone), b_.i64(0));
    const ExprId hi = loop.hi == kNone ? extent : b_.min(bound(loop.hi, kNone), extent);
    return uniform_for(loop, lo, hi, [&] { statements(loop.body); });
  }
  // Bounds are evaluated once, before the loop: those that could change meanwhile are fixed by name or in scratch.
  for (const ValueId id : {loop.lo, loop.hi}) {
    if (id == kNone || range(k_.value(id).axes) == 0 || !k_.fact(id).changing) continue;
    keep(id, depth_for(outer(k_.fact(id).deps), true));
  }
  const ExprId lo = loop.lo == kNone ? b_.i64(0) : b_.max(extreme(loop.lo, Reduction::kMin), b_.i64(0));
  const ExprId hi = loop.hi == kNone ? extent : b_.min(extreme(loop.hi, Reduction::kMax), extent);
  uniform_for(loop, lo, hi, [&] {
    const ax::AxisId axis = loop.axis;
    auto eval = [lo = loop.lo, hi = loop.hi, axis](BlockLowering& self) {
      LoopBuilder& b = self.b_;
      ExprId alive = kNone;
      if (has(self.modes_.chunks, axis) && !has(self.top().bound, axis)) return self.meets_window(axis, lo, hi);
      if (lo != kNone) {
        alive = b.compare(Op::kGe, self.position(axis), b.cast(RegType::kI64, self.value(lo)));
      }
      if (hi != kNone) {
        alive = b.both(alive, b.compare(Op::kLt, self.position(axis), b.cast(RegType::kI64, self.value(hi))));
      }
      return alive;
    };
    Predicate predicate{.deps = ax::axis_bit(axis) & ~modes_.chunks, .eval = eval};
    for (const ValueId id : {loop.lo, loop.hi}) {
      if (id != kNone) predicate.deps |= k_.fact(id).deps | k_.value(id).axes;
    }
    ragged_.push_back({.axis = axis, .lo = loop.lo, .hi = loop.hi});
    under(std::move(predicate), [&] { statements(loop.body); });
    ragged_.pop_back();
  });
}

/// Whether a row runs any position of the part of a `for` in hand.
ExprId BlockLowering::meets_window(ax::AxisId axis, ValueId lo, ValueId hi) {
  ExprId first = low(axis), last = high(axis);
  if (lo != kNone) first = b_.max(first, b_.cast(RegType::kI64, value(lo)));
  if (hi != kNone) last = b_.min(last, b_.cast(RegType::kI64, value(hi)));
  return b_.compare(Op::kLt, first, last);
}

void BlockLowering::uniform_for(const ax::For& loop, ExprId lo, ExprId hi, const std::function<void()>& fill) {
  lo = b_.name_value(*top().body, "lo", lo);
  hi = b_.name_value(*top().body, "hi", hi);
  if (has(modes_.chunks, loop.axis)) return chunk_loop(loop.axis, lo, hi, fill);
  loop_over(loop.axis, lo, hi, {}, [&] {
    top().control = true;
    enclosing_.push_back(loop.axis);
    fill();
    enclosing_.pop_back();
  });
}

ExprId BlockLowering::extreme(ValueId id, Reduction reduction) {
  const ax::Value& v = k_.value(id);
  if (!varies(id)) return b_.cast(RegType::kI64, value(id));
  const bool by_lane = top().vector.active() && has(k_.fact(id).deps | v.axes, modes_.lane);
  const VectorShape shape = by_lane ? top().vector : VectorShape{};
  const Accumulator acc = begin(reduction, RegType::kI64, shape, by_lane);
  auto term = [&] {
    const ExprId alive = by_lane || range(live_deps()) != 0 ? live() : kNone;
    accumulate(acc, b_.cast(RegType::kI64, value(id)), alive);
  };
  if (range(v.axes) == 0) {
    term();
  } else {
    in_nest(range(v.axes), [&] { loops(range(v.axes), kNone, {}, term); });
  }
  return finish(acc);
}

}  // namespace aurex::schedule
