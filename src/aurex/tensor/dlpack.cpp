#include "aurex/tensor/dlpack.h"

#include <string>
#include <utility>

namespace aurex {
namespace {

/// What an exported tensor points to and keeps alive.
template <typename Managed>
struct Export {
  Managed managed{};  // NOLINT(bugprone-invalid-enum-default-initialization): filled in by what exports
  Dims shape, strides;
  std::shared_ptr<void> owner;
};

template <typename Managed>
Managed* make_export(const TensorView& view, std::shared_ptr<void> owner, dlpack::Device device) {
  auto exported = std::make_unique<Export<Managed>>();
  exported->shape = view.shape;
  exported->strides = view.strides;
  exported->owner = std::move(owner);
  Managed& managed = exported->managed;
  managed.manager = exported.get();
  managed.deleter = [](Managed* self) { delete static_cast<Export<Managed>*>(self->manager); };
  managed.tensor = {.data = element_count(view.shape) == 0 ? nullptr : view.data,
                    .device = device,
                    .ndim = view.rank(),
                    .dtype = to_dlpack(view.dtype),
                    .shape = exported->shape.data(),
                    .strides = exported->strides.data(),
                    .byte_offset = 0};
  return &exported.release()->managed;
}

}  // namespace

dlpack::DataType to_dlpack(DType dtype) {
  std::uint8_t code = dlpack::kInt;
  switch (dtype) {
    case DType::kBool:
      code = dlpack::kBoolean;
      break;
    case DType::kI8:
    case DType::kI16:
    case DType::kI32:
    case DType::kI64:
      code = dlpack::kInt;
      break;
    case DType::kU8:
    case DType::kU16:
    case DType::kU32:
    case DType::kU64:
      code = dlpack::kUInt;
      break;
    case DType::kF8E4M3:
    case DType::kF8E4M3Nan:
      code = dlpack::kFloat8E4M3Fn;
      break;
    case DType::kF8E5M2:
      code = dlpack::kFloat8E5M2;
      break;
    case DType::kBF16:
      code = dlpack::kBfloat;
      break;
    case DType::kF16:
    case DType::kF32:
    case DType::kF64:
      code = dlpack::kFloat;
      break;
  }
  return {.code = code, .bits = static_cast<std::uint8_t>(8 * bytes_per_element(dtype)), .lanes = 1};
}

DType dtype_from_dlpack(dlpack::DataType type) {
  for (DType dtype : kAllDTypes) {
    const dlpack::DataType known = to_dlpack(dtype);
    if (known.code == type.code && known.bits == type.bits && known.lanes == type.lanes) return dtype;
  }
  const std::string actual = "code " + std::to_string(type.code) + ", " + std::to_string(type.bits) + " bits, " +
                             std::to_string(type.lanes) + " lanes";
  DTypeMismatch error("no element type for the DLPack type with " + actual);
  error.with("expected", "bool, integer, float, bfloat16 or 8-bit float").with("actual", actual);
  throw error;
}

TensorView view_from_dlpack(const dlpack::Tensor& tensor, bool read_only) {
  const DType dtype = dtype_from_dlpack(tensor.dtype);
  if (tensor.ndim < 0 || tensor.ndim > kMaxRank) {
    throw DimensionMismatch("a DLPack tensor of rank " + std::to_string(tensor.ndim), kMaxRank, tensor.ndim);
  }
  if (tensor.ndim > 0 && tensor.shape == nullptr) throw InvalidConfig("a DLPack tensor without a shape");
  const auto rank = static_cast<std::size_t>(tensor.ndim);
  const Dims shape(std::span(tensor.shape, rank));
  if (byte_count(shape, dtype) > 0 && tensor.data == nullptr) {
    throw InvalidConfig("a DLPack tensor of shape " + to_string(shape) + " without memory");
  }
  return {.data = static_cast<std::byte*>(tensor.data) + tensor.byte_offset,
          .dtype = dtype,
          .read_only = read_only,
          .shape = shape,
          .strides = tensor.strides != nullptr ? Dims(std::span(tensor.strides, rank)) : contiguous_strides(shape)};
}

TensorView view_from_dlpack(const dlpack::ManagedTensorVersioned& managed) {
  if (managed.version.major != dlpack::kMajor) {
    throw NotImplemented("DLPack version " + std::to_string(managed.version.major) + "; this library speaks version " +
                         std::to_string(dlpack::kMajor));
  }
  return view_from_dlpack(managed.tensor, (managed.flags & dlpack::kFlagReadOnly) != 0);
}

dlpack::ManagedTensorVersioned* export_dlpack(const TensorView& view, std::shared_ptr<void> owner,
                                              dlpack::Device device) {
  auto* managed = make_export<dlpack::ManagedTensorVersioned>(view, std::move(owner), device);
  managed->version = {dlpack::kMajor, dlpack::kMinor};
  managed->flags = view.read_only ? dlpack::kFlagReadOnly : 0;
  return managed;
}

dlpack::ManagedTensor* export_dlpack_legacy(const TensorView& view, std::shared_ptr<void> owner,
                                            dlpack::Device device) {
  if (view.read_only) throw InvalidConfig("a read-only tensor cannot be exported as an unversioned DLPack tensor");
  return make_export<dlpack::ManagedTensor>(view, std::move(owner), device);
}

}  // namespace aurex
