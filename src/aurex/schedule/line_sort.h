#pragma once

// Sorts one line of numbers in scratch memory of the worker (rule 28: stable, NaN last), as loops of the loop program.
// Internal to schedule/.
//
//   LineSort sort(b, target, type, length);         // once per launch: makes the buffers
//   … sort.put(body, x, position) …                 // for every position, in lanes or not
//   sort.sort(body);
//   … sort.sorted(rank) …                           // for every rank: the position of that element
//
// Each element becomes a word whose order as an unsigned integer is the element's: both zeros are one key, every NaN is
// one key above all others. A key of 32 bits has its position in the low half of its word; that of one of 64 bits lies
// beside it. Short lines are sorted by ranks, without a branch and in lanes; longer ones by radix from the lowest digit
// up, which takes a time linear in the length and leaves out digits that all keys share.

#include <vector>

#include "aurex/schedule/builder.h"
#include "aurex/schedule/target.h"

namespace aurex::schedule {

class LineSort {
 public:
  /// A line of `length` (i64, of constants, scalars and extents) elements of `type`, which is not bool.
  LineSort(LoopBuilder& builder, const Target& target, RegType type, ExprId length);

  /// What the launch has to list.
  [[nodiscard]] std::vector<BufferId> buffers() const;
  void put(Body& body, ExprId x, ExprId position);
  void sort(Body& body);
  /// i32; in the body that `sort` was emitted to, or one inside.
  [[nodiscard]] ExprId sorted(ExprId rank);

 private:
  [[nodiscard]] std::int64_t passes() const { return wide_ ? 8 : 4; }
  ExprId key(Body& body, ExprId x);
  void by_ranks(Body& body);
  void by_radix(Body& body);
  void count_digits(Body& body);
  void sum_counts(Body& body, ExprId table);
  void distribute(Body& body, ExprId table, ExprId shift, ExprId from);
  ExprId digit(ExprId word, ExprId shift);
  void store(Body& body, BufferId buffer, std::vector<ExprId> indices, ExprId value,
             ax::Update update = ax::Update::kSet);

  LoopBuilder& b_;
  const Target& target_;
  RegType type_;
  ExprId length_;
  bool wide_ = false;                       // keys of 64 bits
  BufferId words_ = kNone, order_ = kNone;  // [2, length]: passes go from one half to the other
  BufferId counts_ = kNone;                 // per pass, one for each digit
  RegId half_ = kNone;                      // that the line lies in
};

}  // namespace aurex::schedule
