#include "aurex/tensor/shape.h"

#include <algorithm>
#include <array>
#include <limits>

namespace aurex {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

std::string list(std::span<const std::int64_t> values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  return text + "]";
}

[[noreturn]] void throw_too_large(std::span<const std::int64_t> shape) {
  throw OutOfMemory("the size of a tensor of shape " + list(shape) + " does not fit 63 bits", kMax, kMax, kMax);
}

[[noreturn]] void throw_rank() {
  throw DimensionMismatch("a tensor has at most " + std::to_string(kMaxRank) + " axes", kMaxRank, kMaxRank + 1);
}

bool has_no_elements(const Dims& shape) { return std::find(shape.begin(), shape.end(), 0) != shape.end(); }

/// A run of axes that could be walked as one, for reshaping.
struct Run {
  std::int64_t extent, stride;
};

/// Merges neighbouring axes that step seamlessly into each other; axes of extent 1 vanish.
int merge_axes(const Dims& shape, const Dims& strides, std::array<Run, kMaxRank>& runs) {
  int count = 0;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    if (count > 0 && runs[count - 1].stride == shape[i] * strides[i]) {
      runs[count - 1] = {runs[count - 1].extent * shape[i], strides[i]};
    } else {
      runs[count++] = {shape[i], strides[i]};
    }
  }
  return count;
}

}  // namespace

Dims::Dims(std::span<const std::int64_t> values) {
  if (values.size() > kMaxRank) {
    throw DimensionMismatch("a tensor has at most " + std::to_string(kMaxRank) + " axes", kMaxRank,
                            static_cast<std::int64_t>(values.size()));
  }
  std::copy(values.begin(), values.end(), values_);
  size_ = static_cast<int>(values.size());
}

Dims Dims::filled(int rank, std::int64_t value) {
  if (rank < 0 || rank > kMaxRank) {
    throw DimensionMismatch("a tensor has 0 to " + std::to_string(kMaxRank) + " axes", kMaxRank, rank);
  }
  Dims dims;
  dims.size_ = rank;
  std::fill(dims.begin(), dims.end(), value);
  return dims;
}

void Dims::push_back(std::int64_t value) { insert(size_, value); }

void Dims::insert(int at, std::int64_t value) {
  if (size_ == kMaxRank) throw_rank();
  std::copy_backward(begin() + at, end(), end() + 1);
  values_[at] = value;
  ++size_;
}

void Dims::erase(int at) {
  std::copy(begin() + at + 1, end(), begin() + at);
  --size_;
}

bool operator==(const Dims& a, const Dims& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::string to_string(const Dims& dims) { return list(dims.span()); }

std::int64_t element_count(std::span<const std::int64_t> shape) {
  bool none = false;
  for (std::int64_t extent : shape) {
    if (extent < 0) throw InvalidConfig("an extent is negative in shape " + list(shape));
    none |= extent == 0;
  }
  if (none) return 0;
  std::int64_t count = 1;
  for (std::int64_t extent : shape) {
    if (__builtin_mul_overflow(count, extent, &count)) throw_too_large(shape);
  }
  return count;
}

std::int64_t byte_count(std::span<const std::int64_t> shape, DType dtype) {
  std::int64_t bytes;
  if (__builtin_mul_overflow(element_count(shape), std::int64_t{bytes_per_element(dtype)}, &bytes)) {
    throw_too_large(shape);
  }
  return bytes;
}

Dims contiguous_strides(const Dims& shape) {
  Dims strides = Dims::filled(shape.size(), 1);
  for (int i = shape.size() - 2; i >= 0; --i) strides[i] = strides[i + 1] * std::max<std::int64_t>(1, shape[i + 1]);
  return strides;
}

Dims fortran_strides(const Dims& shape) {
  Dims strides = Dims::filled(shape.size(), 1);
  for (int i = 1; i < shape.size(); ++i) strides[i] = strides[i - 1] * std::max<std::int64_t>(1, shape[i - 1]);
  return strides;
}

bool is_contiguous(const Dims& shape, const Dims& strides) {
  if (has_no_elements(shape)) return true;
  std::int64_t expected = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

int unit_stride_axis(const Dims& shape, const Dims& strides) {
  bool longer_axis = false;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] > 1 && strides[i] == 1) return i;
    longer_axis |= shape[i] > 1;
  }
  return longer_axis && !has_no_elements(shape) ? -1 : shape.size() - 1;
}

OffsetRange offset_range(const Dims& shape, const Dims& strides) {
  if (has_no_elements(shape)) return {};
  OffsetRange range{0, 0};
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    std::int64_t reach;
    std::int64_t& end = strides[i] < 0 ? range.lowest : range.highest;
    if (__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) || __builtin_add_overflow(end, reach, &end)) {
      throw_too_large(shape.span());
    }
  }
  return range;
}

bool proves_distinct(const Dims& shape, const Dims& strides) {
  if (has_no_elements(shape)) return true;
  std::array<Run, kMaxRank> axes{};
  int count = 0;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    if (strides[i] == std::numeric_limits<std::int64_t>::min()) return false;
    axes[count++] = {shape[i], strides[i] < 0 ? -strides[i] : strides[i]};
  }
  std::sort(axes.begin(), axes.begin() + count, [](Run a, Run b) { return a.stride < b.stride; });
  std::int64_t reach = 0;  // the farthest offset that the smaller axes attain together
  for (int i = 0; i < count; ++i) {
    if (axes[i].stride <= reach) return false;
    std::int64_t step;
    if (__builtin_mul_overflow(axes[i].extent - 1, axes[i].stride, &step) ||
        __builtin_add_overflow(reach, step, &reach)) {
      return false;
    }
  }
  return true;
}

Dims broadcast_shapes(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims shape = longer;
  const int shift = longer.size() - shorter.size();
  for (int i = 0; i < shorter.size(); ++i) {
    std::int64_t& extent = shape[i + shift];
    if (extent == 1) {
      extent = shorter[i];
    } else if (shorter[i] != 1 && shorter[i] != extent) {
      throw ShapeMismatch("shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast", a.extents(),
                          b.extents());
    }
  }
  return shape;
}

std::optional<Dims> reshape_strides(const Dims& old_shape, const Dims& old_strides, const Dims& shape) {
  if (has_no_elements(old_shape)) return contiguous_strides(shape);
  std::array<Run, kMaxRank> runs{};
  const int count = merge_axes(old_shape, old_strides, runs);

  // Each run is handed out from its fast end; a new axis has to divide what is left of the run it falls into.
  Dims strides = Dims::filled(shape.size(), 1);
  int run = count - 1;
  std::int64_t taken = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 1) {
      strides[i] = i + 1 < shape.size() ? strides[i + 1] * shape[i + 1] : 1;
      continue;
    }
    if (run >= 0 && taken == runs[run].extent) {
      --run;
      taken = 1;
    }
    if (run < 0 || runs[run].extent % (taken * shape[i]) != 0) return std::nullopt;
    strides[i] = runs[run].stride * taken;
    taken *= shape[i];
  }
  return strides;
}

}  // namespace aurex
