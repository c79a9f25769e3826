#pragma once

// Integers of a kernel that are known outside it: functions of positions, of launch scalars and of elements of integer
// inputs. Bounds of loops mostly are (`until L - S + s + 1`, `until length[b]`), so how often a loop runs can be said
// without running it. Immutable once made; any thread may evaluate.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "aurex/ax/binding.h"

namespace aurex::ax {

class PositionValue {
 public:
  /// Nothing where the value depends on more than that, or on positions along axes other than `known`. The Binding must
  /// outlive it.
  [[nodiscard]] static std::optional<PositionValue> of(const Binding& binding, ValueId value, AxisSet known);

  /// The axes whose positions matter.
  [[nodiscard]] AxisSet axes() const { return axes_; }

  /// `positions` by AxisId. Reads the elements of arrays, which must be in this process's memory; one outside its
  /// array, which the launch will refuse, is 0. Allocates nothing.
  [[nodiscard]] std::int64_t evaluate(const BoundCall& call, std::span<const std::int64_t> positions) const;

 private:
  static constexpr std::size_t kMostSteps = 64, kMostArguments = 3;
  struct Step {
    Op op = Op::kConst;
    RegType type = RegType::kI64, operand = RegType::kI64;
    Cell constant;             // kConst
    std::uint32_t id = kNone;  // kExtent: the dimension; kScalar: the slot; kPosition: the axis; kLoad: the load
    std::uint32_t args[kMostArguments] = {0, 0, 0};  // earlier steps; kLoad: the indices
    std::uint32_t arg_count = 0;
  };

  explicit PositionValue(const Binding& binding) : binding_(&binding) {}
  [[nodiscard]] std::optional<std::uint32_t> flatten(ValueId value, AxisSet known);
  [[nodiscard]] bool flatten_indices(const Load& load, AxisSet known, Step& step);
  [[nodiscard]] std::uint32_t push(const Step& step);
  [[nodiscard]] Cell read(const Step& step, const BoundCall& call, const Cell* cells) const;

  const Binding* binding_;
  std::vector<Step> steps_;
  AxisSet axes_ = 0;
};

}  // namespace aurex::ax
