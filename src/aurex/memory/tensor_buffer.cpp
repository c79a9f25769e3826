#include "aurex/memory/tensor_buffer.h"

#include <cstring>
#include <string>

#include "aurex/base/error.h"

namespace aurex {

TensorBuffer TensorBuffer::copy_of(const TensorView& view) {
  TensorBuffer buffer{.bytes = Buffer(byte_count(view.shape, view.dtype)), .shape = view.shape, .dtype = view.dtype};
  copy_elements(view, buffer.view());
  return buffer;
}

void TensorBuffer::validate() const {
  const std::int64_t expected = byte_count(shape, dtype);
  if (bytes.size() != expected) {
    throw ShapeMismatch("a buffer of " + std::to_string(bytes.size()) + " bytes for " + std::string(to_string(dtype)) +
                            to_string(shape) + ", which takes " + std::to_string(expected),
                        {expected}, {bytes.size()});
  }
}

TensorView TensorBuffer::view() {
  validate();
  return contiguous_view(static_cast<void*>(bytes.data()), dtype, shape);
}

TensorView TensorBuffer::view() const {
  validate();
  return contiguous_view(static_cast<const void*>(bytes.data()), dtype, shape);
}

TensorBuffer allocate_output_buffer(const Dims& shape, DType dtype) {
  TensorBuffer buffer{.bytes = Buffer(byte_count(shape, dtype)), .shape = shape, .dtype = dtype};
  std::memset(buffer.bytes.data(), 0, static_cast<std::size_t>(buffer.bytes.size()));
  return buffer;
}

}  // namespace aurex
