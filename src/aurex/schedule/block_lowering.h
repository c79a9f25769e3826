#pragma once

// The lowering of one parallel block to one launch. Internal to schedule/: drive.cpp makes one object per block; its
// members are spread over lower_block.cpp (tiles), lower_stmt.cpp (statements), lower_control.cpp (for, while, if),
// lower_value.cpp (values), nests.cpp (loops over whole axes), reductions.cpp, chunked_reduction.cpp and the
// contraction_*.cpp.
//
// Every axis is in one of three modes:
//   scalar  a loop variable: parallel axes, and axes of `for`, one position at a time
//   lane    the variable of one vector loop around the whole body; then nothing inside is vectorised again
//   range   whole axes: each statement opens its own nest of loops over those it needs
// A value without range axes is a name; one with range axes is computed inside the nest of its consumer, or kept in
// scratch memory where several nests need it and it is dear.
//
// Scopes form a stack, one for each open body. A value is placed in the outermost scope where all it varies over is
// bound; so what does not depend on a loop is computed before it.

#include <functional>
#include <unordered_map>

#include "aurex/schedule/axis_modes.h"
#include "aurex/schedule/contraction_match.h"
#include "aurex/schedule/kernel_context.h"

namespace aurex::schedule {

class BlockLowering {
 public:
  explicit BlockLowering(KernelContext& kernel) : k_(kernel), b_(kernel.b), decide_(kernel.decide) {}

  /// The whole block as one launch. `written` as such, its axes are what positions count along first.
  Launch lower(const ax::Parallel& block, std::string name, bool written = true);
  /// A kernel-level value, computed over `axes` (of which `parallel` are handed out in tiles) into shared memory.
  Launch lower_value(std::span<const ax::AxisId> parallel, ax::ValueId value, BufferId buffer, ax::AxisSet axes,
                     ax::Update update, std::string name);

  /// What the chunks of one kernel-level reduction leave in shared memory, one element per chunk and axis of `axes`.
  struct Partials {
    std::string launch;                          // that makes them
    std::vector<ax::AxisId> axes;                // ascending
    std::vector<ExprId> steps;                   // positions of each axis in one chunk
    BufferId totals = kNone, positions = kNone;  // positions: of argmax and argmin only
  };
  /// The chunks of a reduction of everything to one number: a function of extents, so that no bit of the result depends
  /// on who runs them.
  [[nodiscard]] Partials partials(ax::ValueId reduce, std::string launch);
  /// One tile per chunk, which writes its partial result.
  Launch lower_partials(ax::ValueId reduce, const Partials& partials);
  /// Combines the partial results into `cell`, chunk after chunk.
  Launch lower_combination(ax::ValueId reduce, const Partials& partials, BufferId cell, std::string name);

 private:
  // ---- scopes ----
  struct VectorShape {
    std::int32_t lanes = 1, vectors = 1;
    Tail tail = Tail::kNarrow;
    [[nodiscard]] bool active() const { return lanes * vectors > 1; }
  };
  struct Scope {
    Body* body = nullptr;
    ax::AxisSet bound = 0;  // of this scope and those around it
    bool control = false;   // the body of a statement, not of a nest
    bool barrier = false;   // may not run, or runs an unknown number of times: nothing but scalars moves out
    VectorShape vector;
    std::unordered_map<ax::ValueId, ExprId> values;
    std::unordered_map<ax::ValueId, BufferId> buffers;  // kept in scratch, one dimension per range axis
  };
  struct Placed {
    ExprId expr = kNone;
    std::size_t depth = 0;
  };
  struct Predicate {
    std::size_t depth = 0;  // the scope from which on it holds
    ax::AxisSet deps = 0;
    std::function<ExprId(BlockLowering&)> eval;  // in the current scope
  };
  struct Nest {
    ax::AxisSet axes = 0;
    std::size_t base = 0;                                // the scope around it
    std::vector<std::pair<ax::ValueId, BufferId>> kept;  // stored to scratch on the way
  };

