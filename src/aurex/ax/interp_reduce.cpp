// Reductions, scans and sorting: dead elements contribute nothing (rule 20), empty ones what rule 29 says.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "aurex/ax/interp_machine.h"
#include "aurex/base/error.h"

namespace aurex::ax::interp {
namespace {

double epsilon(RegType type) {
  return type == RegType::kF64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
}

/// The step that a reduction or scan repeats: a mean is a sum first.
Reduction step_of(Reduction reduction) { return reduction == Reduction::kMean ? Reduction::kSum : reduction; }

bool rounds(Reduction reduction, RegType type) {
  return is_float(type) &&
         (reduction == Reduction::kSum || reduction == Reduction::kMean || reduction == Reduction::kProd);
}

struct Limits {
  long double largest, smallest;  // of the type's normal numbers
};
Limits limits(RegType type) {
  if (type == RegType::kF64) return {std::numeric_limits<double>::max(), std::numeric_limits<double>::min()};
  return {std::numeric_limits<float>::max(), std::numeric_limits<float>::min()};
}

}  // namespace

// What is multiplied and added may leave the type's range in one order and not in another (rule 30).
class Machine::OrderRange {
 public:
  /// For results of a sum, mean or product of `from`; `size` of them.
  OrderRange(Machine& machine, const Value& value, std::size_t size)
      : machine_(machine),
        type_(value.type),
        on_(machine.options_.perturbation != 0 && rounds(value.reduction, value.type)),
        product_(value.reduction == Reduction::kProd) {
    if (!on_) return;
    places_.resize(size);
    if (product_) {
      for (Place& place : places_) place.high = 1;
    }
    collect(value.args[0]);
  }

  void follow(Walk& walk) {
    for (Factor& factor : factors_) factor.handle = walk.follow(factor.tile->axes);
  }

  /// Takes in the term at the walk's position.
  void add(std::size_t at, const Walk& walk) {
    if (!on_) return;
    const auto [largest, smallest] = limits(type_);
    long double high = 1, low = 1;
    bool finite = true;
    for (const Factor& factor : factors_) {
      const long double size = std::fabs(to_f64(factor.tile->type, factor.tile->cells[walk.at(factor.handle)]));
      finite &= std::isfinite(size);
      if (size > 1 && std::isfinite(size)) high *= size;
      if (size < 1 && size > 0) low *= size;
    }
    Place& place = places_[at];
    if (product_) {
      place.high *= high;
      place.low *= low;
      place.undecided |= place.low < smallest;
    } else {
      if (finite) place.high += high;
      if (low < smallest && factors_.size() > 1) place.lost += smallest * high;
      place.undecided |= !finite && low < smallest;
    }
    place.undecided |= place.high > largest;
  }

  /// Is any result as good as another? Then the move is to NaN, which is infinitely far.
  [[nodiscard]] bool undecided(std::size_t at) const { return on_ && places_[at].undecided; }
  /// What terms may lose where a product of some factors is too small.
  [[nodiscard]] double lost(std::size_t at) const { return on_ ? static_cast<double>(places_[at].lost) : 0; }

 private:
  struct Factor {
    const Tile* tile = nullptr;
    std::size_t handle = 0;
  };
  struct Place {
    long double high = 0, low = 1, lost = 0;
    bool undecided = false;
  };

  void collect(ValueId id) {
    const Value& value = machine_.program_.values[id];
    if (value.op == Op::kMul && is_float(value.type) && factors_.size() < kMaxFactors) {
      collect(value.args[0]);
      collect(value.args[1]);
      return;
    }
    factors_.push_back({.tile = &machine_.value(id)});
  }

