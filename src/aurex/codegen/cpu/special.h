#pragma once

// Operations that no single instruction does on every target: exact scaling by powers of two, floored division and
// remainders. All exact or rounded once; none traps.

#include "aurex/codegen/cpu/ir.h"

namespace aurex::codegen {

struct Machine;

/// x * 2^n, rounded once, for any i32 n; x f32 or f64.
[[nodiscard]] LLVMValueRef emit_ldexp(Ir& ir, const Machine& machine, LLVMValueRef x, LLVMValueRef n);
/// x * 2^i32(n) for vectors on AVX-512, where n holds integers or NaN (which counts as 0) in x's own type. `small`: n
/// is known to lie within ±2^20.
[[nodiscard]] LLVMValueRef emit_scale(Ir& ir, LLVMValueRef x, LLVMValueRef n, bool small);
/// Integer division and remainder that floor; a divisor of 0 gives 0.
[[nodiscard]] LLVMValueRef emit_floor_div(Ir& ir, bool is_signed, LLVMValueRef a, LLVMValueRef b);
[[nodiscard]] LLVMValueRef emit_floor_mod(Ir& ir, bool is_signed, LLVMValueRef a, LLVMValueRef b);
/// The exact remainder of floats with the divisor's sign; a divisor of 0 gives NaN.
[[nodiscard]] LLVMValueRef emit_float_mod(Ir& ir, LLVMValueRef a, LLVMValueRef b);

}  // namespace aurex::codegen
