// Contractions over copies of their operands: what large products of matrices take.
//
// A tile is some blocks of rows by some panels of columns. The reduced axis runs in chunks. For each chunk the tile's
// part of the right operand is copied to panels [chunk][columns], which stay in L2: the first block of rows reads it
// where it lies and leaves the copy behind, under the shadow of its own multiplications. Where the reduced axis is
// long, the left operand's rows may lie a power of two apart and would share one set of L1: then each block copies its
// part to [rows][chunk]; so it does where elements have to be converted or combined.
//
// Copies are padded, so that one body does for every block and every panel: it multiplies the last row as often as need
// be to fill a block, zeros beside the last column, and nobody stores those results.
//
// Each result is one chain of fused multiply-adds along the reduced axis: between chunks it waits in scratch, rounded
// to its own type as in a register. So neither chunks nor tiles show in the bits. Where the last chunk is done, one
// small body takes the sums of a block from scratch and does what the statements ask for.

#include <algorithm>
#include <utility>

#include "aurex/schedule/nest_writer.h"

namespace aurex::schedule {

using ax::AxisId;
using ax::Op;
using ax::ValueId;

namespace {

/// Positions of the reduced axis per chunk, for elements of 4 bytes: nine rows of the left operand take 18 KiB of L1,
/// and a result is fetched and put back once in 512 multiplications.
constexpr std::int64_t kChunk = 512;
/// Past the end of a copied row: rows a power of two apart would share one set of L1.
constexpr std::int64_t kPadding = 16;
/// Blocks of rows per tile: they share one copy of the right operand, which costs five times as much as one of them.
/// Blocks of nine rows: 1026, two tiles for 2048 rows.
constexpr std::int64_t kMostBlocks = 114;
/// Steps ahead: of a panel, 768 bytes, which L2 delivers meanwhile; of an array.
constexpr std::int64_t kPanelAhead = 4, kArrayAhead = 8;
/// Bytes that one prefetch brings.
constexpr std::int64_t kLine = 64;
/// Operations of a statement from which on fewer vectors at a time are enough.
constexpr std::int32_t kDear = 8;

}  // namespace

/// One launch of this kind while it is built.
class BlockLowering::Packed : NestWriter {
 public:
  Packed(BlockLowering& lowering, const ax::Parallel& block, const Contraction& contraction, VectorShape panel,
         std::int64_t rows)
      : NestWriter(lowering),
        block_(block),
        contraction_(contraction),
        panel_(panel),
        rows_(rows),
        width_(std::int64_t{panel.lanes} * panel.vectors) {
    const auto products = static_cast<std::int64_t>(contraction.products.size());
    most_steps_ = kChunk * 4 / element_bytes();
    most_panels_ =
        std::max<std::int64_t>(l_.k_.target.l2_bytes / 2 / (most_steps_ * width_ * element_bytes() * products), 1);
    all_blocks_ = b_.ceil_div(l_.k_.axis_extent(contraction.row), b_.i64(rows_));
    for (const Contraction::Product& product : contraction.products) make_buffers(product);
  }

  /// The tile axes of rows, in blocks, and of columns.
  void tiles(Launch& launch) {
    const std::string row = l_.k_.axis(contraction_.row).name, column = l_.k_.axis(contraction_.column).name;
    launch.tiles.push_back(
        {.var = b_.loop_var(row + "0"), .extent = all_blocks_, .step = balanced(all_blocks_, b_.i64(kMostBlocks))});
    block_step_ = launch.tiles.back().step;
    first_block_ = b_.var(launch.tiles.back().var);
    const ExprId panels = b_.ceil_div(l_.k_.axis_extent(contraction_.column), b_.i64(width_));
    column_step_ = b_.mul(balanced(panels, b_.i64(most_panels_)), b_.i64(width_));
    launch.tiles.push_back(
        {.var = b_.loop_var(column + "0"), .extent = l_.k_.axis_extent(contraction_.column), .step = column_step_});
    first_column_ = b_.var(launch.tiles.back().var);
  }

