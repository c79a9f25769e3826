#include "aurex/schedule/builder.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "aurex/ax/registers.h"

namespace aurex::schedule {
namespace {

using ax::Op;

std::size_t mix(std::size_t hash, std::uint64_t word) {
  return (hash ^ static_cast<std::size_t>(word)) * 0x9e3779b97f4a7c15u + (hash >> 29);
}

std::size_t hash_of(const Expr& e) {
  std::size_t hash = mix(static_cast<std::size_t>(e.kind), static_cast<std::uint64_t>(e.type));
  hash = mix(hash, static_cast<std::uint64_t>(e.op));
  hash = mix(hash, e.id);
  hash = mix(hash, e.predicate);
  hash = mix(hash, std::bit_cast<std::uint64_t>(e.number));
  hash = mix(hash, static_cast<std::uint64_t>(e.integer));
  for (const ExprId arg : e.args) hash = mix(hash, arg);
  return hash;
}

bool same(const Expr& a, const Expr& b) {
  return a.kind == b.kind && a.type == b.type && a.op == b.op && a.reduction == b.reduction && a.access == b.access &&
         a.id == b.id && a.predicate == b.predicate && a.otherwise == b.otherwise && a.integer == b.integer &&
         std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number) && a.args == b.args;
}

Variation add_variation(Variation a, Variation b) {
  if (a == Variation::kUniform) return b;
  if (b == Variation::kUniform) return a;
  return a == Variation::kAny || b == Variation::kAny ? Variation::kAny : Variation::kAffine;
}

/// What an index contributes to the address: a unit stride keeps its steps, any other scales them.
Variation address_variation(Variation index, bool unit, Buffer::Stride stride) {
  if (index == Variation::kUniform || stride == Buffer::Stride::kZero) return Variation::kUniform;
  return index == Variation::kAny || unit ? index : Variation::kAffine;
}

ax::Cell cell_of(const Expr& e) {
  return ax::is_float(e.type) ? ax::from_f64(e.type, e.number) : ax::from_i64(e.type, e.integer);
}

}  // namespace

ExprId LoopBuilder::intern(Expr expr, Variation variation) {
  const std::size_t hash = hash_of(expr);
  const auto [first, last] = interned_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (same(program_.exprs[it->second], expr)) return it->second;
  }
  const auto id = static_cast<ExprId>(program_.exprs.size());
  program_.exprs.push_back(std::move(expr));
  variation_.push_back(variation);
  interned_.emplace(hash, id);
  return id;
}

ExprId LoopBuilder::integer(RegType type, std::int64_t value) {
  if (ax::is_float(type)) return number(type, static_cast<double>(value));
  Expr e;
  e.kind = Expr::Kind::kConst;
  e.type = type;
  e.integer = value;
  return intern(std::move(e), Variation::kUniform);
}

ExprId LoopBuilder::number(RegType type, double value) {
  Expr e;
  e.kind = Expr::Kind::kConst;
  e.type = type;
  e.number = ax::to_f64(type, ax::from_f64(type, value));
  return intern(std::move(e), Variation::kUniform);
}

ExprId LoopBuilder::constant(RegType type, ax::Cell cell) {
  return ax::is_float(type) ? number(type, ax::to_f64(type, cell)) : integer(type, ax::to_i64(type, cell));
}

ExprId LoopBuilder::extent(std::uint32_t dim) {
  Expr e;
  e.kind = Expr::Kind::kExtent;
  e.id = dim;
  return intern(std::move(e), Variation::kUniform);
}

ExprId LoopBuilder::scalar(std::uint32_t id, RegType type) {
  Expr e;
  e.kind = Expr::Kind::kScalar;
  e.type = type;
  e.id = id;
  return intern(std::move(e), Variation::kUniform);
}

ExprId LoopBuilder::var(VarId id) {
  Expr e;
  e.kind = Expr::Kind::kVar;
  e.id = id;
  return intern(std::move(e), vector_var_[id] ? Variation::kConsecutive : Variation::kUniform);
}

ExprId LoopBuilder::let(LetId id) {
  Expr e;
  e.kind = Expr::Kind::kLet;
  e.type = program_.lets[id].type;
  e.id = id;
  return intern(std::move(e), let_variation_[id]);
}

