#pragma once

// The loop program as text; loop_parser.h reads it back. The grammar, in EBNF; its number is kLoopGrammar
// (docs/adr/0010):
//
//   text      = "grammar" INT program .
//   program   = "program" NAME "on" NAME "extents" INT "packs" INT "{" { item } { stmt } "}" .
//   item      = "scalar" NAME ":" type "@" INT
//             | "buffer" NAME ":" dtype ( "argument" INT | "shared" | "worker" "align" INT ) "[" [ dim { "," dim } ]
//             "]" | "register" NAME ":" type "[" [ INT { "," INT } ] "]" INT "x" INT
//             | "site" INT ":" INT STRING [ "over" NAME "in" expr { "," NAME "in" expr } ] .
//   dim       = expr ( "unit" | "zero" | "pack" | "any" [ "(" expr ")" ] ) [ "@" INT ] .
//   stmt      = { "#" INT "=" expr } plain .                        names for parts that the statement shares
//   plain     = ( "for" | "unroll" ) NAME "in" expr ".." expr [ "by" expr ] body
//             | "odometer" NAME "of" INT "in" expr ".." expr body
//             | "vector" NAME "in" expr ".." expr "by" INT "x" INT ( "none" | "narrow" | "masked" ) body
//             | "let" "%" NAME ":" type "=" expr
//             | "start" reg "=" expr
//             | "set" reg [ index ] "=" expr [ "if" expr ]
//             | "store" access index OP expr [ "if" expr ] [ "stream" [ "if" expr ] ]
//             | "transpose" NAME index "along" INT "=" reg [ "count" expr ] [ "whole" ] [ "stream" [ "if" expr ] ]
//             | "if" expr body "else" body
//             | "while" expr body
//             | "check" INT "site" INT expr "at" expr "value" expr "bound" expr [ "if" expr ]
//             | "print" "site" INT expr "at" expr [ "if" expr ]
//             | "prefetch" NAME index
//             | "launch" NAME { "tile" NAME "in" expr "by" expr } "scratch" "[" { NAME } "]" "costs" expr body .
//   body      = "{" { stmt } "}" .
//   expr      = INT | number ":" type | "true" | "false" | NAME | "%" NAME | "@" NAME | "#" INT | "extent" "(" INT ")"
//             | reg [ index ] | "tree." NAME "(" reg [ index ] ")"
//             | access "[" [ expr { "," expr } ] [ "|" expr [ "else" expr ] ] "]"
//             | "(" expr OP expr ")" | NAME [ "<" type ">" ] "(" expr { "," expr } ")" .
//   reg       = "$" NAME .   access = NAME "." ( "uniform" | "unit" | "strided" | "gather" ) .
//   index     = "[" [ expr { "," expr } ] "]" .
//
// Names that are not unique in their table carry their number: i, i.3. An INT without a type is i64.

#include <string>

#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

[[nodiscard]] std::string print(const LoopProgram& program);

}  // namespace aurex::schedule
