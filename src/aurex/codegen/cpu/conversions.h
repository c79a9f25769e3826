#pragma once

// Elements in memory to registers and back, as LLVM IR: what tensor/convert.h and rule 27 define, bit for bit.

#include "aurex/ax/tile_program.h"
#include "aurex/codegen/cpu/ir.h"
#include "aurex/tensor/dtype.h"

namespace aurex::codegen {

/// The LLVM type of one element in memory: bf16, f8 and bool as integers of their width.
[[nodiscard]] LLVMTypeRef storage_type(const Ir& ir, DType dtype);

/// A loaded element, or vector of them, in its register type.
[[nodiscard]] LLVMValueRef emit_from_storage(Ir& ir, DType dtype, LLVMValueRef raw);

/// A value of a register type as stored: floats round once, to nearest even; integers saturate.
[[nodiscard]] LLVMValueRef emit_to_storage(Ir& ir, DType dtype, ax::RegType type, LLVMValueRef value);

}  // namespace aurex::codegen
