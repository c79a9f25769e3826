#pragma once

// Which parallel blocks are contractions: every statement stores element-wise values of sums of products, each product
// splitting into factors that vary with the rows and factors that vary with the columns.
//
//   parallel m in M, n in N { c[m, n] = gelu(sum(a[m, K] * b[K, n], K) + bias[n]) }      row m, column n, one product

#include <optional>
#include <span>
#include <vector>

#include "aurex/schedule/kernel_context.h"

namespace aurex::schedule {

struct Contraction {
  struct Product {
    ax::ValueId reduce = kNone;      // the sum
    ax::AxisId over = kNone;         // its axis
    std::vector<ax::ValueId> left;   // factors without the column
    std::vector<ax::ValueId> right;  // factors without the row
    bool transposed = false;         // some right factor does not lie along the column
  };
  ax::AxisId row = kNone;     // walked in register blocks
  ax::AxisId column = kNone;  // carries the lanes
  std::vector<ax::AxisId> others;
  std::vector<Product> products;
};

/// Whether every load under the factors lies along `axis` or does not depend on it.
[[nodiscard]] bool lies_along(const KernelContext& kernel, std::span<const ax::ValueId> factors, ax::AxisId axis);

[[nodiscard]] std::optional<Contraction> match_contraction(const KernelContext& kernel, const ax::Parallel& block);

}  // namespace aurex::schedule
