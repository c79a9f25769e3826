#include "aurex/tensor/view.h"

#include <algorithm>
#include <cstring>

namespace aurex {
namespace {

void check_axis(const TensorView& view, int axis) {
  if (axis < 0 || axis >= view.rank()) {
    throw DimensionMismatch("axis " + std::to_string(axis) + " of a tensor of rank " + std::to_string(view.rank()),
                            view.rank(), axis);
  }
}

void* advance(const TensorView& view, std::int64_t elements) {
  return static_cast<std::byte*>(view.data) + elements * bytes_per_element(view.dtype);
}

/// Replaces a single −1 by what makes the product `total`; the caller compares the products.
Dims solve_unknown(const Dims& shape, std::int64_t total) {
  int unknown = -1;
  std::int64_t known = 1;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && unknown < 0) {
      unknown = i;
    } else if (shape[i] < 0) {
      throw InvalidConfig("shape " + to_string(shape) + " has more than one unknown or a negative extent");
    } else if (__builtin_mul_overflow(known, shape[i], &known)) {
      known = 0;
    }
  }
  Dims solved = shape;
  if (unknown >= 0) solved[unknown] = known > 0 ? total / known : 0;
  return solved;
}

void copy_axis(const TensorView& from, const TensorView& to, int axis, const std::byte* source, std::byte* target) {
  const std::int64_t size = bytes_per_element(from.dtype);
  if (axis == from.rank()) {
    std::memcpy(target, source, static_cast<std::size_t>(size));
    return;
  }
  const std::int64_t extent = from.shape[axis];
  const std::int64_t source_step = from.strides[axis], target_step = to.strides[axis];
  if (axis + 1 == from.rank() && source_step == 1 && target_step == 1) {
    std::memcpy(target, source, static_cast<std::size_t>(extent * size));
    return;
  }
  for (std::int64_t i = 0; i < extent; ++i) {
    copy_axis(from, to, axis + 1, source + i * source_step * size, target + i * target_step * size);
  }
}

}  // namespace

std::string describe(const TensorView& view) {
  std::string text = std::string(to_string(view.dtype)) + to_string(view.shape);
  if (!view.contiguous()) text += " strides " + to_string(view.strides);
  return text;
}

TensorView contiguous_view(void* data, DType dtype, const Dims& shape) {
  static_cast<void>(byte_count(shape, dtype));  // raises for shapes that no memory can hold
  return {.data = data, .dtype = dtype, .shape = shape, .strides = contiguous_strides(shape)};
}

TensorView contiguous_view(const void* data, DType dtype, const Dims& shape) {
  TensorView view = contiguous_view(const_cast<void*>(data), dtype, shape);
  view.read_only = true;
  return view;
}

void* element_address(const TensorView& view, std::span<const std::int64_t> position) {
  std::int64_t offset = 0;
  for (int i = 0; i < view.rank(); ++i) offset += position[static_cast<std::size_t>(i)] * view.strides[i];
  return advance(view, offset);
}

TensorView slice(const TensorView& view, int axis, std::int64_t begin, std::int64_t end, std::int64_t step) {
  check_axis(view, axis);
  if (step == 0) throw InvalidConfig("a slice step must not be 0");
  const std::int64_t extent = view.shape[axis];
  std::int64_t count = 0;
  if (step > 0) {
    begin = std::clamp<std::int64_t>(begin, 0, extent);
    end = std::clamp<std::int64_t>(end, 0, extent);
    if (end > begin) count = (end - begin - 1) / step + 1;
  } else {
    begin = std::clamp<std::int64_t>(begin, -1, extent - 1);
    end = std::clamp<std::int64_t>(end, -1, extent - 1);
    // −(step + 1) cannot overflow, −step could.
    if (begin > end)
      count = static_cast<std::int64_t>(static_cast<std::uint64_t>(begin - end - 1) /
                                        (static_cast<std::uint64_t>(-(step + 1)) + 1)) +
              1;
  }
  TensorView result = view;
  result.shape[axis] = count;
  if (count > 0) result.data = advance(view, begin * view.strides[axis]);
  if (count > 1) result.strides[axis] = view.strides[axis] * step;
  return result;
}

TensorView select(const TensorView& view, int axis, std::int64_t index) {
  check_axis(view, axis);
  if (index < 0 || index >= view.shape[axis]) {
    throw InvalidConfig("position " + std::to_string(index) + " of an axis of extent " +
                        std::to_string(view.shape[axis]));
  }
  TensorView result = view;
  result.data = advance(view, index * view.strides[axis]);
  result.shape.erase(axis);
  result.strides.erase(axis);
  return result;
}

