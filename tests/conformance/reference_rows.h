#pragma once

// What references of several files need to know about one row of numbers and its errors.

#include <vector>

#include "reference.h"

namespace aurex::testing {

[[nodiscard]] Sum sum_of(const Row& row, Real u);

/// The largest size of an element.
[[nodiscard]] Real largest(const Row& row);

/// The differences from the mean, and the error of each: that of the mean, and one rounding.
struct Centred {
  Row d;
  Real error = 0;
};
[[nodiscard]] Centred centred(const Row& row, Real u);

/// Σ d² and its error.
[[nodiscard]] Expected squares(const Centred& centred, Real u);

/// Appends d · rsqrt(mean d² + eps) · w + b of one row, whose elements may be off by `own`.
void normalised(const Row& x, const Row& w, const Row& b, Real eps, Real u, Real own, std::vector<Expected>& y);

}  // namespace aurex::testing
