#pragma once

// Tile programs as text: `aurex compile --emit tile`, golden tests, and what tile_parser.h reads back.
//
// One declaration or value a line, in the order of the tables, so that numbers in the text are the ids; then the
// statement tree. Floats are written so that they read back to the same bits. Places in the source are left out.
//
//   tile_program = "kernel" name label ["broadcast"] { dim | axis | array | scalar | var | load | value | check | call
//   } body . value        = "value" op type "[" axes "]" { field "=" number } "(" args ")" .

#include <string>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

[[nodiscard]] std::string print(const TileProgram& program);

}  // namespace aurex::ax
