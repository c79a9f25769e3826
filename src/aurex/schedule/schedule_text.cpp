#include "aurex/schedule/schedule_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <utility>

namespace aurex::schedule {
namespace {

constexpr std::array kForms = {Form::kPositions, Form::kRows,   Form::kPanels,
                               Form::kSquares,   Form::kStream, Form::kImplicit};

/// Largest tile: 16 Mi positions are far more than any cache holds.
constexpr std::int64_t kMostPositions = 1 << 24;
constexpr std::int64_t kMostBlock = 64;    // positions of a register block; no machine has more vector registers
constexpr std::int64_t kMostVectors = 16;  // of one step; more only spill
constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;

/// Entries that are one number, or a word that stands for one.
struct NumberEntry {
  std::string_view name;
  std::optional<Entry<std::int64_t>> LaunchSchedule::* member;
  std::int64_t least, most;
  std::string_view word;
  std::int64_t word_value;
};
constexpr NumberEntry kGrain = {
    .name = "grain", .member = &LaunchSchedule::grain, .least = 1, .most = kMostPositions, .word = {}, .word_value = 0};
constexpr NumberEntry kStream = {.name = "stream",
                                 .member = &LaunchSchedule::stream,
                                 .least = 0,
                                 .most = kMostBytes,
                                 .word = "never",
                                 .word_value = kNever};
constexpr std::array kNumbers = {kGrain, kStream};

// ---- printing ----

std::string lanes_text(const Lanes& lanes) {
  return lanes.axis.empty() ? "none" : fmt::format("{} x {}", lanes.axis, lanes.vectors);
}

std::string values_text(const Values& values) {
  std::string text;
  for (const ax::ValueId value : values) text += fmt::format("{}%{}", text.empty() ? "" : ", ", value);
  return text.empty() ? "none" : text;
}

std::string axis_text(const AxisSchedule& axis) {
  const std::string tile = axis.tile == kFit ? "fit" : axis.tile == kWhole ? "whole" : std::to_string(axis.tile);
  return fmt::format("{} = {}{}", axis.axis, tile, axis.block == 0 ? "" : fmt::format(" / {}", axis.block));
}

void print_number(const LaunchSchedule& launch, const NumberEntry& entry, std::string& out) {
  const std::optional<Entry<std::int64_t>>& number = launch.*entry.member;
  if (!number) return;
  const bool word = !entry.word.empty() && number->value == entry.word_value;
  fmt::format_to(std::back_inserter(out), "    {} {}\n", entry.name,
                 word ? std::string(entry.word) : std::to_string(number->value));
}

void print_launch(const LaunchSchedule& launch, std::string& out) {
  const auto line = [&](const std::string& text) { out += "    " + text + "\n"; };
  fmt::format_to(std::back_inserter(out), "  launch {} {{\n", launch.launch);
  if (launch.form) line(fmt::format("form {}", to_string(launch.form->value)));
  for (const AxisSchedule& axis : launch.axes) line(axis_text(axis));
  print_number(launch, kGrain, out);
  if (launch.vector) line("vector " + lanes_text(launch.vector->value));
  if (launch.keep) line("keep " + values_text(launch.keep->value));
  for (const NestSchedule& nest : launch.nests) {
    line(fmt::format("nest %{} vector {}", nest.value, lanes_text(nest.vector)));
  }
  print_number(launch, kStream, out);
  out += "  }\n";
}

// ---- parsing ----

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  Schedule run() {
    expect("schedule");
    const Place at = place_;
    if (const std::int64_t version = integer("the version of the text", 0, kMostBytes); version != kScheduleVersion) {
      fail_at(at, fmt::format("version {}", kScheduleVersion), fmt::format("version {}", version));
    }
    schedule_.place = place_;
    schedule_.kernel = word("the name of a kernel");
    expect("on");
    schedule_.target = word("a target");
    expect("{");
    while (!accept("}")) entry();
    if (!token_.empty()) fail("the end of the text");
    return std::move(schedule_);
  }

 private:
  // ---- tokens ----

  [[noreturn]] void fail_at(Place place, std::string_view expected, std::string_view actual) const {
    refuse(schedule_.kernel, place, expected, actual);
  }
  [[noreturn]] void fail(std::string_view expected) const {
    fail_at(place_, expected, token_.empty() ? "the end of the text" : fmt::format("'{}'", token_));
  }

  static bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  static bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

  static bool is_foreign(char c) { return static_cast<unsigned char>(c) >= 0x80; }

  void skip_space() {
    while (next_ < text_.size()) {
      if (text_.substr(next_).starts_with("//")) {
        next_ = std::min(text_.find('\n', next_), text_.size());
      } else if (std::isspace(static_cast<unsigned char>(text_[next_])) == 0) {
        return;
      } else if (text_[next_++] == '\n') {
        ++line_;
        line_begin_ = next_;
      }
    }
  }

  void advance() {
    skip_space();
    place_ = {.line = line_, .column = static_cast<std::int32_t>(next_ - line_begin_ + 1)};
    const std::size_t begin = next_;
    if (next_ < text_.size() && in_word(text_[next_])) {
      while (next_ < text_.size() && in_word(text_[next_])) ++next_;
    } else if (next_ < text_.size()) {
      // A character outside ASCII stays in one piece, so that messages are text.
      do ++next_;
      while (next_ < text_.size() && is_foreign(text_[next_ - 1]) && is_foreign(text_[next_]));
    }
    token_ = text_.substr(begin, next_ - begin);
  }

