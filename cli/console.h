#pragma once

// Where a command writes: results to standard output, messages to standard error, colour only where a person sees it.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace aurex::cli {

enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };

class Console {
 public:
  Console(ColorMode color, bool json);

  /// Results as JSON rather than text for people.
  [[nodiscard]] bool json() const { return json_; }
  /// Colour on standard error, where diagnostics go.
  [[nodiscard]] bool color() const { return color_; }
  /// A person watches standard error.
  [[nodiscard]] bool interactive() const { return interactive_; }

  /// To standard output, as it is.
  void write(std::string_view text) const;
  /// To standard output with a line end.
  void line(std::string_view text) const;
  /// To standard error with a line end.
  void message(std::string_view text) const;
  /// The same, with "error: " before it.
  void error(std::string_view text) const;

 private:
  bool json_;
  bool color_;
  bool interactive_;
};

/// One line on standard error that says how far something has come; shown after a second, and only to a person.
///
///   Progress progress(console, "running", repeat);
///   for (…) progress.step();
class Progress {
 public:
  Progress(const Console& console, std::string_view what, std::int64_t steps);
  ~Progress();  ///< clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step();

 private:
  using Clock = std::chrono::steady_clock;
  const Console& console_;
  const std::string what_;
  const std::int64_t steps_;
  std::int64_t done_ = 0;
  Clock::time_point next_;
  bool shown_ = false;
};

}  // namespace aurex::cli
