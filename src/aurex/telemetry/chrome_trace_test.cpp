#include "aurex/telemetry/chrome_trace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "aurex/base/error.h"

namespace aurex {
namespace {

std::vector<Event> sample() {
  Event zone;
  zone.thread = 1;
  zone.begin_ns = 5'000'000'000;
  zone.end_ns = 5'000'003'500;
  zone.name = "line\n\"quoted\" \\ µ";
  zone.bytes_allocated = 64;
  zone.peak_bytes = 32;
  Event launch;
  launch.kind = Event::Kind::kLaunch;
  launch.thread = 2;
  launch.begin_ns = 5'000'001'000;
  launch.end_ns = 5'000'002'000;
  launch.name = "matmul";
  launch.launch = {.core = CoreType::kMatrix, .rank = 2, .extents = {4, 6}, .bytes = 2000, .flops = 48000};
  return {zone, launch};
}

TEST(ChromeTrace, IsJsonWithOneCompleteEventEach) {
  const auto trace = nlohmann::json::parse(chrome_trace(sample()));
  const auto& events = trace.at("traceEvents");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].at("ph"), "X");
  EXPECT_EQ(events[0].at("name"), "line\n\"quoted\" \\ µ");
  EXPECT_EQ(events[0].at("ts"), 0.0);
  EXPECT_EQ(events[0].at("dur"), 3.5);
  EXPECT_EQ(events[0].at("args").at("bytes_allocated"), 64);
  EXPECT_EQ(events[1].at("tid"), 2);
  EXPECT_EQ(events[1].at("ts"), 1.0);
  EXPECT_EQ(events[1].at("cat"), "launch");
}

TEST(ChromeTrace, LaunchesCarryShapeAndRates) {
  const auto args = nlohmann::json::parse(chrome_trace(sample())).at("traceEvents")[1].at("args");
  EXPECT_EQ(args.at("core"), "matrix");
  EXPECT_EQ(args.at("shape"), (nlohmann::json{4, 6}));
  EXPECT_EQ(args.at("GB/s"), 2.0);
  EXPECT_EQ(args.at("GF/s"), 48.0);
}

TEST(ChromeTrace, ARateOfOperationsNeedsAnExactCount) {
  std::vector<Event> events = sample();
  events[1].launch.flops_exact = false;
  const auto bound = nlohmann::json::parse(chrome_trace(events)).at("traceEvents")[1].at("args");
  EXPECT_EQ(bound.at("flops_at_most"), 48000);
  EXPECT_FALSE(bound.contains("flops") || bound.contains("GF/s"));
  events[1].launch.flops = LaunchFacts::kUnknownFlops;
  const auto unknown = nlohmann::json::parse(chrome_trace(events)).at("traceEvents")[1].at("args");
  EXPECT_FALSE(unknown.contains("flops_at_most") || unknown.contains("GF/s"));
}

TEST(ChromeTrace, OfNothingIsStillATrace) {
  EXPECT_TRUE(nlohmann::json::parse(chrome_trace({})).at("traceEvents").empty());
}

TEST(ChromeTrace, IsWrittenToAFile) {
  const auto path = std::filesystem::temp_directory_path() / ("aurex_trace_test." + std::to_string(getpid()));
  write_chrome_trace(path.string(), sample());
  std::ifstream file(path);
  EXPECT_EQ(nlohmann::json::parse(file).at("traceEvents").size(), 2u);
  std::filesystem::remove(path);
  EXPECT_THROW(write_chrome_trace((path / "nowhere").string(), sample()), IoError);
}

}  // namespace
}  // namespace aurex
