#pragma once

// The ways of running a bound kernel, and what makes two of them agree. Conformance cases and random programs run on
// all.
//
// An executor gets a program whose call is finished, and writes its results. Adding one is a line in executors.cpp.
// Each is compared with the first, the interpreter with whole axes: same bits where no float sum is involved, else
// within what error_bounds allows; NaN equals NaN.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aurex/ax/test_call.h"

namespace aurex::testing {

struct Executor {
  std::string name;
  std::function<void(const ax::TileProgram& program, const ax::Binding& binding, ax::BoundCall& call)> run;
};

/// The interpreter at whole axes, one and three positions per tile, then all others of this build and machine.
[[nodiscard]] const std::vector<Executor>& executors();

/// Runs the call on every executor. Says where one differs from the first, or failed where the first did not (and the
/// other way round); empty where all agree.
[[nodiscard]] std::optional<std::string> disagreement(ax::testing::TestCall& call);

}  // namespace aurex::testing
