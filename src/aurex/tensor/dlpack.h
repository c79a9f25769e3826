#pragma once

// DLPack 1.3: the C structs by which array libraries lend each other memory, and the way from and to views.
//
// The structs are layout-compatible with the published header and live in a namespace of their own, so that both may be
// included. Ownership: whoever receives a managed tensor calls its deleter once, from any thread. An exported tensor
// keeps the given owner alive until then; an imported view is valid until the importer calls the producer's deleter.

#include <cstdint>
#include <memory>

#include "aurex/tensor/view.h"

namespace aurex {

namespace dlpack {

inline constexpr std::uint32_t kMajor = 1;
inline constexpr std::uint32_t kMinor = 3;

struct Version {
  std::uint32_t major;
  std::uint32_t minor;
};

enum DeviceType : std::int32_t {
  kCpu = 1,
  kCuda = 2,
  kCudaHost = 3,
  kOpenCl = 4,
  kVulkan = 7,
  kMetal = 8,
  kVpi = 9,
  kRocm = 10,
  kRocmHost = 11,
  kExtDev = 12,
  kCudaManaged = 13,
  kOneApi = 14,
  kWebGpu = 15,
  kHexagon = 16,
  kMaia = 17,
  kTrainium = 18,
};

struct Device {
  DeviceType type;
  std::int32_t id;
};

enum TypeCode : std::uint8_t {
  kInt = 0,
  kUInt = 1,
  kFloat = 2,
  kOpaqueHandle = 3,
  kBfloat = 4,
  kComplex = 5,
  kBoolean = 6,
  kFloat8E3M4 = 7,
  kFloat8E4M3 = 8,
  kFloat8E4M3B11Fnuz = 9,
  kFloat8E4M3Fn = 10,
  kFloat8E4M3Fnuz = 11,
  kFloat8E5M2 = 12,
  kFloat8E5M2Fnuz = 13,
  kFloat8E8M0Fnu = 14,
  kFloat6E2M3Fn = 15,
  kFloat6E3M2Fn = 16,
  kFloat4E2M1Fn = 17,
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; producers before 1.2 may leave it null for row-major
  std::uint64_t byte_offset;
};

/// The unversioned form that older libraries exchange ("dltensor" capsules).
struct ManagedTensor {
  Tensor tensor;
  void* manager;
  void (*deleter)(ManagedTensor* self);
};

inline constexpr std::uint64_t kFlagReadOnly = 1u << 0;
inline constexpr std::uint64_t kFlagIsCopied = 1u << 1;
inline constexpr std::uint64_t kFlagSubBytePadded = 1u << 2;

/// "dltensor_versioned" capsules. Everything up to flags keeps its place in every later version.
struct ManagedTensorVersioned {
  Version version;
  void* manager;
  void (*deleter)(ManagedTensorVersioned* self);
  std::uint64_t flags;
  Tensor tensor;
};

static_assert(sizeof(Tensor) == 48 && sizeof(ManagedTensor) == 64 && sizeof(ManagedTensorVersioned) == 80);

}  // namespace dlpack

/// f8_e4m3 and f8_e4m3_nan are both float8_e4m3fn there.
[[nodiscard]] dlpack::DataType to_dlpack(DType dtype);
/// Raises DTypeMismatch for complex, sub-byte, vector and other types that no DType stands for.
[[nodiscard]] DType dtype_from_dlpack(dlpack::DataType type);

/// The elements of a borrowed tensor; the caller looks at its device first. Raises DTypeMismatch, DimensionMismatch for
/// a rank over kMaxRank, InvalidConfig for negative extents or a null pointer with elements.
[[nodiscard]] TensorView view_from_dlpack(const dlpack::Tensor& tensor, bool read_only = false);

/// As above, read-only where the producer says so. Raises NotImplemented for another major version.
[[nodiscard]] TensorView view_from_dlpack(const dlpack::ManagedTensorVersioned& managed);

/// Lends the view out. `owner` is held until the receiver calls the deleter.
[[nodiscard]] dlpack::ManagedTensorVersioned* export_dlpack(const TensorView& view, std::shared_ptr<void> owner,
                                                            dlpack::Device device = {dlpack::kCpu, 0});

/// The same in the unversioned form, which cannot say "read-only": raises InvalidConfig for such a view.
[[nodiscard]] dlpack::ManagedTensor* export_dlpack_legacy(const TensorView& view, std::shared_ptr<void> owner,
                                                          dlpack::Device device = {dlpack::kCpu, 0});

}  // namespace aurex
