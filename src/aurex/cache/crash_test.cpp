// Processes that are killed while they write, and processes that write at once.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <thread>

#include "aurex/cache/store.h"
#include "aurex/cache/test_folder.h"

namespace aurex::cache {
namespace {

constexpr std::int64_t kPlenty = 1 << 30;
constexpr int kKeys = 40;

Key key_of(int number) {
  Key key("kernel");
  key.add("number", number);
  return key;
}

/// Several writes long, and different for each key.
std::string code_of(int number) {
  return std::string(static_cast<std::size_t>(2000 + 3000 * number), static_cast<char>('A' + number));
}

/// Runs `work` in a process of its own, whose exit status says whether it was true.
template <typename Work>
pid_t start(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  return child;
}

bool succeeded(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Every file whole, and every look-up the code of its key or nothing.
void expect_usable(Store& store, int round) {
  for (const Stored& stored : store.list()) EXPECT_EQ(stored.problem, "") << stored.file << " after kill " << round;
  for (int i = 0; i < kKeys; ++i) {
    const std::optional<Found> found = store.find(key_of(i));
    if (found) EXPECT_EQ(found->code(), code_of(i)) << "after kill " << round;
  }
}

TEST(Crash, AKillAtAnyMomentOfAWriteLeavesAUsableCache) {
  constexpr int kKills = 400;
  const TestFolder folder;
  Store store(folder.path() / "kernels", kPlenty);
  std::mt19937 random(1);  // NOLINT: the same moments in every run
  for (int round = 0; round < kKills; ++round) {
    const pid_t child = start([&] {
      for (unsigned i = random();; ++i)
        store.put(key_of(static_cast<int>(i % kKeys)), code_of(static_cast<int>(i % kKeys)));
      return true;
    });
    ASSERT_GT(child, 0);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    if (round % 20 == 0) expect_usable(store, round);
  }
  expect_usable(store, kKills);
  EXPECT_FALSE(store.list().empty()) << "the children wrote something";
  EXPECT_TRUE(store.put(key_of(0), code_of(0)));
}

TEST(Crash, ProcessesMayWriteReadAndEvictAtOnce) {
  const TestFolder folder;
  Store store(folder.path() / "kernels", 1 << 20);  // half of the keys fit
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    children.push_back(start([&store, child] {
      bool right = true;
      for (int i = 0; i < 100; ++i) {
        const int number = (i * (child % 2 == 0 ? 1 : 7) + child / 2) % 20;  // the same keys, in two orders
        store.put(key_of(number), code_of(number));
        const std::optional<Found> found = store.find(key_of(number));
        right = right && (!found || found->code() == code_of(number));
      }
      return right;
    }));
  }
  for (const pid_t child : children) EXPECT_TRUE(succeeded(child));
  for (const Stored& stored : store.list()) EXPECT_EQ(stored.problem, "") << stored.file;
}

TEST(Crash, AProcessMayClearWhileOthersWrite) {
  const TestFolder folder;
  Store store(folder.path() / "kernels", kPlenty);
  const pid_t writer = start([&store] {
    int stored = 0;
    for (int i = 0; i < 300; ++i) stored += store.put(key_of(i % 5), code_of(i % 5));
    return stored > 0;
  });
  const pid_t clearer = start([&store] {
    for (int i = 0; i < 100; ++i) store.clear();
    return true;
  });
  EXPECT_TRUE(succeeded(writer));
  EXPECT_TRUE(succeeded(clearer));
  for (const Stored& stored : store.list()) EXPECT_EQ(stored.problem, "") << stored.file;
  EXPECT_TRUE(store.put(key_of(0), code_of(0)));
}

}  // namespace
}  // namespace aurex::cache
