#pragma once

// What large arrays need of the memory system: stores past the caches for results too large to stay in them, and lines
// asked for before their turn.

#include <functional>

#include "aurex/schedule/builder.h"
#include "aurex/schedule/target.h"

namespace aurex::schedule {

/// Whether a buffer is larger than the caches; kNone where no answer would matter. `decide` gets the bytes from which
/// the target's caches are past, and returns those to go by.
[[nodiscard]] ExprId passes_caches(LoopBuilder& b, const Target& target, BufferId buffer,
                                   const std::function<std::int64_t(std::int64_t)>& decide);

/// Lets the element-wise vector loop at the end of `body` store past the caches where a buffer that it fills is larger
/// than they are, and ask for its operands ahead of time there. Assumes that every position of the buffers is stored at
/// most once. Leaves other statements and loops alone. `decide` is asked only where there is such a choice: it gets the
/// bytes from which the target's caches are past, and returns those to go by.
void stream_large_stores(LoopBuilder& b, const Target& target, Body& body,
                         const std::function<std::int64_t(std::int64_t)>& decide);

/// Assumes that the loop at the end of `body`, if it is a serial one, takes one row per turn. Where its arguments are
/// larger than the caches, the last reduction of a row asks for what it reads of the next row and for what the row
/// stores afterwards: its arithmetic leaves memory idle. Leaves other loops alone.
void prefetch_rows(LoopBuilder& b, const Target& target, Body& body);

}  // namespace aurex::schedule
