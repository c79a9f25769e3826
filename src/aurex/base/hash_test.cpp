#include "aurex/base/hash.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace aurex {
namespace {

TEST(Hash, MatchesPublishedVectors) {
  EXPECT_EQ(hash128("").hex(), "00000000000000000000000000000000");
  EXPECT_EQ(hash128("hello").hex(), "cbd8a7b341bd9b025b1e906a48ae1d19");
  EXPECT_EQ(hash128("The quick brown fox jumps over the lazy dog").hex(), "e34bbc7bbc071b6c7a433ca9c49a9347");
  EXPECT_EQ(hash64("hello"), 0xcbd8a7b341bd9b02u);
}

// SMHasher's own check: hash keys of every length from 0 to 255 with seed 256 − length, then hash the hashes. The first
// word is published as the algorithm's verification value.
TEST(Hash, PassesTheVerificationOfSmhasher) {
  std::vector<std::byte> keys(256), hashes(256 * 16);
  for (std::size_t length = 0; length < 256; ++length) {
    keys[length] = static_cast<std::byte>(length);
    const Hash128 hash = hash128(std::span(keys).first(length), static_cast<std::uint32_t>(256 - length));
    std::memcpy(&hashes[length * 16], &hash, 16);
  }
  EXPECT_EQ(static_cast<std::uint32_t>(hash128(hashes).low), 0x6384BA69u);
}

TEST(HashBuilder, PartsDoNotRunTogether) {
  EXPECT_NE(HashBuilder().add("ab").add("c").finish(), HashBuilder().add("a").add("bc").finish());
  EXPECT_NE(HashBuilder().add("").finish(), HashBuilder().finish());
  EXPECT_EQ(HashBuilder().add("ab").add(3).finish(), HashBuilder().add("ab").add(3).finish());
}

}  // namespace
}  // namespace aurex
