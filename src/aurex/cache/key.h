#pragma once

// What an entry of the cache is found by: named parts, in order, as one string of bytes.
//
//   key   = { name_bytes value_bytes name value } .        name_bytes, value_bytes = u32, little-endian
//
// Two keys are equal when their bytes are. The names serve people: they say why a look-up missed.
//
//   Key key("softmax");
//   key.add("target", "cpu.avx512").add("abi", 2);

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aurex::cache {

struct KeyPart {
  std::string_view name, value;  // into the key's bytes
  friend bool operator==(const KeyPart&, const KeyPart&) = default;
};

class Key {
 public:
  /// The first part is called "kernel".
  explicit Key(std::string_view kernel);

  /// Raises InvalidConfig where a part passes 4 GiB.
  Key& add(std::string_view name, std::string_view value);
  Key& add(std::string_view name, std::integral auto value) { return add(name, std::to_string(value)); }

  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// The parts of a key's bytes; nothing where they are no key, or the first part is not "kernel".
[[nodiscard]] std::optional<std::vector<KeyPart>> parse_key(std::string_view bytes);

/// "softmax-00112233445566778899aabbccddeeff.axk": the kernel's name, as far as it suits file names, and the hash of
/// the key's bytes. Raises InvalidConfig where the bytes are no key.
[[nodiscard]] std::string file_name(std::string_view key);

/// How file_name() begins for all entries of a kernel: "softmax-".
[[nodiscard]] std::string file_prefix(std::string_view kernel);

/// The names of the parts in which two keys differ, in order; a part that only one of them has counts.
[[nodiscard]] std::vector<std::string> differing_parts(const std::vector<KeyPart>& a, const std::vector<KeyPart>& b);

}  // namespace aurex::cache
