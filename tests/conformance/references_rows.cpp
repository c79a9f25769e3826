// Kernels over rows: reductions, normalisations, softmax and the loss, moving data, rotary positions.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "reference.h"
#include "reference_rows.h"

namespace aurex::testing {

Sum sum_of(const Row& row, Real u) {
  Sum sum(u);
  for (const Real x : row) sum.add(x);
  return sum;
}

Real largest(const Row& row) {
  Real top = 0;
  for (const Real x : row) top = std::max(top, std::fabs(x));
  return top;
}

Centred centred(const Row& row, Real u) {
  const auto n = static_cast<Real>(row.size());
  const Sum sum = sum_of(row, u);
  Centred result;
  for (const Real x : row) result.d.push_back(x - sum.value() / n);
  result.error = sum.error() / n + 4 * u * largest(row);
  return result;
}

Expected squares(const Centred& centred, Real u) {
  Sum sum(u);
  for (const Real d : centred.d) sum.add(d * d, 2 * centred.error * std::fabs(d) + u * d * d);
  return sum.expected();
}

void normalised(const Row& x, const Row& w, const Row& b, Real eps, Real u, Real own, std::vector<Expected>& y) {
  Centred d = centred(x, u);
  d.error += own;
  const Expected sum = squares(d, u);
  const auto n = static_cast<Real>(x.size());
  const Real power = sum.value / n + eps;
  const Real relative = sum.error / n / power / 2 + 8 * u;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const Real scaled = d.d[c] / std::sqrt(power) * w[c];
    const Real error = std::fabs(w[c]) * d.error / std::sqrt(power) + std::fabs(scaled) * relative;
    y.push_back({scaled + b[c], 1.01L * error + 2 * u * (std::fabs(scaled) + std::fabs(b[c]))});
  }
}

