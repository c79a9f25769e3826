#include "aurex/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "aurex/base/clock.h"
#include "aurex/base/environment.h"
#include "aurex/base/error.h"

namespace aurex {
namespace {

constexpr std::array<std::pair<LogLevel, std::string_view>, 6> kLevels = {{{LogLevel::kOff, "off"},
                                                                           {LogLevel::kError, "error"},
                                                                           {LogLevel::kWarn, "warn"},
                                                                           {LogLevel::kInfo, "info"},
                                                                           {LogLevel::kDebug, "debug"},
                                                                           {LogLevel::kTrace, "trace"}}};

/// Where records go. The level is read without the lock, so a call that logs nothing costs one load.
struct Door {
  std::atomic<LogLevel> level{LogLevel::kOff};
  std::mutex mutex;
  LogSink sink;  // guarded by mutex
};

/// Never destroyed: threads may still log while the process ends.
Door& door() {
  static Door* const instance = new Door;
  return *instance;
}

std::string_view file_name(const char* path) {
  const std::string_view whole(path);
  const auto slash = whole.rfind('/');
  return slash == std::string_view::npos ? whole : whole.substr(slash + 1);
}

std::string number(double value) { return fmt::format("{:.6g}", value); }

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  out += '"';
}

/// The members of the object; its opening and the time are in the pattern below.
std::string format_json(const LogRecord& record, const LogConfig& config) {
  std::string out;
  const auto member = [&out](std::string_view name, std::string_view value) {
    if (!out.empty()) out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  };
  member("level", to_string(record.level));
  member("message", record.message);
  for (const LogField& field : record.fields) member(field.name, field.value);
  if (config.source) member("source", fmt::format("{}:{}", file_name(record.where.file_name()), record.where.line()));
  return out + "}";
}

std::string format_text(const LogRecord& record, const LogConfig& config) {
  std::string out(record.message);
  for (const LogField& field : record.fields) out += fmt::format(" {}={}", field.name, field.value);
  if (config.source) out += fmt::format(" ({}:{})", file_name(record.where.file_name()), record.where.line());
  return out;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kOff:
      return spdlog::level::off;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kTrace:
      return spdlog::level::trace;
  }
  return spdlog::level::off;
}

std::string spdlog_pattern(const LogConfig& config) {
  if (config.format == LogFormat::kJson) {
    return config.timestamps ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z",%v)" : "{%v";
  }
  return config.timestamps ? "%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v" : "%^%-7l%$ %v";
}

std::shared_ptr<spdlog::logger> make_logger(const LogConfig& config) {
  std::vector<spdlog::sink_ptr> sinks;
  if (config.colour) {
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  } else {
    sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }
  if (!config.file.empty()) {
    sinks.front()->set_level(spdlog::level::warn);
    sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file));
  }
  auto logger = std::make_shared<spdlog::logger>("aurex", sinks.begin(), sinks.end());
  logger->set_level(spdlog::level::trace);  // the door has already decided
  logger->set_pattern(spdlog_pattern(config));
  logger->flush_on(spdlog::level::warn);
  return logger;
}

}  // namespace

std::string_view to_string(LogLevel level) {
  for (const auto& [value, name] : kLevels) {
    if (value == level) return name;
  }
  return "off";
}

LogLevel parse_log_level(std::string_view name) {
  std::string legal;
  for (const auto& [value, text] : kLevels) {
    if (text == name) return value;
    legal += (legal.empty() ? "" : ", ") + std::string(text);
  }
  throw InvalidConfig("unknown log level '" + std::string(name) + "'; legal: " + legal);
}

LogConfig LogConfig::development() {
  return LogConfig().with_level(LogLevel::kDebug).with_colour(true).with_source(true);
}

LogConfig LogConfig::production() { return LogConfig().with_format(LogFormat::kJson); }

LogConfig LogConfig::testing() { return LogConfig().with_level(LogLevel::kWarn).with_timestamps(false); }

LogConfig LogConfig::with_level(LogLevel value) const {
  LogConfig next = *this;
  next.level = value;
  return next;
}

LogConfig LogConfig::with_format(LogFormat value) const {
  LogConfig next = *this;
  next.format = value;
  return next;
}

LogConfig LogConfig::with_colour(bool value) const {
  LogConfig next = *this;
  next.colour = value;
  return next;
}

