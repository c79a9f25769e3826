#include "aurex/schedule/line_sort.h"

#include <limits>

#include "aurex/ax/registers.h"

namespace aurex::schedule {
namespace {

using ax::Op;
using ax::Update;

constexpr std::int64_t kDigitBits = 8;
constexpr std::int64_t kDigits = std::int64_t{1} << kDigitBits;

/// Up to here a line is sorted by ranks: n²/8 vector comparisons take less than the passes over 256 counters.
constexpr std::int64_t kRanked = 64;

Buffer scratch(const char* name, DType dtype, std::vector<ExprId> extents) {
  Buffer buffer{.name = name, .kind = Buffer::Kind::kWorker, .dtype = dtype, .extents = std::move(extents)};
  buffer.stride.assign(buffer.extents.size(), Buffer::Stride::kAny);
  buffer.stride.back() = Buffer::Stride::kUnit;
  return buffer;
}

}  // namespace

LineSort::LineSort(LoopBuilder& builder, const Target& target, RegType type, ExprId length)
    : b_(builder), target_(target), type_(type), length_(length) {
  wide_ = type == RegType::kF64 || type == RegType::kI64 || type == RegType::kU64;
  words_ = b_.new_buffer(scratch("words", DType::kU64, {b_.i64(2), length}));
  if (wide_) order_ = b_.new_buffer(scratch("order", DType::kI32, {b_.i64(2), length}));
  counts_ = b_.new_buffer(scratch("counts", DType::kI32, {b_.i64(passes() * kDigits)}));
}

std::vector<BufferId> LineSort::buffers() const {
  return wide_ ? std::vector{words_, order_, counts_} : std::vector{words_, counts_};
}

ExprId LineSort::key(Body& body, ExprId x) {
  const RegType integer = wide_ ? RegType::kI64 : RegType::kI32;
  const std::int64_t least =
      wide_ ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int32_t>::min();
  if (ax::is_float(type_)) {
    x = b_.name_value(body, "x", x);
    const ExprId bits = b_.name_value(body, "bits", b_.op(Op::kBitcast, integer, {x}));
    // Sign and magnitude to two's complement: both zeros are 0.
    const ExprId negative = b_.compare(Op::kLt, bits, b_.integer(integer, 0));
    const ExprId ordered = b_.select(negative, b_.sub(b_.integer(integer, least), bits), bits);
    x = b_.select(b_.compare(Op::kNe, x, x), b_.integer(integer, ~least), ordered);
  }
  if (b_.type(x) == integer) {
    // The sign bit turned over, signed order becomes unsigned order.
    const ExprId turned = b_.op(Op::kBitXor, integer, {x, b_.integer(integer, least)});
    x = b_.op(Op::kBitcast, wide_ ? RegType::kU64 : RegType::kU32, {turned});
  }
  return b_.cast(RegType::kU64, x);
}

void LineSort::put(Body& body, ExprId x, ExprId position) {
  ExprId word = key(body, x);
  if (!wide_) {
    const ExprId high = b_.op(Op::kShl, RegType::kU64, {word, b_.integer(RegType::kU64, 32)});
    word = b_.op(Op::kBitOr, RegType::kU64, {high, b_.cast(RegType::kU64, position)});
  }
  store(body, words_, {b_.i64(0), position}, word);
  if (wide_) store(body, order_, {b_.i64(0), position}, b_.cast(RegType::kI32, position));
}

void LineSort::sort(Body& body) {
  half_ = b_.new_register("half", RegType::kI64, 1, 1);
  body.push_back({Declare{.reg = half_, .value = b_.i64(0)}});
  If branch{.condition = b_.compare(Op::kLe, length_, b_.i64(kRanked))};
  by_ranks(branch.then_body);
  by_radix(branch.else_body);
  body.push_back({std::move(branch)});
}

ExprId LineSort::sorted(ExprId rank) {
  return b_.cast(RegType::kI32, b_.load(wide_ ? order_ : words_, {b_.reg(half_), rank}));
}

/// Each word goes to the place that is the number of words before it.
void LineSort::by_ranks(Body& body) {
  Loop each{.var = b_.loop_var("i"), .lo = b_.i64(0), .hi = length_};
  const ExprId at = b_.var(each.var);
  const ExprId word = b_.name_value(each.body, "word", b_.load(words_, {b_.i64(0), at}));
  Loop others{.kind = Loop::Kind::kVector,
              .var = b_.vector_var("j"),
              .lo = b_.i64(0),
              .hi = length_,
              .lanes = target_.lanes(8),
              .vectors = 1,
              .tail = target_.masks ? Tail::kMasked : Tail::kNarrow};
  const RegId before = b_.new_register("before", RegType::kI64, others.lanes, others.vectors);
  each.body.push_back({Declare{.reg = before, .value = b_.i64(0)}});
  const ExprId other_at = b_.var(others.var);
  const ExprId other = b_.load(words_, {b_.i64(0), other_at});
  ExprId less = b_.compare(Op::kLt, other, word);
  if (wide_) {
    const ExprId tie = b_.both(b_.compare(Op::kEq, other, word), b_.compare(Op::kLt, other_at, at));
    less = b_.op(Op::kOr, RegType::kBool, {less, tie});
  }
  const ExprId more = b_.add(b_.reg(before), b_.select(less, b_.i64(1), b_.i64(0)));
  others.body.push_back({Set{.reg = before, .value = more}});
  each.body.push_back({std::move(others)});
  const ExprId rank = b_.name_value(each.body, "rank", b_.tree(ax::Reduction::kSum, before));
  store(each.body, words_, {b_.i64(1), rank}, word);
  if (wide_) store(each.body, order_, {b_.i64(1), rank}, b_.cast(RegType::kI32, at));
  body.push_back({std::move(each)});
  body.push_back({Set{.reg = half_, .value = b_.i64(1)}});
}

void LineSort::by_radix(Body& body) {
  count_digits(body);
  Loop pass{.var = b_.loop_var("pass"), .lo = b_.i64(0), .hi = b_.i64(passes())};
  const ExprId table = b_.name_value(pass.body, "table", b_.mul(b_.var(pass.var), b_.i64(kDigits)));
  const ExprId low = b_.add(b_.mul(b_.var(pass.var), b_.i64(kDigitBits)), b_.i64(wide_ ? 0 : 32));
  const ExprId shift = b_.name_value(pass.body, "shift", b_.cast(RegType::kU64, low));
  const ExprId from = b_.name_value(pass.body, "from", b_.reg(half_));
  const ExprId first = digit(b_.load(words_, {from, b_.i64(0)}), shift);
  const ExprId alike = b_.name_value(pass.body, "alike", b_.load(counts_, {b_.add(table, first)}));
  // A digit that all words share leaves them where they are.
  If differs{.condition = b_.compare(Op::kNe, b_.cast(RegType::kI64, alike), length_)};
  sum_counts(differs.then_body, table);
  distribute(differs.then_body, table, shift, from);
  pass.body.push_back({std::move(differs)});
  body.push_back({std::move(pass)});
}

/// How often each digit occurs at each place, for all passes at once.
void LineSort::count_digits(Body& body) {
  Loop clear{.kind = Loop::Kind::kVector,
             .var = b_.vector_var("c"),
             .lo = b_.i64(0),
             .hi = b_.i64(passes() * kDigits),
             .lanes = target_.lanes(4),
             .vectors = 4,
             .tail = Tail::kNone};
  store(clear.body, counts_, {b_.var(clear.var)}, b_.integer(RegType::kI32, 0));
  body.push_back({std::move(clear)});
  Loop each{.var = b_.loop_var("i"), .lo = b_.i64(0), .hi = length_};
  const ExprId word = b_.name_value(each.body, "word", b_.load(words_, {b_.i64(0), b_.var(each.var)}));
  for (std::int64_t pass = 0; pass < passes(); ++pass) {
    const ExprId shift = b_.integer(RegType::kU64, pass * kDigitBits + (wide_ ? 0 : 32));
    store(each.body, counts_, {b_.add(b_.i64(pass * kDigits), digit(word, shift))}, b_.integer(RegType::kI32, 1),
          Update::kAdd);
  }
  body.push_back({std::move(each)});
}

/// Counts of one pass become the place of the first word with each digit.
void LineSort::sum_counts(Body& body, ExprId table) {
  const RegId place = b_.new_register("place", RegType::kI32, 1, 1);
  body.push_back({Declare{.reg = place, .value = b_.integer(RegType::kI32, 0)}});
  Loop each{.var = b_.loop_var("d"), .lo = b_.i64(0), .hi = b_.i64(kDigits)};
  const ExprId at = b_.add(table, b_.var(each.var));
  const ExprId count = b_.name_value(each.body, "count", b_.load(counts_, {at}));
  store(each.body, counts_, {at}, b_.reg(place));
  each.body.push_back({Set{.reg = place, .value = b_.add(b_.reg(place), count)}});
  body.push_back({std::move(each)});
}

/// Words go, in their order, to the next place of their digit in the other half.
void LineSort::distribute(Body& body, ExprId table, ExprId shift, ExprId from) {
  const ExprId to = b_.name_value(body, "to", b_.sub(b_.i64(1), from));
  Loop each{.var = b_.loop_var("i"), .lo = b_.i64(0), .hi = length_};
  const ExprId at = b_.var(each.var);
  const ExprId word = b_.name_value(each.body, "word", b_.load(words_, {from, at}));
  const ExprId slot = b_.name_value(each.body, "slot", b_.add(table, digit(word, shift)));
  const ExprId place = b_.name_value(each.body, "place", b_.load(counts_, {slot}));
  store(each.body, counts_, {slot}, b_.add(place, b_.integer(RegType::kI32, 1)));
  const ExprId target = b_.cast(RegType::kI64, place);
  store(each.body, words_, {to, target}, word);
  if (wide_) store(each.body, order_, {to, target}, b_.load(order_, {from, at}));
  body.push_back({std::move(each)});
  body.push_back({Set{.reg = half_, .value = to}});
}

ExprId LineSort::digit(ExprId word, ExprId shift) {
  const ExprId low = b_.op(Op::kShr, RegType::kU64, {word, shift});
  return b_.cast(RegType::kI64, b_.op(Op::kBitAnd, RegType::kU64, {low, b_.integer(RegType::kU64, kDigits - 1)}));
}

void LineSort::store(Body& body, BufferId buffer, std::vector<ExprId> indices, ExprId value, Update update) {
  const Access access = b_.access(buffer, indices);
  body.push_back(
      {Store{.buffer = buffer, .indices = std::move(indices), .value = value, .update = update, .access = access}});
}

}  // namespace aurex::schedule
