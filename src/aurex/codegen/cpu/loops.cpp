#include <algorithm>
#include <bit>

#include "aurex/base/error.h"
#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {

using namespace schedule;

void Emitter::run(const Body& body) {
  for (const Stmt& stmt : body) {
    ++statement_;
    std::visit([this](const auto& node) { run(node); }, stmt.node);
  }
  // A register lives to the end of the body that declares it; its values do not reach further.
  for (const Stmt& stmt : body) {
    if (const auto* declare = std::get_if<Declare>(&stmt.node)) registers_[declare->reg].clear();
  }
}

void Emitter::run(const Let& let) { lets_[let.let] = eval(let.value); }

// ---- registers ----

void Emitter::run(const Declare& declare) {
  const Register& reg = program_.registers[declare.reg];
  const Value value = cast(eval(declare.value), reg.type);
  std::size_t count = 1;
  for (const std::int64_t extent : reg.shape) count *= static_cast<std::size_t>(extent);
  const unsigned seen = register_vectors(reg);
  const Shape shape{static_cast<unsigned>(reg.lanes), seen};
  std::vector<LLVMValueRef> vectors = reg.lanes * reg.vectors == 1 ? std::vector{value.scalar} : spread(value, shape);
  vectors.resize(static_cast<std::size_t>(reg.vectors), vectors.back());  // those a narrow step does not see
  registers_[declare.reg].assign(count, vectors);
}

void Emitter::run(const Set& set) {
  const Register& reg = program_.registers[set.reg];
  const Value value = cast(eval(set.value), reg.type);
  const Value* predicate = set.predicate == kNone ? nullptr : &eval(set.predicate);
  std::vector<LLVMValueRef>& element = registers_[set.reg].at(element_index(set.reg, set.indices));
  if (reg.lanes * reg.vectors == 1) {
    if (!value.uniform()) throw NotImplemented("code for a scalar register set to a value that varies by lane");
    element[0] = predicate == nullptr ? value.scalar : ir_.select(predicate->scalar, value.scalar, element[0]);
    return;
  }
  const Shape shape{static_cast<unsigned>(reg.lanes), register_vectors(reg)};
  const std::vector<LLVMValueRef> lanes = spread(value, shape), mask = live(predicate, shape);
  for (unsigned n = 0; n < shape.vectors; ++n) {
    element[n] = mask.empty() ? lanes[n] : ir_.select(mask[n], lanes[n], element[n]);
  }
}

/// Those that the body sets and that are alive before it.
std::vector<RegId> Emitter::live_registers(const Body& body) const {
  std::vector<RegId> set = registers_set(body);
  std::erase_if(set, [this](RegId id) { return registers_[id].empty(); });
  return set;
}

// ---- control ----

void Emitter::counted_loop(LLVMValueRef lo, LLVMValueRef hi, LLVMValueRef step, std::span<const RegId> set,
                           unsigned vectors, const std::function<void(LLVMValueRef)>& body) {
  const LLVMValueRef enter = ir_.compare(LLVMIntSLT, lo, hi);
  std::int64_t entered = 0, first = 0, stride = 0, end = 0;
  const bool entry_known = Ir::constant(enter, entered);
  if (entry_known && entered == 0) return;
  const bool known = Ir::constant(lo, first) && Ir::constant(step, stride) && Ir::constant(hi, end);
  const std::uint64_t length = static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(first);
  if (known && length <= static_cast<std::uint64_t>(stride)) return body(lo);  // one turn, no loop

  const LLVMBasicBlockRef before = ir_.current(), turn = ir_.block("loop"), after = ir_.block("after");
  std::vector<LLVMValueRef> initial, phis, last;
  each_slot(set, vectors, [&](LLVMValueRef slot) { initial.push_back(slot); });
  ir_.push_scope(entry_known ? ir_.jump(turn) : ir_.branch(enter, turn, after));
  ir_.enter(turn);
  const LLVMValueRef position = ir_.phi(LLVMTypeOf(lo));
  Ir::incoming(position, lo, before);
  each_slot(set, vectors, [&](LLVMValueRef& slot) {
    const LLVMValueRef phi = ir_.phi(LLVMTypeOf(slot));
    Ir::incoming(phi, slot, before);
    phis.push_back(phi);
    slot = phi;
  });

  body(position);

  const LLVMValueRef next = ir_.add(position, step);
  const LLVMBasicBlockRef latch = ir_.current();
  each_slot(set, vectors, [&](LLVMValueRef slot) { last.push_back(slot); });
  Ir::incoming(position, next, latch);
  for (std::size_t i = 0; i < phis.size(); ++i) Ir::incoming(phis[i], last[i], latch);
  ir_.branch(ir_.compare(LLVMIntSLT, next, hi), turn, after);
  ir_.pop_scope();

  ir_.enter(after);
  std::size_t i = 0;
  each_slot(set, vectors, [&](LLVMValueRef& slot) {
    const LLVMValueRef phi = ir_.phi(LLVMTypeOf(slot));
    if (!entry_known) Ir::incoming(phi, initial[i], before);
    Ir::incoming(phi, last[i++], latch);
    slot = phi;
  });
}

