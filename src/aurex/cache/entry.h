#pragma once

// One compiled kernel as a file. Numbers are little-endian (docs/adr/0017).
//
//   file     = magic version reserved key_bytes code_bytes key code checksum .
//   magic    = "AUREXKRN" .          version, reserved = u32 .          key_bytes, code_bytes = u64 .
//   checksum = hash128 of all bytes before it: low u64, high u64 .

#include <cstddef>
#include <string>
#include <string_view>

namespace aurex::cache {

inline constexpr std::uint32_t kEntryVersion = 1;
/// No file is larger, so reading one never takes more memory.
inline constexpr std::size_t kMaxEntryBytes = std::size_t{64} << 20;

struct Entry {
  std::string_view key, code;  // into the file's bytes
};

[[nodiscard]] std::string encode_entry(std::string_view key, std::string_view code);

/// Reads foreign bytes, without copying. Raises FormatError, with the offset, where they are no entry of this version,
/// are damaged or truncated, have bytes behind the end, or where the key has no parts.
[[nodiscard]] Entry decode_entry(std::string_view file);

}  // namespace aurex::cache
