#pragma once

// The door through which lowering takes every decision: the schedule that was given may pin the answer, else the cost
// model's choice holds, and the answer is written down. Internal to schedule/.
//
//   const std::int64_t grain = decide_.number(&LaunchSchedule::grain, kTileWork);
//
// What is pinned and not legal where it is asked for raises InvalidConfig with its place in the text, and so does, in
// finish(), what nobody asked for: a pinned schedule holds, or the call is refused.

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "aurex/schedule/schedule.h"

namespace aurex::schedule {

/// An axis that carries the lanes, so many vectors a step; or none.
struct LaneChoice {
  ax::AxisId axis = ax::kNone;
  std::int32_t vectors = 1;
};

/// Of one kernel: what is given and what was made of it so far.
class Decisions {
 public:
  /// Raises InvalidConfig where `given` is for another kernel or target.
  Decisions(const ax::TileProgram& program, Schedule given, const std::string& target);

  /// Of the maxima that can be taken along the way, those that are: all, unless `given` pins them.
  [[nodiscard]] static Values online(const Schedule& given, const std::string& kernel, const Values& possible);
  /// Writes the answer down.
  void set_online(const Values& possible, const Values& chosen) {
    if (!possible.empty()) made_.online = {.value = chosen};
  }
  /// Whether a kernel-level value is stored once; asked for each that could as well be computed by every user.
  [[nodiscard]] bool store(ax::ValueId value, bool chosen);
  /// After the last launch: the complete schedule.
  [[nodiscard]] Schedule finish();

 private:
  friend class LaunchDecisions;

  const ax::TileProgram& program_;
  const Schedule given_;
  Schedule made_;
  std::set<std::string> launches_;  // begun, those without decisions included
  std::set<ax::ValueId> asked_;
};

/// Of one launch; launches are lowered one after another.
class LaunchDecisions {
 public:
  explicit LaunchDecisions(Decisions& kernel) : kernel_(kernel) {}

  void begin(const std::string& launch);

  [[nodiscard]] Form form(Form chosen, std::span<const Form> legal);
  [[nodiscard]] std::int64_t number(std::optional<Entry<std::int64_t>> LaunchSchedule::* member, std::int64_t chosen);
  /// The parallel axis around the whole body, one of `legal`.
  [[nodiscard]] LaneChoice vector(LaneChoice chosen, ax::AxisSet legal);
  /// The axis of `legal` along which the nest of `value` runs.
  [[nodiscard]] LaneChoice nest(ax::ValueId value, LaneChoice chosen, ax::AxisSet legal);
  /// Asked for each value that may be kept and need not.
  [[nodiscard]] bool keep(ax::ValueId value, bool chosen);
  /// Positions of an axis per tile, kFit where the rule holds that the caller knows. An axis that was chosen kWhole
  /// has to stay so. Asked from the innermost axis out.
  [[nodiscard]] std::int64_t tile(ax::AxisId axis, std::int64_t chosen);

  void finish();

 private:
  [[nodiscard]] LaneChoice pinned(const Lanes& lanes, Place place, ax::AxisSet legal) const;
  [[nodiscard]] Lanes lanes(LaneChoice choice) const;
  void refuse_unasked(Place place, const std::string& entry) const;
  [[noreturn]] void refuse_entry(Place place, const std::string& expected, const std::string& actual) const;

  Decisions& kernel_;
  const LaunchSchedule* given_ = nullptr;
  LaunchSchedule made_;
  std::vector<bool> nests_used_;  // of given_
  std::set<ax::ValueId> keeps_asked_;
};

}  // namespace aurex::schedule
