#pragma once

// The one step over tiles that may read what other steps carry (rule 1): a sum that is kept relative to a running
// value, as in the online softmax
//
//   norm = norm * exp(top - new) + sum(exp(z - new), t);  top = new
//
// Let M be a product of exponentials of carried variables. The step v = v · M(before) / M(after) + S / M(after), with S
// a sum over the tile of what the loop does not carry, is v · M = v · M + S: a plain sum, which tiles combine into, and
// after the loop v is that sum over the last M. The factors are told by writing each side as a sum of products, in
// which exp of a sum is a product.

#include "aurex/ax/tile_classes.h"

namespace aurex::ax {

/// Is `var` after this step its value before plus sums over the tile, both perhaps rescaled? The step is `=`, `+=` or
/// `-=`. No is said as well where the terms are too many to tell.
[[nodiscard]] bool sums_over_tiles(const ProgramBuilder& builder, const TileClasses& classes, const Assign& step);

}  // namespace aurex::ax
