#pragma once

// The binary interface between compiled kernels and whoever runs them: plain C structs, the same for every CPU target.
//
// A *call* is what a user makes. It runs the kernel's `drive`, which runs kernel-level statements in order and asks the
// runtime to spread each *launch* (one parallel block) over workers. A launch is a number of independent tiles;
// `block(frame, worker, first, last)` runs tiles [first, last). Generated code allocates nothing, locks nothing, throws
// nothing and knows no thread pool. Compiled code exports one constant, an AurexKernel, that says all of this about
// itself (docs/adr/0001, docs/adr/0010).
//
// Growth. Fields are appended, or take the place of `reserved` ones, with zero meaning "as before"; whoever allocates a
// struct zeroes it first. Elements of tables (AurexArray, AurexLaunch, AurexSite, AurexAxis, AurexParameter) keep their
// size. Anything else needs a new kAurexAbiVersion and an ADR. Code generators address these fields by offset; the
// static_asserts below pin them.

#include <cstddef>
#include <cstdint>

extern "C" {

/// Of the structs and functions in this header. The text form of loop programs and the compiler have numbers of their
/// own (schedule::kLoopGrammar, codegen::compiler_build).
inline constexpr std::int32_t kAurexAbiVersion = 2;
/// A pack of leading axes is handed over as at most this many merged axes, outermost first, right-aligned;
/// unused leading slots have extent 1 and stride 0.
inline constexpr std::int32_t kAurexPackRank = 8;

struct AurexFrame;

// ---- what a call is made with ----

/// One plane of a parameter or result. A plain dtype has one; a block format takes as many consecutive entries as it
/// has planes (codes, scales, …), in the order in which it declares them.
struct AurexArray {
  char* data;                   ///< storage unit at index 0 of every axis; of any alignment
  const std::int64_t* strides;  ///< in storage units (elements; blocks of a block format): one per ordinary axis,
                                ///< kAurexPackRank per pack, in signature order
};

enum AurexFault : std::int32_t {
  kAurexFaultNone = 0,
  kAurexFaultIndex = 1,   ///< value = index, bound = extent
  kAurexFaultAssert = 2,  ///< an `assert` of the kernel
};

/// The smallest fault of a call by launch, position, site and value, whatever the number of workers; the runtime turns
/// it into a typed error. All tiles of the launch have run; no later launch has.
struct AurexErrorRecord {
  std::int32_t fault;   ///< AurexFault
  std::int32_t site;    ///< index into AurexKernel::sites
  std::int32_t launch;  ///< AurexLaunch::number; -1: `drive` itself
  std::int32_t reserved;
  /// Which element: row-major over the axes of the site, the last one fastest, modulo 2^64. An axis along which the
  /// check is made once for all positions counts as its position 0.
  std::int64_t position;
  std::int64_t value;
  std::int64_t bound;
};

/// What a worker owns while it runs tiles.
struct AurexWorker {
  char* scratch;       ///< 64-byte aligned, as many bytes as the launch asked for
  std::int64_t index;  ///< which worker, from 0; results must not depend on it
};

typedef void (*AurexBlock)(const AurexFrame* frame, AurexWorker* worker, std::int64_t first, std::int64_t last);

enum AurexLaunchFlags : std::uint32_t {
  kAurexLaunchFaults = 1,   ///< may call AurexRuntime::fail
  kAurexLaunchPrints = 2,   ///< may call AurexRuntime::print
  kAurexLaunchScratch = 4,  ///< uses AurexWorker::scratch
};

/// One parallel block of a kernel: a constant in the code.
struct AurexLaunch {
  AurexBlock block;
  const char* name;     ///< for telemetry and tuning: "softmax", "softmax.1"
  std::int32_t number;  ///< place in AurexKernel::launches
  std::uint32_t flags;  ///< AurexLaunchFlags
  std::uint64_t reserved;
};

/// The services generated code may call.
struct AurexRuntime {
  std::int32_t version;  ///< kAurexAbiVersion
  std::uint32_t size;    ///< of this struct
  /// Runs the launch's block over tiles [0, tiles), each tile once, and returns when all are done. Every worker gets
  /// `scratch_bytes` of scratch, never more than AurexPlan::worker_bytes. `nanoseconds` estimates the whole launch on
  /// one worker. Returns 0, or 1 when the call is over (cancelled, out of memory, a fault before or during the launch):
  /// `drive` then returns at once.
  std::int32_t (*parallel)(const AurexFrame* frame, const AurexLaunch* launch, std::int64_t tiles,
                           std::int64_t scratch_bytes, double nanoseconds);
  /// Records a fault; the smallest of the call is kept. `position` as in AurexErrorRecord.
  void (*fail)(const AurexFrame* frame, std::int32_t fault, std::int32_t site, std::int64_t position,
               std::int64_t value, std::int64_t bound);
  /// Emits one record of a `print` statement; `bits` holds the value as f64 or i64 by `is_float`.
  void (*print)(const AurexFrame* frame, std::int32_t site, std::int64_t position, std::int32_t is_float,
                std::uint64_t bits);
};

/// The arguments of one call.
struct AurexFrame {
  const std::int64_t*
      extents;                ///< every dimension of the kernel, in order of first appearance; a pack's is its product
  const std::int64_t* packs;  ///< kAurexPackRank extents per pack, in order of first appearance
  const AurexArray* arrays;   ///< planes of parameters, then of results, in order of declaration
  const double* f64_scalars;  ///< scalar parameters of type float, in order
  const std::int64_t* i64_scalars;  ///< scalar parameters of type int and bool, in order
  char* shared;                     ///< the call's own scratch, 64-byte aligned, of the size `plan` asked for
  AurexErrorRecord* error;          ///< the runtime's; code reports through AurexRuntime::fail
  const AurexRuntime* runtime;
  void* context;  ///< the runtime's own
};

/// What a call will need, computed from the extents before it runs.
struct AurexPlan {
  std::int64_t shared_bytes;  ///< of AurexFrame::shared
  std::int64_t worker_bytes;  ///< largest scratch any launch asks for per worker
  std::int64_t tiles;         ///< of all launches together
  double nanoseconds;         ///< estimate of the whole call on one worker
};

typedef void (*AurexDrive)(const AurexFrame* frame);
typedef void (*AurexPlanner)(const AurexFrame* frame, AurexPlan* plan);
/// Writes AurexKernel::axis_count extents.
typedef void (*AurexExtents)(const AurexFrame* frame, std::int64_t* extents);

// ---- what compiled code says of itself ----

/// One entry of AurexFrame::arrays, as the code takes it.
struct AurexParameter {
  const char* name;            ///< of the array it belongs to; empty: the code does not use it
  std::int32_t plane;          ///< of that array, from 0
  std::int32_t unit_bytes;     ///< of one storage unit
  std::int32_t unit_elements;  ///< that a storage unit holds along the last axis; 1 for plain dtypes
  std::int32_t stride_count;   ///< length of AurexArray::strides that the code may read
  std::int32_t align;          ///< of AurexArray::data, in bytes; 1: any
  std::int32_t reserved;
};

/// An axis of a site; its extent is a function of the frame.
struct AurexAxis {
  const char* name;
  std::uint64_t reserved;
};

/// A place in the source that a fault or a print may name.
struct AurexSite {
  const char* text;   ///< the assert's message, or the name of the indexed array
  std::int32_t line;  ///< from 1; 0: unknown
  std::int32_t column;
  std::int32_t first_axis;  ///< its axes are axes[first_axis .. first_axis + axis_count), outermost first
  std::int32_t axis_count;
  std::uint64_t reserved;
};

inline constexpr std::uint32_t kAurexKernelMagic = 0x4b585541;  // "AUXK"

/// The one constant that compiled code exports.
struct AurexKernel {
  std::uint32_t magic;  ///< kAurexKernelMagic
  std::uint32_t size;   ///< of this struct, as the code has it
  std::int32_t abi_version;
  std::int32_t loop_grammar;     ///< of the loop program it was made from; 0: none
  std::uint64_t compiler_build;  ///< codegen::compiler_build(); 0: hand-written
  // Sizes of what the runtime hands over, as the code knows them.
  std::uint32_t frame_size, worker_size, plan_size, runtime_size;
  const char* name;
  const char* target;                     ///< "cpu.avx512"
  const char* features;                   ///< of the processor, as LLVM names them, separated by commas
  std::int32_t extent_count, pack_count;  ///< of AurexFrame::extents, and packs of kAurexPackRank
  std::int32_t array_count;               ///< of AurexFrame::arrays and of `arrays`
  std::int32_t f64_count, i64_count;      ///< scalars
  std::int32_t launch_count, site_count, axis_count;
  const AurexParameter* arrays;
  const AurexLaunch* launches;
  const AurexSite* sites;
  const AurexAxis* axes;
  AurexPlanner plan;
  AurexDrive drive;
  AurexExtents extents;  ///< null where axis_count is 0
};

}  // extern "C"

