#pragma once

// Arrays as text, the way NumPy summarises them: in full up to 1000 elements, else three at either end of each axis.

#include <string>

#include "aurex/tensor/view.h"

namespace aurex::cli {

/// "[[0.25 1   ]\n [3    nan ]]", without a line end; columns are aligned, floats have six significant digits.
[[nodiscard]] std::string format_array(const TensorView& view);

}  // namespace aurex::cli
