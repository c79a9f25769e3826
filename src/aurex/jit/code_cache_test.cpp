#include "aurex/jit/code_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/base/log.h"
#include "aurex/cache/test_folder.h"
#include "aurex/codegen/compile.h"
#include "aurex/jit/kernel.h"
#include "aurex/jit/kernel_state.h"

namespace aurex {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kScale = "kernel scale(x: T[N], w: T[N]) -> (y: T[N]) { parallel i in N { y[i] = x[i] * w[i] } }";
constexpr const char* kTake = "kernel take(x: T[N], at: int[M]) -> (y: T[M]) { parallel i in M { y[i] = x[at[i]] } }";
constexpr const char* kTimes =
    "kernel times(x: T[N], const n: int) -> (y: T[N]) { parallel i in N { y[i] = x[i] * n } }";

Tensor tensor(const std::vector<float>& values) {
  Tensor made = Tensor::uninitialised({static_cast<std::int64_t>(values.size())}, DType::kF32);
  std::copy(values.begin(), values.end(), made.view().as<float>());
  return made;
}

/// One call as far as its code, in a module of its own: what a new process would do.
struct Made {
  Made(const char* text, const std::vector<Argument>& arguments) : module(compile(text)) {
    const Kernel& kernel = module.kernels().front();
    call.emplace(kernel.state(), arguments, std::span<const TensorView* const>(), std::span<const ax::NamedExtent>());
    result = Tensor::uninitialised(call->result_shape(0), call->result_dtype(0));
    call->give(0, result->view());
    entry = &call->prepare();
    call->run_prepared(*entry);
  }
  [[nodiscard]] std::vector<float> values() const {
    const auto* first = result->view().as<const float>();
    return {first, first + result->view().shape[0]};
  }

  Module module;
  std::optional<jit::Call> call;
  std::optional<Tensor> result;
  const jit::CodeEntry* entry = nullptr;
};

class CodeCache : public testing::Test {
 protected:
  void SetUp() override {
    jit::set_code_store(&store_);
    set_log_sink(
        [this](const LogRecord& record) {
          std::string line(record.message);
          for (const LogField& field : record.fields) line += " " + std::string(field.name) + "=" + field.value;
          lines_.push_back(line);
        },
        LogLevel::kDebug);
  }
  void TearDown() override {
    set_log_sink({});
    jit::set_code_store(nullptr);
  }

