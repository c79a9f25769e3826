#include <algorithm>
#include <string>

#include "aurex/base/error.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {

using namespace schedule;
using ax::Op;

namespace {

bool is_integer(RegType type) { return !ax::is_float(type) && type != RegType::kBool; }

unsigned bits_of(RegType type) {
  switch (type) {
    case RegType::kBool:
      return 1;
    case RegType::kI32:
    case RegType::kU32:
    case RegType::kF32:
      return 32;
    default:
      return 64;
  }
}

Value uniform_value(RegType type, LLVMValueRef scalar) { return {.type = type, .scalar = scalar}; }

}  // namespace

const Value& Emitter::eval(ExprId id) {
  if (memo_statement_[id] != statement_) {
    memo_[id] = compute(expr(id));
    memo_statement_[id] = statement_;
  }
  return memo_[id];
}

LLVMValueRef Emitter::uniform(ExprId id) {
  const Value& value = eval(id);
  if (!value.uniform()) throw NotImplemented("code for a bound, size or index that varies by lane");
  return value.scalar;
}

std::int64_t Emitter::known(ExprId id) {
  std::int64_t number = 0;
  if (!Ir::constant(uniform(id), number)) {
    throw NotImplemented("code for a register index or unrolled bound that is no constant");
  }
  return number;
}

Value Emitter::compute(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::kConst:
      return constant(e);
    case Expr::Kind::kScalar:
      return scalar_parameter(e);
    case Expr::Kind::kExtent: {
      const LLVMValueRef extents = frame_field(offsetof(AurexFrame, extents), ir_.ptr());
      const LLVMValueRef at = ir_.address(ir_.int_type(64), extents, ir_.i64(e.id));
      return uniform_value(RegType::kI64, ir_.load_invariant(ir_.int_type(64), at));
    }
    case Expr::Kind::kVar: {
      if (!vars_[e.id]) {
        const LLVMValueRef at = capture_address(context_.survey.captured_vars.at(e.id));
        vars_[e.id] = uniform_value(RegType::kI64, ir_.load_invariant(ir_.int_type(64), at));
      }
      return *vars_[e.id];
    }
    case Expr::Kind::kLet:
      return let_value(e.id);
    case Expr::Kind::kReg:
      return read_register(e);
    case Expr::Kind::kLoad:
      return load(e);
    case Expr::Kind::kTree:
      return tree(e);
    case Expr::Kind::kOp:
      break;
  }
  return operation(e);
}

Value Emitter::constant(const Expr& e) const {
  const LLVMTypeRef type = element_type(ir_, e.type);
  return uniform_value(e.type, ax::is_float(e.type) ? Ir::real(type, e.number)
                                                    : Ir::integer(type, static_cast<std::uint64_t>(e.integer)));
}

Value Emitter::scalar_parameter(const Expr& e) {
  const ax::Scalar& scalar = program_.scalars[e.id];
  const bool number = scalar.type == RegType::kF64;
  const LLVMTypeRef type = number ? ir_.f64() : ir_.int_type(64);
  const LLVMValueRef table =
      frame_field(number ? offsetof(AurexFrame, f64_scalars) : offsetof(AurexFrame, i64_scalars), ir_.ptr());
  const LLVMValueRef raw = ir_.load_invariant(type, ir_.address(type, table, ir_.i64(scalar.slot)));
  const RegType stored = number ? RegType::kF64 : RegType::kI64;
  const LLVMValueRef own = emit_cast(ir_, scalar.type, stored, raw);
  return uniform_value(e.type, emit_cast(ir_, e.type, scalar.type, own));
}

Value Emitter::let_value(LetId id) {
  if (lets_[id]) return *lets_[id];
  // A let of the top, seen from a block or from the plan.
  const ExprId definition = context_.survey.let_values[id];
  if (context_.survey.from_frame[definition]) {
    lets_[id] = eval(definition);
  } else {
    const RegType type = program_.lets[id].type;
    const LLVMTypeRef stored = type == RegType::kBool ? ir_.int_type(8) : element_type(ir_, type);
    LLVMValueRef value = ir_.load_invariant(stored, capture_address(context_.survey.captured_lets.at(id)));
    if (type == RegType::kBool) value = ir_.compare(LLVMIntNE, value, Ir::zero(stored));
    lets_[id] = uniform_value(type, value);
  }
  return *lets_[id];
}

// ---- shapes ----

