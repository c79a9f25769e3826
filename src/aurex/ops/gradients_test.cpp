#include "aurex/ops/gradients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <numeric>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

using testing::ElementsAre;

/// Numbers without a pattern, in (-1, 1).
Tensor numbers(const Dims& shape, int seed) {
  Tensor x = Tensor::uninitialised(shape, DType::kF64);
  std::int64_t state = seed;
  for (double& value : x.values<double>()) {
    state = state * 48271 % 65537;
    value = static_cast<double>(state) / 32768.5 - 1;
  }
  return x;
}

double dot(const Tensor& a, const Tensor& b) {
  const auto x = a.values<double>(), y = b.values<double>();
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

/// Holds a gradient by `argument` to differences of Σ grad · f, f being what is computed from it as it is now.
void expect_gradient(const Tensor& gradient, const Tensor& argument, const Tensor& grad,
                     const std::function<Tensor()>& f) {
  ASSERT_EQ(gradient.shape(), argument.shape());
  constexpr double kStep = 1e-6;
  for (std::size_t i = 0; i < argument.values<double>().size(); ++i) {
    double& x = argument.values<double>()[i];
    const double kept = x;
    x = kept + kStep;
    const double above = dot(grad, f());
    x = kept - kStep;
    const double below = dot(grad, f());
    x = kept;
    EXPECT_NEAR(gradient.values<double>()[i], (above - below) / (2 * kStep), 1e-7) << "element " << i;
  }
}

TEST(Gradients, OfSoftmaxGoAlongAnyAxis) {
  const Tensor x = numbers({3, 4}, 1), grad = numbers({3, 4}, 2);
  expect_gradient(softmax_backward(grad, softmax(x, 0), 0), x, grad, [&] { return softmax(x, 0); });
  expect_gradient(log_softmax_backward(grad, log_softmax(x)), x, grad, [&] { return log_softmax(x); });
}

TEST(Gradients, OfTheNormsAreByTheirWeightsToo) {
  const Tensor x = numbers({2, 2, 5}, 3), w = numbers({5}, 4), b = numbers({5}, 5), grad = numbers({2, 2, 5}, 6);
  const auto layer = layer_norm_backward(grad, x, &w.view());
  const auto with_layer = [&] { return layer_norm(x, &w.view(), &b.view()); };
  expect_gradient(layer.dx, x, grad, with_layer);
  expect_gradient(layer.dweight, w, grad, with_layer);
  expect_gradient(layer.dbias, b, grad, with_layer);
  const auto rms = rms_norm_backward(grad, x, &w.view());
  const auto with_rms = [&] { return rms_norm(x, &w.view()); };
  expect_gradient(rms.dx, x, grad, with_rms);
  expect_gradient(rms.dweight, w, grad, with_rms);
}

TEST(Gradients, OfActivations) {
  const Tensor x = numbers({9}, 7), grad = numbers({9}, 8);
  expect_gradient(gelu_backward(grad, x), x, grad, [&] { return gelu(x); });
  expect_gradient(gelu_tanh_backward(grad, x), x, grad, [&] { return kernel("gelu_tanh")(x); });
  expect_gradient(silu_backward(grad, x), x, grad, [&] { return silu(x); });
}

TEST(Gradients, OfProductsAreSummedOverWhatWasStretched) {
  const Tensor a = numbers({3, 2, 4}, 9), b = numbers({4, 5}, 10), grad = numbers({3, 2, 5}, 11);
  const auto [da, db] = matmul_backward(grad, a, b);
  expect_gradient(da, a, grad, [&] { return matmul(a, b); });
  expect_gradient(db, b, grad, [&] { return matmul(a, b); });
  EXPECT_THROW((void)matmul_backward(grad, a, numbers({4}, 1)), DimensionMismatch);
}

TEST(Gradients, OfCrossEntropyLeaveIgnoredRowsAtZero) {
  const std::int32_t classes[] = {1, -100, 0};
  const Tensor x = numbers({3, 4}, 12), grad = numbers({3}, 13), target = Tensor::of(std::span(classes), {3});
  const ClassOptions options = {.smoothing = 0.2};
  const Tensor dx = cross_entropy_backward(grad, x, target, options);
  expect_gradient(dx, x, grad, [&] { return cross_entropy(x, target, options); });
  EXPECT_THAT(dx.values<double>().subspan(4, 4), ElementsAre(0, 0, 0, 0));
}

TEST(Gradients, OfAttentionFindProbabilitiesAgain) {
  const Tensor q = numbers({4, 3, 5}, 14), k = numbers({2, 6, 5}, 15), v = numbers({2, 6, 2}, 16);
  const Tensor grad = numbers({4, 3, 2}, 17);
  AttentionOptions options;
  options.causal = true;
  options.window = 4;
  const auto [dq, dk, dv] = attention_backward(grad, q, k, v, options);
  const auto forward = [&] { return attention(q, k, v, options); };
  expect_gradient(dq, q, grad, forward);
  expect_gradient(dk, k, grad, forward);
  expect_gradient(dv, v, grad, forward);
  options.softcap = 2;
  EXPECT_THROW((void)attention_backward(grad, q, k, v, options), NotImplemented);
}

}  // namespace
}  // namespace aurex::ops
