#pragma once

// Source text to syntax tree.
//
// The parser recovers at the next statement after an error, so one run reports several; what it could not read is
// missing from the tree. Time and memory are bounded for any input: see kMaxSourceBytes, kMaxDepth, kMaxTokens and the
// sink's limit. The grammar is docs/guide/grammar.ebnf. Thread-safe: a call touches its arguments only.

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/source.h"
#include "aurex/ax/syntax.h"

namespace aurex::ax {

struct ParseResult {
  syntax::Module module;
  bool ok = false;  ///< No error was reported: the module is the whole program.
};

[[nodiscard]] ParseResult parse(const Source& source, DiagnosticSink& sink);

}  // namespace aurex::ax
