// The `aurex` program.

#include <exception>

#include "aurex/ax/diagnostic.h"
#include "aurex/base/error.h"
#include "aurex/device/notice.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/options.h"

namespace {

using aurex::cli::Console;

int run(const aurex::cli::CommandLine& line, const Console& console) {
  using namespace aurex::cli;
  try {
    return line.command(console);
  } catch (const UsageError& error) {
    console.error(error.what());
    return kUsage;
  } catch (const aurex::ax::CompileError& error) {
    console.message(error.message());  // rendered diagnostics, which say "error" themselves
    return kRefused;
  } catch (const aurex::DeviceNotAvailable& error) {
    console.error(error.message());
    return kDeviceMissing;
  } catch (const aurex::Error& error) {
    if (Interrupt::happened()) {
      console.message("interrupted");
      return kRefused;
    }
    console.error(describe_error(error));
    return kRefused;
  } catch (const std::exception& error) {
    console.error(std::string("internal: ") + error.what());
    return kInternal;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const aurex::cli::CommandLine line = aurex::cli::parse(argc, argv);
  if (!line.command) return line.status;
  const Console console(line.color, line.json);
  aurex::set_notice_sink([&console](const aurex::Notice& notice) { console.message(notice.text); });
  const int status = run(line, console);
  aurex::set_notice_sink({});
  if (aurex::cli::Interrupt::happened()) aurex::cli::Interrupt::end_process();
  return status;
}
