// Scans, sorting and the first elements in order, sums and counts by number.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>

#include "reference.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Values;

constexpr std::int64_t kRows = 3, kColumns = 37;
const std::vector<DType> kNumbers = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16,
                                     DType::kI32, DType::kI8,  DType::kI64};

HostArray any_numbers(Numbers& draw, const Dims& shape, DType type) {
  return is_floating_point(type) ? draw.floats(shape, type) : draw.integers(shape, -9, 10, type);
}

Expected exact(auto value) { return {static_cast<Real>(value), 0}; }

/// A kernel of one matrix x, and what it makes of a row.
Reference matrix(const char* file, const char* kernel, std::vector<DType> types, const Values& scalars,
                 const std::function<void(const Row&, Real u, Results&)>& value) {
  return {.file = file,
          .kernel = kernel,
          .types = std::move(types),
          .inputs =
              [scalars](Numbers& draw, DType type) {
                Values values = scalars;
                values["x"] = any_numbers(draw, {kRows, kColumns}, type);
                return values;
              },
          .results =
              [value](const Values& values, Real u) {
                Results results;
                for (std::size_t r = 0; r < kRows; ++r) value(row_of(in(values, "x"), r, kColumns), u, results);
                return results;
              }};
}

void running_sum(const Row& x, Real u, bool exclusive, std::vector<Expected>& y) {
  Sum sum(u);
  for (const Real v : x) {
    if (exclusive) y.push_back(sum.expected());
    sum.add(v);
    if (!exclusive) y.push_back(sum.expected());
  }
}

void running_product(const Row& x, Real u, bool exclusive, std::vector<Expected>& y) {
  Real product = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real with = product * x[i];
    const Real value = exclusive ? product : with;
    y.push_back({value, static_cast<Real>(i + 1) * u * std::fabs(value)});
    product = with;
  }
}

/// The product of integers, wrapping as the kernel does.
void running_product_of_integers(const Row& x, bool exclusive, std::vector<Expected>& y) {
  std::uint64_t product = 1;
  for (const Real v : x) {
    const std::uint64_t with = product * static_cast<std::uint64_t>(static_cast<std::int64_t>(v));
    y.push_back(exact(static_cast<std::int64_t>(exclusive ? product : with)));
    product = with;
  }
}

void running_extreme(const Row& x, bool largest, bool backwards, Results& results) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (largest ? x[i] >= x[at] : x[i] <= x[at]) at = i;
    results["values"].push_back(exact(x[at]));
    results["indices"].push_back(exact(backwards ? x.size() - 1 - at : at));
  }
}

void first_in_order(const Row& x, std::size_t k, bool largest, Results& results) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return x[a] == x[b] ? a < b : largest ? x[a] > x[b] : x[a] < x[b];
  });
  for (std::size_t i = 0; i < k; ++i) {
    results["values"].push_back(exact(x[order[i]]));
    results["indices"].push_back(exact(order[i]));
  }
}

std::vector<Reference> scans() {
  constexpr const char* kFile = "scans.ax";
  const std::vector<DType> integers = {DType::kI32, DType::kI8, DType::kI64};
  std::vector<Reference> all;
  for (const bool exclusive : {false, true}) {
    const auto name = [&](const std::string& kernel) { return exclusive ? kernel + " exclusive" : kernel; };
    const Values options = exclusive ? Values{{"exclusive", true}} : Values{};
    const auto add = [&](const std::string& kernel, const std::vector<DType>& types, auto value) {
      all.push_back(matrix(kFile, name(kernel).c_str(), types, options, value));
    };
    add("cumsum", kFloats, [=](const Row& x, Real u, Results& y) { running_sum(x, u, exclusive, y["y"]); });
    add("cumprod", kFloats, [=](const Row& x, Real u, Results& y) { running_product(x, u, exclusive, y["y"]); });
    add("cumsum_integers", integers, [=](const Row& x, Real, Results& y) { running_sum(x, 0, exclusive, y["y"]); });
    add("cumprod_integers", integers,
        [=](const Row& x, Real, Results& y) { running_product_of_integers(x, exclusive, y["y"]); });
  }
  for (const bool backwards : {false, true}) {
    const Values options = backwards ? Values{{"backwards", true}} : Values{};
    for (const bool largest : {false, true}) {
      const std::string kernel = largest ? "cummax" : "cummin";
      all.push_back(matrix(kFile, (backwards ? kernel + " backwards" : kernel).c_str(), kNumbers, options,
                           [=](const Row& x, Real, Results& y) { running_extreme(x, largest, backwards, y); }));
    }
  }
  for (const bool largest : {false, true}) {
    const std::string kernel = largest ? "top_k" : "bottom_k";
    for (const std::string& name : {kernel, kernel + "_sorted"}) {
      all.push_back(matrix("top_k.ax", name.c_str(), kNumbers, {{"k", std::int64_t{9}}},
                           [=](const Row& x, Real, Results& y) { first_in_order(x, 9, largest, y); }));
    }
  }
  for (const bool places : {false, true}) {
    all.push_back(matrix("sort.ax", places ? "argsort" : "sort", kNumbers, {}, [=](const Row& x, Real, Results& y) {
      Results sorted;
      first_in_order(x, x.size(), false, sorted);
      std::ranges::copy(sorted[places ? "indices" : "values"], std::back_inserter(y["y"]));
    }));
  }
  return all;
}

