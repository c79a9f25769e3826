#include "docs/diagnostics_page.h"

#include <array>
#include <string_view>

#include "aurex/ax/diagnostic.h"

namespace aurex::docs {
namespace {

constexpr std::string_view kHead = R"(# Diagnostics

<!-- Made from src/aurex/ax/diagnostic_table.inc by the build target update_diagnostics_page; edit the table, not this. -->

Every refusal of the compiler has a code that keeps its meaning for ever. `aurex check FILE` shows the code, the place with
the source line under it, and what to write instead; one run shows up to fifty. In C++ and Python the same text is the
message of `CompileError`, whose fields give code, line and column.
)";

struct Chapter {
  int hundred;
  std::string_view title;
};
constexpr std::array<Chapter, 8> kChapters = {{{1, "Text and grammar"},
                                               {2, "Names and signatures"},
                                               {3, "Axes and indices"},
                                               {4, "Types and values"},
                                               {5, "Statements, races and writes"},
                                               {6, "Formats"},
                                               {7, "Schedules"},
                                               {9, "Limits"}}};

}  // namespace

std::string diagnostics_page() {
  std::string page(kHead);
  for (const Chapter& chapter : kChapters) {
    bool begun = false;
    for (const ax::CodeInfo& row : ax::diagnostic_table()) {
      if (static_cast<int>(row.code) / 100 != chapter.hundred) continue;
      if (!begun) page += "\n## " + std::string(chapter.title) + "\n";
      begun = true;
      page += "\n##" + ax::documentation_page(row);  // its own heading is of the first level
    }
  }
  return page;
}

}  // namespace aurex::docs