  cache::TestFolder folder_;
  cache::Store store_{folder_.path() / "kernels", 64 << 20};
  std::vector<std::string> lines_;
  Tensor x_ = tensor({1, 2, 3}), by_ = tensor({2, 3, 4});
};

TEST_F(CodeCache, AHitGeneratesNoCode) {
  const Made first(kScale, {x_, by_});
  EXPECT_FALSE(first.entry->from_disk);
  EXPECT_GT(first.entry->times.codegen, 0);
  ASSERT_THAT(store_.list("scale"), SizeIs(1));

  const Made second(kScale, {x_, by_});
  EXPECT_TRUE(second.entry->from_disk);
  EXPECT_EQ(second.entry->times.lower, 0);
  EXPECT_EQ(second.entry->times.emit, 0);
  EXPECT_EQ(second.entry->times.codegen, 0);
  EXPECT_GT(second.entry->times.cache, 0);
  EXPECT_GT(second.entry->times.link, 0);
  EXPECT_THAT(second.values(), ElementsAre(2, 6, 12));
  EXPECT_THAT(store_.list(), SizeIs(1));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(CodeCache, FaultsOfStoredCodeAreToldAsFully) {
  const Tensor at = Tensor::zeros({2}, DType::kI64);
  at.view().as<std::int64_t>()[1] = 7;
  std::vector<std::string> messages;
  for (int process = 0; process < 2; ++process) {
    try {
      Made made(kTake, {x_, at});
    } catch (const IndexOutOfRange& error) {
      messages.push_back(error.message());
    }
  }
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[0], messages[1]);
  EXPECT_THAT(messages[0], AllOf(HasSubstr("take"), HasSubstr("i=1"), HasSubstr("7")));
}

TEST_F(CodeCache, WhatCodeDependsOnIsPartOfTheKey) {
  const Tensor doubles = Tensor::zeros({3}, DType::kF64), one = tensor({1});
  const Tensor wide = tensor({1, 2, 3, 4, 5, 6});
  TensorView every_second = wide.view();
  every_second.shape = Dims{3};
  every_second.strides = Dims{2};
  struct Case {
    const char* what;
    const char* text;
    std::vector<Argument> arguments;
  };
  const std::string commented = std::string(kScale) + "  // and a comment";
  const Case cases[] = {
      {"the first one", kScale, {x_, by_}},         {"another text", commented.c_str(), {x_, by_}},
      {"another type", kScale, {doubles, doubles}}, {"another stride", kScale, {every_second, by_}},
      {"another kernel", kTimes, {x_, 2}},          {"another constant", kTimes, {x_, 3}},
  };
  std::size_t stored = 0;
  for (const Case& each : cases) {
    EXPECT_FALSE(Made(each.text, each.arguments).entry->from_disk) << each.what;
    EXPECT_THAT(store_.list(), SizeIs(++stored)) << each.what;
  }
  for (const Case& each : cases) EXPECT_TRUE(Made(each.text, each.arguments).entry->from_disk) << each.what;
  EXPECT_TRUE(Made(kScale, {by_, x_}).entry->from_disk) << "values are no part of it";
}

TEST_F(CodeCache, TheTargetAndTheScheduleArePartOfTheKey) {
  const Made made(kScale, {x_, by_});
  const jit::CodeSource& source = made.module.kernels().front().state()->source();
  const jit::Variant& variant = made.call->variant();
  const auto name = [&](const jit::CodeSource& from, schedule::SizeClass size) {
    return cache::file_name(jit::code_key(from, variant.program(), variant.given(), made.entry->classes, size).bytes());
  };
  std::vector<std::string> names = {name(source, made.entry->size), name(source, schedule::SizeClass::kLarge)};
  const std::function<void(jit::CodeSource&)> changes[] = {
      [](jit::CodeSource& s) { s.target.name = "cpu.other"; },
      [](jit::CodeSource& s) { s.target.features.emplace_back("avx1024"); },
      [](jit::CodeSource& s) { s.target.llvm_cpu = "other"; },
      [](jit::CodeSource& s) { s.target.vector_bytes *= 2; },
      [](jit::CodeSource& s) { s.target.vector_registers *= 2; },
      [](jit::CodeSource& s) { s.target.masks = !s.target.masks; },
      [](jit::CodeSource& s) { s.target.l1_bytes += 1; },
      [](jit::CodeSource& s) { s.target.l2_bytes += 1; },
      [](jit::CodeSource& s) { s.pins.kernel = "scale"; },
  };
  for (const auto& change : changes) {
    jit::CodeSource other = source;
    change(other);
    names.push_back(name(other, made.entry->size));
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST_F(CodeCache, TheVersionsOfAllThatMakesCodeArePartOfTheKey) {
  Made made(kScale, {x_, by_});
  const cache::Key key = made.call->key();
  const auto parts = cache::parse_key(key.bytes());
  std::vector<std::string> names;
  for (const cache::KeyPart& part : *parts) names.emplace_back(part.name);
  EXPECT_THAT(names, ElementsAre("kernel", "source", "types", "strides", "size class", "schedule", "target", "machine",
                                 "compiler", "abi", "loop grammar"));
}

TEST_F(CodeCache, UsedFilesArePartOfTheKey) {
  const fs::path own = folder_.path() / "own.ax", used = folder_.path() / "used.ax";
  cache::write_file(own, "use \"used.ax\"\nkernel k(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = change(x[i]) } }");
  const auto run = [&](const char* text) {
    cache::write_file(used, text);
    const Module module = load(own);
    const Tensor y = module["k"](x_);
    return y.view().as<const float>()[1];
  };
  EXPECT_EQ(run("fn change(a) = a + 1"), 3);
  EXPECT_EQ(run("fn change(a) = a + 2"), 4);
  EXPECT_EQ(run("fn change(a) = a + 1"), 3);
  EXPECT_THAT(store_.list(), SizeIs(2));
}

TEST_F(CodeCache, StoredCodeThatCannotBeRunIsDiscardedAndMadeAgain) {
  struct Case {
    const char* reason;
    std::function<std::string(const Made&)> code;
  };
  const auto object_for = [](const Made& made, const char* target) {
    const jit::Variant& variant = made.call->variant();
    const schedule::Target other = schedule::target(target);
    const auto loops = schedule::lower(variant.program(), made.entry->classes, made.entry->size, other);
    return codegen::make_object(loops, other).bytes;
  };
  const Case cases[] = {
      {"no ELF file", [](const Made&) { return std::string(100, 'x'); }},
      {"another machine", [&](const Made& made) { return object_for(made, "cpu.neon"); }},
      {"may not run",
       [&](const Made& made) {
         std::string code = object_for(made, "cpu.avx2");
         const std::size_t at = code.find("cpu.avx2");
         return at == std::string::npos ? code : code.replace(at, 8, "cpu.xyz9");
       }},
      {"abi_version",
       [&](const Made& made) {
         std::string code = object_for(made, "cpu.avx2");
         code[code.find("AUXK") + 8] = 99;
         return code;
       }},
      {"other arguments",
       [&](const Made&) {
         const Tensor doubles = Tensor::zeros({3}, DType::kF64);
         Made other(kScale, {doubles, doubles});
         return std::string(store_.find(other.call->key())->code());
       }},
  };
  for (const Case& each : cases) {
    Made first(kScale, {x_, by_});
    const cache::Key key = first.call->key();
    ASSERT_TRUE(store_.put(key, each.code(first))) << each.reason;
    lines_.clear();
    const Made second(kScale, {x_, by_});
    EXPECT_FALSE(second.entry->from_disk) << each.reason;
    EXPECT_THAT(second.values(), ElementsAre(2, 6, 12)) << each.reason;
    EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("discarded"), HasSubstr(each.reason))));
    EXPECT_TRUE(Made(kScale, {x_, by_}).entry->from_disk) << "and it was stored again";
  }
}