  void tile() {
    last_column_ = b_.name_value(body(), "last",
                                 b_.min(b_.add(first_column_, column_step_), l_.k_.axis_extent(contraction_.column)));
    panel_count_ = b_.name_value(body(), "panels", b_.ceil_div(b_.sub(last_column_, first_column_), b_.i64(width_)));
    const ExprId depth = l_.k_.axis_extent(over());
    const ExprId chunk = b_.i64(most_steps_);
    serial(l_.k_.axis(over()).name + "0", b_.i64(0), b_.max(depth, b_.i64(1)), chunk, [&](ExprId origin) {
      chunk_origin_ = origin;
      chunk_size_ = b_.name_value(body(), "steps", b_.min(chunk, b_.sub(depth, origin)));
      for (std::size_t p = 0; p < contraction_.products.size(); ++p) {
        if (!fused(p)) copy_right(p);
      }
      const ExprId end = b_.min(b_.add(first_block_, block_step_), all_blocks_);
      serial("block", first_block_, end, [&](ExprId at) { block_of_rows(at, b_.add(origin, chunk), depth); });
    });
  }

 private:
  std::int64_t element_bytes() const {
    return bytes_per_element(scratch_dtype(l_.k_.value(contraction_.products[0].reduce).type));
  }
  AxisId over() const { return contraction_.products[0].over; }
  RegType type(std::size_t p) const { return l_.k_.value(contraction_.products[p].reduce).type; }
  /// Whether the first block of rows copies this right operand; else a pass of its own does.
  bool fused(std::size_t p) const { return l_.k_.target.masks && !contraction_.products[p].transposed; }
  /// Whether this left operand is read where it lies.
  bool in_place(const Contraction::Product& product) const {
    if (l_.k_.size.kind != SizeClass::kSmall || product.left.size() != 1) return false;
    const ax::Value& v = l_.k_.value(product.left[0]);
    if (v.op != Op::kLoad) return false;
    const DType dtype = l_.k_.out.buffers[l_.k_.arrays[l_.k_.tiles.loads[v.id].array]].dtype;
    return dtype == scratch_dtype(l_.k_.value(product.reduce).type);
  }

  BufferId buffer(const char* name, std::size_t p, std::vector<ExprId> extents) {
    return l_.worker_buffer(name, scratch_dtype(type(p)), std::move(extents));
  }

  void make_buffers(const Contraction::Product& product) {
    const std::size_t p = rights_.size();
    interleaved_.push_back(!lies_along(l_.k_, product.left, over()) &&
                           lies_along(l_.k_, product.left, contraction_.row));
    const ExprId width = b_.i64(width_), rows = b_.i64(rows_), steps = b_.i64(most_steps_);
    rights_.push_back(buffer("right", p, {b_.i64(most_panels_), steps, width}));
    lefts_.push_back(in_place(product) ? kNone
                     : interleaved_[p] ? buffer("left", p, {steps, rows})
                                       : buffer("left", p, {rows, b_.i64(most_steps_ + kPadding)}));
    sums_.push_back(buffer("sums", p, {b_.i64(kMostBlocks), b_.i64(most_panels_), rows, width}));
  }

  /// Positions [0, count) by lanes.
  void lanes(ExprId count, VectorShape shape, Tail tail, const std::function<void(ExprId)>& fill) {
    NestWriter::lanes("lane", b_.i64(0), count, shape, tail, fill);
  }

  ExprId column_of(ExprId panel) { return b_.add(first_column_, b_.mul(panel, b_.i64(width_))); }
  /// Real columns of a panel.
  ExprId columns_of(ExprId panel) { return b_.min(b_.i64(width_), b_.sub(last_column_, column_of(panel))); }

  // ---- copies ----

