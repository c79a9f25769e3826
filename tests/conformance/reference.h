#pragma once

// A reference for every kernel of the library: its results in 80-bit arithmetic, each with the error that it may have.
//
// The error follows from what the kernel computes: a function's promise in units in the last place, n u times the sum
// of the absolute terms for a sum of n, u being half the distance of 1 and the next number of the type it is computed
// in. What rounding to the storage type adds is added where results are compared.

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aurex/ax/test_call.h"
#include "case.h"

namespace aurex::testing {

using Real = long double;

struct Expected {
  Real value = 0;
  Real error = 0;
};
using Results = std::map<std::string, std::vector<Expected>>;

struct Reference {
  std::string file;    ///< of src/aurex/ops
  std::string kernel;  ///< perhaps with a variant behind a space: "attention causal"
  std::vector<DType> types;
  std::function<ax::testing::Values(Numbers&, DType)> inputs;
  /// Every result by name, row-major; `u` is the unit of what the arguments are computed in.
  std::function<Results(const ax::testing::Values&, Real u)> results;
  std::function<std::vector<ax::testing::HostArray>(DType)> out = nullptr;  ///< results passed by `out=`
};

inline const std::vector<DType> kFloats = {DType::kF32, DType::kF64, DType::kBF16, DType::kF16};
inline const std::vector<DType> kIntegers = {DType::kI32, DType::kI64};

/// The numbers of an argument.
[[nodiscard]] inline const std::vector<double>& in(const ax::testing::Values& values, const std::string& name) {
  return values_of(values, name);
}

using Row = std::vector<Real>;
/// Row r of a row-major array with `columns` columns.
[[nodiscard]] inline Row row_of(const std::vector<double>& all, std::size_t r, std::size_t columns) {
  return {all.begin() + static_cast<std::ptrdiff_t>(r * columns),
          all.begin() + static_cast<std::ptrdiff_t>((r + 1) * columns)};
}
/// All numbers of an argument as one row.
[[nodiscard]] inline Row list(const ax::testing::Values& values, const std::string& name) {
  return {in(values, name).begin(), in(values, name).end()};
}

/// Σ terms, with the error of adding them in any order, each having `each` of its own relative to its size.
class Sum {
 public:
  explicit Sum(Real u) : u_(u) {}
  void add(Real term, Real own_error = 0) {
    sum_ += term;
    size_ += term < 0 ? -term : term;
    own_ += own_error;
    ++count_;
  }
  [[nodiscard]] Real value() const { return sum_; }
  [[nodiscard]] Real size() const { return size_; }
  [[nodiscard]] Real error() const { return (count_ + 1) * u_ * size_ + own_; }
  [[nodiscard]] Expected expected() const { return {value(), error()}; }

 private:
  Real u_, sum_ = 0, size_ = 0, own_ = 0;
  int count_ = 0;
};

[[nodiscard]] std::vector<Reference> elementwise_references();
[[nodiscard]] std::vector<Reference> integer_references();
[[nodiscard]] std::vector<Reference> row_references();
[[nodiscard]] std::vector<Reference> contraction_references();
[[nodiscard]] std::vector<Reference> optimizer_references();
[[nodiscard]] std::vector<Reference> scan_references();
[[nodiscard]] std::vector<Reference> image_references();
[[nodiscard]] std::vector<Reference> loss_references();
[[nodiscard]] std::vector<Reference> backward_references();
[[nodiscard]] std::vector<Reference> spiking_references();

}  // namespace aurex::testing
