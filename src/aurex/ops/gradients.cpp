#include "aurex/ops/gradients.h"

#include <cmath>
#include <utility>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/ops/arrange.h"
#include "aurex/ops/library.h"

namespace aurex::ops {
namespace {

Argument or_absent(const TensorView* view) { return view == nullptr ? Argument() : Argument(*view); }

/// A kernel `f(y: T[R..., C], dy: T[R..., C]) -> (dx: T[R..., C])` along any axis.
Tensor along(const Kernel& kernel, const TensorView& y, const TensorView& grad, int axis) {
  Tensor dx = Tensor::uninitialised(y.shape, grad.dtype);
  kernel.into(axis_last(dx.view(), axis), axis_last(y, axis), axis_last(grad, axis));
  return dx;
}

NormGradients norm_backward(const Kernel& kernel, const TensorView& grad, const TensorView& x, const TensorView* weight,
                            double eps) {
  std::vector<Tensor> results = kernel.call_all(std::vector<Argument>{x, grad, or_absent(weight), eps});
  NormGradients gradients = {.dx = std::move(results[0]), .dweight = std::move(results[1]), .dbias = {}};
  if (results.size() > 2) gradients.dbias = std::move(results[2]);
  return gradients;
}

/// The last two axes exchanged.
TensorView transposed(const TensorView& view) {
  std::vector<int> order;
  for (int i = 0; i < view.rank(); ++i) order.push_back(i);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return transpose(view, order);
}

/// `x` summed over the axes along which `shape` was stretched to x's.
Tensor summed_to(Tensor x, const Dims& shape) {
  while (x.rank() > shape.size()) x = sum(x, {0});
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] != x.shape()[i]) x = sum(x, {i}, true);
  }
  return x;
}

}  // namespace

Tensor softmax_backward(const TensorView& grad, const TensorView& y, int axis) {
  return along(kernel("softmax_backward"), y, grad, axis);
}

Tensor log_softmax_backward(const TensorView& grad, const TensorView& y, int axis) {
  return along(kernel("log_softmax_backward"), y, grad, axis);
}

NormGradients layer_norm_backward(const TensorView& grad, const TensorView& x, const TensorView* weight, double eps) {
  return norm_backward(kernel("layer_norm_backward"), grad, x, weight, eps);
}

NormGradients rms_norm_backward(const TensorView& grad, const TensorView& x, const TensorView* weight, double eps) {
  return norm_backward(kernel("rms_norm_backward"), grad, x, weight, eps);
}

Tensor gelu_backward(const TensorView& grad, const TensorView& x) { return kernel("gelu_backward")(x, grad); }
Tensor gelu_tanh_backward(const TensorView& grad, const TensorView& x) { return kernel("gelu_tanh_backward")(x, grad); }
Tensor silu_backward(const TensorView& grad, const TensorView& x) { return kernel("silu_backward")(x, grad); }

ProductGradients matmul_backward(const TensorView& grad, const TensorView& a, const TensorView& b) {
  for (const TensorView* matrix : {&grad, &a, &b}) {
    if (matrix->rank() < 2) throw DimensionMismatch("matmul_backward takes matrices", 2, matrix->rank());
  }
  return {.da = summed_to(matmul(grad, transposed(b)), a.shape), .db = summed_to(matmul(transposed(a), grad), b.shape)};
}

Tensor cross_entropy_backward(const TensorView& grad, const TensorView& x, const TensorView& target,
                              const ClassOptions& options) {
  return kernel("cross_entropy_backward")(x, target, grad, options.ignore, options.smoothing);
}

AttentionGradients attention_backward(const TensorView& grad, const TensorView& q, const TensorView& k,
                                      const TensorView& v, const AttentionOptions& options) {
  if (options.bias != nullptr) throw NotImplemented("attention_backward with a bias");
  if (options.softcap != 0) throw NotImplemented("attention_backward with a softcap");
  if (q.rank() != 3 && q.rank() != 4) throw DimensionMismatch("attention_backward: q", 4, q.rank());
  const bool single = q.rank() == 3;
  const auto batched = [single](const TensorView& view) { return single ? expand_dims(view, 0) : view; };
  const TensorView views[] = {batched(q), batched(k), batched(v), batched(grad)};
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.shape.back())));
  const std::vector<Argument> arguments = {views[0], views[1],       views[2],       views[3],
                                           scale,    options.causal, options.window, or_absent(options.key_lengths)};
  std::vector<Tensor> results = kernel("attention_backward").call_all(arguments);
  return {.dq = results[0].reshape(q.shape), .dk = results[1].reshape(k.shape), .dv = results[2].reshape(v.shape)};
}

}  // namespace aurex::ops
