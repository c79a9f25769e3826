#pragma once

// Kernels as a program calls them.
//
// A Module is checked AX text; a Kernel is one of its kernels. Calling a kernel with argument types it has not seen
// compiles it, in milliseconds; after that a call looks its code up without a lock. Both may be shared by threads and
// are cheap to copy.
//
//   auto module = aurex::compile("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] }
//   }"); aurex::Tensor z = module["add"](x, y);         // x and y: anything with a TensorView; the result is owned
//   module["add"].into(z, x, y);                   // no allocation

#include <concepts>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/base/result.h"
#include "aurex/jit/launch.h"
#include "aurex/memory/tensor.h"
#include "aurex/tensor/view.h"

namespace aurex {

/// One argument of a call: an array, a scalar, or left to its default.
struct Argument {
  enum class Kind : std::uint8_t { kAbsent, kArray, kFloat, kInt, kBool };
  Kind kind = Kind::kAbsent;
  const TensorView* array = nullptr;  // borrowed for the call
  double number = 0;
  std::int64_t integer = 0;

  Argument() = default;
  Argument(const TensorView& view) : kind(Kind::kArray), array(&view) {}         // NOLINT: implicit on purpose
  Argument(const Tensor& tensor) : kind(Kind::kArray), array(&tensor.view()) {}  // NOLINT
  Argument(std::floating_point auto value) : kind(Kind::kFloat), number(static_cast<double>(value)) {}  // NOLINT
  Argument(bool value) : kind(Kind::kBool), integer(value) {}                                           // NOLINT
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Argument(T value) : kind(Kind::kInt), integer(static_cast<std::int64_t>(value)) {}  // NOLINT
};

namespace jit {

class KernelState;

/// One call under way: arguments accepted and dimensions solved, results still to be given where they are missing.
class Call {
 public:
  /// `arguments`: one per parameter. `results`: one per result, null where the call shall say what it needs.
  /// Raises what a wrong call raises (see Binding), CompileError where the types do not fit the kernel.
  Call(const std::shared_ptr<KernelState>& kernel, std::span<const Argument> arguments,
       std::span<const TensorView* const> results, std::span<const ax::NamedExtent> extents);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// Shape and dtype of result `i`, to be allocated by the caller.
  [[nodiscard]] Dims result_shape(std::size_t i) const;
  [[nodiscard]] DType result_dtype(std::size_t i) const;
  /// Gives result `i`; the view must live until the call is done.
  void give(std::size_t i, const TensorView& result);

  /// Checks the results and finds or makes the code; every result must have been given.
  const CodeEntry& prepare();
  /// What its code was generated from, lowered again.
  [[nodiscard]] Lowered lowered();
  /// Under which key its code is stored. Every result must have been given; nothing is compiled.
  [[nodiscard]] cache::Key key();
  /// What prepare() found, before it runs.
  [[nodiscard]] const AurexPlan& plan();
  /// Runs what prepare() returned.
  void run_prepared(const CodeEntry& entry, const LaunchOptions& options = {});
  /// Both.
  void run(const LaunchOptions& options = {}) { run_prepared(prepare(), options); }
  [[nodiscard]] const Variant& variant() const { return *variant_; }
  /// Complete after prepare().
  [[nodiscard]] const ax::BoundCall& bound() const { return tables_->bound; }

 private:
  std::shared_ptr<KernelState> kernel_;
  Variant* variant_ = nullptr;
  std::unique_ptr<LaunchTables> tables_;
};

}  // namespace jit

class Kernel {
 public:
  explicit Kernel(std::shared_ptr<jit::KernelState> state);

  [[nodiscard]] const std::string& name() const;
  /// Parameters, results, dimensions: what a call needs to know.
  [[nodiscard]] const ax::KernelInterface& interface() const;
  [[nodiscard]] const std::shared_ptr<jit::KernelState>& state() const { return state_; }

  /// The same kernel, compiled by a schedule: text as `explain` and `aurex compile --emit schedule` print it, whole or
  /// in part; what it leaves out is chosen as ever. Raises InvalidConfig, with line and column, where the text is
  /// malformed or for another kernel or target; so do calls of the new kernel that it does not fit.
  [[nodiscard]] Kernel with_schedule(std::string_view text) const;

  /// Arguments in order; trailing ones with defaults may be left out. Results are allocated, the first is returned.
  /// Raises ArgumentError, ShapeMismatch and so on; nothing is written before a call is accepted.
  template <typename... Args>
    requires(std::convertible_to<const Args&, Argument> && ...)
  Tensor operator()(const Args&... args) const {
    return call({Argument(args)...});
  }
  /// The first result goes to `out`, which keeps its memory.
  template <typename... Args>
    requires(std::convertible_to<const Args&, Argument> && ...)
  void into(const TensorView& out, const Args&... args) const {
    const TensorView* results[] = {&out};
    run({Argument(args)...}, results);
  }

  [[nodiscard]] Tensor call(std::initializer_list<Argument> arguments) const;
  /// Allocates every result, in order.
  [[nodiscard]] std::vector<Tensor> call_all(std::span<const Argument> arguments,
                                             std::span<const ax::NamedExtent> extents = {},
                                             const jit::LaunchOptions& options = {}) const;
  void run(std::initializer_list<Argument> arguments, std::span<const TensorView* const> results,
           std::span<const ax::NamedExtent> extents = {}, const jit::LaunchOptions& options = {}) const;

 private:
  std::shared_ptr<jit::KernelState> state_;
};

class Module {
 public:
  /// Raises CompileError with every diagnostic of the text.
  /// `use` finds the files that the text names; by default beside the source's own file.
  explicit Module(std::shared_ptr<const ax::Source> source, ax::UseLoader use = nullptr);

  /// Raises ArgumentError that lists the kernels there are.
  [[nodiscard]] const Kernel& operator[](std::string_view kernel) const;
  [[nodiscard]] std::span<const Kernel> kernels() const { return kernels_; }

 private:
  std::vector<Kernel> kernels_;
};

/// Compiles AX text. `name` stands for the file in diagnostics.
[[nodiscard]] Module compile(std::string_view text, std::string_view name = "<text>");
/// Compiles an .ax file. Raises IoError where it cannot be read.
[[nodiscard]] Module load(const std::filesystem::path& path);

/// The same for callers that test instead of catching.
[[nodiscard]] Result<Module> try_compile(std::string_view text, std::string_view name = "<text>");
[[nodiscard]] Result<Module> try_load(const std::filesystem::path& path);

}  // namespace aurex
