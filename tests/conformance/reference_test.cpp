// Every kernel of the library against its reference, in every storage type, by the interpreter and by machine code.

#include "reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/diagnostic.h"
#include "executors.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::TestCall;

struct Entry {
  Reference reference;
  DType type;
  friend void PrintTo(const Entry& entry, std::ostream* out) {
    *out << entry.reference.kernel << " of " << to_string(entry.type);
  }
};

std::shared_ptr<const ax::CheckedModule> load(const std::string& file) {
  const std::string path = AUREX_SOURCE_DIR "/src/aurex/ops/" + file;
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  const auto source = std::make_shared<const ax::Source>(path, text.str());
  ax::DiagnosticSink sink;
  auto module = ax::check(source, sink);
  ax::raise_if_refused(*source, sink);
  return module;
}

std::string kernel_name(const Reference& reference) { return reference.kernel.substr(0, reference.kernel.find(' ')); }

std::vector<Reference> references() {
  std::vector<Reference> all;
  for (auto& some : {elementwise_references(), integer_references(), row_references(), contraction_references(),
                     optimizer_references(), scan_references(), image_references(), loss_references(),
                     backward_references(), spiking_references()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<Entry> entries() {
  std::vector<Entry> all;
  for (const Reference& reference : references()) {
    for (const DType type : reference.types) all.push_back({reference, type});
  }
  return all;
}

/// Half the distance between 1 and the next number, of the type that arguments are computed in.
Real unit(DType type) { return ax::register_type(type) == ax::RegType::kF64 ? 0x1p-53L : 0x1p-24L; }

/// What the result's type holds of the two ends: rounding keeps order, so the result lies between.
std::string misses(const std::vector<Expected>& expected, const HostArray& actual) {
  if (expected.size() != actual.values.size()) {
    return "has " + std::to_string(actual.values.size()) + " elements, not " + std::to_string(expected.size());
  }
  HostArray low = actual, high = actual;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    low.values[i] = static_cast<double>(expected[i].value - expected[i].error);
    high.values[i] = static_cast<double>(expected[i].value + expected[i].error);
  }
  low = ax::testing::stored(std::move(low));
  high = ax::testing::stored(std::move(high));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (low.values[i] <= actual.values[i] && actual.values[i] <= high.values[i]) continue;
    std::ostringstream text;
    text.precision(19);
    text << "element " << i << " is " << actual.values[i] << ", and should be " << expected[i].value << " ± "
         << expected[i].error;
    return text.str();
  }
  return "";
}

class LibraryReference : public ::testing::TestWithParam<Entry> {};

TEST_P(LibraryReference, IsWithinTheErrorOfItsReference) {
  const auto& [reference, type] = GetParam();
  Numbers numbers(7, false);
  const ax::testing::Values values = reference.inputs(numbers, type);
  ax::testing::CallOptions options;
  if (reference.out) options.out = reference.out(type);
  TestCall call(load(reference.file), kernel_name(reference), values, options);
  const Results expected = reference.results(values, unit(type));
  const auto& all = quick_executors(/*code=*/true);
  for (const Executor* executor : {&all.front(), &all.back()}) {
    call.reset();
    executor->run(call.binding(), call.bound());
    const auto results = call.results();
    EXPECT_EQ(results.size(), expected.size());
    for (const auto& [name, actual] : results) {
      const auto found = expected.find(name);
      ASSERT_NE(found, expected.end()) << "the reference has no " << name;
      EXPECT_EQ(misses(found->second, actual), "") << name << ", " << executor->name;
    }
  }
}

std::string test_name(const ::testing::TestParamInfo<Entry>& info) {
  std::string name = info.param.reference.kernel + "_" + std::string(to_string(info.param.type));
  std::ranges::replace(name, ' ', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(References, LibraryReference, ::testing::ValuesIn(entries()), test_name);

TEST(LibraryReferences, CoverEveryKernel) {
  std::set<std::string> known;
  for (const Reference& reference : references()) known.insert(reference.file + ": " + kernel_name(reference));
  for (const auto& entry : std::filesystem::directory_iterator(AUREX_SOURCE_DIR "/src/aurex/ops")) {
    if (entry.path().extension() != ".ax") continue;
    const std::string file = entry.path().filename().string();
    const auto module = load(file);
    for (const ax::KernelInterface& kernel : ax::kernels(*module)) {
      EXPECT_TRUE(known.contains(file + ": " + kernel.name)) << file << ": " << kernel.name;
    }
  }
}

}  // namespace
}  // namespace aurex::testing
