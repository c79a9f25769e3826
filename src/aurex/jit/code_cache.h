#pragma once

// Under which key compiled code is kept, and where: the store of this process (docs/adr/0017).
//
// A key names everything that lower() and make_object() read. Whoever gives either of them a new input adds it here.

#include <memory>
#include <string>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/tile_program.h"
#include "aurex/cache/key.h"
#include "aurex/cache/store.h"
#include "aurex/schedule/lower.h"

namespace aurex::jit {

/// What all code of one kernel is made from, whatever the call.
struct CodeSource {
  std::shared_ptr<const ax::CheckedModule> module;
  schedule::Target target;
  schedule::Schedule pins;
};

/// The key of the code that `program`, the kernel of the source specialised by `given`, becomes for these classes.
[[nodiscard]] cache::Key code_key(const CodeSource& source, const ax::TileProgram& program,
                                  const ax::Specialization& given, const schedule::StrideClasses& classes,
                                  schedule::SizeClass size);

/// The parts of a stored key that no key of this program on this machine has: the entry is of another build, or for
/// another processor, and is never found here.
[[nodiscard]] std::vector<std::string> foreign_parts(const std::vector<cache::KeyPart>& key);

/// Where the environment says; raises InvalidConfig where what it says is not legal.
[[nodiscard]] cache::Store& code_store();

/// Another store for this process, null for that of the environment again. It must outlive every call made meanwhile.
void set_code_store(cache::Store* store);

}  // namespace aurex::jit
