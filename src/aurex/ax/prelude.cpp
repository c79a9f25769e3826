#include "aurex/ax/checked_module.h"
#include "aurex/ax/parser.h"
#include "aurex/ax/prelude_text.h"

namespace aurex::ax {

const ParsedFile& prelude() {
  static const ParsedFile* const file = [] {
    auto* parsed = new ParsedFile;  // lives as long as the process: programs point into it
    DiagnosticSink sink;
    parsed->source = std::make_shared<const Source>("prelude.ax", std::string(prelude_text()));
    parsed->module = parse(*parsed->source, sink).module;
    collect_functions(*parsed, {}, sink);
    raise_if_refused(*parsed->source, sink);
    return parsed;
  }();
  return *file;
}

}  // namespace aurex::ax
