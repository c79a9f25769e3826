#include "aurex/ops/scans.h"

#include <string>
#include <utility>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/ops/arrange.h"
#include "aurex/ops/library.h"

namespace aurex::ops {
namespace {

/// `axis` last, walked from its end where asked.
TensorView walked(const TensorView& view, int axis, bool reverse) {
  const TensorView moved = axis_last(view, axis);
  const std::int64_t extent = moved.shape.back();
  return reverse ? slice(moved, moved.rank() - 1, extent - 1, -1, -1) : moved;
}

Tensor running(const std::string& name, const TensorView& x, int axis, const ScanOptions& options) {
  const bool integers = is_integer(x.dtype);
  Tensor y = Tensor::uninitialised(x.shape, integers ? DType::kI64 : x.dtype);
  kernel(integers ? name + "_integers" : name)
      .into(walked(y.view(), axis, options.reverse), walked(x, axis, options.reverse), options.exclusive);
  return y;
}

Extremes running_extremes(const Kernel& kernel, const TensorView& x, int axis, bool reverse) {
  Extremes y = {.values = Tensor::uninitialised(x.shape, x.dtype),
                .indices = Tensor::uninitialised(x.shape, DType::kI64)};
  const TensorView values = walked(y.values.view(), axis, reverse), indices = walked(y.indices.view(), axis, reverse);
  const TensorView* const results[] = {&values, &indices};
  kernel.run({walked(x, axis, reverse), reverse}, results);
  return y;
}

/// Of top_k: that many passes over a row cost about what sorting it costs.
constexpr std::int64_t kPasses = 3;

/// All elements as one axis.
Tensor flat(const TensorView& view) { return merged_last(view, {}); }

/// x as [N, D] where its first `leading` axes are N.
Tensor as_rows(const TensorView& x, int leading) {
  const std::span<const std::int64_t> shape = x.shape.span();
  const auto split = static_cast<std::size_t>(leading);
  return Tensor::borrowed(x, nullptr).reshape({element_count(shape.first(split)), element_count(shape.subspan(split))});
}

Tensor first_of(const Kernel& kernel, std::span<const Argument> arguments, std::string_view name, std::int64_t extent) {
  const ax::NamedExtent extents[] = {{name, extent}};
  return std::move(kernel.call_all(arguments, extents).at(0));
}

}  // namespace

Tensor cumsum(const TensorView& x, int axis, const ScanOptions& options) { return running("cumsum", x, axis, options); }
Tensor cumprod(const TensorView& x, int axis, const ScanOptions& options) {
  return running("cumprod", x, axis, options);
}

Extremes cummax(const TensorView& x, int axis, bool reverse) {
  return running_extremes(kernel("cummax"), x, axis, reverse);
}
Extremes cummin(const TensorView& x, int axis, bool reverse) {
  return running_extremes(kernel("cummin"), x, axis, reverse);
}

Tensor sort(const TensorView& x, int axis) {
  Tensor y = Tensor::uninitialised(x.shape, x.dtype);
  kernel("sort").into(axis_last(y.view(), axis), axis_last(x, axis));
  return y;
}

Tensor argsort(const TensorView& x, int axis) {
  Tensor y = Tensor::uninitialised(x.shape, DType::kI64);
  kernel("argsort").into(axis_last(y.view(), axis), axis_last(x, axis));
  return y;
}

Extremes top_k(const TensorView& x, std::int64_t k, int axis, bool largest) {
  Dims shape = x.shape;
  shape[normalize_axis(axis, x.rank())] = k;
  Extremes y = {.values = Tensor::uninitialised(shape, x.dtype), .indices = Tensor::uninitialised(shape, DType::kI64)};
  const TensorView values = axis_last(y.values.view(), axis), indices = axis_last(y.indices.view(), axis);
  const TensorView* const results[] = {&values, &indices};
  const std::string name = largest ? "top_k" : "bottom_k";
  kernel(k > kPasses ? name + "_sorted" : name).run({axis_last(x, axis), k}, results);
  return y;
}

Tensor segment_sum(const TensorView& x, const TensorView& ids, std::int64_t segments) {
  if (x.rank() == 0) throw DimensionMismatch("segment_sum needs an axis to sum along", 1, 0);
  const Tensor rows = as_rows(x, 1);
  const Tensor y = first_of(kernel("segment_sum"), std::vector<Argument>{rows, ids}, "S", segments);
  Dims shape = x.shape;
  shape[0] = segments;
  return y.reshape(shape);
}

Tensor bincount(const TensorView& x, std::int64_t bins, const TensorView* weights) {
  const Tensor numbers = flat(x);
  if (weights == nullptr) return first_of(kernel("bincount"), std::vector<Argument>{numbers}, "B", bins);
  const Tensor heavy = flat(*weights);
  return first_of(kernel("bincount_weighted"), std::vector<Argument>{numbers, heavy}, "B", bins);
}

Tensor histogram(const TensorView& x, const TensorView& edges, const TensorView* weights) {
  if (edges.rank() != 1 || edges.shape[0] < 2) throw InvalidConfig("a histogram needs two edges at least");
  const Tensor values = flat(x);
  if (weights == nullptr) return kernel("histogram")(values, edges);
  const Tensor heavy = flat(*weights);
  return kernel("histogram_weighted")(values, edges, heavy);
}

Tensor embedding_backward(const TensorView& dy, const TensorView& ids, std::int64_t rows,
                          std::optional<std::int64_t> padding) {
  if (dy.rank() != ids.rank() + 1) {
    throw DimensionMismatch("embedding_backward: dy has one axis more than ids", ids.rank() + 1, dy.rank());
  }
  const Tensor flat_dy = as_rows(dy, ids.rank()), flat_ids = flat(ids);
  std::vector<Argument> arguments = {flat_dy, flat_ids, Argument()};
  if (padding) arguments[2] = *padding;
  return first_of(kernel("embedding_backward"), arguments, "V", rows);
}

}  // namespace aurex::ops
