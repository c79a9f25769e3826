#pragma once

// The fenced code blocks of a Markdown page, as far as this repository writes Markdown: fences are three backquotes at
// the beginning of a line and do not nest.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aurex::docs {

struct FencedBlock {
  std::size_t line = 0;           ///< Of the first line of its text, from 1.
  std::vector<std::string> info;  ///< The words behind the opening fence: {"ax", "refused", "AX0301"}.
  std::string text;               ///< Ends with a line break unless empty.
};

/// In the order of the page. Raises std::invalid_argument naming the line of a fence that is never closed.
[[nodiscard]] std::vector<FencedBlock> fenced_blocks(std::string_view page);

}  // namespace aurex::docs
