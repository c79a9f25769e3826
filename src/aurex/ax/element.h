#pragma once

// One element of a register type, and what every element-wise operation does to it: the meaning of rules 25 to 32.
//
// The interpreter, the loop program's executor, constant folding and launch scalars all compute through this file, so
// there is one definition of each operation. Compiled code has to give the same bits. Pure functions.
//
// Where the rules leave room: max(a, b) is a where a is NaN, else b where b is NaN, else a where a > b, else b (min
// with
// <), so of +0 and −0 the second argument is kept. Float to integer in a store rounds half to even before it saturates;
// in a cast it truncates and saturates.

#include <bit>
#include <cstdint>
#include <span>

#include "aurex/ax/tile_program.h"
#include "aurex/tensor/dtype.h"

namespace aurex::ax {

/// The bits of one element, in the low bytes; bool is 0 or 1. Which type they are is the context's to know.
struct Cell {
  std::uint64_t bits = 0;

  [[nodiscard]] static Cell of(float x) { return {std::bit_cast<std::uint32_t>(x)}; }
  [[nodiscard]] static Cell of(double x) { return {std::bit_cast<std::uint64_t>(x)}; }
  [[nodiscard]] static Cell of(std::int32_t x) { return {static_cast<std::uint32_t>(x)}; }
  [[nodiscard]] static Cell of(std::uint32_t x) { return {x}; }
  [[nodiscard]] static Cell of(std::int64_t x) { return {static_cast<std::uint64_t>(x)}; }
  [[nodiscard]] static Cell of(std::uint64_t x) { return {x}; }
  [[nodiscard]] static Cell of(bool x) { return {x ? 1u : 0u}; }

  [[nodiscard]] float f32() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); }
  [[nodiscard]] double f64() const { return std::bit_cast<double>(bits); }
  [[nodiscard]] std::int32_t i32() const { return static_cast<std::int32_t>(bits); }
  [[nodiscard]] std::uint32_t u32() const { return static_cast<std::uint32_t>(bits); }
  [[nodiscard]] std::int64_t i64() const { return static_cast<std::int64_t>(bits); }
  [[nodiscard]] std::uint64_t u64() const { return bits; }
  [[nodiscard]] bool truth() const { return bits != 0; }

  friend bool operator==(Cell, Cell) = default;
};

/// Any type to f64 (64-bit integers round) and to i64 (floats truncate and saturate).
[[nodiscard]] double to_f64(RegType type, Cell cell);
[[nodiscard]] std::int64_t to_i64(RegType type, Cell cell);
/// A number or integer in a type: rounded once; integers wrap.
[[nodiscard]] Cell from_f64(RegType type, double value);
[[nodiscard]] Cell from_i64(RegType type, std::int64_t value);

/// `to(value)` as a cast written in the program.
[[nodiscard]] Cell cast(RegType to, RegType from, Cell cell);

/// An element-wise operation: every Op from kNeg to kSelect. `type` is the result's, `operand` that of the arguments
/// (of a kSelect's branches: `type`; of kLdexp's second argument: kI32).
[[nodiscard]] Cell evaluate(Op op, RegType type, RegType operand, std::span<const Cell> args);

/// What an empty reduction gives (rule 29), the identity a dead position contributes. Not for kMean, kArgmax, kArgmin.
[[nodiscard]] Cell identity(Reduction reduction, RegType type);
/// One step of sum, prod, max, min, any, all.
[[nodiscard]] Cell combine(Reduction reduction, RegType type, Cell left, Cell right);

/// An element in memory to its register type and back (rule 27).
[[nodiscard]] Cell load_element(DType dtype, const void* element);
void store_element(DType dtype, void* element, RegType type, Cell cell);

/// Whether a value is NaN; false for integers and bool.
[[nodiscard]] bool is_nan(RegType type, Cell cell);

}  // namespace aurex::ax
