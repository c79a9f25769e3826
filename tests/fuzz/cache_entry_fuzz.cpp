// Any bytes as a file of the kernel cache: an entry that lies within them, or FormatError. What is accepted encodes to
// the same bytes. Since hardly any bytes have their checksum, they are read once more with the one that they should
// have.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aurex/base/error.h"
#include "aurex/base/hash.h"
#include "aurex/cache/entry.h"
#include "aurex/cache/key.h"
#include "aurex/cache/little_endian.h"

namespace {

using namespace aurex;

void read(std::string_view file) {
  cache::Entry entry;
  try {
    entry = cache::decode_entry(file);
  } catch (const FormatError&) {
    return;
  }
  if (cache::encode_entry(entry.key, entry.code) != file) __builtin_trap();
  const auto parts = cache::parse_key(entry.key);
  if (!parts) __builtin_trap();
  std::size_t bytes = 0;
  for (const cache::KeyPart& part : *parts) bytes += 8 + part.name.size() + part.value.size();
  if (bytes != entry.key.size()) __builtin_trap();
  if (cache::file_name(entry.key).size() > 128) __builtin_trap();
  if (!cache::differing_parts(*parts, *parts).empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kChecksumBytes = 16;
  std::string file(reinterpret_cast<const char*>(data), size);
  read(file);
  if (size < kChecksumBytes) return 0;
  file.resize(size - kChecksumBytes);
  const Hash128 hash = hash128(file);
  cache::append_u64(file, hash.low);
  cache::append_u64(file, hash.high);
  read(file);
  return 0;
}
