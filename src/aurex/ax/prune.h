#pragma once

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// Drops values and loads that no statement, extent, check, start value or call needs, and renumbers the rest in order.
/// A call whose result is not needed is dropped too.
void prune(TileProgram& program);

}  // namespace aurex::ax
