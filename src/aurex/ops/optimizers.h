#pragma once

// Steps of optimisers on one tensor: parameters and state change in place, and all start as zeros but the parameters.
//
// p, the gradient g and the state have one shape, and a storage type each; arithmetic is in f32, or f64 where one of
// them is. Different tensors may be stepped by different threads. Errors are those of a kernel call.
//
//   ops::adamw(p, g, m, v, {.lr = 3e-4, .step = step});

#include <cstdint>

#include "aurex/tensor/view.h"

namespace aurex::ops {

struct AdamOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;
  std::int64_t step = 1;  ///< counts from 1
};
/// Weight decay is added to the gradient.
void adam(const TensorView& p, const TensorView& g, const TensorView& m, const TensorView& v,
          const AdamOptions& options = {});
/// Weight decay shrinks the parameters themselves.
void adamw(const TensorView& p, const TensorView& g, const TensorView& m, const TensorView& v,
           const AdamOptions& options = {.weight_decay = 0.01});

struct SgdOptions {
  double lr = 1e-2, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};
void sgd(const TensorView& p, const TensorView& g, const TensorView& velocity, const SgdOptions& options = {});

struct RmspropOptions {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0;
};
/// v is the mean of the squares of gradients.
void rmsprop(const TensorView& p, const TensorView& g, const TensorView& v, const RmspropOptions& options = {});
/// Steps gather speed.
void rmsprop_momentum(const TensorView& p, const TensorView& g, const TensorView& v, const TensorView& velocity,
                      const RmspropOptions& options = {}, double momentum = 0.9);
/// By the standard deviation: m is the mean of the gradients.
void rmsprop_centered(const TensorView& p, const TensorView& g, const TensorView& v, const TensorView& m,
                      const RmspropOptions& options = {});

struct LionOptions {
  double lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0;
};
void lion(const TensorView& p, const TensorView& g, const TensorView& m, const LionOptions& options = {});

struct AdagradOptions {
  double lr = 1e-2, lr_decay = 0, eps = 1e-10, weight_decay = 0;
  std::int64_t step = 1;  ///< counts from 1
};
/// `total` is the sum of the squares of gradients.
void adagrad(const TensorView& p, const TensorView& g, const TensorView& total, const AdagradOptions& options = {});

}  // namespace aurex::ops
