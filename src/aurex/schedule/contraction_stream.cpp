// Contractions of few rows: the right operand is read once, as it lies, and each of its vectors meets all rows.
//
// A right operand that lies along the columns is read by lines, some of them at a time, while the sums of a tile's
// columns wait close to L1. One that lies along the reduced axis (weights [out, in]) is multiplied along it: a block of
// rows by some columns keeps a vector of partial sums for each result, and one fixed tree adds them up at the end.
//
// Either way the order of a result's sum depends on its own row and column alone, not on tiles. Rows past the end are
// multiplied like the last one, and stay in scratch.

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "aurex/schedule/block_lowering.h"
#include "aurex/schedule/contraction_match.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::Op;
using ax::ValueId;

namespace {

/// Columns per tile: of lines, whose sums stay close to L1; of dots, of which a tile takes as long as handing out a
/// hundred.
constexpr std::int64_t kLineColumns = 1024, kDotColumns = 48;
/// Lines of the right operand at a time: sums are fetched and put back once for so many.
constexpr std::int64_t kLines = 16;
/// From so many rows on the multiplications leave the processor's own prefetches behind; with fewer, ours cost 7 %.
constexpr std::int64_t kBusyRows = 4;
/// Elements ahead along the reduced axis.
constexpr std::int64_t kDotAhead = 128;

}  // namespace

bool BlockLowering::has_dots(const Contraction& contraction) const {
  bool across = false, along = true;
  for (const Contraction::Product& product : contraction.products) {
    across = across || product.transposed;
    along = along && lies_along(k_, product.left, product.over) && lies_along(k_, product.right, product.over);
  }
  return across && along;
}

bool BlockLowering::streams(const Contraction& contraction) const {
  return has_dots(contraction) || std::none_of(contraction.products.begin(), contraction.products.end(),
                                               [](const Contraction::Product& product) { return product.transposed; });
}

std::int64_t BlockLowering::stream_columns(const Contraction& contraction) const {
  return has_dots(contraction) ? kDotColumns : kLineColumns;
}

void BlockLowering::stream_tile(const ax::Parallel& block, const Contraction& contraction, VectorShape panel,
                                std::int64_t rows) {
  const AxisId column = contraction.column, row = contraction.row;
  const ExprId first = tile_origin_[column], top_row = tile_origin_[row];
  const ExprId last = b_.min(b_.add(first, b_.i64(lane_tile_)), k_.axis_extent(column));
  const ExprId end = b_.min(b_.add(top_row, b_.i64(rows)), k_.axis_extent(row));
  std::vector<BufferId> totals;
  for (const Contraction::Product& product : contraction.products) {
    totals.push_back(
        worker_buffer("total", scratch_dtype(k_.value(product.reduce).type), {b_.i64(rows), b_.i64(lane_tile_)}));
  }
  // Columns of a tile are a multiple of a power of two of vectors: no rest but the last tile's.
  const auto products = static_cast<std::uint32_t>(totals.size());
  panel.vectors =
      static_cast<std::int32_t>(std::bit_floor(std::max(static_cast<std::uint32_t>(panel.vectors) / products, 1U)));
  panel.tail = Tail::kNarrow;
  if (has_dots(contraction)) {
    for (std::size_t p = 0; p < totals.size(); ++p) stream_dots(contraction, p, totals[p], panel, rows);
    panel.vectors = 1;
  } else {
    stream_lines(contraction, totals, panel, rows);
  }
  loop_over(row, top_row, end, {}, [&] {
    loop_over(column, first, last, panel, [&] {
      top().control = true;
      for (std::size_t p = 0; p < totals.size(); ++p) {
        const ExprId total = b_.load(totals[p], {b_.sub(position(row), top_row), b_.sub(position(column), first)});
        name(depth(), contraction.products[p].reduce, total);
      }
      statements(block.body);
    });
  });
}

ExprId BlockLowering::stream_row(AxisId row, ExprId i, std::int64_t rows) {
  if (rows == 1) return tile_origin_[row];
  return b_.min(b_.add(tile_origin_[row], i), b_.sub(k_.axis_extent(row), b_.i64(1)));
}

