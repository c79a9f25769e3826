#include "aurex/telemetry/memory_counters.h"

#include <gtest/gtest.h>

#include <thread>

namespace aurex {
namespace {

TEST(MemoryCounters, CountWhatIsTakenAndTheMostHeld) {
  const MemoryMark mark = mark_memory();
  note_allocation(100);
  note_allocation(50);
  note_release(100);
  note_allocation(20);
  const MemoryUse use = memory_since(mark);
  EXPECT_EQ(use.allocated, 170);
  EXPECT_EQ(use.peak, 150);
  note_release(70);
}

TEST(MemoryCounters, AnInnerMarkDoesNotHideThePeakFromTheOuter) {
  const MemoryMark outer = mark_memory();
  note_allocation(1000);
  note_release(1000);
  const MemoryMark inner = mark_memory();
  note_allocation(10);
  EXPECT_EQ(memory_since(inner).peak, 10);
  EXPECT_EQ(memory_since(outer).peak, 1000);
  note_release(10);
}

TEST(MemoryCounters, AnInnerPeakIsAlsoTheOuters) {
  const MemoryMark outer = mark_memory();
  note_allocation(5);
  const MemoryMark inner = mark_memory();
  note_allocation(100);
  note_release(100);
  EXPECT_EQ(memory_since(inner).peak, 100);
  EXPECT_EQ(memory_since(outer).peak, 105);
  note_release(5);
}

TEST(MemoryCounters, OtherThreadsDoNotShow) {
  const MemoryMark mark = mark_memory();
  std::thread([] { note_allocation(1 << 20); }).join();
  EXPECT_EQ(memory_since(mark).allocated, 0);
}

}  // namespace
}  // namespace aurex
