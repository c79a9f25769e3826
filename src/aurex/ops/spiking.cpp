#include "aurex/ops/spiking.h"

#include "aurex/base/error.h"
#include "aurex/ops/library.h"

namespace aurex::ops {
namespace {

void require_hold(const LifOptions& options) {
  if (options.hold < 0) throw InvalidConfig("a neuron is held for 0 steps or more");
}

}  // namespace

Tensor lif(const TensorView& spikes, const TensorView& weight, const Neurons& state, const LifOptions& o) {
  require_hold(o);
  return kernel("lif")(spikes, weight, state.v, state.wait, o.decay, o.threshold, o.rest, o.reset, o.hold);
}

void stdp(const TensorView& pre, const TensorView& post, const TensorView& weight, const Traces& traces,
          const StdpOptions& o) {
  kernel("stdp").run(
      {pre, post, weight, traces.pre, traces.post, o.up, o.down, o.pre_decay, o.post_decay, o.low, o.high}, {});
}

Tensor lif_stdp(const TensorView& spikes, const TensorView& weight, const Neurons& state, const Traces& traces,
                const LifOptions& n, const StdpOptions& p) {
  require_hold(n);
  return kernel("lif_stdp")(spikes, weight, state.v, state.wait, traces.pre, traces.post, n.decay, n.threshold, n.rest,
                            n.reset, n.hold, p.up, p.down, p.pre_decay, p.post_decay, p.low, p.high);
}

}  // namespace aurex::ops
