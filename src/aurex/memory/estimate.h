#pragma once

// Memory that an operation will need, before anything is allocated. Pure functions; sizes in bytes, overflow raises
// OutOfMemory, negative extents InvalidConfig.

#include <cstdint>

#include "aurex/tensor/shape.h"

namespace aurex {

/// The elements of one tensor.
[[nodiscard]] std::int64_t estimate_tensor_bytes(const Dims& shape, DType dtype);

struct AttentionSize {
  std::int64_t batch = 1, heads = 1, sequence = 1, head_dim = 1;
};

/// Attention that keeps its score matrix: query, key, value and output (batch · heads · sequence · head_dim each) and
/// scores (batch · heads · sequence²), all of `dtype`. The kernels of the library need less: they keep no scores.
[[nodiscard]] std::int64_t estimate_attention_memory(const AttentionSize& size, DType dtype);

}  // namespace aurex