TEST_F(CodeCache, AFolderThatCannotBeUsedChangesNothing) {
  cache::write_file(folder_.path() / "file", "");
  cache::Store broken(folder_.path() / "file" / "kernels", 64 << 20);
  jit::set_code_store(&broken);
  for (int process = 0; process < 2; ++process) {
    const Made made(kScale, {x_, by_});
    EXPECT_FALSE(made.entry->from_disk);
    EXPECT_THAT(made.values(), ElementsAre(2, 6, 12));
  }
  EXPECT_THAT(lines_, SizeIs(1));
}

TEST_F(CodeCache, TestsRunWithoutTheUsersCache) {
  jit::set_code_store(nullptr);
  EXPECT_FALSE(jit::code_store().enabled());
}

TEST_F(CodeCache, SchedulesThatDoNotFitAreRefusedAsEver) {
  Made made(kScale, {x_, by_});
  const std::string text = "schedule 1 scale on " + made.module.kernels().front().state()->target().name +
                           " { launch scale { vector none } }";
  const Kernel pinned = made.module.kernels().front().with_schedule(text);
  const Tensor y = pinned(x_, by_);
  EXPECT_EQ(y.view().as<const float>()[2], 12);
  EXPECT_THAT(store_.list(), SizeIs(2));
  const Kernel wrong = made.module.kernels().front().with_schedule(text.substr(0, text.find('{')) +
                                                                   "{ launch nothing { vector none } }");
  for (int call = 0; call < 2; ++call) EXPECT_THROW(static_cast<void>(wrong(x_, by_)), InvalidConfig);
  EXPECT_THAT(store_.list(), SizeIs(2));
}

TEST_F(CodeCache, ExplainingStoredCodeLowersItAgain) {
  Made first(kScale, {x_, by_}), second(kScale, {x_, by_});
  ASSERT_TRUE(second.entry->from_disk);
  const jit::Lowered a = first.call->lowered(), b = second.call->lowered();
  EXPECT_EQ(a.schedule, b.schedule);
  EXPECT_FALSE(b.schedule.launches.empty());
}

}  // namespace
}  // namespace aurex
