#pragma once

// The loop program: launches of explicit loops over buffers and registers. Everything a schedule decides stands here:
// tiles, vector width, unrolling, packing, scratch, masks, the order of every reduction. `codegen/` walks it and
// decides nothing; the executor (loop_executor.h) runs it element by element; loop_printer.h and loop_parser.h turn it
// into text and back; loop_verify.h says what is legal. Made by lower.h. Immutable once made.
//
// Lanes. A vector loop `by W x N` covers W*N consecutive positions per step, held as N machine vectors of W lanes. A
// value that depends on the loop's variable, or on a register of W x N lanes, *varies by lane*; everything else is
// uniform and is splat where the two meet. Its tail says what happens to a rest smaller than W*N:
//   none    the range is a multiple of W*N
//   narrow  after the full steps, steps of W lanes each (the first of the N vectors), the last one masked
//   masked  every step is predicated lane by lane
// In a predicated step loads yield the load's `otherwise` (0), stores and register updates leave dead lanes alone.
//
// Registers hold what a loop carries. A register has the shape of a constant rectangle (acc[9]) of scalars or of W x N
// lane vectors; reading and writing names an element by indices that are constants or variables of unrolled loops.
// `tree` combines the lanes of a register into a scalar by one fixed tree: first the N vectors, lane by lane, then the
// W lanes; each time item i with item i + ceil(count / 2) until one is left.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "aurex/ax/tile_program.h"

