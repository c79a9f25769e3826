#include "aurex/ax/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace aurex::ax {

namespace {

constexpr CodeInfo kTable[] = {
#define AX_DIAGNOSTIC(number, name, title, explanation, refused, repaired) \
  {Code::name, std::string_view(#name).substr(1), title, explanation, refused, repaired},
#include "aurex/ax/diagnostic_table.inc"
#undef AX_DIAGNOSTIC
};

static_assert(std::is_sorted(std::begin(kTable), std::end(kTable),
                             [](const CodeInfo& a, const CodeInfo& b) { return a.code <= b.code; }),
              "the numbers of the table rise and none stands twice");

bool comes_before(const Diagnostic& a, const Diagnostic& b) {
  return std::tuple(a.span.begin, a.span.end, a.code) < std::tuple(b.span.begin, b.span.end, b.code);
}

std::vector<Diagnostic> in_order(std::vector<Diagnostic> diagnostics) {
  std::sort(diagnostics.begin(), diagnostics.end(), comes_before);
  return diagnostics;
}

}  // namespace

std::string to_string(Code code) { return fmt::format("AX{:04}", static_cast<unsigned>(code)); }

std::span<const CodeInfo> diagnostic_table() { return kTable; }

const CodeInfo& info(Code code) {
  return *std::lower_bound(std::begin(kTable), std::end(kTable), code,
                           [](const CodeInfo& row, Code wanted) { return row.code < wanted; });
}

std::string documentation_page(const CodeInfo& info) {
  std::string page = fmt::format("# {}: {}\n\n{}\n", to_string(info.code), info.title, info.explanation);
  if (!info.refused.empty()) {
    page += fmt::format("\nRefused:\n\n```ax refused {}\n{}\n```\n", to_string(info.code), info.refused);
    page += fmt::format("\nAccepted:\n\n```ax\n{}\n```\n", info.repaired);
  }
  return page;
}

Diagnostic& Diagnostic::note(Span where, std::string text) {
  notes.push_back({where, std::move(text)});
  return *this;
}

Diagnostic& Diagnostic::help(std::string text) {
  suggestion = std::move(text);
  return *this;
}

Diagnostic& DiagnosticSink::report(Diagnostic diagnostic) {
  const bool said = std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& other) {
    return other.code == diagnostic.code && other.span == diagnostic.span;
  });
  if (!said && diagnostic.severity == Severity::kError) ++errors_;
  if (!said && !full()) return diagnostics_.emplace_back(std::move(diagnostic));
  if (!said) ++dropped_;
  unkept_ = std::move(diagnostic);
  return unkept_;
}

Diagnostic& DiagnosticSink::error(Code code, Span span, std::string message) {
  return report({.code = code,
                 .severity = Severity::kError,
                 .span = span,
                 .message = std::move(message),
                 .notes = {},
                 .suggestion = {}});
}

Diagnostic& DiagnosticSink::warning(Code code, Span span, std::string message) {
  return report({.code = code,
                 .severity = Severity::kWarning,
                 .span = span,
                 .message = std::move(message),
                 .notes = {},
                 .suggestion = {}});
}

std::vector<Diagnostic> DiagnosticSink::sorted() const { return in_order(diagnostics_); }

CompileError::CompileError(const Source& source, std::vector<Diagnostic> reported, std::source_location where)
    : Error(ErrorCode::kCompileError, render(source, in_order(reported)), where),
      file(source.name()),
      diagnostics(in_order(std::move(reported))) {
  // Warnings may come before the error that refused the program.
  const auto first = std::find_if(diagnostics.begin(), diagnostics.end(),
                                  [](const Diagnostic& d) { return d.severity == Severity::kError; });
  const Diagnostic& cause = first == diagnostics.end() ? diagnostics.front() : *first;
  diagnostic_code = to_string(cause.code);
  position = source.position(cause.span.begin);
  text = cause.message;
  with("code", diagnostic_code).with("file", file).with("line", std::to_string(position.line));
  with("column", std::to_string(position.column));
}

void raise_if_refused(const Source& source, const DiagnosticSink& sink, std::source_location where) {
  if (sink.has_errors()) throw CompileError(source, sink.sorted(), where);
}

}  // namespace aurex::ax
