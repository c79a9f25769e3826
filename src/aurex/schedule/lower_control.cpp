// Loops and branches of a parallel block. Where a bound or a condition differs from element to element, the body runs
// for all of them together and every effect is held back where an element is not live (rule 20).

#include <algorithm>
#include <limits>

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

void BlockLowering::guarded(ExprId condition, const std::function<void()>& fill) {
  If out{.condition = condition};
  Scope scope{.body = &out.then_body, .bound = top().bound, .control = true, .barrier = true, .vector = top().vector};
  with_scope(std::move(scope), fill);
  top().body->push_back({std::move(out)});
}

/// The body runs while any element is live; each leaves when its own condition fails.
void BlockLowering::lower_stmt(const ax::Stmt&, const ax::While& loop) {
  if (range(k_.value(loop.condition).axes) != 0) return while_along(loop);
  if (varies(loop.condition)) return while_by_lane(loop);
  uniform_while(loop);
}

/// Where nothing is live the condition means nothing, and might hold for ever.
void BlockLowering::uniform_while(const ax::While& loop) {
  const ExprId outer = live_anywhere();
  const RegId running = b_.new_register("running", RegType::kBool, 1, 1);
  top().body->push_back({Declare{.reg = running, .value = outer == kNone ? b_.boolean(true) : outer}});
  While out{.condition = b_.reg(running)};
  Scope scope{.body = &out.body, .bound = top().bound, .control = true, .barrier = true, .vector = top().vector};
  with_scope(std::move(scope), [&] {
    out.body.push_back({Set{.reg = running, .value = value(loop.condition)}});
    guarded(b_.reg(running), [&] { statements(loop.body); });
  });
  top().body->push_back({std::move(out)});
}

void BlockLowering::while_by_lane(const ax::While& loop) {
  const VectorShape shape = top().vector;
  const AxisSet deps = k_.fact(loop.condition).deps | k_.value(loop.condition).axes;
  const RegId running = b_.new_register("running", RegType::kBool, shape.lanes, shape.vectors);
  const ExprId outer = live();
  top().body->push_back({Declare{.reg = running, .value = b_.boolean(outer == kNone)}});
  if (outer != kNone) top().body->push_back({Set{.reg = running, .value = b_.boolean(true), .predicate = outer}});
  While out{.condition = b_.reg(running)};
  Scope scope{.body = &out.body, .bound = top().bound, .control = true, .barrier = true, .vector = top().vector};
  with_scope(std::move(scope), [&] {
    const ExprId before = b_.name_value(out.body, "running", b_.reg(running));
    under({.deps = deps, .eval = [before](BlockLowering&) { return before; }},
          [&] { out.body.push_back({Set{.reg = running, .value = b_.both(before, value(loop.condition))}}); });
    const ExprId now = b_.name_value(out.body, "running", b_.reg(running));
    under({.deps = deps, .eval = [now](BlockLowering&) { return now; }}, [&] { statements(loop.body); });
  });
  top().body->push_back({std::move(out)});
}

/// Which elements of whole axes still run stands in scratch. A round asks the condition of each of them, then runs the
/// body for those that go on.
void BlockLowering::while_along(const ax::While& loop) {
  const ValueId roots[] = {loop.condition};
  const AxisSet lane = modes_.lane == kNone ? 0 : ax::axis_bit(modes_.lane);
  const AxisSet axes =
      (k_.fact(loop.condition).deps | k_.value(loop.condition).axes | live_deps()) & (modes_.range | lane);
  const bool by_lane = (axes & lane) != 0;
  const VectorShape lanes = by_lane ? top().vector : VectorShape{};
  const BufferId still = scratch("running", RegType::kBool, axes);
  value_nest(axes, roots, nullptr, RegType::kF32, [&] {
    const ExprId outer = live();
    store_scratch(still, axes, outer == kNone ? b_.boolean(true) : outer, kNone);
  });
  const Predicate runs{.deps = axes, .eval = [still, axes](BlockLowering& self) {
                         return self.b_.load(still, self.scratch_indices(still, axes));
                       }};
  const RegId going = b_.new_register("going", RegType::kBool, lanes.lanes, lanes.vectors);
  top().body->push_back({Declare{.reg = going, .value = b_.boolean(true)}});
  While out{.condition = b_.reg(going)};
  Scope scope{.body = &out.body, .bound = top().bound, .control = true, .barrier = true, .vector = top().vector};
  with_scope(std::move(scope), [&] {
    const auto [vector, shape] = nest_lanes(loop.condition, range(axes), roots, nullptr, RegType::kF32);
    const bool across = vector != kNone;
    const Accumulator any = begin(Reduction::kAny, RegType::kBool, across ? shape : lanes, across);
    in_nest(range(axes), [&] {
      loops(range(axes), vector, shape, [&] {
        const ExprId before = b_.name_value(*top().body, "running", runs.eval(*this));
        under({.deps = axes, .eval = [before](BlockLowering&) { return before; }}, [&] {
          const ExprId now = b_.name_value(*top().body, "running", b_.both(before, value(loop.condition)));
          store_scratch(still, axes, now, kNone);
          accumulate(any, now, kNone);
        });
      });
    });
    const ExprId goes_on = finish(any);
    out.body.push_back({Set{.reg = going, .value = goes_on}});
    const auto body = [&] { under(runs, [&] { statements(loop.body); }); };
    if (by_lane) return body();
    guarded(goes_on, body);
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
  if (has(modes_.chunks, loop.axis)) return chunk_loop(loop, lo, hi, fill);
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
