#pragma once

// Which parallel blocks meet whole axes in contractions: the rows of a block (queries) times a matrix that all of them
// share (keys, values). Such rows are walked a window at a time, so that the sums become register-blocked nests between
// scratch rectangles, and so are the axes of `for` that take part. Inside a window, the body goes by bands: so many
// rows as a register block has, whose rectangles stay close to L1, while all bands share the copies of what they
// multiply by.
//
//   parallel b in B by 1, s in S { for t in L { let z = sum(q[b, s, D] * k[b, t, D], D) … sum(p * v[b, t, D], t) } }
//   row s, chunks {t}; z[s, t] has column t, the second sum column D

#include "aurex/schedule/contraction_match.h"

namespace aurex::schedule {

struct RowWindow {
  ax::AxisId row = kNone;  // a parallel axis, or none
  ax::AxisSet chunks = 0;  // axes of `for`
  bool banded = false;     // the body of the outermost such `for` goes by bands
};

/// `reached` are the values of the block, `range` its whole axes, `loops` the axes of its `for` statements.
[[nodiscard]] RowWindow match_row_window(const KernelContext& kernel, std::span<const ax::AxisId> parallel,
                                         const ax::Body& body, const std::vector<bool>& reached, ax::AxisSet range,
                                         ax::AxisSet loops);

/// A float sum of products over one axis of `range`, its result a rectangle of `row` by another axis of `range`. Values
/// that `keep` marks are factors as they stand.
[[nodiscard]] std::optional<Contraction> match_row_contraction(const KernelContext& kernel, ax::ValueId id,
                                                               ax::AxisId row, ax::AxisSet range,
                                                               const std::vector<bool>& keep);

}  // namespace aurex::schedule
