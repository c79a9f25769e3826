#pragma once

// What the compiler has to say about a program: codes, places, notes, and the sink that collects them.
//
// Every refusal has a stable code, AX0101 and so on, from the one table diagnostic_table.inc, which also gives each
// code a title, an explanation, an example that is refused and its repair. A pass reports to a DiagnosticSink and goes
// on; whoever runs the passes asks the sink at the end and raises a CompileError. A sink belongs to one compilation and
// one thread.
//
//   sink.error(Code::kUnknownName, span, "there is no value named `foo`").note(other, "`fob` is bound
//   here").help("write `fob`");

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/ax/source.h"
#include "aurex/base/error.h"

namespace aurex::ax {

/// One row of the table each. The value is the number in the code: 101 is AX0101.
enum class Code : std::uint16_t {
#define AX_DIAGNOSTIC(number, name, title, explanation, refused, repaired) name = number,
#include "aurex/ax/diagnostic_table.inc"
#undef AX_DIAGNOSTIC
};

/// "AX0101".
[[nodiscard]] std::string to_string(Code code);

/// What the table says about a code.
struct CodeInfo {
  Code code;
  std::string_view name;         ///< The enumerator without its k: "UnexpectedCharacter".
  std::string_view title;        ///< A few words, for lists.
  std::string_view explanation;  ///< Why the language refuses it: a sentence or more.
  std::string_view refused;      ///< A whole program that gets exactly this code; empty for a limit.
  std::string_view repaired;     ///< The same program as it is accepted.
};

/// All codes in rising order.
[[nodiscard]] std::span<const CodeInfo> diagnostic_table();
[[nodiscard]] const CodeInfo& info(Code code);
/// The documentation page of one code, in Markdown.
[[nodiscard]] std::string documentation_page(const CodeInfo& info);

enum class Severity : std::uint8_t { kError, kWarning };

struct Note {
  Span span;
  std::string text;
};

struct Diagnostic {
  Code code{};  // NOLINT(bugprone-invalid-enum-default-initialization): no diagnostic has the number 0
  Severity severity = Severity::kError;
  Span span;
  std::string message;      ///< One line, no full stop, names in `backquotes`.
  std::vector<Note> notes;  ///< Other places that have to do with it.
  std::string suggestion;   ///< What to write instead; empty where there is nothing to suggest.

  /// Both add to the diagnostic and return it, so that a report reads as one sentence.
  Diagnostic& note(Span where, std::string text);
  Diagnostic& help(std::string text);
};

/// Collects the diagnostics of one compilation. Keeps at most `limit` of them and counts the rest; a second error with
/// the same code at the same place is dropped.
class DiagnosticSink {
 public:
  explicit DiagnosticSink(std::size_t limit = 50) : limit_(limit) {}

  /// The reference stays good until the next report.
  Diagnostic& report(Diagnostic diagnostic);
  Diagnostic& error(Code code, Span span, std::string message);
  Diagnostic& warning(Code code, Span span, std::string message);

  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  /// Errors reported, those that were not kept included.
  [[nodiscard]] std::size_t error_count() const { return errors_; }
  /// True when nothing more is kept; a pass that can stop early should.
  [[nodiscard]] bool full() const { return diagnostics_.size() >= limit_; }
  /// How many were not kept because the sink was full.
  [[nodiscard]] std::size_t dropped() const { return dropped_; }
  /// In the order of their places.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;
  /// In the order of their reports.
  [[nodiscard]] std::span<const Diagnostic> diagnostics() const { return diagnostics_; }

 private:
  std::size_t limit_;
  std::size_t errors_ = 0;
  std::size_t dropped_ = 0;
  std::vector<Diagnostic> diagnostics_;
  Diagnostic unkept_;  // what report() returns for a diagnostic that it drops
};

struct RenderOptions {
  bool color = false;  ///< ANSI colours; the caller knows whether it writes to a terminal.
  int tab_width = 4;
  int width = 120;  ///< A longer source line is cut to a window around the place.
};

/// file:line:column, the source line with the place underlined, notes, and the suggestion; ends with a newline. Control
/// characters and malformed UTF-8 in the source are shown as U+FFFD.
[[nodiscard]] std::string render(const Source& source, const Diagnostic& diagnostic, const RenderOptions& options = {});
/// All of them with a blank line between.
[[nodiscard]] std::string render(const Source& source, std::span<const Diagnostic> diagnostics,
                                 const RenderOptions& options = {});

/// A JSON list of {"code", "severity", "file", "line", "column", "end_line", "end_column", "message", "notes":
/// [{"line", "column", "end_line", "end_column", "text"}], "suggestion": text or null}.
[[nodiscard]] std::string render_json(const Source& source, std::span<const Diagnostic> diagnostics);

/// AX source refused. The message is the rendering of all diagnostics; the fields "code", "file", "line" and "column"
/// are those of the first.
class CompileError : public Error {
 public:
  /// `diagnostics` holds at least one.
  CompileError(const Source& source, std::vector<Diagnostic> diagnostics,
               std::source_location where = std::source_location::current());

  std::string diagnostic_code;          ///< Of the first error: "AX0101"
  std::string file;                     ///< Source::name()
  LineColumn position;                  ///< Where the first error is.
  std::string text;                     ///< The message of the first error, one line.
  std::vector<Diagnostic> diagnostics;  ///< All, in the order of their places.
};

/// Raises CompileError if the sink has errors.
void raise_if_refused(const Source& source, const DiagnosticSink& sink,
                      std::source_location where = std::source_location::current());

}  // namespace aurex::ax
