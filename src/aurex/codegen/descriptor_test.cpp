// What compiled code says of itself, and what a loader makes of it.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "aurex/base/error.h"
#include "aurex/codegen/call_fixture.h"
#include "aurex/codegen/check_kernel.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {
namespace {

constexpr const char* kText = R"(program p on cpu.avx2 extents 2 packs 1 {
  scalar a: f64 @0
  scalar b: f64 @1
  scalar n: i64 @0
  buffer x: f32 argument 0 [extent(0) pack @0, extent(1) any @8]
  buffer z: f16 argument 2 [extent(1) unit @0]
  buffer w: f32 worker align 64 [4 unit]
  site 3:14 "x" over i in extent(0), j in (@n * 2)
  site 4:1 "small"
  launch first tile i in extent(1) by 8 scratch [w] costs 1:f64 {
    check 1 site 0 (i < 0) at i value i bound 0
  }
  launch second tile k in extent(1) by 8 scratch [] costs 1:f64 { print site 1 k at k }
  launch third tile l in extent(1) by 8 scratch [] costs 1:f64 { }
})";

std::shared_ptr<const CompiledCode> compiled() {
  return compile(program_of(kText), schedule::target(runnable().front()));
}

TEST(Descriptor, SaysWhatTheCodeTakesAndHas) {
  const auto code = compiled();
  const AurexKernel& kernel = code->kernel();
  EXPECT_EQ(kernel.abi_version, kAurexAbiVersion);
  EXPECT_EQ(kernel.loop_grammar, schedule::kLoopGrammar);
  EXPECT_EQ(kernel.compiler_build, compiler_build());
  EXPECT_STREQ(kernel.name, "p");
  EXPECT_EQ(kernel.target, runnable().front());
  EXPECT_NE(std::string(kernel.features).find("avx2"), std::string::npos);
  EXPECT_EQ(kernel.extent_count, 2);
  EXPECT_EQ(kernel.pack_count, 1);
  EXPECT_EQ(kernel.f64_count, 2);
  EXPECT_EQ(kernel.i64_count, 1);

  ASSERT_EQ(kernel.array_count, 3);
  EXPECT_STREQ(kernel.arrays[0].name, "x");
  EXPECT_EQ(kernel.arrays[0].unit_bytes, 4);
  EXPECT_EQ(kernel.arrays[0].stride_count, kAurexPackRank + 1);
  EXPECT_STREQ(kernel.arrays[1].name, "") << "an entry that the code does not use";
  EXPECT_EQ(kernel.arrays[2].unit_bytes, 2);
  EXPECT_EQ(kernel.arrays[2].align, 1);

  ASSERT_EQ(kernel.launch_count, 3);
  const std::uint32_t flags[] = {kAurexLaunchFaults | kAurexLaunchScratch, kAurexLaunchPrints, 0};
  const char* names[] = {"first", "second", "third"};
  for (int i = 0; i < 3; ++i) {
    EXPECT_STREQ(kernel.launches[i].name, names[i]);
    EXPECT_EQ(kernel.launches[i].number, i);
    EXPECT_EQ(kernel.launches[i].flags, flags[i]);
  }
}

TEST(Descriptor, NamesTheAxesOfSitesAndKnowsTheirExtents) {
  const auto code = compiled();
  const AurexKernel& kernel = code->kernel();
  ASSERT_EQ(kernel.site_count, 2);
  EXPECT_STREQ(kernel.sites[0].text, "x");
  EXPECT_EQ(kernel.sites[0].line, 3);
  EXPECT_EQ(kernel.sites[0].column, 14);
  EXPECT_EQ(kernel.sites[0].axis_count, 2);
  EXPECT_EQ(kernel.sites[1].axis_count, 0);
  ASSERT_EQ(kernel.axis_count, 2);
  EXPECT_STREQ(kernel.axes[0].name, "i");
  EXPECT_STREQ(kernel.axes[1].name, "j");
  const std::int64_t extents[] = {5, 6}, integers[] = {21};
  AurexFrame frame{};
  frame.extents = extents;
  frame.i64_scalars = integers;
  std::int64_t found[2] = {};
  kernel.extents(&frame, found);
  EXPECT_EQ(found[0], 5);
  EXPECT_EQ(found[1], 42);
}

