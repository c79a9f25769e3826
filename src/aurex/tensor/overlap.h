#pragma once

// Do two views share memory? The launch path asks this for every written argument against every other.
//
// The answers are proofs from addresses and strides, never a search: kDisjoint is certain, kIdentical is certain, and
// kPossible means that neither could be shown. Pure functions; any thread may call.

#include <cstdint>
#include <string_view>

#include "aurex/tensor/view.h"

namespace aurex {

/// The bytes that a view can touch, [begin, end); begin == end where it has no elements.
struct ByteRange {
  std::uintptr_t begin = 0, end = 0;
};
[[nodiscard]] ByteRange byte_range(const TensorView& view);

[[nodiscard]] bool ranges_disjoint(const TensorView& a, const TensorView& b);

/// Same first element, dtype, shape, and the same stride on every axis that is longer than 1.
[[nodiscard]] bool views_identical(const TensorView& a, const TensorView& b);

/// Interleaved but apart: all steps of both views are multiples of one period, and within it the two elements sit at
/// residues that do not meet (the real and the imaginary parts of a pair array, two columns of one matrix).
[[nodiscard]] bool residues_disjoint(const TensorView& a, const TensorView& b);

enum class Overlap : std::uint8_t { kDisjoint, kIdentical, kPossible };

[[nodiscard]] std::string_view to_string(Overlap overlap);

/// The strongest of the three statements above that holds.
[[nodiscard]] Overlap classify_overlap(const TensorView& a, const TensorView& b);

}  // namespace aurex
