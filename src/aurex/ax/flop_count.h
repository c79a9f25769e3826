#pragma once

// How many floating-point operations a kernel's text asks for, as a function of what a launch gives.
//
// Counted from the tile program, so schedule and target do not matter, and peers are compared on the same work:
//   1  add, subtract, multiply, divide, square root, minimum, maximum; each update `+= -= *= /= max= min=`
//   1  a function of the prelude (exp, tanh, pow, …), however long its body is
//   2  fma
//   1  per term of sum, prod, max, min, mean, argmax, argmin and scans; mean one more per result
//   0  sign, abs, rounding, comparison, selection, conversion, bits, integers, and what is the same for a whole launch
//
// A value counts once per point of its axes and per turn of the `by 1` loops around it, as if one tile held the rest.
// Both sides of `?:` count. A loop counts the turns it takes, its bounds being read where they follow from extents,
// scalars, positions and integer inputs (`until length[b]`). Where they, or the condition of an `if`, depend on more,
// the whole axis and both branches are counted and the count is no longer exact, only never too low. A `while` cannot
// be counted.
//
// Made once per program. Immutable; any thread may evaluate.

#include <cstdint>
#include <optional>
#include <vector>

#include "aurex/ax/position_value.h"

namespace aurex::ax {

struct Flops {
  static constexpr std::int64_t kUnknown = -1;
  std::int64_t count = kUnknown;
  bool exact = true;  ///< false: at most `count`
};

class FlopCount {
 public:
  /// The Binding and its program must outlive this.
  explicit FlopCount(const Binding& binding);

  /// Of one finished call whose arrays are in this process's memory. Costs nanoseconds per distinct set of axes, and
  /// for loops with ragged bounds per position that a bound depends on. Allocates nothing.
  [[nodiscard]] Flops evaluate(const BoundCall& call) const;

 private:
  friend class FlopWalk;

  static constexpr std::size_t kMostLoops = 16;
  /// A loop with bounds; its turns are added up over the positions of `over`.
  struct Loop {
    AxisId axis = kNone;
    std::optional<PositionValue> lo, hi;  // absent: 0 and the whole extent
    AxisSet over = 0;
  };
  /// Operations that each run once per point of `axes`, where all of `guards` hold.
  struct Term {
    AxisSet axes = 0;
    std::vector<std::uint32_t> guards;
    std::int64_t operations = 0;
    bool exact = true;  // false: some bound or condition around it cannot be told
  };
  struct Guard {
    LaunchScalar condition;
    bool holds = true;  // false: of an else
  };
  struct Extent {
    AxisId axis = kNone;
    LaunchScalar value;
  };

  [[nodiscard]] std::int64_t turns(const Loop& loop, const BoundCall& call, const std::int64_t* extents) const;

  std::vector<Loop> loops_;
  std::vector<Term> terms_;
  std::vector<Guard> guards_;
  std::vector<Extent> extents_;  // of the axes that terms have
  bool known_ = true;
};

}  // namespace aurex::ax
