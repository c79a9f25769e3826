#pragma once

// What the values in a `for` that runs in tiles have to do with its tiles (rule 1).
//
// A value is the same for every tile, or has an element for each position, or folds a tile in such a way that the fold
// of two tiles is the sum, product, maximum or minimum of their folds. What is none of these depends on where tiles
// begin and end. Variables that the loop carries from tile to tile are told apart by when they are read: before or
// after the one statement that gives them their next value. Belongs to one check of one program, which must not change
// meanwhile.

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aurex/ax/program_builder.h"

namespace aurex::ax {

/// `any` folds as a maximum of bools does, `all` as a minimum.
enum class TileClass : std::uint8_t { kSame, kEach, kSum, kProd, kMax, kMin, kOther };

/// The statements of a program in order, and which of them first needs each value.
struct StatementOrder {
  explicit StatementOrder(const TileProgram& program);

  struct Interval {
    std::uint32_t begin = 0, end = 0;
  };
  std::unordered_map<const Body*, Interval> bodies;
  std::vector<std::uint32_t> needed_at;  ///< per value; kNone where no statement needs it
};

/// One assignment inside a loop.
struct TileAssignment {
  const Assign* assign = nullptr;
  std::uint32_t at = 0;           ///< its place in StatementOrder
  const Body* home = nullptr;     ///< the statements it is one of
  bool unconditional = false;     ///< only `for` stands between the loop and it
  std::vector<ValueId> controls;  ///< conditions and bounds between the loop and it
};

class TileClasses {
 public:
  TileClasses(const ProgramBuilder& builder, const StatementOrder& order, const For& loop);

  [[nodiscard]] AxisId axis() const { return axis_; }
  [[nodiscard]] TileClass of(ValueId id) const { return classes_[id]; }
  /// The same for every tile, or an element per position: nothing is folded and nothing carried.
  [[nodiscard]] bool clean(ValueId id) const { return of(id) == TileClass::kSame || of(id) == TileClass::kEach; }

  [[nodiscard]] bool declared(VarId var) const { return declared_.test(var); }
  [[nodiscard]] bool carried(VarId var) const { return changed_.test(var) && !declared_.test(var); }
  [[nodiscard]] const std::vector<TileAssignment>& assignments(VarId var) const { return assignments_.at(var); }

  /// Which value of a carried variable a kVar is: what it had before this tile, what this tile makes of it, or neither
  /// for certain.
  enum class Reading : std::uint8_t { kBefore, kAfter, kUncertain };
  [[nodiscard]] Reading reading(ValueId read) const;
  /// The variable that this tile gives this value to; kNone where there is none for certain.
  [[nodiscard]] VarId becomes(ValueId id) const;
  /// The value of a variable that is declared in the loop and not assigned to afterwards; kNone for others.
  [[nodiscard]] ValueId only_value(VarId var) const;
  /// Does the loop store to what this load reads, other than the very element?
  [[nodiscard]] bool reads_other_tiles(const Load& load) const;

 private:
  void collect(const Body& body, std::vector<ValueId>& controls, bool unconditional);
  void classify();
  [[nodiscard]] TileClass classify(const Value& value) const;
  [[nodiscard]] TileClass classify_reduce(const Value& value) const;
  [[nodiscard]] TileClass classify_load(const Value& value) const;
  [[nodiscard]] TileClass classify_folded(const Value& value) const;
  [[nodiscard]] TileClass variable_class(VarId var) const;

  const ProgramBuilder& builder_;
  const TileProgram& program_;
  const StatementOrder& order_;
  StatementOrder::Interval interval_;
  AxisId axis_ = kNone;
  std::bitset<kMaxVars> declared_, changed_;
  std::map<VarId, std::vector<TileAssignment>> assignments_;
  std::unordered_map<VarId, ValueId> initial_;
  std::unordered_map<ArrayId, std::vector<const Store*>> stores_;
  std::unordered_map<ValueId, VarId> next_values_;
  std::vector<TileClass> classes_;
  std::unordered_map<VarId, TileClass> variables_;
};

}  // namespace aurex::ax