LogConfig LogConfig::with_timestamps(bool value) const {
  LogConfig next = *this;
  next.timestamps = value;
  return next;
}

LogConfig LogConfig::with_source(bool value) const {
  LogConfig next = *this;
  next.source = value;
  return next;
}

LogConfig LogConfig::with_file(std::string value) const {
  LogConfig next = *this;
  next.file = std::move(value);
  return next;
}

void LogConfig::validate() const {
  if (level > LogLevel::kTrace) throw InvalidConfig("level: no such log level");
  if (format == LogFormat::kJson && colour) throw InvalidConfig("colour: JSON lines are for programs and have none");
  if (file.ends_with('/')) throw InvalidConfig("file: '" + file + "' is a folder");
}

void init_logging(const LogConfig& config) {
  config.validate();
  std::shared_ptr<spdlog::logger> logger;
  try {
    logger = make_logger(config);
  } catch (const spdlog::spdlog_ex& failure) {
    IoError error("cannot write the log to '" + config.file + "': " + failure.what());
    error.because(std::current_exception());
    throw error;
  }
  set_log_sink(
      [logger = std::move(logger), config](const LogRecord& record) {
        const bool json = config.format == LogFormat::kJson;
        const std::string line = json ? format_json(record, config) : format_text(record, config);
        logger->log(spdlog_level(record.level), line);
      },
      environment().log_level.value_or(config.level));
}

void set_log_sink(LogSink sink, LogLevel level) {
  const std::scoped_lock lock(door().mutex);
  door().level.store(sink ? level : LogLevel::kOff, std::memory_order_relaxed);
  door().sink = std::move(sink);
}

bool log_enabled(LogLevel level) noexcept {
  return level != LogLevel::kOff && level <= door().level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message, LogFields fields, std::source_location where) {
  if (!log_enabled(level)) return;
  const LogRecord record{level, monotonic_ns(), message, std::span(fields.begin(), fields.size()), where};
  const std::scoped_lock lock(door().mutex);
  if (door().sink) door().sink(record);
}

void log_error(std::string_view message, LogFields fields, std::source_location where) {
  log(LogLevel::kError, message, fields, where);
}
void log_warn(std::string_view message, LogFields fields, std::source_location where) {
  log(LogLevel::kWarn, message, fields, where);
}
void log_info(std::string_view message, LogFields fields, std::source_location where) {
  log(LogLevel::kInfo, message, fields, where);
}
void log_debug(std::string_view message, LogFields fields, std::source_location where) {
  log(LogLevel::kDebug, message, fields, where);
}
void log_trace(std::string_view message, LogFields fields, std::source_location where) {
  log(LogLevel::kTrace, message, fields, where);
}

void log_training_step(const TrainingStep& step, std::source_location where) {
  const bool finite = std::isfinite(step.loss) && std::isfinite(step.learning_rate);
  const LogLevel level = finite ? LogLevel::kInfo : LogLevel::kWarn;
  if (!log_enabled(level)) return;
  const LogField epoch{"epoch", std::to_string(step.epoch)}, number_of_step{"step", std::to_string(step.step)},
      loss{"loss", number(step.loss)}, rate{"learning_rate", number(step.learning_rate)};
  if (step.tokens_per_second) {
    log(level, "training step",
        {epoch, number_of_step, loss, rate, {"tokens_per_second", number(*step.tokens_per_second)}}, where);
  } else {
    log(level, "training step", {epoch, number_of_step, loss, rate}, where);
  }
}

void log_memory_usage(std::string_view label, std::int64_t used_bytes, std::int64_t total_bytes,
                      std::source_location where) {
  constexpr double kTight = 0.9;
  const bool known = total_bytes > 0;
  const double share = known ? static_cast<double>(used_bytes) / static_cast<double>(total_bytes) : 0;
  const LogLevel level = share >= kTight ? LogLevel::kWarn : LogLevel::kDebug;
  if (!log_enabled(level)) return;
  const LogField what{"label", std::string(label)}, used{"used_bytes", std::to_string(used_bytes)};
  if (known) {
    log(level, "memory", {what, used, {"total_bytes", std::to_string(total_bytes)}, {"share", number(share)}}, where);
  } else {
    log(level, "memory", {what, used}, where);
  }
}

}  // namespace aurex