TensorView transpose(const TensorView& view, std::span<const int> order) {
  TensorView result = view;
  std::uint32_t seen = 0;
  bool legal = std::cmp_equal(order.size(), view.rank());
  for (std::size_t i = 0; legal && i < order.size(); ++i) {
    const int axis = order[i];
    legal = axis >= 0 && axis < view.rank() && (seen & (1u << axis)) == 0;
    if (!legal) break;
    seen |= 1u << axis;
    result.shape[static_cast<int>(i)] = view.shape[axis];
    result.strides[static_cast<int>(i)] = view.strides[axis];
  }
  if (!legal) {
    throw InvalidConfig("the order of axes is no permutation of the " + std::to_string(view.rank()) + " there are");
  }
  return result;
}

TensorView transpose(const TensorView& view) {
  TensorView result = view;
  std::reverse(result.shape.begin(), result.shape.end());
  std::reverse(result.strides.begin(), result.strides.end());
  return result;
}

TensorView broadcast_to(const TensorView& view, const Dims& shape) {
  const int added = shape.size() - view.rank();
  TensorView result = view;
  result.shape = shape;
  result.strides = Dims::filled(shape.size(), 0);
  bool legal = added >= 0;
  for (int i = 0; legal && i < view.rank(); ++i) {
    const std::int64_t from = view.shape[i], to = shape[i + added];
    legal = from == to || from == 1;
    if (from == to) result.strides[i + added] = view.strides[i];
  }
  if (!legal) {
    throw ShapeMismatch("shape " + to_string(view.shape) + " does not broadcast to " + to_string(shape),
                        shape.extents(), view.shape.extents());
  }
  for (int i = 0; i < shape.size(); ++i) result.read_only |= result.strides[i] == 0 && shape[i] > 1;
  static_cast<void>(element_count(shape));
  return result;
}

std::optional<TensorView> try_reshape(const TensorView& view, const Dims& shape) {
  const std::int64_t total = element_count(view.shape);
  const Dims solved = solve_unknown(shape, total);
  if (element_count(solved) != total) {
    throw ShapeMismatch("shape " + to_string(view.shape) + " has " + std::to_string(total) + " elements, shape " +
                            to_string(shape) + " has not",
                        view.shape.extents(), shape.extents());
  }
  const auto strides = reshape_strides(view.shape, view.strides, solved);
  if (!strides) return std::nullopt;
  TensorView result = view;
  result.shape = solved;
  result.strides = *strides;
  return result;
}

TensorView split(const TensorView& view, int axis, const Dims& parts) {
  check_axis(view, axis);
  const std::int64_t extent = view.shape[axis];
  const Dims solved = solve_unknown(parts, extent);
  if (parts.empty() || element_count(solved) != extent) {
    throw ShapeMismatch("an axis of extent " + std::to_string(extent) + " does not split into " + to_string(parts),
                        {extent}, parts.extents());
  }
  TensorView result = view;
  result.shape[axis] = solved.back();
  for (int i = solved.size() - 2; i >= 0; --i) {
    result.strides.insert(axis, result.strides[axis] * std::max<std::int64_t>(1, solved[i + 1]));
    result.shape.insert(axis, solved[i]);
  }
  return result;
}

TensorView expand_dims(const TensorView& view, int axis) {
  if (axis != view.rank()) check_axis(view, axis);
  TensorView result = view;
  result.shape.insert(axis, 1);
  result.strides.insert(axis, 1);
  return result;
}

void copy_elements(const TensorView& from, const TensorView& to) {
  if (!(from.shape == to.shape)) {
    throw ShapeMismatch("a copy between shapes " + to_string(from.shape) + " and " + to_string(to.shape),
                        to.shape.extents(), from.shape.extents());
  }
  if (from.dtype != to.dtype) {
    throw DTypeMismatch("a copy from " + std::string(to_string(from.dtype)) + " to " +
                        std::string(to_string(to.dtype)));
  }
  if (to.read_only) throw InvalidConfig("a copy into a read-only view");
  const std::int64_t count = element_count(from.shape);
  if (count == 0) return;
  if (from.contiguous() && to.contiguous()) {
    std::memcpy(to.data, from.data, static_cast<std::size_t>(count * bytes_per_element(from.dtype)));
  } else {
    copy_axis(from, to, 0, static_cast<const std::byte*>(from.data), static_cast<std::byte*>(to.data));
  }
}

}  // namespace aurex
