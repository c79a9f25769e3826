#pragma once

// Spiking layers: leaky integrate-and-fire neurons, and plasticity of their weights by the timing of spikes.
//
// Spikes are bool [steps, batch, lines], weights [neurons, inputs]. State starts as zeros and changes in place, so that
// a long sequence may come in pieces. Different layers may run on different threads. Errors are those of a kernel call.
//
//   const Neurons state = {.v = v, .wait = wait};
//   Tensor out = ops::lif(spikes, weight, state, {.hold = 2});

#include <cstdint>

#include "aurex/memory/tensor.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

/// The state of a layer, [batch, neurons].
struct Neurons {
  const TensorView& v;     ///< potentials, of the weights' type
  const TensorView& wait;  ///< i32: steps until a neuron takes part again
};

/// In each step a potential decays towards `rest` and takes in the weights of the inputs that spike; from `threshold`
/// on the neuron spikes, goes to `reset`, and stays there for the next `hold` steps.
struct LifOptions {
  double decay = 0.9, threshold = 1, rest = 0, reset = 0;
  std::int64_t hold = 0;
};
/// The spikes of the neurons, bool [steps, batch, neurons].
[[nodiscard]] Tensor lif(const TensorView& spikes, const TensorView& weight, const Neurons& state,
                         const LifOptions& options = {});

/// Traces jump by 1 at a spike and decay; of the weights' type.
struct Traces {
  const TensorView& pre;   ///< [batch, inputs]
  const TensorView& post;  ///< [batch, neurons]
};

/// A weight grows by `up` times the trace of its input when its neuron spikes, and shrinks by `down` times the trace of
/// its neuron when its input spikes; it stays within [low, high].
struct StdpOptions {
  double up = 0.01, down = 0.012, pre_decay = 0.95, post_decay = 0.95, low = 0, high = 1;
};
/// Changes weights and traces in place, by the spikes before and behind them.
void stdp(const TensorView& pre, const TensorView& post, const TensorView& weight, const Traces& traces,
          const StdpOptions& options = {});

/// A layer that learns while it runs: each step is one of lif, then one of stdp on its spikes.
[[nodiscard]] Tensor lif_stdp(const TensorView& spikes, const TensorView& weight, const Neurons& state,
                              const Traces& traces, const LifOptions& neurons = {}, const StdpOptions& plasticity = {});

}  // namespace aurex::ops
