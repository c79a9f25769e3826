// Every case on every executor.

#include <gtest/gtest.h>

#include "case.h"

namespace aurex::testing {
namespace {

class Conformance : public ::testing::TestWithParam<Case> {};

TEST_P(Conformance, HoldsOnEveryExecutorInEveryLayout) { EXPECT_EQ(check(GetParam()), ""); }
TEST_P(Conformance, HasTheSameBitsForAnyThreadsAndControlWord) { EXPECT_EQ(check_large(GetParam()), ""); }

std::string test_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Elementwise, Conformance, ::testing::ValuesIn(elementwise_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Rows, Conformance, ::testing::ValuesIn(row_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(OfTheLibrary, Conformance, ::testing::ValuesIn(library_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Contractions, Conformance, ::testing::ValuesIn(contraction_cases()), test_name);

}  // namespace

/// How gtest prints a parameter.
void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

}  // namespace aurex::testing
