#include "aurex/ops/losses.h"

#include <string>

#include "aurex/ops/library.h"

namespace aurex::ops {
namespace {

Argument or_absent(const TensorView* view) { return view == nullptr ? Argument() : Argument(*view); }

/// `more` are the arguments of the loss behind x and target; a total has its divisor before them.
template <typename... More>
Tensor reduced(const std::string& name, const TensorView& x, const TensorView& target, Reduction reduction,
               const More&... more) {
  if (reduction == Reduction::kNone) return kernel(name)(x, target, more...);
  const double divisor = reduction == Reduction::kMean ? static_cast<double>(element_count(x.shape)) : 1;
  return kernel(name + "_total")(x, target, divisor, more...);
}

}  // namespace

Tensor mse_loss(const TensorView& x, const TensorView& target, Reduction reduction) {
  return reduced("mse_loss", x, target, reduction);
}

Tensor l1_loss(const TensorView& x, const TensorView& target, Reduction reduction) {
  return reduced("l1_loss", x, target, reduction);
}

Tensor smooth_l1_loss(const TensorView& x, const TensorView& target, Reduction reduction, double beta) {
  return reduced("smooth_l1_loss", x, target, reduction, beta);
}

Tensor huber_loss(const TensorView& x, const TensorView& target, Reduction reduction, double delta) {
  return reduced("huber_loss", x, target, reduction, delta);
}

Tensor binary_cross_entropy_with_logits(const TensorView& x, const TensorView& target, Reduction reduction,
                                        const BinaryWeights& weights) {
  return reduced("binary_cross_entropy_with_logits", x, target, reduction, or_absent(weights.weight),
                 or_absent(weights.positive));
}

Tensor kl_div(const TensorView& x, const TensorView& target, Reduction reduction, bool log_target) {
  return reduced(log_target ? "kl_div_log" : "kl_div", x, target, reduction);
}

Tensor cross_entropy(const TensorView& x, const TensorView& target, const ClassOptions& options) {
  return kernel("cross_entropy")(x, target, options.ignore, options.smoothing);
}

Tensor linear_cross_entropy(const TensorView& x, const TensorView& weight, const TensorView& target,
                            const TensorView* bias, std::int64_t ignore) {
  return kernel("linear_cross_entropy")(x, weight, target, or_absent(bias), ignore);
}

}  // namespace aurex::ops
