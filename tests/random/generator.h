#pragma once

// Random valid AX programs, for holding every way of running a program to the same result.
//
// A Program is a small syntax tree of its own, so that a failing one can be shrunk: statements removed, expressions
// replaced by their parts, extents lowered, as long as it still fails. All programs have one signature but for
// packs and split axes, one block over `a`, and end by storing to each result; between lie lets, variables, loops with
// bounds of their own per element, conditions, gathers, reductions, scans, sorts. Pure functions of the seed.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aurex/ax/test_call.h"

namespace aurex::testing::random {

enum class Type : std::uint8_t { kFloat, kInt, kBool };

/// Axes as bits.
inline constexpr unsigned kRow = 1, kColumn = 2;

/// `text` with $0, $1, … standing for the operands.
struct Expr {
  Type type = Type::kFloat;
  unsigned axes = 0;  // that the value may carry
  std::string text;
  std::vector<Expr> operands;
};

struct Stmt {
  std::string head;  // `let t = $0`, `for b in B until $0`
  std::vector<Expr> operands;
  bool block = false;
  std::vector<Stmt> body;
  std::string name;  // what it brings into scope; such a statement stays while the name is used
};

/// What the arguments of a program look like besides their extents. Told from the seed, so that a kept program needs no
/// more than its seed and its extents.
struct Shape {
  bool packed = false;        // A is a pack of two axes, the first of two positions
  bool split = false;         // y is seen as [A, (B, 2)]
  bool kernel_level = false;  // `let a in A` and statements of the kernel, no block
  ax::testing::Layout layout = ax::testing::Layout::kDense;
};
[[nodiscard]] Shape shape_of(std::uint64_t seed);

struct Program {
  std::uint64_t seed = 0;
  std::int64_t rows = 3, columns = 5;
  std::vector<Stmt> body;
};

/// `size` bounds the depth of expressions and the number of statements.
[[nodiscard]] Program generate(std::uint64_t seed, int size = 3);

/// The AX source.
[[nodiscard]] std::string print(const Program& program);

/// Arguments for it, drawn from its seed.
[[nodiscard]] ax::testing::Values arguments(const Program& program);

/// The smallest program found, by greedy steps, that `fails` still holds of; `fails` is asked at most `budget` times.
[[nodiscard]] Program shrink(Program program, const std::function<bool(const Program&)>& fails, int budget = 2000);

}  // namespace aurex::testing::random
