#pragma once

// Runs a loop program lane by lane, on one thread, without any machine code: what the program *means*.
//
// Tests hold lowering against the interpreter and code generation against this, so that a wrong lowering and a wrong
// code generator are told apart. Slow, obvious, and stricter than a machine: scratch starts as garbage before every
// tile, and an access outside its buffer is a complaint, not a crash.

#include <string>
#include <vector>

#include "aurex/base/kernel_abi.h"
#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

struct ExecuteOptions {
  bool reverse_tiles = false;  // a legal program cannot tell
};

/// Runs the whole program on the frame's arrays. `frame.shared` and `frame.runtime->parallel` are not used; faults and
/// prints go to `frame.runtime`. Returns what was illegal, first ones first; empty for a correct program.
[[nodiscard]] std::vector<std::string> execute(const LoopProgram& program, const AurexFrame& frame,
                                               const ExecuteOptions& options = {});

}  // namespace aurex::schedule
