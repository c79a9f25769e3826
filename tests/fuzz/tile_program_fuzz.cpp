// Any bytes as the text of a tile program: the parser ends with a program or a FormatError, verify answers for any
// program, and every program prints to a text that reads back to itself.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aurex/ax/tile_parser.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/ax/tile_verify.h"
#include "aurex/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aurex;
  ax::TileProgram program;
  try {
    program = ax::parse_tile_program(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const FormatError&) {
    return 0;
  }
  static_cast<void>(ax::verify(program));
  const std::string text = ax::print(program);
  if (ax::print(ax::parse_tile_program(text)) != text) __builtin_trap();
  return 0;
}
