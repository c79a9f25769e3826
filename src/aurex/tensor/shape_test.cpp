#include "aurex/tensor/shape.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <vector>

namespace aurex {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 40;

TEST(Dims, HoldSixteenNumbersAndRefuseMore) {
  Dims dims = Dims::filled(kMaxRank, 2);
  EXPECT_EQ(dims.size(), 16);
  EXPECT_THROW(dims.push_back(1), DimensionMismatch);
  EXPECT_THROW(Dims(std::vector<std::int64_t>(17, 1)), DimensionMismatch);
  EXPECT_THROW(static_cast<void>(Dims::filled(17, 0)), DimensionMismatch);
}

TEST(Dims, InsertAndEraseKeepTheRest) {
  Dims dims{1, 2, 3};
  dims.insert(1, 9);
  EXPECT_EQ(dims, (Dims{1, 9, 2, 3}));
  dims.erase(0);
  EXPECT_EQ(dims, (Dims{9, 2, 3}));
  EXPECT_EQ(to_string(dims), "[9, 2, 3]");
  EXPECT_EQ(to_string(Dims{}), "[]");
}

TEST(ElementCount, IsTheProductOfTheExtents) {
  EXPECT_EQ(element_count(Dims{}), 1);
  EXPECT_EQ(element_count(Dims{2, 3, 4}), 24);
  EXPECT_EQ(element_count(Dims{kHuge, kHuge, 0}), 0);
  EXPECT_EQ(byte_count(Dims{3, 5}, DType::kF16), 30);
}

TEST(ElementCount, RefusesProductsThatDoNotFit) {
  EXPECT_THROW(static_cast<void>(element_count(Dims{kHuge, kHuge})), OutOfMemory);
  EXPECT_THROW(static_cast<void>(byte_count(Dims{std::int64_t{1} << 61}, DType::kF32)), OutOfMemory);
  EXPECT_EQ(byte_count(Dims{std::int64_t{1} << 60}, DType::kF32), std::int64_t{1} << 62);
  EXPECT_THROW(static_cast<void>(element_count(Dims{2, -1})), InvalidConfig);
  EXPECT_THROW(static_cast<void>(element_count(Dims{0, -1})), InvalidConfig);
}

TEST(Strides, RowMajorAndColumnMajor) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(fortran_strides({2, 3, 4}), (Dims{1, 2, 6}));
  EXPECT_EQ(contiguous_strides({}), Dims{});
  EXPECT_EQ(contiguous_strides({2, 0, 4}), (Dims{4, 4, 1}));
}

TEST(Strides, ContiguityIgnoresAxesOfExtentOneAndEmptyShapes) {
  EXPECT_TRUE(is_contiguous({2, 3}, {3, 1}));
  EXPECT_TRUE(is_contiguous({2, 1, 3}, {3, 77, 1}));
  EXPECT_TRUE(is_contiguous({0, 3}, {5, 9}));
  EXPECT_TRUE(is_contiguous({}, {}));
  EXPECT_FALSE(is_contiguous({2, 3}, {1, 2}));
  EXPECT_FALSE(is_contiguous({2, 3}, {4, 1}));
  EXPECT_FALSE(is_contiguous({3}, {-1}));
}

TEST(Strides, UnitStrideAxisIsTheClassOfAView) {
  EXPECT_EQ(unit_stride_axis({2, 3}, {3, 1}), 1);
  EXPECT_EQ(unit_stride_axis({2, 3}, {1, 2}), 0);
  EXPECT_EQ(unit_stride_axis({2, 3}, {6, 2}), -1);
  EXPECT_EQ(unit_stride_axis({2, 3}, {0, 0}), -1);
  EXPECT_EQ(unit_stride_axis({4, 1}, {1, 1}), 0);
  EXPECT_EQ(unit_stride_axis({1, 1}, {5, 7}), 1);
  EXPECT_EQ(unit_stride_axis({0, 3}, {9, 9}), 1);
  EXPECT_EQ(unit_stride_axis({}, {}), -1);
}

