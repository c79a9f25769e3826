#pragma once

// Views as the kernels of the library want them: the axis they work on last.

#include <span>

#include "aurex/memory/tensor.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

/// 0 … rank − 1. Raises InvalidConfig for an axis that is not there.
[[nodiscard]] int normalize_axis(int axis, int rank);

/// The same elements with `axis` last, the others in order.
[[nodiscard]] TensorView axis_last(const TensorView& view, int axis);

/// The same elements with `axes` merged into one last axis; none named: all. A copy where strides demand it. Raises
/// InvalidConfig for an axis that is named twice.
[[nodiscard]] Tensor merged_last(const TensorView& view, std::span<const int> axes);

/// The shape that a reduction of `view` over `axes` has with those axes kept at extent 1.
[[nodiscard]] Dims kept_shape(const TensorView& view, std::span<const int> axes);

}  // namespace aurex::ops