Emitter::Shape Emitter::shape_of(std::span<const Value> values) const {
  Shape shape;
  for (const Value& value : values) {
    Shape own;
    if (!value.vectors.empty()) {
      own = {Ir::lanes(value.vectors[0]), static_cast<unsigned>(value.vectors.size())};
    } else if (value.linear()) {
      own = {step_->lanes, step_->vectors};
    }
    if (own.lanes * own.vectors == 1) continue;
    const bool first = shape.lanes * shape.vectors == 1;
    if (!first && (shape.lanes != own.lanes || shape.vectors != own.vectors)) {
      throw NotImplemented("code for an operation on lane blocks of different shapes");
    }
    shape = own;
  }
  return shape;
}

std::vector<LLVMValueRef> Emitter::spread(const Value& value, Shape shape) {
  if (!value.vectors.empty()) {
    if (value.vectors.size() != shape.vectors || Ir::lanes(value.vectors[0]) != shape.lanes) {
      throw NotImplemented("code for a value whose lane block does not fit its use");
    }
    return value.vectors;
  }
  const LLVMValueRef splat = ir_.splat(value.scalar, shape.lanes);
  std::vector<LLVMValueRef> all(shape.vectors, splat);
  if (!value.linear()) return all;
  const LLVMTypeRef element = LLVMTypeOf(value.scalar);
  std::int64_t step = 0;
  const bool constant = Ir::constant(value.step, step);
  for (unsigned n = 0; n < shape.vectors; ++n) {
    const std::int64_t first = std::int64_t{n} * shape.lanes;
    const auto ramp = [&](std::int64_t from, std::int64_t by) {
      return shape.lanes == 1 ? Ir::integer(element, static_cast<std::uint64_t>(from))
                              : Ir::ramp(element, shape.lanes, from, by);
    };
    const LLVMValueRef offsets =
        constant ? ramp(first * step, step) : ir_.mul(ramp(first, 1), ir_.splat(value.step, shape.lanes));
    all[n] = ir_.add(splat, offsets);
  }
  return all;
}

// ---- operations ----

Value Emitter::operation(const Expr& e) {
  if (auto scaled = scale_by_float(e)) return *std::move(scaled);
  std::vector<Value> args;
  for (const ExprId arg : e.args) args.push_back(eval(arg));
  const RegType operand = expr(e.op == Op::kSelect ? e.args[1] : e.args[0]).type;
  if (auto linear = linear_operation(e.op, e.type, operand, args)) return *std::move(linear);

  Value result{.type = e.type};
  std::vector<LLVMValueRef> scalars;
  if (std::ranges::all_of(args, [](const Value& arg) { return arg.uniform(); })) {
    for (const Value& arg : args) scalars.push_back(arg.scalar);
    result.scalar = emit_operation(ir_, machine_, e.op, e.type, operand, scalars);
    return result;
  }
  const Shape shape = shape_of(args);
  std::vector<std::vector<LLVMValueRef>> lanes;
  for (const Value& arg : args) lanes.push_back(spread(arg, shape));
  for (unsigned n = 0; n < shape.vectors; ++n) {
    scalars.clear();
    for (const auto& arg : lanes) scalars.push_back(arg[n]);
    result.vectors.push_back(emit_operation(ir_, machine_, e.op, e.type, operand, scalars));
  }
  return result;
}

/// Sums, differences, multiples and wrapping casts of linear values are linear: integers wrap, so this is exact.
std::optional<Value> Emitter::linear_operation(Op op, RegType type, RegType operand, std::span<const Value> args) {
  if (!is_integer(type) || !is_integer(operand)) return std::nullopt;
  if (std::ranges::none_of(args, [](const Value& arg) { return arg.linear(); })) return std::nullopt;
  if (std::ranges::any_of(args, [](const Value& arg) { return !arg.vectors.empty(); })) return std::nullopt;
  const auto step_of = [](const Value& value) {
    return value.linear() ? value.step : Ir::zero(LLVMTypeOf(value.scalar));
  };
  Value result{.type = type};
  switch (op) {
    case Op::kNeg:
      result.scalar = ir_.sub(Ir::zero(LLVMTypeOf(args[0].scalar)), args[0].scalar);
      result.step = ir_.sub(Ir::zero(LLVMTypeOf(args[0].step)), args[0].step);
      return result;
    case Op::kAdd:
      result.scalar = ir_.add(args[0].scalar, args[1].scalar);
      result.step = ir_.add(step_of(args[0]), step_of(args[1]));
      return result;
    case Op::kSub:
      result.scalar = ir_.sub(args[0].scalar, args[1].scalar);
      result.step = ir_.sub(step_of(args[0]), step_of(args[1]));
      return result;
    case Op::kMul: {
      if (args[0].linear() && args[1].linear()) return std::nullopt;
      const Value& line = args[0].linear() ? args[0] : args[1];
      const Value& factor = args[0].linear() ? args[1] : args[0];
      result.scalar = ir_.mul(line.scalar, factor.scalar);
      result.step = ir_.mul(line.step, factor.scalar);
      return result;
    }
    case Op::kCast:
      if (bits_of(type) > bits_of(operand)) return std::nullopt;  // a wrapped position would not stay a line
      result.scalar = emit_cast(ir_, type, operand, args[0].scalar);
      result.step = emit_cast(ir_, type, operand, args[0].step);
      return result;
    default:
      return std::nullopt;
  }
}

