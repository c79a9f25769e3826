// Every refused program in programs/ gets exactly the text that lies beside it.
//
//   diagnostics_test --regenerate        writes the texts anew; read the difference before you commit it

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "aurex/ax/check.h"

namespace aurex::ax {
namespace {

bool regenerate = false;

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(AUREX_DIAGNOSTICS)) {
    if (entry.path().extension() == ".ax") result.push_back(entry.path().stem().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

class Refused : public testing::TestWithParam<std::string> {};

TEST_P(Refused, ProgramGetsExactlyItsText) {
  const std::filesystem::path base = std::filesystem::path(AUREX_DIAGNOSTICS) / GetParam();
  // A bare name keeps the place of the tree out of the texts; nothing is used from other files.
  const auto source = std::make_shared<const Source>(GetParam() + ".ax", read(base.string() + ".ax"));
  DiagnosticSink sink;
  const auto module =
      check(source, sink, [](std::string_view, const Source&) -> std::shared_ptr<const Source> { return nullptr; });
  EXPECT_EQ(module, nullptr) << "accepted";
  const std::string text = render(*source, sink.sorted());
  if (regenerate) {
    std::ofstream(base.string() + ".txt", std::ios::binary) << text;
    return;
  }
  EXPECT_EQ(text, read(base.string() + ".txt")) << "regenerate with: diagnostics_test --regenerate";
}

TEST(Diagnostics, AreAtLeastSixty) { EXPECT_GE(names().size(), 60u); }

INSTANTIATE_TEST_SUITE_P(Programs, Refused, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace aurex::ax

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) aurex::ax::regenerate |= std::string_view(argv[i]) == "--regenerate";
  return RUN_ALL_TESTS();
}
