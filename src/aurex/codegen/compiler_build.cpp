#include <llvm-c/Core.h>

#include "aurex/base/hash.h"
#include "aurex/codegen/compile.h"
#include "aurex/codegen/compiler_sources.h"

namespace aurex::codegen {

std::uint64_t compiler_build() {
  static const std::uint64_t build = [] {
    unsigned major = 0, minor = 0, patch = 0;
    LLVMGetVersion(&major, &minor, &patch);
    return HashBuilder().add(kCompilerSources).add(major).add(minor).add(patch).finish().low;
  }();
  return build;
}

}  // namespace aurex::codegen
