#include "aurex/cache/entry.h"

#include "aurex/base/error.h"
#include "aurex/base/hash.h"
#include "aurex/cache/key.h"
#include "aurex/cache/little_endian.h"

namespace aurex::cache {
namespace {

constexpr std::string_view kMagic = "AUREXKRN";
constexpr std::size_t kVersionAt = 8, kReservedAt = 12, kKeyBytesAt = 16, kCodeBytesAt = 24, kHeaderBytes = 32,
                      kChecksumBytes = 16;

std::string checksum(std::string_view bytes) {
  const Hash128 hash = hash128(bytes);
  std::string text;
  append_u64(text, hash.low);
  append_u64(text, hash.high);
  return text;
}

}  // namespace

std::string encode_entry(std::string_view key, std::string_view code) {
  std::string file;
  file.reserve(kHeaderBytes + key.size() + code.size() + kChecksumBytes);
  file.append(kMagic);
  append_u32(file, kEntryVersion);
  append_u32(file, 0);
  append_u64(file, key.size());
  append_u64(file, code.size());
  file.append(key).append(code);
  return file += checksum(file);
}

Entry decode_entry(std::string_view file) {
  if (!file.starts_with(kMagic)) throw FormatError("is no compiled kernel", 0);
  if (file.size() < kHeaderBytes + kChecksumBytes) {
    throw FormatError("is truncated", static_cast<std::int64_t>(file.size()));
  }
  if (const std::uint32_t version = read_u32(file.substr(kVersionAt)); version != kEntryVersion) {
    throw FormatError("has version " + std::to_string(version) + ", not " + std::to_string(kEntryVersion), kVersionAt);
  }
  if (read_u32(file.substr(kReservedAt)) != 0)
    throw FormatError("has flags that this version does not know", kReservedAt);
  const std::size_t room = file.size() - kHeaderBytes - kChecksumBytes;
  const std::uint64_t key_bytes = read_u64(file.substr(kKeyBytesAt)), code_bytes = read_u64(file.substr(kCodeBytesAt));
  if (key_bytes > room || code_bytes != room - key_bytes)
    throw FormatError("has another size than it says", kKeyBytesAt);
  const std::string_view content = file.substr(0, kHeaderBytes + room);
  if (checksum(content) != file.substr(content.size())) {
    throw FormatError("does not have its checksum", static_cast<std::int64_t>(content.size()));
  }
  const Entry entry{content.substr(kHeaderBytes, key_bytes), content.substr(kHeaderBytes + key_bytes)};
  if (!parse_key(entry.key)) throw FormatError("has a malformed key", kHeaderBytes);
  return entry;
}

}  // namespace aurex::cache
