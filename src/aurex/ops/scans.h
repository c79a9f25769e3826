#pragma once

// Running sums and extremes, sorting and the first elements in order, and sums and counts by number.
//
// Axes count from 0, or from the end below 0. Everything returned is allocated; any thread may call; errors are those
// of a kernel call. Results have the same bits whatever the number of threads.
//
//   Tensor totals = ops::cumsum(x, 1, {.reverse = true});       // of each element and all behind it
//   auto [values, indices] = ops::top_k(logits, 5);

#include <cstdint>
#include <optional>

#include "aurex/memory/tensor.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

struct ScanOptions {
  bool exclusive = false;  ///< without the element itself: the first is 0, or 1 of products
  bool reverse = false;    ///< from the end of the axis
};

/// Of integers in 64 bits, as NumPy has them; unsigned ones as the same bits in i64.
[[nodiscard]] Tensor cumsum(const TensorView& x, int axis = -1, const ScanOptions& options = {});
[[nodiscard]] Tensor cumprod(const TensorView& x, int axis = -1, const ScanOptions& options = {});

struct Extremes {
  Tensor values;
  Tensor indices;  ///< i64, along the axis
};

/// The largest or smallest so far; its index is the last of equal ones. NaN is more extreme than all.
[[nodiscard]] Extremes cummax(const TensorView& x, int axis = -1, bool reverse = false);
[[nodiscard]] Extremes cummin(const TensorView& x, int axis = -1, bool reverse = false);

/// In ascending order along an axis; equal elements keep theirs, NaN comes last.
[[nodiscard]] Tensor sort(const TensorView& x, int axis = -1);
/// The places, i64, that the elements of sort come from.
[[nodiscard]] Tensor argsort(const TensorView& x, int axis = -1);

/// The `k` largest along an axis in descending order, or the smallest in ascending; of equal ones the first, and NaN is
/// largest. Raises ShapeMismatch where the axis is shorter than k.
[[nodiscard]] Extremes top_k(const TensorView& x, std::int64_t k, int axis = -1, bool largest = true);

/// Row s of the result [segments, …] is the sum of the rows of x [N, …] whose number in ids [N] is s, in the type that
/// x is computed in (f32 for narrower floats). Raises IndexOutOfRange.
[[nodiscard]] Tensor segment_sum(const TensorView& x, const TensorView& ids, std::int64_t segments);

/// How often each of 0 … bins − 1 occurs in x, i64; with weights, which are of x's shape, the sum of theirs. Raises
/// IndexOutOfRange.
[[nodiscard]] Tensor bincount(const TensorView& x, std::int64_t bins, const TensorView* weights = nullptr);

/// How many elements lie in each of the bins between ascending edges [bins + 1]; the last bin has its upper edge too.
/// Values outside, and NaN, are in none. With weights, which are of x's shape, the sum of theirs. Raises InvalidConfig
/// for fewer than two edges.
[[nodiscard]] Tensor histogram(const TensorView& x, const TensorView& edges, const TensorView* weights = nullptr);

/// The gradient of an embedding's table [rows, D]: rows of dy [..., D] are added to the rows that ids [...] took. Rows
/// of the number `padding` are left out. Computed as segment_sum is.
[[nodiscard]] Tensor embedding_backward(const TensorView& dy, const TensorView& ids, std::int64_t rows,
                                        std::optional<std::int64_t> padding = std::nullopt);

}  // namespace aurex::ops
