#include <cmath>
#include <cstddef>

#include "case.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;

std::size_t at(std::int64_t row, std::int64_t columns, std::int64_t column) {
  return static_cast<std::size_t>(row * columns + column);
}

/// sizes: S, L, D. Row s sees keys [0, L - S + s].
std::vector<double> causal_attention(const Sizes& n, const Values& values) {
  const std::int64_t rows = n[0], keys = n[1], depth = n[2];
  const auto &q = values_of(values, "q"), &k = values_of(values, "k"), &v = values_of(values, "v");
  std::vector<double> out;
  for (std::int64_t s = 0; s < rows; ++s) {
    std::vector<double> acc(static_cast<std::size_t>(depth));
    double norm = 0;
    for (std::int64_t t = 0; t < keys - rows + s + 1 && t < keys; ++t) {
      double z = 0;
      for (std::int64_t d = 0; d < depth; ++d) z += q[at(s, depth, d)] * k[at(t, depth, d)];
      const double p = std::exp(z);
      norm += p;
      for (std::int64_t d = 0; d < depth; ++d) acc[static_cast<std::size_t>(d)] += p * v[at(t, depth, d)];
    }
    for (const double sum : acc) out.push_back(norm > 0 ? sum / norm : 0);
  }
  return out;
}

}  // namespace

const std::vector<Case>& contraction_cases() {
  static const std::vector<Case> cases = {
      {.name = "matmul",
       .source = "kernel matmul(a: T[M, K], b: T[K, N]) -> (c: T[M, N]) {\n"
                 "  parallel m in M, n in N { c[m, n] = sum(a[m, K] * b[K, n], K) }\n}",
       .kernel = "matmul",
       .sizes = {{0, 3, 2}, {2, 0, 3}, {1, 1, 1}, {3, 5, 7}, {9, 17, 8}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{{"a", draw.floats({n[0], n[1]})}, {"b", draw.floats({n[1], n[2]})}};
           },
       .reference =
           [](const Sizes& n, const Values& values) {
             std::vector<double> c;
             for (std::int64_t i = 0; i < n[0]; ++i) {
               for (std::int64_t j = 0; j < n[2]; ++j) {
                 double sum = 0;
                 for (std::int64_t k = 0; k < n[1]; ++k) {
                   sum += values_of(values, "a")[at(i, n[1], k)] * values_of(values, "b")[at(k, n[2], j)];
                 }
                 c.push_back(sum);
               }
             }
             return c;
           },
       .tolerance = 1e-5,
       .large = {70, 50, 90}},
      {.name = "causal attention, online",
       .source = "kernel attention(q: T[S, D], k: T[L, D], v: T[L, D]) -> (o: T[S, D]) {\n  parallel s in S {\n"
                 "    var top[s] = -inf;  var norm[s] = 0.0;  var acc[s, D] = 0.0\n"
                 "    for t in L until L - S + s + 1 {\n"
                 "      let z = sum(q[s, D] * k[t, D], D)\n      let new = maximum(top, max(z, t))\n"
                 "      let p = exp(z - new)\n      let keep = exp(top - new)\n"
                 "      norm = norm * keep + sum(p, t)\n      acc = acc * keep + sum(p * v[t, D], t)\n      top = new\n"
                 "    }\n    o[s, D] = norm > 0 ? acc / norm : 0\n  }\n}",
       .kernel = "attention",
       .sizes = {{1, 1, 1}, {4, 4, 3}, {3, 7, 5}, {5, 3, 2}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{
                 {"q", draw.floats({n[0], n[2]})}, {"k", draw.floats({n[1], n[2]})}, {"v", draw.floats({n[1], n[2]})}};
           },
       .reference = causal_attention,
       .tolerance = 1e-5},
      {.name = "attention, short form",
       .source = "kernel attention(q: T[S, D], k: T[L, D], v: T[L, D]) -> (o: T[S, D]) {\n  parallel s in S {\n"
                 "    let t in L\n    let z = sum(q[s, D] * k[t, D], D)\n    let e = exp(z - max(z, t))\n"
                 "    o[s, D] = sum(e * v[t, D], t) / sum(e, t)\n  }\n}",
       .kernel = "attention",
       .sizes = {{1, 1, 1}, {4, 6, 3}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{
                 {"q", draw.floats({n[0], n[2]})}, {"k", draw.floats({n[1], n[2]})}, {"v", draw.floats({n[1], n[2]})}};
           },
       .reference =
           [](const Sizes& n, const Values& values) {
             std::vector<double> out;
             for (std::int64_t s = 0; s < n[0]; ++s) {
               // One row of many keys is the last row of a causal square.
               Values row = values;
               auto& q = std::get<ax::testing::HostArray>(row.at("q"));
               q.values.erase(q.values.begin(), q.values.begin() + static_cast<std::ptrdiff_t>(s * n[2]));
               for (const double value : causal_attention({1, n[1], n[2]}, row)) out.push_back(value);
             }
             return out;
           },
       .tolerance = 1e-5},
  };
  return cases;
}

}  // namespace aurex::testing
