#pragma once

// The state of one run of the interpreter. Internal to the interpreter; interp.h is the way in.
//
// Values are computed when a statement first needs them and kept until the body in which that happened ends, or its
// next iteration begins. So a value read in a loop is read anew each time round, and one that a `let` named before the
// loop is not. Arguments stand before users in the program, so what a statement needs is computed in ascending order.

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aurex/ax/interp.h"
#include "aurex/ax/interp_memory.h"
#include "aurex/ax/interp_tile.h"

namespace aurex::ax::interp {

using TilePtr = std::shared_ptr<const Tile>;

/// Something to be said about an element, carried along with it.
struct Note {
  enum class Kind : std::uint8_t { kIndex, kUninitialised, kNan, kDivisionByZero };
  Kind kind = Kind::kIndex;
  Span span;
  std::int64_t index = 0, bound = 0;
};

class Machine {
 public:
  Machine(const TileProgram& program, const BoundCall& call, const InterpOptions& options);

  RunReport run();

 private:
  // Statements (interp.cpp).
  void execute(const Body& body);
  void execute_in_frame(const Body& body);
  void execute(const Stmt& stmt);
  void execute(const Parallel& parallel);
  void tiles_of(const Parallel& parallel, std::size_t level);
  void execute(const For& loop);
  void execute(const While& loop);
  void execute(const If& branch);
  void execute(const Let& let);
  void execute(const Declare& declare);
  void execute(const Assign& assign);
  void execute(const Store& store);
  void execute(const Assert& assertion);
  void execute(const Print& print);
  void flush_prints();
  void store_one(const Store& store, ArrayMemory& memory, std::span<const std::int64_t> index, RegType type, Cell value,
                 const Walk& walk);
  [[nodiscard]] bool check_unique(const Store& store, std::int64_t linear, const Walk& walk);

  // Masks (interp_masks.cpp). Null: every element is live.
  [[nodiscard]] TilePtr masked(const TilePtr& mask, const TilePtr& condition, bool wanted) const;
  [[nodiscard]] TilePtr within(const TilePtr& mask, AxisId axis, const Tile& lo, const Tile& hi) const;
  /// The mask on a set of axes; an element is live where it is at any position of the others.
  [[nodiscard]] TilePtr projected(const TilePtr& mask, AxisSet axes) const;
  [[nodiscard]] static bool any_live(const TilePtr& mask);

  // Values (interp_values.cpp).
  /// The value as of now, computed if it is not at hand.
  const Tile& value(ValueId id);
  /// As `value`, and raises what any live element was marked with.
  const Tile& settled(ValueId id);
  void settle(const Tile& tile);
  [[nodiscard]] std::int64_t scalar(ValueId id);
  void compute(ValueId id);
  [[nodiscard]] Tile make(AxisSet axes, RegType type) const;
  [[nodiscard]] Tile leaf(const Value& value) const;
  [[nodiscard]] Tile position(const Value& value) const;
  [[nodiscard]] Tile random(const Value& value);
  [[nodiscard]] Tile load(const Value& value);
  [[nodiscard]] Tile element_wise(const Value& value);
  [[nodiscard]] Tile reindex(const Value& value);
  /// Fills `at` with one position per index; returns the first that lies outside, or -1.
  [[nodiscard]] int indices(const std::vector<Index>& indices, const std::vector<std::size_t>& handles,
                            const Walk& walk, std::span<const std::int64_t> extents, std::vector<std::int64_t>& at);
  [[nodiscard]] std::vector<std::size_t> follow_indices(const std::vector<Index>& indices, Walk& walk);
  [[nodiscard]] AxisSet index_axes(const std::vector<Index>& indices);
  /// The mark of the first index that has one.
  [[nodiscard]] NoteId index_note(const std::vector<Index>& indices, const std::vector<std::size_t>& handles,
                                  const Walk& walk);

  // Reductions, scans, sorting (interp_reduce.cpp).
  [[nodiscard]] Tile reduce(const Value& value);
  [[nodiscard]] Tile reduce_arg(const Value& value);
  [[nodiscard]] Tile scan(const Value& value);
  [[nodiscard]] Tile argsort(const Value& value);
  /// A float sum of `terms` numbers with magnitude Σ|terms|, moved as the options ask.
  /// `lost` is what its terms may lose besides rounding.
  [[nodiscard]] Cell perturbed(RegType type, Cell sum, std::int64_t terms, double magnitude, double lost = 0);
  /// What a result is moved to where orders of adding disagree by more than any bound: infinitely far.
  [[nodiscard]] static Cell undecided(RegType type, Cell result);
  class OrderRange;

  // Notes and faults (interp_notes.cpp).
  [[nodiscard]] NoteId note(Note note);
  [[nodiscard]] bool is_fault(NoteId id) const { return id != 0 && notes_[id - 1].kind == Note::Kind::kIndex; }
  /// The stronger of two marks; one of NaN's origin lives only on NaN.
  [[nodiscard]] NoteId merge(NoteId a, NoteId b) const;
  [[nodiscard]] NoteId carried(NoteId note, RegType type, Cell result) const;
  [[noreturn]] void raise(NoteId note, const Walk& walk);
  void find(Finding::Kind kind, Span span, const Walk& walk, const std::string& text);
  void report(NoteId note, const Walk& walk);
  [[nodiscard]] std::int64_t line(Span span) const;
  [[nodiscard]] std::int64_t linear_position(const Walk& walk, bool with_loops = true) const;
  /// The same by axis, in the order in which the linear position counts.
  [[nodiscard]] AxisPositions axis_positions(const Walk& walk) const;
  template <typename Visit>
  void each_position_axis(const Walk& walk, bool with_loops, Visit&& visit) const;

  const TileProgram& program_;
  const BoundCall& call_;
  const InterpOptions& options_;
  Ranges ranges_ = {};
  std::vector<ArrayMemory> memory_;
  std::vector<Tile> vars_;
  std::vector<TilePtr> values_;  // per ValueId, null where not at hand
  std::vector<ValueId> trail_;   // values at hand in the order they came; frames are suffixes of it
  TilePtr mask_;
  std::vector<AxisId> enclosing_;  // axes of enclosing parallel and for statements, outermost first
  AxisSet loop_axes_ = 0;          // those of `for`
  std::vector<Note> notes_;
  std::multimap<std::pair<std::int64_t, std::int64_t>, PrintRecord> prints_;  // of this launch, by position and line
  Span statement_;
  std::unordered_map<const Store*, std::unordered_map<std::int64_t, std::int64_t>> unique_;  // element to its writer
  std::uint64_t draws_ = 0;
  RunReport report_;
};

}  // namespace aurex::ax::interp
