/* Aurex for C and whatever can call C: compile AX text, call its kernels on your arrays.
 *
 * C99, no other header needed. Link with libaurex.a, which holds the whole library, and with what it stands on: LLVM,
 * fmt, spdlog and the C++ runtime (in CMake: target_link_libraries(yours PRIVATE aurex_c)).
 *
 * A module or kernel may be used by any number of threads at once. Memory of arrays stays yours. Every function that
 * can fail returns a status; aurex_error_message() then says, for the calling thread, what went wrong.
 *
 *     aurex_module* module;
 *     const aurex_kernel* add;
 *     aurex_compile(text, strlen(text), "add.ax", &module);
 *     aurex_get_kernel(module, "add", &add);
 *     const aurex_argument inputs[] = {aurex_array_argument(&x), aurex_array_argument(&y)};
 *     aurex_call(add, inputs, 2, &z, 1);
 *     aurex_free_module(module);
 */
#ifndef AUREX_H_
#define AUREX_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AUREX_API __attribute__((visibility("default")))
#else
#define AUREX_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* How a function ended. The numbers are part of the interface and never change. */
typedef enum aurex_status {
  AUREX_OK = 0,
  AUREX_INVALID_CONFIG = 1,     /* a setting or argument fails validation */
  AUREX_ARGUMENT_ERROR = 2,     /* an argument is missing, surplus or unknown */
  AUREX_INDEX_OUT_OF_RANGE = 3, /* a gather outside its table */
  AUREX_QUANTIZATION_ERROR = 4, /* a tensor does not fit a block format */
  AUREX_SHAPE_MISMATCH = 5,     /* extents that disagree */
  AUREX_DIMENSION_MISMATCH = 6, /* ranks that disagree */
  AUREX_DTYPE_MISMATCH = 7,     /* element types do not fit */
  AUREX_DEVICE_NOT_AVAILABLE = 8,
  AUREX_DEVICE_MISMATCH = 9,
  AUREX_OUT_OF_MEMORY = 10,
  AUREX_COMPILE_ERROR = 11, /* the text is refused; the message holds every diagnostic */
  AUREX_KERNEL_ERROR = 12,  /* a failed assert, a stopped call */
  AUREX_FORMAT_ERROR = 13,  /* a malformed file */
  AUREX_NOT_IMPLEMENTED = 14,
  AUREX_IO_ERROR = 15,
  AUREX_INTERNAL_ERROR = 16 /* none of the above: a defect of the library */
} aurex_status;

typedef enum aurex_dtype {
  AUREX_BOOL = 0,
  AUREX_I8 = 1,
  AUREX_U8 = 2,
  AUREX_I16 = 3,
  AUREX_U16 = 4,
  AUREX_I32 = 5,
  AUREX_U32 = 6,
  AUREX_I64 = 7,
  AUREX_U64 = 8,
  AUREX_F8_E4M3 = 9,
  AUREX_F8_E4M3_NAN = 10, /* the same bits; a store past 448 gives NaN */
  AUREX_F8_E5M2 = 11,
  AUREX_F16 = 12,
  AUREX_BF16 = 13,
  AUREX_F32 = 14,
  AUREX_F64 = 15
} aurex_dtype;

#define AUREX_MAX_RANK 16

/* An array of the caller's. Shape and strides have `rank` entries and need to live as long as the call. */
typedef struct aurex_array {
  void* data; /* the element at position 0, 0, ... */
  aurex_dtype dtype;
  int32_t rank;           /* 0 to AUREX_MAX_RANK */
  const int64_t* shape;   /* extents; may be null where rank is 0 */
  const int64_t* strides; /* in elements, may be negative or 0; null: row-major */
} aurex_array;

typedef enum aurex_argument_kind {
  AUREX_ARGUMENT_ABSENT = 0, /* the parameter keeps its default */
  AUREX_ARGUMENT_ARRAY = 1,
  AUREX_ARGUMENT_FLOAT = 2,
  AUREX_ARGUMENT_INT = 3,
  AUREX_ARGUMENT_BOOL = 4
} aurex_argument_kind;

typedef struct aurex_argument {
  aurex_argument_kind kind;
  const aurex_array* array; /* for AUREX_ARGUMENT_ARRAY */
  double number;            /* for AUREX_ARGUMENT_FLOAT */
  int64_t integer;          /* for AUREX_ARGUMENT_INT, and 0 or 1 for AUREX_ARGUMENT_BOOL */
} aurex_argument;

static inline aurex_argument aurex_array_argument(const aurex_array* array) {
  aurex_argument argument = {AUREX_ARGUMENT_ARRAY, array, 0, 0};
  return argument;
}
static inline aurex_argument aurex_float_argument(double number) {
  aurex_argument argument = {AUREX_ARGUMENT_FLOAT, NULL, number, 0};
  return argument;
}
static inline aurex_argument aurex_int_argument(int64_t integer) {
  aurex_argument argument = {AUREX_ARGUMENT_INT, NULL, 0, integer};
  return argument;
}
static inline aurex_argument aurex_bool_argument(int value) {
  aurex_argument argument = {AUREX_ARGUMENT_BOOL, NULL, 0, value != 0};
  return argument;
}
static inline aurex_argument aurex_absent_argument(void) {
  aurex_argument argument = {AUREX_ARGUMENT_ABSENT, NULL, 0, 0};
  return argument;
}

typedef struct aurex_module aurex_module;
typedef struct aurex_kernel aurex_kernel;

/* Checks AX text of `length` bytes. `name` stands for the file in diagnostics; null: "<text>". On success *module is to
 * be freed with aurex_free_module. */
AUREX_API aurex_status aurex_compile(const char* text, size_t length, const char* name, aurex_module** module);

/* The same from a file. */
AUREX_API aurex_status aurex_load(const char* path, aurex_module** module);

/* Null is allowed. No kernel of the module may be in use. */
AUREX_API void aurex_free_module(aurex_module* module);

/* How many kernels there are, and the name of one, in the order of the text; null past the end. */
AUREX_API size_t aurex_kernel_count(const aurex_module* module);
AUREX_API const char* aurex_kernel_name(const aurex_module* module, size_t index);

/* A kernel by name; it lives as long as its module. */
AUREX_API aurex_status aurex_get_kernel(const aurex_module* module, const char* name, const aurex_kernel** kernel);

/* The kernel as its author declared it, one line; lives as long as the module. */
AUREX_API const char* aurex_kernel_signature(const aurex_kernel* kernel);

/* Runs a kernel. Arguments stand in the order of its parameters; trailing ones with defaults may be left out. Results
 * are written to `results`, in the order declared; each of them must be there. The first call with new element types
 * compiles. Nothing is written before the call has been accepted. */
AUREX_API aurex_status aurex_call(const aurex_kernel* kernel, const aurex_argument* arguments, size_t argument_count,
                                  const aurex_array* results, size_t result_count);

/* What the last function of this thread that did not return AUREX_OK had to say; "" before. Lives until the thread's
 * next failure. */
AUREX_API const char* aurex_error_message(void);

/* "ShapeMismatch" and so on; "Ok" for AUREX_OK. */
AUREX_API const char* aurex_status_name(aurex_status status);

/* "0.1.0". */
AUREX_API const char* aurex_version(void);

#ifdef __cplusplus
}
#endif

#endif /* AUREX_H_ */
