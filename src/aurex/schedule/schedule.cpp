#include "aurex/schedule/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "aurex/base/error.h"

namespace aurex::schedule {
namespace {

/// Axes of literal dimensions are called by their digits.
bool is_word(std::string_view name) {
  const auto in_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 && std::ranges::all_of(name, in_word);
}

}  // namespace

std::string axis_name(const ax::TileProgram& program, ax::AxisId axis) {
  const std::string& name = program.axes[axis].name;
  const auto same = [&](const ax::Axis& other) { return other.name == name; };
  // `vector none` means no axis at all.
  if (is_word(name) && name != "none" && std::ranges::count_if(program.axes, same) == 1) return name;
  return fmt::format("{}.{}", is_word(name) ? name : "axis", axis);
}

std::string_view to_string(Form form) {
  switch (form) {
    case Form::kPositions:
      return "positions";
    case Form::kRows:
      return "rows";
    case Form::kPanels:
      return "panels";
    case Form::kSquares:
      return "squares";
    case Form::kStream:
      return "stream";
    case Form::kImplicit:
      break;
  }
  return "implicit";
}

void require_for(const Schedule& schedule, std::string_view kernel, std::string_view target) {
  if (schedule.kernel.empty()) return;
  const Place at = schedule.place;
  if (schedule.kernel != kernel) refuse(kernel, at, "a schedule of that kernel", "one of " + schedule.kernel);
  if (schedule.target != target) refuse(kernel, at, fmt::format("one for {}", target), "one for " + schedule.target);
}

void refuse(std::string_view kernel, Place place, std::string_view expected, std::string_view actual) {
  const std::string of = kernel.empty() ? "schedule" : fmt::format("schedule of {}", kernel);
  const std::string at = place.line == 0 ? "" : fmt::format(", line {}, column {}", place.line, place.column);
  InvalidConfig error(fmt::format("{}{}: expected {}, found {}", of, at, expected, actual));
  error.with("kernel", std::string(kernel)).with("line", std::to_string(place.line));
  error.with("column", std::to_string(place.column));
  error.with("expected", std::string(expected)).with("actual", std::string(actual));
  throw error;
}

}  // namespace aurex::schedule
