#pragma once

// The tile program: one kernel, checked and specialised, as typed values on named axes under a tree of statements.
//
// It says what is computed and nothing about how: no tile size, no layout, no mask, no machine. Extents stay symbolic.
// The interpreter runs it as it stands; `schedule/` lowers it. Built by `specialize` (check.h), printed by
// tile_printer.h, held to its rules by tile_verify.h. A finished program is immutable and may be shared by threads.
//
// Values form a DAG in `values`, arguments before users. A value's `axes` say over which axes it varies; values line up
// by axis identity, never by position. Functions are already inlined. Reading a variable or an inout array is a value
// of its own at each place, so the order of statements alone decides what is read. A Let marks where its value is
// evaluated.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aurex/ax/source.h"
#include "aurex/tensor/dtype.h"

namespace aurex::ax {

/// Types of values in registers (rule 25).
enum class RegType : std::uint8_t { kBool, kI32, kI64, kU32, kU64, kF32, kF64 };

using AxisId = std::uint32_t;
using AxisSet = std::uint64_t;  // bit per AxisId; a kernel has at most kMaxAxes
inline constexpr std::uint32_t kMaxAxes = 64;
using DimId = std::uint32_t;
using PackId = std::uint32_t;
using ArrayId = std::uint32_t;
using ScalarId = std::uint32_t;
using VarId = std::uint32_t;
using ValueId = std::uint32_t;
inline constexpr std::uint32_t kNone = ~0u;

/// A dimension of the signature. Its extent reaches the kernel as AurexFrame::extents[id].
struct Dim {
  std::string name;  // "N"; a literal's digits for `x: f32[3]`
  std::optional<std::int64_t> literal;
  ValueId defined_by = kNone;  // `where I = …`: a launch scalar of type i64
  PackId pack = kNone;         // `R...`: the extent is the product of the merged axes
};

/// An axis: the name that bound it (rule 3).
struct Axis {
  std::string name;
  ValueId extent = kNone;  // i64, uniform: usually kExtent of a dimension
  DimId dim = kNone;       // the dimension it runs over, where it runs over exactly one
  bool unit = false;       // `by 1`: the variable is a scalar, no value carries the axis
  bool whole = false;      // the dimension itself used as an index, or `let v in D`
  Span span;
};

/// How an array is stored: a dtype now, a block format when there is one.
struct Storage {
  DType dtype = DType::kF32;
  std::uint32_t format = kNone;  // index into TileProgram::formats
  friend bool operator==(const Storage&, const Storage&) = default;
};

struct ArrayDim {
  DimId dim = kNone;
  std::uint32_t argument_axis = 0;  // which axis of the argument; parts of a split `(A, B)` share one (rule 9)
};

enum class ArrayRole : std::uint8_t { kInput, kInout, kResult, kScratch };

struct Array {
  std::string name;
  ArrayRole role = ArrayRole::kInput;
  Storage storage;
  RegType type = RegType::kF32;  // of a loaded element
  std::vector<ArrayDim> dims;    // splits already taken apart; empty for a scalar result
  std::vector<AxisId> scratch_axes;
  ValueId start = kNone;  // a result's or scratch's start value, a launch scalar
  bool in_place = false;  // every element is read in the tile that writes it, before writing (rule 17)
  Span span;
};

/// A scalar parameter, handed over as f64 (type kF64), i64 (kI64) or i64 0/1 (kBool).
struct Scalar {
  std::string name;
  RegType type = RegType::kF64;
  std::uint32_t slot = 0;  // in f64_scalars or i64_scalars
};

struct Var {
  std::string name;
  RegType type = RegType::kF32;
  AxisSet axes = 0;
  Span span;
};

enum class Op : std::uint8_t {
  // leaves
  kConst,     // `number` or `integer` by type
  kScalar,    // scalar parameter `id`
  kExtent,    // extent of dimension `id`, i64
  kPosition,  // position along axis `id`, i32 (i64 where declared so); for a unit axis a scalar
  kVar,       // variable `id`, as of this point
  kLoad,      // loads[id]
  kRandom,    // rule 33: args seed, then the kPosition of each named axis, outermost first
  // one argument
  kNeg,
  kAbs,
  kSign,
  kSqrt,
  kFloor,
  kCeil,
  kTrunc,
  kRound,
  kNot,
  kBitNot,
  kIsNan,
  kIsInf,
  kIsFinite,
  kPopcount,
  kClz,
  kCast,     // to `type`, rule 32
  kBitcast,  // to `type`, same width
  // two arguments
  kAdd,
  kSub,
  kMul,
  kDiv /* floats */,
  kFloorDiv,
  kMod /* floor */,
  kMin,
  kMax /* propagate NaN */,
  kLdexp,
  kAnd,
  kOr,
  kBitAnd,
  kBitOr,
  kBitXor,
  kShl,
  kShr,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  // three arguments
  kFma,     // one rounding
  kSelect,  // condition, then, else
  // over axes
  kReduce,   // `reduction` of args[0] over `over`
  kScan,     // inclusive `reduction` of args[0] along axis `id`
  kArgsort,  // of args[0] along axis `id`, stable, NaN last; i32
  kReindex,  // args[0] with axis `id` taken at position args[1]; outside: args[2] where given, else an error
};

enum class Reduction : std::uint8_t { kSum, kProd, kMax, kMin, kMean, kAny, kAll, kArgmax, kArgmin };

struct Value {
  Op op = Op::kConst;
  RegType type = RegType::kF32;
  Reduction reduction = Reduction::kSum;
  AxisSet axes = 0;
  AxisSet over = 0;  // kReduce: axes reduced
  std::uint32_t id = kNone;
  std::vector<ValueId> args;
  double number = 0;         // kConst of a float type
  std::int64_t integer = 0;  // kConst of the others
  Span span;
};

/// One index of a load or store.
struct Index {
  enum class Kind : std::uint8_t {
    kAxis,      // the position along `axis`, in range by construction
    kComputed,  // `value`, an integer of any axes
  };
  Kind kind = Kind::kAxis;
  AxisId axis = kNone;
  ValueId value = kNone;
  bool proved = false;  // kComputed: in range for all extents, no check needed
};

struct Load {
  ArrayId array = kNone;
  std::vector<Index> indices;  // one per Array::dims
  ValueId otherwise = kNone;   // `x[e] else v`: unchecked, v outside
};

struct Stmt;
using Body = std::vector<Stmt>;

/// One launch: independent positions of `axes` (those with Axis::unit as scalars).
struct Parallel {
  std::vector<AxisId> axes;
  Body body;
};
/// `for axis in D from lo until hi`: lo and hi may carry axes; a tile of positions at a time, or one when unit.
struct For {
  AxisId axis = kNone;
  ValueId lo = kNone, hi = kNone;  // i64 or i32; kNone: 0 and the whole extent
  Body body;
};
struct While {
  ValueId condition = kNone;
  Body body;
};
struct If {
  ValueId condition = kNone;
  Body then_body, else_body;
};
struct Let {
  std::string name;
  ValueId value = kNone;
};
struct Declare {
  VarId var = kNone;
  ValueId value = kNone;
};
/// `var op= value`; kSet replaces.
enum class Update : std::uint8_t { kSet, kAdd, kSub, kMul, kDiv, kMax, kMin };
struct Assign {
  VarId var = kNone;
  Update update = Update::kSet;
  ValueId value = kNone;
};
struct Store {
  ArrayId array = kNone;
  std::vector<Index> indices;
  Update update = Update::kSet;
  ValueId value = kNone;
  bool unique = false;   // the programmer's promise
  bool scatter = false;  // updates of different positions may meet: the order is fixed by the schedule (rule 30)
};
struct Assert {
  ValueId condition = kNone;
  std::string text;
};
struct Print {
  ValueId value = kNone;
};

struct Stmt {
  std::variant<Parallel, For, While, If, Let, Declare, Assign, Store, Assert, Print> node;
  Span span;
};

/// `where K % 32 == 0`: a launch scalar that must hold.
struct ExtentCheck {
  ValueId condition = kNone;
  std::string text;
  Span span;
};

/// Where a named function was inlined, so that passes can recognise exp or erf without matching its polynomial.
struct Call {
  std::string function;
  std::vector<ValueId> args;
  ValueId result = kNone;
};

struct TileProgram {
  std::string name;
  std::string label;       // `kernel lif(…) : spiking`; "vector" by default
  bool broadcast = false;  // an expression kernel: every array has dims [R..., I] and stretches by NumPy's rules
  std::shared_ptr<const Source> source;  // what spans point into; null in programs built by hand
  std::vector<Dim> dims;
  std::uint32_t pack_count = 0;
  std::vector<Axis> axes;
  std::vector<Array> arrays;  // parameters, results, scratch: the order of AurexFrame::arrays
  std::vector<Scalar> scalars;
  std::vector<Var> vars;
  std::vector<Load> loads;
  std::vector<Value> values;
  std::vector<ExtentCheck> checks;
  std::vector<Call> calls;
  Body body;
};

[[nodiscard]] constexpr AxisSet axis_bit(AxisId axis) {
  return AxisSet{1} << axis;  // NOLINT(clang-analyzer-core.BitwiseShift): whoever asks has an axis
}
[[nodiscard]] std::string_view to_string(RegType type);
[[nodiscard]] std::string_view to_string(Op op);
[[nodiscard]] std::string_view to_string(Reduction reduction);
[[nodiscard]] constexpr bool is_float(RegType type) { return type == RegType::kF32 || type == RegType::kF64; }
/// The register type in which elements of a storage type are computed with (rule 25).
[[nodiscard]] RegType register_type(DType dtype);

}  // namespace aurex::ax
