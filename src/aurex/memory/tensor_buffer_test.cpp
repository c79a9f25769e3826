#include "aurex/memory/tensor_buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <utility>

#include "aurex/base/error.h"

namespace aurex {
namespace {

TEST(TensorBuffer, AnOutputBufferIsZeroedAndOfItsShape) {
  TensorBuffer buffer = allocate_output_buffer({2, 3}, DType::kF32);
  EXPECT_EQ(buffer.element_count(), 6);
  EXPECT_EQ(buffer.bytes.size(), 24);
  for (const std::byte byte : buffer.bytes.bytes()) EXPECT_EQ(byte, std::byte{0});
  EXPECT_FALSE(buffer.view().read_only);
  EXPECT_TRUE(std::as_const(buffer).view().read_only);
}

TEST(TensorBuffer, ACopyIsRowMajorWhateverTheViewWas) {
  const std::array<std::int16_t, 6> values = {0, 1, 2, 3, 4, 5};
  const TensorBuffer buffer = TensorBuffer::copy_of(transpose(view_of(std::span(values), {2, 3})));
  EXPECT_EQ(buffer.shape, (Dims{3, 2}));
  EXPECT_EQ(buffer.view().as<std::int16_t>()[1], 3);
}

TEST(TensorBuffer, AShapeThatDoesNotMatchItsBytesIsRefused) {
  TensorBuffer buffer = allocate_output_buffer({2, 3}, DType::kF32);
  buffer.dtype = DType::kF64;
  EXPECT_THROW(static_cast<void>(buffer.view()), ShapeMismatch);
  buffer.shape = {3};
  EXPECT_NO_THROW(buffer.validate());
}

}  // namespace
}  // namespace aurex
