#include "aurex/tensor/dlpack.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace aurex {
namespace {

class Dlpack : public ::testing::Test {
 protected:
  std::shared_ptr<std::vector<float>> owner_ = std::make_shared<std::vector<float>>(12);
  TensorView view_ = transpose(view_of(std::span(*owner_), {3, 4}));
};

TEST(DlpackLayout, IsThatOfThePublishedHeader) {
  EXPECT_EQ(offsetof(dlpack::Tensor, device), 8u);
  EXPECT_EQ(offsetof(dlpack::Tensor, ndim), 16u);
  EXPECT_EQ(offsetof(dlpack::Tensor, dtype), 20u);
  EXPECT_EQ(offsetof(dlpack::Tensor, shape), 24u);
  EXPECT_EQ(offsetof(dlpack::Tensor, byte_offset), 40u);
  EXPECT_EQ(offsetof(dlpack::ManagedTensor, deleter), 56u);
  EXPECT_EQ(offsetof(dlpack::ManagedTensorVersioned, flags), 24u);
  EXPECT_EQ(offsetof(dlpack::ManagedTensorVersioned, tensor), 32u);
}

TEST(DlpackTypes, EveryDTypeComesBackButTheOverflowModeOfE4m3) {
  for (DType dtype : kAllDTypes) {
    const DType expected = dtype == DType::kF8E4M3Nan ? DType::kF8E4M3 : dtype;
    EXPECT_EQ(dtype_from_dlpack(to_dlpack(dtype)), expected) << to_string(dtype);
  }
}

TEST(DlpackTypes, OthersAreRefused) {
  for (const dlpack::DataType type :
       {dlpack::DataType{dlpack::kComplex, 64, 1}, dlpack::DataType{dlpack::kFloat, 32, 4},
        dlpack::DataType{dlpack::kFloat, 128, 1}, dlpack::DataType{200, 8, 1}}) {
    EXPECT_THROW(static_cast<void>(dtype_from_dlpack(type)), DTypeMismatch);
  }
}

TEST_F(Dlpack, AnExportKeepsItsOwnerUntilTheDeleterRuns) {
  const std::weak_ptr<std::vector<float>> watch = owner_;
  auto* managed = export_dlpack(view_, owner_);
  auto* legacy = export_dlpack_legacy(view_, owner_);
  owner_.reset();
  EXPECT_FALSE(watch.expired());
  managed->deleter(managed);
  EXPECT_FALSE(watch.expired());
  legacy->deleter(legacy);
  EXPECT_TRUE(watch.expired());
}

TEST_F(Dlpack, AViewSurvivesTheRoundTrip) {
  view_.read_only = true;
  auto* managed = export_dlpack(view_, owner_);
  EXPECT_EQ(managed->version.major, 1u);
  const TensorView back = view_from_dlpack(*managed);
  EXPECT_EQ(back.data, view_.data);
  EXPECT_EQ(back.shape, view_.shape);
  EXPECT_EQ(back.strides, view_.strides);
  EXPECT_TRUE(back.read_only);
  managed->deleter(managed);
}

TEST_F(Dlpack, AReadOnlyViewHasNoUnversionedForm) {
  view_.read_only = true;
  EXPECT_THROW(static_cast<void>(export_dlpack_legacy(view_, owner_)), InvalidConfig);
}

TEST_F(Dlpack, MissingStridesMeanRowMajorAndTheByteOffsetCounts) {
  std::int64_t shape[] = {2, 4};
  const dlpack::Tensor tensor = {.data = owner_->data(),
                                 .device = {dlpack::kCpu, 0},
                                 .ndim = 2,
                                 .dtype = to_dlpack(DType::kF32),
                                 .shape = shape,
                                 .strides = nullptr,
                                 .byte_offset = 16};
  const TensorView view = view_from_dlpack(tensor);
  EXPECT_EQ(view.data, owner_->data() + 4);
  EXPECT_TRUE(view.contiguous());
}

TEST_F(Dlpack, ImpossibleTensorsAreRefused) {
  std::int64_t shape[] = {2, -4};
  dlpack::Tensor tensor = {.data = owner_->data(),
                           .device = {dlpack::kCpu, 0},
                           .ndim = 2,
                           .dtype = to_dlpack(DType::kF32),
                           .shape = shape,
                           .strides = nullptr,
                           .byte_offset = 0};
  EXPECT_THROW(static_cast<void>(view_from_dlpack(tensor)), InvalidConfig);
  shape[1] = 4;
  tensor.data = nullptr;
  EXPECT_THROW(static_cast<void>(view_from_dlpack(tensor)), InvalidConfig);
  shape[1] = 0;
  EXPECT_NO_THROW(static_cast<void>(view_from_dlpack(tensor)));
  tensor.ndim = 17;
  EXPECT_THROW(static_cast<void>(view_from_dlpack(tensor)), DimensionMismatch);
}

TEST_F(Dlpack, AnotherMajorVersionIsNotRead) {
  auto* managed = export_dlpack(view_, owner_);
  managed->version.major = 2;
  EXPECT_THROW(static_cast<void>(view_from_dlpack(*managed)), NotImplemented);
  managed->deleter(managed);
}

}  // namespace
}  // namespace aurex
