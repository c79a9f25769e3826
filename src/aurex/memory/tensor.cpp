#include "aurex/memory/tensor.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "aurex/memory/allocator.h"
#include "aurex/tensor/convert.h"
#include "aurex/tensor/npy.h"

namespace aurex {
namespace {

TensorView empty_view() { return contiguous_view(static_cast<void*>(nullptr), DType::kF32, {0}); }

bool host_readable(dlpack::DeviceType type) {
  return type == dlpack::kCpu || type == dlpack::kCudaHost || type == dlpack::kRocmHost || type == dlpack::kCudaManaged;
}

/// Wraps a managed tensor of either form; its deleter runs whatever happens here.
template <typename Managed, typename MakeView>
Tensor take_over(Managed* managed, MakeView make_view) {
  const std::shared_ptr<void> owner(managed, [managed](void*) {
    if (managed->deleter != nullptr) managed->deleter(managed);
  });
  const TensorView view = make_view(*managed);
  const dlpack::DeviceType type = managed->tensor.device.type;
  if (!host_readable(type)) {
    throw DeviceMismatch("a DLPack tensor on device type " + std::to_string(type) + " where host memory is needed");
  }
  return Tensor::borrowed(view, owner);
}

}  // namespace

Tensor::Tensor() : view_(empty_view()) {}

Tensor::Tensor(Tensor&& other) noexcept
    : view_(std::exchange(other.view_, empty_view())), storage_(std::move(other.storage_)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  std::swap(view_, other.view_);
  std::swap(storage_, other.storage_);
  return *this;
}

Tensor Tensor::uninitialised(const Dims& shape, DType dtype) {
  const auto buffer = std::make_shared<Buffer>(byte_count(shape, dtype));
  return borrowed(contiguous_view(static_cast<void*>(buffer->data()), dtype, shape), buffer);
}

Tensor Tensor::zeros(const Dims& shape, DType dtype) {
  Tensor tensor = uninitialised(shape, dtype);
  std::memset(tensor.data(), 0, static_cast<std::size_t>(tensor.bytes()));
  return tensor;
}

Tensor Tensor::full(const Dims& shape, DType dtype, double value) {
  Tensor tensor = uninitialised(shape, dtype);
  visit_element_type(dtype, [&]<typename T>() {
    T element{};
    store_f64(dtype, &element, value);
    std::fill_n(static_cast<T*>(tensor.data()), tensor.size(), element);
  });
  return tensor;
}

Tensor Tensor::copy_of(const TensorView& view) {
  Tensor tensor = uninitialised(view.shape, view.dtype);
  copy_elements(view, tensor);
  return tensor;
}

Tensor Tensor::borrowed(const TensorView& view, std::shared_ptr<void> owner) {
  Tensor tensor;
  tensor.view_ = view;
  tensor.storage_ = std::move(owner);
  return tensor;
}

Tensor Tensor::from_dlpack(dlpack::ManagedTensorVersioned* managed) {
  return take_over(managed, [](const dlpack::ManagedTensorVersioned& m) { return view_from_dlpack(m); });
}

Tensor Tensor::from_dlpack(dlpack::ManagedTensor* managed) {
  return take_over(managed, [](const dlpack::ManagedTensor& m) { return view_from_dlpack(m.tensor); });
}

Tensor Tensor::reshape(const Dims& shape) const {
  if (const auto view = try_reshape(view_, shape)) return with(*view);
  const Tensor copy = clone();
  return copy.with(*try_reshape(copy.view_, shape));
}

void Tensor::require(DType dtype, bool writable) const {
  if (dtype != view_.dtype) {
    DTypeMismatch error("the values of a tensor of " + std::string(to_string(view_.dtype)) + " as " +
                        std::string(to_string(dtype)));
    error.with("expected", std::string(to_string(dtype))).with("actual", std::string(to_string(view_.dtype)));
    throw error;
  }
  if (!view_.contiguous()) throw InvalidConfig("the values of " + describe(view_) + " do not lie in one row");
  if (writable && view_.read_only) throw InvalidConfig("a read-only tensor where values are written");
}

Tensor load_npy(const std::string& path) {
  NpyFile file(path);
  const auto buffer = std::make_shared<Buffer>(file.header().data_bytes);
  file.read_into(buffer->bytes());
  return Tensor::borrowed(file.header().view(buffer->data()), buffer);
}

}  // namespace aurex
