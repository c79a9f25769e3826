#include "aurex/ops/arrange.h"

#include <algorithm>
#include <string>
#include <vector>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

/// Which axes are named; every one where none is.
std::vector<bool> named_axes(int rank, std::span<const int> axes) {
  std::vector<bool> named(static_cast<std::size_t>(rank), axes.empty());
  for (const int axis : axes) {
    const auto at = static_cast<std::size_t>(normalize_axis(axis, rank));
    if (named[at]) throw InvalidConfig("axis " + std::to_string(axis) + " is named twice");
    named[at] = true;
  }
  return named;
}

}  // namespace

int normalize_axis(int axis, int rank) {
  const int counted = axis < 0 ? axis + rank : axis;
  if (counted < 0 || counted >= rank) {
    throw InvalidConfig("there is no axis " + std::to_string(axis) + " among " + std::to_string(rank));
  }
  return counted;
}

TensorView axis_last(const TensorView& view, int axis) {
  const int at = normalize_axis(axis, view.rank());
  std::vector<int> order;
  for (int i = 0; i < view.rank(); ++i) {
    if (i != at) order.push_back(i);
  }
  order.push_back(at);
  return transpose(view, order);
}

Tensor merged_last(const TensorView& view, std::span<const int> axes) {
  const std::vector<bool> reduced = named_axes(view.rank(), axes);
  std::vector<int> order, last;
  Dims shape;
  std::int64_t merged = 1;
  for (int i = 0; i < view.rank(); ++i) {
    const bool named = reduced[static_cast<std::size_t>(i)];
    (named ? last : order).push_back(i);
    if (named) {
      merged *= view.shape[i];
    } else {
      shape.push_back(view.shape[i]);
    }
  }
  order.insert(order.end(), last.begin(), last.end());
  shape.push_back(merged);
  const TensorView moved = transpose(view, order);
  if (const auto flat = try_reshape(moved, shape)) return Tensor::borrowed(*flat, nullptr);
  return Tensor::copy_of(moved).reshape(shape);
}

Dims kept_shape(const TensorView& view, std::span<const int> axes) {
  const std::vector<bool> reduced = named_axes(view.rank(), axes);
  Dims shape = view.shape;
  for (int i = 0; i < view.rank(); ++i) {
    if (reduced[static_cast<std::size_t>(i)]) shape[i] = 1;
  }
  return shape;
}

}  // namespace aurex::ops
