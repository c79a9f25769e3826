#pragma once

// Tile programs as text: `aurex compile --emit tile`, golden tests, and what tile_parser.h reads back.
//
// One declaration or value a line, in the order of the tables, so that numbers in the text are the ids; then the
// statement tree. Floats are written in hexadecimal, so that they read back to the same bits. Places in the source are
// left out. The version of the grammar stands in the first line.
//
//   program = "tile" INT "kernel" NAME STRING [ "broadcast" ] "packs" INT { item } "body" body "end" .
//   item    = "dim" STRING "literal" ( INT | "-" ) "defined" ref "pack" ( INT | "-" )
//           | "axis" STRING "extent" ref "dim" ( INT | "-" ) [ "unit" ] [ "whole" ]
//           | "array" STRING role dtype [ "format" INT ] type "[" { INT ":" INT } "]" [ "axes" axes ] "start" ref
//             [ "in_place" ]
//           | "scalar" STRING type "slot" INT
//           | "var" STRING type axes
//           | "load" INT indices "else" ref
//           | VALUE "=" op type axes [ number ] [ "id=" INT ] [ reduction ] [ "over=" axes ] "(" { VALUE } ")"
//           | "check" ref STRING
//           | "call" NAME "(" { VALUE } ")" ref .
//   body    = { stmt } .
//   stmt    = "parallel" axes body "end" | "for" INT "from" ref "until" ref body "end" | "while" ref body "end"
//           | "if" ref body "else" body "end" | "let" STRING ref | "declare" INT ref | "assign" INT update ref
//           | "store" INT indices update ref [ "unique" ] [ "scatter" ] | "assert" ref STRING | "print" ref .
//   axes    = "[" { INT } "]" .      ref = VALUE | "-" .      VALUE = "%" INT .
//   indices = "[" { ( "axis:" INT | VALUE ) [ "!" ] } "]" .

#include <cstdint>
#include <string>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

inline constexpr std::uint32_t kTileVersion = 1;

[[nodiscard]] std::string print(const TileProgram& program);

}  // namespace aurex::ax
