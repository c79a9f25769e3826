#include "case.h"

#include <cmath>
#include <limits>
#include <optional>
#include <sstream>

#include "aurex/ax/interp.h"
#include "aurex/ax/philox.h"
#include "executors.h"

namespace aurex::testing {

using ax::testing::Guard;
using ax::testing::HostArray;
using ax::testing::Layout;
using ax::testing::TestCall;
using ax::testing::Values;

double Numbers::uniform() { return ax::philox_uniform(seed_, next_++); }

HostArray Numbers::floats(const Dims& shape, DType dtype) {
  static constexpr double kSpecial[] = {std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::infinity(),
                                        -std::numeric_limits<double>::infinity(),
                                        0.0,
                                        -0.0,
                                        0x1p-140,
                                        -0x1p-149,
                                        3e38};
  HostArray array = {.dtype = dtype, .shape = shape, .values = {}};
  for (std::int64_t i = element_count(shape); i > 0; --i) {
    const bool odd = special_ && uniform() < 0.2;
    array.values.push_back(odd ? kSpecial[static_cast<std::size_t>(uniform() * 8)] : uniform() * 4 - 2);
  }
  return stored(std::move(array));
}

HostArray Numbers::integers(const Dims& shape, std::int64_t low, std::int64_t high, DType dtype) {
  HostArray array = {.dtype = dtype, .shape = shape, .values = {}};
  for (std::int64_t i = element_count(shape); i > 0; --i) {
    array.values.push_back(static_cast<double>(low) + std::floor(uniform() * static_cast<double>(high - low)));
  }
  return array;
}

namespace {

std::string text_of(const Sizes& sizes) {
  std::string text = "sizes";
  for (const std::int64_t size : sizes) text += " " + std::to_string(size);
  return text;
}

std::vector<ax::NamedExtent> extents_of(const Case& test, const Sizes& sizes) {
  return test.extents ? test.extents(sizes) : std::vector<ax::NamedExtent>();
}

std::optional<std::string> off_reference(const Case& test, const Sizes& sizes, const Values& values, TestCall& call) {
  call.reset();
  executors().front().run(call.binding(), call.bound());
  const std::vector<double> expected = test.reference(sizes, values);
  const auto results = call.results();
  const std::vector<double>& actual = results.front().second.values;
  if (actual.size() != expected.size()) return "the reference has another number of elements";
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const bool both_nan = std::isnan(actual[i]) && std::isnan(expected[i]);
    const bool near = std::fabs(actual[i] - expected[i]) <= test.tolerance * (1 + std::fabs(expected[i]));
    if (both_nan || near || actual[i] == expected[i]) continue;
    std::ostringstream text;
    text.precision(9);
    text << "element " << i << " is " << actual[i] << ", the reference says " << expected[i];
    return text.str();
  }
  return std::nullopt;
}

/// An executor without code for the kernel is a fault unless the case says so, and then has to say what it lacks.
std::optional<std::string> fault_in(const Case& test, const Report& report) {
  if (report.fault) return report.fault;
  for (const std::string& missing : report.missing) {
    if (test.missing.empty() || missing.find(test.missing) == std::string::npos) return missing;
  }
  if (!test.missing.empty() && report.missing.empty()) return "compiles, though the case says it does not";
  return std::nullopt;
}

}  // namespace

std::string check(const Case& test) {
  const auto module = ax::testing::compile(test.source);
  for (const Sizes& sizes : test.sizes) {
    for (const bool special : {false, true}) {
      Numbers numbers(special ? 2 : 1, special);
      const Values values = test.inputs(sizes, numbers);
      for (const Layout layout : ax::testing::kAllLayouts) {
        for (const Guard guard : {Guard::kAfter, Guard::kBefore}) {
          TestCall call(module, test.kernel, values,
                        {.extents = extents_of(test, sizes), .layout = layout, .guard = guard});
          auto fault = special || !test.reference ? std::nullopt : off_reference(test, sizes, values, call);
          if (!fault) fault = fault_in(test, compare(call));
          if (!fault) continue;
          return test.name + ", " + text_of(sizes) + (special ? ", special values" : "") + ", layout " +
                 std::to_string(static_cast<int>(layout)) + ": " + *fault;
        }
      }
    }
  }
  return "";
}

std::string check_large(const Case& test) {
  const auto module = ax::testing::compile(test.source);
  const Sizes& sizes = test.large.empty() ? test.sizes.back() : test.large;
  for (const bool special : {false, true}) {
    Numbers numbers(special ? 2 : 1, special);
    TestCall call(module, test.kernel, test.inputs(sizes, numbers), {.extents = extents_of(test, sizes)});
    auto fault = fault_in(test, compare(call, std::vector{executors().front(), executors().back()}));
    if (!fault) fault = difference_by_circumstances(call);
    if (fault) return test.name + ", " + text_of(sizes) + (special ? ", special values: " : ": ") + *fault;
  }
  return "";
}

}  // namespace aurex::testing
