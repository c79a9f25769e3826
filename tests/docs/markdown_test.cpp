#include "docs/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace aurex::docs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Markdown, GivesEachBlockItsPlaceItsWordsAndItsText) {
  const auto blocks = fenced_blocks("# Title\n\n```ax refused AX0301\none\ntwo\n```\ntext\n```\nplain\n```\n");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].line, 4u);
  EXPECT_THAT(blocks[0].info, ElementsAre("ax", "refused", "AX0301"));
  EXPECT_EQ(blocks[0].text, "one\ntwo\n");
  EXPECT_THAT(blocks[1].info, IsEmpty());
}

TEST(Markdown, LeavesBackquotesInsideALineAlone) { EXPECT_THAT(fenced_blocks("a ``` b\n"), IsEmpty()); }

TEST(Markdown, RefusesAFenceThatIsNeverClosed) {
  EXPECT_THROW((void)fenced_blocks("text\n```ax\nkernel\n"), std::invalid_argument);
}

}  // namespace
}  // namespace aurex::docs
