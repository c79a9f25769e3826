#pragma once

// docs/guide/diagnostics.md as the table of diagnostics has it: one section per code, in rising order.

#include <string>

namespace aurex::docs {

[[nodiscard]] std::string diagnostics_page();

}  // namespace aurex::docs