/// kLines lines at a time, all columns of the tile: column panels would touch a new page with every step.
void BlockLowering::stream_lines(const Contraction& contraction, std::span<const BufferId> totals, VectorShape panel,
                                 std::int64_t rows) {
  const AxisId column = contraction.column, row = contraction.row, over = contraction.products[0].over;
  const ExprId first = tile_origin_[column];
  const ExprId last = b_.min(b_.add(first, b_.i64(lane_tile_)), k_.axis_extent(column));
  const auto type = [&](std::size_t p) { return k_.value(contraction.products[p].reduce).type; };
  const auto each = [&](const std::function<void(ExprId i, std::size_t p, std::vector<ExprId> at)>& fill) {
    each_row(
        row, rows, [&](ExprId i) { return stream_row(row, i, rows); },
        [&](ExprId i) {
          for (std::size_t p = 0; p < totals.size(); ++p) fill(i, p, {i, b_.sub(position(column), first)});
        });
  };
  Loop lines{.var = b_.loop_var(k_.axis(over).name + "0"),
             .lo = b_.i64(0),
             .hi = b_.max(k_.axis_extent(over), b_.i64(1)),
             .step = b_.i64(kLines)};
  Body body;
  with_scope({.body = &body, .bound = top().bound, .vector = top().vector}, [&] {
    const ExprId lo = b_.var(lines.var);
    const ExprId hi = b_.name_value(body, "end", b_.min(b_.add(lo, b_.i64(kLines)), k_.axis_extent(over)));
    loop_over(column, first, last, panel, [&] {
      std::vector<RegId> sums;
      for (std::size_t p = 0; p < totals.size(); ++p) {
        sums.push_back(b_.new_register("acc", type(p), panel.lanes, panel.vectors, {rows}));
        top().body->push_back({Declare{.reg = sums[p], .value = b_.constant(type(p), {})}});
      }
      const ExprId begun = b_.compare(Op::kGt, lo, b_.i64(0));
      each([&](ExprId i, std::size_t p, std::vector<ExprId> at) {
        top().body->push_back({Set{.reg = sums[p], .indices = {i}, .value = b_.load(totals[p], std::move(at), begun)}});
      });
      loop_over(over, lo, hi, {}, [&] {
        std::vector<ExprId> right;
        for (const Contraction::Product& product : contraction.products) {
          if (rows >= kBusyRows) {
            at(over, b_.add(position(over), b_.i64(kLines)), [&] { ask_for(product.right); });
          }
          right.push_back(b_.name_value(*top().body, "b", product_of(product.right)));
        }
        each([&](ExprId i, std::size_t p, const std::vector<ExprId>&) {
          const ExprId left = b_.name_value(*top().body, "a", product_of(contraction.products[p].left));
          const ExprId next = multiply_add(left, right[p], b_.reg(sums[p], {i}));
          top().body->push_back({Set{.reg = sums[p], .indices = {i}, .value = next}});
        });
      });
      each([&](ExprId i, std::size_t p, std::vector<ExprId> at) {
        put(totals[p], std::move(at), b_.reg(sums[p], {i}));
      });
    });
  });
  lines.body = std::move(body);
  top().body->push_back({std::move(lines)});
}

/// All rows by `panel.vectors` columns at a time, by lanes along the reduced axis.
void BlockLowering::stream_dots(const Contraction& contraction, std::size_t p, BufferId totals, VectorShape panel,
                                std::int64_t rows) {
  const Contraction::Product& product = contraction.products[p];
  const AxisId column = contraction.column, row = contraction.row, over = product.over;
  const RegType type = k_.value(product.reduce).type;
  const VectorShape lanes{.lanes = panel.lanes, .vectors = 1, .tail = k_.target.masks ? Tail::kMasked : Tail::kNarrow};
  const ExprId first = tile_origin_[column];
  const ExprId last = b_.min(b_.add(first, b_.i64(lane_tile_)), k_.axis_extent(column));
  const auto each = [&](const std::function<void(ExprId i)>& fill) {
    each_row(row, rows, [&](ExprId i) { return stream_row(row, i, rows); }, fill);
  };
  Loop columns{.var = b_.loop_var(k_.axis(column).name), .lo = first, .hi = last, .step = b_.i64(panel.vectors)};
  const ExprId from = b_.var(columns.var);
  Body body;
  with_scope({.body = &body, .bound = top().bound}, [&] {
    const RegId acc = b_.new_register("acc", type, panel.lanes, 1, {rows, panel.vectors});
    body.push_back({Declare{.reg = acc, .value = b_.constant(type, {})}});
    loop_over(over, b_.i64(0), k_.axis_extent(over), lanes, [&] {
      std::vector<ExprId> right;
      for (std::int64_t c = 0; c < panel.vectors; ++c) {
        at(column, b_.min(b_.add(from, b_.i64(c)), b_.sub(last, b_.i64(1))), [&] {
          at(over, b_.add(position(over), b_.i64(kDotAhead)), [&] { ask_for(product.right); });
          right.push_back(b_.name_value(*top().body, "b", product_of(product.right)));
        });
      }
      each([&](ExprId i) {
        const ExprId left = b_.name_value(*top().body, "a", product_of(product.left));
        for (std::int64_t c = 0; c < panel.vectors; ++c) {
          const std::vector<ExprId> result = {i, b_.i64(c)};
          const ExprId next = multiply_add(left, right[static_cast<std::size_t>(c)], b_.reg(acc, result));
          top().body->push_back({Set{.reg = acc, .indices = result, .value = next}});
        }
      });
    });
    each([&](ExprId i) {
      for (std::int64_t c = 0; c < panel.vectors; ++c) {
        put(totals, {i, b_.add(b_.sub(from, first), b_.i64(c))}, b_.tree(ax::Reduction::kSum, acc, {i, b_.i64(c)}));
      }
    });
  });
  columns.body = std::move(body);
  top().body->push_back({std::move(columns)});
}

}  // namespace aurex::schedule