  Scope& top() { return scopes_.back(); }
  std::size_t depth() const { return scopes_.size() - 1; }
  std::size_t control_depth() const;
  /// The outermost scope in which all of `deps` is bound and nothing moves out of a barrier.
  std::size_t depth_for(ax::AxisSet deps, bool pinned) const;
  void with_scope(Scope scope, const std::function<void()>& fill);
  /// Runs `emit` as if the scopes inside `depth` were not there.
  void at_depth(std::size_t depth, const std::function<void()>& emit);
  ExprId name(std::size_t depth, ax::ValueId id, ExprId value);

  // ---- lower_block.cpp ----
  /// The launch around `fill`, which emits the body of one position; modes_ are chosen already.
  Launch launch(std::vector<ax::AxisId> axes, ax::AxisSet colliding, std::string name,
                const std::function<void()>& fill);
  [[nodiscard]] std::int64_t tile_work() const;
  std::vector<ExprId> tile_steps(std::span<const ax::AxisId> axes, ax::AxisSet whole);
  [[nodiscard]] std::int64_t lane_tile(std::int64_t tile, std::int64_t grain, bool alone) const;
  void tile_loops(std::span<const ax::AxisId> axes, const std::vector<Launch::TileAxis>& tiles, std::size_t at,
                  const std::function<void()>& fill);
  ExprId estimate(std::span<const ax::AxisId> axes);
  ax::AxisSet colliding_axes(const ax::Parallel& block) const;

  /// Begins a launch of positions of `axes`: nothing is known of any axis but those of shared memory, and the launch's
  /// body, which stays where it is, becomes the outermost scope. `axes` are named before what is inside them.
  void open(Launch& launch, std::span<const ax::AxisId> axes);
  void bind_shared_positions(Body& body);
  /// Appends a tile axis; its origin.
  ExprId tile_axis(Launch& launch, ax::AxisId axis, ExprId step);
  /// Nanoseconds of all positions of some axes, of `each` one.
  ExprId cost(double each, std::span<const ax::AxisId> axes);
  /// Row-major scratch of a worker for this launch.
  BufferId worker_buffer(std::string name, DType dtype, std::vector<ExprId> extents);

  // ---- contraction_nest.cpp ----
  Launch lower_contraction(const ax::Parallel& block, const Contraction& contraction, std::string name);
  /// Modes of a launch whose lanes run along `lane` in blocks of vectors, reducing along `range`.
  void contraction_modes(const ax::Parallel& block, ax::AxisSet range, ax::AxisId lane, std::int32_t vectors);
  class NestWriter;
  // ---- contraction_packed.cpp ----
  class Packed;
  void packed_contraction(const ax::Parallel& block, const Contraction& contraction, VectorShape panel,
                          std::int64_t rows, Launch& launch);
  // ---- implicit_nest.cpp ----
  class Implicit;
  Launch lower_implicit(const ax::Parallel& block, const ImplicitContraction& contraction, std::string name);

  [[nodiscard]] bool copies_panel(const Contraction::Product& product) const;
  ExprId row_tile(const Contraction& contraction, std::int64_t rows, RegType type);
  void contraction_tile(const ax::Parallel& block, const Contraction& contraction, VectorShape panel, std::int64_t rows,
                        ExprId row_step);
  BufferId pack_panel(const Contraction::Product& product, ax::AxisId column, ExprId first, ExprId last,
                      VectorShape panel);
  ExprId panel_depth(const Contraction::Product& product, std::int64_t lanes);
  /// `panel`: its place in the buffer, whose two last dimensions it fills.
  void transpose_panel(const Contraction::Product& product, BufferId buffer, const std::vector<ExprId>& panel,
                       ax::AxisId column, ExprId first, ExprId last, std::int32_t lanes);
  ExprId product_of(std::span<const ax::ValueId> factors);
  /// left * right + sum, rounded once where it is a float.
  ExprId multiply_add(ExprId left, ExprId right, ExprId sum);
  void put(BufferId buffer, std::vector<ExprId> indices, ExprId value);
  /// Runs `fill` with an axis at a position.
  void at(ax::AxisId axis, ExprId position, const std::function<void()>& fill);
  void row_block(const ax::Parallel& block, const Contraction& contraction, std::span<const BufferId> panels,
                 ExprId from, std::int64_t height);
  void multiply(const Contraction& contraction, std::span<const RegId> sums, std::span<const BufferId> panels,
                ExprId from, std::int64_t height, ExprId lo, ExprId hi);
  /// Asks the cache for the elements that plain loads among the factors read.
  void ask_for(std::span<const ax::ValueId> factors);
  /// Blocks of `rows` rows, then of one row less: between them they fill any number of rows from (rows - 1)^2 on, and
  /// some below; what they leave goes row by row.
  void adjacent_blocks(ax::AxisId row, ExprId from, ExprId end, std::int64_t rows,
                       const std::function<void(ExprId from, std::int64_t height)>& fill);
  void each_row(ax::AxisId row, ExprId from, std::int64_t height, const std::function<void(ExprId)>& fill);
  /// The same where row i lies at `place(i)`.
  void each_row(ax::AxisId row, std::int64_t height, const std::function<ExprId(ExprId)>& place,
                const std::function<void(ExprId)>& fill);

