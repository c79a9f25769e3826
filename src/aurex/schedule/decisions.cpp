#include "aurex/schedule/decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aurex/schedule/facts.h"

namespace aurex::schedule {
namespace {

using ax::AxisId;
using ax::AxisSet;
using ax::ValueId;

/// "a", "a or b", "a, b or c".
std::string one_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return text;
}

/// Membership of a pinned set, else what was chosen.
bool member_of(const std::optional<Entry<Values>>& given, ValueId value, bool chosen) {
  return given ? std::ranges::binary_search(given->value, value) : chosen;
}

void record(std::optional<Entry<Values>>& made, ValueId value, bool member) {
  if (!made) made.emplace();
  auto& list = made->value;
  const auto at = std::ranges::lower_bound(list, value);
  if (member && (at == list.end() || *at != value)) list.insert(at, value);
}

}  // namespace

// ---- of a kernel ----

Decisions::Decisions(const ax::TileProgram& program, Schedule given, const std::string& target)
    : program_(program), given_(std::move(given)) {
  made_.kernel = program.name;
  made_.target = target;
  require_for(given_, program.name, target);
}

Values Decisions::online(const Schedule& given, const std::string& kernel, const Values& possible) {
  if (!given.online) return possible;
  const Place place = given.online->place;
  for (const ValueId value : given.online->value) {
    if (!std::ranges::binary_search(possible, value)) {
      refuse(kernel, place, "a maximum that can be taken along the way", fmt::format("%{}", value));
    }
  }
  if (possible.empty()) refuse(kernel, place, "an entry that decides something", "'online'");
  return given.online->value;
}

bool Decisions::store(ValueId value, bool chosen) {
  asked_.insert(value);
  const bool answer = member_of(given_.store, value, chosen);
  record(made_.store, value, answer);
  return answer;
}

Schedule Decisions::finish() {
  for (const LaunchSchedule& launch : given_.launches) {
    if (launches_.contains(launch.launch)) continue;
    refuse(program_.name, launch.place, "one of its launches, " + one_of({launches_.begin(), launches_.end()}),
           launch.launch);
  }
  if (given_.store) {
    for (const ValueId value : given_.store->value) {
      if (!asked_.contains(value)) {
        refuse(program_.name, given_.store->place, "a value that may be stored or not", fmt::format("%{}", value));
      }
    }
    if (asked_.empty()) refuse(program_.name, given_.store->place, "an entry that decides something", "'store'");
  }
  return std::move(made_);
}

// ---- of a launch ----

void LaunchDecisions::begin(const std::string& launch) {
  kernel_.launches_.insert(launch);
  made_ = {.launch = launch};
  given_ = nullptr;
  for (const LaunchSchedule& each : kernel_.given_.launches) {
    if (each.launch == launch) given_ = &each;
  }
  nests_used_.assign(given_ ? given_->nests.size() : 0, false);
  keeps_asked_.clear();
}

Form LaunchDecisions::form(Form chosen, std::span<const Form> legal) {
  if (given_ && given_->form) {
    if (std::ranges::count(legal, given_->form->value) == 0) {
      std::vector<std::string> names;
      for (const Form form : legal) names.emplace_back(to_string(form));
      refuse_entry(given_->form->place, "form " + one_of(names), std::string(to_string(given_->form->value)));
    }
    chosen = given_->form->value;
  }
  made_.form = {.value = chosen};
  return chosen;
}

std::int64_t LaunchDecisions::number(std::optional<Entry<std::int64_t>> LaunchSchedule::* member, std::int64_t chosen) {
  if (given_ && given_->*member) chosen = (given_->*member)->value;
  made_.*member = {.value = chosen};
  return chosen;
}

LaneChoice LaunchDecisions::pinned(const Lanes& lanes, Place place, AxisSet legal) const {
  if (lanes.axis.empty()) return {};
  std::vector<std::string> names;
  for (const AxisId axis : axes_of(legal)) {
    names.push_back(axis_name(kernel_.program_, axis));
    if (names.back() == lanes.axis) return {.axis = axis, .vectors = lanes.vectors};
  }
  names.emplace_back("none");
  refuse_entry(place, "vector " + one_of(names), lanes.axis);
}

