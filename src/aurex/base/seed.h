#pragma once

// SplitMix64: small, fast, and the same numbers everywhere, for tests, generators of programs, and seeds of other
// generators. Not for cryptography. A generator belongs to one thread.

#include <cstdint>

namespace aurex {

class SplitMix64 {
 public:
  using result_type = std::uint64_t;  // so that <random>'s distributions and std::shuffle accept it

  explicit constexpr SplitMix64(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t operator()() noexcept {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  static constexpr std::uint64_t min() noexcept { return 0; }
  static constexpr std::uint64_t max() noexcept { return ~std::uint64_t{0}; }

  /// In [0, bound), without bias; bound > 0. One multiplication, rarely two.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    const std::uint64_t unfair = (0 - bound) % bound;  // Lemire: low halves under this would favour small results
    for (;;) {
      const auto product = static_cast<Wide>((*this)()) * bound;
      if (static_cast<std::uint64_t>(product) >= unfair) return static_cast<std::uint64_t>(product >> 64);
    }
  }
  /// In [low, high], both ends included; low <= high.
  constexpr std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    const std::uint64_t step = span == 0 ? (*this)() : below(span);  // span wraps to 0 when the range is all of int64
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
  }
  /// In [0, 1), on a grid of 2^-53.
  constexpr double unit() noexcept { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  /// A generator whose numbers are independent of this one's later numbers.
  constexpr SplitMix64 split() noexcept { return SplitMix64((*this)()); }

 private:
  __extension__ using Wide = unsigned __int128;

  std::uint64_t state_;
};

}  // namespace aurex