namespace {

using ax::testing::HostArray;
using ax::testing::Values;

constexpr std::int64_t kRows = 3, kColumns = 37;

/// A kernel of one matrix x: what it makes of a row.
Reference rows(const char* file, const char* kernel, std::vector<DType> types,
               const std::function<void(const Row&, Real u, std::vector<Expected>& y)>& value) {
  return {.file = file,
          .kernel = kernel,
          .types = std::move(types),
          .inputs =
              [](Numbers& draw, DType type) {
                const Dims shape = {kRows, kColumns};
                return Values{{"x", is_floating_point(type) ? draw.floats(shape, type)
                                                            : draw.integers(shape, type == DType::kBool ? 0 : -9,
                                                                            type == DType::kBool ? 2 : 10, type)}};
              },
          .results =
              [value](const Values& values, Real u) {
                Results results;
                for (std::size_t r = 0; r < kRows; ++r) {
                  value(row_of(in(values, "x"), r, kColumns), u, results["y"]);
                }
                return results;
              }};
}

std::size_t place(const Row& row, bool of_largest) {
  const auto at = of_largest ? std::max_element(row.begin(), row.end()) : std::min_element(row.begin(), row.end());
  return static_cast<std::size_t>(at - row.begin());
}

std::vector<Reference> reductions() {
  constexpr const char* kFile = "reductions.ax";
  const std::vector<DType> some = {DType::kI32, DType::kI8, DType::kI64}, truth = {DType::kBool};
  using Out = std::vector<Expected>;
  const auto exact = [](auto value) { return Expected{static_cast<Real>(value), 0}; };
  std::vector<Reference> all;
  const auto add = [&](const char* kernel, const std::vector<DType>& types, auto f) {
    all.push_back(rows(kFile, kernel, types, f));
  };
  add("sum", kFloats, [](const Row& x, Real u, Out& y) { y.push_back(sum_of(x, u).expected()); });
  add("mean", kFloats, [](const Row& x, Real u, Out& y) {
    const Sum sum = sum_of(x, u);
    const auto n = static_cast<Real>(x.size());
    y.push_back({sum.value() / n, sum.error() / n + u * std::fabs(sum.value() / n)});
  });
  add("prod", kFloats, [](const Row& x, Real u, Out& y) {
    Real product = 1;
    for (const Real v : x) product *= v;
    y.push_back({product, static_cast<Real>(x.size()) * u * std::fabs(product)});
  });
  add("max", kFloats, [=](const Row& x, Real, Out& y) { y.push_back(exact(*std::ranges::max_element(x))); });
  add("min", kFloats, [=](const Row& x, Real, Out& y) { y.push_back(exact(*std::ranges::min_element(x))); });
  add("max of_integers", kIntegers,
      [=](const Row& x, Real, Out& y) { y.push_back(exact(*std::ranges::max_element(x))); });
  add("argmax", kFloats, [=](const Row& x, Real, Out& y) { y.push_back(exact(place(x, true))); });
  add("argmin", kFloats, [=](const Row& x, Real, Out& y) { y.push_back(exact(place(x, false))); });
  add("argmax of_integers", kIntegers, [=](const Row& x, Real, Out& y) { y.push_back(exact(place(x, true))); });
  add("sum_integers", some, [](const Row& x, Real, Out& y) { y.push_back(sum_of(x, 0).expected()); });
  add("prod_integers", some, [=](const Row& x, Real, Out& y) {
    std::uint64_t product = 1;  // wraps as the kernel does
    for (const Real v : x) product *= static_cast<std::uint64_t>(static_cast<std::int64_t>(v));
    y.push_back(exact(static_cast<std::int64_t>(product)));
  });
  add("mean_integers", some, [](const Row& x, Real, Out& y) {
    const Real mean = sum_of(x, 0).value() / static_cast<Real>(x.size());
    y.push_back({mean, 0x1p-50L * (1 + std::fabs(mean))});
  });
  const auto nonzero = [](const Row& x) { return std::ranges::count_if(x, [](Real v) { return v != 0; }); };
  const auto count = [=](const Row& x, Real, Out& y) { y.push_back(exact(nonzero(x))); };
  const auto any = [=](const Row& x, Real, Out& y) { y.push_back(exact(nonzero(x) > 0)); };
  const auto every = [=](const Row& x, Real, Out& y) { y.push_back(exact(nonzero(x) == std::ssize(x))); };
  add("count", truth, count);
  add("any", truth, any);
  add("all", truth, every);
  add("count_nonzero", some, count);
  add("any_nonzero", some, any);
  add("all_nonzero", some, every);
  add("variance", kFloats, [](const Row& x, Real u, Out& y) {
    const Expected sum = squares(centred(x, u), u);
    const auto n = static_cast<Real>(x.size());
    y.push_back({sum.value / n, sum.error / n + 2 * u * sum.value / n});
  });
  add("std", kFloats, [](const Row& x, Real u, Out& y) {
    const Expected sum = squares(centred(x, u), u);
    const auto n = static_cast<Real>(x.size());
    const Real root = std::sqrt(sum.value / n);
    y.push_back({root, sum.error / n / root + 3 * u * root});
  });
  add("norm", kFloats, [](const Row& x, Real u, Out& y) {
    Sum sum(u);
    for (const Real v : x) sum.add(v * v, u * v * v);
    const Real root = std::sqrt(sum.value());
    y.push_back({root, sum.error() / root + 2 * u * root});
  });
  add("logsumexp", kFloats, [](const Row& x, Real u, Out& y) {
    const Real top = *std::ranges::max_element(x);
    Sum sum(u);
    for (const Real v : x) sum.add(std::exp(v - top), (4 + top - v) * u * std::exp(v - top));
    const Real log = std::log(sum.value());
    y.push_back({top + log, sum.error() / sum.value() + 4 * u * std::fabs(log) + u * std::fabs(top + log)});
  });
  return all;
}

std::vector<Reference> softmaxes() {
  using Out = std::vector<Expected>;
  std::vector<Reference> all;
  all.push_back(rows("softmax.ax", "softmax", kFloats, [](const Row& x, Real u, Out& y) {
    const Real top = *std::ranges::max_element(x);
    Real sum = 0;
    for (const Real v : x) sum += std::exp(v - top);
    for (const Real v : x) {
      const Real value = std::exp(v - top) / sum;
      y.push_back({value, (static_cast<Real>(x.size()) + 2 * (top - v) + 16) * u * value});
    }
  }));
  all.push_back(rows("softmax.ax", "log_softmax", kFloats, [](const Row& x, Real u, Out& y) {
    const Real top = *std::ranges::max_element(x);
    Real sum = 0;
    for (const Real v : x) sum += std::exp(v - top);
    for (const Real v : x) {
      const Real value = v - top - std::log(sum);
      y.push_back({value, (static_cast<Real>(x.size()) + 12 + 4 * std::log(sum) + 3 * (top - v)) * u});
    }
  }));
  return all;
}

std::vector<Reference> normalisations() {
  constexpr const char* kFile = "normalization.ax";
  std::vector<Reference> all;
  const auto weighted = [](Numbers& draw, DType type) {
    return Values{{"x", draw.floats({kRows, kColumns}, type)},
                  {"w", draw.floats({kColumns}, type)},
                  {"b", draw.floats({kColumns}, type)}};
  };
  all.push_back({.file = kFile,
                 .kernel = "layer_norm",
                 .types = kFloats,
                 .inputs = weighted,
                 .results = [](const Values& v, Real u) {
                   Results results;
                   for (std::size_t r = 0; r < kRows; ++r) {
                     normalised(row_of(in(v, "x"), r, kColumns), list(v, "w"), list(v, "b"), 1e-5L, u, 0, results["y"]);
                   }
                   return results;
                 }});
  all.push_back({.file = kFile,
                 .kernel = "add_layer_norm",
                 .types = kFloats,
                 .inputs =
                     [weighted](Numbers& draw, DType type) {
                       Values values = weighted(draw, type);
                       values["residual"] = draw.floats({kRows, kColumns}, type);
                       return values;
                     },
                 .results =
                     [](const Values& v, Real u) {
                       Results results;
                       for (std::size_t r = 0; r < kRows; ++r) {
                         Row z = row_of(in(v, "x"), r, kColumns);
                         const Row residual = row_of(in(v, "residual"), r, kColumns);
                         for (std::size_t c = 0; c < z.size(); ++c) {
                           z[c] += residual[c];
                           results["s"].push_back({z[c], u * std::fabs(z[c])});
                         }
                         normalised(z, list(v, "w"), list(v, "b"), 1e-5L, u, 2 * u * largest(z), results["y"]);
                       }
                       return results;
                     }});
  all.push_back({.file = kFile,
                 .kernel = "rms_norm",
                 .types = kFloats,
                 .inputs =
                     [](Numbers& draw, DType type) {
                       return Values{{"x", draw.floats({kRows, kColumns}, type)}, {"w", draw.floats({kColumns}, type)}};
                     },
                 .results =
                     [](const Values& v, Real u) {
                       Results results;
                       for (std::size_t r = 0; r < kRows; ++r) {
                         const Row x = row_of(in(v, "x"), r, kColumns), w = list(v, "w");
                         Real squares = 0;
                         for (const Real value : x) squares += value * value;
                         for (std::size_t c = 0; c < x.size(); ++c) {
                           const Real y = x[c] * w[c] / std::sqrt(squares / kColumns + 1e-6L);
                           results["y"].push_back({y, (kColumns * Real{0.5} + 12) * u * std::fabs(y)});
                         }
                       }
                       return results;
                     }});
  all.push_back(rows(kFile, "l2_normalize", kFloats, [](const Row& x, Real u, std::vector<Expected>& y) {
    Real squares = 0;
    for (const Real v : x) squares += v * v;
    for (const Real v : x) {
      const Real value = v / std::sqrt(squares);
      y.push_back({value, (static_cast<Real>(kColumns) / 2 + 8) * u * std::fabs(value)});
    }
  }));
  return all;
}

Reference cross_entropy(const char* kernel, Real smoothing) {
  return {.file = "cross_entropy.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [smoothing](Numbers& draw, DType type) {
                HostArray target = draw.integers({kRows}, 0, kColumns);
                target.values[1] = -100;
                Values values = {{"x", draw.floats({kRows, kColumns}, type)}, {"target", std::move(target)}};
                if (smoothing > 0) values["smoothing"] = static_cast<double>(smoothing);
                return values;
              },
          .results =
              [smoothing](const Values& v, Real u) {
                Results results;
                for (std::size_t r = 0; r < kRows; ++r) {
                  const auto target = static_cast<std::int64_t>(in(v, "target")[r]);
                  const Row x = row_of(in(v, "x"), r, kColumns);
                  const Real top = *std::ranges::max_element(x);
                  Real sum = 0;
                  for (const Real value : x) sum += std::exp(value - top);
                  const Real even = sum_of(x, u).value() / kColumns;
                  const Real picked = target < 0 ? 0 : x[static_cast<std::size_t>(target)];
                  const Real loss = top + std::log(sum) - ((1 - smoothing) * picked + smoothing * even);
                  const Real error = (kColumns + 24 + 6 * std::log(sum) + 6 * largest(x)) * u;
                  results["loss"].push_back(target == -100 ? Expected{} : Expected{loss, error});
                }
                return results;
              }};
}

