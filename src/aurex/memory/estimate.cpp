#include "aurex/memory/estimate.h"

#include <cstdint>

#include "aurex/base/error.h"

namespace aurex {

std::int64_t estimate_tensor_bytes(const Dims& shape, DType dtype) { return byte_count(shape, dtype); }

std::int64_t estimate_attention_memory(const AttentionSize& size, DType dtype) {
  const std::int64_t rows = byte_count(Dims{4, size.batch, size.heads, size.sequence, size.head_dim}, dtype);
  const std::int64_t scores = byte_count(Dims{size.batch, size.heads, size.sequence, size.sequence}, dtype);
  std::int64_t bytes;
  if (__builtin_add_overflow(rows, scores, &bytes)) {
    throw OutOfMemory("the memory of attention does not fit 63 bits", INT64_MAX, INT64_MAX, INT64_MAX);
  }
  return bytes;
}

}  // namespace aurex
