#pragma once

// Text for the person at the terminal: the CPU warning and what kernels print.
//
// The library itself never writes to standard output or error. The command line and the Python package install a sink
// that does; without one, notices go nowhere (warnings also go to the log).

#include <cstdint>
#include <functional>
#include <string_view>

namespace aurex {

struct Notice {
  enum class Kind : std::uint8_t { kWarning, kPrint };
  Kind kind;
  std::string_view text;  ///< without a line end
};

/// Called by one thread at a time.
using NoticeSink = std::function<void(const Notice&)>;

/// Installs a sink for the process; an empty one silences. Returns the one before.
NoticeSink set_notice_sink(NoticeSink sink);

void emit_notice(const Notice& notice);

}  // namespace aurex
