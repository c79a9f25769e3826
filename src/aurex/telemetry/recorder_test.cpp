#include "aurex/telemetry/recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace aurex {
namespace {

class Recorder : public ::testing::Test {
 protected:
  Recorder() {
    clear_events();
    set_recording(true);
  }
  ~Recorder() override {
    set_recording(false);
    clear_events();
  }
};

TEST_F(Recorder, OffKeepsNothing) {
  set_recording(false);
  {
    const Zone zone("quiet");
  }
  record_launch("add", 0, {});
  EXPECT_TRUE(recorded_events().empty());
}

TEST_F(Recorder, AZoneHasItsTimeAndItsMemory) {
  const std::int64_t before = monotonic_ns();
  {
    const Zone zone("decode");
    note_allocation(64);
    note_release(64);
  }
  const std::vector<Event> events = recorded_events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].name.view(), "decode");
  EXPECT_EQ(events[0].kind, Event::Kind::kZone);
  EXPECT_GE(events[0].begin_ns, before);
  EXPECT_GE(events[0].end_ns, events[0].begin_ns);
  EXPECT_EQ(events[0].bytes_allocated, 64);
  EXPECT_EQ(events[0].peak_bytes, 64);
}

TEST_F(Recorder, ALaunchHasItsFacts) {
  LaunchFacts facts{.core = CoreType::kMatrix, .rank = 2, .bytes = 96, .flops = 48};
  facts.extents = {4, 6};
  record_launch("matmul", monotonic_ns(), facts);
  const std::vector<Event> events = recorded_events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Event::Kind::kLaunch);
  EXPECT_EQ(events[0].launch.core, CoreType::kMatrix);
  EXPECT_EQ(events[0].launch.shape().size(), 2u);
  EXPECT_EQ(events[0].launch.shape()[1], 6);
  EXPECT_EQ(events[0].launch.flops, 48);
}

TEST_F(Recorder, EventsComeByTimeWithTheOuterZoneFirst) {
  {
    const Zone outer("outer");
    const Zone inner("inner");
  }
  const std::vector<Event> events = recorded_events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].name.view(), "outer");
  EXPECT_EQ(events[1].name.view(), "inner");
}

TEST_F(Recorder, AFullRingForgetsTheOldestAndCountsIt) {
  for (std::size_t i = 0; i < kRingCapacity + 3; ++i) record({.begin_ns = static_cast<std::int64_t>(i)});
  const std::vector<Event> events = recorded_events();
  EXPECT_EQ(events.size(), kRingCapacity);
  EXPECT_EQ(events.front().begin_ns, 3);
  EXPECT_EQ(events.back().begin_ns, static_cast<std::int64_t>(kRingCapacity) + 2);
  EXPECT_EQ(dropped_events(), 3);
  clear_events();
  EXPECT_EQ(dropped_events(), 0);
}

TEST_F(Recorder, EventsOutliveTheirThreadAndThreadsAreToldApart) {
  std::thread([] { const Zone zone("worker"); }).join();
  {
    const Zone zone("main");
  }
  const std::vector<Event> events = recorded_events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].name.view(), "worker");
  EXPECT_NE(events[0].thread, events[1].thread);
}

TEST_F(Recorder, ReadersAndWritersMayRunAtOnce) {
  std::atomic<bool> done = false;
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([] {
      for (int n = 0; n < 500; ++n) const Zone zone("busy");
    });
  }
  std::thread reader([&] {
    while (!done) static_cast<void>(recorded_events());
  });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(recorded_events().size(), 1500u);
}

TEST(FixedName, IsCutAtACharacterBoundary) {
  EXPECT_EQ(FixedName<8>("softmax").view(), "softmax");
  EXPECT_EQ(FixedName<8>("12345678").view(), "12345678");
  EXPECT_EQ(FixedName<8>("123456789").view(), "12345678");
  EXPECT_EQ(FixedName<8>("1234567\xc3\xa9").view(), "1234567");
  EXPECT_EQ(FixedName<8>("123456\xe2\x82\xac!").view(), "123456");
}

}  // namespace
}  // namespace aurex
