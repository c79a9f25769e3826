#include "aurex/tensor/overlap.h"

#include <numeric>

namespace aurex {
namespace {

/// Greatest common divisor of all byte steps that the view takes; 0 where it has one element.
std::uint64_t byte_period(const TensorView& view) {
  std::uint64_t period = 0;
  for (int i = 0; i < view.rank(); ++i) {
    if (view.shape[i] <= 1) continue;
    const std::int64_t stride = view.strides[i];
    const auto magnitude = stride < 0 ? 0 - static_cast<std::uint64_t>(stride) : static_cast<std::uint64_t>(stride);
    period = std::gcd(period, magnitude * static_cast<std::uint64_t>(bytes_per_element(view.dtype)));
  }
  return period;
}

}  // namespace

ByteRange byte_range(const TensorView& view) {
  const OffsetRange range = offset_range(view.shape, view.strides);
  const auto base = reinterpret_cast<std::uintptr_t>(view.data);
  if (range.highest < range.lowest) return {base, base};
  const auto size = static_cast<std::uintptr_t>(bytes_per_element(view.dtype));
  return {base + static_cast<std::uintptr_t>(range.lowest) * size,
          base + (static_cast<std::uintptr_t>(range.highest) + 1) * size};
}

bool ranges_disjoint(const TensorView& a, const TensorView& b) {
  const ByteRange x = byte_range(a), y = byte_range(b);
  return x.begin == x.end || y.begin == y.end || x.end <= y.begin || y.end <= x.begin;
}

bool views_identical(const TensorView& a, const TensorView& b) {
  if (a.data != b.data || a.dtype != b.dtype || !(a.shape == b.shape)) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (a.shape[i] > 1 && a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

bool residues_disjoint(const TensorView& a, const TensorView& b) {
  const std::uint64_t period = std::gcd(byte_period(a), byte_period(b));
  if (period == 0) return false;  // two single elements: their ranges decide
  // Every byte of a lies in [0, size_a) and every byte of b in [gap, gap + size_b), modulo the period.
  const auto from = reinterpret_cast<std::uintptr_t>(a.data), to = reinterpret_cast<std::uintptr_t>(b.data);
  const std::uint64_t gap = to >= from ? (to - from) % period : (period - (from - to) % period) % period;
  const auto size_a = static_cast<std::uint64_t>(bytes_per_element(a.dtype));
  const auto size_b = static_cast<std::uint64_t>(bytes_per_element(b.dtype));
  return gap >= size_a && gap + size_b <= period;
}

std::string_view to_string(Overlap overlap) {
  switch (overlap) {
    case Overlap::kDisjoint:
      return "disjoint";
    case Overlap::kIdentical:
      return "identical";
    case Overlap::kPossible:
      break;
  }
  return "possible";
}

Overlap classify_overlap(const TensorView& a, const TensorView& b) {
  if (ranges_disjoint(a, b) || residues_disjoint(a, b)) return Overlap::kDisjoint;
  return views_identical(a, b) ? Overlap::kIdentical : Overlap::kPossible;
}

}  // namespace aurex
