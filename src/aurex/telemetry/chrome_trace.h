#pragma once

// Events as a trace that chrome://tracing and Perfetto open: the JSON "trace event" format, complete events ("ph":
// "X").
//
// Times are microseconds since the first event. Launches carry core, shape, bytes, flops and the rates that follow;
// zones carry their memory. Pure text, no socket; any thread may call.

#include <span>
#include <string>

#include "aurex/telemetry/event.h"

namespace aurex {

[[nodiscard]] std::string chrome_trace(std::span<const Event> events);

/// Raises IoError.
void write_chrome_trace(const std::string& path, std::span<const Event> events);

}  // namespace aurex