ExprId LoopBuilder::reg(RegId id, std::vector<ExprId> indices) {
  const Register& r = program_.registers[id];
  Expr e;
  e.kind = Expr::Kind::kReg;
  e.type = r.type;
  e.id = id;
  e.args = std::move(indices);
  return intern(std::move(e), r.lanes * r.vectors == 1 ? Variation::kUniform : Variation::kAny);
}

ExprId LoopBuilder::tree(ax::Reduction reduction, RegId id, std::vector<ExprId> indices) {
  Expr e;
  e.kind = Expr::Kind::kTree;
  e.type = program_.registers[id].type;
  e.reduction = reduction;
  e.id = id;
  e.args = std::move(indices);
  return intern(std::move(e), Variation::kUniform);
}

Access LoopBuilder::access(BufferId id, std::span<const ExprId> indices) const {
  const Buffer& buffer = program_.buffers[id];
  Variation all = Variation::kUniform;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const bool dense = buffer.kind != Buffer::Kind::kArgument && buffer.strides.empty() && d + 1 == indices.size();
    const bool unit = buffer.stride[d] == Buffer::Stride::kUnit || dense;
    all = add_variation(all, address_variation(variation_[indices[d]], unit, buffer.stride[d]));
  }
  switch (all) {
    case Variation::kUniform:
      return Access::kUniform;
    case Variation::kConsecutive:
      return Access::kUnit;
    case Variation::kAffine:
      return Access::kStrided;
    case Variation::kAny:
      break;
  }
  return Access::kGather;
}

ExprId LoopBuilder::load(BufferId buffer, std::vector<ExprId> indices, ExprId predicate, ExprId otherwise) {
  Expr e;
  e.kind = Expr::Kind::kLoad;
  e.type = ax::register_type(program_.buffers[buffer].dtype);
  e.access = access(buffer, indices);
  e.id = buffer;
  e.args = std::move(indices);
  e.predicate = predicate;
  e.otherwise = otherwise;
  const bool uniform = e.access == Access::kUniform && (predicate == kNone || is_uniform(predicate)) &&
                       (otherwise == kNone || is_uniform(otherwise));
  return intern(std::move(e), uniform ? Variation::kUniform : Variation::kAny);
}

bool LoopBuilder::is_constant(ExprId id, std::int64_t value) const {
  const Expr& e = program_.exprs[id];
  return e.kind == Expr::Kind::kConst && !ax::is_float(e.type) && e.integer == value;
}

/// Identities that hold for every value; kNone where there is none. Floats keep every operation as written.
ExprId LoopBuilder::simplify(Op op, RegType type, std::span<const ExprId> args) {
  if (ax::is_integer(type)) {
    switch (op) {
      case Op::kAdd:
        if (is_constant(args[0], 0)) return args[1];
        return is_constant(args[1], 0) ? args[0] : kNone;
      case Op::kSub:
        if (args[0] == args[1]) return integer(type, 0);
        return is_constant(args[1], 0) ? args[0] : kNone;
      case Op::kMul:
        if (is_constant(args[0], 1)) return args[1];
        if (is_constant(args[1], 1)) return args[0];
        return is_constant(args[0], 0) || is_constant(args[1], 0) ? integer(type, 0) : kNone;
      case Op::kFloorDiv:
        return is_constant(args[1], 1) ? args[0] : kNone;
      case Op::kMin:
      case Op::kMax:
        return args[0] == args[1] ? args[0] : kNone;
      default:
        break;
    }
  }
  switch (op) {
    case Op::kAnd:
      if (is_constant(args[0], 0) || is_constant(args[1], 1) || args[0] == args[1]) return args[0];
      return is_constant(args[1], 0) || is_constant(args[0], 1) ? args[1] : kNone;
    case Op::kOr:
      if (is_constant(args[0], 1) || is_constant(args[1], 0) || args[0] == args[1]) return args[0];
      return is_constant(args[1], 1) || is_constant(args[0], 0) ? args[1] : kNone;
    case Op::kSelect:
      if (is_constant(args[0], 1) || args[1] == args[2]) return args[1];
      return is_constant(args[0], 0) ? args[2] : kNone;
    default:
      return kNone;
  }
}

