#pragma once

// Schedules as text (docs/adr/0011 fixes the grammar): `aurex compile --emit schedule`, Explanation.schedule, tuning
// results. The version stands in the first line.
//
//   text   = "schedule" INT NAME "on" TARGET "{" [ "online" values ] [ "store" values ] { launch } "}" .
//   launch = "launch" NAME "{" { entry } "}" .
//   entry  = "form" FORM | NAME "=" ( INT | "fit" | "whole" ) [ "/" INT ] | "grain" INT | "vector" lanes
//          | "keep" values | "nest" VALUE "vector" lanes | "stream" ( INT | "never" ) .
//   lanes  = "none" | NAME "x" INT .
//   values = "none" | VALUE { "," VALUE } .          VALUE = "%" INT .
//
// Space does not matter, ";" may end an entry, "//" begins a comment that ends with its line.

#include <string>
#include <string_view>

#include "aurex/schedule/schedule.h"

namespace aurex::schedule {

inline constexpr std::int64_t kScheduleVersion = 1;

[[nodiscard]] std::string print(const Schedule& schedule);

/// Raises InvalidConfig (see refuse) where the text leaves the grammar, says something twice, or has a number out of
/// range. parse_schedule(print(s)) == s. Whether it fits a program is seen when that is lowered.
[[nodiscard]] Schedule parse_schedule(std::string_view text);

}  // namespace aurex::schedule
