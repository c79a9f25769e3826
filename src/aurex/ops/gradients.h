#pragma once

// Gradients: what a change of the loss by each result of an operation, `grad`, is as a change by each of its arguments.
//
// Everything returned is allocated, has the shape of the argument it belongs to and the type of grad; any thread may
// call; errors are those of a kernel call. Sums have the same bits whatever the number of threads.
//
//   auto [dx, dweight, dbias] = ops::layer_norm_backward(grad, x, &weight);
//   auto [dq, dk, dv] = ops::attention_backward(grad, q, k, v, {.causal = true});

#include <cstdint>

#include "aurex/memory/tensor.h"
#include "aurex/ops/losses.h"
#include "aurex/ops/ops.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

/// By the results y of softmax and log_softmax.
[[nodiscard]] Tensor softmax_backward(const TensorView& grad, const TensorView& y, int axis = -1);
[[nodiscard]] Tensor log_softmax_backward(const TensorView& grad, const TensorView& y, int axis = -1);

struct NormGradients {
  Tensor dx;
  Tensor dweight;  ///< [C]
  Tensor dbias;    ///< [C]; of rms_norm, which has none, empty
};
/// Over the last axis; a weight that is null is 1.
[[nodiscard]] NormGradients layer_norm_backward(const TensorView& grad, const TensorView& x,
                                                const TensorView* weight = nullptr, double eps = 1e-5);
[[nodiscard]] NormGradients rms_norm_backward(const TensorView& grad, const TensorView& x,
                                              const TensorView* weight = nullptr, double eps = 1e-6);

[[nodiscard]] Tensor gelu_backward(const TensorView& grad, const TensorView& x);
[[nodiscard]] Tensor gelu_tanh_backward(const TensorView& grad, const TensorView& x);
[[nodiscard]] Tensor silu_backward(const TensorView& grad, const TensorView& x);

struct ProductGradients {
  Tensor da, db;
};
/// Of a [..., M, K] times b [..., K, N], as matrices: no vectors. What matmul stretched is summed.
[[nodiscard]] ProductGradients matmul_backward(const TensorView& grad, const TensorView& a, const TensorView& b);

/// By the logits x [..., C], for the gradient of the loss of each row.
[[nodiscard]] Tensor cross_entropy_backward(const TensorView& grad, const TensorView& x, const TensorView& target,
                                            const ClassOptions& options = {});

struct AttentionGradients {
  Tensor dq, dk, dv;
};
/// Shapes are those of attention; its probabilities are found again and never stored. Raises NotImplemented for a bias
/// and a softcap.
[[nodiscard]] AttentionGradients attention_backward(const TensorView& grad, const TensorView& q, const TensorView& k,
                                                    const TensorView& v, const AttentionOptions& options = {});

}  // namespace aurex::ops