  // ---- contraction_stream.cpp ----
  /// Whether few rows may be multiplied by this right operand while it is read once.
  [[nodiscard]] bool streams(const Contraction& contraction) const;
  /// Whether lanes run along the reduced axis: neither operand lies across it, and some right one does not lie along
  /// the columns.
  [[nodiscard]] bool has_dots(const Contraction& contraction) const;
  [[nodiscard]] std::int64_t stream_columns(const Contraction& contraction) const;
  void stream_tile(const ax::Parallel& block, const Contraction& contraction, VectorShape panel, std::int64_t rows);
  void stream_lines(const Contraction& contraction, std::span<const BufferId> totals, VectorShape panel,
                    std::int64_t rows);
  void stream_dots(const Contraction& contraction, std::size_t p, BufferId totals, VectorShape panel,
                   std::int64_t rows);
  /// Rows past the end stand for the last one.
  ExprId stream_row(ax::AxisId row, ExprId i, std::int64_t rows);

  // ---- row_window_nest.cpp ----
  /// A `for` in hand whose bounds differ from row to row.
  struct Ragged {
    ax::AxisId axis = kNone;
    ax::ValueId lo = kNone, hi = kNone;
  };
  /// All of some rows run [all_lo, all_hi); `lo` and `hi` are the bounds that differ from row to row.
  struct RowBounds {
    ExprId all_lo = kNone, all_hi = kNone;
    ax::ValueId lo = kNone, hi = kNone;
  };
  /// Two vectors of columns of a contraction between scratch rectangles.
  struct Strip {
    const Contraction::Product& product;
    ax::AxisId column = kNone;
    ExprId first = kNone;    // column
    BufferId panel = kNone;  // the right operand, copied; kNone where it is read where it lies
    ExprId index = kNone;    // of the strip among all that `panel` holds; kNone where it holds just this one
    ExprId begin = kNone;    // of the reduced axis in `panel`
    BufferId sums = kNone;
    bool cleared = false;  // the left factor has zeros in place of rows past the end
  };
  /// Strips of a right operand, copied for all bands.
  struct SharedPanels {
    BufferId buffer = kNone;
    ExprId column = kNone, over = kNone;  // the first position along either axis
  };
  /// The band in hand, and what is outside of it: the window's rows, and the part of the `for`.
  struct Band {
    std::size_t depth = 0;  // of its scope
    ax::AxisId axis = kNone;
    ExprId first_row = kNone, end_row = kNone, lo = kNone, hi = kNone;
  };
  /// Vectors of columns in a register block.
  static constexpr std::int32_t kStripVectors = 2;
  [[nodiscard]] std::int64_t block_rows() const;
  /// Rows that a window has at most.
  ExprId row_window();
  /// Rows of a tile, of so many.
  ExprId row_tile(std::span<const ax::AxisId> axes, ExprId rows);
  /// Positions of a range axis that scratch holds.
  ExprId window_extent(ax::AxisId axis);
  /// Stands in Scope::bound for the loop over the parts of an axis.
  [[nodiscard]] ax::AxisSet chunk_bit(ax::AxisId axis) const;
  /// What a value that varies over `deps` has to be computed inside of, whichever nests it needs.
  [[nodiscard]] ax::AxisSet outer(ax::AxisSet deps) const;
  void chunk_loop(const ax::For& loop, ExprId lo, ExprId hi, const std::function<void()>& fill);
  [[nodiscard]] bool blocks_rows(const Contraction& contraction) const;
  [[nodiscard]] bool alike_but_for(ax::AxisId row, ax::ValueId lo, ax::ValueId hi) const;
  VectorShape strip_shape(const Contraction::Product& product) const;
  void keep_contraction(const Contraction& contraction, BufferId buffer);
  void keep_block(const Strip& strip, ax::AxisId row, ExprId from);
  bool clear_past_end(const Contraction& contraction);
  ExprId within(const RowBounds& bounds, ax::AxisId over);
  ExprId right_of(const Strip& strip);
  /// `until`: kNone for the row `from` alone.
  RowBounds row_bounds(ax::AxisId over, ax::AxisId row, ExprId from, ExprId until);
  /// The positions of a range axis that are in hand: all, or those of its window.
  ExprId low(ax::AxisId axis) { return window_lo_[axis] == kNone ? b_.i64(0) : window_lo_[axis]; }
  ExprId high(ax::AxisId axis) { return window_hi_[axis] == kNone ? k_.axis_extent(axis) : window_hi_[axis]; }

