// Any bytes as object code: an image that is placed within its own bytes, or an error. Nothing is executed.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/codegen/object_image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aurex;
  try {
    const codegen::ObjectImage image(std::string_view(reinterpret_cast<const char*>(data), size));
    if (image.code_bytes() > image.bytes() || image.bytes() > codegen::kMaxImageBytes + (1 << 16)) __builtin_trap();
    constexpr std::size_t kSmall = 1 << 20;  // larger ones are mostly zeros, and take their time
    if (image.bytes() > kSmall) return 0;
    std::vector<char> memory(image.bytes());
    image.place(memory.data());
    if (image.symbol("kernel", 1) >= image.bytes()) __builtin_trap();
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
