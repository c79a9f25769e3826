/* Compiles and calls kernels through the C interface; every line of CHECK can fail. */

#include <stdio.h>
#include <string.h>

#include "aurex.h"

static int failures = 0;

#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      printf("add.c:%d: not true: %s (%s)\n", __LINE__, #condition, aurex_error_message()); \
      ++failures;                                                                           \
    }                                                                                       \
  } while (0)

static const char kText[] =
    "kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }\n"
    "kernel scaled(x: T[N], factor: float = 2, const negate: bool = false) -> (z: T[N]) {\n"
    "  parallel i in N { z[i] = x[i] * (negate ? -factor : factor) }\n"
    "}\n";

static aurex_array array_f32(float* data, const int64_t* shape, const int64_t* strides) {
  aurex_array array = {data, AUREX_F32, 1, shape, strides};
  return array;
}

static void calls_a_kernel(const aurex_module* module) {
  const int64_t shape[] = {3}, every_second[] = {2};
  float x[] = {1, 2, 3}, y[] = {10, 0, 20, 0, 30, 0}, z[3] = {0, 0, 0};
  const aurex_array ax = array_f32(x, shape, NULL), ay = array_f32(y, shape, every_second),
                    az = array_f32(z, shape, NULL);
  const aurex_argument arguments[] = {aurex_array_argument(&ax), aurex_array_argument(&ay)};
  const aurex_kernel* add = NULL;
  CHECK(aurex_get_kernel(module, "add", &add) == AUREX_OK);
  CHECK(aurex_call(add, arguments, 2, &az, 1) == AUREX_OK);
  CHECK(z[0] == 11 && z[1] == 22 && z[2] == 33);
}

static void takes_scalars_and_defaults(const aurex_module* module) {
  const int64_t shape[] = {2};
  float x[] = {1, 2}, z[2] = {0, 0};
  const aurex_array ax = array_f32(x, shape, NULL), az = array_f32(z, shape, NULL);
  const aurex_argument all[] = {aurex_array_argument(&ax), aurex_float_argument(3), aurex_bool_argument(1)};
  const aurex_kernel* scaled = NULL;
  CHECK(aurex_get_kernel(module, "scaled", &scaled) == AUREX_OK);
  CHECK(aurex_call(scaled, all, 1, &az, 1) == AUREX_OK);
  CHECK(z[0] == 2 && z[1] == 4);
  CHECK(aurex_call(scaled, all, 3, &az, 1) == AUREX_OK);
  CHECK(z[0] == -3 && z[1] == -6);
}

static void refuses_what_does_not_fit(const aurex_module* module) {
  const int64_t three[] = {3}, two[] = {2};
  float x[] = {1, 2, 3}, y[] = {1, 2}, z[] = {7, 7, 7};
  const aurex_array ax = array_f32(x, three, NULL), ay = array_f32(y, two, NULL), az = array_f32(z, three, NULL);
  const aurex_argument arguments[] = {aurex_array_argument(&ax), aurex_array_argument(&ay)};
  const aurex_kernel* add = NULL;
  CHECK(aurex_get_kernel(module, "add", &add) == AUREX_OK);
  CHECK(aurex_call(add, arguments, 2, &az, 1) == AUREX_SHAPE_MISMATCH);
  CHECK(strstr(aurex_error_message(), "axis N") != NULL);
  CHECK(z[0] == 7);
  CHECK(aurex_call(add, arguments, 1, &az, 1) == AUREX_ARGUMENT_ERROR);
  CHECK(aurex_call(add, arguments, 2, NULL, 0) == AUREX_ARGUMENT_ERROR);
  CHECK(aurex_call(NULL, arguments, 2, &az, 1) == AUREX_INVALID_CONFIG);
  aurex_array nonsense = az;
  nonsense.rank = 99;
  CHECK(aurex_call(add, arguments, 2, &nonsense, 1) == AUREX_DIMENSION_MISMATCH);
}

static void names_what_is_there(const aurex_module* module) {
  const aurex_kernel* kernel = NULL;
  CHECK(aurex_kernel_count(module) == 2);
  CHECK(strcmp(aurex_kernel_name(module, 1), "scaled") == 0);
  CHECK(aurex_kernel_name(module, 2) == NULL);
  CHECK(aurex_get_kernel(module, "sub", &kernel) == AUREX_ARGUMENT_ERROR);
  CHECK(kernel == NULL && strstr(aurex_error_message(), "add, scaled") != NULL);
  CHECK(aurex_get_kernel(module, "add", &kernel) == AUREX_OK);
  CHECK(strstr(aurex_kernel_signature(kernel), "x: T[N]") != NULL);
  CHECK(strcmp(aurex_status_name(AUREX_SHAPE_MISMATCH), "ShapeMismatch") == 0);
}

static void refuses_a_program_with_its_diagnostics(void) {
  aurex_module* module = (aurex_module*)kText;
  const char wrong[] = "kernel f(x: T[N]) -> (y: T[N]) { parallel i in N { y[i] = q } }";
  CHECK(aurex_compile(wrong, strlen(wrong), "wrong.ax", &module) == AUREX_COMPILE_ERROR);
  CHECK(module == NULL && strstr(aurex_error_message(), "wrong.ax:1:") != NULL);
  aurex_free_module(NULL);
}

int main(void) {
  aurex_module* module = NULL;
  CHECK(aurex_compile(kText, strlen(kText), "add.ax", &module) == AUREX_OK);
  if (module == NULL) return 1;
  calls_a_kernel(module);
  takes_scalars_and_defaults(module);
  refuses_what_does_not_fit(module);
  names_what_is_there(module);
  refuses_a_program_with_its_diagnostics();
  aurex_free_module(module);
  if (failures == 0) printf("aurex %s from C: all as it should be\n", aurex_version());
  return failures == 0 ? 0 : 1;
}