  bool accept(std::string_view token) {
    if (token_ != token) return false;
    advance();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail(fmt::format("'{}'", token));
  }
  std::string word(std::string_view what) {
    if (token_.empty() || !starts_word(token_[0])) fail(what);
    std::string text(token_);
    advance();
    return text;
  }
  std::int64_t integer(std::string_view what, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(token_.begin(), token_.end(), value);
    if (token_.empty() || stop != token_.end() || (error != std::errc() && error != std::errc::result_out_of_range))
      fail(what);
    if (error != std::errc() || value < least || value > most) fail(fmt::format("{} from {} to {}", what, least, most));
    advance();
    return value;
  }

  // ---- entries ----

  void entry() {
    if (token_ == "online") {
      kernel_values(schedule_.online, "online");
    } else if (token_ == "store") {
      kernel_values(schedule_.store, "store");
    } else if (token_ == "launch") {
      launch();
    } else {
      fail("'launch', 'online', 'store' or '}'");
    }
    accept(";");
  }

  void kernel_values(std::optional<Entry<Values>>& list, const char* name) {
    entry_ = place_;
    unique(list, name);
    advance();
    list = {.value = values(), .place = entry_};
  }

  void launch() {
    LaunchSchedule launch;
    advance();
    launch.place = place_;
    launch.launch = word("the name of a launch");
    for (const LaunchSchedule& other : schedule_.launches) {
      if (other.launch == launch.launch) fail_at(launch.place, "each launch once", launch.launch);
    }
    expect("{");
    while (!accept("}")) {
      launch_entry(launch);
      accept(";");
    }
    schedule_.launches.push_back(std::move(launch));
  }

  void launch_entry(LaunchSchedule& launch) {
    entry_ = place_;
    const std::string name = word("an entry or '}'");
    if (accept("=")) return axis(launch, name);
    for (const NumberEntry& number : kNumbers) {
      if (name != number.name) continue;
      unique(launch.*number.member, name);
      launch.*number.member = {.value = number_value(number), .place = entry_};
      return;
    }
    if (name == "form") {
      unique(launch.form, name);
      launch.form = {.value = form(), .place = entry_};
    } else if (name == "vector") {
      unique(launch.vector, name);
      launch.vector = {.value = lanes(), .place = entry_};
    } else if (name == "keep") {
      unique(launch.keep, name);
      launch.keep = {.value = values(), .place = entry_};
    } else if (name == "nest") {
      nest(launch);
    } else {
      fail_at(entry_, "'form', 'grain', 'vector', 'keep', 'nest', 'stream' or an axis and '='",
              fmt::format("'{}'", name));
    }
  }

  template <typename T>
  void unique(const std::optional<Entry<T>>& already, std::string_view name) const {
    if (already) fail_at(entry_, "each entry once", fmt::format("another '{}'", name));
  }

  void axis(LaunchSchedule& launch, const std::string& name) {
    for (const AxisSchedule& other : launch.axes) {
      if (other.axis == name) fail_at(entry_, "each axis once", fmt::format("another '{} ='", name));
    }
    AxisSchedule axis{.axis = name, .place = entry_};
    if (accept("whole")) {
      axis.tile = kWhole;
    } else if (!accept("fit")) {
      axis.tile = integer("'fit', 'whole' or a number", 1, kMostPositions);
    }
    if (accept("/")) axis.block = integer("a number", 1, kMostBlock);
    launch.axes.push_back(std::move(axis));
  }

  std::int64_t number_value(const NumberEntry& entry) {
    if (!entry.word.empty() && accept(entry.word)) return entry.word_value;
    return integer(entry.word.empty() ? "a number" : fmt::format("'{}' or a number", entry.word), entry.least,
                   entry.most);
  }

  Form form() {
    for (const Form form : kForms) {
      if (accept(to_string(form))) return form;
    }
    fail("'positions', 'rows', 'panels', 'squares', 'stream' or 'implicit'");
  }

  Lanes lanes() {
    if (accept("none")) return {};
    Lanes lanes{.axis = word("'none' or an axis")};
    expect("x");
    lanes.vectors = static_cast<std::int32_t>(integer("a number of vectors", 1, kMostVectors));
    return lanes;
  }

  void nest(LaunchSchedule& launch) {
    NestSchedule nest{.place = entry_};
    nest.value = value();
    expect("vector");
    nest.vector = lanes();
    launch.nests.push_back(std::move(nest));
  }

  ax::ValueId value() {
    expect("%");
    return static_cast<ax::ValueId>(integer("the number of a value", 0, ax::kNone - 1));
  }

  /// Ascending, so that the same set is the same list.
  Values values() {
    Values list;
    if (accept("none")) return list;
    do {
      list.push_back(value());
    } while (accept(","));
    std::ranges::sort(list);
    const auto twice = std::ranges::adjacent_find(list);
    if (twice != list.end()) fail_at(entry_, "each value once", fmt::format("%{} twice", *twice));
    return list;
  }

  std::string_view text_;
  std::size_t next_ = 0, line_begin_ = 0;
  std::int32_t line_ = 1;
  std::string_view token_;  // empty: the end
  Place place_;             // of the token
  Place entry_;             // of the entry in hand
  Schedule schedule_;
};

}  // namespace

std::string print(const Schedule& schedule) {
  std::string out = fmt::format("schedule {} {} on {} {{\n", kScheduleVersion, schedule.kernel, schedule.target);
  if (schedule.online) out += fmt::format("  online {}\n", values_text(schedule.online->value));
  if (schedule.store) out += fmt::format("  store {}\n", values_text(schedule.store->value));
  for (const LaunchSchedule& launch : schedule.launches) print_launch(launch, out);
  return out + "}\n";
}

Schedule parse_schedule(std::string_view text) { return Parser(text).run(); }

}  // namespace aurex::schedule
