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

/// Sums of products over several axes, whose right operand need not lie anywhere: it is made as it is copied.
///
///   y[n, o, i, j] = sum(patch * w[o, I, p, q], I, p, q)      row o, columns n i j, sums over p q I
struct ImplicitContraction {
  ax::AxisId row = kNone;           // walked in register blocks
  std::vector<ax::AxisId> columns;  // counted as one, row-major; the last carries the lanes
  std::vector<ax::AxisId> over;     // the last is walked innermost, and in chunks
  std::vector<ax::AxisId> others;   // both operands vary with them
  struct Product {
    ax::ValueId reduce = kNone;
    std::vector<ax::ValueId> left, right;  // factors without, with the columns
  };
  std::vector<Product> products;
};

/// Of the axes of a sum the one to be walked innermost: the last that no computed index reads, else the last.
[[nodiscard]] ax::AxisId innermost(const ax::TileProgram& program, ax::AxisSet over);

/// The factors of a product, in the order written.
[[nodiscard]] std::vector<ax::ValueId> factors_of(const ax::TileProgram& program, ax::ValueId product);

/// Whether every load under the factors lies along `axis` or does not depend on it.
[[nodiscard]] bool lies_along(const KernelContext& kernel, std::span<const ax::ValueId> factors, ax::AxisId axis);

[[nodiscard]] std::optional<Contraction> match_contraction(const KernelContext& kernel, const ax::Parallel& block);

/// A block that match_contraction refuses for its several reduced axes.
[[nodiscard]] std::optional<ImplicitContraction> match_implicit(const KernelContext& kernel, const ax::Parallel& block);

}  // namespace aurex::schedule
