// Any bytes as AX source: the front end must end, stay within its bounds, and print what it accepts back to the same
// tree.

#include <cstddef>
#include <cstdint>
#include <string>

#include "aurex/ax/parser.h"
#include "aurex/ax/syntax_printer.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aurex::ax;
  const Source source("fuzz.ax", std::string(reinterpret_cast<const char*>(data), size));
  DiagnosticSink sink;
  const ParseResult result = parse(source, sink);
  require(result.ok != sink.has_errors());
  require(!render(source, sink.sorted()).empty() == sink.has_errors());
  require(!render_json(source, sink.sorted()).empty());
  if (!result.ok) return 0;

  const std::string printed = syntax::print(result.module);
  const Source again("printed.ax", printed);
  const ParseResult reread = parse(again, sink);
  require(reread.ok);
  require(syntax::dump(reread.module) == syntax::dump(result.module));
  require(syntax::print(reread.module) == printed);
  return 0;
}