/// Elements that only move, to the place that `from` gives for each element of the result.
Reference moved(const char* file, const char* kernel, std::vector<DType> types,
                std::function<Values(Numbers&, DType)> inputs, const char* source, std::size_t count,
                std::function<std::size_t(const Values&, std::size_t)> from) {
  return {.file = file,
          .kernel = kernel,
          .types = std::move(types),
          .inputs = std::move(inputs),
          .results = [source = std::string(source), count, from = std::move(from)](const Values& values, Real) {
            Results results;
            for (std::size_t i = 0; i < count; ++i) {
              results["y"].push_back({static_cast<Real>(in(values, source)[from(values, i)]), 0});
            }
            return results;
          }};
}

const std::vector<DType> kStored = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16,
                                    DType::kI32, DType::kI8,  DType::kI64,  DType::kU8};

HostArray any_numbers(Numbers& draw, const Dims& shape, DType type) {
  return is_floating_point(type) ? draw.floats(shape, type) : draw.integers(shape, 0, 100, type);
}

std::vector<Reference> movements() {
  std::vector<Reference> all;
  all.push_back(moved(
      "movement.ax", "transpose", kStored,
      [](Numbers& draw, DType type) { return Values{{"x", any_numbers(draw, {2, 9, 17}, type)}}; }, "x", 2 * 17 * 9,
      [](const Values&, std::size_t i) { return i / 153 * 153 + i % 9 * 17 + i % 153 / 9; }));
  all.push_back(moved(
      "movement.ax", "take", kStored,
      [](Numbers& draw, DType type) {
        return Values{{"x", any_numbers(draw, {3, 11}, type)}, {"at", draw.integers({20}, 0, 11)}};
      },
      "x", 60,
      [](const Values& v, std::size_t i) { return i / 20 * 11 + static_cast<std::size_t>(in(v, "at")[i % 20]); }));
  all.push_back(moved(
      "embedding.ax", "embedding", kStored,
      [](Numbers& draw, DType type) {
        return Values{{"table", any_numbers(draw, {7, 19}, type)}, {"ids", draw.integers({2, 3}, 0, 7)}};
      },
      "table", 2 * 3 * 19,
      [](const Values& v, std::size_t i) { return static_cast<std::size_t>(in(v, "ids")[i / 19]) * 19 + i % 19; }));
  for (const DType to : {DType::kF64, DType::kBF16, DType::kF16, DType::kI8}) {
    Reference copy = moved(
        "movement.ax", "copy", {DType::kF32, DType::kF16, DType::kI32},
        [](Numbers& draw, DType type) {
          return Values{
              {"x", is_floating_point(type) ? draw.floats({4, 33}, type) : draw.integers({4, 33}, -1000, 1000, type)}};
        },
        "x", 4 * 33, [](const Values&, std::size_t i) { return i; });
    copy.kernel += " to_" + std::string(to_string(to));
    copy.out = [to](DType) {
      return std::vector<HostArray>{{.dtype = to, .shape = {4, 33}, .values = std::vector<double>(4 * 33, 77)}};
    };
    all.push_back(std::move(copy));
  }
  all.push_back(
      {.file = "movement.ax",
       .kernel = "fill",
       .types = kStored,
       .inputs = [](Numbers&, DType) { return Values{{"value", 2.6}}; },
       .results = [](const Values&, Real u) { return Results{{"y", std::vector<Expected>(66, {2.6L, 2.6L * u})}}; },
       .out =
           [](DType type) {
             return std::vector<HostArray>{{.dtype = type, .shape = {2, 33}, .values = std::vector<double>(66, 77)}};
           }});
  return all;
}

