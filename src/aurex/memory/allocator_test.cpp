#include "aurex/memory/allocator.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "aurex/base/error.h"
#include "aurex/telemetry/memory_counters.h"

namespace aurex {
namespace {

TEST(HostAllocator, TracksWhatItGivesOutAndTellsTelemetry) {
  HostAllocator allocator;
  const MemoryMark mark = mark_memory();
  void* memory = allocator.allocate(1000);
  EXPECT_EQ(allocator.tracker().used(), 1000);
  allocator.release(memory, 1000);
  EXPECT_EQ(allocator.tracker().used(), 0);
  EXPECT_EQ(allocator.tracker().peak(), 1000);
  const MemoryUse use = memory_since(mark);
  EXPECT_EQ(use.allocated, 1000);
  EXPECT_EQ(use.peak, 1000);
}

TEST(HostAllocator, TheLimitBinds) {
  HostAllocator allocator(4096);
  EXPECT_THROW(static_cast<void>(allocator.allocate(4097)), OutOfMemory);
  EXPECT_EQ(allocator.pool().telemetry().total, 0);
}

TEST(HostAllocator, WhatTheSystemRefusesIsNotCounted) {
  HostAllocator allocator;
  EXPECT_THROW(static_cast<void>(allocator.allocate(std::int64_t{1} << 60)), OutOfMemory);
  EXPECT_EQ(allocator.tracker().used(), 0);
}

TEST(HostAllocator, TheProcessHasOneLimitedByItsMemory) {
  EXPECT_EQ(&host_allocator(), &host_allocator());
  EXPECT_GT(host_allocator().tracker().limit(), 0);
  EXPECT_THROW(static_cast<void>(host_allocator().allocate(INT64_MAX)), OutOfMemory);
}

TEST(HostAllocator, WorksInTheChildOfAFork) {
  const Buffer before(100'000);
  const pid_t child = fork();
  if (child == 0) {
    const Buffer after(100'000);
    _exit(after.data() != before.data() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Buffer, OwnsItsBytesAndMovesThem) {
  const std::int64_t before = host_allocator().tracker().used();
  {
    Buffer a(500);
    Buffer b = std::move(a);
    EXPECT_EQ(b.size(), 500);
    EXPECT_EQ(a.data(), nullptr);  // NOLINT(bugprone-use-after-move, clang-analyzer-cplusplus.Move): the promise
    EXPECT_EQ(a.size(), 0);
    a = Buffer(10);
    EXPECT_EQ(host_allocator().tracker().used(), before + 510);
  }
  EXPECT_EQ(host_allocator().tracker().used(), before);
}

}  // namespace
}  // namespace aurex
