#pragma once

// Grows the values of one tile program: identical pure values are one, constants are folded, and for every value it is
// known what it depends on.
//
// Knows the tile program and none of the language's rules; check_*.cpp knows those. Reading a variable or a written
// array takes a version, so that two reads with a store between them stay two values. Belongs to one specialisation.

#include <bitset>
#include <optional>
#include <unordered_map>
#include <vector>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

inline constexpr std::size_t kMaxValues = 1 << 16;
inline constexpr std::size_t kMaxVars = 256;

/// What decides a value: axes, those reduced over and those of unit loops included; variables; loads of any array.
struct Dependencies {
  AxisSet axes = 0;
  AxisSet reduced = 0;  ///< of these, the axes reduced over
  std::bitset<kMaxVars> vars;
  bool memory = false;
  bool uniform = true;  ///< constants, extents and scalar parameters only: the same for a whole launch
};

/// Σ coefficient · atom + constant, where atoms are values that are no sums. Seen through integer casts.
struct LinearForm {
  std::vector<std::pair<ValueId, std::int64_t>> terms;
  std::int64_t constant = 0;
};

class ProgramBuilder {
 public:
  TileProgram program;

  /// Raises nothing; past kMaxValues it returns kNone.
  ValueId add(Value value, std::uint64_t version = 0);
  ValueId integer(std::int64_t value, RegType type, Span span);
  ValueId number(double value, RegType type, Span span);
  ValueId boolean(bool value, Span span) { return integer(value ? 1 : 0, RegType::kBool, span); }
  ValueId unary(Op op, RegType type, ValueId x, Span span);
  ValueId binary(Op op, RegType type, ValueId a, ValueId b, Span span);
  ValueId select(ValueId condition, ValueId yes, ValueId no, Span span);
  ValueId extent(DimId dim, Span span);
  ValueId position(AxisId axis, Span span);
  ValueId read_var(VarId var, std::uint64_t version, const Dependencies& contents, Span span);
  ValueId load(Load load, std::uint64_t version, Span span);

  [[nodiscard]] const Value& value(ValueId id) const { return program.values[id]; }
  [[nodiscard]] const Dependencies& dependencies(ValueId id) const { return dependencies_[id]; }
  [[nodiscard]] bool is_constant(ValueId id) const { return value(id).op == Op::kConst; }
  /// The value of an integer constant.
  [[nodiscard]] std::optional<std::int64_t> integer_constant(ValueId id) const;
  [[nodiscard]] LinearForm linear(ValueId id) const;

 private:
  ValueId simplify(const Value& value) const;
  void derive(Value& value, Dependencies& depends) const;
  void collect(ValueId id, std::int64_t factor, int depth, LinearForm& form) const;

  std::vector<Dependencies> dependencies_;
  std::unordered_multimap<std::size_t, ValueId> known_;
  std::vector<std::uint64_t> versions_;
};

}  // namespace aurex::ax
