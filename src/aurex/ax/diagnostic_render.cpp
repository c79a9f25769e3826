// Diagnostics as a person reads them, and as a program does.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "aurex/ax/diagnostic.h"

namespace aurex::ax {

namespace {

struct Paint {
  bool on;
  [[nodiscard]] std::string operator()(std::string_view style, std::string_view text) const {
    return on ? fmt::format("\x1b[{}m{}\x1b[0m", style, text) : std::string(text);
  }
};

constexpr std::string_view kBold = "1";
constexpr std::string_view kRed = "1;31";
constexpr std::string_view kYellow = "1;33";
constexpr std::string_view kBlue = "1;34";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// The length in bytes of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0 && follows(1)) return 2;
  const bool overlong3 = lead == 0xE0 && byte(1) < 0xA0;
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  if (lead >= 0xE0 && lead < 0xF0 && follows(1) && follows(2) && !overlong3 && !surrogate) return 3;
  const bool overlong4 = lead == 0xF0 && byte(1) < 0x90;
  const bool too_large = lead == 0xF4 && byte(1) >= 0x90;
  if (lead >= 0xF0 && lead < 0xF5 && follows(1) && follows(2) && follows(3) && !overlong4 && !too_large) return 4;
  return 0;
}

/// One character of a source line as the terminal shows it, and how many cells it takes.
struct Cell {
  std::string_view text;
  std::size_t bytes;  // in the source
  int width;
};

/// Spaces for a tab; U+FFFD for a control character and for malformed UTF-8, so that a source cannot drive the
/// terminal.
Cell next_cell(std::string_view rest, int column, int tab_width) {
  static constexpr std::string_view kSpaces = "                ";
  if (rest[0] == '\t') {
    const int width = tab_width - column % tab_width;
    return {kSpaces.substr(0, static_cast<std::size_t>(width)), 1, width};
  }
  const std::size_t length = sequence_length(rest);
  const auto lead = static_cast<unsigned char>(rest[0]);
  const bool control = lead < 0x20 || lead == 0x7F || (lead == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0);
  if (length == 0 || control) return {kReplacement, std::max<std::size_t>(length, 1), 1};
  return {rest.substr(0, length), length, 1};
}

/// The part of a source line that is shown, and the line of carets under it.
struct Excerpt {
  std::string text;
  std::string marks;
};

/// Shows `line` around the byte range [begin, end) of it, at most `width` cells wide.
Excerpt excerpt(std::string_view line, std::size_t begin, std::size_t end, const RenderOptions& options) {
  const auto window = static_cast<std::size_t>(std::max(options.width, 20));
  const int tab_width = std::clamp(options.tab_width, 1, 16);
  // A cell comes from one byte or more, so this many bytes before the place are enough context for any window.
  std::size_t from = 0;
  if (line.size() > window && begin > window / 3) {
    from = begin - window / 3;
    while (from < begin && (static_cast<unsigned char>(line[from]) & 0xC0) == 0x80) ++from;
  }
  Excerpt result;
  if (from > 0) result.text = "…", result.marks = " ";
  int column = from > 0 ? 1 : 0;
  std::size_t at = from;
  while (at < line.size() && static_cast<std::size_t>(column) < window) {
    const Cell cell = next_cell(line.substr(at), column, tab_width);
    result.text += cell.text;
    if (at < end || at <= begin) result.marks.append(static_cast<std::size_t>(cell.width), at < begin ? ' ' : '^');
    at += cell.bytes;
    column += cell.width;
  }
  if (at < line.size()) result.text += "…";
  if (begin >= at) result.marks += '^';  // the end of the line
  return result;
}

/// "--> file:3:14", the line, and the place underlined. `style` colours the underline.
std::string place(const Source& source, Span span, std::string_view style, const RenderOptions& options) {
  const Paint paint{options.color};
  const LineColumn at = source.position(span.begin);
  const std::string_view line = source.line(at.line);
  const std::size_t begin = std::min<std::size_t>(span.begin - source.line_start(at.line), line.size());
  const std::size_t length = span.end > span.begin ? span.end - span.begin : 1;
  const Excerpt shown = excerpt(line, begin, std::min(begin + length, line.size()), options);
  const std::string number = std::to_string(at.line);
  const std::string margin(number.size(), ' ');
  return fmt::format("{}{} {}:{}:{}\n{} {}\n{} {} {}\n{} {} {}\n", margin, paint(kBlue, "-->"), source.name(), at.line,
                     at.column, margin, paint(kBlue, "|"), paint(kBlue, number), paint(kBlue, "|"), shown.text, margin,
                     paint(kBlue, "|"), paint(style, shown.marks));
}

nlohmann::ordered_json json_place(const Source& source, Span span) {
  const LineColumn begin = source.position(span.begin);
  const LineColumn end = source.position(std::max(span.begin, span.end));
  return {{"line", begin.line}, {"column", begin.column}, {"end_line", end.line}, {"end_column", end.column}};
}

}  // namespace

std::string render(const Source& source, const Diagnostic& diagnostic, const RenderOptions& options) {
  const Paint paint{options.color};
  const bool error = diagnostic.severity == Severity::kError;
  const std::string_view style = error ? kRed : kYellow;
  std::string text = paint(style, fmt::format("{}[{}]", error ? "error" : "warning", to_string(diagnostic.code))) +
                     paint(kBold, ": " + diagnostic.message) + "\n" + place(source, diagnostic.span, style, options);
  for (const Note& note : diagnostic.notes) {
    text += paint(kBold, "note") + ": " + note.text + "\n" + place(source, note.span, kBlue, options);
  }
  if (!diagnostic.suggestion.empty()) text += paint(kBold, "help") + ": " + diagnostic.suggestion + "\n";
  return text;
}

std::string render(const Source& source, std::span<const Diagnostic> diagnostics, const RenderOptions& options) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!text.empty()) text += '\n';
    text += render(source, diagnostic, options);
  }
  return text;
}

std::string render_json(const Source& source, std::span<const Diagnostic> diagnostics) {
  auto list = nlohmann::ordered_json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    nlohmann::ordered_json entry = {{"code", to_string(diagnostic.code)},
                                    {"severity", diagnostic.severity == Severity::kError ? "error" : "warning"},
                                    {"file", source.name()}};
    entry.update(json_place(source, diagnostic.span));
    entry["message"] = diagnostic.message;
    auto notes = nlohmann::ordered_json::array();
    for (const Note& note : diagnostic.notes) {
      auto shown = json_place(source, note.span);
      shown["text"] = note.text;
      notes.push_back(std::move(shown));
    }
    entry["notes"] = std::move(notes);
    entry["suggestion"] = nullptr;
    if (!diagnostic.suggestion.empty()) entry["suggestion"] = diagnostic.suggestion;
    list.push_back(std::move(entry));
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace aurex::ax
