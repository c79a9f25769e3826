#include "aurex/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace aurex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(Error, EveryCodeIsNamedAfterItsClass) {
  EXPECT_EQ(to_string(InvalidConfig("").code()), "InvalidConfig");
  EXPECT_EQ(to_string(ArgumentError("").code()), "ArgumentError");
  EXPECT_EQ(to_string(IndexOutOfRange({}).code()), "IndexOutOfRange");
  EXPECT_EQ(to_string(QuantizationError("").code()), "QuantizationError");
  EXPECT_EQ(to_string(ShapeMismatch("", {}, {}).code()), "ShapeMismatch");
  EXPECT_EQ(to_string(DimensionMismatch("", 1, 2).code()), "DimensionMismatch");
  EXPECT_EQ(to_string(DTypeMismatch("").code()), "DTypeMismatch");
  EXPECT_EQ(to_string(DeviceNotAvailable("").code()), "DeviceNotAvailable");
  EXPECT_EQ(to_string(DeviceMismatch("").code()), "DeviceMismatch");
  EXPECT_EQ(to_string(OutOfMemory("", 1, 0, -1).code()), "OutOfMemory");
  EXPECT_EQ(to_string(ErrorCode::kCompileError), "CompileError");
  EXPECT_EQ(to_string(KernelError("").code()), "KernelError");
  EXPECT_EQ(to_string(FormatError("", 0).code()), "FormatError");
  EXPECT_EQ(to_string(NotImplemented("").code()), "NotImplemented");
  EXPECT_EQ(to_string(IoError("").code()), "IoError");
}

TEST(Error, WhatIsTheMessage) {
  EXPECT_STREQ(InvalidConfig("threads must be positive").what(), "threads must be positive");
}

TEST(Error, WhereIsTheLineThatRaisedIt) {
  const auto line = std::source_location::current().line() + 1;
  const InvalidConfig error("x");
  EXPECT_EQ(error.where().line(), line);
  EXPECT_THAT(error.where().file_name(), HasSubstr("error_test.cpp"));
}

TEST(Error, FieldsKeepTheirOrderAndAreFoundByName) {
  KernelError error("x");
  error.with("kernel", "add").with("axis", "N");
  EXPECT_THAT(error.fields(), ElementsAre(Pair("kernel", "add"), Pair("axis", "N")));
  EXPECT_EQ(error.field("axis"), "N");
  EXPECT_EQ(error.field("missing"), "");
}

TEST(Error, TypedMembersAreAlsoFields) {
  const ShapeMismatch shape("x", {2, 3}, {4});
  EXPECT_THAT(shape.expected, ElementsAre(2, 3));
  EXPECT_EQ(shape.field("expected"), "(2, 3)");
  EXPECT_EQ(shape.field("actual"), "(4)");
  const DimensionMismatch rank("x", 2, 3);
  EXPECT_EQ(rank.field("actual"), "3");
}

TEST(Error, AnIndexOutOfRangeSaysKernelLineIndexAndBound) {
  const IndexOutOfRange error({.kernel = "embed", .line = 4, .position = 7, .index = 30, .bound = 10});
  EXPECT_STREQ(error.what(), "index 30 is outside [0, 10) in kernel 'embed', line 4, at position 7");
  EXPECT_EQ(error.field("bound"), "10");
}

TEST(Error, OutOfMemorySaysWhetherThereIsALimit) {
  EXPECT_THAT(OutOfMemory("scratch", 100, 10, 50).what(), HasSubstr("the limit is 50 bytes"));
  EXPECT_THAT(OutOfMemory("scratch", 100, 10, -1).what(), HasSubstr("no limit is set"));
}

TEST(Error, AFormatErrorSaysTheByte) { EXPECT_STREQ(FormatError("bad magic", 6).what(), "bad magic (at byte 6)"); }

TEST(Error, ACauseIsKeptWhole) {
  KernelError error("x");
  error.because(std::make_exception_ptr(std::runtime_error("driver says no")));
  try {
    std::rethrow_exception(error.cause());
  } catch (const std::runtime_error& cause) {
    EXPECT_STREQ(cause.what(), "driver says no");
  }
  EXPECT_EQ(KernelError("y").cause(), nullptr);
}

TEST(Error, FramesAddedOnTheWayUpStandOutermostFirst) {
  KernelError error("x");
  error.within("kernel softmax").within("operation attention").within("model minilm");
  EXPECT_THAT(error.stack(), ElementsAre("model minilm", "operation attention", "kernel softmax"));
}

TEST(Error, ChangingACopyLeavesTheOriginalAlone) {
  const KernelError original("x");
  KernelError copy = original;
  copy.with("kernel", "add").within("outer");
  EXPECT_TRUE(original.fields().empty());
  EXPECT_TRUE(original.stack().empty());
}

TEST(Error, ADomainSubclassIsCaughtAsErrorAndAsItself) {
  struct AdapterNotFound : InvalidConfig {
    explicit AdapterNotFound(const std::string& name) : InvalidConfig("adapter '" + name + "' not found") {}
  };
  EXPECT_THROW(throw AdapterNotFound("q"), Error);
  EXPECT_THROW(throw AdapterNotFound("q"), InvalidConfig);
}

}  // namespace
}  // namespace aurex
