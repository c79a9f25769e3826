#pragma once

// What `check` keeps of a module: the trees of all its files, which functions each file sees, and its kernels. Internal
// to the checker; immutable once made.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/syntax.h"

namespace aurex::ax {

struct FunctionScope;

/// One body of a function, and where its own calls are looked up.
struct FunctionBody {
  const syntax::Function* syntax = nullptr;
  const Source* source = nullptr;
  const FunctionScope* scope = nullptr;
  Span span;
};

/// The functions one file sees: its own first, then those of files it uses, then the prelude's.
struct FunctionScope {
  std::map<std::string, std::vector<FunctionBody>, std::less<>> functions;
  const FunctionScope* prelude = nullptr;  // null in the prelude itself
};

struct FormatDeclaration {
  const syntax::Format* syntax = nullptr;
  Span span;
};

struct ParsedFile {
  std::shared_ptr<const Source> source;
  syntax::Module module;
  FunctionScope scope;
};

struct KernelDeclaration {
  const syntax::Kernel* syntax = nullptr;
  Span span;
};

struct CheckedModule {
  std::vector<std::unique_ptr<ParsedFile>> files;  // files[0] is the module's own
  std::map<std::string, FormatDeclaration, std::less<>> formats;
  std::vector<KernelDeclaration> kernels;
  std::vector<FormatInterface> format_interfaces;
  std::vector<KernelInterface> interfaces;
  std::vector<Specialization> samples;  // one per kernel

  [[nodiscard]] const ParsedFile& own() const { return *files.front(); }
};

/// The mathematical functions written in AX, parsed once per process.
[[nodiscard]] const ParsedFile& prelude();

/// Collects a file's functions; reports a body defined twice. Functions of `used` that the file does not define are
/// seen.
void collect_functions(ParsedFile& file, const std::vector<const ParsedFile*>& used, DiagnosticSink& sink);

/// The interface of a kernel as written.
[[nodiscard]] KernelInterface describe(const Source& source, const KernelDeclaration& kernel);

/// Holds a format to section 5 of the language; nothing where it is refused.
[[nodiscard]] std::optional<FormatInterface> check_format(const CheckedModule& module, const FormatDeclaration& format,
                                                          DiagnosticSink& sink);

}  // namespace aurex::ax
