#pragma once

// The ways of running a bound kernel, and what makes two of them agree. Conformance cases and random programs run on
// all.
//
// An executor gets a program whose call is finished, and writes its results. Adding one is a line in executors.cpp.
// Each is compared with the first, the interpreter with whole axes: same bits where no float sum is involved, else
// within what error_bounds allows; NaN equals NaN. An executor that raises NotImplemented has no opinion; the report
// says so.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aurex/ax/test_call.h"

namespace aurex::testing {

struct Executor {
  std::string name;
  std::function<void(const ax::Binding& binding, ax::BoundCall& call)> run;
};

/// The interpreter at whole axes, one and three positions per tile; then, for each target that this machine runs, the
/// loop program with its tiles forwards and backwards, and by a schedule turned at random, and machine code.
[[nodiscard]] const std::vector<Executor>& executors();
/// The interpreter as in executors(), and the loop program of the best target with its tiles backwards, as the cost
/// model schedules it and turned at random; with `code`, that target's machine code of both as well.
[[nodiscard]] const std::vector<Executor>& quick_executors(bool code);

struct Report {
  std::optional<std::string> fault;  ///< where an executor differs from the first, in values or in the error raised
  std::vector<std::string> missing;  ///< executors without an opinion, and why
};

/// Runs the call on every executor, the first being the one to agree with.
[[nodiscard]] Report compare(ax::testing::TestCall& call, std::span<const Executor> with = executors());

/// Machine code of the best target with 1, 2, 3 and 8 threads, and with the caller's flush-to-zero flag set: says where
/// two runs differ by a bit. Empty where none do, and where there is no code for the kernel.
[[nodiscard]] std::optional<std::string> difference_by_circumstances(ax::testing::TestCall& call);

}  // namespace aurex::testing
