/* Calls kernels that were compiled ahead of time: what `aurex build --header` writes stands on this.
 *
 * C99 or C++, no library beside the C runtime. A call runs on the calling thread unless it is given workers; it takes
 * its scratch from malloc and gives it back. Kernels may be called from any number of threads at once. The structs are
 * those of the kernel ABI, version 2 (aurex/base/kernel_abi.h), in C. */
#ifndef AUREX_KERNEL_H_
#define AUREX_KERNEL_H_

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended. */
enum {
  AUREX_CALL_OK = 0,
  AUREX_CALL_INDEX = 1,     /* a gather outside its table; see aurex_fault */
  AUREX_CALL_ASSERT = 2,    /* a failed assert; see aurex_fault */
  AUREX_CALL_NO_MEMORY = 3, /* for scratch; nothing has run */
  AUREX_CALL_VERSION = 4    /* the object was made for another version of the kernel ABI; nothing has run */
};

/* Where a kernel stopped: the smallest fault by position, whatever the number of workers. */
typedef struct aurex_fault {
  const char* kernel;
  const char* text;     /* the assert's message, or the name of the indexed array */
  int32_t line, column; /* in the AX file, from 1 */
  int64_t position;     /* of the element, row-major over the axes of the place */
  int64_t value, bound; /* of an index: what it was, and the extent it must stay below */
} aurex_fault;

/* Optional in every call, null for none of it. */
typedef struct aurex_options {
  /* Runs work(task, 0) .. work(task, count - 1), each once, at the same time or one after another, and returns when
   * all are done. Null, or workers below 2: the calling thread does everything. Results do not depend on it. */
  void (*run)(void* pool, int32_t count, void (*work)(void* task, int32_t worker), void* task);
  void* pool;
  int32_t workers;
  aurex_fault fault; /* written where a call gives AUREX_CALL_INDEX or AUREX_CALL_ASSERT */
} aurex_options;

/* ---- the kernel ABI; calls below fill it in ---- */

struct aurex_frame;
typedef struct aurex_plane {
  char* data;
  const int64_t* strides;
} aurex_plane;
typedef struct aurex_error_record {
  int32_t fault, site, launch, reserved;
  int64_t position, value, bound;
} aurex_error_record;
typedef struct aurex_worker {
  char* scratch;
  int64_t index;
} aurex_worker;
typedef struct aurex_launch {
  void (*block)(const struct aurex_frame* frame, aurex_worker* worker, int64_t first, int64_t last);
  const char* name;
  int32_t number;
  uint32_t flags;
  uint64_t reserved;
} aurex_launch;
typedef struct aurex_runtime {
  int32_t version;
  uint32_t size;
  int32_t (*parallel)(const struct aurex_frame* frame, const aurex_launch* launch, int64_t tiles, int64_t scratch_bytes,
                      double nanoseconds);
  void (*fail)(const struct aurex_frame* frame, int32_t fault, int32_t site, int64_t position, int64_t value,
               int64_t bound);
  void (*print)(const struct aurex_frame* frame, int32_t site, int64_t position, int32_t is_float, uint64_t bits);
} aurex_runtime;
typedef struct aurex_frame {
  const int64_t* extents;
  const int64_t* packs;
  const aurex_plane* arrays;
  const double* f64_scalars;
  const int64_t* i64_scalars;
  char* shared;
  aurex_error_record* error;
  const aurex_runtime* runtime;
  void* context;
} aurex_frame;
typedef struct aurex_plan {
  int64_t shared_bytes, worker_bytes, tiles;
  double nanoseconds;
} aurex_plan;
typedef struct aurex_site {
  const char* text;
  int32_t line, column, first_axis, axis_count;
  uint64_t reserved;
} aurex_site;
typedef struct aurex_compiled_kernel {
  uint32_t magic, size;
  int32_t abi_version, loop_grammar;
  uint64_t compiler_build;
  uint32_t frame_size, worker_size, plan_size, runtime_size;
  const char *name, *target, *features;
  int32_t extent_count, pack_count, array_count, f64_count, i64_count, launch_count, site_count, axis_count;
  const void* arrays;
  const aurex_launch* launches;
  const aurex_site* sites;
  const void* axes;
  void (*plan)(const aurex_frame* frame, aurex_plan* plan);
  void (*drive)(const aurex_frame* frame);
  void (*extents)(const aurex_frame* frame, int64_t* extents);
} aurex_compiled_kernel;

/* ---- the runtime that compiled code calls back into ---- */

/* One call while it runs. */
typedef struct aurex_running {
  const aurex_compiled_kernel* kernel;
  const aurex_options* options;
  char* scratch; /* worker_bytes for every worker */
  int64_t worker_bytes;
  int32_t workers;
  char locked; /* while a fault is recorded */
} aurex_running;

/* One launch on several workers. */
typedef struct aurex_spread {
  const aurex_frame* frame;
  const aurex_launch* launch;
  int64_t tiles;
  int32_t workers;
} aurex_spread;

