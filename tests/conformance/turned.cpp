#include "turned.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <optional>
#include <random>
#include <vector>

#include "aurex/base/error.h"

namespace aurex::testing {
namespace {

using schedule::AxisSchedule;
using schedule::Form;
using schedule::Lanes;
using schedule::LaunchSchedule;
using schedule::NestSchedule;
using schedule::Schedule;

class Turner {
 public:
  Turner(const ax::TileProgram& program, std::uint64_t seed) : program_(program), random_(seed) {}

  /// `pins` with one more entry, another than in `made`, the complete schedule that they lead to.
  Schedule turn(Schedule pins, const Schedule& made) {
    const bool store = made.store && (made.launches.empty() || below(4) == 0);
    if (pins.kernel.empty())
      pins = {.kernel = made.kernel, .target = made.target, .place = {}, .store = {}, .launches = {}};
    if (store) {
      pins.store = made.store;
      toggle(pins.store->value);
    } else if (!made.launches.empty()) {
      const LaunchSchedule& launch = made.launches[below(made.launches.size())];
      turn_launch(launch_of(pins, launch.launch), launch);
    }
    return pins;
  }

 private:
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  template <std::size_t N>
  std::int64_t pick(const std::array<std::int64_t, N>& from) {
    return from[below(N)];
  }

  static LaunchSchedule& launch_of(Schedule& pins, const std::string& name) {
    for (LaunchSchedule& launch : pins.launches) {
      if (launch.launch == name) return launch;
    }
    return pins.launches.emplace_back(LaunchSchedule{.launch = name});
  }

  /// One entry of `made`, chosen at random.
  void turn_launch(LaunchSchedule& pins, const LaunchSchedule& made) {
    std::vector<std::function<void()>> ways;
    if (made.form) ways.emplace_back([&] { pins.form = {.value = static_cast<Form>(below(5))}; });
    if (made.grain) ways.emplace_back([&] { pins.grain = {.value = pick<5>({1, 2, 10, 300, 100000})}; });
    if (made.vector) ways.emplace_back([&] { pins.vector = {.value = lanes()}; });
    if (made.stream) ways.emplace_back([&] { pins.stream = {.value = pick<3>({0, 64, schedule::kNever})}; });
    if (made.keep) {
      ways.emplace_back([&] {
        pins.keep = made.keep;
        toggle(pins.keep->value);
      });
    }
    for (const AxisSchedule& axis : made.axes) ways.emplace_back([&] { turn_axis(pins, axis); });
    for (std::size_t i = 0; i < made.nests.size(); ++i) ways.emplace_back([&, i] { turn_nest(pins, made, i); });
    if (!ways.empty()) ways[below(ways.size())]();
  }

  void turn_axis(LaunchSchedule& pins, AxisSchedule axis) {
    if (axis.block == 0 || below(2) == 0) axis.tile = pick<8>({schedule::kFit, 1, 2, 3, 5, 8, 17, 300});
    if (axis.block != 0) axis.block = 1 + static_cast<std::int64_t>(below(14));
    std::erase_if(pins.axes, [&](const AxisSchedule& other) { return other.axis == axis.axis; });
    pins.axes.push_back(axis);
  }

  /// Nests of one value are told apart by their order, so those before it are pinned as they are.
  void turn_nest(LaunchSchedule& pins, const LaunchSchedule& made, std::size_t nest) {
    const ax::ValueId value = made.nests[nest].value;
    std::erase_if(pins.nests, [&](const NestSchedule& other) { return other.value == value; });
    for (std::size_t i = 0; i <= nest; ++i) {
      if (made.nests[i].value == value) pins.nests.push_back(made.nests[i]);
    }
    pins.nests.back().vector = lanes();
  }

  Lanes lanes() {
    const std::size_t axis = below(program_.axes.size() + 1);
    if (axis == program_.axes.size()) return {};
    return {.axis = schedule::axis_name(program_, static_cast<ax::AxisId>(axis)),
            .vectors = static_cast<std::int32_t>(1 + below(8))};
  }

  void toggle(std::vector<ax::ValueId>& set) {
    const auto value = static_cast<ax::ValueId>(below(program_.values.size()));
    const auto at = std::ranges::lower_bound(set, value);
    if (at != set.end() && *at == value) {
      set.erase(at);
    } else {
      set.insert(at, value);
    }
  }

  const ax::TileProgram& program_;
  std::mt19937_64 random_;
};

}  // namespace

Schedule turned_schedule(const ax::TileProgram& program, const schedule::StrideClasses& classes,
                         schedule::SizeClass size, const schedule::Target& target, std::uint64_t seed, int turns) {
  Turner turner(program, seed);
  Schedule pins, made;
  static_cast<void>(schedule::lower(program, classes, size, target, made));
  for (int i = 0; i < turns; ++i) {
    const Schedule tried = turner.turn(pins, made);
    Schedule complete = tried;
    try {
      static_cast<void>(schedule::lower(program, classes, size, target, complete));
    } catch (const InvalidConfig&) {
      continue;
    }
    pins = tried;
    made = complete;
  }
  return pins;
}

}  // namespace aurex::testing
