#pragma once

// One launch of a contraction whose right operand is made as it is copied (contraction_match.h). Internal to schedule/:
// implicit_nest.cpp has tiles and multiplications, implicit_panel.cpp the copy of the right operand.
//
// A tile is some blocks of rows by some hundred columns. The columns are positions of several axes, counted as one
// where they are copied and multiplied; they are taken apart where something is loaded or stored at them. The reduced
// axes are walked in nested loops, the last one innermost and, where they are many steps together, in chunks: for each
// chunk the right operand of all columns is written to a panel [steps][columns], row by row of the last axis, so that
// whatever it costs to make an element is paid once for all rows; then each block of rows is multiplied with the panel.
//
// Each result is one chain of fused multiply-adds along the reduced axes: between chunks it waits in scratch, rounded
// to its own type as in a register. So neither chunks nor tiles show in the bits, but the chunks' length is a function
// of extents alone in any case, since it orders the chain.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aurex/schedule/nest_writer.h"

namespace aurex::schedule {

class BlockLowering::Implicit : NestWriter {
 public:
  Implicit(BlockLowering& lowering, const ax::Parallel& block, const ImplicitContraction& contraction,
           VectorShape panel, std::int64_t rows);

  /// Appends the tile axes of rows, in blocks, and of columns.
  void tiles(Launch& launch);
  /// What one tile does.
  void tile();

 private:
  using Product = ImplicitContraction::Product;

  [[nodiscard]] RegType type(std::size_t p) const { return l_.k_.value(contraction_.products[p].reduce).type; }
  [[nodiscard]] ax::AxisId lane_axis() const { return contraction_.columns.back(); }
  [[nodiscard]] ax::AxisId inner() const { return contraction_.over.back(); }
  [[nodiscard]] Tail rest() const { return l_.k_.target.masks ? Tail::kMasked : Tail::kNarrow; }
  /// Positions of some axes together.
  ExprId count(std::span<const ax::AxisId> axes);
  BufferId buffer(const char* name, std::size_t p, std::vector<ExprId> extents);
  [[nodiscard]] bool in_place(std::size_t p) const;

  // ---- loops ----
  void lanes(ExprId lo, ExprId hi, VectorShape shape, const std::function<void(ExprId)>& fill);
  /// Steps of the reduced axes in the chunk, in the order of the chain; `fill` gets the step's number in the chunk.
  void steps(const std::function<void(ExprId)>& fill);
  /// Positions of all reduced axes but the last, from `depth` on; `fill` gets their number.
  void taps(std::size_t depth, ExprId outer, const std::function<void(ExprId)>& fill);
  /// Positions [lo, hi) of all columns, row by row of the last axis: `fill` gets the number of its first position and
  /// the range of it.
  void columns(ExprId lo, ExprId hi, const std::function<void(ExprId, ExprId, ExprId)>& fill, std::size_t depth = 0,
               ExprId base = kNone);

  // ---- multiplication ----
  void chunk(ExprId origin);
  void block_of_rows(ExprId block);
  void copy_left(std::size_t p);
  void multiply(std::size_t p, ExprId kept);
  ExprId read_left(std::size_t p, ExprId i, ExprId step);
  void finish(ExprId kept);
  ExprId row_of(ExprId i);

  // ---- implicit_panel.cpp ----
  /// A load of the right operand that yields its `else` outside of a rectangle, with lanes that are evenly spaced.
  struct Guarded {
    const ax::Load* load = nullptr;
    std::size_t factor = 0;
    std::vector<std::int64_t> slopes;  // per index: what a step along the columns adds to it
  };
  void copy_right(std::size_t p);
  void copy_right_as_assumed(std::size_t p, bool spaced);
  void copy_guarded(std::size_t p, const Guarded& guarded, ExprId step, ExprId base, ExprId lo, ExprId hi);
  void copy_row(std::size_t p, ExprId step, ExprId base, ExprId lo, ExprId hi, VectorShape shape,
                const std::function<ExprId()>& value);
  [[nodiscard]] std::optional<Guarded> guarded_load(const Product& product);
  [[nodiscard]] std::optional<std::int64_t> slope(ax::ValueId index);
  [[nodiscard]] std::vector<ax::ValueId> multipliers(const Product& product) const;
  void gather_multipliers(ax::ValueId index, std::vector<ax::ValueId>& found) const;

  const ax::Parallel& block_;
  const ImplicitContraction& contraction_;
  VectorShape panel_;
  std::int64_t rows_;                                // of a register block
  std::int64_t most_columns_ = 0;                    // of a tile
  std::int64_t whole_steps_ = 0, chunk_steps_ = 0;   // of one chunk alone, of one of several
  ExprId taps_ = kNone;                              // steps for each position of the last reduced axis
  ExprId all_blocks_ = kNone, all_columns_ = kNone;  // of the launch
  ExprId block_step_ = kNone;                        // of a tile
  std::vector<BufferId> rights_, lefts_, sums_;      // per product
  // in hand
  ExprId first_block_ = kNone, last_block_ = kNone, first_column_ = kNone, last_column_ = kNone;
  ExprId chunk_origin_ = kNone, chunk_end_ = kNone, chunk_size_ = kNone;  // along the last reduced axis
  ExprId from_ = kNone;                                                   // first row of the block
};

}  // namespace aurex::schedule
