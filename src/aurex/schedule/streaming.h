#pragma once

// Stores past the caches for results too large to stay in them.

#include <functional>

#include "aurex/schedule/builder.h"
#include "aurex/schedule/target.h"

namespace aurex::schedule {

/// Replaces the element-wise vector loop at the end of `body` by a choice: as it is, or, where a buffer that it fills
/// is larger than the caches hold, with stores past them and the operands asked for ahead of time. Assumes that every
/// position of the buffers is stored at most once. Leaves other statements and loops alone. `decide` is asked only
/// where there is such a choice: it gets the bytes from which the target's caches are past, and returns those to go by.
void stream_large_stores(LoopBuilder& b, const Target& target, Body& body,
                         const std::function<std::int64_t(std::int64_t)>& decide);

}  // namespace aurex::schedule
