#pragma once

// Syntax trees as text: the canonical source, and a form that shows every node.

#include <string>

#include "aurex/ax/syntax.h"

namespace aurex::ax::syntax {

/// Canonical AX source: two-space indent, one statement a line, no parentheses but those the tree needs. It parses back
/// to the same tree, and printing that gives the same text. Comments are not in the tree and are lost.
[[nodiscard]] std::string print(const Module& module);
[[nodiscard]] std::string print(const Expr& expr);

/// One node a line as nested lists, places left out: `aurex compile --emit ast`. Equal exactly when the trees are.
[[nodiscard]] std::string dump(const Module& module);

}  // namespace aurex::ax::syntax
