#pragma once

// Values of arguments as the command line spells them.
//
//   value = "true" | "false" | integer | number | path ".npy"
//         | ( "random" | "zeros" | "ones" | "arange" ) ":" dtype [ "[" [ extent { "," extent } ] "]" ] .
//
// `random` draws floats from [0, 1), integers from [0, 10) and bools, the same ones for the same name.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "aurex/memory/tensor.h"

namespace aurex::cli {

using Value = std::variant<bool, std::int64_t, double, Tensor>;

/// Raises UsageError for text that is no value, and what reading a file raises.
[[nodiscard]] Value parse_value(std::string_view name, std::string_view text);

/// "NAME=VALUE" in two. Raises UsageError.
[[nodiscard]] std::pair<std::string, std::string> split_assignment(std::string_view text);

}  // namespace aurex::cli