/// Rotary positions; sizes: 2 leading rows, 5 positions, 6 pairs.
Reference rope(const char* kernel, bool adjacent, bool given) {
  constexpr std::size_t kPositions = 5, kPairs = 6;
  return {.file = "rope.ax",
          .kernel = kernel,
          .types = kFloats,
          .inputs =
              [given](Numbers& draw, DType type) {
                Values values = {{"x", draw.floats({2, kPositions, 2 * kPairs}, type)}};
                if (given) {
                  values["at"] = draw.integers({kPositions}, 0, 400);
                } else {
                  values["offset"] = std::int64_t{300};
                }
                return values;
              },
          .results =
              [adjacent, given](const Values& v, Real u) {
                const auto& x = in(v, "x");
                std::vector<Expected> y(x.size());
                for (std::size_t row = 0; row < 2 * kPositions; ++row) {
                  const std::size_t s = row % kPositions;
                  const Real position = given ? in(v, "at")[s] : 300 + static_cast<Real>(s);
                  for (std::size_t p = 0; p < kPairs; ++p) {
                    const Real power = std::pow(10000.0L, -static_cast<Real>(p) / kPairs);
                    const Real angle = position * power;
                    const std::size_t a = row * 2 * kPairs + (adjacent ? 2 * p : p), b = a + (adjacent ? 1 : kPairs);
                    const Real cos = std::cos(angle), sin = std::sin(angle);
                    // The exponent's two roundings count ln(10000) fold in the power; angles are in f32 for every x.
                    const Real error = (angle * 26 * 0x1p-24L + 8 * u) * (std::fabs(x[a]) + std::fabs(x[b]));
                    y[a] = {x[a] * cos - x[b] * sin, error};
                    y[b] = {x[b] * cos + x[a] * sin, error};
                  }
                }
                return Results{{"y", std::move(y)}};
              }};
}

}  // namespace

std::vector<Reference> row_references() {
  std::vector<Reference> all = reductions();
  const auto append = [&](std::vector<Reference> some) {
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  };
  append(softmaxes());
  append(normalisations());
  append(movements());
  append({cross_entropy("cross_entropy", 0), cross_entropy("cross_entropy smoothed", 0.1L)});
  append({rope("rope", false, false), rope("rope_adjacent", true, false), rope("rope_at", false, true),
          rope("rope_adjacent_at", true, true)});
  return all;
}

}  // namespace aurex::testing
