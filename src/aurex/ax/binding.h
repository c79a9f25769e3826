#pragma once

// From the arguments of a call to what a kernel's code reads.
//
// A Binding is made once per program. It solves the dimensions from the shapes of the arguments (rule 11), evaluates
// `where` clauses, stretches the arguments of expression kernels by NumPy's rules, merges the axes of packs, and
// refuses calls that are wrong: ShapeMismatch, DimensionMismatch, DTypeMismatch, ArgumentError, InvalidConfig,
// OutOfMemory, each naming the kernel and the parameter. Nothing is written to before a call has been accepted.
//
// A BoundCall is the result: flat tables of the layout that kernel_abi.h prescribes. Filling one again for the same
// program allocates nothing, so a launch path keeps one per thread; where nothing but addresses has changed since,
// repeat() takes the place of solve(). The interpreter and compiled code both run on it. A Binding may be used by
// several threads, a BoundCall by one at a time.
//
//   Binding binding(program);                    // the program must outlive it
//   BoundCall call;
//   binding.solve({.arrays = inputs}, call);     // extents known
//   call.views[z] = &result;                     // allocated as binding.result_shape(call, z) says
//   binding.finish(call);                        // call.frame() is ready

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aurex/ax/launch_scalar.h"
#include "aurex/ax/tile_program.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/tensor/view.h"

namespace aurex::ax {

/// A scalar as the caller has it: kF64, kI64 or kBool.
struct ScalarArgument {
  RegType type = RegType::kF64;
  Cell value;
};

/// `V=32000`.
struct NamedExtent {
  std::string_view name;
  std::int64_t value = 0;
};

/// One call. Views are borrowed until the BoundCall is no longer used.
struct Arguments {
  std::span<const TensorView* const> arrays = {};   // the program's kInput and kInout arrays, in its order
  std::span<const ScalarArgument> scalars = {};     // one per TileProgram::scalars
  std::span<const TensorView* const> results = {};  // in order; null, or none at all: the caller allocates
  std::span<const NamedExtent> extents = {};
};

/// What a call that was bound looked like, apart from addresses: what the next one is compared with.
struct CallDescription {
  struct Array {
    bool given = false;  // scratch arrays are not
    DType dtype = DType::kF32;
    int rank = 0;
    std::uint32_t dims = 0;          // where its extents begin in `dims`, strides after them
    std::int64_t low = 0, high = 0;  // bytes from its first element, [low, high); equal where there are no elements
  };
  bool complete = false;
  bool measured = false;      // low and high are set
  std::vector<Array> arrays;  // per array of the program
  std::vector<std::int64_t> dims;
  std::vector<ScalarArgument> scalars;
  std::vector<std::pair<std::string, std::int64_t>> extents;
};

struct BoundCall {
  std::vector<std::int64_t> extents;  // per dimension
  std::vector<std::int64_t> packs;    // kAurexPackRank merged extents per pack
  std::vector<std::int64_t> strides;  // what `arrays` point into
  std::vector<AurexArray> arrays;     // per array of the program; a scratch array's data is null
  std::vector<double> f64_scalars;
  std::vector<std::int64_t> i64_scalars;
  std::vector<Dims> pack_shapes;          // per pack, as the caller sees it; of an expression kernel: the whole shape
  std::vector<const TensorView*> views;   // per array; null for scratch and for results still to be given
  std::vector<std::uint32_t> known_from;  // per dimension: the array that gave it, or kNone
  /// Whether all but addresses, and so whatever was derived from the rest, is what it was before: repeat() says so, and
  /// finish() takes it back where a result differs.
  bool repeated = false;
  CallDescription before;

  [[nodiscard]] LaunchFacts facts() const { return {extents.data(), f64_scalars.data(), i64_scalars.data()}; }
  /// Without scratch, error record, runtime and context, which are the launcher's.
  [[nodiscard]] AurexFrame frame() const;
};

class Binding {
 public:
  /// Raises NotImplemented for an array with two packs.
  explicit Binding(const TileProgram& program);