void Emitter::when(LLVMValueRef condition, const std::function<void()>& then, const std::function<void()>& otherwise) {
  std::int64_t known = 0;
  if (Ir::constant(condition, known)) {
    if (known != 0) return then();
    if (otherwise) otherwise();
    return;
  }
  const LLVMBasicBlockRef before = ir_.current(), yes = ir_.block("then"), after = ir_.block("after");
  const LLVMBasicBlockRef no = otherwise ? ir_.block("else") : after;
  const std::vector<Elements> state = registers_;
  const LLVMValueRef leave = ir_.branch(condition, yes, no);

  ir_.push_scope(leave);
  ir_.enter(yes);
  then();
  const LLVMBasicBlockRef yes_end = ir_.current();
  ir_.jump(after);
  ir_.pop_scope();
  std::vector<Elements> then_state = std::exchange(registers_, state);

  LLVMBasicBlockRef no_end = before;
  if (otherwise) {
    ir_.push_scope(leave);
    ir_.enter(no);
    otherwise();
    no_end = ir_.current();
    ir_.jump(after);
    ir_.pop_scope();
  }
  ir_.enter(after);
  // What was alive before and now differs between the ways.
  for (std::size_t r = 0; r < state.size(); ++r) {
    for (std::size_t e = 0; e < state[r].size(); ++e) {
      for (std::size_t n = 0; n < state[r][e].size(); ++n) {
        const LLVMValueRef left = then_state[r][e][n], right = registers_[r][e][n];
        if (left == right) continue;
        const LLVMValueRef phi = ir_.phi(LLVMTypeOf(left));
        Ir::incoming(phi, left, yes_end);
        Ir::incoming(phi, right, no_end);
        registers_[r][e][n] = phi;
      }
    }
  }
}

void Emitter::run(const If& branch) {
  const LLVMValueRef condition = uniform(branch.condition);
  if (branch.else_body.empty()) return when(condition, [&] { run(branch.then_body); });
  when(condition, [&] { run(branch.then_body); }, [&] { run(branch.else_body); });
}

void Emitter::run(const While& loop) {
  const LLVMBasicBlockRef before = ir_.current(), test = ir_.block("while"), turn = ir_.block("loop"),
                          after = ir_.block("after");
  const std::vector<RegId> set = live_registers(loop.body);
  const unsigned vectors = step_ ? step_->vectors : ~0u;
  std::vector<LLVMValueRef> phis;
  ir_.push_scope(ir_.jump(test));
  ir_.enter(test);
  each_slot(set, vectors, [&](LLVMValueRef& slot) {
    const LLVMValueRef phi = ir_.phi(LLVMTypeOf(slot));
    Ir::incoming(phi, slot, before);
    phis.push_back(phi);
    slot = phi;
  });
  ++statement_;
  const Value& condition = eval(loop.condition);
  LLVMValueRef going = condition.scalar;
  if (!condition.uniform()) {
    const Value values[] = {condition};
    going = nullptr;
    for (const LLVMValueRef part : live(&condition, shape_of(values))) {
      going = going == nullptr ? any(part) : ir_.binary(LLVMOr, going, any(part));
    }
  }
  const LLVMBasicBlockRef tested = ir_.current();
  ir_.push_scope(ir_.branch(going, turn, after));
  ir_.enter(turn);
  run(loop.body);
  std::size_t i = 0;
  each_slot(set, vectors, [&](LLVMValueRef& slot) { Ir::incoming(phis[i++], slot, ir_.current()); });
  ir_.jump(test);
  ir_.pop_scope();
  ir_.pop_scope();

  ir_.enter(after);
  i = 0;
  each_slot(set, vectors, [&](LLVMValueRef& slot) {
    slot = ir_.phi(LLVMTypeOf(slot));
    Ir::incoming(slot, phis[i++], tested);
  });
}

// ---- loops ----

