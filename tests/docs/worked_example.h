#pragma once

// A line of the guide that says what a kernel gives: "// x = [1, 2], a = 3 gives y = [3, 6]".
//
//   example = "//" binding { "," binding } "gives" binding { "," binding } .
//   binding = NAME "=" value .
//   value   = NUMBER | "nan" | "inf" | "-inf" | "[" [ value { "," value } ] "]" .
//
// It speaks of the kernel before it. Names on the left that are no parameters are extents.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aurex::docs {

/// A number, or an array in row-major order.
struct Literal {
  bool array = false;
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};
using Bindings = std::vector<std::pair<std::string, Literal>>;

struct WorkedExample {
  Bindings given, expected;
};

/// Nothing for a line that is no example. Raises std::invalid_argument for one that has "gives" and does not follow the
/// grammar, ragged arrays included.
[[nodiscard]] std::optional<WorkedExample> parse_worked_example(std::string_view line);

}  // namespace aurex::docs
