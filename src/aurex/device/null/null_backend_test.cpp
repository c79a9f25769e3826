#include <gtest/gtest.h>

#include "aurex/device/registry.h"

namespace aurex {
namespace {

TEST(NullBackend, RunsDriveAndNoTile) {
  static int drives, tiles;
  drives = tiles = 0;
  CallRequest request;
  request.plan.shared_bytes = 100;
  request.drive = [](const AurexFrame* frame) {
    ++drives;
    frame->shared[99] = 1;
    const auto block = [](const AurexFrame*, AurexWorker*, std::int64_t, std::int64_t) { ++tiles; };
    const AurexLaunch launch{.block = block, .name = "none", .number = 0, .flags = 0, .reserved = 0};
    EXPECT_EQ(frame->runtime->parallel(frame, &launch, 10, 0, 0), 0);
  };
  const CallOutcome outcome = find_device("null").backend().call(request);
  EXPECT_EQ(drives, 1);
  EXPECT_EQ(tiles, 0);
  EXPECT_EQ(outcome.fault.fault, kAurexFaultNone);
}

}  // namespace
}  // namespace aurex
