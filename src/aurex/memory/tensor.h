#pragma once

// A tensor that owns its elements, or shares them with others.
//
// Storage is 64-byte aligned memory from host_allocator(), or lent by somebody else (DLPack). Copying a Tensor shares
// the storage, as views made from it do; clone() copies elements. The storage goes when its last sharer does, on any
// thread. Reading one tensor from several threads is safe; writing needs the caller's order.
//
//   Tensor x = Tensor::zeros({128, 64}, DType::kF32);
//   Tensor first = x.with(slice(x.view(), 0, 0, 1));    // shares x's storage
//   module["add"].into(z, x, y);                        // converts to TensorView

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "aurex/tensor/dlpack.h"
#include "aurex/tensor/view.h"

namespace aurex {

class Tensor {
 public:
  /// No storage, shape [0].
  Tensor();
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

  // Row-major tensors of their own. All raise OutOfMemory, and InvalidConfig for negative extents.
  [[nodiscard]] static Tensor uninitialised(const Dims& shape, DType dtype);
  [[nodiscard]] static Tensor zeros(const Dims& shape, DType dtype);
  /// Every element as store_f64 makes it of `value`.
  [[nodiscard]] static Tensor full(const Dims& shape, DType dtype, double value);
  /// A copy of any view's elements.
  [[nodiscard]] static Tensor copy_of(const TensorView& view);
  /// A copy of a span. Raises ShapeMismatch unless the shape has as many elements.
  template <typename T, std::size_t kExtent>
  [[nodiscard]] static Tensor of(std::span<T, kExtent> values, const Dims& shape) {
    return copy_of(view_of(values, shape));
  }

  /// Elements lent by `owner`, which is held as long as they are used.
  [[nodiscard]] static Tensor borrowed(const TensorView& view, std::shared_ptr<void> owner);
  /// Takes a DLPack tensor over and calls its deleter at the end, also when this raises. Raises DeviceMismatch for
  /// memory that the CPU cannot read, and as view_from_dlpack.
  [[nodiscard]] static Tensor from_dlpack(dlpack::ManagedTensorVersioned* managed);
  [[nodiscard]] static Tensor from_dlpack(dlpack::ManagedTensor* managed);

  [[nodiscard]] const TensorView& view() const noexcept { return view_; }
  operator const TensorView&() const noexcept { return view_; }  // NOLINT(google-explicit-constructor): an argument
  [[nodiscard]] const std::shared_ptr<void>& storage() const noexcept { return storage_; }

  [[nodiscard]] DType dtype() const noexcept { return view_.dtype; }
  [[nodiscard]] const Dims& shape() const noexcept { return view_.shape; }
  [[nodiscard]] const Dims& strides() const noexcept { return view_.strides; }
  [[nodiscard]] int rank() const noexcept { return view_.rank(); }
  [[nodiscard]] void* data() const noexcept { return view_.data; }
  [[nodiscard]] std::int64_t size() const { return element_count(view_.shape); }
  [[nodiscard]] std::int64_t bytes() const { return byte_count(view_.shape, view_.dtype); }

  /// The elements of a contiguous tensor. Raises DTypeMismatch for another T, InvalidConfig where strides are not
  /// row-major, or where T is not const and the tensor is read-only.
  template <typename T>
  [[nodiscard]] std::span<T> values() const {
    require(dtype_of<T>(), !std::is_const_v<T>);
    return {static_cast<T*>(view_.data), static_cast<std::size_t>(size())};
  }

  /// Another view of this storage as a tensor that shares it.
  [[nodiscard]] Tensor with(const TensorView& view) const { return borrowed(view, storage_); }
  /// A row-major copy with storage of its own.
  [[nodiscard]] Tensor clone() const { return copy_of(view_); }
  /// This tensor where it is row-major, else a copy.
  [[nodiscard]] Tensor contiguous() const { return view_.contiguous() ? *this : clone(); }
  /// The same elements under another shape, one extent of which may be −1; copies only where strides demand it.
  [[nodiscard]] Tensor reshape(const Dims& shape) const;

  /// Lends the elements out; the receiver's deleter lets go of the storage.
  [[nodiscard]] dlpack::ManagedTensorVersioned* to_dlpack() const { return export_dlpack(view_, storage_); }

 private:
  void require(DType dtype, bool writable) const;

  TensorView view_;
  std::shared_ptr<void> storage_;
};

/// A .npy file as a tensor. Raises FormatError, DTypeMismatch, IoError, OutOfMemory.
[[nodiscard]] Tensor load_npy(const std::string& path);

}  // namespace aurex
