#pragma once

// The command line as text to what it asks for. The only file beside options.cpp that knows how options are spelt.

#include <functional>
#include <string>

#include "aurex/base/error.h"
#include "cli/commands.h"

namespace aurex::cli {

struct CommandLine {
  std::function<int(const Console&)> command;  ///< empty where there is nothing to run: help, version, a usage error
  int status = kDone;                          ///< then this is the exit status
  ColorMode color = ColorMode::kAuto;
  bool json = false;
};

/// Prints help and versions to standard output, usage errors to standard error.
[[nodiscard]] CommandLine parse(int argc, char** argv);

/// "ShapeMismatch: kernel add: …".
[[nodiscard]] std::string describe_error(const Error& error);

}  // namespace aurex::cli
