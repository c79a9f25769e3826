#include "aurex/ax/source.h"

#include <gtest/gtest.h>

namespace aurex::ax {
namespace {

TEST(Source, CountsLinesAndColumnsFromOne) {
  const Source source("a.ax", "ab\ncd\n");
  EXPECT_EQ(source.position(0), (LineColumn{1, 1}));
  EXPECT_EQ(source.position(2), (LineColumn{1, 3}));
  EXPECT_EQ(source.position(3), (LineColumn{2, 1}));
  EXPECT_EQ(source.position(6), (LineColumn{3, 1}));
}

TEST(Source, CountsColumnsInCodePointsAndATabAsOne) {
  const Source source("a.ax", "\t\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80x");
  EXPECT_EQ(source.position(10), (LineColumn{1, 5}));
}

TEST(Source, GivesLinesWithoutTheirBreaks) {
  const Source source("a.ax", "ab\r\ncd");
  EXPECT_EQ(source.line_count(), 2u);
  EXPECT_EQ(source.line(1), "ab");
  EXPECT_EQ(source.line(2), "cd");
  EXPECT_EQ(source.line(0), "");
  EXPECT_EQ(source.line(3), "");
}

TEST(Source, CutsSpansAndOffsetsAtTheEnd) {
  const Source source("a.ax", "abc");
  EXPECT_EQ(source.text({1, 100}), "bc");
  EXPECT_EQ(source.text({100, 200}), "");
  EXPECT_EQ(source.text({2, 1}), "");
  EXPECT_EQ(source.position(100), (LineColumn{1, 4}));
}

TEST(Source, AnEmptyTextHasOneEmptyLine) {
  const Source source("a.ax", "");
  EXPECT_EQ(source.line_count(), 1u);
  EXPECT_EQ(source.position(0), (LineColumn{1, 1}));
}

}  // namespace
}  // namespace aurex::ax
