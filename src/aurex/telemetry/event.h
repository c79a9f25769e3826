#pragma once

// What telemetry records: zones (a named stretch of time on one thread) and launches (one parallel block of a kernel).
//
// Events are plain values of fixed size, so that recording one never allocates. Names longer than kNameCapacity are cut
// at a character boundary.

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

namespace aurex {

/// The unit a launch ran on: the label of its kernel (`: spiking`), or matrix where it follows from use.
enum class CoreType : std::uint8_t { kVector, kMatrix, kSpiking };

/// "vector", "matrix", "spiking".
[[nodiscard]] std::string_view to_string(CoreType core);

/// Text in place, cut to its capacity, always valid UTF-8 if what it was made from is.
template <int kCapacity>
class FixedName {
 public:
  FixedName() = default;
  template <std::convertible_to<std::string_view> Text>
  FixedName(const Text& source) {  // NOLINT(google-explicit-constructor): stands for the text
    const std::string_view text = source;
    std::size_t length = text.size() < kCapacity ? text.size() : kCapacity;
    if (length < text.size()) {
      while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
    }
    text.copy(text_.data(), length);
    length_ = static_cast<std::uint8_t>(length);
  }
  [[nodiscard]] std::string_view view() const { return {text_.data(), length_}; }

 private:
  static_assert(kCapacity < 256);
  std::array<char, kCapacity> text_ = {};
  std::uint8_t length_ = 0;
};

/// What a launch did, apart from when.
struct LaunchFacts {
  static constexpr int kMaxExtents = 8;
  static constexpr std::int64_t kUnknownFlops = -1;

  CoreType core = CoreType::kVector;
  std::uint8_t rank = 0;                            ///< how many of `extents` count
  std::array<std::int64_t, kMaxExtents> extents{};  ///< the kernel's dimensions in order of first appearance
  std::int64_t bytes = 0;                           ///< read and written, each array once
  std::int64_t flops = kUnknownFlops;               ///< floating-point operations, counted as ax/flop_count.h says
  bool flops_exact = true;                          ///< false: at most `flops`

  [[nodiscard]] std::span<const std::int64_t> shape() const { return {extents.data(), rank}; }
};

struct Event {
  static constexpr int kNameCapacity = 55;

  enum class Kind : std::uint8_t { kZone, kLaunch };

  Kind kind = Kind::kZone;
  std::int32_t thread = 0;                ///< small number of the recording thread, from 1; filled in by record()
  std::int64_t begin_ns = 0, end_ns = 0;  ///< of the monotonic clock
  FixedName<kNameCapacity> name{};
  std::int64_t bytes_allocated = 0, peak_bytes = 0;  ///< zones; see memory_counters.h
  LaunchFacts launch{};                              ///< launches
};

}  // namespace aurex
