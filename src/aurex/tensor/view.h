#pragma once

// A view: where elements lie, of what type, in which shape. It owns nothing and costs no allocation.
//
// Every argument of a kernel is a TensorView; NumPy arrays, DLPack capsules and owning tensors all become one. The
// caller keeps the memory alive while the view is used. The functions below make new views of the same elements; none
// copies.
//
//   TensorView a = view_of(std::span(values), {2, 3});      // 2 × 3, row-major
//   TensorView column = select(a, 1, 0);                    // its first column
//   fill over rows: broadcast_to(bias, a.shape)             // stride 0, read-only

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "aurex/tensor/dtype.h"
#include "aurex/tensor/shape.h"

namespace aurex {

struct TensorView {
  void* data = nullptr;  ///< the element at position 0, 0, …; not the lowest address where a stride is negative
  DType dtype = DType::kF32;
  bool read_only = false;
  Dims shape;
  Dims strides;  ///< in elements, one per axis of shape

  [[nodiscard]] int rank() const { return shape.size(); }
  [[nodiscard]] bool contiguous() const { return is_contiguous(shape, strides); }
  template <typename T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data);
  }
};

/// "f32[2, 3]", with strides where they are not row-major: "f32[2, 3] strides [1, 2]".
[[nodiscard]] std::string describe(const TensorView& view);

/// Row-major elements at `data`.
[[nodiscard]] TensorView contiguous_view(void* data, DType dtype, const Dims& shape);
[[nodiscard]] TensorView contiguous_view(const void* data, DType dtype, const Dims& shape);

/// A span as a row-major view; read-only where T is const. Raises ShapeMismatch unless the shape has as many elements.
template <typename T, std::size_t kExtent>
[[nodiscard]] TensorView view_of(std::span<T, kExtent> values, const Dims& shape) {
  if (element_count(shape) != static_cast<std::int64_t>(values.size())) {
    throw ShapeMismatch("a span does not have as many elements as its shape", shape.extents(),
                        {static_cast<std::int64_t>(values.size())});
  }
  TensorView view = contiguous_view(const_cast<std::remove_const_t<T>*>(values.data()), dtype_of<T>(), shape);
  view.read_only = std::is_const_v<T>;
  return view;
}

/// Address of one element; the position has one number per axis and is not checked.
[[nodiscard]] void* element_address(const TensorView& view, std::span<const std::int64_t> position);

/// Positions begin, begin + step, … before end along one axis. NumPy's rules for basic slices with explicit bounds:
/// begin and end count from the front, are clamped to the extent, and step may be negative (then end may be −1). Raises
/// InvalidConfig for step 0 and DimensionMismatch for an axis that is not there.
[[nodiscard]] TensorView slice(const TensorView& view, int axis, std::int64_t begin, std::int64_t end,
                               std::int64_t step = 1);

/// One position of an axis, which disappears. Raises InvalidConfig outside the extent.
[[nodiscard]] TensorView select(const TensorView& view, int axis, std::int64_t index);

/// Axes in another order: axis i of the result is axis order[i] of the view. Raises InvalidConfig unless a permutation.
[[nodiscard]] TensorView transpose(const TensorView& view, std::span<const int> order);
/// All axes reversed.
[[nodiscard]] TensorView transpose(const TensorView& view);

/// Stretches axes of extent 1 and adds leading ones, with stride 0. The result is read-only wherever an element
/// repeats. Raises ShapeMismatch.
[[nodiscard]] TensorView broadcast_to(const TensorView& view, const Dims& shape);

/// The same elements in row-major order under another shape, one extent of which may be −1; empty where it needs a
/// copy. Raises ShapeMismatch where the element counts differ.
[[nodiscard]] std::optional<TensorView> try_reshape(const TensorView& view, const Dims& shape);

/// Sees one axis as several, last fastest; one part may be −1. Never needs a copy. Raises ShapeMismatch where the parts
/// do not multiply to the extent.
[[nodiscard]] TensorView split(const TensorView& view, int axis, const Dims& parts);

/// Adds an axis of extent 1 before `axis`.
[[nodiscard]] TensorView expand_dims(const TensorView& view, int axis);

/// Copies elements of equal shape and dtype, both strided as they like; the ranges must not overlap.
/// Raises ShapeMismatch, DTypeMismatch, or InvalidConfig where `to` is read-only.
void copy_elements(const TensorView& from, const TensorView& to);

}  // namespace aurex
