#include "aurex/memory/estimate.h"

#include <gtest/gtest.h>

#include "aurex/base/error.h"

namespace aurex {
namespace {

TEST(Estimate, ATensorTakesItsElements) {
  EXPECT_EQ(estimate_tensor_bytes({2, 512, 768}, DType::kF32), 2 * 512 * 768 * 4);
  EXPECT_EQ(estimate_tensor_bytes({7}, DType::kBF16), 14);
  EXPECT_EQ(estimate_tensor_bytes({}, DType::kF64), 8);
}

TEST(Estimate, AttentionGrowsWithTheSquareOfTheSequence) {
  const AttentionSize size{.batch = 2, .heads = 8, .sequence = 512, .head_dim = 64};
  EXPECT_EQ(estimate_attention_memory(size, DType::kF16), 2 * (4ll * 2 * 8 * 512 * 64 + 2ll * 8 * 512 * 512));
  AttentionSize longer = size;
  longer.sequence *= 2;
  EXPECT_GT(estimate_attention_memory(longer, DType::kF16), 3 * estimate_attention_memory(size, DType::kF16));
}

TEST(Estimate, OverflowIsOutOfMemory) {
  EXPECT_THROW(static_cast<void>(estimate_attention_memory({.sequence = std::int64_t{1} << 32}, DType::kF32)),
               OutOfMemory);
  EXPECT_THROW(static_cast<void>(estimate_tensor_bytes({-1}, DType::kF32)), InvalidConfig);
}

}  // namespace
}  // namespace aurex
