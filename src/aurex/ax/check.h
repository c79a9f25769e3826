#pragma once

// From syntax to tile programs.
//
// `check` holds a whole module to the rules of the language and returns its kernels, still open in what only a call
// decides: storage types, constants, which arguments are absent, which arguments of an expression kernel are scalars.
// `specialize` closes one kernel for one such choice. Both are pure; a CheckedModule is immutable and shared by
// threads.
//
//   DiagnosticSink sink;
//   auto module = ax::check(source, sink);                       // parses, resolves `use`, checks every kernel
//   auto program = ax::specialize(*module, "add", {.arguments = {Given{kF32}, Given{kF32}}});

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/source.h"
#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// One parameter or result as the kernel's caller sees it.
struct Parameter {
  enum class Kind : std::uint8_t { kArray, kFloat, kInt, kBool };
  std::string name;
  Kind kind = Kind::kArray;
  std::string type;  // as written: "T[R..., C]", "const bool"
  bool constant = false;
  bool inout = false;
  bool optional = false;  // has a default
  std::string default_text;
};

/// What `help(kernel)` shows and what argument matching needs.
struct KernelInterface {
  std::string name;
  std::string label;
  bool expression = false;  // NumPy broadcasting over all its arguments
  std::vector<Parameter> parameters;
  std::vector<Parameter> results;
  std::vector<std::string> dims;  // names that may be given by keyword where no argument carries them
  std::string signature;          // one line, as written
  Span span;
};

/// A storage format as declared, with its parameters' defaults.
struct FormatInterface {
  std::string name;
  std::int64_t elements = 0;     ///< of one block, all parts together
  std::int64_t block_bytes = 0;  ///< of the fields that lie in the block
  double bits_per_weight = 0;    ///< separate arrays included
  Span span;
};

using Constant = std::variant<bool, std::int64_t, double>;

/// What a call says about one parameter.
struct Given {
  enum class Kind : std::uint8_t { kAbsent, kArray, kScalar };
  Kind kind = Kind::kAbsent;
  Storage storage;                   // kArray
  RegType scalar = RegType::kF64;    // kScalar in an expression kernel: kF64, kI64 or kBool, weak
  std::optional<Constant> constant;  // a `const` parameter's value
  friend bool operator==(const Given&, const Given&) = default;
};

/// All that specialises a kernel in the front end.
struct Specialization {
  std::vector<Given> arguments;                 // one per parameter, in order
  std::vector<std::optional<Storage>> results;  // storage of results passed by out=; nullopt: chosen by the kernel
  std::vector<std::string> target_features;     // for `if target.avx512_vnni`
  friend bool operator==(const Specialization&, const Specialization&) = default;
};

struct CheckedModule;

/// Reads files named by `use`; the default reads relative to the source's own folder.
using UseLoader = std::shared_ptr<const Source> (*)(std::string_view path, const Source& from);

/// Parses and checks. Every kernel is also specialised for sample types (f32, else f64, i32, …) so that type errors
/// show without a call. Null when any error was reported.
[[nodiscard]] std::shared_ptr<const CheckedModule> check(std::shared_ptr<const Source> source, DiagnosticSink& sink,
                                                         UseLoader use = nullptr);

[[nodiscard]] const std::vector<KernelInterface>& kernels(const CheckedModule& module);
/// All texts that the module is made of: its own, then those of the files that it uses, each once, in the order in
/// which they were met. Equal texts make equal programs.
[[nodiscard]] std::vector<std::string_view> texts(const CheckedModule& module);
/// The formats of the module's own file.
[[nodiscard]] const std::vector<FormatInterface>& formats(const CheckedModule& module);

/// Closes one kernel. Raises CompileError where the given types do not fit, ArgumentError for an unknown kernel.
[[nodiscard]] TileProgram specialize(const CheckedModule& module, std::string_view kernel, const Specialization& given);

/// The specialisation `check` used for a kernel, a legal sample for tools and tests.
[[nodiscard]] Specialization sample_specialization(const CheckedModule& module, std::string_view kernel);

}  // namespace aurex::ax
