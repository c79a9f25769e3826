#pragma once

// Convolution, pooling and the normalisation of channels, with torch's rules: images are [N, channels, height, width].
//
// Everything returned is allocated; any thread may call; errors are those of a kernel call, and InvalidConfig for a
// window or a filter that does not fit.
//
//   Tensor y = ops::conv2d(x, weight, &bias, {.padding = {1, 1}});
//   Tensor half = ops::max_pool2d(x, {.size = {2, 2}});
//   auto [y, mean, variance] = ops::batch_norm_training(x);

#include <cstdint>
#include <optional>

#include "aurex/memory/tensor.h"
#include "aurex/tensor/view.h"

namespace aurex::ops {

/// One number for the height and one for the width.
struct Pair {
  std::int64_t y = 1, x = 1;
};

struct Convolution {
  Pair stride = {1, 1};
  Pair padding = {0, 0};  ///< on either side
  Pair dilation = {1, 1};
  std::int64_t groups = 1;  ///< of channels that do not see each other; as many as channels: depthwise
};
/// weight [out channels, channels / groups, height, width], bias [out channels].
[[nodiscard]] Tensor conv2d(const TensorView& x, const TensorView& weight, const TensorView* bias = nullptr,
                            const Convolution& options = {});
/// x [N, channels, length], weight [out channels, channels / groups, length]: the width of each pair counts.
[[nodiscard]] Tensor conv1d(const TensorView& x, const TensorView& weight, const TensorView* bias = nullptr,
                            const Convolution& options = {});
/// weight [channels, out channels / groups, height, width]; `more` positions follow the last.
[[nodiscard]] Tensor conv_transpose2d(const TensorView& x, const TensorView& weight, const TensorView* bias = nullptr,
                                      const Convolution& options = {}, Pair more = {0, 0});

struct Window {
  Pair size;
  std::optional<Pair> stride = std::nullopt;  ///< the size
  Pair padding = {0, 0};                      ///< on either side; at most half of the size
  Pair dilation = {1, 1};
  bool ceil = false;  ///< a last window may reach beyond the padding
};

/// Over the last two axes. NaN wins.
[[nodiscard]] Tensor max_pool2d(const TensorView& x, const Window& window);

struct MeanOptions {
  bool count_padding = true;
  double divisor = 0;  ///< instead of the count; 0: the count
};
/// Over the last two axes. Raises InvalidConfig for a dilation, which there is none of here.
[[nodiscard]] Tensor avg_pool2d(const TensorView& x, const Window& window, const MeanOptions& options = {});

/// What follows a normalisation, by channel [C]; null: 1 and 0.
struct ChannelWeights {
  const TensorView* weight = nullptr;
  const TensorView* bias = nullptr;
  double eps = 1e-5;
};

/// x [N, C, …]: each of `groups` groups of channels to mean 0 and variance 1. Raises ShapeMismatch where the channels
/// do not divide.
[[nodiscard]] Tensor group_norm(const TensorView& x, std::int64_t groups, const ChannelWeights& weights = {});
/// Each channel of each image by itself.
[[nodiscard]] Tensor instance_norm(const TensorView& x, const ChannelWeights& weights = {});

/// x [N, C, …] by means and variances [C] that training kept.
[[nodiscard]] Tensor batch_norm(const TensorView& x, const TensorView& mean, const TensorView& variance,
                                const ChannelWeights& weights = {});

struct BatchNorm {
  Tensor y;
  Tensor mean, variance;  ///< [C], of the batch, biased; in the type that x is computed in
};
/// By the statistics of the batch.
[[nodiscard]] BatchNorm batch_norm_training(const TensorView& x, const ChannelWeights& weights = {});
/// Moves running statistics [C] towards those of a batch of `count` values to the channel, in place; the variance
/// becomes unbiased.
void track_statistics(const TensorView& running_mean, const TensorView& running_variance, const BatchNorm& batch,
                      std::int64_t count, double momentum = 0.1);

}  // namespace aurex::ops
