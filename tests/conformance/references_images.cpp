// Transposed and depthwise convolution, pooling, and the normalisation of channels.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "reference.h"
#include "reference_rows.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Values;

constexpr std::int64_t kPlanes = 3, kHeight = 9, kWidth = 12;

struct Pooling {
  const char* kernel;
  std::int64_t size_y, size_x, stride_y = 1, stride_x = 1, pad_y = 0, pad_x = 0, dilation_y = 1, dilation_x = 1;
  bool ceil = false, count_pad = true;
  double divisor = 0;
};

/// The number of windows along an axis: torch's words, not those of the kernel.
std::int64_t windows(std::int64_t extent, std::int64_t size, std::int64_t stride, std::int64_t pad,
                     std::int64_t dilation, bool ceil) {
  const std::int64_t room = extent + 2 * pad - dilation * (size - 1) - 1;
  std::int64_t count = (ceil ? (room + stride - 1) / stride : room / stride) + 1;
  if (ceil && (count - 1) * stride >= extent + pad) --count;
  return count;
}

Values scalars_of(const Pooling& p, bool is_mean) {
  Values values = {{"size_y", p.size_y},     {"size_x", p.size_x}, {"stride_y", p.stride_y},
                   {"stride_x", p.stride_x}, {"pad_y", p.pad_y},   {"pad_x", p.pad_x}};
  if (p.ceil) {
    values["spill_y"] = p.stride_y - 1;
    values["spill_x"] = p.stride_x - 1;
  }
  if (is_mean) {
    values["count_pad"] = p.count_pad;
    values["divisor"] = p.divisor;
  } else {
    values["dilation_y"] = p.dilation_y;
    values["dilation_x"] = p.dilation_x;
  }
  return values;
}

/// One window of one plane: `y`, `x` is its first position, which may lie in the padding.
Expected pooled(const Pooling& p, bool is_mean, const std::vector<double>& plane, std::int64_t y, std::int64_t x,
                Real u) {
  Sum sum(u);
  Real top = -std::numeric_limits<Real>::infinity();
  std::int64_t counted = 0;
  for (std::int64_t i = 0; i < p.size_y * p.size_x; ++i) {
    const std::int64_t row = y + i / p.size_x * p.dilation_y, column = x + i % p.size_x * p.dilation_x;
    const bool inside = row >= 0 && row < kHeight && column >= 0 && column < kWidth;
    const bool padded = row < kHeight + p.pad_y && column < kWidth + p.pad_x;
    if (inside || (p.count_pad && padded)) ++counted;
    if (!inside) continue;
    const Real value = plane[static_cast<std::size_t>(row * kWidth + column)];
    sum.add(value);
    top = std::max(top, value);
  }
  if (!is_mean) return {top, 0};
  const Real divisor = p.divisor != 0 ? p.divisor : static_cast<Real>(counted);
  const Real mean = sum.value() / divisor;
  return {mean, sum.error() / divisor + 2 * u * std::fabs(mean)};
}

Reference pooling(const Pooling& p) {
  const bool is_mean = std::string(p.kernel).starts_with("avg");
  return {.file = "pooling.ax",
          .kernel = p.kernel,
          .types = kFloats,
          .inputs =
              [=](Numbers& draw, DType type) {
                Values values = scalars_of(p, is_mean);
                values["x"] = draw.floats({kPlanes, kHeight, kWidth}, type);
                return values;
              },
          .results =
              [=](const Values& v, Real u) {
                const std::int64_t rows = windows(kHeight, p.size_y, p.stride_y, p.pad_y, p.dilation_y, p.ceil);
                const std::int64_t columns = windows(kWidth, p.size_x, p.stride_x, p.pad_x, p.dilation_x, p.ceil);
                Results results;
                for (std::int64_t n = 0; n < kPlanes; ++n) {
                  const auto first = in(v, "x").begin() + n * kHeight * kWidth;
                  const std::vector<double> plane(first, first + kHeight * kWidth);
                  for (std::int64_t i = 0; i < rows * columns; ++i) {
                    results["y"].push_back(pooled(p, is_mean, plane, i / columns * p.stride_y - p.pad_y,
                                                  i % columns * p.stride_x - p.pad_x, u));
                  }
                }
                return results;
              }};
}