  // ---- row_band.cpp ----
  /// Stands in Scope::bound for the loop over bands.
  [[nodiscard]] ax::AxisSet band_bit() const;
  /// Runs `fill` for the window's rows, a band at a time; `loop`: the `for` whose part is in hand.
  void bands(const ax::For& loop, const std::function<void()>& fill);
  void narrow(const ax::For& loop, const std::function<void()>& fill);
  void share_panels(const ax::For& loop);
  [[nodiscard]] bool may_share(const Contraction& contraction, const ax::For& loop) const;

  // ---- transposition_nest.cpp ----
  /// A block whose one store runs along another axis than what it reads.
  struct Turn {
    const ax::Store* store = nullptr;
    ax::AxisId along = kNone;     // of the lines written
    ax::AxisId across = kNone;    // of the lines read; carries the lanes
    std::uint32_t dimension = 0;  // of the stored array that `along` indexes
  };
  [[nodiscard]] std::optional<Turn> match_turn(const ax::Parallel& block) const;
  Launch lower_turn(const ax::Parallel& block, const Turn& turn, std::string name);
  void turned_tile(const Turn& turn, RegType type, std::int32_t lanes, ExprId along_step);
  void turned_square(const Turn& turn, RegType type, std::int32_t lanes, ExprId from);

  // ---- lower_stmt.cpp ----
  void statements(const ax::Body& body);
  void control_body(const ax::Body& body, Body& out, bool barrier);
  void lower_stmt(const ax::Stmt& stmt, const ax::Let& let);
  void lower_stmt(const ax::Stmt& stmt, const ax::Declare& declare);
  void lower_stmt(const ax::Stmt& stmt, const ax::Assign& assign);
  void lower_stmt(const ax::Stmt& stmt, const ax::Store& store);
  void lower_stmt(const ax::Stmt& stmt, const ax::For& loop);
  void lower_stmt(const ax::Stmt& stmt, const ax::While& loop);
  void lower_stmt(const ax::Stmt& stmt, const ax::If& branch);
  void lower_stmt(const ax::Stmt& stmt, const ax::Assert& assertion);
  void lower_stmt(const ax::Stmt& stmt, const ax::Print& print);
  void lower_stmt(const ax::Stmt& stmt, const ax::Parallel& parallel);
  /// A nest over the range axes of `roots` and `axes`, vectorised where it pays.
  void value_nest(ax::AxisSet axes, std::span<const ax::ValueId> roots, const ax::Store* store, RegType type,
                  const std::function<void()>& fill);
  ExprId updated(ax::Update update, RegType type, ExprId old, ExprId value);
  ExprId read_var(ax::VarId var);

