#include "aurex/cache/entry.h"

#include <gtest/gtest.h>

#include <string>

#include "aurex/base/error.h"
#include "aurex/cache/key.h"

namespace aurex::cache {
namespace {

std::string sample() { return encode_entry(Key("k").add("abi", 2).bytes(), "machine code"); }

std::string refusal(const std::string& file) {
  try {
    static_cast<void>(decode_entry(file));
  } catch (const FormatError& error) {
    return error.message();
  }
  return "";
}

TEST(Entry, GivesKeyAndCodeBack) {
  const std::string file = sample();
  const Entry entry = decode_entry(file);
  EXPECT_EQ(entry.key, Key("k").add("abi", 2).bytes());
  EXPECT_EQ(entry.code, "machine code");
}

TEST(Entry, MayHaveNoCode) {
  const std::string file = encode_entry(Key("k").bytes(), "");
  EXPECT_EQ(decode_entry(file).code, "");
}

TEST(Entry, IsRefusedWhereAnyByteIsMissing) {
  const std::string file = sample();
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_NE(refusal(file.substr(0, size)), "") << size;
  EXPECT_NE(refusal(file + '\0'), "");
}

TEST(Entry, IsRefusedWhereAnyBitIsTurned) {
  const std::string file = sample();
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(refusal(damaged), "") << bit;
  }
}

TEST(Entry, SaysWhatIsWrong) {
  const std::string file = sample();
  EXPECT_EQ(refusal("x" + file), "is no compiled kernel (at byte 0)");
  EXPECT_EQ(refusal(file.substr(0, 20)), "is truncated (at byte 20)");
  std::string other = file;
  other[8] = 9;
  EXPECT_EQ(refusal(other), "has version 9, not 1 (at byte 8)");
  EXPECT_EQ(refusal(file.substr(0, file.size() - 1)), "has another size than it says (at byte 16)");
  other = file;
  other[40] ^= 1;
  EXPECT_EQ(refusal(other), "does not have its checksum (at byte " + std::to_string(file.size() - 16) + ")");
  EXPECT_EQ(refusal(encode_entry("not a key", "code")), "has a malformed key (at byte 32)");
}

TEST(Entry, IsNotMisledBySizesThatOverflow) {
  std::string file = sample();
  for (std::size_t at = 16; at < 32; ++at) file[at] = '\xff';
  EXPECT_EQ(refusal(file), "has another size than it says (at byte 16)");
  // Together they give the right size, modulo 2^64.
  const std::uint64_t room = file.size() - 48, key = ~std::uint64_t{0}, code = room + 1;
  for (std::size_t i = 0; i < 8; ++i) {
    file[16 + i] = static_cast<char>(key >> (8 * i));
    file[24 + i] = static_cast<char>(code >> (8 * i));
  }
  EXPECT_EQ(refusal(file), "has another size than it says (at byte 16)");
}

}  // namespace
}  // namespace aurex::cache