/// Two groups of two channels to three, or four groups of one to two, with everything that moves the filter.
struct Filters {
  std::int64_t groups, in, out;  // channels of one group
  std::int64_t across = 6, stride_x = 3;
};
constexpr std::int64_t kDown = 5, kTall = 3, kWide = 2, kStrideY = 2, kPadY = 1, kMoreX = 2, kDilationX = 2;

Values filter_inputs(const Filters& f, bool transposed, Numbers& draw, DType type) {
  const auto numbers = [&](const Dims& shape) {
    return is_floating_point(type) ? draw.floats(shape, type) : draw.integers(shape, -9, 10, type);
  };
  Values values;
  if (transposed) {
    values["x"] = numbers({2, f.groups, f.in, kDown, f.across});
    values["w"] = numbers({f.groups, f.in, f.out, kTall, kWide});
    values["b"] = numbers({f.groups, f.out});
    values["more_x"] = kMoreX;
  } else {
    values["x"] = numbers({2, f.groups * f.in, kDown, f.across});
    values["w"] = numbers({f.groups * f.out, f.in, kTall, kWide});
    values["b"] = numbers({f.groups * f.out});
    values["groups"] = f.groups;
  }
  values["stride_y"] = kStrideY;
  values["stride_x"] = f.stride_x;
  values["pad_y"] = kPadY;
  values["dilation_x"] = kDilationX;
  return values;
}

/// Every product of an element of x and one of w, added where it goes: from the image to y, or from there to the image.
std::vector<Expected> convolved(const Filters& f, bool transposed, const Values& v, Real u) {
  const std::int64_t room_y = kDown + 2 * kPadY - (kTall - 1) - 1, room_x = f.across - kDilationX * (kWide - 1) - 1;
  const std::int64_t height = transposed ? (kDown - 1) * kStrideY - 2 * kPadY + kTall : room_y / kStrideY + 1;
  const std::int64_t width =
      transposed ? (f.across - 1) * f.stride_x + kDilationX * (kWide - 1) + kMoreX + 1 : room_x / f.stride_x + 1;
  const std::int64_t small_y = transposed ? kDown : height, small_x = transposed ? f.across : width;
  const std::int64_t large_y = transposed ? height : kDown, large_x = transposed ? width : f.across;
  std::vector<Sum> y(static_cast<std::size_t>(2 * f.groups * f.out * height * width), Sum(u));
  for (std::int64_t i = 0; i < 2 * f.groups * f.out * f.in * small_y * small_x * kTall * kWide; ++i) {
    const std::int64_t q = i % kWide, p = i / kWide % kTall, place = i / (kWide * kTall);
    const std::int64_t column = place % small_x, row = place / small_x % small_y,
                       channels = place / (small_x * small_y);
    const std::int64_t c = channels % f.in, o = channels / f.in % f.out, g = channels / (f.in * f.out) % f.groups;
    const std::int64_t n = channels / (f.in * f.out * f.groups);
    const std::int64_t far_row = row * kStrideY + p - kPadY, far_column = column * f.stride_x + q * kDilationX;
    if (far_row < 0 || far_row >= large_y || far_column < 0 || far_column >= large_x) continue;
    const std::int64_t x_at = transposed ? row * f.across + column : far_row * f.across + far_column;
    const std::int64_t y_at = transposed ? far_row * width + far_column : row * width + column;
    const std::int64_t filter = transposed ? (g * f.in + c) * f.out + o : (g * f.out + o) * f.in + c;
    const Real x = in(v, "x")[static_cast<std::size_t>(((n * f.groups + g) * f.in + c) * kDown * f.across + x_at)];
    const Real w = in(v, "w")[static_cast<std::size_t>((filter * kTall + p) * kWide + q)];
    y[static_cast<std::size_t>(((n * f.groups + g) * f.out + o) * height * width + y_at)].add(x * w);
  }
  std::vector<Expected> result;
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i].add(in(v, "b")[i / static_cast<std::size_t>(height * width) % in(v, "b").size()]);
    result.push_back(y[i].expected());
  }
  return result;
}

