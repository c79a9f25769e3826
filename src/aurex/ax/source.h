#pragma once

// The text of one AX file, and places in it.
//
// A Source owns the text and knows where its lines begin; everything behind the lexer speaks of places as byte spans
// and asks the Source for line and column only when a person reads them. A Source never changes after construction, so
// any number of threads may read one.
//
//   Source source("softmax.ax", text);
//   LineColumn at = source.position(span.begin);   // {3, 14}

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aurex::ax {

/// A half-open range of byte offsets into one Source.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend bool operator==(const Span&, const Span&) = default;
};

/// The smallest span that holds both.
[[nodiscard]] constexpr Span join(Span a, Span b) {
  return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

/// Both count from 1; a column is a Unicode code point, and a tab is one column.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  friend bool operator==(const LineColumn&, const LineColumn&) = default;
};

/// The longest text that the parser reads, in bytes; a longer one is refused with AX0902.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{16} << 20;

class Source {
 public:
  /// `name` is what diagnostics print before the line number: a path, or "<string>".
  Source(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  /// The bytes of a span, cut at the end of the text.
  [[nodiscard]] std::string_view text(Span span) const;

  /// Offsets past the end give the end.
  [[nodiscard]] LineColumn position(std::uint32_t offset) const;
  /// Lines count from 1; the text comes without its line break, and is empty past the last line.
  [[nodiscard]] std::string_view line(std::uint32_t number) const;
  [[nodiscard]] std::uint32_t line_count() const { return static_cast<std::uint32_t>(line_starts_.size()); }
  /// The offset of the first byte of a line that exists.
  [[nodiscard]] std::uint32_t line_start(std::uint32_t number) const { return line_starts_[number - 1]; }

 private:
  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> line_starts_;
};

}  // namespace aurex::ax
