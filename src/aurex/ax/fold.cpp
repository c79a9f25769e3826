#include "aurex/ax/fold.h"

#include <array>

#include "aurex/ax/element.h"

namespace aurex::ax {
namespace {

Cell cell_of(const Value& constant) {
  if (is_float(constant.type)) return from_f64(constant.type, constant.number);
  return from_i64(constant.type, constant.integer);
}

Value constant_of(const Value& like, RegType type, Cell cell) {
  Value result;
  result.op = Op::kConst;
  result.type = type;
  result.span = like.span;
  if (is_float(type)) {
    result.number = to_f64(type, cell);
  } else {
    result.integer = to_i64(type, cell);
  }
  return result;
}

bool is_element_wise(Op op) { return op >= Op::kNeg && op <= Op::kSelect; }

}  // namespace

Value cast_constant(const Value& constant, RegType to) {
  if (constant.type == to) return constant;
  return constant_of(constant, to, cast(to, constant.type, cell_of(constant)));
}

std::optional<Value> fold(const Value& value, std::span<const Value> arguments) {
  if (!is_element_wise(value.op) || arguments.empty() || arguments.size() > 3) return std::nullopt;
  std::array<Cell, 3> cells;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].op != Op::kConst) return std::nullopt;
    cells[i] = cell_of(arguments[i]);
  }
  if (value.op == Op::kCast) return cast_constant(arguments[0], value.type);
  const RegType operand = value.op == Op::kSelect ? value.type : arguments[0].type;
  return constant_of(value, value.type, evaluate(value.op, value.type, operand, {cells.data(), arguments.size()}));
}

}  // namespace aurex::ax