  // ---- lower_control.cpp ----
  Predicate condition(ax::ValueId value);
  void under(Predicate predicate, const std::function<void()>& fill);
  [[nodiscard]] bool varies(ax::ValueId value) const;
  void uniform_while(const ax::While& loop);
  void while_by_lane(const ax::While& loop);
  void while_along(const ax::While& loop);
  /// `fill` in a scope of its own that runs where `condition`, which is uniform, holds.
  void guarded(ExprId condition, const std::function<void()>& fill);
  ExprId meets_window(ax::AxisId axis, ax::ValueId lo, ax::ValueId hi);
  void uniform_for(const ax::For& loop, ExprId lo, ExprId hi, const std::function<void()>& fill);
  /// The least (or greatest) of an i64 value over all live lanes and range axes that it varies over.
  ExprId extreme(ax::ValueId id, ax::Reduction reduction);

  // ---- lower_value.cpp ----
  ExprId value(ax::ValueId id) { return place(id).expr; }
  Placed place(ax::ValueId id);
  Placed place_fresh(ax::ValueId id);
  Placed place_op(ax::ValueId id);
  Placed place_random(ax::ValueId id);  // random.cpp
  Placed place_select(ax::ValueId id);
  Placed place_load(ax::ValueId id);
  Placed place_reindex(ax::ValueId id);
  Placed place_kept(ax::ValueId id);
  Placed load_kept(ax::ValueId id, BufferId buffer, std::size_t depth);
  /// The scratch of a value that is kept, computed if it is not there.
  BufferId kept_buffer(ax::ValueId id);
  Placed load_shared(ax::ValueId id, BufferId buffer, ax::AxisSet axes);
  struct Indices {
    std::vector<ExprId> exprs;
    ExprId in_range = kNone;  // of the indices that have to be checked
    std::size_t depth = 0;
  };
  Indices indices(ax::ArrayId array, const std::vector<ax::Index>& list, bool checked, ax::AxisSet axes, ax::Span span);
  Placed index(ax::ValueId id);
  ExprId position(ax::AxisId axis) const { return positions_[axis]; }
  [[nodiscard]] std::vector<ax::AxisId> position_axes(ax::AxisSet axes) const;
  ExprId linear_position(ax::AxisSet axes);
  std::size_t bound_depth(ax::AxisId axis) const;
  /// Whether the element in hand runs, by the predicates from `first` on; kNone: it does. Where they differ along whole
  /// axes that are not walked here: whether it runs anywhere along them.
  ExprId live(std::size_t first = 0);
  ExprId live_along(ax::AxisSet open, std::size_t first);
  /// Whether any lane runs, uniform.
  ExprId live_anywhere();
  ax::AxisSet live_deps() const;
  /// The same without axes of loops.
  [[nodiscard]] ax::AxisSet condition_axes() const;

  // ---- nests.cpp ----
  ax::AxisSet range(ax::AxisSet axes) const { return axes & modes_.range; }
  /// Marks what `fill` emits as one nest, so that kept values over the same axes may be stored on the way.
  void in_nest(ax::AxisSet axes, const std::function<void()>& fill);
  /// One loop per axis, `vector_axis` last and by `shape`.
  void loops(ax::AxisSet axes, ax::AxisId vector_axis, VectorShape shape, const std::function<void()>& fill);
  void loop_over(ax::AxisId axis, ExprId lo, ExprId hi, VectorShape shape, const std::function<void()>& fill);
  /// How the nest over `axes` that computes `of` runs: along one of them, if any, with a few vectors of `type` a step,
  /// up to `most` along axes of `first`, which are preferred where all else is equal.
  struct NestLanes {
    ax::AxisId axis = kNone;
    VectorShape shape;
  };
  NestLanes nest_lanes(ax::ValueId of, ax::AxisSet axes, std::span<const ax::ValueId> roots, const ax::Store* store,
                       RegType type, ax::AxisSet first = 0, std::int32_t most = 0);
  [[nodiscard]] bool may_carry(ax::AxisId axis, const ax::Store* store) const;
  /// The axis along which a nest runs fastest, or kNone.
  ax::AxisId choose_vector(ax::AxisSet axes, std::span<const ax::ValueId> roots, const ax::Store* store,
                           ax::AxisSet first);
  VectorShape shape_for(RegType type, std::int32_t cost, std::int32_t most) const;
  [[nodiscard]] std::int32_t point_cost(std::span<const ax::ValueId> roots) const;
  BufferId scratch(const std::string& name, RegType type, ax::AxisSet axes);
  std::vector<ExprId> scratch_indices(BufferId buffer, ax::AxisSet axes);
  std::vector<ax::AxisId> scratch_order(ax::AxisSet axes) const;
  void store_scratch(BufferId buffer, ax::AxisSet axes, ExprId value, ExprId predicate);
  /// Computes a value into scratch at `depth`, in a nest of its own.
  void keep(ax::ValueId id, std::size_t depth);

