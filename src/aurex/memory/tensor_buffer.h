#pragma once

// Raw little-endian bytes with a shape and a type: what crosses to other libraries and devices, and a result's memory
// that a loop allocates once and reuses.
//
//   TensorBuffer out = allocate_output_buffer({128, 64}, DType::kF32);   // outside the loop
//   kernel.into(out.view(), x, y);                                      // inside

#include <cstdint>

#include "aurex/memory/allocator.h"
#include "aurex/tensor/view.h"

namespace aurex {

struct TensorBuffer {
  Buffer bytes;  ///< row-major elements
  Dims shape;
  DType dtype = DType::kF32;

  /// A copy of any view's elements.
  [[nodiscard]] static TensorBuffer copy_of(const TensorView& view);

  [[nodiscard]] std::int64_t element_count() const { return aurex::element_count(shape); }
  /// Raises ShapeMismatch where the number of bytes does not follow from shape and dtype.
  void validate() const;
  /// The elements, valid while the buffer is. Raises as validate().
  [[nodiscard]] TensorView view();
  [[nodiscard]] TensorView view() const;
};

/// Zeroed memory for a result. Raises OutOfMemory.
[[nodiscard]] TensorBuffer allocate_output_buffer(const Dims& shape, DType dtype);

}  // namespace aurex
