#include "aurex/jit/print_sink.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <utility>

#include "aurex/base/log.h"

namespace aurex {
namespace {

struct Installed {
  std::mutex mutex;
  std::shared_ptr<const PrintSink> sink;
};

/// Never destroyed: a kernel may print while the process ends.
Installed& installed() {
  static auto* const instance = new Installed;
  return *instance;
}

}  // namespace

std::string to_string(const KernelPrint& print) {
  const std::string value = print.is_float ? fmt::format("{:.9g}", print.number) : fmt::format("{}", print.integer);
  return fmt::format("{}, line {}, {}: {}", print.kernel, print.line, position_text(print.position, print.axes), value);
}

void set_print_sink(PrintSink sink) {
  auto shared = sink ? std::make_shared<const PrintSink>(std::move(sink)) : nullptr;
  const std::scoped_lock lock(installed().mutex);
  installed().sink.swap(shared);
}

namespace jit {

void emit_print(const KernelPrint& print) {
  std::shared_ptr<const PrintSink> sink;
  {
    const std::scoped_lock lock(installed().mutex);
    sink = installed().sink;
  }
  if (sink) return (*sink)(print);
  log_info(to_string(print));
}

}  // namespace jit
}  // namespace aurex
