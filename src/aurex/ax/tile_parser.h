#pragma once

// Reads the text of tile_printer.h back. For tests and tools; places in the source are not in the text, so spans are
// empty and there is no source. print(parse_tile_program(text)) == text for every printed text.

#include <string_view>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// Raises FormatError with the byte offset where the text leaves the grammar. The result still wants verify().
[[nodiscard]] TileProgram parse_tile_program(std::string_view text);

}  // namespace aurex::ax
