#pragma once

// The rewrite of rule 30 that lets a softmax over whole rows go along them once:
//
//   let e = exp(z - max(z, t));  o = sum(e * v, t) / sum(e, t)
//
// becomes a loop over parts of t that carries the greatest z so far and the sums relative to it, as one would write it
// by hand. Nothing of the length of t is kept then but what one part needs. Results differ by the order of sums; where
// they are not numbers they stay so: a row whose z are all -inf gives NaN, and an empty one 0 for its sums.

#include <span>
#include <vector>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// The maxima that can be taken along the way, ascending: float, over one whole axis that nothing else uses, of values
/// that contain sums along another one (scores), and used by one exp whose every user is a sum over the axis.
[[nodiscard]] std::vector<ValueId> online_maxima(const TileProgram& program);

/// `program` with these of its online_maxima in loops; values are numbered anew.
[[nodiscard]] TileProgram take_online(const TileProgram& program, std::span<const ValueId> maxima);

}  // namespace aurex::ax
