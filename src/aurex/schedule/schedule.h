#pragma once

// What is decided for one kernel on one target, as data: the part of a loop program that another choice could change
// without changing a result by more than the order of sums.
//
// Every decision is optional. A schedule that a user gives pins some of them; lowering takes each through decisions.h
// and leaves behind a schedule in which all that it asked for are present, which makes the same loop program again.
// Axes are called by axis_name, values by their number in the printed tile program; so a schedule is plain text and
// numbers and refers to no program. schedule_text.h prints and parses it.
//
// To add a decision: a member of LaunchSchedule, a row in the table of schedule_text.cpp, and, where lowering needs it,
// the line that asks decisions.h with the cost model's own choice.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/ax/tile_program.h"

namespace aurex::schedule {

/// Where an entry stands in the text that it was read from, from 1; zeros for what the cost model chose. Schedules that
/// differ in places only are equal.
struct Place {
  std::int32_t line = 0, column = 0;
  friend bool operator==(const Place&, const Place&) { return true; }
};

template <typename T>
struct Entry {
  T value{};
  Place place = {};
  friend bool operator==(const Entry&, const Entry&) = default;
};

using Values = std::vector<ax::ValueId>;  // ascending

/// How a launch walks its tiles.
enum class Form : std::uint8_t {
  kPositions,  // one position, or one step of lanes, after another; whole axes in nests inside
  kRows,       // a window of rows at a time, whose contractions are register-blocked (row_window.h)
  kPanels,     // a contraction in register blocks of rows by a panel of columns
  kSquares,    // squares of lanes, read along one axis, turned over and written along another
  kStream,     // a contraction of few rows, which reads its right operand once and in order
  kImplicit,   // a contraction over several axes, whose right operand is made as it is copied
};

/// What carries the lanes of a loop: an axis, so many machine vectors a step; or nothing.
struct Lanes {
  std::string axis;  // empty: none
  std::int32_t vectors = 1;
  friend bool operator==(const Lanes&, const Lanes&) = default;
};

inline constexpr std::int64_t kFit = 0;     // of a tile: what the target's rule makes of the extents
inline constexpr std::int64_t kWhole = -1;  // of a tile: the axis is not cut
inline constexpr std::int64_t kNever = -1;  // of a threshold

/// Positions of one axis that are taken together.
struct AxisSchedule {
  std::string axis;
  std::int64_t tile = kFit;  // per tile (or part, for an axis of `for`), kFit, kWhole
  std::int64_t block = 0;    // in registers at a time; 0 where the axis has no such level
  Place place = {};
  friend bool operator==(const AxisSchedule&, const AxisSchedule&) = default;
};

/// The nest of loops over whole axes that computes a value. One value may be computed in several nests: the entries of
/// one value are for its nests in the order in which they are made.
struct NestSchedule {
  ax::ValueId value = ax::kNone;
  Lanes vector = {};
  Place place = {};
  friend bool operator==(const NestSchedule&, const NestSchedule&) = default;
};

struct LaunchSchedule {
  std::string launch;  // its name in the loop program
  Place place = {};
  std::optional<Entry<Form>> form = {};
  std::vector<AxisSchedule> axes = {};            // in the order of the tiles
  std::optional<Entry<std::int64_t>> grain = {};  // positions of work that an axis with tile kFit aims at
  std::optional<Entry<Lanes>> vector = {};        // a parallel axis around the whole body, or none
  std::optional<Entry<Values>> keep = {};         // in scratch, of those that could as well be computed again
  std::vector<NestSchedule> nests = {};
  std::optional<Entry<std::int64_t>> stream = {};  // stores past the caches from so many bytes on; or kNever
  friend bool operator==(const LaunchSchedule&, const LaunchSchedule&) = default;
};

struct Schedule {
  std::string kernel, target;                // both empty: pins nothing
  Place place = {};                          // of the kernel's name
  std::optional<Entry<Values>> online = {};  // maxima taken along the way (ax/online.h); other entries then number the
                                             // values of the program that this gives
  std::optional<Entry<Values>> store = {};   // kernel-level lets in memory rather than computed by each user
  std::vector<LaunchSchedule> launches = {};
  friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// What schedules call an axis: its name, with its number where another axis has the same: "K", "K.3".
[[nodiscard]] std::string axis_name(const ax::TileProgram& program, ax::AxisId axis);
[[nodiscard]] std::string_view to_string(Form form);

/// Raises InvalidConfig where a schedule that pins anything is for another kernel or target.
void require_for(const Schedule& schedule, std::string_view kernel, std::string_view target);

/// Raises InvalidConfig about a schedule of `kernel`, with the fields kernel, line, column, expected and actual.
[[noreturn]] void refuse(std::string_view kernel, Place place, std::string_view expected, std::string_view actual);

}  // namespace aurex::schedule
