#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>

#include "case.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;
using Row = std::span<const double>;

const std::vector<Sizes> kRows = {{0, 3}, {1, 1}, {3, 7}, {2, 16}, {5, 33}};

Values one_matrix(const Sizes& n, Numbers& draw) { return {{"x", draw.floats({n[0], n[1]})}}; }

/// Applies `f` to every row of x and strings the results together.
template <typename F>
std::vector<double> each_row(const Sizes& n, const Values& values, F&& f) {
  std::vector<double> result;
  const Row all = values_of(values, "x");
  for (std::int64_t r = 0; r < n[0]; ++r) {
    f(all.subspan(static_cast<std::size_t>(r * n[1]), static_cast<std::size_t>(n[1])), result);
  }
  return result;
}

/// Around the length up to which lines are sorted by ranks.
const std::vector<Sizes> kLines = {{0, 3}, {2, 0}, {1, 1}, {3, 7}, {2, 64}, {2, 65}, {3, 300}};

std::vector<double> order_of_rows(const Sizes& n, const Values& values) {
  return each_row(n, values, [](Row row, std::vector<double>& out) {
    std::vector<std::size_t> order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(row[i], i); });
    out.insert(out.end(), order.begin(), order.end());
  });
}

double mean_of(Row row) {
  double sum = 0;
  for (const double x : row) sum += x;
  return sum / static_cast<double>(row.size());
}

}  // namespace

const std::vector<Case>& row_cases() {
  static const std::vector<Case> cases = {
      {.name = "softmax",
       .source =
           "kernel softmax(x: T[R..., C]) -> (y: T[R..., C]) {\n  parallel r in R {\n"
           "    let e = exp(x[r, C] - max(x[r, C], C))\n    let inv = 1 / sum(e, C)\n    y[r, C] = e * inv\n  }\n}",
       .kernel = "softmax",
       .sizes = kRows,
       .inputs = one_matrix,
       .reference =
           [](const Sizes& n, const Values& values) {
             return each_row(n, values, [](Row row, std::vector<double>& out) {
               const double top = *std::max_element(row.begin(), row.end());
               double sum = 0;
               for (const double x : row) sum += std::exp(x - top);
               for (const double x : row) out.push_back(std::exp(x - top) / sum);
             });
           },
       .tolerance = 1e-6,
       .large = {301, 130}},
      {.name = "layer norm",
       .source = "kernel layer_norm(x: T[R..., C], w: T[C] = 1, b: T[C] = 0, eps: float = 1e-5) -> (y: T[R..., C]) {\n"
                 "  parallel r in R {\n    let d = x[r, C] - mean(x[r, C], C)\n"
                 "    y[r, C] = d * rsqrt(mean(d * d, C) + eps) * w[C] + b[C]\n  }\n}",
       .kernel = "layer_norm",
       .sizes = kRows,
       .inputs = one_matrix,
       .reference =
           [](const Sizes& n, const Values& values) {
             return each_row(n, values, [](Row row, std::vector<double>& out) {
               const double mean = mean_of(row);
               double variance = 0;
               for (const double x : row) variance += (x - mean) * (x - mean) / static_cast<double>(row.size());
               for (const double x : row) out.push_back((x - mean) / std::sqrt(variance + 1e-5));
             });
           },
       .tolerance = 1e-5,
       .large = {301, 130}},
      {.name = "sum",
       .source = "kernel sums(x: T[R, C]) -> (y: T[R]) { parallel r in R { y[r] = sum(x[r, C], C) } }",
       .kernel = "sums",
       .sizes = kRows,
       .inputs = one_matrix,
       .reference =
           [](const Sizes& n, const Values& values) {
             return each_row(n, values, [](Row row, std::vector<double>& out) {
               out.push_back(mean_of(row) * static_cast<double>(row.size()));
             });
           },
       .tolerance = 1e-5,
       .large = {301, 130}},
      {.name = "argmax",
       .source = "kernel best(x: T[R, C]) -> (y: i32[R]) { parallel r in R { y[r] = argmax(x[r, C], C) } }",
       .kernel = "best",
       .sizes = kRows,
       .inputs = one_matrix,
       .reference =
           [](const Sizes& n, const Values& values) {
             return each_row(n, values, [](Row row, std::vector<double>& out) {
               out.push_back(static_cast<double>(std::max_element(row.begin(), row.end()) - row.begin()));
             });
           }},
      {.name = "argsort",
       .source = "kernel order(x: T[R, C]) -> (y: i32[R, C]) { parallel r in R { y[r, C] = argsort(x[r, C], C) } }",
       .kernel = "order",
       .sizes = kLines,
       .inputs = one_matrix,
       .reference = order_of_rows,
       .large = {301, 130}},
      {.name = "argsort of f64",
       .source = "kernel order(x: T[R, C]) -> (y: i32[R, C]) { parallel r in R { y[r, C] = argsort(x[r, C], C) } }",
       .kernel = "order",
       .sizes = kLines,
       .inputs = [](const Sizes& n, Numbers& draw) { return Values{{"x", draw.floats({n[0], n[1]}, DType::kF64)}}; },
       .reference = order_of_rows,
       .large = {301, 130}},
      {.name = "argsort of few integers",
       .source = "kernel order(x: T[R, C]) -> (y: i32[R, C]) { parallel r in R { y[r, C] = argsort(x[r, C], C) } }",
       .kernel = "order",
       .sizes = kLines,
       .inputs = [](const Sizes& n,
                    Numbers& draw) { return Values{{"x", draw.integers({n[0], n[1]}, -3, 4, DType::kI8)}}; },
       .reference = order_of_rows,
       .large = {301, 130}},
      {.name = "columns in order",
       .source = "kernel order(x: T[R, C]) -> (y: T[R, C]) {\n  let at = argsort(x[R, C], R)\n"
                 "  y[R, C] = x[at, C]\n}",
       .kernel = "order",
       .sizes = kLines,
       .inputs = one_matrix,
       .reference =
           [](const Sizes& n, const Values& values) {
             std::vector<double> y = values_of(values, "x");
             const auto rows = static_cast<std::size_t>(n[0]), columns = static_cast<std::size_t>(n[1]);
             for (std::size_t c = 0; c < columns; ++c) {
               std::vector<double> column;
               for (std::size_t r = 0; r < rows; ++r) column.push_back(y[r * columns + c]);
               std::ranges::sort(column);
               for (std::size_t r = 0; r < rows; ++r) y[r * columns + c] = column[r];
             }
             return y;
           },
       .large = {130, 30}},
      {.name = "embedding",
       .source = "kernel embed(t: T[V, D], id: i32[S]) -> (y: T[S, D]) { parallel s in S { y[s, D] = t[id[s], D] } }",
       .kernel = "embed",
       .sizes = {{0, 2, 3}, {1, 1, 1}, {5, 4, 17}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{{"t", draw.floats({n[1], n[2]})}, {"id", draw.integers({n[0]}, 0, n[1])}};
           },
       .reference =
           [](const Sizes& n, const Values& values) {
             std::vector<double> y;
             for (const double id : values_of(values, "id")) {
               for (std::int64_t d = 0; d < n[2]; ++d) {
                 y.push_back(
                     values_of(values, "t")[static_cast<std::size_t>(static_cast<std::int64_t>(id) * n[2] + d)]);
               }
             }
             return y;
           }},
  };
  return cases;
}

}  // namespace aurex::testing
