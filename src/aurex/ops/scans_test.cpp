#include "aurex/ops/scans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

using testing::ElementsAre;

template <typename T, std::size_t kExtent>
Tensor list(const T (&values)[kExtent]) {
  return Tensor::of(std::span(values), {static_cast<std::int64_t>(kExtent)});
}

Tensor counting(const Dims& shape) {
  Tensor x = Tensor::uninitialised(shape, DType::kF32);
  std::iota(x.values<float>().begin(), x.values<float>().end(), 0.0f);
  return x;
}

TEST(Scans, RunAlongAnyAxisInBothDirections) {
  const Tensor x = counting({2, 3});
  EXPECT_THAT(cumsum(x).values<float>(), ElementsAre(0, 1, 3, 3, 7, 12));
  EXPECT_THAT(cumsum(x, 0).values<float>(), ElementsAre(0, 1, 2, 3, 5, 7));
  EXPECT_THAT(cumsum(x, 1, {.reverse = true}).values<float>(), ElementsAre(3, 3, 2, 12, 9, 5));
  EXPECT_THAT(cumsum(x, 1, {.exclusive = true}).values<float>(), ElementsAre(0, 0, 1, 0, 3, 7));
  EXPECT_THAT(cumprod(x, 1, {.exclusive = true, .reverse = true}).values<float>(), ElementsAre(2, 2, 1, 20, 5, 1));
  EXPECT_THROW((void)cumsum(x, 2), InvalidConfig);
}

TEST(Scans, SumIntegersIn64Bits) {
  const std::int32_t x[] = {2'000'000'000, 2'000'000'000};
  EXPECT_THAT(cumsum(list(x)).values<std::int64_t>(), ElementsAre(2'000'000'000, 4'000'000'000));
}

TEST(Scans, ExtremesCarryThePlaceOfTheLastOfEquals) {
  const float x[] = {1, 3, 2, 3, 0};
  const Extremes most = cummax(list(x)), least = cummin(list(x), 0, true);
  EXPECT_THAT(most.values.values<float>(), ElementsAre(1, 3, 3, 3, 3));
  EXPECT_THAT(most.indices.values<std::int64_t>(), ElementsAre(0, 1, 1, 3, 3));
  EXPECT_THAT(least.values.values<float>(), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(least.indices.values<std::int64_t>(), ElementsAre(4, 4, 4, 4, 4));
}

TEST(Scans, TopKOrdersTiesByPlaceAndNaNFirst) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  const float x[] = {5, kNaN, -kInf, 5, -kInf};
  EXPECT_THAT(top_k(list(x), 5).indices.values<std::int64_t>(), ElementsAre(1, 0, 3, 2, 4));
  EXPECT_THAT(top_k(list(x), 5, 0, false).indices.values<std::int64_t>(), ElementsAre(2, 4, 0, 3, 1));
  EXPECT_THAT(top_k(counting({2, 3}), 1, 0).values.values<float>(), ElementsAre(3, 4, 5));
  EXPECT_THROW((void)top_k(list(x), 6), ShapeMismatch);
}

TEST(Scans, SortAlongAnyAxisKeepsEqualElementsInOrder) {
  const float x[] = {3, 1, 3, std::numeric_limits<float>::quiet_NaN(), 1};
  EXPECT_THAT(argsort(list(x)).values<std::int64_t>(), ElementsAre(1, 4, 0, 2, 3));
  EXPECT_THAT(sort(slice(counting({2, 2}).view(), 0, 1, -1, -1), 0).values<float>(), ElementsAre(0, 1, 2, 3));
}

TEST(Scans, TopKIsTheSameInPassesAndSorted) {
  const float x[] = {5, 2, 5, 9, 2, 5};
  EXPECT_THAT(top_k(list(x), 3).indices.values<std::int64_t>(), ElementsAre(3, 0, 2));
  EXPECT_THAT(top_k(list(x), 6).indices.values<std::int64_t>(), ElementsAre(3, 0, 2, 5, 1, 4));
  EXPECT_THAT(top_k(list(x), 3, 0, false).indices.values<std::int64_t>(), ElementsAre(1, 4, 0));
  EXPECT_THAT(top_k(list(x), 6, 0, false).indices.values<std::int64_t>(), ElementsAre(1, 4, 0, 2, 5, 3));
}

TEST(Segments, SumRowsByNumber) {
  const std::int64_t ids[] = {2, 0, 2};
  EXPECT_THAT(segment_sum(counting({3, 2}), list(ids), 4).values<float>(), ElementsAre(2, 3, 0, 0, 4, 6, 0, 0));
  EXPECT_THROW((void)segment_sum(counting({3, 2}), list(ids), 2), IndexOutOfRange);
}

TEST(Segments, CountNumbersAndBins) {
  const std::int32_t x[] = {1, 3, 1};
  const double weights[] = {0.5, 1, 2};
  const float edges[] = {0, 1, 3};
  const Tensor heavy = list(weights);
  EXPECT_THAT(bincount(list(x), 4).values<std::int64_t>(), ElementsAre(0, 2, 0, 1));
  EXPECT_THAT(bincount(list(x), 4, &heavy.view()).values<double>(), ElementsAre(0, 2.5, 0, 1));
  EXPECT_THAT(histogram(counting({5}), list(edges)).values<std::int64_t>(), ElementsAre(1, 3));
  EXPECT_THROW((void)histogram(counting({5}), counting({1})), InvalidConfig);
}

TEST(Segments, TheGradientOfAnEmbeddingLeavesPaddingOut) {
  const std::int32_t ids[] = {1, 0, 1};
  EXPECT_THAT(embedding_backward(counting({3, 2}), list(ids), 2).values<float>(), ElementsAre(2, 3, 4, 6));
  EXPECT_THAT(embedding_backward(counting({3, 2}), list(ids), 2, 0).values<float>(), ElementsAre(0, 0, 4, 6));
  EXPECT_THROW((void)embedding_backward(counting({3}), list(ids), 2), DimensionMismatch);
}

}  // namespace
}  // namespace aurex::ops