Reference convolution(const char* kernel, const Filters& filters, bool transposed) {
  return {.file = "conv2d.ax",
          .kernel = kernel,
          .types = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16, DType::kI32, DType::kI64},
          .inputs = [=](Numbers& draw, DType type) { return filter_inputs(filters, transposed, draw, type); },
          .results = [=](const Values& v, Real u) { return Results{{"y", convolved(filters, transposed, v, u)}}; }};
}

constexpr std::int64_t kImages = 2, kChannels = 6, kPositions = 7;

std::size_t element(std::int64_t n, std::int64_t c, std::int64_t s) {
  return static_cast<std::size_t>((n * kChannels + c) * kPositions + s);
}

Values channels(Numbers& draw, DType type) {
  return {{"x", draw.floats({kImages, kChannels, kPositions}, type)},
          {"w", draw.floats({kChannels}, type)},
          {"b", draw.floats({kChannels}, type)}};
}

/// The elements of some channels of some images, as one row, with the weights that belong to them.
struct Block {
  std::vector<std::size_t> at;
  Row x, w, b;
};
Block block_of(const Values& v, std::int64_t image, std::int64_t images, std::int64_t channel, std::int64_t count) {
  Block block;
  for (std::int64_t n = image; n < image + images; ++n) {
    for (std::int64_t c = channel; c < channel + count; ++c) {
      for (std::int64_t s = 0; s < kPositions; ++s) {
        block.at.push_back(element(n, c, s));
        block.x.push_back(in(v, "x")[block.at.back()]);
        block.w.push_back(in(v, "w")[static_cast<std::size_t>(c)]);
        block.b.push_back(in(v, "b")[static_cast<std::size_t>(c)]);
      }
    }
  }
  return block;
}

void normalise(const Block& block, Real u, std::vector<Expected>& y) {
  std::vector<Expected> values;
  normalised(block.x, block.w, block.b, 1e-5L, u, 0, values);
  for (std::size_t i = 0; i < values.size(); ++i) y[block.at[i]] = values[i];
}

Reference group_norm(const char* kernel, std::int64_t groups) {
  return {.file = "channel_norm.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [groups](Numbers& draw, DType type) {
                Values values = channels(draw, type);
                values["groups"] = groups;
                return values;
              },
          .results =
              [groups](const Values& v, Real u) {
                std::vector<Expected> y(kImages * kChannels * kPositions);
                const std::int64_t size = kChannels / groups;
                for (std::int64_t i = 0; i < kImages * groups; ++i) {
                  normalise(block_of(v, i / groups, 1, i % groups * size, size), u, y);
                }
                return Results{{"y", std::move(y)}};
              }};
}

Reference batch_norm_training() {
  return {.file = "channel_norm.ax",
          .kernel = "batch_norm_training",
          .types = kFloats,
          .inputs = channels,
          .results = [](const Values& v, Real u) {
            Results results;
            results["y"].resize(kImages * kChannels * kPositions);
            for (std::int64_t c = 0; c < kChannels; ++c) {
              const Block block = block_of(v, 0, kImages, c, 1);
              const auto n = static_cast<Real>(block.x.size());
              const Sum sum = sum_of(block.x, u);
              const Expected spread = squares(centred(block.x, u), u);
              results["mean"].push_back({sum.value() / n, sum.error() / n + u * std::fabs(sum.value() / n)});
              results["variance"].push_back({spread.value / n, spread.error / n + 2 * u * spread.value / n});
              normalise(block, u, results["y"]);
            }
            return results;
          }};
}

