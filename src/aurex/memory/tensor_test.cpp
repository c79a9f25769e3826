#include "aurex/memory/tensor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "aurex/memory/allocator.h"
#include "aurex/tensor/convert.h"
#include "aurex/tensor/npy.h"

namespace aurex {
namespace {

constexpr std::array<float, 6> kSix = {0, 1, 2, 3, 4, 5};

Tensor six() { return Tensor::of(std::span(kSix), {2, 3}); }

TEST(Tensor, IsAlignedAndZeroedOrFilledForEveryType) {
  for (DType dtype : kAllDTypes) {
    SCOPED_TRACE(to_string(dtype));
    const Tensor zeros = Tensor::zeros({3, 5}, dtype), ones = Tensor::full({3, 5}, dtype, 1);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(zeros.data()) % 64, 0u);
    EXPECT_EQ(load_f64(dtype, static_cast<char*>(zeros.data()) + zeros.bytes() - bytes_per_element(dtype)), 0);
    EXPECT_EQ(load_f64(dtype, static_cast<char*>(ones.data()) + ones.bytes() - bytes_per_element(dtype)), 1);
  }
}

TEST(Tensor, StorageGoesWithItsLastSharer) {
  const std::int64_t before = host_allocator().tracker().used();
  {
    Tensor row;
    {
      const Tensor x = six();
      row = x.with(select(x, 0, 1));
    }
    EXPECT_EQ(row.values<float>()[2], 5);
    EXPECT_EQ(host_allocator().tracker().used(), before + 24);
  }
  EXPECT_EQ(host_allocator().tracker().used(), before);
}

TEST(Tensor, CopiesShareAndClonesDoNot) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): the copy is what is tested
  const Tensor x = six(), shared = x, own = x.clone();
  x.values<float>()[0] = 9;
  EXPECT_EQ(shared.values<float>()[0], 9);
  EXPECT_EQ(own.values<float>()[0], 0);
}

TEST(Tensor, AMovedFromTensorIsEmpty) {
  Tensor x = six();
  const Tensor y = std::move(x);
  EXPECT_EQ(x.size(), 0);  // NOLINT(bugprone-use-after-move, clang-analyzer-cplusplus.Move): the promise
  EXPECT_EQ(x.storage(), nullptr);
  EXPECT_EQ(y.size(), 6);
}

TEST(Tensor, ValuesAreCheckedForTypeOrderAndWriting) {
  const Tensor x = six();
  EXPECT_THROW(static_cast<void>(x.values<std::int32_t>()), DTypeMismatch);
  EXPECT_THROW(static_cast<void>(x.with(transpose(x)).values<float>()), InvalidConfig);
  TensorView locked = x;
  locked.read_only = true;
  EXPECT_THROW(static_cast<void>(x.with(locked).values<float>()), InvalidConfig);
  EXPECT_EQ(x.with(locked).values<const float>()[5], 5);
}

TEST(Tensor, ReshapeSharesWhereItCanAndCopiesWhereItMust) {
  const Tensor x = six();
  EXPECT_EQ(x.reshape({3, -1}).data(), x.data());
  const Tensor turned = x.with(transpose(x)).reshape({6});
  EXPECT_NE(turned.data(), x.data());
  EXPECT_EQ(turned.values<float>()[1], 3);
}

TEST(Tensor, ContiguousCopiesOnlyStrides) {
  const Tensor x = six();
  EXPECT_EQ(x.contiguous().data(), x.data());
  EXPECT_EQ(x.with(transpose(x)).contiguous().values<float>()[1], 3);
}

TEST(Tensor, GoesThroughDlpackWithoutACopy) {
  const std::int64_t before = host_allocator().tracker().used();
  {
    Tensor back;
    {
      const Tensor x = six();
      back = Tensor::from_dlpack(x.to_dlpack());
      EXPECT_EQ(back.data(), x.data());
    }
    EXPECT_EQ(back.values<float>()[4], 4);
  }
  EXPECT_EQ(host_allocator().tracker().used(), before);
}

TEST(Tensor, ARefusedDlpackTensorIsStillLetGo) {
  const std::int64_t before = host_allocator().tracker().used();
  auto* managed = six().to_dlpack();
  managed->tensor.device = {dlpack::kCuda, 0};
  EXPECT_THROW(static_cast<void>(Tensor::from_dlpack(managed)), DeviceMismatch);
  auto* odd = export_dlpack_legacy(six(), six().storage());
  odd->tensor.dtype.lanes = 4;
  EXPECT_THROW(static_cast<void>(Tensor::from_dlpack(odd)), DTypeMismatch);
  EXPECT_EQ(host_allocator().tracker().used(), before);
}

TEST(Tensor, MemoryOverTheLimitOrTheNumbersIsOutOfMemory) {
  EXPECT_THROW(static_cast<void>(Tensor::zeros({std::int64_t{1} << 40, 1 << 20}, DType::kF32)), OutOfMemory);
  EXPECT_THROW(static_cast<void>(Tensor::zeros({std::int64_t{1} << 40, std::int64_t{1} << 40}, DType::kF32)),
               OutOfMemory);
  EXPECT_THROW(static_cast<void>(Tensor::zeros({-1}, DType::kF32)), InvalidConfig);
}

TEST(Tensor, LoadsNpyFilesInEitherOrder) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("aurex_tensor_test." + std::to_string(getpid()) + ".npy")).string();
  const Tensor x = six();
  for (const TensorView& view : {x.view(), transpose(x)}) {
    write_npy(path, view);
    const Tensor back = load_npy(path);
    EXPECT_EQ(back.shape(), view.shape);
    const std::array<std::int64_t, 2> position = {1, 1};
    EXPECT_EQ(*static_cast<float*>(element_address(back, position)),
              *static_cast<float*>(element_address(view, position)));
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace aurex
