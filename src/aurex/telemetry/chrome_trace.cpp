#include "aurex/telemetry/chrome_trace.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string_view>
#include <system_error>

#include "aurex/base/error.h"

namespace aurex {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Nanoseconds as microseconds with all their digits.
void append_microseconds(std::string& out, std::int64_t nanoseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(nanoseconds / 1000),
                static_cast<long long>(nanoseconds % 1000));
  out += text;
}

void append_rate(std::string& out, std::string_view name, std::int64_t amount, std::int64_t nanoseconds) {
  if (amount <= 0 || nanoseconds <= 0) return;
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(amount) / static_cast<double>(nanoseconds));
  out.append(",\"").append(name).append("\":").append(text);
}

void append_arguments(std::string& out, const Event& event) {
  if (event.kind == Event::Kind::kZone) {
    out += "\"bytes_allocated\":" + std::to_string(event.bytes_allocated) +
           ",\"peak_bytes\":" + std::to_string(event.peak_bytes);
    return;
  }
  const LaunchFacts& launch = event.launch;
  out.append("\"core\":\"").append(to_string(launch.core)).append("\",\"shape\":[");
  for (std::size_t i = 0; i < launch.shape().size(); ++i) {
    out.append(i == 0 ? "" : ",").append(std::to_string(launch.shape()[i]));
  }
  out += "],\"bytes\":" + std::to_string(launch.bytes);
  if (launch.flops != LaunchFacts::kUnknownFlops) {
    out.append(launch.flops_exact ? ",\"flops\":" : ",\"flops_at_most\":").append(std::to_string(launch.flops));
  }
  const std::int64_t duration = event.end_ns - event.begin_ns;
  append_rate(out, "GB/s", launch.bytes, duration);
  if (launch.flops_exact) append_rate(out, "GF/s", launch.flops, duration);
}

}  // namespace

std::string chrome_trace(std::span<const Event> events) {
  std::int64_t start = std::numeric_limits<std::int64_t>::max();
  for (const Event& event : events) start = std::min(start, event.begin_ns);
  std::string out = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    out += i == 0 ? "\n{\"name\":" : ",\n{\"name\":";
    append_quoted(out, event.name.view());
    out.append(",\"cat\":").append(event.kind == Event::Kind::kZone ? "\"zone\"" : "\"launch\"");
    out += ",\"ph\":\"X\",\"pid\":1,\"tid\":" + std::to_string(event.thread) + ",\"ts\":";
    append_microseconds(out, event.begin_ns - start);
    out += ",\"dur\":";
    append_microseconds(out, event.end_ns - event.begin_ns);
    out += ",\"args\":{";
    append_arguments(out, event);
    out += "}}";
  }
  return out + "\n]}\n";
}

void write_chrome_trace(const std::string& path, std::span<const Event> events) {
  const std::string text = chrome_trace(events);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int error = errno;
  if (file != nullptr && std::fclose(file) != 0 && written) {
    written = false;
    error = errno;
  }
  if (!written) {
    IoError failure("cannot write '" + path + "': " + std::error_code(error, std::generic_category()).message());
    failure.with("path", path);
    throw failure;
  }
}

}  // namespace aurex
