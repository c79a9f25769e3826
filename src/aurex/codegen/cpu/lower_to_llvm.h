#pragma once

// A whole loop program as one LLVM module for a CPU target, which exports one constant: its AurexKernel.

#include <llvm-c/Types.h>

#include <string>

#include "aurex/schedule/loop_program.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {

/// Fills an empty module; the constant is called `<prefix>kernel`. Raises NotImplemented naming a
/// construct that has no code yet.
void lower_to_llvm(const schedule::LoopProgram& program, const schedule::Target& target, const std::string& prefix,
                   LLVMModuleRef module);

}  // namespace aurex::codegen