  void copy_right(std::size_t p) {
    clear_rest(p, b_.sub(panel_count_, b_.i64(1)));
    const Contraction::Product& product = contraction_.products[p];
    if (product.transposed) return turn_right(p);
    const Tail tail = l_.k_.target.masks ? Tail::kMasked : Tail::kNarrow;
    // Whole rows of the tile, in order.
    serial("k", b_.i64(0), chunk_size_, [&](ExprId k) {
      serial("panel", b_.i64(0), panel_count_, [&](ExprId panel) {
        lanes(columns_of(panel), panel_, tail, [&](ExprId n) {
          at(over(), b_.add(chunk_origin_, k), [&] {
            at(contraction_.column, b_.add(column_of(panel), n),
               [&] { store(rights_[p], {panel, k, n}, l_.product_of(product.right)); });
          });
        });
      });
    });
  }

  /// A right operand that does not lie along the columns is loaded along the reduced axis, by squares turned over in
  /// registers. Past the last column its neighbour is loaded again.
  void turn_right(std::size_t p) {
    const std::vector<ValueId>& factors = contraction_.products[p].right;
    const std::int32_t side = panel_.lanes;
    const ExprId final_column = b_.sub(last_column_, b_.i64(1));
    serial("panel", b_.i64(0), panel_count_, [&](ExprId panel) {
      serial("n", b_.i64(0), columns_of(panel), b_.i64(side), [&](ExprId n) {
        lanes(chunk_size_, {.lanes = side, .vectors = 1}, Tail::kNarrow, [&](ExprId k) {
          const RegId square = b_.new_register("square", type(p), side, 1, {side});
          body().push_back({Declare{.reg = square, .value = b_.constant(type(p), {})}});
          unrolled(side, [&](ExprId i) {
            at(contraction_.column, b_.min(b_.add(b_.add(column_of(panel), n), i), final_column), [&] {
              at(over(), b_.add(chunk_origin_, k),
                 [&] { body().push_back({Set{.reg = square, .indices = {i}, .value = l_.product_of(factors)}}); });
            });
          });
          body().push_back(
              {TransposedStore{.buffer = rights_[p], .indices = {panel, k, n}, .dimension = 2, .reg = square}});
        });
      });
    });
  }

  /// What no column fills takes part in multiplications: zeros, since numbers close to zero are slow.
  void clear_rest(std::size_t p, ExprId panel) {
    when(b_.compare(Op::kLt, columns_of(panel), b_.i64(width_)), [&] {
      serial("k", b_.i64(0), chunk_size_, [&](ExprId k) {
        lanes(b_.i64(width_), panel_, Tail::kNone,
              [&](ExprId n) { store(rights_[p], {panel, k, n}, b_.constant(type(p), {})); });
      });
    });
  }

  void copy_left(std::size_t p, ExprId from) {
    const std::vector<ValueId>& factors = contraction_.products[p].left;
    const Tail tail = l_.k_.target.masks ? Tail::kMasked : Tail::kNarrow;
    const auto copy = [&](ExprId i, ExprId k) {
      at(over(), b_.add(chunk_origin_, k), [&] { store(lefts_[p], left_at(p, i, k), l_.product_of(factors)); });
    };
    if (interleaved_[p]) {
      serial("k", b_.i64(0), chunk_size_, [&](ExprId k) {
        lanes(b_.min(b_.i64(rows_), b_.sub(l_.k_.axis_extent(contraction_.row), from)),
              {.lanes = panel_.lanes, .vectors = 1}, tail,
              [&](ExprId i) { at(contraction_.row, b_.add(from, i), [&] { copy(i, k); }); });
      });
      return;
    }
    const bool dense = lies_along(l_.k_, factors, over());
    serial("i", b_.i64(0), b_.i64(rows_), [&](ExprId i) {
      at(contraction_.row, row_of(from, i), [&] {
        lanes(chunk_size_, {.lanes = panel_.lanes, .vectors = dense ? 4 : 1}, Tail::kNarrow,
              [&](ExprId k) { copy(i, k); });
      });
    });
  }
  /// Rows past the end stand for the last one.
  ExprId row_of(ExprId from, ExprId i) {
    return b_.min(b_.add(from, i), b_.sub(l_.k_.axis_extent(contraction_.row), b_.i64(1)));
  }
  std::vector<ExprId> left_at(std::size_t p, ExprId i, ExprId k) const {
    return interleaved_[p] ? std::vector{k, i} : std::vector{i, k};
  }

