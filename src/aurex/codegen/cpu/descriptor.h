#pragma once

// The constants of a compiled kernel: its launch records and the one AurexKernel that it exports.

#include <llvm-c/Core.h>

#include <span>
#include <string>
#include <vector>

#include "aurex/codegen/cpu/survey.h"
#include "aurex/schedule/loop_program.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {

struct KernelFunctions {
  LLVMValueRef drive = nullptr, plan = nullptr;
  LLVMValueRef extents = nullptr;  // null where no site has an axis
};

/// Writes `<prefix>kernel` into the module. Returns the launch records, in the order of the survey's launches, to which
/// `blocks` belong.
std::vector<LLVMValueRef> describe(const schedule::LoopProgram& program, const schedule::Target& target,
                                   const Survey& survey, std::span<const LLVMValueRef> blocks,
                                   const KernelFunctions& functions, const std::string& prefix, LLVMModuleRef module);

}  // namespace aurex::codegen
