#include "aurex/ops/optimizers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aurex/base/error.h"
#include "aurex/memory/tensor.h"

namespace aurex::ops {
namespace {

using testing::Each;
using testing::FloatNear;

/// Parameters of 1, gradients of 0.5, and state that starts as zeros.
class Optimizers : public testing::Test {
 protected:
  const Tensor p_ = Tensor::full({3}, DType::kF32, 1), g_ = Tensor::full({3}, DType::kF32, 0.5);
  const Tensor first_ = Tensor::zeros({3}, DType::kF32), second_ = Tensor::zeros({3}, DType::kF32);

  void expect_parameters(float value) { EXPECT_THAT(p_.values<float>(), Each(FloatNear(value, 1e-5f))); }
};

TEST_F(Optimizers, AdamStepsByItsRateAtFirst) {
  adam(p_, g_, first_, second_, {.lr = 0.1});
  expect_parameters(0.9f);
}

TEST_F(Optimizers, AdamwShrinksParameters) {
  adamw(p_, g_, first_, second_, {.lr = 0.1, .weight_decay = 0.5});
  expect_parameters(0.85f);
}

TEST_F(Optimizers, SgdLooksAheadWhereAsked) {
  sgd(p_, g_, first_, {.lr = 0.1, .momentum = 0.5});
  expect_parameters(0.95f);
  sgd(p_, g_, second_, {.lr = 0.1, .momentum = 0.5, .nesterov = true});
  expect_parameters(0.875f);
}

TEST_F(Optimizers, RmspropHasThreeForms) {
  rmsprop(p_, g_, second_, {.lr = 0.1, .alpha = 0.75});
  expect_parameters(0.8f);
  const Tensor square = Tensor::zeros({3}, DType::kF32), mean = Tensor::zeros({3}, DType::kF32);
  rmsprop_momentum(p_, g_, square, first_, {.lr = 0.1, .alpha = 0.75});
  expect_parameters(0.6f);
  rmsprop_centered(p_, g_, Tensor::full({3}, DType::kF32, 1), mean, {.lr = 0.1, .alpha = 0.75});
  expect_parameters(0.6f - 0.05f / std::sqrt(0.8125f - 0.015625f));
}

TEST_F(Optimizers, LionStepsByTheSign) {
  lion(p_, g_, first_, {.lr = 0.25});
  expect_parameters(0.75f);
  EXPECT_THAT(first_.values<float>(), Each(FloatNear(0.005f, 1e-7f)));
}

TEST_F(Optimizers, AdagradStepsByItsRateAtFirst) {
  adagrad(p_, g_, first_, {.lr = 0.25});
  expect_parameters(0.75f);
}

TEST_F(Optimizers, RefuseStateOfAnotherShape) {
  EXPECT_THROW(lion(p_, g_, Tensor::zeros({2}, DType::kF32)), ShapeMismatch);
}

}  // namespace
}  // namespace aurex::ops
