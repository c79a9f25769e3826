#pragma once

// The texts that the build embeds, one function per .ax file of this folder.

#include <string_view>

namespace aurex::ops {

#define AUREX_OPS_FILE(name) std::string_view name##_text();
#include "aurex/ops/library_files.inc"
#undef AUREX_OPS_FILE

}  // namespace aurex::ops
