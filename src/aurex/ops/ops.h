#pragma once

// The kernel library as functions: each presents its arguments to a kernel as the view that the kernel wants.
//
// Axes count from 0, or from the end below 0. Functions that return a Tensor allocate it; those that take `out` write
// there. Views are never copied, but for a reduction over several axes whose strides do not merge. Kernels without a
// function here are called by name: ops::kernel("mish")(x). Any thread may call; errors are those of a kernel call.
//
//   Tensor y = ops::softmax(x, 1);
//   ops::matmul(a, b, c);

#include <initializer_list>
#include <optional>

#include "aurex/memory/tensor.h"
#include "aurex/ops/library.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

// Products.
// ------------------------------------------------------------------------------------------------------------

/// a [..., M, K] times b [..., K, N], batches stretched as NumPy does; transposed views cost nothing.
[[nodiscard]] Tensor matmul(const TensorView& a, const TensorView& b);
void matmul(const TensorView& a, const TensorView& b, const TensorView& out);

enum class Activation { kNone, kRelu, kGelu, kGeluTanh, kSilu, kTanh, kSigmoid };

/// What may follow the product of a linear layer, within the same kernel.
struct LinearOptions {
  const TensorView* bias = nullptr;      ///< [N]
  const TensorView* residual = nullptr;  ///< added last; of the result's shape
  Activation activation = Activation::kNone;
};

/// x [..., K] times the rows of weight [N, K].
[[nodiscard]] Tensor linear(const TensorView& x, const TensorView& weight, const LinearOptions& options = {});

struct AttentionOptions {
  bool causal = false;
  std::optional<double> scale;              ///< 1 / √dim
  int window = 0;                           ///< keys that a query sees, itself included; 0: all
  const TensorView* key_lengths = nullptr;  ///< i32 [batch]
  const TensorView* bias = nullptr;         ///< [batch, heads, queries, keys], added to the scores
  double softcap = 0;                       ///< 0: none
};

/// q [batch, heads, queries, dim], k and v [batch, groups, keys, dim]; `groups` divides `heads`. A batch axis that is
/// missing everywhere is one sequence.
[[nodiscard]] Tensor attention(const TensorView& q, const TensorView& k, const TensorView& v,
                               const AttentionOptions& options = {});

// Along one axis.
// ------------------------------------------------------------------------------------------------------

[[nodiscard]] Tensor softmax(const TensorView& x, int axis = -1);
[[nodiscard]] Tensor log_softmax(const TensorView& x, int axis = -1);
/// Over the last axis; weight and bias are [C], null: 1 and 0.
[[nodiscard]] Tensor layer_norm(const TensorView& x, const TensorView* weight = nullptr,
                                const TensorView* bias = nullptr, double eps = 1e-5);
[[nodiscard]] Tensor rms_norm(const TensorView& x, const TensorView* weight = nullptr, double eps = 1e-6);

// Reductions over `axes`; none named: over all. Results keep the reduced axes with extent 1 where asked.
// ---------------

using Axes = std::initializer_list<int>;

/// Sums and means of integers are i64 and f64, as NumPy has them.
[[nodiscard]] Tensor sum(const TensorView& x, Axes axes = {}, bool keep = false);
[[nodiscard]] Tensor mean(const TensorView& x, Axes axes = {}, bool keep = false);
[[nodiscard]] Tensor max(const TensorView& x, Axes axes = {}, bool keep = false);
[[nodiscard]] Tensor min(const TensorView& x, Axes axes = {}, bool keep = false);
[[nodiscard]] Tensor argmax(const TensorView& x, Axes axes = {}, bool keep = false);
[[nodiscard]] Tensor argmin(const TensorView& x, Axes axes = {}, bool keep = false);

// Element by element, stretched as NumPy does.
// -------------------------------------------------------------------------

[[nodiscard]] Tensor add(const TensorView& x, const TensorView& y);
[[nodiscard]] Tensor mul(const TensorView& x, const TensorView& y);
[[nodiscard]] Tensor exp(const TensorView& x);
[[nodiscard]] Tensor relu(const TensorView& x);
[[nodiscard]] Tensor gelu(const TensorView& x);
[[nodiscard]] Tensor silu(const TensorView& x);

/// Rows of table [V, D] by number: ids [...] gives [..., D].
[[nodiscard]] Tensor embedding(const TensorView& table, const TensorView& ids);

}  // namespace aurex::ops