  static constexpr std::size_t kMaxFactors = 16;
  Machine& machine_;
  RegType type_;
  bool on_, product_;
  std::vector<Factor> factors_;
  std::vector<Place> places_;
};

Cell Machine::perturbed(RegType type, Cell sum, std::int64_t terms, double magnitude, double lost) {
  if (options_.perturbation == 0 || !is_float(type)) return sum;
  if (std::isfinite(magnitude) && magnitude > limits(type).largest) return undecided(type, sum);
  double direction = options_.seed == 0 ? 1 : -1;
  if (options_.seed > 1) {
    std::uint64_t mixed = (options_.seed + ++draws_) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9u;
    direction = static_cast<double>(static_cast<std::int64_t>(mixed ^ (mixed >> 32))) * 0x1p-63;
  }
  const double moved =
      (static_cast<double>(terms) * epsilon(type) * magnitude + lost) * options_.perturbation * direction;
  return std::isfinite(moved) ? from_f64(type, to_f64(type, sum) + moved) : sum;
}

Cell Machine::undecided(RegType type, Cell result) {
  return from_f64(type, is_nan(type, result) ? 0 : std::numeric_limits<double>::quiet_NaN());
}

Tile Machine::reduce(const Value& value) {
  const Tile& from = *values_[value.args[0]];
  const Reduction step = step_of(value.reduction);
  Tile tile = make(value.axes, value.type);
  std::fill(tile.cells.begin(), tile.cells.end(), identity(step, value.type));
  std::vector<std::int64_t> terms(tile.cells.size());
  std::vector<double> magnitude(tile.cells.size(), step == Reduction::kProd ? 1 : 0);
  const AxisSet axes = value.axes | value.over;
  const TilePtr mask = projected(mask_, axes);
  OrderRange range(*this, value, tile.cells.size());
  Walk walk(ranges_, axes);
  const std::size_t to = walk.follow(value.axes);
  const std::size_t source = walk.follow(from.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  range.follow(walk);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    const std::size_t at = walk.at(to);
    range.add(at, walk);
    const Cell term = cast(value.type, from.type, from.cells[walk.at(source)]);
    tile.cells[at] = combine(step, value.type, tile.cells[at], term);
    ++terms[at];
    const double size = std::fabs(to_f64(value.type, term));
    magnitude[at] = step == Reduction::kProd ? magnitude[at] * size : magnitude[at] + size;
    const NoteId mark = from.note(walk.at(source));
    if (mark != 0) tile.mark(at, merge(tile.note(at), mark));
  }
  for (std::size_t i = 0; i < tile.cells.size(); ++i) {
    if (rounds(value.reduction, value.type)) {
      tile.cells[i] = range.undecided(i) ? undecided(value.type, tile.cells[i])
                                         : perturbed(value.type, tile.cells[i], terms[i], magnitude[i], range.lost(i));
    }
    if (value.reduction == Reduction::kMean) {
      const Cell parts[] = {tile.cells[i], from_i64(value.type, terms[i])};
      tile.cells[i] = evaluate(Op::kDiv, value.type, value.type, parts);
    }
    if (!tile.notes.empty()) tile.notes[i] = carried(tile.notes[i], value.type, tile.cells[i]);
  }
  return tile;
}

Tile Machine::reduce_arg(const Value& value) {
  const Tile& from = *values_[value.args[0]];
  const bool largest = value.reduction == Reduction::kArgmax;
  const std::vector<AxisId> over = axis_list(value.over);
  Tile tile = make(value.axes, value.type);
  std::fill(tile.cells.begin(), tile.cells.end(), from_i64(value.type, -1));
  std::vector<Cell> best(tile.cells.size());
  std::vector<char> found(tile.cells.size());
  const AxisSet axes = value.axes | value.over;
  const TilePtr mask = projected(mask_, axes);
  Walk walk(ranges_, axes);
  const std::size_t to = walk.follow(value.axes);
  const std::size_t source = walk.follow(from.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    const std::size_t at = walk.at(to);
    const Cell cell = from.cells[walk.at(source)];
    tile.mark(at, merge(tile.note(at), from.note(walk.at(source))));
    const Cell pair[] = {cell, best[at]};
    const bool better =
        found[at] == 0 ||
        (!is_nan(from.type, best[at]) &&
         (is_nan(from.type, cell) || evaluate(largest ? Op::kGt : Op::kLt, RegType::kBool, from.type, pair).truth()));
    if (!better) continue;
    found[at] = 1;
    best[at] = cell;
    std::int64_t position = 0;
    for (const AxisId axis : over) position = position * ranges_[axis].extent + walk.position(axis);
    tile.cells[at] = from_i64(value.type, position);
  }
  return tile;
}

Tile Machine::scan(const Value& value) {
  const AxisId axis = value.id;
  const Tile& from = *values_[value.args[0]];
  Tile tile = make(value.axes, value.type);
  const AxisSet lines = value.axes & ~axis_bit(axis);
  // In row-major order each line's positions come in ascending order whatever the place of the axis.
  std::vector<Cell> running(make(lines, value.type).cells.size(), identity(value.reduction, value.type));
  std::vector<NoteId> marks(running.size());
  std::vector<std::int64_t> terms(running.size());
  std::vector<double> magnitude(running.size(), value.reduction == Reduction::kProd ? 1 : 0);
  const TilePtr mask = projected(mask_, value.axes);
  OrderRange range(*this, value, running.size());
  Walk walk(ranges_, value.axes);
  const std::size_t line = walk.follow(lines);
  const std::size_t source = walk.follow(from.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  range.follow(walk);
  for (; !walk.done(); walk.next()) {
    const std::size_t at = walk.at(line);
    if (!mask || mask->cells[walk.at(live)].truth()) {
      range.add(at, walk);
      const Cell term = cast(value.type, from.type, from.cells[walk.at(source)]);
      running[at] = combine(value.reduction, value.type, running[at], term);
      marks[at] = carried(merge(marks[at], from.note(walk.at(source))), value.type, running[at]);
      ++terms[at];
      const double size = std::fabs(to_f64(value.type, term));
      magnitude[at] = value.reduction == Reduction::kProd ? magnitude[at] * size : magnitude[at] + size;
    }
    tile.cells[walk.step()] = range.undecided(at) ? undecided(value.type, running[at])
                              : rounds(value.reduction, value.type)
                                  ? perturbed(value.type, running[at], terms[at], magnitude[at], range.lost(at))
                                  : running[at];
    tile.mark(walk.step(), marks[at]);
  }
  return tile;
}

Tile Machine::argsort(const Value& value) {
  const AxisId axis = value.id;
  const Tile& from = *values_[value.args[0]];
  Tile tile = make(value.axes, value.type);
  const Range range = ranges_[axis];
  std::int64_t from_stride = 1, to_stride = 1;
  for (const AxisId inner : axis_list(value.axes)) {
    if (inner <= axis) continue;
    to_stride *= ranges_[inner].count;
    if ((from.axes & axis_bit(inner)) != 0) from_stride *= ranges_[inner].count;
  }
  if ((from.axes & axis_bit(axis)) == 0) from_stride = 0;
  // Walk all lines at their first position.
  Walk walk(ranges_, value.axes);
  const std::size_t source = walk.follow(from.axes);
  std::vector<std::int64_t> order(static_cast<std::size_t>(range.count));
  for (; !walk.done(); walk.next()) {
    if (walk.position(axis) != range.base) continue;
    const std::size_t start = walk.at(source);
    const auto cell = [&](std::int64_t i) { return from.cells[start + static_cast<std::size_t>(i * from_stride)]; };
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      const bool nan_a = is_nan(from.type, cell(a)), nan_b = is_nan(from.type, cell(b));
      if (nan_a != nan_b) return nan_b;
      const Cell forth[] = {cell(a), cell(b)}, back[] = {cell(b), cell(a)};
      if (evaluate(Op::kLt, RegType::kBool, from.type, forth).truth()) return true;
      if (evaluate(Op::kLt, RegType::kBool, from.type, back).truth()) return false;
      return a < b;  // stable
    });
    NoteId mark = 0;
    for (std::int64_t i = 0; i < range.count; ++i) {
      const NoteId own = from.note(start + static_cast<std::size_t>(i * from_stride));
      mark = is_fault(own) ? merge(mark, own) : mark;
    }
    for (std::int64_t i = 0; i < range.count; ++i) {
      const std::size_t at = walk.step() + static_cast<std::size_t>(i * to_stride);
      tile.cells[at] = from_i64(value.type, range.base + order[static_cast<std::size_t>(i)]);
      tile.mark(at, mark);
    }
  }
  return tile;
}

}  // namespace aurex::ax::interp
