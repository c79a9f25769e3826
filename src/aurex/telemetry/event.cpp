#include "aurex/telemetry/event.h"

namespace aurex {

std::string_view to_string(CoreType core) {
  switch (core) {
    case CoreType::kVector:
      return "vector";
    case CoreType::kMatrix:
      return "matrix";
    case CoreType::kSpiking:
      break;
  }
  return "spiking";
}

}  // namespace aurex
