#pragma once

// Operations that a user writes twice, for GPUs and for the CPU, and calls once.
//
//   struct FlashAttention {
//     using Input = Heads;
//     using Output = Tensor;
//     Tensor dispatch_gpu(const Heads& heads, Device device) const;
//     Tensor dispatch_cpu(const Heads& heads, Device device) const;
//   };
//   Tensor output = dispatch(FlashAttention{}, heads, get_device());
//
// After the seed rust-ai-core's trait of that name. Kernels written in AX need none of this: one text serves both.

#include <concepts>

#include "aurex/device/device.h"

namespace aurex {

/// Both implementations, callable on a constant object; several threads may dispatch one object.
template <typename Op>
concept GpuDispatchable = requires(const Op& op, const Op::Input& input, Device device) {
  { op.dispatch_gpu(input, device) } -> std::same_as<typename Op::Output>;
  { op.dispatch_cpu(input, device) } -> std::same_as<typename Op::Output>;
};

/// Says that a device computes nothing and names those that do. Always raises DeviceNotAvailable.
[[noreturn]] void raise_not_dispatchable(Device device);

/// Runs the implementation for `device`. Raises DeviceNotAvailable for one that is neither a GPU nor the CPU, and
/// whatever the implementation raises.
template <GpuDispatchable Op>
Op::Output dispatch(const Op& op, const typename Op::Input& input, Device device) {
  const DeviceKind kind = device.kind();
  if (is_gpu(kind)) return op.dispatch_gpu(input, device);
  if (kind == DeviceKind::kCpu) return op.dispatch_cpu(input, device);
  raise_not_dispatchable(device);
}

/// Whether this process sees a GPU that dispatch() could be given.
[[nodiscard]] bool gpu_available();

}  // namespace aurex
