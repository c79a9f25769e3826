#include "aurex/ax/position_value.h"

#include <array>

#include "aurex/ax/registers.h"

namespace aurex::ax {

std::optional<PositionValue> PositionValue::of(const Binding& binding, ValueId value, AxisSet known) {
  PositionValue result(binding);
  if (!is_integer(binding.program().values[value].type) || !result.flatten(value, known)) return std::nullopt;
  return result;
}

std::uint32_t PositionValue::push(const Step& step) {
  steps_.push_back(step);
  return static_cast<std::uint32_t>(steps_.size() - 1);
}

bool PositionValue::flatten_indices(const Load& load, AxisSet known, Step& step) {
  const TileProgram& program = binding_->program();
  const Array& array = program.arrays[load.array];
  if (array.role != ArrayRole::kInput || !is_integer(array.type) || load.otherwise != kNone) return false;
  if (load.indices.size() > kMostArguments) return false;
  for (std::size_t d = 0; d < load.indices.size(); ++d) {
    const Index& index = load.indices[d];
    if (program.dims[array.dims[d].dim].pack != kNone) return false;
    if (index.kind == Index::Kind::kAxis) {
      if ((axis_bit(index.axis) & ~known) != 0) return false;
      axes_ |= axis_bit(index.axis);
      step.args[step.arg_count++] = push({.op = Op::kPosition, .constant = {}, .id = index.axis});
    } else {
      const std::optional<std::uint32_t> at = flatten(index.value, known);
      if (!at) return false;
      step.args[step.arg_count++] = *at;
    }
  }
  return true;
}

std::optional<std::uint32_t> PositionValue::flatten(ValueId id, AxisSet known) {
  const TileProgram& program = binding_->program();
  const Value& value = program.values[id];
  Step step;
  step.op = value.op;
  step.type = value.type;
  if (value.op == Op::kConst) {
    step.constant = is_float(value.type) ? from_f64(value.type, value.number) : from_i64(value.type, value.integer);
  } else if (value.op == Op::kExtent) {
    step.id = value.id;
  } else if (value.op == Op::kScalar) {
    step.id = program.scalars[value.id].slot;
    step.operand = program.scalars[value.id].type;
  } else if (value.op == Op::kPosition) {
    if ((axis_bit(value.id) & ~known) != 0) return std::nullopt;
    step.id = value.id;
    axes_ |= axis_bit(value.id);
  } else if (value.op == Op::kLoad) {
    if (!flatten_indices(program.loads[value.id], known, step)) return std::nullopt;
    step.id = value.id;
  } else if (value.op >= Op::kNeg && value.op <= Op::kSelect) {
    for (const ValueId arg : value.args) {
      const std::optional<std::uint32_t> at = flatten(arg, known);
      if (!at) return std::nullopt;
      step.args[step.arg_count++] = *at;
    }
    step.operand = value.op == Op::kSelect ? value.type : steps_[step.args[0]].type;
  } else {
    return std::nullopt;
  }
  if (steps_.size() >= kMostSteps) return std::nullopt;
  return push(step);
}

Cell PositionValue::read(const Step& step, const BoundCall& call, const Cell* cells) const {
  const Load& load = binding_->program().loads[step.id];
  const Array& declared = binding_->program().arrays[load.array];
  const AurexArray& array = call.arrays[load.array];
  std::int64_t offset = 0;
  for (std::uint32_t d = 0; d < step.arg_count; ++d) {
    const std::int64_t index = to_i64(steps_[step.args[d]].type, cells[step.args[d]]);
    if (index < 0 || index >= call.extents[declared.dims[d].dim]) return {};
    offset += index * array.strides[binding_->stride_slot(load.array, d)];
  }
  const DType dtype = declared.storage.dtype;
  return load_element(dtype, array.data + offset * bytes_per_element(dtype));
}

std::int64_t PositionValue::evaluate(const BoundCall& call, std::span<const std::int64_t> positions) const {
  const LaunchFacts facts = call.facts();
  std::array<Cell, kMostSteps> cells;
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
      case Op::kPosition:
        cells[i] = from_i64(step.type, positions[step.id]);
        break;
      case Op::kLoad:
        cells[i] = read(step, call, cells.data());
        break;
      default: {
        Cell args[3];
        for (std::uint32_t k = 0; k < step.arg_count; ++k) args[k] = cells[step.args[k]];
        cells[i] = ax::evaluate(step.op, step.type, step.operand, std::span<const Cell>(args, step.arg_count));
      }
    }
  }
  return to_i64(steps_.back().type, cells[steps_.size() - 1]);
}

}  // namespace aurex::ax
