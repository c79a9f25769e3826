#pragma once

// Losses with torch's definitions.
//
// A loss is given by element, as a sum, or as a mean over everything; a sum or mean has no axes, and nothing of the
// size of the arguments is stored for it. Everything returned has the type of x and is allocated; any thread may call;
// errors are those of a kernel call. x and target have one shape, or one that broadcasts where the loss is by element.
//
//   Tensor loss = ops::mse_loss(x, target);                                     // the mean
//   Tensor each = ops::huber_loss(x, target, Reduction::kNone, 0.5);

#include <cstdint>

#include "aurex/memory/tensor.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

enum class Reduction { kNone, kSum, kMean };

[[nodiscard]] Tensor mse_loss(const TensorView& x, const TensorView& target, Reduction reduction = Reduction::kMean);
[[nodiscard]] Tensor l1_loss(const TensorView& x, const TensorView& target, Reduction reduction = Reduction::kMean);
/// A parabola up to a distance of beta, then a line of slope 1.
[[nodiscard]] Tensor smooth_l1_loss(const TensorView& x, const TensorView& target,
                                    Reduction reduction = Reduction::kMean, double beta = 1);
/// A parabola up to a distance of delta, then a line of slope delta.
[[nodiscard]] Tensor huber_loss(const TensorView& x, const TensorView& target, Reduction reduction = Reduction::kMean,
                                double delta = 1);

/// Of the shape of x; null: 1.
struct BinaryWeights {
  const TensorView* weight = nullptr;    ///< of an element
  const TensorView* positive = nullptr;  ///< of the positive class
};
/// Of logits x, without overflow.
[[nodiscard]] Tensor binary_cross_entropy_with_logits(const TensorView& x, const TensorView& target,
                                                      Reduction reduction = Reduction::kMean,
                                                      const BinaryWeights& weights = {});

/// target (log(target) - x) of logarithms x; with `log_target` the target is one, too.
[[nodiscard]] Tensor kl_div(const TensorView& x, const TensorView& target, Reduction reduction = Reduction::kMean,
                            bool log_target = false);

struct ClassOptions {
  std::int64_t ignore = -100;  ///< a target whose row gives 0
  double smoothing = 0;        ///< the part of the target's weight that is spread over all classes
};
/// -log(softmax(x)[target]) for each row: x [..., C], target [...] of integers. Raises IndexOutOfRange.
[[nodiscard]] Tensor cross_entropy(const TensorView& x, const TensorView& target, const ClassOptions& options = {});
/// The same of the logits x [..., K] times the rows of weight [C, K] plus bias [C], which are never stored.
[[nodiscard]] Tensor linear_cross_entropy(const TensorView& x, const TensorView& weight, const TensorView& target,
                                          const TensorView* bias = nullptr, std::int64_t ignore = -100);

}  // namespace aurex::ops
