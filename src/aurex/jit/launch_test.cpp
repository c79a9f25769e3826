// Calls that are like the one before take a shorter way; these tests hold it to what the whole way does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/base/thread_pool.h"
#include "aurex/jit/kernel.h"
#include "aurex/telemetry/recorder.h"

namespace {

/// Allocations of the calling thread.
thread_local std::int64_t allocations = 0;

}  // namespace

// The sanitizers bring an allocator of their own, which no program may replace but which calls back.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>

namespace {

const int counting = __sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) { ++allocations; },
                                                               [](const volatile void*) {});

}  // namespace
#else
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace aurex {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kText = R"(
kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }
kernel scale(x: T[R..., C], a: float) -> (z: T[R..., C]) { parallel r in R, i in C { z[r, i] = a * x[r, i] } }
kernel ramp(a: float) -> (z: f32[N]) { parallel i in N { z[i] = a * f32(i) } }
)";

class LaunchTest : public testing::Test {
 protected:
  LaunchTest() { std::iota(x_.begin(), x_.end(), 1.0f); }

  TensorView of(std::vector<float>& values, std::size_t first, std::int64_t count) {
    return view_of(std::span(values).subspan(first, static_cast<std::size_t>(count)), {count});
  }
  /// The name that InvalidConfig gives as its argument, and what it says.
  template <typename Function>
  std::string refusal(Function&& function) {
    try {
      function();
    } catch (const InvalidConfig& error) {
      return std::string(error.field("argument")) + ": " + error.message();
    }
    return "accepted";
  }

  const Module module_ = compile(kText);
  const Kernel& add_ = module_["add"];
  std::vector<float> x_ = std::vector<float>(32), z_ = std::vector<float>(32);
};

TEST_F(LaunchTest, ALikeCallReadsAndWritesTheArraysItIsGiven) {
  std::vector<float> other(32, 10.0f), place(32);
  add_.into(of(z_, 0, 3), of(x_, 0, 3), of(x_, 0, 3));
  add_.into(of(place, 0, 3), of(x_, 4, 3), of(other, 0, 3));
  EXPECT_THAT(std::span(z_).first(3), ElementsAre(2, 4, 6));
  EXPECT_THAT(std::span(place).first(4), ElementsAre(15, 16, 17, 0));
}

TEST_F(LaunchTest, ALikeCallAllocatesNothing) {
  const TensorView x = of(x_, 0, 8), z = of(z_, 0, 8);
  add_.into(z, x, x);
  const std::int64_t before = allocations;
  ASSERT_GT(before, 0);  // they are counted
  for (int i = 0; i < 3; ++i) add_.into(z, x, x);
  EXPECT_EQ(allocations, before);
}

TEST_F(LaunchTest, ARecordedCallSaysWhatItDidAndAllocatesNothing) {
  const Module spiking =
      compile("kernel leak(v: f32[N]) -> (w: f32[N]) : spiking { parallel i in N { w[i] = 0.9 * v[i] - 1 } }");
  const TensorView x = of(x_, 0, 8), z = of(z_, 0, 8);
  set_recording(true);
  spiking["leak"].into(z, x);
  add_.into(z, x, x);
  const std::int64_t before = allocations;
  add_.into(z, x, x);
  EXPECT_EQ(allocations, before);
  set_recording(false);
  const std::vector<Event> events = recorded_events();
  clear_events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].launch.core, CoreType::kSpiking);
  EXPECT_EQ(events[0].launch.flops, 16);
  EXPECT_EQ(events[2].name.view(), "add");
  EXPECT_EQ(events[2].launch.core, CoreType::kVector);
  EXPECT_THAT(events[2].launch.shape(), ElementsAre(8));
  EXPECT_EQ(events[2].launch.bytes, 3 * 8 * 4);
  EXPECT_EQ(events[2].launch.flops, 8);
  EXPECT_TRUE(events[2].launch.flops_exact);
}

TEST_F(LaunchTest, AnotherShapeIsNoticed) {
  add_.into(of(z_, 0, 4), of(x_, 0, 4), of(x_, 0, 4));
  add_.into(of(z_, 0, 6), of(x_, 0, 6), of(x_, 0, 6));
  EXPECT_THAT(std::span(z_).first(7), ElementsAre(2, 4, 6, 8, 10, 12, 0));
  EXPECT_THROW(add_.into(of(z_, 0, 6), of(x_, 0, 6), of(x_, 0, 5)), ShapeMismatch);
  EXPECT_THROW(add_.into(of(z_, 0, 5), of(x_, 0, 6), of(x_, 0, 6)), Error);
  TensorView square = of(x_, 0, 6);
  square.shape = {2, 3};
  square.strides = {3, 1};
  EXPECT_THROW(add_.into(of(z_, 0, 6), square, of(x_, 0, 6)), DimensionMismatch);
}

TEST_F(LaunchTest, AnotherStrideIsNoticed) {
  const TensorView x = of(x_, 0, 4), z = of(z_, 0, 4);
  add_.into(z, x, x);
  add_.into(z, x, slice(of(x_, 0, 8), 0, 0, 8, 2));
  EXPECT_THAT(std::span(z_).first(4), ElementsAre(2, 5, 8, 11));
  add_.into(slice(of(z_, 0, 8), 0, 0, 8, 2), x, x);
  EXPECT_THAT(std::span(z_).first(8), ElementsAre(2, 5, 4, 11, 6, 0, 8, 0));
  add_.into(z, slice(of(x_, 0, 4), 0, 3, -1, -1), x);
  EXPECT_THAT(std::span(z_).first(4), ElementsAre(5, 5, 5, 5));
}

