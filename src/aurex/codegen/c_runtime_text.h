#pragma once

#include <string_view>

namespace aurex::codegen {

/// The text of aurex_kernel.h.
[[nodiscard]] std::string_view c_runtime_text();

}  // namespace aurex::codegen