/// Terms of 12 rows that go to one of 5 places each; row 4 has the number that is left out, if there is one.
struct Scatter {
  const char* kernel;
  const char *numbers, *rows, *result, *skip;  // names; null where the kernel has none
  std::int64_t columns;
};

Reference scatter(const Scatter& s) {
  static constexpr std::int64_t kTerms = 12, kPlaces = 5, kSkipped = 3;
  return {
      .file = "segments.ax",
      .kernel = s.kernel,
      .types = s.rows == nullptr ? std::vector<DType>{DType::kI32, DType::kI64, DType::kU8} : kFloats,
      .inputs =
          [s](Numbers& draw, DType type) {
            Values values = {{s.numbers, draw.integers({kTerms}, 0, kPlaces, s.rows == nullptr ? type : DType::kI32)}};
            const Dims shape = s.columns > 1 ? Dims{kTerms, s.columns} : Dims{kTerms};
            if (s.rows != nullptr) values[s.rows] = draw.floats(shape, type);
            if (s.skip != nullptr) values[s.skip] = kSkipped;
            return values;
          },
      .results =
          [s](const Values& v, Real u) {
            std::vector<Sum> sums(static_cast<std::size_t>(kPlaces * s.columns), Sum(u));
            for (std::size_t n = 0; n < kTerms; ++n) {
              const auto place = static_cast<std::int64_t>(in(v, s.numbers)[n]);
              if (s.skip != nullptr && place == kSkipped) continue;
              for (std::int64_t d = 0; d < s.columns; ++d) {
                const std::size_t from = n * static_cast<std::size_t>(s.columns) + static_cast<std::size_t>(d);
                sums[static_cast<std::size_t>(place * s.columns + d)].add(s.rows == nullptr ? 1 : in(v, s.rows)[from]);
              }
            }
            Results results;
            for (const Sum& sum : sums) {
              results[s.result].push_back(s.rows == nullptr ? exact(sum.value()) : sum.expected());
            }
            return results;
          },
      .out =
          [s](DType type) {
            const DType result = s.rows == nullptr ? DType::kI64 : type == DType::kF64 ? DType::kF64 : DType::kF32;
            const Dims shape = s.columns > 1 ? Dims{kPlaces, s.columns} : Dims{kPlaces};
            return std::vector<HostArray>{
                {.dtype = result,
                 .shape = shape,
                 .values = std::vector<double>(static_cast<std::size_t>(element_count(shape)), 77)}};
          }};
}

/// Uneven edges, one of them twice, values on edges and outside.
Reference histogram(bool weighted) {
  return {.file = "segments.ax",
          .kernel = weighted ? "histogram_weighted" : "histogram",
          .types = kFloats,
          .inputs =
              [weighted](Numbers& draw, DType type) {
                HostArray x = draw.floats({61}, type);
                for (std::size_t i = 0; i < 8; ++i)
                  x.values[i] = std::array{-1.5, -1.0, 0.25, 0.5, 1.0, 1.5, 9.0, -9.0}[i];
                Values values = {{"x", std::move(x)},
                                 {"edges", ax::testing::numbers({-1.5, -1.0, 0.25, 0.5, 0.5, 1.0, 1.5})}};
                if (weighted) values["weights"] = draw.floats({61}, type);
                return values;
              },
          .results =
              [weighted](const Values& v, Real u) {
                const auto& edges = in(v, "edges");
                std::vector<Sum> sums(edges.size() - 1, Sum(u));
                for (std::size_t n = 0; n < in(v, "x").size(); ++n) {
                  const double x = in(v, "x")[n];
                  if (x < edges.front() || x > edges.back()) continue;
                  const auto above = std::upper_bound(edges.begin(), edges.end(), x) - edges.begin();
                  const auto bin = std::min<std::size_t>(static_cast<std::size_t>(above) - 1, sums.size() - 1);
                  sums[bin].add(weighted ? in(v, "weights")[n] : 1);
                }
                Results results;
                for (const Sum& sum : sums) {
                  results[weighted ? "sums" : "counts"].push_back(weighted ? sum.expected() : exact(sum.value()));
                }
                return results;
              }};
}

}  // namespace

std::vector<Reference> scan_references() {
  std::vector<Reference> all = scans();
  all.push_back(scatter({"segment_sum", "ids", "x", "y", nullptr, 7}));
  all.push_back(scatter({"embedding_backward", "ids", "dy", "dtable", nullptr, 7}));
  all.push_back(scatter({"embedding_backward padded", "ids", "dy", "dtable", "ignore", 7}));
  all.push_back(scatter({"bincount", "x", nullptr, "counts", nullptr, 1}));
  all.push_back(scatter({"bincount_weighted", "x", "weights", "sums", nullptr, 1}));
  all.push_back(histogram(false));
  all.push_back(histogram(true));
  return all;
}

}  // namespace aurex::testing
