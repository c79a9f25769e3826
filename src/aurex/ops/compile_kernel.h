#pragma once

// Scalar kernels by name, in one line:
//
//   auto add = aurex::compile_kernel<int(int, int)>("add");
//   add(1, 2);                                                            // 3
//   auto mul = aurex::compile_kernel_f32("mul_f32", aurex::Device::cpu());
//   mul(2.0f, 4.0f);                                                      // 8
//
// A name is that of an element-wise kernel of the library; a suffix that repeats the type ("mul_f32") is allowed. Each
// is compiled once per device and types, then shared. The object is free to copy and any thread may call it.

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "aurex/device/device.h"
#include "aurex/jit/kernel.h"
#include "aurex/tensor/dtype.h"
#include "aurex/tensor/view.h"

namespace aurex {

template <typename Signature>
class ScalarKernel;

template <typename Result, typename... Args>
class ScalarKernel<Result(Args...)> {
 public:
  ScalarKernel(Kernel kernel, Device device) : kernel_(std::move(kernel)), device_(device) {}

  /// Raises what a call of the kernel raises.
  Result operator()(Args... args) const {
    Result result{};
    const TensorView out = contiguous_view(static_cast<void*>(&result), dtype_of<Result>(), {});
    const std::array<TensorView, sizeof...(Args)> views = {
        contiguous_view(static_cast<const void*>(&args), dtype_of<Args>(), {})...};
    const TensorView* const results[] = {&out};
    run(std::span(views), results, std::make_index_sequence<sizeof...(Args)>());
    return result;
  }

 private:
  template <std::size_t... I>
  void run(std::span<const TensorView, sizeof...(Args)> views, std::span<const TensorView* const> results,
           std::index_sequence<I...> /*arguments*/) const {
    kernel_.run({Argument(views[I])...}, results, {}, {.device = device_, .stop = nullptr});
  }

  Kernel kernel_;
  Device device_;
};

namespace ops {

/// The library's kernel for one device and these element types, compiled. Raises ArgumentError for a name that the
/// library has not or that does not take so many arguments, CompileError where the kernel gives another type.
[[nodiscard]] Kernel scalar_kernel(std::string_view name, Device device, std::span<const DType> arguments,
                                   DType result);

}  // namespace ops

namespace ops_detail {

template <typename Signature>
struct Make;

template <typename Result, typename... Args>
struct Make<Result(Args...)> {
  static ScalarKernel<Result(Args...)> of(std::string_view name, Device device) {
    const std::array<DType, sizeof...(Args)> types = {dtype_of<Args>()...};
    return {ops::scalar_kernel(name, device, types, dtype_of<Result>()), device};
  }
};

}  // namespace ops_detail

template <typename Signature>
[[nodiscard]] ScalarKernel<Signature> compile_kernel(std::string_view name, Device device = Device::cpu()) {
  return ops_detail::Make<Signature>::of(name, device);
}

/// Two floats to one.
[[nodiscard]] inline ScalarKernel<float(float, float)> compile_kernel_f32(std::string_view name,
                                                                          Device device = Device::cpu()) {
  return compile_kernel<float(float, float)>(name, device);
}

}  // namespace aurex