  // ---- multiplication ----

  void block_of_rows(ExprId block, ExprId reached, ExprId depth) {
    const ExprId from = b_.name_value(body(), "from", b_.mul(block, b_.i64(rows_)));
    // With one chunk the sums of one block are enough.
    const ExprId several = b_.compare(Op::kGt, depth, b_.i64(most_steps_));
    const ExprId kept = b_.name_value(body(), "kept", b_.select(several, b_.sub(block, first_block_), b_.i64(0)));
    from_ = from;
    for (std::size_t p = 0; p < contraction_.products.size(); ++p) {
      if (lefts_[p] != kNone) copy_left(p, from);
    }
    serial("panel", b_.i64(0), panel_count_, [&](ExprId panel) {
      for (std::size_t p = 0; p < contraction_.products.size(); ++p) {
        if (fused(p)) {
          when(
              b_.compare(Op::kEq, block, first_block_), [&] { multiply(p, panel, kept, true); },
              [&] { multiply(p, panel, kept, false); });
        } else {
          multiply(p, panel, kept, false);
        }
      }
      when(b_.compare(Op::kGe, reached, depth), [&] { finish(from, panel, kept); });
    });
  }

  /// A block of rows by a panel of columns over one chunk. `source`: the right operand is read where it lies, and
  /// copied.
  void multiply(std::size_t p, ExprId panel, ExprId kept, bool source) {
    if (source) clear_rest(p, panel);
    const ExprId count = source ? columns_of(panel) : b_.i64(width_);
    lanes(count, panel_, source ? Tail::kMasked : Tail::kNone, [&](ExprId n) {
      const RegId acc = b_.new_register("acc", type(p), panel_.lanes, panel_.vectors, {rows_});
      body().push_back({Declare{.reg = acc, .value = b_.constant(type(p), {})}});
      const ExprId continued = b_.compare(Op::kGt, chunk_origin_, b_.i64(0));
      unrolled(rows_, [&](ExprId i) {
        const ExprId before = b_.load(sums_[p], {kept, panel, i, n}, continued);
        body().push_back({Set{.reg = acc, .indices = {i}, .value = before}});
      });
      steps(p, panel, [&](ExprId k) {
        const ExprId right = source ? read_right(p, panel, k, n) : read_panel(p, panel, k, n);
        unrolled(rows_, [&](ExprId i) {
          const ExprId left = read_left(p, i, k);
          const ExprId next = l_.multiply_add(left, right, b_.reg(acc, {i}));
          body().push_back({Set{.reg = acc, .indices = {i}, .value = next}});
        });
      });
      unrolled(rows_, [&](ExprId i) { store(sums_[p], {kept, panel, i, n}, b_.reg(acc, {i})); });
    });
  }

  /// The steps of a chunk. On the way the rows that the next block will copy are asked for, a line of each at a time,
  /// so that they come from L3 while this block multiplies: each panel asks for other rows. Rows read where they lie
  /// are not asked for: the processor sees them coming.
  void steps(std::size_t p, ExprId panel, const std::function<void(ExprId k)>& fill) {
    const std::vector<ValueId>& factors = contraction_.products[p].left;
    if (lefts_[p] == kNone || !lies_along(l_.k_, factors, over())) return serial("k", b_.i64(0), chunk_size_, fill);
    std::vector<ExprId> rows;
    for (std::int64_t row = 0; row < rows_; row += most_panels_) {
      const ExprId ahead = row_of(from_, b_.add(b_.i64(rows_ + row), panel));
      rows.push_back(b_.name_value(body(), "ahead", ahead));
    }
    const ExprId line = b_.i64(kLine / element_bytes());
    serial("line", b_.i64(0), chunk_size_, line, [&](ExprId first) {
      for (const ExprId row : rows) {
        at(contraction_.row, row, [&] { at(over(), b_.add(chunk_origin_, first), [&] { l_.ask_for(factors); }); });
      }
      serial("k", first, b_.min(b_.add(first, line), chunk_size_), fill);
    });
  }