Variation LoopBuilder::op_variation(Op op, RegType type, std::span<const ExprId> args) const {
  const bool uniform = std::all_of(args.begin(), args.end(), [&](ExprId a) { return is_uniform(a); });
  if (uniform) return Variation::kUniform;
  if (!ax::is_integer(type)) return Variation::kAny;
  switch (op) {
    case Op::kAdd:
      return add_variation(variation_[args[0]], variation_[args[1]]);
    case Op::kSub:
      return is_uniform(args[1]) ? variation_[args[0]] : Variation::kAny;
    case Op::kMul: {
      if (!is_uniform(args[0]) && !is_uniform(args[1])) return Variation::kAny;
      const Variation other = variation_[is_uniform(args[0]) ? args[1] : args[0]];
      return other == Variation::kConsecutive ? Variation::kAffine : other;
    }
    case Op::kCast:
      return type == RegType::kI64 && program_.exprs[args[0]].type == RegType::kI32 ? variation_[args[0]]
                                                                                    : Variation::kAny;
    default:
      return Variation::kAny;
  }
}

ExprId LoopBuilder::op(Op op, RegType type, std::vector<ExprId> args) {
  const ExprId simple = simplify(op, type, args);
  if (simple != kNone) return simple;
  const bool constants =
      std::all_of(args.begin(), args.end(), [&](ExprId a) { return expr(a).kind == Expr::Kind::kConst; });
  if (constants) {
    std::vector<ax::Cell> cells;
    for (const ExprId arg : args) cells.push_back(cell_of(expr(arg)));
    const ax::Cell result = ax::evaluate(op, type, this->type(op == Op::kSelect ? args[1] : args[0]), cells);
    // A NaN's payload does not survive the trip through a printed number, so such an operation stays one.
    if (!ax::is_nan(type, result)) return constant(type, result);
  }
  const Variation variation = op_variation(op, type, args);
  Expr e;
  e.kind = Expr::Kind::kOp;
  e.type = type;
  e.op = op;
  e.args = std::move(args);
  return intern(std::move(e), variation);
}

ExprId LoopBuilder::cast(RegType to, ExprId value) { return type(value) == to ? value : op(Op::kCast, to, {value}); }

ExprId LoopBuilder::both(ExprId a, ExprId b) {
  if (a == kNone || a == b) return b;
  return b == kNone ? a : op(Op::kAnd, RegType::kBool, {a, b});
}

ExprId LoopBuilder::in_range(ExprId index, ExprId bound) {
  return both(compare(Op::kGe, index, i64(0)), compare(Op::kLt, index, bound));
}

VarId LoopBuilder::loop_var(std::string name) {
  program_.vars.push_back(std::move(name));
  vector_var_.push_back(false);
  return static_cast<VarId>(program_.vars.size() - 1);
}

VarId LoopBuilder::vector_var(std::string name) {
  const VarId id = loop_var(std::move(name));
  vector_var_[id] = true;
  return id;
}

RegId LoopBuilder::new_register(std::string name, RegType type, std::int32_t lanes, std::int32_t vectors,
                                std::vector<std::int64_t> shape) {
  program_.registers.push_back(
      {.name = std::move(name), .type = type, .shape = std::move(shape), .lanes = lanes, .vectors = vectors});
  return static_cast<RegId>(program_.registers.size() - 1);
}

BufferId LoopBuilder::new_buffer(Buffer buffer) {
  program_.buffers.push_back(std::move(buffer));
  return static_cast<BufferId>(program_.buffers.size() - 1);
}

std::int32_t LoopBuilder::new_site(Site site) {
  program_.sites.push_back(std::move(site));
  return static_cast<std::int32_t>(program_.sites.size() - 1);
}

ExprId LoopBuilder::name_value(Body& body, std::string name, ExprId value) {
  const Expr::Kind kind = expr(value).kind;
  if (kind != Expr::Kind::kOp && kind != Expr::Kind::kLoad && kind != Expr::Kind::kReg && kind != Expr::Kind::kTree) {
    return value;
  }
  const auto id = static_cast<LetId>(program_.lets.size());
  program_.lets.push_back({.name = std::move(name), .type = type(value)});
  let_variation_.push_back(variation_[value]);
  body.push_back({Let{.let = id, .value = value}});
  return let(id);
}

DType scratch_dtype(RegType type) { return ax::storage_type(type); }

}  // namespace aurex::schedule
