#include "aurex/ops/optimizers.h"

#include "aurex/ops/library.h"

namespace aurex::ops {

void adam(const TensorView& p, const TensorView& g, const TensorView& m, const TensorView& v, const AdamOptions& o) {
  kernel("adam").run({p, g, m, v, o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.step}, {});
}

void adamw(const TensorView& p, const TensorView& g, const TensorView& m, const TensorView& v, const AdamOptions& o) {
  kernel("adamw").run({p, g, m, v, o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.step}, {});
}

void sgd(const TensorView& p, const TensorView& g, const TensorView& velocity, const SgdOptions& o) {
  kernel("sgd").run({p, g, velocity, o.lr, o.momentum, o.weight_decay, o.nesterov}, {});
}

void rmsprop(const TensorView& p, const TensorView& g, const TensorView& v, const RmspropOptions& o) {
  kernel("rmsprop").run({p, g, v, o.lr, o.alpha, o.eps, o.weight_decay}, {});
}

void rmsprop_momentum(const TensorView& p, const TensorView& g, const TensorView& v, const TensorView& velocity,
                      const RmspropOptions& o, double momentum) {
  kernel("rmsprop_momentum").run({p, g, v, velocity, o.lr, o.alpha, o.eps, o.weight_decay, momentum}, {});
}

void rmsprop_centered(const TensorView& p, const TensorView& g, const TensorView& v, const TensorView& m,
                      const RmspropOptions& o) {
  kernel("rmsprop_centered").run({p, g, v, m, o.lr, o.alpha, o.eps, o.weight_decay}, {});
}

void lion(const TensorView& p, const TensorView& g, const TensorView& m, const LionOptions& o) {
  kernel("lion").run({p, g, m, o.lr, o.beta1, o.beta2, o.weight_decay}, {});
}

void adagrad(const TensorView& p, const TensorView& g, const TensorView& total, const AdagradOptions& o) {
  kernel("adagrad").run({p, g, total, o.lr, o.lr_decay, o.eps, o.weight_decay, o.step}, {});
}

}  // namespace aurex::ops