namespace aurex::schedule {

using ax::kNone;
using ax::RegType;

using ExprId = std::uint32_t;
using BufferId = std::uint32_t;
using VarId = std::uint32_t;  // loop variable, i64
using LetId = std::uint32_t;
using RegId = std::uint32_t;

/// Of the text form, which begins with it. Raised whenever a text that was legal means something else or nothing.
inline constexpr std::int32_t kLoopGrammar = 2;

/// Where an array lies and what is known of its strides.
struct Buffer {
  enum class Kind : std::uint8_t {
    kArgument,  // AurexFrame::arrays[array], one plane of a parameter or result; strides at run time
    kShared,    // in AurexFrame::shared, one per call
    kWorker,    // in AurexWorker::scratch, one per worker
  };
  enum class Stride : std::uint8_t {
    kUnit,  // 1
    kZero,  // 0: broadcast, or an extent of one
    kAny,   // kArgument: read from the frame; scratch: `strides`
    kPack,  // kArgument: a pack of several merged axes, reached through an odometer loop
  };
  std::string name;
  Kind kind = Kind::kArgument;
  std::uint32_t array = kNone;  // kArgument
  std::vector<std::uint32_t>
      slots;  // kArgument: per dimension, its place in AurexArray::strides (a pack: its first slot)
  DType dtype = DType::kF32;
  // Extents and strides are made of constants, scalars and extents alone, so that sizes are known before a call runs.
  std::vector<ExprId> extents;  // per dimension; of scratch, also its size
  std::vector<Stride> stride;   // per dimension
  std::vector<ExprId> strides;  // scratch, per dimension where kAny: elements; none at all: dense, row-major
  std::int64_t align = 64;      // scratch: bytes, a power of two up to 64
};

/// How the lanes of a load or store lie in memory. Written down so that codegen need not find out.
enum class Access : std::uint8_t {
  kUniform,  // one element for all lanes
  kUnit,     // consecutive elements
  kStrided,  // a uniform stride between lanes
  kGather,   // any offsets
};

struct Expr {
  enum class Kind : std::uint8_t {
    kConst,   // `number` for floats, `integer` else
    kScalar,  // scalar parameter `id` of the tile program, in its type
    kExtent,  // AurexFrame::extents[id], i64
    kVar,     // loop variable `id`, i64
    kLet,     // lets[id]
    kReg,     // element `args` (i64) of register `id`
    kLoad,    // buffer `id` at `args`, converted to `type`; predicate and otherwise below
    kOp,      // element-wise `op` of args; kMin/kMax/kFloorDiv/kMod on i64 serve bounds
    kTree,    // `reduction` (sum prod max min any all) over the lanes of register `id` at `args`; not in a vector loop
  };
  Kind kind = Kind::kConst;
  RegType type = RegType::kI64;
  ax::Op op = ax::Op::kAdd;
  ax::Reduction reduction = ax::Reduction::kSum;
  Access access = Access::kUniform;
  std::uint32_t id = kNone;
  std::vector<ExprId> args = {};
  ExprId predicate = kNone;  // kLoad: bool; where false memory is not touched
  ExprId otherwise = kNone;  // kLoad: value where predicated off by `predicate` (the type's zero when kNone)
  double number = 0;
  std::int64_t integer = 0;
};

struct Register {
  std::string name;
  RegType type = RegType::kF32;
  std::vector<std::int64_t> shape;  // constant rectangle; empty for one element
  std::int32_t lanes = 1;           // W, a power of two up to 64; 1 with vectors 1: a scalar
  std::int32_t vectors = 1;         // N
};

struct Stmt;
using Body = std::vector<Stmt>;

enum class Tail : std::uint8_t { kNone, kNarrow, kMasked };

struct Loop {
  enum class Kind : std::uint8_t {
    kSerial,
    kUnroll,    // constant bounds; fully unrolled
    kVector,    // by lanes x vectors
    kOdometer,  // serial, step 1, over positions of a pack; `pack` says which
  };
  Kind kind = Kind::kSerial;
  VarId var = kNone;
  ExprId lo = kNone, hi = kNone;  // half-open, uniform
  ExprId step = kNone;            // serial: uniform, > 0; kNone is 1
  std::int32_t lanes = 1, vectors = 1;
  Tail tail = Tail::kNarrow;
  std::uint32_t pack = kNone;
  Body body;
};
/// Names a value for the rest of its body.
struct Let {
  LetId let = kNone;
  ExprId value = kNone;
};
/// Brings a register to life for the rest of the body, every element = value.
struct Declare {
  RegId reg = kNone;
  ExprId value = kNone;
};
/// reg[indices] = value, where `predicate` holds (varying predicates: lane by lane).
struct Set {
  RegId reg = kNone;
  std::vector<ExprId> indices = {};
  ExprId value = kNone;
  ExprId predicate = kNone;
};
struct Store {
  BufferId buffer = kNone;
  std::vector<ExprId> indices = {};
  ExprId value = kNone;
  ax::Update update = ax::Update::kSet;  // others read, combine, write; with kGather lanes in ascending order
  Access access = Access::kUnit;
  ExprId predicate = kNone;
  ExprId stream = kNone;  // bool, uniform: where it holds, full aligned vectors go past the caches
};
/// A square of memory written from a register of shape [W] and W x 1 lanes, W a power of two, the other way round: lane
/// l of reg[i] goes to the element at `indices`, with i added to the index of `dimension`, for i in [0, count). That
/// dimension has stride 1 and a uniform index; the others change by a uniform step from lane to lane, so that each lane
/// writes W consecutive elements. Lanes of a predicated step that are dead write nothing, unless `whole`; no element is
/// written twice.
struct TransposedStore {
  BufferId buffer = kNone;
  std::vector<ExprId> indices = {};
  std::uint32_t dimension = 0;
  RegId reg = kNone;
  ExprId count = kNone;   // uniform, i64; kNone: all W
  bool whole = false;     // dead lanes write what the register holds: memory has room for them
  ExprId stream = kNone;  // as in Store
};
/// `condition` is uniform.
struct If {
  ExprId condition = kNone;
  Body then_body, else_body;
};
/// Runs while `condition` holds in any live lane.
struct While {
  ExprId condition = kNone;
  Body body;
};
/// Records a fault where `ok` is false (varying: the first such lane of each machine vector). `position` counts along
/// the axes of the site, as AurexErrorRecord::position.
struct Check {
  ExprId ok = kNone;
  std::int32_t fault = 0;  // AurexFault
  std::int32_t site = 0;   // index into LoopProgram::sites
  ExprId position = kNone, value = kNone, bound = kNone;
  ExprId predicate = kNone;
};
struct Print {
  ExprId value = kNone, position = kNone, predicate = kNone;
  std::int32_t site = 0;
};
/// Asks the cache for a line; never faults.
struct Prefetch {
  BufferId buffer = kNone;
  std::vector<ExprId> indices = {};
};

/// One parallel block. Tiles are numbered row-major over `tiles`; each runs `body` with the variables bound to its
/// origin.
struct Launch {
  struct TileAxis {
    VarId var = kNone;
    ExprId extent = kNone;  // positions
    ExprId step = kNone;    // positions per tile, uniform, > 0
  };
  std::string name;
  std::vector<TileAxis> tiles;
  std::vector<BufferId> scratch;  // the kWorker buffers it uses
  ExprId nanoseconds = kNone;     // f64 estimate of the whole launch on one worker
  Body body;
};

/// Only serial and unrolled loops, lets, ifs, whiles, checks, stores to shared buffers and launches stand at the top of
/// a program.
struct Stmt {
  std::variant<Loop, Let, Declare, Set, Store, TransposedStore, If, While, Check, Print, Prefetch, Launch> node;
};

/// A place in the AX source that a fault or a print may name.
struct Site {
  struct Axis {
    std::string name;
    ExprId extent = kNone;  // i64, of constants, scalars and extents
  };
  std::int64_t line = 0, column = 0;
  std::string text;        // the assert's message, or the name of the indexed array
  std::vector<Axis> axes;  // that positions count along, the last one fastest
};

struct LoopProgram {
  std::string name;
  std::string target;              // "cpu.avx512"
  std::uint32_t extent_count = 0;  // length of AurexFrame::extents
  std::uint32_t pack_count = 0;
  std::vector<ax::Scalar> scalars;
  std::vector<Buffer> buffers;
  std::vector<Register> registers;
  std::vector<std::string> vars;  // names of loop variables
  struct LetInfo {
    std::string name;
    RegType type = RegType::kI64;
  };
  std::vector<LetInfo> lets;
  std::vector<Expr> exprs;
  std::vector<Site> sites;
  Body body;
};

}  // namespace aurex::schedule
