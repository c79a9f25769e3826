#include "cli/value.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "aurex/base/hash.h"
#include "aurex/base/seed.h"
#include "aurex/tensor/convert.h"
#include "cli/commands.h"

namespace aurex::cli {
namespace {

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(std::string_view name, std::string_view text) {
  throw UsageError(fmt::format(
      "{}={} is no value; write 3, 0.5, true, x.npy, random:f32[128,64], zeros:f32[64], ones:i32[8] or arange:i64[10]",
      name, text));
}

struct Layout {
  DType dtype = DType::kF32;
  Dims shape;
};

/// "f32[128,64]"; "f32" has rank 0.
Layout parse_layout(std::string_view name, std::string_view text, std::string_view whole) {
  Layout layout;
  const std::size_t bracket = text.find('[');
  layout.dtype = parse_dtype(text.substr(0, bracket));
  if (bracket == std::string_view::npos) return layout;
  if (text.back() != ']') refuse(name, whole);
  std::string_view extents = text.substr(bracket + 1, text.size() - bracket - 2);
  while (!extents.empty()) {
    const std::size_t comma = extents.find(',');
    const auto extent = number<std::int64_t>(extents.substr(0, comma));
    if (!extent || *extent < 0 || comma + 1 == extents.size()) refuse(name, whole);
    layout.shape.push_back(*extent);
    extents = comma == std::string_view::npos ? std::string_view() : extents.substr(comma + 1);
  }
  return layout;
}

void fill_random(const Tensor& tensor, std::uint64_t seed) {
  SplitMix64 random(seed);
  const DType dtype = tensor.dtype();
  char* element = static_cast<char*>(tensor.data());
  for (std::int64_t i = 0; i < tensor.size(); ++i, element += bytes_per_element(dtype)) {
    if (is_floating_point(dtype)) {
      store_f64(dtype, element, random.unit());
    } else {
      store_i64(dtype, element, static_cast<std::int64_t>(random.below(dtype == DType::kBool ? 2 : 10)));
    }
  }
}

void fill_arange(const Tensor& tensor) {
  char* element = static_cast<char*>(tensor.data());
  for (std::int64_t i = 0; i < tensor.size(); ++i, element += bytes_per_element(tensor.dtype())) {
    store_i64(tensor.dtype(), element, i);
  }
}

Tensor make_array(std::string_view name, std::string_view text, std::size_t colon) {
  const std::string_view kind = text.substr(0, colon);
  if (kind != "zeros" && kind != "ones" && kind != "random" && kind != "arange") refuse(name, text);
  const Layout layout = parse_layout(name, text.substr(colon + 1), text);
  if (kind == "zeros") return Tensor::zeros(layout.shape, layout.dtype);
  if (kind == "ones") return Tensor::full(layout.shape, layout.dtype, 1);
  Tensor tensor = Tensor::uninitialised(layout.shape, layout.dtype);
  if (kind == "arange") {
    fill_arange(tensor);
  } else {
    fill_random(tensor, hash64(name));
  }
  return tensor;
}

}  // namespace

Value parse_value(std::string_view name, std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  if (const auto integer = number<std::int64_t>(text)) return *integer;
  if (const auto real = number<double>(text)) return *real;
  if (text.ends_with(".npy")) return load_npy(std::string(text));
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) return make_array(name, text, colon);
  refuse(name, text);
}

std::pair<std::string, std::string> split_assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError(fmt::format("'{}' is not NAME=VALUE", text));
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace aurex::cli
