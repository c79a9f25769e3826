#pragma once

// The part of the executors that goes through lowering: the loop program by its scalar executor, and machine code.
//
// Every distinct loop program of a test run is verified once, and read back from its text once: the text has to come
// out the same. Machine code is kept by that text, so calls of other sizes share it. Used by one thread.

#include <stdexcept>

#include "aurex/ax/binding.h"
#include "aurex/ax/tile_program.h"
#include "aurex/schedule/target.h"

namespace aurex::testing {

/// What no kernel may do, whatever it is called with: an illegal loop program, an access outside its buffer.
class Complaint : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How a program is lowered.
struct Lowering {
  schedule::Target target;
  int turns = 0;  ///< entries of the schedule that are turned (turned.h); else the cost model decides
};

/// Lowers and runs the loop program tile by tile, forwards or backwards. Raises what the kernel raises, NotImplemented
/// where lowering has no form for it, Complaint.
void run_loops(const ax::Binding& binding, ax::BoundCall& call, const Lowering& lowering, bool reverse_tiles);

/// The same for machine code, by the launch path that users have.
void run_code(const ax::Binding& binding, ax::BoundCall& call, const Lowering& lowering);

/// Circumstances that must not show in results.
struct Circumstances {
  int threads = 1;             ///< every launch of two tiles is spread, however small it is
  bool flush_to_zero = false;  ///< as the caller of the call has set the floating-point control word
};

/// Machine code under circumstances of its own.
void run_code_under(const Circumstances& circumstances, const ax::Binding& binding, ax::BoundCall& call,
                    const schedule::Target& target);

}  // namespace aurex::testing
