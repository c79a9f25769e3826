#pragma once

// Content hashes for cache keys: MurmurHash3 (x64, 128 bits). Fast and well spread; not a defence against someone who
// makes collisions on purpose. The result is the same on every machine, so it may be stored.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace aurex {

struct Hash128 {
  std::uint64_t low = 0, high = 0;

  /// 32 lower-case hexadecimal digits, `low` first: a file name.
  [[nodiscard]] std::string hex() const;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

[[nodiscard]] Hash128 hash128(std::span<const std::byte> bytes, std::uint32_t seed = 0) noexcept;
[[nodiscard]] Hash128 hash128(std::string_view text, std::uint32_t seed = 0) noexcept;
/// The first half of hash128.
[[nodiscard]] std::uint64_t hash64(std::string_view text, std::uint32_t seed = 0) noexcept;

/// A key of several parts. Each part is written with its length, so ("ab", "c") and ("a", "bc") differ.
///   HashBuilder().add(source).add(target).add(version).finish()
class HashBuilder {
 public:
  HashBuilder& add(std::string_view part);
  HashBuilder& add(std::int64_t part);
  [[nodiscard]] Hash128 finish() const noexcept;

 private:
  std::string bytes_;
};

}  // namespace aurex

/// So that a Hash128 may be a key of unordered containers.
template <>
struct std::hash<aurex::Hash128> {
  std::size_t operator()(const aurex::Hash128& hash) const noexcept { return static_cast<std::size_t>(hash.low); }
};
