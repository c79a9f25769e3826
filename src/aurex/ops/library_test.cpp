#include "aurex/ops/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "aurex/base/error.h"

namespace aurex::ops {
namespace {

TEST(Library, EveryFileCompilesAndHasTheKernelsItsTableNames) {
  for (const LibraryFile& file : library()) {
    const Module& compiled = module(file.name);
    ASSERT_EQ(compiled.kernels().size(), file.kernels.size()) << file.name;
    for (std::size_t i = 0; i < file.kernels.size(); ++i) EXPECT_EQ(compiled.kernels()[i].name(), file.kernels[i]);
  }
}

TEST(Library, NoTwoKernelsShareAName) {
  std::set<std::string_view> names;
  for (const LibraryFile& file : library()) {
    for (const std::string_view name : file.kernels) EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Library, IsSorted) { EXPECT_TRUE(std::ranges::is_sorted(library(), {}, &LibraryFile::name)); }

TEST(Library, AnUnknownKernelIsRefusedWithThoseThatComeClose) {
  try {
    (void)kernel("gelu_fast");
    FAIL() << "nothing was raised";
  } catch (const ArgumentError& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("gelu"));
    EXPECT_EQ(error.field("argument"), "gelu_fast");
  }
}

}  // namespace
}  // namespace aurex::ops
