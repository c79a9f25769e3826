#pragma once

// A whole loop program as one LLVM module for a CPU target: `drive`, `plan`, and one internal block per launch.

#include <llvm-c/Types.h>

#include <string>

#include "aurex/schedule/loop_program.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {

/// Fills an empty module. The names of the two exported functions start with `prefix`. Raises NotImplemented naming a
/// construct that has no code yet.
void lower_to_llvm(const schedule::LoopProgram& program, const schedule::Target& target, const std::string& prefix,
                   LLVMModuleRef module);

}  // namespace aurex::codegen
