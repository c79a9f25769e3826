#pragma once

// The executable specification of the loop program.

#include <string>
#include <vector>

#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

/// What makes a program illegal, one sentence each; empty for a legal one. Refuses: identifiers that do not exist,
/// values used outside the scope that makes them, operands whose types do not fit, vector loops inside vector loops,
/// uniform places (bounds, if conditions, register indices) that vary by lane, register blocks that outgrow the shape
/// their loop has, scratch used outside its launch, packs reached without an odometer, and an access kind that its
/// indices contradict. That no two tiles share an element is proved on the tile program (race rule) and not repeated
/// here.
[[nodiscard]] std::vector<std::string> verify(const LoopProgram& program);

}  // namespace aurex::schedule
