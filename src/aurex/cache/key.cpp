#include "aurex/cache/key.h"

#include <algorithm>
#include <limits>

#include "aurex/base/error.h"
#include "aurex/base/hash.h"
#include "aurex/cache/little_endian.h"

namespace aurex::cache {

Key::Key(std::string_view kernel) { add("kernel", kernel); }

Key& Key::add(std::string_view name, std::string_view value) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (name.size() > kMost || value.size() > kMost) {
    throw InvalidConfig("part '" + std::string(name.substr(0, 64)) + "' of a cache key is too long");
  }
  append_u32(bytes_, static_cast<std::uint32_t>(name.size()));
  append_u32(bytes_, static_cast<std::uint32_t>(value.size()));
  bytes_.append(name).append(value);
  return *this;
}

std::optional<std::vector<KeyPart>> parse_key(std::string_view bytes) {
  std::vector<KeyPart> parts;
  while (!bytes.empty()) {
    if (bytes.size() < 8) return std::nullopt;
    const std::size_t name = read_u32(bytes), value = read_u32(bytes.substr(4));
    bytes.remove_prefix(8);
    if (name > bytes.size() || value > bytes.size() - name) return std::nullopt;
    parts.push_back({bytes.substr(0, name), bytes.substr(name, value)});
    bytes.remove_prefix(name + value);
  }
  if (parts.empty() || parts.front().name != "kernel") return std::nullopt;
  return parts;
}

std::string file_prefix(std::string_view kernel) {
  constexpr std::size_t kMostLetters = 64;
  std::string name(kernel.substr(0, kMostLetters));
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::ranges::replace_if(name, [&](char c) { return !plain(c); }, '_');
  return name + "-";
}

std::string file_name(std::string_view key) {
  const auto parts = parse_key(key);
  if (!parts) throw InvalidConfig("a cache key does not begin with the kernel's name");
  return file_prefix(parts->front().value) + hash128(key).hex() + ".axk";
}

std::vector<std::string> differing_parts(const std::vector<KeyPart>& a, const std::vector<KeyPart>& b) {
  std::vector<std::string> names;
  const auto compare = [&names](const std::vector<KeyPart>& from, const std::vector<KeyPart>& with) {
    for (const KeyPart& part : from) {
      if (std::ranges::find(with, part) != with.end()) continue;
      if (std::ranges::find(names, part.name) == names.end()) names.emplace_back(part.name);
    }
  };
  compare(a, b);
  compare(b, a);
  return names;
}

}  // namespace aurex::cache
