#include "aurex/base/thread_count.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace aurex {
namespace {

namespace fs = std::filesystem;

/// A control-group tree in a folder of its own.
class Cgroup : public ::testing::Test {
 protected:
  Cgroup()
      : folder_(fs::temp_directory_path() /
                ("aurex_cgroup_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "_" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" + std::to_string(getpid()))) {}
  ~Cgroup() override { fs::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text;
  }
  [[nodiscard]] int count() const { return cgroup_thread_count({folder_ / "membership", folder_ / "mount"}); }
  [[nodiscard]] std::optional<std::int64_t> memory() const {
    return cgroup_memory_bytes({folder_ / "membership", folder_ / "mount"});
  }

 private:
  fs::path folder_;
};

TEST_F(Cgroup, NoFilesMeanNoQuota) { EXPECT_EQ(count(), 0); }

TEST_F(Cgroup, Version2QuotaIsRoundedUp) {
  write("membership", "0::/job\n");
  write("mount/job/cpu.max", "150000 100000\n");
  EXPECT_EQ(count(), 2);
}

TEST_F(Cgroup, Version2MaxMeansNoQuota) {
  write("membership", "0::/job\n");
  write("mount/job/cpu.max", "max 100000\n");
  EXPECT_EQ(count(), 0);
}

TEST_F(Cgroup, TheTightestGroupOnTheWayUpDecides) {
  write("membership", "0::/a/b\n");
  write("mount/a/b/cpu.max", "800000 100000\n");
  write("mount/a/cpu.max", "300000 100000\n");
  EXPECT_EQ(count(), 3);
}

TEST_F(Cgroup, AContainerSeesItsGroupAsTheRootOfTheMount) {
  write("membership", "0::/docker/1f2e\n");
  write("mount/cpu.max", "50000 100000\n");
  EXPECT_EQ(count(), 1);
}

TEST_F(Cgroup, Version1IsReadUnderItsControllers) {
  write("membership", "9:memory:/x\n4:cpu,cpuacct:/x\n");
  write("mount/cpu,cpuacct/x/cpu.cfs_quota_us", "400000\n");
  write("mount/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(count(), 4);
}

TEST_F(Cgroup, Version1MinusOneMeansNoQuota) {
  write("membership", "4:cpu:/\n");
  write("mount/cpu/cpu.cfs_quota_us", "-1\n");
  write("mount/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(count(), 0);
}

TEST_F(Cgroup, NonsenseIsPassedOver) {
  write("membership", "nonsense\n0::/job\n");
  write("mount/job/cpu.max", "many few\n");
  EXPECT_EQ(count(), 0);
}

TEST_F(Cgroup, MemoryIsBoundedByTheTightestGroup) {
  EXPECT_EQ(memory(), std::nullopt);
  write("membership", "0::/a/b\n");
  write("mount/a/b/memory.max", "max\n");
  EXPECT_EQ(memory(), std::nullopt);
  write("mount/a/memory.max", "1073741824\n");
  EXPECT_EQ(memory(), 1 << 30);
  write("mount/a/b/memory.max", "4096\n");
  EXPECT_EQ(memory(), 4096);
}

TEST_F(Cgroup, MemoryOfVersion1IsReadUnderItsController) {
  write("membership", "9:memory:/x\n4:cpu,cpuacct:/x\n");
  write("mount/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory(), std::nullopt);
  write("mount/memory/x/memory.limit_in_bytes", "8388608\n");
  EXPECT_EQ(memory(), 8 << 20);
}

TEST(ThreadCount, FollowsTheAffinityOfTheThread) {
  int count = 0;
  std::thread([&count] {
    cpu_set_t all, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    count = affinity_thread_count();
  }).join();
  EXPECT_EQ(count, 1);
  EXPECT_GE(available_thread_count(), 1);
  EXPECT_LE(available_thread_count(), affinity_thread_count());
}

}  // namespace
}  // namespace aurex
