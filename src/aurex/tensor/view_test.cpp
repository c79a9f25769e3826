#include "aurex/tensor/view.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <numeric>
#include <vector>

namespace aurex {
namespace {

/// 0, 1, 2, … in a 2 × 3 × 4 array.
class Views : public ::testing::Test {
 protected:
  Views() { std::iota(values_.begin(), values_.end(), 0); }
  std::vector<std::int32_t> values_ = std::vector<std::int32_t>(24);
  TensorView view_ = view_of(std::span(values_), {2, 3, 4});
};

std::vector<std::int32_t> elements(const TensorView& view) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(element_count(view.shape)));
  copy_elements(view, view_of(std::span(out), view.shape));
  return out;
}

using Ints = std::vector<std::int32_t>;

TEST_F(Views, ASpanMustFillItsShape) {
  EXPECT_THROW(static_cast<void>(view_of(std::span(values_), {5, 5})), ShapeMismatch);
  EXPECT_FALSE(view_.read_only);
  EXPECT_TRUE(view_of(std::span(std::as_const(values_)), {24}).read_only);
}

TEST_F(Views, DescribeShowsStridesOnlyWhereTheySayMore) {
  EXPECT_EQ(describe(view_), "i32[2, 3, 4]");
  EXPECT_EQ(describe(transpose(view_)), "i32[4, 3, 2] strides [1, 4, 12]");
}

TEST_F(Views, SliceStepsForwardsAndBackwards) {
  const TensorView row = select(select(view_, 0, 0), 0, 0);
  EXPECT_EQ(elements(slice(row, 0, 1, 3)), (Ints{1, 2}));
  EXPECT_EQ(elements(slice(row, 0, 0, 4, 3)), (Ints{0, 3}));
  EXPECT_EQ(elements(slice(row, 0, 3, -1, -1)), (Ints{3, 2, 1, 0}));
  EXPECT_EQ(elements(slice(row, 0, 3, -1, -2)), (Ints{3, 1}));
  EXPECT_EQ(elements(slice(row, 0, 2, 99)), (Ints{2, 3}));
  EXPECT_EQ(elements(slice(row, 0, 3, 1)), Ints{});
  EXPECT_EQ(elements(slice(row, 0, 0, 4, INT64_MAX)), Ints{0});
  EXPECT_EQ(elements(slice(row, 0, 3, -1, INT64_MIN)), Ints{3});
  EXPECT_THROW(static_cast<void>(slice(row, 0, 0, 4, 0)), InvalidConfig);
  EXPECT_THROW(static_cast<void>(slice(row, 1, 0, 4)), DimensionMismatch);
}

TEST_F(Views, SelectTakesAnAxisAway) {
  EXPECT_EQ(elements(select(select(view_, 2, 1), 0, 1)), (Ints{13, 17, 21}));
  EXPECT_THROW(static_cast<void>(select(view_, 0, 2)), InvalidConfig);
  EXPECT_THROW(static_cast<void>(select(view_, 0, -1)), InvalidConfig);
}

TEST_F(Views, TransposePermutesAxes) {
  const std::array order = {2, 0, 1};
  const TensorView turned = transpose(view_, order);
  EXPECT_EQ(turned.shape, (Dims{4, 2, 3}));
  const std::array<std::int64_t, 3> position = {3, 1, 2};
  EXPECT_EQ(*static_cast<std::int32_t*>(element_address(turned, position)), 23);
  const std::array repeated = {0, 0, 1};
  EXPECT_THROW(static_cast<void>(transpose(view_, repeated)), InvalidConfig);
  const std::array few = {1, 0};
  EXPECT_THROW(static_cast<void>(transpose(view_, few)), InvalidConfig);
}

TEST_F(Views, BroadcastRepeatsWithStrideZeroAndIsReadOnly) {
  const TensorView row = slice(select(view_, 0, 0), 0, 0, 1);
  const TensorView wide = broadcast_to(row, {2, 3, 4});
  EXPECT_EQ(wide.strides, (Dims{0, 0, 1}));
  EXPECT_TRUE(wide.read_only);
  EXPECT_EQ(elements(slice(wide, 0, 1, 2)), (Ints{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_FALSE(broadcast_to(row, {1, 1, 4}).read_only);
  EXPECT_THROW(static_cast<void>(broadcast_to(row, {2, 5})), ShapeMismatch);
  EXPECT_THROW(static_cast<void>(broadcast_to(row, {4})), ShapeMismatch);
}

TEST_F(Views, ReshapeKeepsRowMajorOrderOrSaysThatItNeedsACopy) {
  const auto flat = try_reshape(view_, {-1});
  ASSERT_TRUE(flat.has_value());
  EXPECT_EQ(elements(*flat), values_);
  const auto pairs = try_reshape(slice(view_, 2, 0, 4, 2), {2, -1});
  ASSERT_TRUE(pairs.has_value());
  EXPECT_EQ(elements(*pairs), (Ints{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22}));
  EXPECT_FALSE(try_reshape(transpose(view_), {24}).has_value());
  EXPECT_THROW(static_cast<void>(try_reshape(view_, {5, -1})), ShapeMismatch);
  EXPECT_THROW(static_cast<void>(try_reshape(view_, {-1, -1})), InvalidConfig);
}

TEST_F(Views, SplitSeesOneAxisAsSeveral) {
  const TensorView halves = split(transpose(view_), 0, {2, -1});
  EXPECT_EQ(halves.shape, (Dims{2, 2, 3, 2}));
  EXPECT_EQ(halves.strides, (Dims{2, 1, 4, 12}));
  EXPECT_EQ(split(view_, 2, {2, 2, 1}).strides, (Dims{12, 4, 2, 1, 1}));
  EXPECT_THROW(static_cast<void>(split(view_, 2, {3, -1})), ShapeMismatch);
}

TEST_F(Views, ExpandDimsAddsAnAxisOfOne) {
  EXPECT_EQ(expand_dims(view_, 3).shape, (Dims{2, 3, 4, 1}));
  EXPECT_EQ(expand_dims(view_, 0).shape, (Dims{1, 2, 3, 4}));
  EXPECT_THROW(static_cast<void>(expand_dims(view_, 4)), DimensionMismatch);
}

TEST_F(Views, CopyRefusesWhatDoesNotMatch) {
  Ints out(24);
  EXPECT_THROW(copy_elements(view_, view_of(std::span(out), {24})), ShapeMismatch);
  std::vector<float> floats(24);
  EXPECT_THROW(copy_elements(view_, view_of(std::span(floats), {2, 3, 4})), DTypeMismatch);
  TensorView locked = view_of(std::span(out), {2, 3, 4});
  locked.read_only = true;
  EXPECT_THROW(copy_elements(view_, locked), InvalidConfig);
}

TEST_F(Views, CopyWritesThroughStrides) {
  Ints out(24);
  copy_elements(view_, transpose(view_of(std::span(out), {4, 3, 2})));
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[1], 12);
  EXPECT_EQ(out[23], 23);
}

}  // namespace
}  // namespace aurex
