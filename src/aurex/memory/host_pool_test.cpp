#include "aurex/memory/host_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "aurex/base/error.h"

namespace aurex {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

TEST(HostPool, ANewPoolIsTwiceTheRequest) {
  HostPool pool;
  void* memory = pool.allocate(3 * kMiB);
  MemoryTelemetry figures = pool.telemetry();
  EXPECT_EQ(figures.pools, 1);
  EXPECT_EQ(figures.total, 6 * kMiB);
  EXPECT_EQ(figures.used, 3 * kMiB);
  EXPECT_EQ(figures.largest_free, 3 * kMiB);
  EXPECT_EQ(figures.fragmentation, 0);
  void* second = pool.allocate(3 * kMiB);  // fits what is left
  EXPECT_EQ(pool.telemetry().pools, 1);
  void* third = pool.allocate(2 * kMiB);
  EXPECT_EQ(pool.telemetry().pools, 2);
  pool.release(memory, 3 * kMiB);
  pool.release(second, 3 * kMiB);
  pool.release(third, 2 * kMiB);
  EXPECT_EQ(pool.telemetry().used, 0);
}

TEST(HostPool, PlacesFirstFitByAddress) {
  HostPool pool;
  char* a = static_cast<char*>(pool.allocate(100'000));
  char* b = static_cast<char*>(pool.allocate(100'000));
  char* c = static_cast<char*>(pool.allocate(100'000));
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  pool.release(a, 100'000);
  pool.release(c, 100'000);
  EXPECT_EQ(pool.allocate(50'000), a);
  pool.release(a, 50'000);
  pool.release(b, 100'000);
}

TEST(HostPool, FragmentationIsTheShareOfFreeMemoryOutsideTheLargestBlock) {
  HostPool pool;
  void* a = pool.allocate(kMiB / 4);
  void* b = pool.allocate(kMiB / 4);
  void* c = pool.allocate(kMiB / 2);  // the pool of 1 MiB is full
  EXPECT_EQ(pool.telemetry().largest_free, 0);
  EXPECT_EQ(pool.telemetry().fragmentation, 0);
  pool.release(a, kMiB / 4);
  pool.release(c, kMiB / 2);
  EXPECT_DOUBLE_EQ(pool.telemetry().fragmentation, 1.0 - 2.0 / 3.0);
  pool.release(b, kMiB / 4);
  EXPECT_EQ(pool.telemetry().fragmentation, 0);  // all three merged
  EXPECT_EQ(pool.telemetry().largest_free, kMiB);
}

TEST(HostPool, SmallBlocksComeFromTheirSizeClassAndAreReused) {
  HostPool pool;
  void* a = pool.allocate(1);
  void* b = pool.allocate(64);
  void* c = pool.allocate(65);
  EXPECT_EQ(pool.telemetry().used, 64 + 64 + 128);
  EXPECT_EQ(static_cast<char*>(b) - static_cast<char*>(a), 64);
  pool.release(b, 64);
  EXPECT_EQ(pool.allocate(33), b);
  pool.release(b, 33);
  pool.release(a, 1);
  pool.release(c, 65);
  EXPECT_EQ(pool.telemetry().used, 0);
}

TEST(HostPool, EveryAddressIsAlignedAndARequestOfNothingIsServed) {
  HostPool pool;
  std::vector<std::pair<void*, std::int64_t>> held;
  for (std::int64_t bytes : {0, 1, 63, 65, 4096, 4097, 100'001, 5'000'000}) {
    void* memory = pool.allocate(bytes);
    EXPECT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u) << bytes;
    held.emplace_back(memory, bytes);
  }
  for (auto [memory, bytes] : held) pool.release(memory, bytes);
}

TEST(HostPool, EmptyPoolsStayUpToTheBound) {
  HostPool keeping(8 * kMiB), dropping(0);
  for (HostPool* pool : {&keeping, &dropping}) pool->release(pool->allocate(4 * kMiB), 4 * kMiB);
  EXPECT_EQ(keeping.telemetry().total, 8 * kMiB);
  EXPECT_EQ(dropping.telemetry().total, 0);
  keeping.trim();
  EXPECT_EQ(keeping.telemetry().pools, 0);
}

TEST(HostPool, AnImpossibleRequestIsOutOfMemory) {
  HostPool pool;
  EXPECT_THROW(static_cast<void>(pool.allocate(std::int64_t{1} << 50)), OutOfMemory);
  EXPECT_THROW(static_cast<void>(pool.allocate(INT64_MAX)), OutOfMemory);
  EXPECT_EQ(pool.telemetry().total, 0);
}

/// Takes and gives back at random, and checks that no byte ever belongs to two blocks.
void churn(HostPool& pool, unsigned seed, int steps) {
  std::mt19937 random(seed);
  struct Block {
    unsigned char* memory;
    std::int64_t bytes;
    unsigned char mark;
  };
  std::vector<Block> held;
  for (int i = 0; i < steps; ++i) {
    if (held.size() < 20 && random() % 2 == 0) {
      const auto bytes = static_cast<std::int64_t>(random() % 4 == 0 ? 1 + random() % 300'000 : 1 + random() % 6'000);
      Block block{static_cast<unsigned char*>(pool.allocate(bytes)), bytes, static_cast<unsigned char>(random())};
      std::memset(block.memory, block.mark, static_cast<std::size_t>(bytes));
      held.push_back(block);
    } else if (!held.empty()) {
      std::swap(held[random() % held.size()], held.back());
      const Block block = held.back();
      held.pop_back();
      for (std::int64_t at : {std::int64_t{0}, block.bytes / 2, block.bytes - 1}) {
        ASSERT_EQ(block.memory[at], block.mark);
      }
      pool.release(block.memory, block.bytes);
    }
  }
  for (const Block& block : held) pool.release(block.memory, block.bytes);
}

TEST(HostPool, BlocksNeverOverlapAndEverythingMergesBack) {
  HostPool pool;
  churn(pool, 1, 4000);
  EXPECT_EQ(pool.telemetry().used, 0);
}

TEST(HostPool, ThreadsMayShareIt) {
  HostPool pool;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back([&pool, i] { churn(pool, i, 500); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.telemetry().used, 0);
}

}  // namespace
}  // namespace aurex
