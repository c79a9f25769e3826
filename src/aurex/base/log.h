#pragma once

// Structured logging: a level, a sentence, and named fields.
//
// The library never prints on its own account: until a program calls init_logging or installs a sink, records go
// nowhere. Every function here may be called from any thread; a sink is called by one thread at a time.
//
//   init_logging(LogConfig::development());
//   log_info("device chosen", {{"device", "cpu"}, {"threads", "8"}});

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>

namespace aurex {

enum class LogLevel : std::uint8_t { kOff, kError, kWarn, kInfo, kDebug, kTrace };

/// "error", "warn" and so on.
[[nodiscard]] std::string_view to_string(LogLevel level);
/// The inverse; raises InvalidConfig that lists the legal names.
[[nodiscard]] LogLevel parse_log_level(std::string_view name);

struct LogField {
  std::string_view name;
  std::string value;
};

struct LogRecord {
  LogLevel level;
  std::int64_t monotonic_ns;
  std::string_view message;
  std::span<const LogField> fields;
  std::source_location where;
};

using LogSink = std::function<void(const LogRecord&)>;

enum class LogFormat : std::uint8_t {
  kText,  ///< level, message, name=value …
  kJson,  ///< one object a line, for collectors
};

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  bool colour = false;     ///< on a terminal only
  bool timestamps = true;  ///< local time to the millisecond
  bool source = false;     ///< file and line of the call
  std::string file;        ///< empty: standard error; a file gets everything, and warnings still reach standard error

  /// Everything from debug on, coloured, with source lines.
  [[nodiscard]] static LogConfig development();
  /// From info on, one JSON object a line.
  [[nodiscard]] static LogConfig production();
  /// Warnings only and no time of day, so that output can be compared.
  [[nodiscard]] static LogConfig testing();

  [[nodiscard]] LogConfig with_level(LogLevel value) const;
  [[nodiscard]] LogConfig with_format(LogFormat value) const;
  [[nodiscard]] LogConfig with_colour(bool value) const;
  [[nodiscard]] LogConfig with_timestamps(bool value) const;
  [[nodiscard]] LogConfig with_source(bool value) const;
  [[nodiscard]] LogConfig with_file(std::string value) const;
  void validate() const;
};

/// Sends records to standard error or a file as `config` says; replaces what was installed before. AUREX_LOG, where
/// set, overrides the level. Raises InvalidConfig, or IoError when the file cannot be opened.
void init_logging(const LogConfig& config);

/// Sends records to `sink` instead (a test, Python's logging, telemetry). An empty sink silences the library.
void set_log_sink(LogSink sink, LogLevel level = LogLevel::kInfo);

/// Whether a record of this level would go anywhere: one relaxed load, to keep from building costly fields.
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

using LogFields = std::initializer_list<LogField>;

void log(LogLevel level, std::string_view message, LogFields fields = {},
         std::source_location where = std::source_location::current());
void log_error(std::string_view message, LogFields fields = {},
               std::source_location where = std::source_location::current());
void log_warn(std::string_view message, LogFields fields = {},
              std::source_location where = std::source_location::current());
void log_info(std::string_view message, LogFields fields = {},
              std::source_location where = std::source_location::current());
void log_debug(std::string_view message, LogFields fields = {},
               std::source_location where = std::source_location::current());
void log_trace(std::string_view message, LogFields fields = {},
               std::source_location where = std::source_location::current());

/// One line per step of training, at info; a rate or a loss that is not finite makes it a warning.
struct TrainingStep {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double loss = 0;
  double learning_rate = 0;
  std::optional<double> tokens_per_second = std::nullopt;
};
void log_training_step(const TrainingStep& step, std::source_location where = std::source_location::current());

/// Bytes in use against bytes there are, at debug; from 90 % on a warning. total_bytes <= 0 means unknown.
void log_memory_usage(std::string_view label, std::int64_t used_bytes, std::int64_t total_bytes,
                      std::source_location where = std::source_location::current());

}  // namespace aurex
