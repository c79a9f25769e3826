#pragma once

// Targets as people name them.

#include <string>

#include "aurex/schedule/target.h"

namespace aurex::cli {

/// "cpu" is the best target that this machine runs. Raises NotImplemented for targets without a code generator,
/// InvalidConfig that lists those there are for any other name.
[[nodiscard]] schedule::Target choose_target(const std::string& name);

}  // namespace aurex::cli
