#include "aurex/ax/tile_program.h"

#include <array>

namespace aurex::ax {

std::string_view to_string(RegType type) {
  static constexpr std::array<std::string_view, 7> kNames = {"bool", "i32", "i64", "u32", "u64", "f32", "f64"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view to_string(Op op) {
  static constexpr std::array<std::string_view, 52> kNames = {
      "const", "scalar",   "extent",   "position", "var",   "load",    "random", "neg",    "abs",
      "sign",  "sqrt",     "floor",    "ceil",     "trunc", "round",   "not",    "bitnot", "isnan",
      "isinf", "isfinite", "popcount", "clz",      "cast",  "bitcast", "add",    "sub",    "mul",
      "div",   "floordiv", "mod",      "min",      "max",   "ldexp",   "and",    "or",     "bitand",
      "bitor", "bitxor",   "shl",      "shr",      "eq",    "ne",      "lt",     "le",     "gt",
      "ge",    "fma",      "select",   "reduce",   "scan",  "argsort", "reindex"};
  static_assert(kNames.size() == static_cast<std::size_t>(Op::kReindex) + 1);
  return kNames[static_cast<std::size_t>(op)];
}

std::string_view to_string(Reduction reduction) {
  static constexpr std::array<std::string_view, 9> kNames = {"sum", "prod", "max",    "min",   "mean",
                                                             "any", "all",  "argmax", "argmin"};
  return kNames[static_cast<std::size_t>(reduction)];
}

RegType register_type(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return RegType::kBool;
    case DType::kI8:
    case DType::kU8:
    case DType::kI16:
    case DType::kU16:
    case DType::kI32:
      return RegType::kI32;
    case DType::kU32:
      return RegType::kU32;
    case DType::kI64:
      return RegType::kI64;
    case DType::kU64:
      return RegType::kU64;
    case DType::kF8E4M3:
    case DType::kF8E4M3Nan:
    case DType::kF8E5M2:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF32:
      return RegType::kF32;
    case DType::kF64:
      return RegType::kF64;
  }
  return RegType::kF32;
}

}  // namespace aurex::ax