void Emitter::run(const Loop& loop) {
  switch (loop.kind) {
    case Loop::Kind::kVector:
      return run_vector(loop);
    case Loop::Kind::kUnroll:
      return run_unrolled(loop);
    case Loop::Kind::kOdometer:
      return run_odometer(loop);
    case Loop::Kind::kSerial:
      break;
  }
  const LLVMValueRef lo = uniform(loop.lo), hi = uniform(loop.hi);
  const LLVMValueRef step = loop.step == kNone ? ir_.i64(1) : uniform(loop.step);
  const std::vector<RegId> set = live_registers(loop.body);
  counted_loop(lo, hi, step, set, step_ ? step_->vectors : ~0u, [&](LLVMValueRef position) {
    vars_[loop.var] = Value{.type = RegType::kI64, .scalar = position};
    run(loop.body);
  });
}

void Emitter::run_unrolled(const Loop& loop) {
  const std::int64_t lo = known(loop.lo), hi = known(loop.hi), step = loop.step == kNone ? 1 : known(loop.step);
  for (std::int64_t i = lo; i < hi; i += step) {
    vars_[loop.var] = Value{.type = RegType::kI64, .scalar = ir_.i64(i)};
    run(loop.body);
  }
}

void Emitter::run_vector(const Loop& loop) {
  if (step_) throw NotImplemented("code for a vector loop inside a vector loop");
  const LLVMValueRef lo = uniform(loop.lo), hi = uniform(loop.hi);
  const auto lanes = static_cast<std::int64_t>(loop.lanes), full = lanes * loop.vectors;
  const auto vectors = static_cast<unsigned>(loop.vectors);
  const std::vector<RegId> set = live_registers(loop.body);
  const auto steps = [&](LLVMValueRef first, LLVMValueRef end, std::int64_t by, unsigned count, bool masked) {
    counted_loop(first, end, ir_.i64(by), set, count,
                 [&](LLVMValueRef position) { run_step(loop, position, hi, count, masked); });
  };
  if (loop.tail == Tail::kMasked) return steps(lo, hi, full, vectors, true);
  if (loop.tail == Tail::kNone) return steps(lo, hi, full, vectors, false);

  const LLVMValueRef length = ir_.sub(hi, lo);
  const bool power = std::has_single_bit(static_cast<std::uint64_t>(full));
  const LLVMValueRef covered = power ? ir_.binary(LLVMAnd, length, ir_.i64(-full))
                                     : ir_.sub(length, ir_.binary(LLVMSRem, length, ir_.i64(full)));
  const LLVMValueRef middle = ir_.add(lo, covered);  // below lo where the range is empty
  steps(lo, middle, full, vectors, false);
  const LLVMValueRef rest = ir_.select(ir_.compare(LLVMIntSGT, middle, lo), middle, lo);
  if (vectors > 1) return steps(rest, hi, lanes, 1, true);
  when(ir_.compare(LLVMIntSLT, rest, hi), [&] { run_step(loop, rest, hi, 1, true); });
}

void Emitter::run_step(const Loop& loop, LLVMValueRef position, LLVMValueRef end, unsigned vectors, bool masked) {
  const auto lanes = static_cast<unsigned>(loop.lanes);
  Step step{.lanes = lanes, .vectors = vectors, .mask = {}};
  if (masked) {
    step.mask = tail_mask(position, end, lanes, vectors);
    step.whole = ir_.compare(LLVMIntSGE, ir_.sub(end, position), ir_.i64(std::int64_t{lanes} * vectors));
  }
  step_ = std::move(step);
  vars_[loop.var] = Value{.type = RegType::kI64, .scalar = position, .step = ir_.i64(1)};
  run(loop.body);
  step_.reset();
}

/// Lane l is live where l < end − position, compared in integers as wide as a lane so that the mask needs no narrowing.
std::vector<LLVMValueRef> Emitter::tail_mask(LLVMValueRef position, LLVMValueRef end, unsigned lanes,
                                             unsigned vectors) {
  const unsigned all = lanes * vectors;
  unsigned bits = std::clamp(static_cast<unsigned>(context_.target.vector_bytes) * 8 / lanes, 8u, 64u);
  while (bits < 64 && (std::uint64_t{1} << bits) <= all) bits *= 2;
  bits = std::bit_ceil(bits);
  const LLVMTypeRef word = ir_.int_type(64), lane = ir_.int_type(bits);
  const LLVMValueRef left =
      ir_.intrinsic("llvm.umin", {word}, {ir_.sub(end, position), ir_.i64(static_cast<std::int64_t>(all))});
  const LLVMValueRef bound = ir_.splat(ir_.convert(LLVMTrunc, left, lane), lanes);
  std::vector<LLVMValueRef> mask;
  for (unsigned n = 0; n < vectors; ++n) {
    const LLVMValueRef ramp = lanes == 1 ? Ir::integer(lane, n) : Ir::ramp(lane, lanes, std::int64_t{n} * lanes, 1);
    mask.push_back(ir_.compare(LLVMIntULT, ramp, bound));
  }
  return mask;
}

}  // namespace aurex::codegen
