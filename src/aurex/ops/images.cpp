#include "aurex/ops/images.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/ops/library.h"

namespace aurex::ops {
namespace {

Argument or_absent(const TensorView* view) { return view == nullptr ? Argument() : Argument(*view); }

void require_window(const char* axis, std::int64_t extent, std::int64_t size, std::int64_t stride, std::int64_t padding,
                    std::int64_t dilation) {
  const std::string where = std::string(" along the ") + axis;
  if (size < 1 || stride < 1 || dilation < 1 || padding < 0) {
    throw InvalidConfig("a window has a size, a stride and a dilation of 1 or more, and no padding below 0" + where);
  }
  if (2 * padding > size) throw InvalidConfig("the padding is more than half of the window" + where);
  if (extent + 2 * padding < dilation * (size - 1) + 1) {
    throw InvalidConfig("the window spans " + std::to_string(dilation * (size - 1) + 1) + " positions" + where +
                        ", and the image has " + std::to_string(extent) + " with " + std::to_string(padding) +
                        " of padding on either side");
  }
}

void require_steps(const Convolution& c) {
  if (c.stride.y < 1 || c.stride.x < 1 || c.dilation.y < 1 || c.dilation.x < 1 || c.padding.y < 0 || c.padding.x < 0) {
    throw InvalidConfig("a convolution has a stride and a dilation of 1 or more, and no padding below 0");
  }
  if (c.groups < 1) throw InvalidConfig("a convolution has 1 group of channels or more");
}

void require_filter(const TensorView& x, const TensorView& weight) {
  if (x.rank() != 4) throw DimensionMismatch("a convolution takes images of four axes", 4, x.rank());
  if (weight.rank() != 4) throw DimensionMismatch("the filters of a convolution have four axes", 4, weight.rank());
}

/// Along one axis.
void require_span(std::int64_t extent, std::int64_t size, std::int64_t padding, std::int64_t dilation) {
  const std::int64_t span = dilation * (size - 1) + 1, room = extent + 2 * padding;
  if (span > room) {
    throw InvalidConfig("the filter spans " + std::to_string(span) + " positions, and the padded image has " +
                        std::to_string(room));
  }
}

/// The stride in force. Raises InvalidConfig for what is no window of the image.
Pair stride_of(const TensorView& x, const Window& window) {
  if (x.rank() < 2) throw DimensionMismatch("pooling needs a height and a width", 2, x.rank());
  const Pair stride = window.stride.value_or(window.size);
  require_window("height", x.shape[x.rank() - 2], window.size.y, stride.y, window.padding.y, window.dilation.y);
  require_window("width", x.shape[x.rank() - 1], window.size.x, stride.x, window.padding.x, window.dilation.x);
  return stride;
}

/// x as [N, C, positions].
Tensor as_channels(const TensorView& x) {
  if (x.rank() < 2) throw DimensionMismatch("channels stand on the second axis", 2, x.rank());
  return Tensor::borrowed(x, nullptr).reshape({x.shape[0], x.shape[1], element_count(x.shape.span().subspan(2))});
}

}  // namespace

Tensor conv2d(const TensorView& x, const TensorView& weight, const TensorView* bias, const Convolution& options) {
  require_steps(options);
  require_filter(x, weight);
  require_span(x.shape[2], weight.shape[2], options.padding.y, options.dilation.y);
  require_span(x.shape[3], weight.shape[3], options.padding.x, options.dilation.x);
  return kernel("conv2d")(x, weight, or_absent(bias), options.stride.y, options.stride.x, options.padding.y,
                          options.padding.x, options.dilation.y, options.dilation.x, options.groups);
}

Tensor conv1d(const TensorView& x, const TensorView& weight, const TensorView* bias, const Convolution& options) {
  if (x.rank() != 3) throw DimensionMismatch("conv1d takes lines of three axes", 3, x.rank());
  if (weight.rank() != 3) throw DimensionMismatch("the filters of conv1d have three axes", 3, weight.rank());
  const Convolution flat = {.stride = {1, options.stride.x},
                            .padding = {0, options.padding.x},
                            .dilation = {1, options.dilation.x},
                            .groups = options.groups};
  const Tensor y = conv2d(expand_dims(x, 2), expand_dims(weight, 2), bias, flat);
  return y.reshape({y.shape()[0], y.shape()[1], y.shape()[3]});
}

Tensor conv_transpose2d(const TensorView& x, const TensorView& weight, const TensorView* bias,
                        const Convolution& options, Pair more) {
  require_steps(options);
  require_filter(x, weight);
  const auto require_extent = [&](int axis, std::int64_t stride, std::int64_t padding, std::int64_t dilation,
                                  std::int64_t behind) {
    if (behind < 0 || behind >= std::max(stride, dilation)) {
      throw InvalidConfig("what follows the last position is less than the stride or the dilation");
    }
    if ((x.shape[axis] - 1) * stride - 2 * padding + dilation * (weight.shape[axis] - 1) + behind + 1 < 1) {
      throw InvalidConfig("the padding leaves nothing of a transposed convolution");
    }
  };
  require_extent(2, options.stride.y, options.padding.y, options.dilation.y, more.y);
  require_extent(3, options.stride.x, options.padding.x, options.dilation.x, more.x);
  const TensorView image = split(x, 1, {options.groups, -1}), filters = split(weight, 0, {options.groups, -1});
  const TensorView shift = bias == nullptr ? TensorView() : split(*bias, 0, {options.groups, -1});
  const Tensor y = kernel("conv_transpose2d")(image, filters, bias == nullptr ? Argument() : Argument(shift),
                                              options.stride.y, options.stride.x, options.padding.y, options.padding.x,
                                              more.y, more.x, options.dilation.y, options.dilation.x);
  return y.reshape({y.shape()[0], y.shape()[1] * y.shape()[2], y.shape()[3], y.shape()[4]});
}

Tensor max_pool2d(const TensorView& x, const Window& window) {
  const Pair stride = stride_of(x, window);
  return kernel("max_pool2d")(x, window.size.y, window.size.x, stride.y, stride.x, window.padding.y, window.padding.x,
                              window.dilation.y, window.dilation.x, window.ceil ? stride.y - 1 : 0,
                              window.ceil ? stride.x - 1 : 0);
}

Tensor avg_pool2d(const TensorView& x, const Window& window, const MeanOptions& options) {
  const Pair stride = stride_of(x, window);
  if (window.dilation.y != 1 || window.dilation.x != 1) throw InvalidConfig("avg_pool2d has no dilation");
  return kernel("avg_pool2d")(x, window.size.y, window.size.x, stride.y, stride.x, window.padding.y, window.padding.x,
                              window.ceil ? stride.y - 1 : 0, window.ceil ? stride.x - 1 : 0, options.count_padding,
                              options.divisor);
}

Tensor group_norm(const TensorView& x, std::int64_t groups, const ChannelWeights& weights) {
  return kernel("group_norm")(as_channels(x), or_absent(weights.weight), or_absent(weights.bias), weights.eps, groups)
      .reshape(x.shape);
}

Tensor instance_norm(const TensorView& x, const ChannelWeights& weights) {
  return group_norm(x, x.rank() < 2 ? 1 : x.shape[1], weights);
}

Tensor batch_norm(const TensorView& x, const TensorView& mean, const TensorView& variance,
                  const ChannelWeights& weights) {
  return kernel("batch_norm")(as_channels(x), mean, variance, or_absent(weights.weight), or_absent(weights.bias),
                              weights.eps)
      .reshape(x.shape);
}

BatchNorm batch_norm_training(const TensorView& x, const ChannelWeights& weights) {
  const Tensor rows = as_channels(x);
  const std::vector<Argument> arguments = {rows, or_absent(weights.weight), or_absent(weights.bias), weights.eps};
  std::vector<Tensor> results = kernel("batch_norm_training").call_all(arguments);
  return {.y = results[0].reshape(x.shape), .mean = std::move(results[1]), .variance = std::move(results[2])};
}

void track_statistics(const TensorView& running_mean, const TensorView& running_variance, const BatchNorm& batch,
                      std::int64_t count, double momentum) {
  kernel("track_statistics").run({running_mean, running_variance, batch.mean, batch.variance, count, momentum}, {});
}

}  // namespace aurex::ops