Value Emitter::index(ExprId id) {
  const Expr& e = expr(id);
  if (e.kind != Expr::Kind::kOp || !is_integer(e.type)) return eval(id);
  const Value& exact = eval(id);
  if (exact.vectors.empty()) return exact;
  if (e.op == Op::kCast && is_integer(expr(e.args[0]).type)) {
    const Value inner = index(e.args[0]);
    if (!inner.linear()) return exact;
    return {.type = e.type,
            .scalar = emit_cast(ir_, e.type, inner.type, inner.scalar),
            .step = emit_cast(ir_, e.type, RegType::kI32, emit_cast(ir_, RegType::kI32, inner.type, inner.step))};
  }
  if (e.op != Op::kAdd && e.op != Op::kSub && e.op != Op::kMul && e.op != Op::kNeg) return exact;
  std::vector<Value> args;
  for (const ExprId arg : e.args) args.push_back(index(arg));
  const auto linear = linear_operation(e.op, e.type, e.type, args);
  return linear ? *linear : exact;
}

Value Emitter::cast(const Value& value, RegType to) {
  if (value.type == to) return value;
  Value result{.type = to};
  if (value.uniform()) {
    result.scalar = emit_cast(ir_, to, value.type, value.scalar);
    return result;
  }
  const Value values[] = {value};
  for (const LLVMValueRef vector : spread(value, shape_of(values))) {
    result.vectors.push_back(emit_cast(ir_, to, value.type, vector));
  }
  return result;
}

// ---- registers ----

unsigned Emitter::register_vectors(const Register& reg) const {
  const auto all = static_cast<unsigned>(reg.vectors);
  if (!step_ || reg.lanes * reg.vectors == 1) return all;
  if (static_cast<unsigned>(reg.lanes) != step_->lanes) {
    throw NotImplemented("code for a register of other lanes than its loop's: " + reg.name);
  }
  return std::min(all, step_->vectors);
}

std::size_t Emitter::element_index(RegId id, std::span<const ExprId> indices) {
  const Register& reg = program_.registers[id];
  std::int64_t element = 0;
  for (std::size_t d = 0; d < reg.shape.size(); ++d) element = element * reg.shape[d] + known(indices[d]);
  return static_cast<std::size_t>(element);
}

Value Emitter::read_register(const Expr& e) {
  const Register& reg = program_.registers[e.id];
  const std::vector<LLVMValueRef>& all = registers_[e.id].at(element_index(e.id, e.args));
  if (reg.lanes * reg.vectors == 1) return uniform_value(e.type, all[0]);
  return {.type = e.type, .vectors = {all.begin(), all.begin() + register_vectors(reg)}};
}

/// Vectors first, then lanes, item i with item i + ceil(count / 2) each time.
Value Emitter::tree(const Expr& e) {
  std::vector<LLVMValueRef> items = registers_[e.id].at(element_index(e.id, e.args));
  const auto combine = [&](LLVMValueRef left, LLVMValueRef right) {
    return emit_combine(ir_, machine_, e.reduction, e.type, left, right);
  };
  const auto fold = [&](std::vector<LLVMValueRef>& parts) {
    while (parts.size() > 1) {
      const std::size_t half = (parts.size() + 1) / 2;
      for (std::size_t i = 0; i + half < parts.size(); ++i) parts[i] = combine(parts[i], parts[i + half]);
      parts.resize(half);
    }
  };
  fold(items);
  LLVMValueRef vector = items[0];
  while (Ir::lanes(vector) > 1) {
    const unsigned count = Ir::lanes(vector), half = (count + 1) / 2;
    if (count % 2 != 0) throw NotImplemented("code for a tree over a number of lanes that is no power of two");
    std::vector<int> low, high;
    for (unsigned l = 0; l < half; ++l) {
      low.push_back(static_cast<int>(l));
      high.push_back(static_cast<int>(l + half));
    }
    if (half == 1) {
      vector = combine(ir_.lane(vector, ir_.i64(0)), ir_.lane(vector, ir_.i64(1)));
    } else {
      vector = combine(ir_.shuffle(vector, vector, low), ir_.shuffle(vector, vector, high));
    }
  }
  return uniform_value(e.type, vector);
}

}  // namespace aurex::codegen