static void aurex_run_tiles(void* task, int32_t index) {
  const aurex_spread* spread = (const aurex_spread*)task;
  const aurex_running* call = (const aurex_running*)spread->frame->context;
  aurex_worker worker;
  const int64_t share = spread->tiles / spread->workers, rest = spread->tiles % spread->workers;
  const int64_t first = index * share + (index < rest ? index : rest);
  const int64_t last = first + share + (index < rest);
  worker.scratch = call->scratch ? call->scratch + index * call->worker_bytes : NULL;
  worker.index = index;
  if (first < last) spread->launch->block(spread->frame, &worker, first, last);
}

static int32_t aurex_parallel(const aurex_frame* frame, const aurex_launch* launch, int64_t tiles,
                              int64_t scratch_bytes, double nanoseconds) {
  const double worth_waking = 20000;
  const aurex_running* call = (const aurex_running*)frame->context;
  aurex_spread spread;
  (void)scratch_bytes; /* never more than worker_bytes */
  if (frame->error->fault != 0) return 1;
  spread.frame = frame;
  spread.launch = launch;
  spread.tiles = tiles;
  spread.workers = nanoseconds < worth_waking ? 1 : call->workers;
  if (spread.workers > tiles) spread.workers = (int32_t)tiles;
  if (spread.workers > 1) {
    call->options->run(call->options->pool, spread.workers, aurex_run_tiles, &spread);
  } else if (spread.workers == 1) {
    aurex_run_tiles(&spread, 0);
  }
  return frame->error->fault != 0;
}

/* Whether a fault comes before the one that is recorded. */
static int aurex_is_smaller(const aurex_error_record* a, const aurex_error_record* b) {
  if (a->launch != b->launch) return a->launch < b->launch;
  if (a->position != b->position) return (uint64_t)a->position < (uint64_t)b->position;
  if (a->site != b->site) return a->site < b->site;
  return a->value < b->value;
}

static void aurex_fail(const aurex_frame* frame, int32_t fault, int32_t site, int64_t position, int64_t value,
                       int64_t bound) {
  aurex_running* call = (aurex_running*)frame->context;
  aurex_error_record seen;
  seen.fault = fault;
  seen.site = site;
  seen.launch = 0; /* no later launch runs after a fault: all that are recorded are of one */
  seen.reserved = 0;
  seen.position = position;
  seen.value = value;
  seen.bound = bound;
  while (__atomic_test_and_set(&call->locked, __ATOMIC_ACQUIRE)) {
  }
  if (frame->error->fault == 0 || aurex_is_smaller(&seen, frame->error)) *frame->error = seen;
  __atomic_clear(&call->locked, __ATOMIC_RELEASE);
}

static void aurex_print(const aurex_frame* frame, int32_t site, int64_t position, int32_t is_float, uint64_t bits) {
  const aurex_compiled_kernel* kernel = ((const aurex_running*)frame->context)->kernel;
  const aurex_site* at = &kernel->sites[site];
  double number;
  memcpy(&number, &bits, sizeof number);
  if (is_float) {
    printf("%s:%d: [%" PRId64 "] %.17g\n", kernel->name, at->line, position, number);
  } else {
    printf("%s:%d: [%" PRId64 "] %" PRId64 "\n", kernel->name, at->line, position, (int64_t)bits);
  }
}

static char* aurex_align(char* memory) { return memory + (-(uintptr_t)memory & 63); }

/* Runs a kernel on a frame whose extents, packs, arrays and scalars are filled in. */
static inline int aurex_call_kernel(const aurex_compiled_kernel* kernel, aurex_frame* frame, aurex_options* options) {
  static const aurex_runtime runtime = {2, sizeof(aurex_runtime), aurex_parallel, aurex_fail, aurex_print};
  aurex_plan plan = {0, 0, 0, 0};
  aurex_error_record error = {0, 0, 0, 0, 0, 0, 0};
  aurex_running call = {kernel, options, NULL, 0, 1, 0};
  char* memory = NULL;
  if (kernel->abi_version != 2 || kernel->frame_size > sizeof(aurex_frame)) return AUREX_CALL_VERSION;
  frame->runtime = &runtime;
  frame->error = &error;
  frame->context = &call;
  kernel->plan(frame, &plan);
  if (options != NULL && options->run != NULL && options->workers > 1) call.workers = options->workers;
  call.worker_bytes = (plan.worker_bytes + 63) / 64 * 64;
  if (plan.shared_bytes > 0 || call.worker_bytes > 0) {
    const int64_t shared = (plan.shared_bytes + 63) / 64 * 64;
    if (call.worker_bytes > (INT64_MAX - shared - 64) / call.workers) return AUREX_CALL_NO_MEMORY;
    memory = (char*)malloc((size_t)(64 + shared + call.worker_bytes * call.workers));
    if (memory == NULL) return AUREX_CALL_NO_MEMORY;
    frame->shared = aurex_align(memory);
    call.scratch = frame->shared + shared;
  }
  kernel->drive(frame);
  free(memory);
  if (error.fault != 0 && options != NULL) {
    options->fault.kernel = kernel->name;
    options->fault.text = kernel->sites[error.site].text;
    options->fault.line = kernel->sites[error.site].line;
    options->fault.column = kernel->sites[error.site].column;
    options->fault.position = error.position;
    options->fault.value = error.value;
    options->fault.bound = error.bound;
  }
  return error.fault;
}

#ifdef __cplusplus
}
#endif

#endif /* AUREX_KERNEL_H_ */