  // ---- reductions.cpp ----
  struct Accumulator {
    ax::Reduction reduction = ax::Reduction::kSum;
    RegType type = RegType::kF32;
    RegId main = kNone, nan = kNone;
    bool combine = false;  // the lanes are parts of one result
  };
  Placed place_reduce(ax::ValueId id);
  Placed reduce_point(ax::ValueId id);
  Accumulator begin(ax::Reduction reduction, RegType type, VectorShape shape, bool combine);
  void accumulate(const Accumulator& acc, ExprId value, ExprId predicate);
  ExprId finish(const Accumulator& acc);
  /// Emits the nest of a reduction in the current scope; `done` gets the result at each kept position.
  void emit_reduce(ax::ValueId id, const std::function<void(ExprId)>& done);
  /// The same before the last step: `done` gets the sum or extreme and, of argmax and argmin, its first position.
  void emit_partial(ax::ValueId id, const std::function<void(ExprId, ExprId)>& done);
  /// The result of a reduction over `over` whose nest has come to `total`, found at `at`.
  ExprId complete(ax::ValueId id, ax::AxisSet over, ExprId total, ExprId at);
  /// Where `x` equals the extreme `best`, `at`; elsewhere later than any position. A NaN is its own extreme.
  ExprId position_if_best(ExprId x, ExprId best, ExprId at);
  /// What one number made of another's reduction: the terms of argmax and argmin are compared in their own type.
  [[nodiscard]] static RegType accumulated_type(const KernelContext& kernel, ax::ValueId id);
  /// Whether each row may run a reduction over its own part of the ragged loop in hand, rather than over all of it with
  /// the rest held back.
  [[nodiscard]] bool by_own_bounds(ax::ValueId id, ax::AxisId vector) const;
  void emit_scan(ax::ValueId id, BufferId buffer);
  void emit_argsort(ax::ValueId id, BufferId buffer);
  ExprId count(ax::AxisSet axes);
  /// Row-major position among the axes of a reduction, in ascending order.
  ExprId position_within(ax::AxisSet axes);

  KernelContext& k_;
  LoopBuilder& b_;
  LaunchDecisions decide_;
  Form form_ = Form::kPositions;
  AxisModes modes_;
  std::vector<Scope> scopes_;
  std::vector<Predicate> predicates_;
  std::vector<Nest> nests_;
  std::vector<ExprId> positions_;                                // per axis, where bound
  std::vector<ExprId> tile_origin_;                              // per axis: start of its tile, for lanes in scratch
  std::vector<ExprId> window_lo_, window_hi_;                    // per range axis of which a window is in hand
  std::unordered_map<BufferId, std::vector<ExprId>> origins_;    // of scratch: the position at index 0, per dimension
  std::unordered_map<ax::ValueId, SharedPanels> shared_panels_;  // by sum
  std::optional<Band> band_;                                     // in hand
  std::vector<Ragged> ragged_;
  std::unordered_map<ax::VarId, RegId> registers_;
  std::unordered_map<ax::VarId, BufferId> var_buffers_;
  // How many predicates were there before a variable: whoever sees it is live by those.
  std::unordered_map<ax::VarId, std::size_t> var_predicates_;
  std::vector<BufferId> scratch_;      // of this launch
  std::vector<ax::AxisId> enclosing_;  // parallel axes and those of open loops, from the outside in
  ax::AxisSet statement_axes_ = 0;     // of the statement in hand
  bool written_ = true;                // the source says `parallel`
  bool overwrites_inputs_ = false;     // a store before the last may land on an input (rule 17)
  std::int64_t lane_tile_ = 0;         // positions of the lane axis per tile
};

}  // namespace aurex::schedule
