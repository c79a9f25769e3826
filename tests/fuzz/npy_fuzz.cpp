// Any bytes as a .npy file: either a view that lies within them, every element of it readable, or an error.

#include <cstddef>
#include <cstdint>
#include <span>

#include "aurex/base/error.h"
#include "aurex/tensor/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aurex;
  TensorView view;
  try {
    view = view_npy(std::as_bytes(std::span(data, size)));
  } catch (const FormatError&) {
    return 0;
  } catch (const DTypeMismatch&) {
    return 0;
  }
  const std::int64_t bytes = element_count(view.shape) * bytes_per_element(view.dtype);
  const auto* first = view.as<const std::uint8_t>();
  volatile std::uint8_t sum = 0;  // reading is what the sanitizer checks
  for (std::int64_t i = 0; i < bytes; ++i) sum = static_cast<std::uint8_t>(sum + first[i]);
  return 0;
}
