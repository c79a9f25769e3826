#include "cli/target_name.h"

#include <fmt/format.h>

#include "aurex/base/cpu_features.h"
#include "aurex/base/error.h"

namespace aurex::cli {

schedule::Target choose_target(const std::string& name) {
  if (name == "cpu") return schedule::target(to_string(cpu_target()));
  if (name == "opencl" || name.starts_with("ptx.") || name.starts_with("amdgpu.")) {
    throw NotImplemented(fmt::format("target {}: only CPU targets have a code generator", name));
  }
  return schedule::target(name);  // refuses what it does not know
}

}  // namespace aurex::cli