Reference batch_norm() {
  return {.file = "channel_norm.ax",
          .kernel = "batch_norm",
          .types = kFloats,
          .inputs =
              [](Numbers& draw, DType type) {
                Values values = channels(draw, type);
                values["mean"] = draw.floats({kChannels}, type);
                HostArray variance = draw.floats({kChannels}, type);
                for (double& v : variance.values) v = std::fabs(v);
                values["variance"] = std::move(variance);
                return values;
              },
          .results =
              [](const Values& v, Real u) {
                Results results;
                for (std::int64_t i = 0; i < kImages * kChannels * kPositions; ++i) {
                  const auto c = static_cast<std::size_t>(i / kPositions % kChannels);
                  const Real b = in(v, "b")[c];
                  const Real scaled = (in(v, "x")[static_cast<std::size_t>(i)] - static_cast<Real>(in(v, "mean")[c])) /
                                      std::sqrt(in(v, "variance")[c] + 1e-5L) * in(v, "w")[c];
                  results["y"].push_back({scaled + b, 9 * u * std::fabs(scaled) + u * std::fabs(scaled + b)});
                }
                return results;
              }};
}

Reference track_statistics() {
  static constexpr std::int64_t kCount = 14;
  return {.file = "channel_norm.ax",
          .kernel = "track_statistics",
          .types = kFloats,
          .inputs =
              [](Numbers& draw, DType type) {
                Values values = {{"count", kCount}, {"momentum", 0.3}};
                for (const char* name : {"running_mean", "running_variance", "mean", "variance"}) {
                  values[name] = draw.floats({kChannels}, type);
                }
                return values;
              },
          .results =
              [](const Values& v, Real u) {
                Results results;
                for (const bool variance : {false, true}) {
                  const std::string name = variance ? "variance" : "mean", running = "running_" + name;
                  const Real unbiased = variance ? kCount / (kCount - 1.0L) : 1;
                  for (std::size_t c = 0; c < kChannels; ++c) {
                    const Real kept = 0.7L * in(v, running)[c], moved = 0.3L * in(v, name)[c] * unbiased;
                    results[running].push_back({kept + moved, 6 * u * (std::fabs(kept) + std::fabs(moved))});
                  }
                }
                return results;
              }};
}

}  // namespace

std::vector<Reference> image_references() {
  return {convolution("conv2d in_groups", {2, 2, 3}, false),
          convolution("conv2d depthwise", {4, 1, 2}, false),
          convolution("conv2d every second", {1, 3, 10, 70, 2}, false),
          convolution("conv_transpose2d", {2, 2, 3}, true),
          convolution("conv_transpose2d depthwise", {4, 1, 1}, true),
          pooling({.kernel = "max_pool2d", .size_y = 3, .size_x = 2}),
          pooling({.kernel = "max_pool2d with_everything",
                   .size_y = 3,
                   .size_x = 2,
                   .stride_y = 2,
                   .stride_x = 4,
                   .pad_y = 1,
                   .pad_x = 1,
                   .dilation_y = 2,
                   .dilation_x = 3,
                   .ceil = true}),
          pooling({.kernel = "avg_pool2d", .size_y = 2, .size_x = 3, .stride_y = 2, .stride_x = 3}),
          pooling({.kernel = "avg_pool2d padded",
                   .size_y = 4,
                   .size_x = 5,
                   .stride_y = 3,
                   .stride_x = 4,
                   .pad_y = 2,
                   .pad_x = 1,
                   .ceil = true}),
          pooling({.kernel = "avg_pool2d of_what_is_inside",
                   .size_y = 4,
                   .size_x = 5,
                   .stride_y = 3,
                   .stride_x = 2,
                   .pad_y = 2,
                   .pad_x = 2,
                   .ceil = true,
                   .count_pad = false}),
          pooling({.kernel = "avg_pool2d divided", .size_y = 3, .size_x = 3, .pad_y = 1, .divisor = 5}),
          group_norm("group_norm", 2),
          group_norm("group_norm by_channel", kChannels),
          batch_norm(),
          batch_norm_training(),
          track_statistics()};
}

}  // namespace aurex::testing
