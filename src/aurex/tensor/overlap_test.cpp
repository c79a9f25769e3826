#include "aurex/tensor/overlap.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace aurex {
namespace {

class Overlaps : public ::testing::Test {
 protected:
  std::vector<float> values_ = std::vector<float>(64);
  TensorView matrix_ = view_of(std::span(values_), {8, 8});
};

TEST_F(Overlaps, HalvesOfAnArrayAreDisjoint) {
  EXPECT_EQ(classify_overlap(slice(matrix_, 0, 0, 4), slice(matrix_, 0, 4, 8)), Overlap::kDisjoint);
  EXPECT_EQ(classify_overlap(slice(matrix_, 0, 0, 5), slice(matrix_, 0, 4, 8)), Overlap::kPossible);
}

TEST_F(Overlaps, AViewIsIdenticalToItselfAndNotToItsTranspose) {
  EXPECT_EQ(classify_overlap(matrix_, matrix_), Overlap::kIdentical);
  EXPECT_EQ(classify_overlap(matrix_, transpose(matrix_)), Overlap::kPossible);
  TensorView one_row = slice(matrix_, 0, 0, 1), other = one_row;
  other.strides[0] = 99;  // says nothing on an axis of extent 1
  EXPECT_EQ(classify_overlap(one_row, other), Overlap::kIdentical);
}

TEST_F(Overlaps, ColumnsOfOneMatrixAreDisjointByResidue) {
  const TensorView even = slice(matrix_, 1, 0, 8, 2), odd = slice(matrix_, 1, 1, 8, 2);
  EXPECT_FALSE(ranges_disjoint(even, odd));
  EXPECT_TRUE(residues_disjoint(even, odd));
  EXPECT_EQ(classify_overlap(select(matrix_, 1, 0), select(matrix_, 1, 1)), Overlap::kDisjoint);
  EXPECT_EQ(classify_overlap(slice(matrix_, 1, 0, 5), slice(matrix_, 1, 4, 8)), Overlap::kPossible);
}

TEST_F(Overlaps, ResiduesCountBytesOfBothElementTypes) {
  TensorView wide = {.data = values_.data(), .dtype = DType::kF64, .shape = {8}, .strides = {2}};  // every 16 bytes
  TensorView narrow = {.data = values_.data() + 2, .dtype = DType::kF32, .shape = {8}, .strides = {4}};
  EXPECT_EQ(classify_overlap(wide, narrow), Overlap::kDisjoint);
  narrow.data = values_.data() + 1;
  EXPECT_EQ(classify_overlap(wide, narrow), Overlap::kPossible);
  EXPECT_EQ(classify_overlap(narrow, wide), Overlap::kPossible);
}

TEST_F(Overlaps, NegativeStridesReachBelowTheFirstElement) {
  const TensorView reversed = slice(matrix_, 0, 7, -1, -1);
  EXPECT_EQ(byte_range(reversed).begin, reinterpret_cast<std::uintptr_t>(values_.data()));
  EXPECT_EQ(byte_range(reversed).end, reinterpret_cast<std::uintptr_t>(values_.data() + 64));
  EXPECT_EQ(classify_overlap(reversed, matrix_), Overlap::kPossible);
}

TEST_F(Overlaps, AnEmptyViewTouchesNothing) {
  EXPECT_EQ(classify_overlap(slice(matrix_, 0, 3, 3), matrix_), Overlap::kDisjoint);
}

TEST_F(Overlaps, ADisjointVerdictIsNeverWrong) {
  const auto touched = [&](const TensorView& view) {
    std::set<std::int64_t> bytes;
    for (std::int64_t i = 0; i < view.shape[0]; ++i) {
      for (std::int64_t j = 0; j < view.shape[1]; ++j) {
        bytes.insert(static_cast<float*>(view.data) - values_.data() + i * view.strides[0] + j * view.strides[1]);
      }
    }
    return bytes;
  };
  const auto make = [&](std::int64_t start, std::int64_t a, std::int64_t b) {
    return TensorView{.data = values_.data() + start, .shape = {3, 2}, .strides = {a, b}};
  };
  int disjoint = 0;
  for (std::int64_t start = 0; start < 12; ++start) {
    for (std::int64_t a : {1, 2, 3, 4, 6, 8}) {
      for (std::int64_t b : {1, 2, 4, 5, 12}) {
        const TensorView x = make(4, 4, 12), y = make(start, a, b);
        if (classify_overlap(x, y) != Overlap::kDisjoint) continue;
        ++disjoint;
        for (std::int64_t element : touched(y)) EXPECT_FALSE(touched(x).contains(element)) << describe(y);
      }
    }
  }
  EXPECT_GT(disjoint, 10);
}

}  // namespace
}  // namespace aurex
