/* Calls kernels that were compiled ahead of time, on one thread and on three, and holds them to loops in C. */

#include "kernels.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void check(int holds, const char* what, int64_t size) {
  if (holds) return;
  printf("failed: %s at size %ld\n", what, (long)size);
  ++failures;
}

static float* drawn(int64_t count) {
  float* x = malloc(sizeof(float) * (size_t)(count + 1));
  int64_t i;
  for (i = 0; i < count; ++i) x[i] = (float)((i * 37 + 11) % 101) / 50.0f - 1.0f;
  x[count] = 12345.0f; /* nobody may touch it */
  return x;
}

static int near(double a, double b) { return fabs(a - b) <= 1e-5 * (1 + fabs(b)); }

/* Workers as a user might have them: a thread for each. */
struct job {
  void (*work)(void* task, int32_t worker);
  void* task;
  int32_t worker;
};

static void* run_job(void* given) {
  const struct job* job = given;
  job->work(job->task, job->worker);
  return NULL;
}

static void run_threads(void* pool, int32_t count, void (*work)(void* task, int32_t worker), void* task) {
  pthread_t threads[8];
  struct job jobs[8];
  int32_t i;
  ++*(int*)pool;
  for (i = 0; i < count; ++i) {
    jobs[i].work = work;
    jobs[i].task = task;
    jobs[i].worker = i;
    pthread_create(&threads[i], NULL, run_job, &jobs[i]);
  }
  for (i = 0; i < count; ++i) pthread_join(threads[i], NULL);
}

static void test_add(int64_t n) {
  float *x = drawn(n), *y = drawn(n), *z = drawn(n);
  int64_t i;
  check(k_add(n, x, y, z, NULL) == AUREX_CALL_OK, "add returns", n);
  for (i = 0; i < n; ++i) check(z[i] == x[i] + y[i], "add", n);
  check(k_double(n, x, z, NULL) == AUREX_CALL_OK, "an expression kernel returns", n);
  for (i = 0; i < n; ++i) check(z[i] == x[i] * 2, "an expression kernel", n);
  check(z[n] == 12345.0f, "nothing is written behind the result", n);
  free(x), free(y), free(z);
}

static void test_rows(int64_t rows, int64_t columns) {
  float *x = drawn(rows * columns), *y = drawn(rows * columns);
  int64_t r, c;
  check(k_softmax(rows, columns, x, y, NULL) == AUREX_CALL_OK, "softmax returns", columns);
  for (r = 0; r < rows; ++r) {
    const float* row = x + r * columns;
    double top = -1e30, sum = 0;
    for (c = 0; c < columns; ++c) top = row[c] > top ? row[c] : top;
    for (c = 0; c < columns; ++c) sum += exp(row[c] - top);
    for (c = 0; c < columns; ++c) check(near(y[r * columns + c], exp(row[c] - top) / sum), "softmax", columns);
  }
  check(k_norm(rows, columns, x, y, NULL) == AUREX_CALL_OK, "a kernel over a pack returns", columns);
  for (r = 0; r < rows; ++r) {
    const float* row = x + r * columns;
    double sum = 0;
    for (c = 0; c < columns; ++c) sum += (double)row[c] * row[c];
    for (c = 0; c < columns; ++c) {
      check(near(y[r * columns + c], row[c] / sqrt(sum / (double)columns)), "a kernel over a pack", columns);
    }
  }
  check(y[rows * columns] == 12345.0f, "nothing is written behind the result", columns);
  free(x), free(y);
}

static void test_matmul(int64_t m, int64_t k, int64_t n) {
  float *a = drawn(m * k), *b = drawn(k * n), *c = drawn(m * n), *again = drawn(m * n);
  int64_t i, j, t;
  int spread = 0;
  aurex_options options;
  memset(&options, 0, sizeof options);
  options.run = run_threads;
  options.pool = &spread;
  options.workers = 3;
  check(k_matmul(m, k, n, 0.5, a, b, c, NULL) == AUREX_CALL_OK, "matmul returns", n);
  for (i = 0; i < m; ++i) {
    for (j = 0; j < n; ++j) {
      double sum = 0;
      for (t = 0; t < k; ++t) sum += (double)a[i * k + t] * b[t * n + j];
      check(fabs(c[i * n + j] - 0.5 * sum) <= 1e-5 * (1 + (double)k), "matmul", n);
    }
  }
  check(k_matmul(m, k, n, 0.5, a, b, again, &options) == AUREX_CALL_OK, "matmul by three workers returns", n);
  check(memcmp(c, again, sizeof(float) * (size_t)(m * n)) == 0, "three workers give the bits of one", n);
  if (m * k * n > 1000000) check(spread > 0, "large launches are spread", n);
  free(a), free(b), free(c), free(again);
}

static void test_faults(void) {
  const float table[3] = {1, 2, 3};
  const int32_t ids[4] = {0, 7, 1, 9};
  float y[4] = {0, 0, 0, 0};
  const float bad[3] = {1, -1, -2};
  aurex_options options;
  memset(&options, 0, sizeof options);
  check(k_pick(3, 1, 1, table, ids, y, &options) == AUREX_CALL_OK && y[0] == 2, "a gather inside its table", 1);
  check(k_pick(3, 4, 0, table, ids, y, &options) == AUREX_CALL_INDEX, "a gather outside its table", 4);
  check(options.fault.position == 1 && options.fault.value == 7 && options.fault.bound == 3, "the first index", 4);
  check(strcmp(options.fault.text, "table") == 0 && options.fault.line > 0, "where the index was", 4);
  check(k_pick(3, 4, 0, table, ids, y, NULL) == AUREX_CALL_INDEX, "a fault that nobody wants to know", 4);
  check(k_checked(3, bad, y, &options) == AUREX_CALL_ASSERT, "a failed assert", 3);
  check(strcmp(options.fault.text, "negative") == 0 && options.fault.position == 1, "which assert", 3);
}

static void test_windows(void) {
  const float x[7] = {0, 1, 2, 3, 4, 5, 6};
  float y[3] = {-1, -1, -1};
  check(k_windows(7, 3, 2, x, y, NULL) == AUREX_CALL_OK, "extents of a where clause", 7);
  check(y[0] == 0 && y[1] == 2 && y[2] == 4, "extents of a where clause", 7);
}

int main(void) {
  const int64_t sizes[] = {0, 1, 7, 16, 17, 64, 129};
  size_t i;
  for (i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    test_add(sizes[i]);
    test_rows(5, sizes[i]);
    test_matmul(sizes[i], sizes[i] + 3, sizes[i] + 1);
  }
  test_matmul(150, 150, 150);
  test_faults();
  test_windows();
  printf("%d failures\n", failures);
  return failures != 0;
}
