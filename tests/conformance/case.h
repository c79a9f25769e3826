#pragma once

// One declarative case per kernel: where its source is, what to call it with, what has to come out.
//
// Every case runs at each of its sizes, dense and transposed, with gaps and backwards, against a forbidden page behind
// and before; with drawn numbers against the reference, and once more with NaN, infinities, signed zeros and subnormals
// among them, where the executors only have to agree. Adding a kernel is one entry in a cases_*.cpp.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aurex/ax/test_call.h"

namespace aurex::testing {

using Sizes = std::vector<std::int64_t>;

/// Draws arguments; with `special`, some floats are not ordinary ones: NaN, infinities, zeros, the smallest, the
/// largest.
class Numbers {
 public:
  Numbers(std::uint64_t seed, bool special) : seed_(seed), special_(special) {}
  /// In [-2, 2).
  ax::testing::HostArray floats(const Dims& shape, DType dtype = DType::kF32);
  /// In [low, high).
  ax::testing::HostArray integers(const Dims& shape, std::int64_t low, std::int64_t high, DType dtype = DType::kI32);

 private:
  double uniform();
  std::uint64_t seed_;
  bool special_;
  std::uint64_t next_ = 0;
};

struct Case {
  std::string name;
  std::string source;  // AX text
  std::string kernel;
  std::vector<Sizes> sizes;
  std::function<ax::testing::Values(const Sizes&, Numbers&)> inputs;
  /// The first result in f64, row-major; where there is none, the executors only have to agree.
  std::function<std::vector<double>(const Sizes&, const ax::testing::Values&)> reference = nullptr;
  /// |result - reference| ≤ tolerance · (1 + |reference|).
  double tolerance = 0;
  /// Sizes of many tiles, too large to run in every layout; empty: the last of `sizes`.
  Sizes large = {};
  /// What NotImplemented says where the kernel cannot be compiled yet; a case that says nothing has to compile.
  std::string missing = {};
  /// Of dimensions that no argument carries.
  std::function<std::vector<ax::NamedExtent>(const Sizes&)> extents = nullptr;
};

[[nodiscard]] inline const std::vector<double>& values_of(const ax::testing::Values& values, const std::string& name) {
  return std::get<ax::testing::HostArray>(values.at(name)).values;
}

/// Empty where the case holds; else what went wrong and where.
[[nodiscard]] std::string check(const Case& test);
/// At the large sizes: code agrees with the interpreter, and with itself under every circumstance.
[[nodiscard]] std::string check_large(const Case& test);

[[nodiscard]] const std::vector<Case>& elementwise_cases();
[[nodiscard]] const std::vector<Case>& row_cases();
[[nodiscard]] const std::vector<Case>& contraction_cases();
/// Kernels of the library in ragged sizes; their values are held by the references, see reference.h.
[[nodiscard]] const std::vector<Case>& library_cases();

}  // namespace aurex::testing
