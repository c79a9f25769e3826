// Uses an installed Aurex the way the first page of its documentation does.

#include <aurex/aurex.h>

#include <array>
#include <cstdio>
#include <span>

int main() {
  const aurex::Module module =
      aurex::compile("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }");
  std::array<float, 3> x = {1, 2, 3}, y = {10, 20, 30};
  const aurex::Tensor z = module["add"](aurex::view_of(std::span(x), {3}), aurex::view_of(std::span(y), {3}));
  const std::span<const float> sum(z.view().as<float>(), 3);
  if (sum[0] != 11 || sum[1] != 22 || sum[2] != 33) return 1;

  const auto add = aurex::compile_kernel<int(int, int)>("add");
  if (add(1, 2) != 3) return 2;
  std::puts("installed");
  return 0;
}
