#pragma once

// The interpreter: runs a tile program as it stands. Slow, obvious, complete; the oracle that compiled code is held to.
//
// A value is a dense array over the axes it carries, restricted to the tile in hand; every operation is element.h's.
// Parallel axes and the axes of `for` loops go in tiles of as many positions as the options say, whole axes whole. A
// correct program gives the same at every tile size, up to the order of float sums. Inside loops with bounds or
// conditions of their own per element, a mask says which elements still run (rule 20).
//
// Sums run in index order in the value's own type. What other orders may give is measured, not proved: `error_bounds`
// runs the program again with every float sum moved by n·ε·Σ|terms| and reports how far each result went.
//
// A failed index raises IndexOutOfRange where a live element uses it: the value is marked, the mark travels through
// operations and past `?:` only on the side taken, and the statement that uses it raises. A failed `assert` raises
// KernelError. Values over the memory limit raise OutOfMemory. One thread at a time per BoundCall; nothing is shared.
//
//   run(program, call);                      // whole axes
//   run(program, call, {.tile = 3});         // three positions at a time

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aurex/ax/binding.h"
#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// One value of a `print` statement.
struct PrintRecord {
  std::int64_t line = 0;      // in the AX source, 0 where the program has none
  std::int64_t position = 0;  // linear position of the element within its statement's axes
  RegType type = RegType::kF32;
  Cell value;
};

/// At most this many records of one launch are kept, those of the lowest positions first.
inline constexpr std::size_t kMaxPrints = 1000;

/// What `--safe` found. The run goes on.
struct Finding {
  enum class Kind : std::uint8_t {
    kUninitialised,   // an element was read before anything was written to it
    kNan,             // a NaN was stored that an operation made from numbers
    kNotUnique,       // two elements of a `unique` store met
    kDivisionByZero,  // of integers
  };
  Kind kind = Kind::kUninitialised;
  std::int64_t line = 0;
  std::int64_t position = 0;
  std::string text;
};
[[nodiscard]] std::string_view to_string(Finding::Kind kind);

struct InterpOptions {
  static constexpr std::int64_t kWhole = 0;
  /// Positions per tile of every parallel and `for` axis; kWhole is one tile.
  std::int64_t tile = kWhole;
  /// Looks for uninitialised reads, where NaN comes from, broken `unique` promises and integer division by zero.
  bool safe = false;
  /// Gets what `print` prints, launch by launch, ordered by position; null drops it.
  std::function<void(const PrintRecord&)> print = {};
  /// Bytes that the values of one tile may take together.
  std::int64_t memory_limit = std::int64_t{1} << 30;
  /// Rounds that one `while` may take before it raises KernelError; 0: no limit.
  std::int64_t max_rounds = 0;
  /// Moves every float sum by up to this multiple of n·ε·Σ|terms|, with signs drawn from `seed`; see error_bounds.
  double perturbation = 0;
  std::uint64_t seed = 0;
};

struct RunReport {
  std::vector<Finding> findings;  // of --safe; at most kMaxPrints
};

/// Runs the program on a finished call. Positions in faults and records number the elements of a statement row-major
/// over full extents: first the axes of enclosing `parallel` and `for` statements that the statement carries or that
/// are `by 1`, from the outside in, then its other axes in the order of their ids.
RunReport run(const TileProgram& program, const BoundCall& call, const InterpOptions& options = {});

/// How far each element of a result may lie from the interpreter's where float sums are taken in another order. Zero
/// where no float sum reaches it; infinite where it decides between a number and none, and where what a sum adds, or
/// multiplies before that, leaves the type's range in one order and not in another.
struct ErrorBounds {
  ArrayId array = kNone;
  std::vector<double> bound;  // row-major over the view's shape
};

/// Runs the program on copies of what it writes, `call` untouched: once as it is, then with sums moved up, down and in
/// drawn directions. The bound is twice the largest change seen.
[[nodiscard]] std::vector<ErrorBounds> error_bounds(const TileProgram& program, const BoundCall& call,
                                                    const Binding& binding, const InterpOptions& options = {});

}  // namespace aurex::ax
