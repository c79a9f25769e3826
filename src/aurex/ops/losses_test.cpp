#include "aurex/ops/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <span>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

template <typename T, std::size_t kExtent>
Tensor list(const T (&values)[kExtent]) {
  return Tensor::of(std::span(values), {static_cast<std::int64_t>(kExtent)});
}

const float kX[] = {1, 2, 5}, kTarget[] = {1, 4, 4.5};

TEST(Losses, AreGivenByElementAsASumAndAsAMean) {
  const Tensor x = list(kX), target = list(kTarget);
  EXPECT_THAT(mse_loss(x, target, Reduction::kNone).values<float>(), ElementsAre(0, 4, 0.25));
  EXPECT_THAT(mse_loss(x, target, Reduction::kSum).values<float>(), ElementsAre(4.25));
  EXPECT_THAT(l1_loss(x, target).values<float>(), ElementsAre(FloatNear(2.5f / 3, 1e-6f)));
  EXPECT_EQ(l1_loss(x, target).rank(), 0);
  EXPECT_THROW((void)mse_loss(x, list({1.0f})), ShapeMismatch);
}

TEST(Losses, BendWhereTheyAreTold) {
  const Tensor x = list(kX), target = list(kTarget);
  EXPECT_THAT(smooth_l1_loss(x, target, Reduction::kNone, 2).values<float>(), ElementsAre(0, 1, 0.0625));
  EXPECT_THAT(huber_loss(x, target, Reduction::kNone, 0.5).values<float>(), ElementsAre(0, 0.875, 0.125));
}

TEST(Losses, OfTwoClassesDoNotOverflow) {
  const float logits[] = {0, 1000, -1000}, shares[] = {1, 1, 1}, heavy[] = {2, 1, 0.5};
  const Tensor weight = list(heavy);
  EXPECT_THAT(binary_cross_entropy_with_logits(list(logits), list(shares), Reduction::kNone, {.weight = &weight.view()})
                  .values<float>(),
              ElementsAre(FloatNear(2 * std::log(2.0f), 1e-6f), 0, 500));
}

TEST(Losses, KlDivTakesNoLogarithmOfZero) {
  const float x[] = {-1, -2}, target[] = {0, 1}, logs[] = {0, 0};
  EXPECT_THAT(kl_div(list(x), list(target), Reduction::kNone).values<float>(), ElementsAre(0, 2));
  EXPECT_THAT(kl_div(list(x), list(logs), Reduction::kSum, true).values<float>(), ElementsAre(3));
}

TEST(Losses, CrossEntropyIgnoresRowsAndFusesItsLinearLayer) {
  const std::int64_t target[] = {1, -100};
  const Tensor x = Tensor::zeros({2, 3}, DType::kF32), weight = Tensor::zeros({4, 3}, DType::kF32);
  EXPECT_THAT(cross_entropy(x, list(target)).values<float>(), ElementsAre(FloatNear(std::log(3.0f), 1e-6f), 0));
  EXPECT_THAT(linear_cross_entropy(x, weight, list(target)).values<float>(),
              ElementsAre(FloatNear(std::log(4.0f), 1e-6f), 0));
  const std::int64_t outside[] = {0, 4};
  EXPECT_THROW((void)linear_cross_entropy(x, weight, list(outside)), IndexOutOfRange);
}

}  // namespace
}  // namespace aurex::ops
