#include "doubled.h"

#include <stdio.h>

int main(void) {
  const float x[3] = {1, 2, 3};
  float y[3] = {0, 0, 0};
  const int status = doubled(3, x, y, NULL);
  printf("%d %g %g %g\n", status, y[0], y[1], y[2]);
  return status;
}
