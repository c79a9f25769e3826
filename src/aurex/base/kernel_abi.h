#pragma once

// The binary interface between compiled kernels and whoever runs them: plain C structs, the same for every CPU target.
//
// A *call* is what a user makes. It runs the kernel's `drive`, which runs kernel-level statements in order and asks the
// runtime to spread each *launch* (one parallel block) over workers. A launch is a number of independent tiles;
// `block(frame, worker, first, last)` runs tiles [first, last). Generated code allocates nothing, locks nothing, throws
// nothing and knows no thread pool. Changing anything here needs a new kAurexAbiVersion and an ADR (docs/adr/0001).
//
// Code generators address these fields by offset; the static_asserts below pin them.

#include <cstddef>
#include <cstdint>

extern "C" {

/// Part of every cache key.
inline constexpr std::int32_t kAurexAbiVersion = 1;
/// A pack of leading axes is handed over as at most this many merged axes, outermost first, right-aligned;
/// unused leading slots have extent 1 and stride 0.
inline constexpr std::int32_t kAurexPackRank = 8;

struct AurexFrame;

/// One array argument, result or kernel-level scratch array.
struct AurexArray {
  char* data;                   ///< element at index 0 of every axis
  const std::int64_t* strides;  ///< in elements: one per ordinary axis, kAurexPackRank per pack, in signature order
};

/// The first failure of a call; the runtime turns it into a typed error.
enum AurexFault : std::int32_t {
  kAurexFaultNone = 0,
  kAurexFaultIndex = 1,   ///< value = index, bound = extent
  kAurexFaultAssert = 2,  ///< an `assert` of the kernel
};

struct AurexErrorRecord {
  std::int32_t state;  ///< 0 free, 1 being written, 2 complete; taken by compare-exchange
  std::int32_t fault;  ///< AurexFault
  std::int32_t site;   ///< index into the kernel's table of source positions
  std::int32_t reserved;
  std::int64_t position;  ///< linear position of the element within its statement's axes
  std::int64_t value;
  std::int64_t bound;
};

/// What a worker owns while it runs tiles.
struct AurexWorker {
  char* scratch;       ///< 64-byte aligned, as many bytes as the launch asked for
  std::int64_t index;  ///< which worker, from 0; results must not depend on it
};

typedef void (*AurexBlock)(const AurexFrame* frame, AurexWorker* worker, std::int64_t first, std::int64_t last);

/// The services generated code may call.
struct AurexRuntime {
  std::int32_t version;  ///< kAurexAbiVersion
  std::int32_t reserved;
  /// Runs `block` over tiles [0, tiles), each tile once, and returns when all are done. Every worker gets
  /// `scratch_bytes` of scratch. `nanoseconds` estimates the whole launch on one worker. Returns 0, or 1 when the call
  /// was stopped (cancelled, out of memory, a fault): `drive` then returns at once.
  std::int32_t (*parallel)(const AurexFrame* frame, AurexBlock block, std::int64_t tiles, std::int64_t scratch_bytes,
                           double nanoseconds);
  /// Records the first fault of the call.
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
  const AurexArray* arrays;   ///< parameters, results, then kernel-level scratch, in order of declaration
  const double* f64_scalars;  ///< scalar parameters of type float, in order
  const std::int64_t* i64_scalars;  ///< scalar parameters of type int and bool, in order
  char* shared;                     ///< the call's own scratch, 64-byte aligned, of the size `plan` asked for
  AurexErrorRecord* error;
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

}  // extern "C"

static_assert(sizeof(AurexArray) == 16 && offsetof(AurexArray, strides) == 8);
static_assert(offsetof(AurexFrame, packs) == 8 && offsetof(AurexFrame, arrays) == 16);
static_assert(offsetof(AurexFrame, f64_scalars) == 24 && offsetof(AurexFrame, i64_scalars) == 32);
static_assert(offsetof(AurexFrame, shared) == 40 && offsetof(AurexFrame, error) == 48);
static_assert(offsetof(AurexFrame, runtime) == 56 && sizeof(AurexFrame) == 72);
static_assert(offsetof(AurexRuntime, parallel) == 8 && offsetof(AurexRuntime, fail) == 16);
static_assert(offsetof(AurexRuntime, print) == 24 && offsetof(AurexErrorRecord, position) == 16);
