#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace aurex::cli {

Console::Console(ColorMode color, bool json) : json_(json), interactive_(isatty(STDERR_FILENO) == 1) {
  color_ = color == ColorMode::kAlways || (color == ColorMode::kAuto && interactive_);
}

void Console::write(std::string_view text) const { fmt::print("{}", text); }

void Console::line(std::string_view text) const { fmt::print("{}\n", text); }

void Console::message(std::string_view text) const {
  std::fflush(stdout);  // so that both streams read in order where they go to one place
  fmt::print(stderr, "{}\n", text);
}

void Console::error(std::string_view text) const {
  message(color_ ? fmt::format("\033[1;31merror:\033[0m {}", text) : fmt::format("error: {}", text));
}

Progress::Progress(const Console& console, std::string_view what, std::int64_t steps)
    : console_(console), what_(what), steps_(steps), next_(Clock::now() + std::chrono::seconds(1)) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void Progress::step() {
  ++done_;
  if (!console_.interactive() || Clock::now() < next_) return;
  next_ = Clock::now() + std::chrono::milliseconds(100);
  shown_ = true;
  fmt::print(stderr, "\r\033[K{} {}/{}", what_, done_, steps_);
  std::fflush(stderr);
}

}  // namespace aurex::cli