  /// Solves the dimensions and takes the scalars.
  void solve(const Arguments& arguments, BoundCall& call) const;

  /// Takes the place of solve() where `call` was last finished by this Binding and the arguments differ from those in
  /// nothing but addresses: dtypes, shapes, strides, scalars and named extents are the same. False otherwise; then
  /// solve() must follow. Results may be given later, as with solve(). Allocates nothing.
  [[nodiscard]] bool repeat(const Arguments& arguments, BoundCall& call) const;

  /// The shape of a result of a solved call. Raises OutOfMemory where its bytes do not fit 63 bits.
  [[nodiscard]] Dims result_shape(const BoundCall& call, ArrayId array) const;

  /// Checks the results and what shares memory with them, then lays out strides and merges packs.
  void finish(BoundCall& call) const;

  [[nodiscard]] const TileProgram& program() const { return program_; }
  /// The kResult arrays, in order.
  [[nodiscard]] std::span<const ArrayId> results() const { return results_; }
  /// The kInput and kInout arrays, in order.
  [[nodiscard]] std::span<const ArrayId> inputs() const { return inputs_; }
  /// Where a dimension of an array begins in its AurexArray::strides; a pack takes kAurexPackRank places.
  [[nodiscard]] std::uint32_t stride_slot(ArrayId array, std::uint32_t dim) const { return plans_[array].slots[dim]; }
  /// Length of an array's AurexArray::strides.
  [[nodiscard]] std::uint32_t stride_count(ArrayId array) const { return plans_[array].stride_count; }

 private:
  /// One axis of an argument: `parts` dimensions, of which the first is number `first` of Array::dims.
  struct AxisPlan {
    std::uint32_t first = 0, parts = 1;
    bool pack = false;
  };
  struct ArrayPlan {
    std::vector<AxisPlan> axes;        // a pack counts as one
    std::vector<std::uint32_t> slots;  // per dimension
    std::uint32_t stride_base = 0;     // in BoundCall::strides
    std::uint32_t stride_count = 0;
    int fixed_rank = 0;  // axes beside the pack
    int pack_axis = -1;  // which of `axes` is a pack
  };
  /// Where a pack occurs.
  struct PackUse {
    ArrayId array = kNone;
    std::uint32_t axis = 0, slot = 0;
  };
  struct Definition {
    DimId dim = kNone;
    LaunchScalar value;
  };
  struct Condition {
    const ExtentCheck* check = nullptr;
    LaunchScalar value;
  };
  class Solver;

  void plan_array(ArrayId id, std::uint32_t& slots);
  void take_scalars(const Arguments& arguments, BoundCall& call) const;
  void take_views(const Arguments& arguments, BoundCall& call) const;
  [[nodiscard]] bool same_results(const BoundCall& call) const;
  void check_memory_again(const BoundCall& call) const;
  void describe(BoundCall& call) const;
  void measure(BoundCall& call) const;
  void check_results(const BoundCall& call) const;
  void check_aliases(const BoundCall& call) const;
  void check_alias(const BoundCall& call, ArrayId out, ArrayId other) const;
  void lay_out_axes(BoundCall& call) const;
  void merge_pack(PackId pack, BoundCall& call) const;
  void merge_broadcast(BoundCall& call) const;

  const TileProgram& program_;
  std::vector<ArrayPlan> plans_;
  std::vector<ArrayId> inputs_, results_, written_;
  std::vector<std::vector<PackUse>> packs_;
  std::vector<Definition> definitions_;
  std::vector<Condition> conditions_;
  std::vector<ValueId> narrow_scalars_;  // kScalar values narrower than the i64 they come in
  std::vector<DimId> positions_;         // dimensions whose positions are counted in i32
  std::uint32_t stride_slots_ = 0;
};

}  // namespace aurex::ax