Lanes LaunchDecisions::lanes(LaneChoice choice) const {
  if (choice.axis == ax::kNone) return {};
  return {.axis = axis_name(kernel_.program_, choice.axis), .vectors = choice.vectors};
}

LaneChoice LaunchDecisions::vector(LaneChoice chosen, AxisSet legal) {
  if (given_ && given_->vector) chosen = pinned(given_->vector->value, given_->vector->place, legal);
  made_.vector = {.value = lanes(chosen)};
  return chosen;
}

LaneChoice LaunchDecisions::nest(ValueId value, LaneChoice chosen, AxisSet legal) {
  for (std::size_t i = 0; i < nests_used_.size(); ++i) {
    const NestSchedule& nest = given_->nests[i];
    if (nests_used_[i] || nest.value != value) continue;
    nests_used_[i] = true;
    chosen = pinned(nest.vector, nest.place, legal);
    break;
  }
  made_.nests.push_back({.value = value, .vector = lanes(chosen)});
  return chosen;
}

bool LaunchDecisions::keep(ValueId value, bool chosen) {
  keeps_asked_.insert(value);
  const bool answer = member_of(given_ ? given_->keep : std::nullopt, value, chosen);
  record(made_.keep, value, answer);
  return answer;
}

std::int64_t LaunchDecisions::tile(AxisId axis, std::int64_t chosen) {
  AxisSchedule made{.axis = axis_name(kernel_.program_, axis), .tile = chosen};
  if (given_) {
    for (const AxisSchedule& each : given_->axes) {
      if (each.axis != made.axis) continue;
      const bool whole = chosen == kWhole;
      if (whole != (each.tile == kWhole)) {
        refuse_entry(each.place, whole ? "'whole', since updates along it may meet" : "'fit' or a number",
                     whole ? "a size" : "'whole'");
      }
      if (each.block != 0) refuse_entry(each.place, "one size, there are no blocks in registers", "two");
      made.tile = each.tile;
    }
  }
  made_.axes.insert(made_.axes.begin(), made);
  return made.tile;
}

void LaunchDecisions::refuse_entry(Place place, const std::string& expected, const std::string& actual) const {
  refuse(kernel_.program_.name, place, fmt::format("for launch {} {}", made_.launch, expected), actual);
}

void LaunchDecisions::refuse_unasked(Place place, const std::string& entry) const {
  refuse_entry(place, "an entry that decides something there", entry);
}

void LaunchDecisions::finish() {
  if (given_) {
    if (given_->form && !made_.form) refuse_unasked(given_->form->place, "'form'");
    if (given_->grain && !made_.grain) refuse_unasked(given_->grain->place, "'grain'");
    if (given_->vector && !made_.vector) refuse_unasked(given_->vector->place, "'vector'");
    if (given_->stream && !made_.stream) refuse_unasked(given_->stream->place, "'stream'");
    if (given_->keep && !made_.keep) refuse_unasked(given_->keep->place, "'keep'");
    for (const AxisSchedule& axis : given_->axes) {
      const auto same = [&](const AxisSchedule& made) { return made.axis == axis.axis; };
      if (std::ranges::none_of(made_.axes, same)) refuse_unasked(axis.place, fmt::format("'{} ='", axis.axis));
    }
    if (given_->keep) {
      for (const ValueId value : given_->keep->value) {
        if (!keeps_asked_.contains(value)) {
          refuse_entry(given_->keep->place, "values that may be kept or not", fmt::format("%{}", value));
        }
      }
    }
    for (std::size_t i = 0; i < nests_used_.size(); ++i) {
      if (!nests_used_[i]) refuse_unasked(given_->nests[i].place, fmt::format("'nest %{}'", given_->nests[i].value));
    }
  }
  if (made_ == LaunchSchedule{.launch = made_.launch}) return;
  kernel_.made_.launches.push_back(std::move(made_));
}

}  // namespace aurex::schedule
