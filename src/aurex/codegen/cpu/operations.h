#pragma once

// Element-wise operations as LLVM IR, on scalars and vectors alike, with the bits that ax/element.h defines.
//
// Every function takes values of one lane count and the element types of their register types (bool is i1). No
// fast-math flag is ever set: each operation rounds once, as written.

#include <span>

#include "aurex/ax/tile_program.h"
#include "aurex/codegen/cpu/ir.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {

/// What instruction choice depends on.
struct Machine {
  bool x86 = true;
  bool avx512 = false;

  [[nodiscard]] static Machine of(const schedule::Target& target);
};

/// The LLVM type of one element of a register type.
[[nodiscard]] LLVMTypeRef element_type(const Ir& ir, ax::RegType type);
[[nodiscard]] constexpr bool is_signed(ax::RegType type) {
  return type == ax::RegType::kI32 || type == ax::RegType::kI64;
}

/// Any Op from kNeg to kSelect; `operand` is the type of the arguments (of a kSelect's branches). Raises NotImplemented
/// for an operation that has no meaning on its type.
[[nodiscard]] LLVMValueRef emit_operation(Ir& ir, const Machine& machine, ax::Op op, ax::RegType type,
                                          ax::RegType operand, std::span<const LLVMValueRef> args);

/// `to(value)` as a cast written in a program.
[[nodiscard]] LLVMValueRef emit_cast(Ir& ir, ax::RegType to, ax::RegType from, LLVMValueRef value);

/// Floats to integers of at most 64 bits: truncates, saturates, NaN gives 0.
[[nodiscard]] LLVMValueRef emit_saturating_float_to_int(Ir& ir, LLVMValueRef value, unsigned bits, bool is_signed);

/// One step of a reduction: sum prod max min any all.
[[nodiscard]] LLVMValueRef emit_combine(Ir& ir, const Machine& machine, ax::Reduction reduction, ax::RegType type,
                                        LLVMValueRef left, LLVMValueRef right);

}  // namespace aurex::codegen
