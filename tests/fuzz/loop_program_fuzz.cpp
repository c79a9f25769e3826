// Any bytes as the text of a loop program: the parser ends with a program or a FormatError, verify answers for any
// program, and what it finds legal prints to a text that reads back to itself.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aurex/base/error.h"
#include "aurex/schedule/loop_parser.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/loop_verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aurex;
  schedule::LoopProgram program;
  try {
    program = schedule::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const FormatError&) {
    return 0;
  }
  if (!schedule::verify(program).empty()) return 0;
  const std::string text = schedule::print(program);
  if (schedule::print(schedule::parse(text)) != text) __builtin_trap();
  return 0;
}
