// Any bytes as the text of a schedule: the parser ends with a schedule or InvalidConfig, and what it accepts prints to
// a text that reads back to the same.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aurex/base/error.h"
#include "aurex/schedule/schedule_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aurex;
  schedule::Schedule schedule;
  try {
    schedule = schedule::parse_schedule(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const InvalidConfig&) {
    return 0;
  }
  if (schedule::parse_schedule(schedule::print(schedule)) != schedule) __builtin_trap();
  return 0;
}
