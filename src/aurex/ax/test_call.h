#pragma once

// Calling kernels from tests: AX text, numbers, a memory layout; results come back as numbers. Part of the tests only.
//
// A TestCall owns the memory of its arguments and results, each in a block of its own that ends, or begins, at a page
// that must not be touched. Layouts other than dense put the same numbers elsewhere: transposed, with gaps, backwards.
//
//   TestCall call(compile("kernel twice(x) = x * 2"), "twice", {{"x", numbers({1, 2, 3})}});
//   run(call.program(), call.bound());
//   EXPECT_THAT(call.result("out").values, ElementsAre(2, 4, 6));

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "aurex/ax/binding.h"
#include "aurex/ax/check.h"
#include "aurex/ax/tile_program.h"

namespace aurex::ax::testing {

/// Numbers in row-major order and what they are stored as.
struct HostArray {
  DType dtype = DType::kF32;
  Dims shape;
  std::vector<double> values;
};
[[nodiscard]] HostArray numbers(std::vector<double> values, DType dtype = DType::kF32);
[[nodiscard]] HostArray matrix(std::int64_t rows, std::vector<double> values, DType dtype = DType::kF32);
/// Every element as the dtype would hold it.
[[nodiscard]] HostArray stored(HostArray array);

/// What is given for one parameter; a parameter that is not named is absent.
using Value = std::variant<HostArray, double, std::int64_t, bool>;
using Values = std::map<std::string, Value, std::less<>>;

enum class Layout : std::uint8_t { kDense, kTransposed, kGaps, kBackwards };
inline constexpr Layout kAllLayouts[] = {Layout::kDense, Layout::kTransposed, Layout::kGaps, Layout::kBackwards};
/// Which end of an array's block lies against the forbidden page.
enum class Guard : std::uint8_t { kAfter, kBefore };

struct CallOptions {
  std::vector<NamedExtent> extents = {};
  Layout layout = Layout::kDense;
  Guard guard = Guard::kAfter;
  /// What is passed by `out=`: one array per result, in their order, or none. Gives storage types and shapes.
  std::vector<HostArray> out = {};
};

/// Parses and checks; raises CompileError.
[[nodiscard]] std::shared_ptr<const CheckedModule> compile(std::string text);
/// What a call with these values specialises a kernel for. Raises ArgumentError for a name that is no parameter.
[[nodiscard]] Specialization specialization(const CheckedModule& module, std::string_view kernel, const Values& values);

class GuardedBlock;

class TestCall {
 public:
  TestCall(std::shared_ptr<const CheckedModule> module, std::string_view kernel, const Values& values,
           const CallOptions& options = {});
  ~TestCall();
  TestCall(const TestCall&) = delete;
  TestCall& operator=(const TestCall&) = delete;

  [[nodiscard]] const TileProgram& program() const { return program_; }
  [[nodiscard]] const Binding& binding() const { return binding_; }
  [[nodiscard]] BoundCall& bound() { return call_; }

  /// Everything written goes back to what it was.
  void reset();
  /// The kResult and kInout arrays, by name.
  [[nodiscard]] std::vector<std::pair<std::string, HostArray>> results() const;
  [[nodiscard]] HostArray result(std::string_view name) const;

 private:
  struct Slot {
    ArrayId array = kNone;
    std::unique_ptr<GuardedBlock> block;
    TensorView view;
    HostArray initial;
  };
  Slot& add_slot(ArrayId array, HostArray initial, const CallOptions& options);
  static void fill(const TensorView& view, const HostArray& from);

  std::shared_ptr<const CheckedModule> module_;
  TileProgram program_;
  Binding binding_;
  std::vector<std::unique_ptr<Slot>> slots_;
  BoundCall call_;
};

}  // namespace aurex::ax::testing
