#include "aurex/telemetry/profiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aurex/telemetry/recorder.h"

namespace aurex {
namespace {

TEST(Profiler, TheMacrosOfTheSeedRecordOperationsAndSteps) {
  Profiler prof;
  int calls = 0;
  AUREX_PROFILE_OP(prof, "matmul", {
    note_allocation(256);
    note_release(256);
    ++calls;
  });
  AUREX_PROFILE_STEP(prof, "decode", {
    const std::pair<int, int> pair{1, 2};  // commas are no trouble
    calls += pair.second;
  });
  EXPECT_EQ(calls, 3);
  const std::vector<ProfileRecord> records = prof.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].name, "matmul");
  EXPECT_EQ(records[0].kind, ProfileRecord::Kind::kOp);
  EXPECT_EQ(records[0].bytes_allocated, 256);
  EXPECT_EQ(records[0].peak_bytes, 256);
  EXPECT_GE(records[0].duration_ns, 0);
  EXPECT_EQ(records[1].name, "decode");
  EXPECT_EQ(records[1].kind, ProfileRecord::Kind::kStep);
  EXPECT_EQ(records[1].bytes_allocated, 0);
}

TEST(Profiler, SwitchedOffItRunsTheBlockAndRecordsNothing) {
  Profiler prof(false);
  int calls = 0;
  AUREX_PROFILE_OP(prof, "matmul", { ++calls; });
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(prof.records().empty());
}

TEST(Profiler, ABlockThatThrowsIsRecorded) {
  Profiler prof;
  EXPECT_THROW(AUREX_PROFILE_OP(prof, "bad", { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_EQ(prof.records().size(), 1u);
}

TEST(Profiler, KeepsTheNewestRecords) {
  Profiler prof(true, 2);
  for (const char* name : {"a", "b", "c"}) AUREX_PROFILE_OP(prof, name, {});
  ASSERT_EQ(prof.records().size(), 2u);
  EXPECT_EQ(prof.records()[0].name, "b");
  EXPECT_EQ(prof.dropped(), 1);
  prof.clear();
  EXPECT_TRUE(prof.records().empty());
  EXPECT_EQ(prof.dropped(), 0);
}

TEST(Profiler, ThreadsMayShareOne) {
  Profiler prof;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) AUREX_PROFILE_OP(prof, "op", {});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(prof.records().size(), 300u);
}

TEST(Profiler, RecordsAreEventsWhileTheRecorderIsOn) {
  clear_events();
  set_recording(true);
  Profiler prof;
  AUREX_PROFILE_OP(prof, "traced", {});
  set_recording(false);
  ASSERT_EQ(recorded_events().size(), 1u);
  EXPECT_EQ(recorded_events()[0].name.view(), "traced");
  clear_events();
}

TEST(Profiler, TheTableHasOneLinePerName) {
  Profiler prof;
  for (int i = 0; i < 3; ++i) AUREX_PROFILE_OP(prof, "softmax", { note_allocation(8); });
  note_release(24);
  AUREX_PROFILE_OP(prof, "a_longer_name", {});
  const std::string table = prof.table();
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 3);
  EXPECT_NE(table.find("softmax               3"), std::string::npos) << table;
  EXPECT_NE(table.find("          24            8\n"), std::string::npos) << table;
}

}  // namespace
}  // namespace aurex
