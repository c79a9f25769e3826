#include "aurex/base/hash.h"

#include <bit>
#include <cstring>

namespace aurex {
namespace {

// MurmurHash3_x64_128 by Austin Appleby, who placed the algorithm in the public domain; constants are his.
constexpr std::uint64_t kC1 = 0x87c37b91114253d5u;
constexpr std::uint64_t kC2 = 0x4cf5ad432745937fu;

static_assert(std::endian::native == std::endian::little, "blocks are read as little-endian words");

std::uint64_t mix_first(std::uint64_t k) { return std::rotl(k * kC1, 31) * kC2; }
std::uint64_t mix_second(std::uint64_t k) { return std::rotl(k * kC2, 33) * kC1; }

std::uint64_t finish(std::uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccdu;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53u;
  return k ^ (k >> 33);
}

}  // namespace

std::string Hash128::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {low, high}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(half >> shift) & 15];
  }
  return text;
}

Hash128 hash128(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
  constexpr std::size_t kBlock = 16;
  std::uint64_t h1 = seed, h2 = seed;
  std::span<const std::byte> rest = bytes;
  for (; rest.size() >= kBlock; rest = rest.subspan(kBlock)) {
    std::uint64_t k[2];
    std::memcpy(k, rest.data(), kBlock);
    h1 = (std::rotl(h1 ^ mix_first(k[0]), 27) + h2) * 5 + 0x52dce729;
    h2 = (std::rotl(h2 ^ mix_second(k[1]), 31) + h1) * 5 + 0x38495ab5;
  }
  std::uint64_t tail[2] = {0, 0};
  if (!rest.empty()) std::memcpy(tail, rest.data(), rest.size());
  h1 ^= mix_first(tail[0]);  // a zero half mixes to zero, so an absent tail changes nothing
  h2 ^= mix_second(tail[1]);

  h1 ^= bytes.size();
  h2 ^= bytes.size();
  h1 += h2;
  h2 += h1;
  h1 = finish(h1);
  h2 = finish(h2);
  h1 += h2;
  h2 += h1;
  return {h1, h2};
}

Hash128 hash128(std::string_view text, std::uint32_t seed) noexcept {
  return hash128(std::as_bytes(std::span(text)), seed);
}
std::uint64_t hash64(std::string_view text, std::uint32_t seed) noexcept { return hash128(text, seed).low; }

HashBuilder& HashBuilder::add(std::string_view part) {
  add(static_cast<std::int64_t>(part.size()));
  bytes_ += part;
  return *this;
}

HashBuilder& HashBuilder::add(std::int64_t part) {
  char raw[sizeof part];
  std::memcpy(raw, &part, sizeof part);
  bytes_.append(raw, sizeof part);
  return *this;
}

Hash128 HashBuilder::finish() const noexcept { return hash128(bytes_); }

}  // namespace aurex