TEST_F(LaunchTest, AnotherDTypeIsNoticed) {
  add_.into(of(z_, 0, 2), of(x_, 0, 2), of(x_, 0, 2));
  std::array<std::int32_t, 2> i{20, 30}, sum{};
  const TensorView a = view_of(std::span(i), {2}), b = view_of(std::span(sum), {2});
  add_.into(b, a, a);
  EXPECT_THAT(sum, ElementsAre(40, 60));
  EXPECT_THROW(add_.into(of(z_, 0, 2), a, a), DTypeMismatch);
  EXPECT_THROW(add_.into(of(z_, 0, 2), of(x_, 0, 2), a), Error);
}

TEST_F(LaunchTest, AnotherScalarIsNoticed) {
  const Kernel& scale = module_["scale"];
  const TensorView x = of(x_, 0, 2), z = of(z_, 0, 2);
  for (const double factor : {2.0, 2.0, 3.0, -1.0}) {
    scale.into(z, x, factor);
    EXPECT_THAT(std::span(z_).first(2), ElementsAre(static_cast<float>(factor), static_cast<float>(2 * factor)));
  }
}

TEST_F(LaunchTest, AnotherNamedExtentIsNoticed) {
  const Kernel& ramp = module_["ramp"];
  const Argument one[] = {1.0};
  for (const std::int64_t extent : {3, 3, 5, 2}) {
    const ax::NamedExtent named[] = {{"N", extent}};
    EXPECT_EQ(ramp.call_all(one, named)[0].view().shape, Dims{extent});
  }
  EXPECT_THROW(static_cast<void>(ramp.call_all(one)), ArgumentError);
}

TEST_F(LaunchTest, AnOverlapThatAppearsIsRefused) {
  const Kernel& add = add_;
  const TensorView x = of(x_, 0, 4), y = of(x_, 8, 4);
  const TensorView z = of(x_, 16, 4), shifted = of(x_, 2, 4);
  add.into(z, x, y);
  EXPECT_THAT(refusal([&] { add.into(shifted, x, y); }), HasSubstr("z: kernel add: output 'z' shares memory with 'x'"));
  EXPECT_THAT(refusal([&] { add.into(z, x, of(x_, 18, 4)); }), HasSubstr("shares memory with 'y'"));
  EXPECT_THAT(std::span(x_).first(4), ElementsAre(1, 2, 3, 4));  // nothing was written
  add.into(z, x, y);
  EXPECT_EQ(x_[16], 1.0f + 9.0f);
  add.into(x, x, y);  // the same elements, read before they are written
  EXPECT_THAT(std::span(x_).first(4), ElementsAre(10, 12, 14, 16));
}

TEST_F(LaunchTest, AReadOnlyOutputIsRefused) {
  const TensorView x = of(x_, 0, 4);
  TensorView z = of(z_, 0, 4);
  add_.into(z, x, x);
  z.read_only = true;
  EXPECT_THAT(refusal([&] { add_.into(z, x, x); }), HasSubstr("z: kernel add: output 'z' is read-only"));
}

TEST_F(LaunchTest, ArgumentsMissingOrSurplusAreNoticed) {
  const TensorView x = of(x_, 0, 4), z = of(z_, 0, 4);
  add_.into(z, x, x);
  EXPECT_THROW(add_.into(z, x), ArgumentError);
  EXPECT_THROW(add_.into(z, x, x, x), ArgumentError);
}

TEST_F(LaunchTest, ResultsThatAreAllocatedAndResultsThatAreGivenMix) {
  const TensorView x = of(x_, 0, 3), z = of(z_, 0, 3);
  for (int i = 0; i < 2; ++i) {
    const Tensor made = add_(x, x);
    EXPECT_THAT(std::span(made.view().as<float>(), 3), ElementsAre(2, 4, 6));
    add_.into(z, x, of(x_, 3, 3));
    EXPECT_THAT(std::span(z_).first(3), ElementsAre(5, 7, 9));
  }
}

TEST_F(LaunchTest, AnotherThreadCountGivesTheSame) {
  const int before = threads();
  std::vector<float> x(200'000), one(x.size()), two(x.size());
  std::iota(x.begin(), x.end(), 0.0f);
  const auto count = static_cast<std::int64_t>(x.size());
  set_threads(1);
  add_.into(of(one, 0, count), of(x, 0, count), of(x, 0, count));
  set_threads(2);
  add_.into(of(two, 0, count), of(x, 0, count), of(x, 0, count));
  set_threads(before);
  EXPECT_EQ(one, two);
  EXPECT_EQ(one.back(), 2.0f * x.back());
}

TEST_F(LaunchTest, ThreadsMayShareAKernel) {
  constexpr int kThreads = 20;  // more than a variant keeps tables for
  std::atomic<int> wrong = 0;
  std::vector<std::thread> crew;
  for (int t = 0; t < kThreads; ++t) {
    crew.emplace_back([&, t] {
      std::vector<float> x(8, static_cast<float>(t)), z(8);
      for (int i = 0; i < 200; ++i) {
        const std::int64_t count = 1 + (i / 50 + t) % 8;
        std::ranges::fill(z, -1.0f);
        add_.into(of(z, 0, count), of(x, 0, count), of(x, 0, count));
        const auto written = std::ranges::count(z, static_cast<float>(2 * t));
        wrong += written != count;
      }
    });
  }
  for (std::thread& thread : crew) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace aurex
