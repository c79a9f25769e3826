#pragma once

// Extents and strides of a tensor, and the questions that can be answered from them alone.
//
// Dims is a small fixed vector: up to kMaxRank numbers in place, so that describing an argument never allocates. Shapes
// hold extents (>= 0), strides count *elements* (not bytes), may be negative, and are 0 where an axis is broadcast. The
// stride of an axis of extent 0 or 1 says nothing and is ignored everywhere. Pure functions; any thread may call.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "aurex/base/error.h"
#include "aurex/tensor/dtype.h"

namespace aurex {

inline constexpr int kMaxRank = 16;

/// Up to kMaxRank signed numbers in place. More raise DimensionMismatch.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<std::int64_t> values) : Dims(std::span(values.begin(), values.size())) {}
  explicit Dims(std::span<const std::int64_t> values);
  /// `rank` copies of `value`.
  [[nodiscard]] static Dims filled(int rank, std::int64_t value);

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::int64_t* data() { return values_; }
  [[nodiscard]] const std::int64_t* data() const { return values_; }
  [[nodiscard]] std::int64_t* begin() { return values_; }
  [[nodiscard]] std::int64_t* end() { return values_ + size_; }
  [[nodiscard]] const std::int64_t* begin() const { return values_; }
  [[nodiscard]] const std::int64_t* end() const { return values_ + size_; }
  std::int64_t& operator[](int i) { return values_[i]; }
  std::int64_t operator[](int i) const { return values_[i]; }
  [[nodiscard]] std::int64_t& back() { return values_[size_ - 1]; }
  [[nodiscard]] std::int64_t back() const { return values_[size_ - 1]; }
  [[nodiscard]] std::span<const std::int64_t> span() const { return {values_, static_cast<std::size_t>(size_)}; }
  /// As the error family carries them.
  [[nodiscard]] Extents extents() const { return Extents(begin(), end()); }

  void push_back(std::int64_t value);
  void insert(int at, std::int64_t value);
  void erase(int at);

  friend bool operator==(const Dims& a, const Dims& b);

 private:
  std::int64_t values_[kMaxRank] = {};
  int size_ = 0;
};

/// "[2, 3, 4]".
[[nodiscard]] std::string to_string(const Dims& dims);

/// Product of the extents; 1 for rank 0. Raises InvalidConfig on a negative extent and OutOfMemory where the product
/// does not fit 63 bits. A zero extent gives 0, whatever the others are.
[[nodiscard]] std::int64_t element_count(std::span<const std::int64_t> shape);
[[nodiscard]] inline std::int64_t element_count(const Dims& shape) { return element_count(shape.span()); }

/// element_count × bytes_per_element, with the same errors.
[[nodiscard]] std::int64_t byte_count(std::span<const std::int64_t> shape, DType dtype);
[[nodiscard]] inline std::int64_t byte_count(const Dims& shape, DType dtype) { return byte_count(shape.span(), dtype); }

/// Row-major strides: the last axis is the fastest.
[[nodiscard]] Dims contiguous_strides(const Dims& shape);
/// Column-major strides: the first axis is the fastest.
[[nodiscard]] Dims fortran_strides(const Dims& shape);

/// Do these strides walk a gapless row-major block? True where there are no elements.
[[nodiscard]] bool is_contiguous(const Dims& shape, const Dims& strides);

/// The axis that vector code may walk with full loads: the last one of extent > 1 and stride 1, −1 where there is none.
/// A shape with at most one element has every class; it reports its last axis (−1 for rank 0).
[[nodiscard]] int unit_stride_axis(const Dims& shape, const Dims& strides);

/// Offsets in elements of the lowest and the highest element from the first one. {0, −1} where there are no elements.
/// Raises OutOfMemory where they do not fit 63 bits.
struct OffsetRange {
  std::int64_t lowest = 0, highest = -1;
};
[[nodiscard]] OffsetRange offset_range(const Dims& shape, const Dims& strides);

/// Do the strides prove that no two positions share an element? The proof sorts axes by |stride| and asks each to step
/// over all that the smaller ones reach, which holds for every slice, transpose and split of a dense array.
[[nodiscard]] bool proves_distinct(const Dims& shape, const Dims& strides);

/// The shape to which NumPy's rules stretch both, aligned at the last axis. Raises ShapeMismatch.
[[nodiscard]] Dims broadcast_shapes(const Dims& a, const Dims& b);

/// Strides that give `shape` over the same elements as `old_shape`/`old_strides`, empty where that needs a copy.
/// Both shapes must have the same number of elements.
[[nodiscard]] std::optional<Dims> reshape_strides(const Dims& old_shape, const Dims& old_strides, const Dims& shape);

}  // namespace aurex