  ExprId read_left(std::size_t p, ExprId i, ExprId k) {
    ExprId left = kNone;
    if (lefts_[p] != kNone) return b_.name_value(body(), "a", b_.load(lefts_[p], left_at(p, i, k)));
    at(contraction_.row, row_of(from_, i), [&] {
      at(over(), b_.add(chunk_origin_, k),
         [&] { left = b_.name_value(body(), "a", l_.product_of(contraction_.products[p].left)); });
    });
    return left;
  }

  ExprId read_panel(std::size_t p, ExprId panel, ExprId k, ExprId n) {
    body().push_back({Prefetch{.buffer = rights_[p], .indices = {panel, b_.add(k, b_.i64(kPanelAhead)), n}}});
    return b_.name_value(body(), "b", b_.load(rights_[p], {panel, k, n}));
  }

  ExprId read_right(std::size_t p, ExprId panel, ExprId k, ExprId n) {
    const std::vector<ValueId>& factors = contraction_.products[p].right;
    ExprId right = kNone;
    at(contraction_.column, b_.add(column_of(panel), n), [&] {
      at(over(), b_.add(chunk_origin_, b_.add(k, b_.i64(kArrayAhead))), [&] { l_.ask_for(factors); });
      at(over(), b_.add(chunk_origin_, k), [&] { right = b_.name_value(body(), "b", l_.product_of(factors)); });
    });
    store(rights_[p], {panel, k, n}, right);
    return right;
  }

  /// The statements, on the sums of a block and a panel.
  void finish(ExprId from, ExprId panel, ExprId kept) {
    std::int32_t vectors = panel_.vectors;
    std::vector<ValueId> roots;
    for (const ax::Stmt& stmt : block_.body) {
      if (const auto* out = std::get_if<ax::Store>(&stmt.node)) roots.push_back(out->value);
    }
    if (l_.point_cost(roots) > kDear) vectors = 1;
    const Tail tail = l_.k_.target.masks ? Tail::kMasked : Tail::kNarrow;
    const ExprId end = b_.min(b_.i64(rows_), b_.sub(l_.k_.axis_extent(contraction_.row), from));
    lanes(columns_of(panel), {.lanes = panel_.lanes, .vectors = vectors}, tail, [&](ExprId n) {
      at(contraction_.column, b_.add(column_of(panel), n), [&] {
        serial("i", b_.i64(0), end, [&](ExprId i) {
          at(contraction_.row, b_.add(from, i), [&] {
            l_.top().control = true;
            for (std::size_t p = 0; p < contraction_.products.size(); ++p) {
              l_.name(l_.depth(), contraction_.products[p].reduce, b_.load(sums_[p], {kept, panel, i, n}));
            }
            l_.statements(block_.body);
          });
        });
      });
    });
  }

  const ax::Parallel& block_;
  const Contraction& contraction_;
  VectorShape panel_;
  std::int64_t rows_, width_;                                             // of a register block
  std::int64_t most_steps_ = 0, most_panels_ = 0;                         // that scratch holds
  ExprId all_blocks_ = kNone, block_step_ = kNone, column_step_ = kNone;  // steps: of tiles
  std::vector<BufferId> rights_, lefts_, sums_;                           // per product
  std::vector<bool> interleaved_;  // per product: the left copy has the rows inside
  // in hand
  ExprId first_block_ = kNone, first_column_ = kNone, last_column_ = kNone, panel_count_ = kNone;
  ExprId chunk_origin_ = kNone, chunk_size_ = kNone, from_ = kNone;
};

void BlockLowering::packed_contraction(const ax::Parallel& block, const Contraction& contraction, VectorShape panel,
                                       std::int64_t rows, Launch& launch) {
  Packed packed(*this, block, contraction, panel, rows);
  packed.tiles(launch);
  tile_loops(contraction.others, launch.tiles, 0, [&] {
    top().control = true;
    packed.tile();
  });
}

}  // namespace aurex::schedule
