#pragma once

// The rare steps of an odometer, as functions of the generated module: a linear position to digits, a carry, and the
// offset of the digits in an array.

#include "aurex/codegen/cpu/ir.h"

namespace aurex::codegen {

struct OdometerFunctions {
  LLVMValueRef start = nullptr;   // void(ptr extents, i64 position, ptr digits)
  LLVMValueRef carry = nullptr;   // void(ptr extents, ptr digits): the innermost digit has run out
  LLVMValueRef offset = nullptr;  // i64(ptr digits, ptr strides), in elements
};

/// Made on first use in a module. Tables have kAurexPackRank entries, the innermost last.
[[nodiscard]] OdometerFunctions odometer_functions(LLVMModuleRef module);

}  // namespace aurex::codegen
