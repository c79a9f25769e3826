#include "aurex/ax/launch_scalar.h"

#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

constexpr std::size_t kStepsInPlace = 64;

bool is_element_wise(Op op) { return op >= Op::kNeg && op <= Op::kSelect; }

}  // namespace

Cell read_scalar(const Scalar& scalar, RegType type, const LaunchFacts& facts) {
  if (scalar.type == RegType::kF64) return cast(type, RegType::kF64, Cell::of(facts.f64_scalars[scalar.slot]));
  const std::int64_t value = facts.i64_scalars[scalar.slot];
  if (scalar.type == RegType::kBool) return cast(type, RegType::kBool, Cell::of(value != 0));
  return cast(type, RegType::kI64, Cell::of(value));
}

bool is_launch_scalar(const TileProgram& program, ValueId root) {
  std::vector<bool> seen(program.values.size());
  std::vector<ValueId> open = {root};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (seen[id]) continue;
    seen[id] = true;
    const Value& value = program.values[id];
    const bool leaf = value.op == Op::kConst || value.op == Op::kScalar || value.op == Op::kExtent;
    if (value.axes != 0 || !(leaf || is_element_wise(value.op))) return false;
    open.insert(open.end(), value.args.begin(), value.args.end());
  }
  return true;
}

LaunchScalar::LaunchScalar(const TileProgram& program, ValueId value) {
  if (!is_launch_scalar(program, value)) {
    throw KernelError("kernel " + program.name + ": a value that a launch needs beforehand depends on its arrays");
  }
  std::vector<std::uint32_t> step_of(program.values.size(), kNone);
  flatten(program, value, step_of);
}

std::uint32_t LaunchScalar::flatten(const TileProgram& program, ValueId id, std::vector<std::uint32_t>& step_of) {
  if (step_of[id] != kNone) return step_of[id];
  const Value& value = program.values[id];
  Step step;
  step.op = value.op;
  step.type = value.type;
  switch (value.op) {
    case Op::kConst:
      step.constant = is_float(value.type) ? from_f64(value.type, value.number) : from_i64(value.type, value.integer);
      break;
    case Op::kExtent:
      step.id = value.id;
      break;
    case Op::kScalar:
      step.id = program.scalars[value.id].slot;
      step.operand = program.scalars[value.id].type;
      break;
    default:
      for (const ValueId arg : value.args) step.args[step.arg_count++] = flatten(program, arg, step_of);
      step.operand = value.op == Op::kSelect ? value.type : steps_[step.args[0]].type;
  }
  steps_.push_back(step);
  return step_of[id] = static_cast<std::uint32_t>(steps_.size() - 1);
}

bool LaunchScalar::ready(const std::int64_t* extents) const {
  for (const Step& step : steps_) {
    if (step.op == Op::kExtent && extents[step.id] < 0) return false;
  }
  return true;
}

void LaunchScalar::run(const LaunchFacts& facts, Cell* cells) const {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    switch (step.op) {
      case Op::kConst:
        cells[i] = step.constant;
        break;
      case Op::kExtent:
        cells[i] = from_i64(step.type, facts.extents[step.id]);
        break;
      case Op::kScalar:
        cells[i] = read_scalar({.name = {}, .type = step.operand, .slot = step.id}, step.type, facts);
        break;
      default: {
        Cell args[3];
        for (std::uint32_t k = 0; k < step.arg_count; ++k) args[k] = cells[step.args[k]];
        cells[i] = ax::evaluate(step.op, step.type, step.operand, std::span<const Cell>(args, step.arg_count));
      }
    }
  }
}

Cell LaunchScalar::evaluate(const LaunchFacts& facts) const {
  if (steps_.size() <= kStepsInPlace) {
    Cell cells[kStepsInPlace];
    run(facts, cells);
    return cells[steps_.size() - 1];
  }
  std::vector<Cell> cells(steps_.size());
  run(facts, cells.data());
  return cells.back();
}

}  // namespace aurex::ax
