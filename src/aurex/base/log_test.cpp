#include "aurex/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "aurex/base/config.h"
#include "aurex/base/error.h"

namespace aurex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

static_assert(ValidatableConfig<LogConfig>);

/// Collects "level message name=value …" and leaves the library silent again.
class Log : public ::testing::Test {
 protected:
  void collect(LogLevel level) {
    set_log_sink(
        [this](const LogRecord& record) {
          std::string line = std::string(to_string(record.level)) + " " + std::string(record.message);
          for (const LogField& field : record.fields) line += " " + std::string(field.name) + "=" + field.value;
          lines_.push_back(line);
          where_ = record.where;
        },
        level);
  }
  ~Log() override { set_log_sink({}); }

  std::vector<std::string> lines_;
  std::source_location where_;
};

TEST_F(Log, IsSilentWithoutASink) {
  set_log_sink({});
  EXPECT_FALSE(log_enabled(LogLevel::kError));
  log_error("nobody hears this");
}

TEST_F(Log, PassesRecordsUpToTheLevel) {
  collect(LogLevel::kInfo);
  log_error("e");
  log_warn("w");
  log_info("i", {{"device", "cpu"}});
  log_debug("d");
  log_trace("t");
  EXPECT_THAT(lines_, ElementsAre("error e", "warn w", "info i device=cpu"));
}

TEST_F(Log, ARecordSaysWhereItCameFrom) {
  collect(LogLevel::kInfo);
  const auto line = std::source_location::current().line() + 1;
  log_info("here");
  EXPECT_EQ(where_.line(), line);
}

TEST_F(Log, ASinkIsCalledByOneThreadAtATime) {
  collect(LogLevel::kInfo);
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([] {
      for (int n = 0; n < 100; ++n) log_info("x");
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(lines_.size(), 400u);
}

TEST_F(Log, ATrainingStepIsOneLine) {
  collect(LogLevel::kInfo);
  log_training_step({.epoch = 1, .step = 20, .loss = 0.5, .learning_rate = 1e-3});
  log_training_step({.step = 21, .loss = 0.25, .tokens_per_second = 1500.0});
  EXPECT_THAT(lines_,
              ElementsAre("info training step epoch=1 step=20 loss=0.5 learning_rate=0.001",
                          "info training step epoch=0 step=21 loss=0.25 learning_rate=0 tokens_per_second=1500"));
}

TEST_F(Log, ALossThatIsNotFiniteIsAWarning) {
  collect(LogLevel::kWarn);
  log_training_step({.loss = std::nan("")});
  log_training_step({.loss = 1});
  EXPECT_THAT(lines_, ElementsAre("warn training step epoch=0 step=0 loss=nan learning_rate=0"));
}

TEST_F(Log, MemoryWarnsWhenItIsTight) {
  collect(LogLevel::kWarn);
  log_memory_usage("pool", 50, 100);
  log_memory_usage("pool", 50, 0);
  EXPECT_THAT(lines_, IsEmpty());
  log_memory_usage("pool", 95, 100);
  EXPECT_THAT(lines_, ElementsAre("warn memory label=pool used_bytes=95 total_bytes=100 share=0.95"));
}

TEST(LogLevels, PrintAndParse) {
  for (const auto level :
       {LogLevel::kOff, LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo, LogLevel::kDebug, LogLevel::kTrace}) {
    EXPECT_EQ(parse_log_level(to_string(level)), level);
  }
  EXPECT_THROW((void)parse_log_level("loud"), InvalidConfig);
}

TEST(LogConfigs, PresetsAreValidAndDiffer) {
  for (const LogConfig& config : {LogConfig::development(), LogConfig::production(), LogConfig::testing()}) {
    EXPECT_TRUE(try_validate(config).ok());
  }
  EXPECT_EQ(LogConfig::development().level, LogLevel::kDebug);
  EXPECT_EQ(LogConfig::production().format, LogFormat::kJson);
  EXPECT_FALSE(LogConfig::testing().timestamps);
}

TEST(LogConfigs, NonsenseIsRefused) {
  EXPECT_THROW(LogConfig::production().with_colour(true).validate(), InvalidConfig);
  EXPECT_THROW(LogConfig().with_file("logs/").validate(), InvalidConfig);
}

/// What a file holds after one record was logged into it.
std::string logged(const LogConfig& config) {
  const auto file = std::filesystem::temp_directory_path() / ("aurex_log_" + std::to_string(getpid()));
  init_logging(config.with_file(file.string()));
  log_info("device \"x\"", {{"n", "1"}});
  set_log_sink({});
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::filesystem::remove(file);
  return text;
}

TEST(LogFiles, TextHasNameAndValue) {
  EXPECT_EQ(logged(LogConfig::testing().with_level(LogLevel::kInfo)), "info    device \"x\" n=1\n");
}

TEST(LogFiles, JsonIsEscaped) {
  EXPECT_EQ(logged(LogConfig::production().with_timestamps(false)),
            "{\"level\":\"info\",\"message\":\"device \\\"x\\\"\",\"n\":\"1\"}\n");
  EXPECT_THAT(logged(LogConfig::production()), HasSubstr("{\"time\":\"2"));
}

TEST(LogFiles, AFileThatCannotBeOpenedIsAnIoError) {
  EXPECT_THROW(init_logging(LogConfig().with_file("/dev/null/log")), IoError);
}

}  // namespace
}  // namespace aurex
