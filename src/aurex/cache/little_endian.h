#pragma once

// Numbers in files of the cache.

#include <cstdint>
#include <string>
#include <string_view>

namespace aurex::cache {

inline void append_u32(std::string& bytes, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
}

inline void append_u64(std::string& bytes, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(value >> shift));
}

/// Of the first 4 bytes, which must be there.
[[nodiscard]] inline std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

/// Of the first 8 bytes, which must be there.
[[nodiscard]] inline std::uint64_t read_u64(std::string_view bytes) {
  return read_u32(bytes) | std::uint64_t{read_u32(bytes.substr(4))} << 32;
}

}  // namespace aurex::cache
