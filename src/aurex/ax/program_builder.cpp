#include "aurex/ax/program_builder.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <span>

#include "aurex/ax/fold.h"
#include "aurex/ax/registers.h"

namespace aurex::ax {
namespace {

void mix(std::size_t& hash, std::uint64_t word) {
  hash ^= std::hash<std::uint64_t>{}(word * 0x9e3779b97f4a7c15u) + (hash << 6) + (hash >> 2);
}

std::size_t hash_of(const Value& value, std::uint64_t version) {
  std::size_t hash = static_cast<std::size_t>(value.op) * 64 + static_cast<std::size_t>(value.type);
  mix(hash, static_cast<std::uint64_t>(value.reduction));
  mix(hash, value.over);
  mix(hash, value.id);
  for (const ValueId arg : value.args) mix(hash, arg);
  mix(hash, std::bit_cast<std::uint64_t>(value.number));
  mix(hash, static_cast<std::uint64_t>(value.integer));
  mix(hash, version);
  return hash;
}

bool same(const Value& a, const Value& b) {
  return a.op == b.op && a.type == b.type && a.reduction == b.reduction && a.over == b.over && a.id == b.id &&
         a.args == b.args && a.axes == b.axes && a.integer == b.integer &&
         std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number);
}

bool same_index(const Index& a, const Index& b) { return a.kind == b.kind && a.axis == b.axis && a.value == b.value; }

bool is_one(const Value& value) {
  return value.op == Op::kConst && (is_float(value.type) ? value.number == 1 : value.integer == 1);
}

bool is_integer_zero(const Value& value) {
  return value.op == Op::kConst && is_integer(value.type) && value.integer == 0;
}

}  // namespace

// The rewrites keep every bit: x · 1, x / 1, integer x ± 0, a select whose condition is known, a cast to the same type.
ValueId ProgramBuilder::simplify(const Value& v) const {
  const auto arg = [&](std::size_t i) -> const Value& { return value(v.args[i]); };
  switch (v.op) {
    case Op::kCast:
      return arg(0).type == v.type ? v.args[0] : kNone;
    case Op::kMul:
      return is_one(arg(1)) ? v.args[0] : is_one(arg(0)) ? v.args[1] : kNone;
    case Op::kDiv:
      return is_one(arg(1)) ? v.args[0] : kNone;
    case Op::kAdd:
      return is_integer_zero(arg(1)) ? v.args[0] : is_integer_zero(arg(0)) ? v.args[1] : kNone;
    case Op::kSub:
      return is_integer_zero(arg(1)) ? v.args[0] : kNone;
    case Op::kSelect:
      if (arg(0).op == Op::kConst) return v.args[arg(0).integer != 0 ? 1 : 2];
      return v.args[1] == v.args[2] ? v.args[1] : kNone;
    case Op::kAnd:
    case Op::kOr:
      for (const std::size_t i : {0u, 1u}) {
        if (arg(i).op == Op::kConst) return (arg(i).integer != 0) == (v.op == Op::kAnd) ? v.args[1 - i] : v.args[i];
      }
      return kNone;
    default:
      return kNone;
  }
}

// Axes and dependencies follow from the arguments; leaves set theirs before.
void ProgramBuilder::derive(Value& v, Dependencies& depends) const {
  for (const ValueId arg : v.args) {
    v.axes |= value(arg).axes;
    depends.axes |= dependencies_[arg].axes;
    depends.reduced |= dependencies_[arg].reduced;
    depends.vars |= dependencies_[arg].vars;
    depends.memory |= dependencies_[arg].memory;
    depends.uniform &= dependencies_[arg].uniform;
  }
  if (v.op == Op::kReduce) {
    v.axes &= ~v.over;
    depends.reduced |= v.over;
  }
  if (v.op == Op::kReindex) {
    v.axes = (value(v.args[0]).axes & ~axis_bit(v.id)) | value(v.args[1]).axes;
    if (v.args.size() > 2) v.axes |= value(v.args[2]).axes;
  }
  depends.axes |= v.axes;
  if (v.op >= Op::kReduce || v.op == Op::kRandom) depends.uniform = false;
}

ValueId ProgramBuilder::add(Value v, std::uint64_t version) {
  if (std::any_of(v.args.begin(), v.args.end(), [](ValueId arg) { return arg == kNone; })) return kNone;
  if (!v.args.empty() && v.op < Op::kReduce) {
    if (v.args.size() <= 3) {
      std::vector<Value> arguments;
      for (const ValueId arg : v.args) arguments.push_back(value(arg));
      if (auto folded = fold(v, arguments)) v = *folded;
    }
    if (v.op != Op::kConst) {
      if (const ValueId simpler = simplify(v); simpler != kNone) return simpler;
    }
  }
  Dependencies depends;
  derive(v, depends);
  if (v.op == Op::kPosition) {
    depends.axes |= axis_bit(v.id);
    depends.uniform = false;
  }
  const std::size_t hash = hash_of(v, version);
  const auto [first, last] = known_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (versions_[it->second] == version && same(value(it->second), v)) return it->second;
  }
  if (program.values.size() >= kMaxValues) return kNone;
  const auto id = static_cast<ValueId>(program.values.size());
  program.values.push_back(std::move(v));
  dependencies_.push_back(depends);
  versions_.push_back(version);
  known_.emplace(hash, id);
  return id;
}

