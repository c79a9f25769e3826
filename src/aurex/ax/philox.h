#pragma once

// Philox4x32-10 (Salmon et al., SC11) and the uniform numbers that `random` makes of it (rule 33).

#include <array>
#include <cstdint>

namespace aurex::ax {

/// Ten rounds: four words of output for a counter and a key.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                         std::array<std::uint32_t, 2> key);

/// Element `element` of the stream `seed`, in [0, 1), a multiple of 2⁻²⁴.
[[nodiscard]] double philox_uniform(std::uint64_t seed, std::uint64_t element);

}  // namespace aurex::ax
