#pragma once

// What a legal tile program is, as code: run in tests after every pass that makes or changes one.

#include <string>
#include <vector>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// One sentence per breach; empty for a legal program. Never fails, whatever the tables hold.
[[nodiscard]] std::vector<std::string> verify(const TileProgram& program);

}  // namespace aurex::ax
