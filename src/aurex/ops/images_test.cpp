#include "aurex/ops/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

Tensor counting(const Dims& shape) {
  Tensor x = Tensor::uninitialised(shape, DType::kF32);
  std::iota(x.values<float>().begin(), x.values<float>().end(), 0.0f);
  return x;
}

TEST(Convolution, SlidesAFilterOverTheImage) {
  const Tensor x = counting({1, 1, 3, 3}), ones = Tensor::full({1, 1, 2, 2}, DType::kF32, 1);
  const Tensor bias = Tensor::full({1}, DType::kF32, 0.5);
  EXPECT_THAT(conv2d(x, ones, &bias.view()).values<float>(), ElementsAre(8.5, 12.5, 20.5, 24.5));
  EXPECT_THAT(conv2d(x, ones, nullptr, {.stride = {2, 2}, .padding = {1, 1}}).values<float>(),
              ElementsAre(0, 3, 9, 24));
  EXPECT_THAT(conv2d(x, ones, nullptr, {.dilation = {2, 2}}).values<float>(), ElementsAre(16));
}

TEST(Convolution, KeepsGroupsOfChannelsApart) {
  const float values[] = {1, 2, 10, 20}, filters[] = {1, 1, 2, 2};
  const Tensor x = Tensor::of(std::span(values), {1, 2, 2}), w = Tensor::of(std::span(filters), {2, 1, 2});
  const Tensor y = conv1d(x, w, nullptr, {.groups = 2});
  EXPECT_EQ(y.shape(), (Dims{1, 2, 1}));
  EXPECT_THAT(y.values<float>(), ElementsAre(3, 60));
}

TEST(Convolution, SpreadsPositionsWhereItIsTransposed) {
  const float values[] = {1, 2}, filter[] = {1, 10};
  const Tensor x = Tensor::of(std::span(values), {1, 1, 1, 2}), w = Tensor::of(std::span(filter), {1, 1, 1, 2});
  EXPECT_THAT(conv_transpose2d(x, w).values<float>(), ElementsAre(1, 12, 20));
  EXPECT_THAT(conv_transpose2d(x, w, nullptr, {.stride = {1, 3}}, {0, 1}).values<float>(),
              ElementsAre(1, 10, 0, 2, 20, 0));
}

TEST(Convolution, RefusesFiltersThatDoNotFit) {
  const Tensor x = counting({1, 2, 3, 3}), w = counting({2, 2, 2, 2});
  EXPECT_THROW((void)conv2d(x, w, nullptr, {.groups = 2}), ShapeMismatch);
  EXPECT_THROW((void)conv2d(x, w, nullptr, {.stride = {0, 1}}), InvalidConfig);
  EXPECT_THROW((void)conv2d(x, w, nullptr, {.dilation = {3, 1}}), InvalidConfig);
  EXPECT_THROW((void)conv2d(x, counting({2, 2, 2})), DimensionMismatch);
  EXPECT_THROW((void)conv1d(x, w), DimensionMismatch);
  EXPECT_THROW((void)conv_transpose2d(x, w, nullptr, {}, {1, 0}), InvalidConfig);
}

TEST(Pooling, TakesWindowsOfTheImage) {
  const Tensor x = counting({1, 4, 4});
  EXPECT_THAT(max_pool2d(x, {.size = {2, 2}}).values<float>(), ElementsAre(5, 7, 13, 15));
  EXPECT_THAT(max_pool2d(x, {.size = {2, 2}, .stride = Pair{1, 1}, .dilation = {2, 2}}).values<float>(),
              ElementsAre(10, 11, 14, 15));
  EXPECT_THAT(avg_pool2d(x, {.size = {2, 2}}).values<float>(), ElementsAre(2.5, 4.5, 10.5, 12.5));
}

TEST(Pooling, CountsPaddingAsAsked) {
  const Tensor x = Tensor::full({1, 2, 2}, DType::kF32, 1);
  const Window window = {.size = {2, 2}, .padding = {1, 1}};
  EXPECT_THAT(avg_pool2d(x, window).values<float>(), ElementsAre(0.25, 0.25, 0.25, 0.25));
  EXPECT_THAT(avg_pool2d(x, window, {.count_padding = false}).values<float>(), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(avg_pool2d(x, window, {.divisor = 2}).values<float>(), ElementsAre(0.5, 0.5, 0.5, 0.5));
}

TEST(Pooling, MayEndBeyondTheImage) {
  const Tensor x = counting({1, 5});
  const Window window = {.size = {1, 2}, .ceil = true};
  EXPECT_THAT(max_pool2d(x, window).values<float>(), ElementsAre(1, 3, 4));
  EXPECT_THAT(avg_pool2d(x, window).values<float>(), ElementsAre(0.5, 2.5, 4));
}

TEST(Pooling, RefusesWhatIsNoWindow) {
  const Tensor x = counting({1, 4, 4});
  EXPECT_THROW((void)max_pool2d(x, {.size = {5, 2}}), InvalidConfig);
  EXPECT_THROW((void)max_pool2d(x, {.size = {2, 2}, .padding = {2, 0}}), InvalidConfig);
  EXPECT_THROW((void)avg_pool2d(x, {.size = {2, 2}, .stride = Pair{0, 1}}), InvalidConfig);
  EXPECT_THROW((void)avg_pool2d(x, {.size = {2, 2}, .dilation = {2, 1}}), InvalidConfig);
  EXPECT_THROW((void)max_pool2d(counting({4}), {.size = {2, 2}}), DimensionMismatch);
}

TEST(ChannelNorm, GoesOverGroupsOfChannels) {
  const float values[] = {1, 3, 10, 30};
  const Tensor x = Tensor::of(std::span(values), {1, 4});
  EXPECT_THAT(group_norm(x, 2, {.eps = 0}).values<float>(), ElementsAre(-1, 1, -1, 1));
  EXPECT_THAT(instance_norm(x.reshape({1, 2, 2}), {.eps = 0}).values<float>(), ElementsAre(-1, 1, -1, 1));
  EXPECT_THROW((void)group_norm(x, 3), ShapeMismatch);
}

TEST(ChannelNorm, OfABatchReturnsAndTracksItsStatistics) {
  const float values[] = {1, 3}, scale[] = {2};
  const Tensor x = Tensor::of(std::span(values), {2, 1}), weight = Tensor::of(std::span(scale), {1});
  const BatchNorm batch = batch_norm_training(x, {.weight = &weight.view(), .eps = 0});
  EXPECT_THAT(batch.y.values<float>(), ElementsAre(-2, 2));
  EXPECT_THAT(batch.mean.values<float>(), ElementsAre(2));
  EXPECT_THAT(batch.variance.values<float>(), ElementsAre(1));
  const Tensor mean = Tensor::zeros({1}, DType::kF32), variance = Tensor::full({1}, DType::kF32, 1);
  track_statistics(mean, variance, batch, 2);
  EXPECT_THAT(mean.values<float>(), ElementsAre(FloatNear(0.2f, 1e-6f)));
  EXPECT_THAT(variance.values<float>(), ElementsAre(FloatNear(1.1f, 1e-6f)));
  EXPECT_THAT(batch_norm(x, batch.mean, batch.variance, {.eps = 0}).values<float>(), ElementsAre(-1, 1));
}

}  // namespace
}  // namespace aurex::ops
