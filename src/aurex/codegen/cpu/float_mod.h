#pragma once

// The exact remainder of a float division (C's fmod), as a function of the generated module: no library is called.

#include "aurex/codegen/cpu/ir.h"

namespace aurex::codegen {

/// `T rest(T a, T b)` for a scalar or vector type of f32 or f64, made on first use: the sign of a, NaN for a divisor of
/// 0, an infinite a, or NaN.
[[nodiscard]] LLVMValueRef float_remainder_function(LLVMModuleRef module, LLVMTypeRef type);

}  // namespace aurex::codegen