TEST(Descriptor, IsRefusedByFieldWhereThisProcessCannotRunIt) {
  const auto code = compiled();
  const AurexParameter aligned{
      .name = "x", .plane = 0, .unit_bytes = 4, .unit_elements = 1, .stride_count = 1, .align = 16, .reserved = 0};
  const AurexSite astray{.text = "", .line = 0, .column = 0, .first_axis = 1, .axis_count = 2, .reserved = 0};
  struct Case {
    const char* field;
    std::function<void(AurexKernel&)> change;
  };
  const Case cases[] = {
      {"magic", [](AurexKernel& k) { k.magic = 0; }},
      {"abi_version", [](AurexKernel& k) { ++k.abi_version; }},
      {"abi_version", [](AurexKernel& k) { --k.abi_version; }},
      {"size", [](AurexKernel& k) { k.size = 40; }},
      {"frame_size", [](AurexKernel& k) { k.frame_size += 8; }},
      {"worker_size", [](AurexKernel& k) { k.worker_size += 8; }},
      {"plan_size", [](AurexKernel& k) { k.plan_size += 8; }},
      {"runtime_size", [](AurexKernel& k) { k.runtime_size += 8; }},
      {"arrays", [](AurexKernel& k) { k.array_count = -1; }},
      {"arrays", [&](AurexKernel& k) { k.arrays = &aligned, k.array_count = 1; }},
      {"launches", [](AurexKernel& k) { k.launches = nullptr; }},
      {"sites", [&](AurexKernel& k) { k.sites = &astray, k.site_count = 1; }},
      {"axes", [](AurexKernel& k) { k.axes = nullptr; }},
      {"plan and drive", [](AurexKernel& k) { k.drive = nullptr; }},
      {"extents", [](AurexKernel& k) { k.extents = nullptr; }},
      {"target", [](AurexKernel& k) { k.target = "cpu.neon"; }},
  };
  EXPECT_NO_THROW(static_cast<void>(check_kernel(code->kernel())));
  for (const Case& c : cases) {
    AurexKernel changed = code->kernel();
    c.change(changed);
    try {
      static_cast<void>(check_kernel(changed));
      ADD_FAILURE() << c.field << " was not looked at";
    } catch (const KernelError& error) {
      EXPECT_EQ(error.field("field"), c.field);
    }
  }
}

TEST(Descriptor, MayHaveFieldsThatThisVersionDoesNotKnow) {
  const auto code = compiled();
  struct Later {
    AurexKernel known;
    std::uint64_t unknown;
  } later{code->kernel(), 7};
  later.known.size = sizeof(Later);
  EXPECT_EQ(check_kernel(later.known).drive, code->drive());
}

TEST(Code, ReadsAndWritesArraysAtAnyAddress) {
  // One byte more than elements: against the end of a page, every array begins at an odd address.
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kI16, DType::kI64}) {
    const std::string text = fmt::format(R"(program odd on cpu.avx2 extents 1 packs 0 {{
      buffer x: {0} argument 0 [extent(0) unit @0]
      buffer y: {0} argument 1 [extent(0) unit @0]
      buffer z: {0} argument 2 [extent(0) unit @0]
      launch odd tile t in 1 by 1 scratch [] costs 1:f64 {{
        vector i in 0 .. extent(0) by 4x2 narrow {{
          store y.unit[i] = (x.unit[i] + x.gather[((extent(0) - 1) - i)]) stream
        }}
        for k in 0 .. extent(0) {{ store z.uniform[k] = (x.uniform[k] + y.uniform[k]) }}
        vector j in 0 .. extent(0) by 4x1 masked {{ store z.unit[j] += x.unit[j] }}
      }}
    }})",
                                         to_string(dtype));
    TestArray odd = TestArray::of(dtype, ramp(29));
    odd.bytes.push_back(0);
    SCOPED_TRACE(to_string(dtype));
    expect_same(text, TestCall{.extents = {29}, .arrays = {odd, odd, odd}});
  }
}

}  // namespace
}  // namespace aurex::codegen
