#include "aurex/base/function_ref.h"

#include <gtest/gtest.h>

#include <string>

namespace aurex {
namespace {

int twice(int value) { return 2 * value; }
int apply(FunctionRef<int(int)> function) { return function(21); }

TEST(FunctionRef, CallsLambdasObjectsAndFunctions) {
  int calls = 0;
  EXPECT_EQ(apply([&calls](int value) { return ++calls, value; }), 21);
  EXPECT_EQ(calls, 1);
  const auto negate = [](int value) { return -value; };
  EXPECT_EQ(apply(negate), -21);
  EXPECT_EQ(apply(&twice), 42);
}

TEST(FunctionRef, RefersToTheCallableInsteadOfCopyingIt) {
  auto counter = [count = 0](int) mutable { return ++count; };
  apply(counter);
  EXPECT_EQ(counter(0), 2);
}

TEST(FunctionRef, PassesReferencesThrough) {
  const auto exclaim = [](std::string& text) { text += '!'; };
  const FunctionRef<void(std::string&)> append = exclaim;
  std::string text = "x";
  append(text);
  EXPECT_EQ(text, "x!");
}

}  // namespace
}  // namespace aurex
