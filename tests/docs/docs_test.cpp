// The guide tells the truth: its programs are accepted or refused as it says, and its generated pages are up to date.
//
// A block ```ax is a whole file that `check` accepts, and its comments "… gives …" are what the interpreter computes;
// ```ax refused AX0301 is a file that gets this code and no other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/diagnostic.h"
#include "aurex/ax/interp.h"
#include "aurex/ax/test_call.h"
#include "aurex/base/environment.h"
#include "docs/diagnostics_page.h"
#include "docs/markdown.h"
#include "docs/worked_example.h"

namespace aurex::docs {
namespace {

using ax::testing::HostArray;
using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;

const std::filesystem::path kRoot = AUREX_ROOT;

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream) << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// All but the page of diagnostics, whose programs are those of the table, which has tests of its own.
std::vector<std::filesystem::path> pages() {
  std::vector<std::filesystem::path> result = {kRoot / "README.md"};
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "docs/guide")) {
    const bool written = entry.path().extension() == ".md" && entry.path().filename() != "diagnostics.md";
    if (written) result.push_back(entry.path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

/// A program of the guide, and where a reader finds it.
struct Example {
  std::string page;  // "language.md"
  FencedBlock block;
};

void PrintTo(const Example& example, std::ostream* out) { *out << example.page << ":" << example.block.line; }

std::vector<Example> examples() {
  std::vector<Example> result;
  for (const auto& page : pages()) {
    for (FencedBlock& block : fenced_blocks(contents(page))) {
      if (!block.info.empty() && block.info[0] == "ax") result.push_back({page.filename().string(), std::move(block)});
    }
  }
  return result;
}

/// The guide's programs use files by name only; a file called "no such file" is not there, any other is empty.
std::shared_ptr<const ax::Source> load(std::string_view path, const ax::Source&) {
  if (path.starts_with("no such")) return nullptr;
  return std::make_shared<const ax::Source>(std::string(path), "");
}

const ax::KernelInterface* kernel_before(const ax::CheckedModule& module, std::uint32_t offset) {
  const ax::KernelInterface* last = nullptr;
  for (const ax::KernelInterface& kernel : ax::kernels(module)) {
    if (kernel.span.begin < offset) last = &kernel;
  }
  return last;
}

/// The parameter's own storage type, and a plain one where it leaves the choice to the caller.
DType storage_of(const ax::Parameter& parameter) {
  const std::string element = parameter.type.substr(0, parameter.type.find('['));
  return element == "int" ? DType::kI32 : try_parse_dtype(element).value_or(DType::kF32);
}

ax::testing::Value value_of(const ax::Parameter& parameter, const Literal& literal) {
  if (literal.array) return HostArray{storage_of(parameter), Dims(std::span(literal.shape)), literal.values};
  if (parameter.kind == ax::Parameter::Kind::kInt) return static_cast<std::int64_t>(literal.values[0]);
  if (parameter.kind == ax::Parameter::Kind::kBool) return literal.values[0] != 0;
  return literal.values[0];
}

MATCHER(SameNumber, "") {
  const double a = std::get<0>(arg), b = std::get<1>(arg);
  return a == b || (std::isnan(a) && std::isnan(b));
}

/// Runs the kernel at several tile sizes on what the example gives, and compares what it names.
void expect_given(const ax::KernelInterface& kernel, const std::shared_ptr<const ax::CheckedModule>& module,
                  const WorkedExample& example) {
  ax::testing::Values values;
  ax::testing::CallOptions options;
  for (const auto& [name, literal] : example.given) {
    const auto parameter = std::find_if(kernel.parameters.begin(), kernel.parameters.end(),
                                        [&name = name](const ax::Parameter& p) { return p.name == name; });
    if (parameter == kernel.parameters.end()) {
      options.extents.push_back({name, static_cast<std::int64_t>(literal.values.at(0))});
    } else {
      values.emplace(name, value_of(*parameter, literal));
    }
  }
  ax::testing::TestCall call(module, kernel.name, values, options);
  for (const std::int64_t tile : {std::int64_t{1}, std::int64_t{3}, ax::InterpOptions::kWhole}) {
    call.reset();
    ax::run(call.program(), call.bound(), {.tile = tile});
    for (const auto& [name, literal] : example.expected) {
      const HostArray result = call.result(name);
      EXPECT_THAT(result.shape.span(), testing::ElementsAreArray(literal.shape)) << name;
      EXPECT_THAT(result.values, testing::Pointwise(SameNumber(), literal.values)) << name << ", tile " << tile;
    }
  }
}

class GuideProgram : public testing::TestWithParam<Example> {
 protected:
  GuideProgram() {
    // Lines count as on the page, which is what a failing test prints.
    const auto& [page, block] = GetParam();
    source_ = std::make_shared<const ax::Source>(page, std::string(block.line - 1, '\n') + block.text);
    module_ = ax::check(source_, sink_, load);
  }
  [[nodiscard]] std::string diagnostics() const { return ax::render(*source_, sink_.sorted()); }

  std::shared_ptr<const ax::Source> source_;
  ax::DiagnosticSink sink_;
  std::shared_ptr<const ax::CheckedModule> module_;
};

TEST_P(GuideProgram, IsAcceptedOrRefusedAsThePageSays) {
  const std::vector<std::string>& info = GetParam().block.info;
  if (info.size() == 1) {
    EXPECT_NE(module_, nullptr) << diagnostics();
    return;
  }
  ASSERT_EQ(info.size(), 3u) << "write ```ax or ```ax refused AX0301";
  ASSERT_EQ(info[1], "refused");
  std::vector<std::string> codes;
  for (const ax::Diagnostic& diagnostic : sink_.sorted()) codes.push_back(ax::to_string(diagnostic.code));
  EXPECT_THAT(codes, Not(IsEmpty()));
  EXPECT_THAT(codes, Each(info[2])) << diagnostics();
}

TEST_P(GuideProgram, GivesWhatItsCommentsSay) {
  if (module_ == nullptr) return;  // refused, which the test above looks at
  for (std::uint32_t line = 1; line <= source_->line_count(); ++line) {
    const auto example = parse_worked_example(source_->line(line));
    if (!example) continue;
    const ax::KernelInterface* kernel = kernel_before(*module_, source_->line_start(line));
    ASSERT_NE(kernel, nullptr) << "line " << line << " stands before every kernel";
    SCOPED_TRACE("line " + std::to_string(line) + ": " + std::string(source_->line(line)));
    expect_given(*kernel, module_, *example);
  }
}

INSTANTIATE_TEST_SUITE_P(Guide, GuideProgram, testing::ValuesIn(examples()), [](const auto& example) {
  std::string name = example.param.page + "_" + std::to_string(example.param.block.line);
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(Guide, ShowsTheMistakesThatTileLanguagesMakeRefused) {
  std::vector<std::string> covered;
  for (const FencedBlock& block : fenced_blocks(contents(kRoot / "docs/guide/language.md"))) {
    if (block.info.size() == 3) covered.push_back(block.info[2]);
  }
  for (const auto* code :
       {"AX0301", "AX0302", "AX0501", "AX0502", "AX0503", "AX0504", "AX0505", "AX0506", "AX0507", "AX0508"}) {
    EXPECT_THAT(covered, Contains(code));
  }
}

TEST(Guide, ListsEveryEnvironmentVariableWithItsValues) {
  const std::string page = contents(kRoot / "docs/guide/environment.md");
  for (const EnvironmentVariable& variable : environment_variables()) {
    const std::string row = "| `" + std::string(variable.name) + "` | " + std::string(variable.values) + " | ";
    EXPECT_THAT(page, testing::HasSubstr(row));
  }
}

TEST(Guide, HasThePageOfDiagnosticsThatTheTableGives) {
  EXPECT_EQ(contents(kRoot / "docs/guide/diagnostics.md"), diagnostics_page())
      << "build the target update_diagnostics_page and commit docs/guide/diagnostics.md";
}

}  // namespace
}  // namespace aurex::docs
