#include "aurex/ops/ops.h"

#include <cmath>
#include <cstdint>
#include <span>

#include "aurex/base/error.h"
#include "aurex/ops/arrange.h"

namespace aurex::ops {
namespace {

Argument or_absent(const TensorView* view) { return view == nullptr ? Argument() : Argument(*view); }

/// A kernel `f(x: T[R..., C]) -> (y: T[R..., C])` along any axis.
Tensor along(const Kernel& kernel, const TensorView& x, int axis) {
  Tensor y = Tensor::uninitialised(x.shape, x.dtype);
  kernel.into(axis_last(y.view(), axis), axis_last(x, axis));
  return y;
}

/// A kernel `f(x: T[R..., C]) -> (y: U[R...])` over any axes.
Tensor reduce(const Kernel& kernel, const TensorView& x, Axes axes, bool keep) {
  const std::span<const int> list(axes.begin(), axes.size());
  const Tensor y = kernel(merged_last(x, list).view());
  return keep ? y.reshape(kept_shape(x, list)) : y;
}

/// a and b as matrices: a vector on the left is a row, on the right a column.
struct Matrices {
  TensorView a, b;
  bool row = false, column = false;
};

Matrices as_matrices(const TensorView& a, const TensorView& b) {
  if (a.rank() == 0 || b.rank() == 0) {
    throw DimensionMismatch("matmul needs at least one axis on either side", 1, 0);
  }
  Matrices m{.a = a, .b = b, .row = a.rank() == 1, .column = b.rank() == 1};
  if (m.row) m.a = expand_dims(a, 0);
  if (m.column) m.b = expand_dims(b, 1);
  return m;
}

Dims batch_of(const TensorView& view) {
  return Dims(view.shape.span().first(static_cast<std::size_t>(view.rank() - 2)));
}

TensorView with_batch(const TensorView& view, Dims batch) {
  batch.push_back(view.shape[view.rank() - 2]);
  batch.push_back(view.shape.back());
  return view.shape == batch ? view : broadcast_to(view, batch);
}

}  // namespace

void matmul(const TensorView& a, const TensorView& b, const TensorView& out) {
  const Matrices m = as_matrices(a, b);
  const Dims batch = broadcast_shapes(batch_of(m.a), batch_of(m.b));
  TensorView c = out;
  if (m.row && m.column) {
    c = expand_dims(expand_dims(out, 0), 1);
  } else if (m.row || m.column) {
    c = expand_dims(out, m.row ? out.rank() - 1 : out.rank());
  }
  kernel("matmul").into(c, with_batch(m.a, batch), with_batch(m.b, batch));
}

Tensor matmul(const TensorView& a, const TensorView& b) {
  const Matrices m = as_matrices(a, b);
  Dims shape = broadcast_shapes(batch_of(m.a), batch_of(m.b));
  if (!m.row) shape.push_back(m.a.shape[m.a.rank() - 2]);
  if (!m.column) shape.push_back(m.b.shape.back());
  Tensor c = Tensor::uninitialised(shape, a.dtype);
  matmul(a, b, c.view());
  return c;
}

Tensor linear(const TensorView& x, const TensorView& weight, const LinearOptions& options) {
  return kernel("linear")(x, weight, or_absent(options.bias), or_absent(options.residual),
                          static_cast<int>(options.activation));
}

Tensor attention(const TensorView& q, const TensorView& k, const TensorView& v, const AttentionOptions& options) {
  if (q.rank() != 3 && q.rank() != 4) throw DimensionMismatch("attention: q has other axes than expected", 4, q.rank());
  const bool single = q.rank() == 3;
  const auto batched = [single](const TensorView& view) { return single ? expand_dims(view, 0) : view; };
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.shape.back())));
  const Tensor o = kernel("attention")(batched(q), batched(k), batched(v), scale, options.causal, options.window,
                                       or_absent(options.key_lengths), or_absent(options.bias), options.softcap);
  return single ? o.reshape({o.shape()[1], o.shape()[2], o.shape()[3]}) : o;
}

Tensor softmax(const TensorView& x, int axis) { return along(kernel("softmax"), x, axis); }
Tensor log_softmax(const TensorView& x, int axis) { return along(kernel("log_softmax"), x, axis); }

Tensor layer_norm(const TensorView& x, const TensorView* weight, const TensorView* bias, double eps) {
  return kernel("layer_norm")(x, or_absent(weight), or_absent(bias), eps);
}

Tensor rms_norm(const TensorView& x, const TensorView* weight, double eps) {
  return kernel("rms_norm")(x, or_absent(weight), eps);
}

Tensor sum(const TensorView& x, Axes axes, bool keep) {
  const char* name = x.dtype == DType::kBool ? "count" : is_integer(x.dtype) ? "sum_integers" : "sum";
  return reduce(kernel(name), x, axes, keep);
}

Tensor mean(const TensorView& x, Axes axes, bool keep) {
  return reduce(kernel(is_integer(x.dtype) ? "mean_integers" : "mean"), x, axes, keep);
}

Tensor max(const TensorView& x, Axes axes, bool keep) { return reduce(kernel("max"), x, axes, keep); }
Tensor min(const TensorView& x, Axes axes, bool keep) { return reduce(kernel("min"), x, axes, keep); }
Tensor argmax(const TensorView& x, Axes axes, bool keep) { return reduce(kernel("argmax"), x, axes, keep); }
Tensor argmin(const TensorView& x, Axes axes, bool keep) { return reduce(kernel("argmin"), x, axes, keep); }

Tensor add(const TensorView& x, const TensorView& y) { return kernel("add")(x, y); }
Tensor mul(const TensorView& x, const TensorView& y) { return kernel("mul")(x, y); }
Tensor exp(const TensorView& x) { return kernel("exp")(x); }
Tensor relu(const TensorView& x) { return kernel("relu")(x); }
Tensor gelu(const TensorView& x) { return kernel("gelu")(x); }
Tensor silu(const TensorView& x) { return kernel("silu")(x); }

Tensor embedding(const TensorView& table, const TensorView& ids) { return kernel("embedding")(table, ids); }

}  // namespace aurex::ops