static_assert(sizeof(AurexArray) == 16 && offsetof(AurexArray, strides) == 8);
static_assert(offsetof(AurexErrorRecord, launch) == 8 && offsetof(AurexErrorRecord, position) == 16);
static_assert(offsetof(AurexErrorRecord, bound) == 32 && sizeof(AurexErrorRecord) == 40);
static_assert(offsetof(AurexWorker, index) == 8 && sizeof(AurexWorker) == 16);
static_assert(offsetof(AurexLaunch, name) == 8 && offsetof(AurexLaunch, number) == 16);
static_assert(offsetof(AurexLaunch, flags) == 20 && sizeof(AurexLaunch) == 32);
static_assert(offsetof(AurexRuntime, size) == 4 && offsetof(AurexRuntime, parallel) == 8);
static_assert(offsetof(AurexRuntime, fail) == 16 && offsetof(AurexRuntime, print) == 24 && sizeof(AurexRuntime) == 32);
static_assert(offsetof(AurexFrame, packs) == 8 && offsetof(AurexFrame, arrays) == 16);
static_assert(offsetof(AurexFrame, f64_scalars) == 24 && offsetof(AurexFrame, i64_scalars) == 32);
static_assert(offsetof(AurexFrame, shared) == 40 && offsetof(AurexFrame, error) == 48);
static_assert(offsetof(AurexFrame, runtime) == 56 && sizeof(AurexFrame) == 72);
static_assert(offsetof(AurexPlan, worker_bytes) == 8 && offsetof(AurexPlan, tiles) == 16);
static_assert(offsetof(AurexPlan, nanoseconds) == 24 && sizeof(AurexPlan) == 32);
static_assert(offsetof(AurexParameter, plane) == 8 && offsetof(AurexParameter, stride_count) == 20);
static_assert(offsetof(AurexParameter, align) == 24 && sizeof(AurexParameter) == 32);
static_assert(sizeof(AurexAxis) == 16);
static_assert(offsetof(AurexSite, line) == 8 && offsetof(AurexSite, first_axis) == 16 && sizeof(AurexSite) == 32);
static_assert(offsetof(AurexKernel, compiler_build) == 16 && offsetof(AurexKernel, frame_size) == 24);
static_assert(offsetof(AurexKernel, name) == 40 && offsetof(AurexKernel, extent_count) == 64);
static_assert(offsetof(AurexKernel, arrays) == 96 && offsetof(AurexKernel, plan) == 128);
static_assert(offsetof(AurexKernel, extents) == 144 && sizeof(AurexKernel) == 152);
