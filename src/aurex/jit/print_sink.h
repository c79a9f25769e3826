#pragma once

// Where the `print` statements of compiled kernels go.
//
// A call collects what its launches print and hands it over before it returns or raises, on the calling thread, by
// launch and then by position, at most kMaxPrintsPerLaunch records of each launch. One sink per process; until one is
// set, records go to the log at level info.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "aurex/base/error.h"

namespace aurex {

/// One printed value; the texts are borrowed for the call of the sink.
struct KernelPrint {
  std::string_view kernel;
  std::int64_t line = 0;      ///< in the AX source, from 1; 0 where it is not known
  std::int64_t position = 0;  ///< as AurexErrorRecord::position
  AxisPositions axes;
  bool is_float = false;
  double number = 0;         ///< where is_float
  std::int64_t integer = 0;  ///< where not
};

/// "roots, line 3, position 7 (i=7): 1.5".
[[nodiscard]] std::string to_string(const KernelPrint& print);

using PrintSink = std::function<void(const KernelPrint&)>;

/// What the sink raises ends the call that printed. An empty sink restores the log. Any thread may call.
void set_print_sink(PrintSink sink);

namespace jit {
/// Hands a record to the sink.
void emit_print(const KernelPrint& print);
}  // namespace jit

}  // namespace aurex
