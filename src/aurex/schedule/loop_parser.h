#pragma once

// Reads the text of loop_printer.h back. For tests and tools; expressions may be numbered differently from the program
// that was printed, but print(parse(text)) == text.

#include <string_view>

#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

/// Raises FormatError with the byte offset where the text leaves the grammar. The result still wants verify().
[[nodiscard]] LoopProgram parse(std::string_view text);

}  // namespace aurex::schedule
