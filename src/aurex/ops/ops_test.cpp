#include "aurex/ops/ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "aurex/aurex.h"

namespace aurex::ops {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

Tensor counting(const Dims& shape) {
  Tensor x = Tensor::uninitialised(shape, DType::kF32);
  std::iota(x.values<float>().begin(), x.values<float>().end(), 0.0f);
  return x;
}

TEST(Ops, MatmulTakesTransposedViewsAndStretchedBatches) {
  const Tensor a = counting({2, 3});
  EXPECT_THAT(matmul(a, transpose(a.view())).values<float>(), ElementsAre(5, 14, 14, 50));
  const Tensor batch = counting({2, 2, 3}), b = counting({3, 1});
  EXPECT_THAT(matmul(batch, b).values<float>(), ElementsAre(5, 14, 23, 32));
}

TEST(Ops, MatmulTreatsVectorsAsNumPyDoes) {
  const Tensor a = counting({2, 3}), x = counting({3});
  EXPECT_THAT(matmul(a, x).values<float>(), ElementsAre(5, 14));
  EXPECT_EQ(matmul(a, x).rank(), 1);
  EXPECT_EQ(matmul(x, x).rank(), 0);
}

TEST(Ops, MatmulWritesIntoTheCallersMemory) {
  const Tensor a = counting({2, 2}), c = Tensor::zeros({2, 2}, DType::kF32);
  matmul(a, a, c);
  EXPECT_THAT(c.values<float>(), ElementsAre(2, 3, 6, 11));
  EXPECT_THROW(matmul(a, counting({3, 2}), c), ShapeMismatch);
}

TEST(Ops, SoftmaxGoesAlongAnyAxis) {
  const Tensor y = softmax(Tensor::zeros({2, 4}, DType::kF32), 0);
  for (const float value : y.values<float>()) EXPECT_EQ(value, 0.5f);
  EXPECT_THROW((void)softmax(y, 2), InvalidConfig);
}

TEST(Ops, ReductionsTakeAnyAxes) {
  const Tensor x = counting({2, 3, 2});
  EXPECT_THAT(sum(x, {0}).values<float>(), ElementsAre(6, 8, 10, 12, 14, 16));
  EXPECT_THAT(sum(x, {0, 2}).values<float>(), ElementsAre(14, 22, 30));
  EXPECT_EQ(sum(x, {0, 2}, true).shape(), (Dims{1, 3, 1}));
  EXPECT_THAT(max(x).values<float>(), ElementsAre(11));
  EXPECT_THROW((void)sum(x, {0, -3}), InvalidConfig);
}

TEST(Ops, SumsOfIntegersAre64Bit) {
  const Tensor x = Tensor::full({3}, DType::kI32, 2e9);
  EXPECT_THAT(sum(x).values<std::int64_t>(), ElementsAre(6'000'000'000));
}

TEST(Ops, LinearFusesBiasAndActivation) {
  const Tensor x = counting({1, 2}), w = counting({2, 2}), b = Tensor::full({2}, DType::kF32, -2);
  EXPECT_THAT(linear(x, w, {.bias = &b.view(), .residual = nullptr, .activation = Activation::kRelu}).values<float>(),
              ElementsAre(0, 1));
}

TEST(Ops, AttentionOverEqualKeysIsTheMeanOfTheValues) {
  const Tensor q = Tensor::zeros({2, 3, 4}, DType::kF32), v = counting({1, 2, 4});
  const Tensor o = attention(q, Tensor::zeros({1, 2, 4}, DType::kF32), v);
  EXPECT_EQ(o.shape(), (Dims{2, 3, 4}));
  EXPECT_THAT(o.values<float>()[0], FloatNear(2, 1e-6f));
}

TEST(Ops, EmbeddingTakesRowsByNumber) {
  const std::int64_t ids[] = {2, 0};
  EXPECT_THAT(embedding(counting({3, 2}), view_of(std::span(ids), {2})).values<float>(), ElementsAre(4, 5, 0, 1));
}

}  // namespace
}  // namespace aurex::ops
