#pragma once

// Files that commands write.

#include <string>
#include <string_view>

#include "cli/console.h"

namespace aurex::cli {

/// Whole or not at all: under another name first, then renamed. Raises IoError.
void write_file(const std::string& path, std::string_view content);

/// To the file, or to standard output where the path is empty. Raises IoError.
void write_output(const std::string& path, std::string_view content, const Console& console);

}  // namespace aurex::cli