ValueId ProgramBuilder::integer(std::int64_t number, RegType type, Span span) {
  Value v;
  v.type = type;
  v.integer = number;
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::number(double number, RegType type, Span span) {
  Value v;
  v.type = type;
  v.number = type == RegType::kF32 ? static_cast<double>(static_cast<float>(number)) : number;
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::unary(Op op, RegType type, ValueId x, Span span) {
  Value v;
  v.op = op;
  v.type = type;
  v.args = {x};
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::binary(Op op, RegType type, ValueId a, ValueId b, Span span) {
  Value v;
  v.op = op;
  v.type = type;
  v.args = {a, b};
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::select(ValueId condition, ValueId yes, ValueId no, Span span) {
  Value v;
  v.op = Op::kSelect;
  v.type = yes == kNone ? RegType::kF32 : value(yes).type;
  v.args = {condition, yes, no};
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::extent(DimId dim, Span span) {
  if (const auto literal = program.dims[dim].literal) return integer(*literal, RegType::kI64, span);
  Value v;
  v.op = Op::kExtent;
  v.type = RegType::kI64;
  v.id = dim;
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::position(AxisId axis, Span span) {
  Value v;
  v.op = Op::kPosition;
  v.type = RegType::kI32;
  v.id = axis;
  v.axes = program.axes[axis].unit ? 0 : axis_bit(axis);
  v.span = span;
  return add(std::move(v));
}

ValueId ProgramBuilder::read_var(VarId var, std::uint64_t version, const Dependencies& contents, Span span) {
  Value v;
  v.op = Op::kVar;
  v.type = program.vars[var].type;
  v.id = var;
  v.axes = program.vars[var].axes;
  v.span = span;
  const ValueId id = add(std::move(v), version);
  if (id == kNone) return id;
  Dependencies& depends = dependencies_[id];
  depends.axes |= contents.axes;
  depends.reduced |= contents.reduced;
  depends.vars |= contents.vars;
  depends.vars.set(var);
  depends.memory |= contents.memory;
  depends.uniform = false;
  return id;
}

ValueId ProgramBuilder::load(Load load, std::uint64_t version, Span span) {
  Value v;
  v.op = Op::kLoad;
  v.type = program.arrays[load.array].type;
  v.span = span;
  Dependencies depends;
  const auto use = [&](ValueId id) {
    v.axes |= value(id).axes;
    depends.axes |= dependencies_[id].axes;
    depends.reduced |= dependencies_[id].reduced;
    depends.vars |= dependencies_[id].vars;
  };
  for (const Index& index : load.indices) {
    if (index.kind == Index::Kind::kAxis) {
      v.axes |= axis_bit(index.axis);
    } else {
      use(index.value);
    }
  }
  if (load.otherwise != kNone) use(load.otherwise);
  depends.axes |= v.axes;
  const auto known = std::find_if(program.loads.begin(), program.loads.end(), [&](const Load& other) {
    return other.array == load.array && other.otherwise == load.otherwise &&
           std::equal(other.indices.begin(), other.indices.end(), load.indices.begin(), load.indices.end(), same_index);
  });
  v.id = static_cast<std::uint32_t>(known - program.loads.begin());
  if (known == program.loads.end()) program.loads.push_back(std::move(load));
  const ValueId id = add(std::move(v), version);
  if (id == kNone) return id;
  depends.memory = true;
  depends.uniform = false;
  dependencies_[id] = depends;
  return id;
}

std::optional<std::int64_t> ProgramBuilder::integer_constant(ValueId id) const {
  if (id == kNone || !is_constant(id) || !is_integer(value(id).type)) return std::nullopt;
  return value(id).integer;
}

void ProgramBuilder::collect(ValueId id, std::int64_t factor, int depth, LinearForm& form) const {
  constexpr int kMaxDepth = 12;  // bounds the walk over shared sums to 2¹² steps
  const Value& v = value(id);
  if (const auto literal = integer_constant(id)) {
    form.constant += factor * *literal;
    return;
  }
  if (depth < kMaxDepth) {
    switch (v.op) {
      case Op::kCast:
        if (is_integer(value(v.args[0]).type)) return collect(v.args[0], factor, depth + 1, form);
        break;
      case Op::kNeg:
        return collect(v.args[0], -factor, depth + 1, form);
      case Op::kAdd:
      case Op::kSub:
        collect(v.args[0], factor, depth + 1, form);
        return collect(v.args[1], v.op == Op::kAdd ? factor : -factor, depth + 1, form);
      case Op::kMul:
        for (const std::size_t i : {0u, 1u}) {
          const auto scale = integer_constant(v.args[i]);
          if (scale && std::abs(*scale) < (1 << 20) && std::abs(factor) < (1 << 20)) {
            return collect(v.args[1 - i], factor * *scale, depth + 1, form);
          }
        }
        break;
      default:
        break;
    }
  }
  for (auto& [atom, coefficient] : form.terms) {
    if (atom == id) {
      coefficient += factor;
      return;
    }
  }
  form.terms.emplace_back(id, factor);
}

LinearForm ProgramBuilder::linear(ValueId id) const {
  LinearForm form;
  if (!is_integer(value(id).type)) {
    form.terms.emplace_back(id, 1);
    return form;
  }
  collect(id, 1, 0, form);
  std::erase_if(form.terms, [](const auto& term) { return term.second == 0; });
  return form;
}

}  // namespace aurex::ax