TEST(Strides, OffsetRangeReachesBothWays) {
  EXPECT_EQ(offset_range({2, 3}, {3, 1}).highest, 5);
  const OffsetRange range = offset_range({2, 3}, {-3, 1});
  EXPECT_EQ(range.lowest, -3);
  EXPECT_EQ(range.highest, 2);
  EXPECT_EQ(offset_range({0, 3}, {3, 1}).highest, -1);
  EXPECT_THROW(static_cast<void>(offset_range({3}, {std::int64_t{1} << 62})), OutOfMemory);
}

struct DistinctCase {
  Dims shape, strides;
  bool distinct;
};

TEST(Strides, DistinctElementsAreProvedForSlicesTransposesAndSplits) {
  const DistinctCase cases[] = {
      {{4, 5}, {5, 1}, true},   // dense
      {{5, 4}, {1, 5}, true},   // transposed
      {{4, 3}, {10, 2}, true},  // sliced twice
      {{4, 5}, {-5, 1}, true},  // reversed
      {{4, 5}, {0, 1}, false},  // broadcast
      {{1, 5}, {0, 1}, true},   // one position does not repeat
      {{4, 5}, {1, 1}, false},  // a sliding window
      {{4, 5}, {4, 1}, false},  // rows overlap by one
      {{0, 5}, {0, 0}, true},   // nothing to repeat
      {{2, 3, 4}, {12, 4, 1}, true}, {{2}, {std::numeric_limits<std::int64_t>::min()}, false},
  };
  for (const DistinctCase& c : cases) {
    EXPECT_EQ(proves_distinct(c.shape, c.strides), c.distinct) << to_string(c.shape) << to_string(c.strides);
  }
}

TEST(Strides, AProofOfDistinctnessIsNeverWrong) {
  const std::int64_t steps[] = {-7, -3, -1, 0, 1, 2, 3, 6, 12};
  for (std::int64_t a : steps) {
    for (std::int64_t b : steps) {
      for (std::int64_t c : steps) {
        const Dims shape{2, 3, 4}, strides{a, b, c};
        std::set<std::int64_t> offsets;
        for (int i = 0; i < 2; ++i) {
          for (int j = 0; j < 3; ++j) {
            for (int k = 0; k < 4; ++k) offsets.insert(i * a + j * b + k * c);
          }
        }
        if (proves_distinct(shape, strides)) {
          EXPECT_EQ(offsets.size(), 24u) << to_string(strides);
        }
      }
    }
  }
}

TEST(Broadcast, FollowsNumPy) {
  EXPECT_EQ(broadcast_shapes({3, 1}, {4}), (Dims{3, 4}));
  EXPECT_EQ(broadcast_shapes({4}, {2, 3, 1}), (Dims{2, 3, 4}));
  EXPECT_EQ(broadcast_shapes({}, {2}), (Dims{2}));
  EXPECT_EQ(broadcast_shapes({0}, {1}), (Dims{0}));
  EXPECT_THROW(static_cast<void>(broadcast_shapes({3}, {4})), ShapeMismatch);
  EXPECT_THROW(static_cast<void>(broadcast_shapes({0}, {2})), ShapeMismatch);
}

TEST(Reshape, MergesAndSplitsWhereStridesAllow) {
  EXPECT_EQ(reshape_strides({2, 3, 4}, {12, 4, 1}, {6, 4}), (Dims{4, 1}));
  EXPECT_EQ(reshape_strides({6, 4}, {8, 2}, {2, 3, 4}), (Dims{24, 8, 2}));
  EXPECT_EQ(reshape_strides({6, 4}, {8, 1}, {3, 2, 2, 2}), (Dims{16, 8, 2, 1}));
  EXPECT_EQ(reshape_strides({6, 4}, {8, 1}, {24}), std::nullopt);
  EXPECT_EQ(reshape_strides({2, 3}, {1, 2}, {6}), std::nullopt);
  EXPECT_EQ(reshape_strides({4, 3}, {8, 1}, {6, 2}), std::nullopt);
  EXPECT_EQ(reshape_strides({5}, {-1}, {5, 1}), (Dims{-1, 1}));
  EXPECT_EQ(reshape_strides({0, 3}, {3, 1}, {3, 0}), contiguous_strides({3, 0}));
  EXPECT_EQ(reshape_strides({3, 4}, {0, 0}, {12}), (Dims{0}));
}

}  // namespace
}  // namespace aurex
