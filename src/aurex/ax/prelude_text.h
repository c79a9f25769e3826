#pragma once

// The text of prelude.ax, put into the library by cmake/EmbedText.cmake.

#include <string_view>

namespace aurex::ax {

[[nodiscard]] std::string_view prelude_text();

}  // namespace aurex::ax
