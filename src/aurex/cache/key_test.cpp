#include "aurex/cache/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aurex/base/error.h"

namespace aurex::cache {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

Key sample() {
  Key key("softmax");
  key.add("target", "cpu.avx512").add("abi", 2);
  return key;
}

TEST(Key, GivesItsPartsBack) {
  const Key key = sample();
  const auto parts = parse_key(key.bytes());
  ASSERT_TRUE(parts);
  EXPECT_THAT(*parts, ElementsAre(KeyPart{"kernel", "softmax"}, KeyPart{"target", "cpu.avx512"}, KeyPart{"abi", "2"}));
}

TEST(Key, KeepsPartsApart) {
  EXPECT_NE(Key("k").add("ab", "c").bytes(), Key("k").add("a", "bc").bytes());
  EXPECT_NE(Key("k").add("a", "b").add("c", "").bytes(), Key("k").add("a", "").add("b", "c").bytes());
}

TEST(Key, HoldsAnyBytes) {
  const std::string value("\0\xff\n", 3);
  Key key("k");
  key.add("source", value);
  EXPECT_EQ(parse_key(key.bytes())->at(1).value, value);
}

TEST(Key, IsRefusedWhereBytesAreMissingOrTheKernelIs) {
  const std::string bytes(sample().bytes());
  int legal = 0;  // those that end with a part
  for (std::size_t size = 0; size < bytes.size(); ++size) legal += parse_key(bytes.substr(0, size)).has_value();
  EXPECT_EQ(legal, 2);
  EXPECT_FALSE(parse_key(bytes.substr(8 + 6 + 7)));  // begins with the target
  EXPECT_FALSE(parse_key(std::string(8, '\xff')));
}

TEST(FileName, SaysTheKernelAndTheHash) {
  EXPECT_THAT(file_name(sample().bytes()), MatchesRegex("softmax-[0-9a-f]{32}\\.axk"));
  EXPECT_THAT(file_name(Key("../a b").bytes()), MatchesRegex("___a_b-[0-9a-f]{32}\\.axk"));
  EXPECT_LT(file_name(Key(std::string(5000, 'k')).bytes()).size(), 128u);
  EXPECT_NE(file_name(sample().bytes()), file_name(sample().add("size", 1).bytes()));
  EXPECT_THROW(static_cast<void>(file_name("")), InvalidConfig);
}

TEST(DifferingParts, NamesEachOnceInOrder) {
  const Key a = sample();
  Key b("softmax");
  b.add("target", "cpu.avx2").add("size", "small");
  EXPECT_THAT(differing_parts(*parse_key(a.bytes()), *parse_key(b.bytes())), ElementsAre("target", "abi", "size"));
  EXPECT_THAT(differing_parts(*parse_key(a.bytes()), *parse_key(a.bytes())), ElementsAre());
}

}  // namespace
}  // namespace aurex::cache
