#include "aurex/tensor/dtype.h"

#include <string>

#include "aurex/base/error.h"

namespace aurex {
namespace {

constexpr std::array<std::string_view, kDTypeCount> kNames = {
    "bool", "i8",      "u8",          "i16",     "u16", "i32",  "u32", "i64",
    "u64",  "f8_e4m3", "f8_e4m3_nan", "f8_e5m2", "f16", "bf16", "f32", "f64"};

}  // namespace

std::string_view to_string(DType dtype) { return kNames[static_cast<std::size_t>(dtype)]; }

std::optional<DType> try_parse_dtype(std::string_view name) {
  for (DType dtype : kAllDTypes) {
    if (to_string(dtype) == name) return dtype;
  }
  return std::nullopt;
}

DType parse_dtype(std::string_view name) {
  if (const auto dtype = try_parse_dtype(name)) return *dtype;
  std::string legal;
  for (std::string_view known : kNames) legal.append(legal.empty() ? "" : ", ").append(known);
  throw InvalidConfig("unknown element type '" + std::string(name.substr(0, 64)) + "'; legal are " + legal);
}

std::string_view to_string(PrecisionMode mode) {
  switch (mode) {
    case PrecisionMode::kFull:
      return "full";
    case PrecisionMode::kMixedF16:
      return "mixed_f16";
    case PrecisionMode::kMixedBF16:
      return "mixed_bf16";
    case PrecisionMode::kDouble:
      return "double";
  }
  return "?";
}

}  // namespace aurex
