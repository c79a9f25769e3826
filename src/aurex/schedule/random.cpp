// Random numbers (rule 33): Philox4x32-10 written out in operations that every target has, in 64-bit lanes whose upper
// half is clear. The interpreter's is ax/philox.h; both give the same bits.

#include <algorithm>
#include <array>

#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {

using ax::Op;
using ax::ValueId;

namespace {

constexpr std::int64_t kWord = 0xFFFFFFFF;

/// Names what is used twice in `body`, so that no expression doubles from round to round.
class Philox {
 public:
  Philox(LoopBuilder& builder, Body& body) : b_(builder), body_(body) {}

  /// The uniform number of an element, f32; both arguments are u64.
  ExprId uniform(ExprId seed, ExprId element) {
    constexpr std::int64_t kMultipliers[] = {0xD2511F53, 0xCD9E8D57}, kWeyl[] = {0x9E3779B9, 0xBB67AE85};
    element = b_.name_value(body_, "element", element);
    seed = b_.name_value(body_, "seed", seed);
    const ExprId block = b_.name_value(body_, "block", high(element, 2));
    std::array<ExprId, 4> counter = {low(block), high(block, 32), word(0), word(0)};
    const std::array<ExprId, 2> key = {low(seed), high(seed, 32)};
    for (std::int64_t round = 0; round < 10; ++round) {
      std::array<ExprId, 2> product{}, turned{};
      for (std::size_t i = 0; i < 2; ++i) {
        product[i] = b_.name_value(body_, "product", b_.mul(word(kMultipliers[i]), counter[2 * i]));
        turned[i] = b_.name_value(body_, "key", low(b_.add(key[i], word(round * kWeyl[i] & kWord))));
      }
      counter = {either(either(high(product[1], 32), counter[1]), turned[0]), low(product[1]),
                 either(either(high(product[0], 32), counter[3]), turned[1]), low(product[0])};
    }
    const auto bit = [&](std::int64_t mask) {
      return b_.compare(Op::kNe, b_.op(Op::kBitAnd, ax::RegType::kU64, {element, word(mask)}), word(0));
    };
    const ExprId second = b_.name_value(body_, "second", bit(2));
    const ExprId chosen =
        b_.select(bit(1), b_.select(second, counter[3], counter[1]), b_.select(second, counter[2], counter[0]));
    // 24 bits: exact as i32, as f32, and times a power of two.
    return b_.mul(b_.cast(ax::RegType::kF32, b_.cast(ax::RegType::kI32, high(chosen, 8))),
                  b_.number(ax::RegType::kF32, 0x1p-24));
  }

 private:
  ExprId word(std::int64_t value) { return b_.integer(ax::RegType::kU64, value); }
  ExprId low(ExprId x) { return b_.op(Op::kBitAnd, ax::RegType::kU64, {x, word(kWord)}); }
  ExprId high(ExprId x, std::int64_t bits) { return b_.op(Op::kShr, ax::RegType::kU64, {x, word(bits)}); }
  ExprId either(ExprId x, ExprId y) { return b_.op(Op::kBitXor, ax::RegType::kU64, {x, y}); }

  LoopBuilder& b_;
  Body& body_;
};

}  // namespace

BlockLowering::Placed BlockLowering::place_random(ValueId id) {
  const ax::Value& v = k_.value(id);
  const Placed seed = place(v.args[0]);
  std::size_t d = seed.depth;
  ExprId element = b_.i64(0);
  for (std::size_t i = 1; i < v.args.size(); ++i) {
    const ax::AxisId axis = k_.value(v.args[i]).id;
    element = b_.add(b_.mul(element, k_.axis_extent(axis)), position(axis));
    d = std::max(d, bound_depth(axis));
  }
  const ExprId stream = b_.cast(ax::RegType::kU64, b_.cast(ax::RegType::kI64, seed.expr));
  Philox philox(b_, *scopes_[d].body);
  return {name(d, id, philox.uniform(stream, b_.cast(ax::RegType::kU64, element))), d};
}

}  // namespace aurex::schedule
