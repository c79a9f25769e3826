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

}  // namespace

Cell Machine::perturbed(RegType type, Cell sum, std::int64_t terms, double magnitude) {
  if (options_.perturbation == 0 || !is_float(type)) return sum;
  double direction = options_.seed == 0 ? 1 : -1;
  if (options_.seed > 1) {
    std::uint64_t mixed = (options_.seed + ++draws_) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9u;
    direction = static_cast<double>(static_cast<std::int64_t>(mixed ^ (mixed >> 32))) * 0x1p-63;
  }
  const double moved = static_cast<double>(terms) * epsilon(type) * magnitude * options_.perturbation * direction;
  return std::isfinite(moved) ? from_f64(type, to_f64(type, sum) + moved) : sum;
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
  Walk walk(ranges_, axes);
  const std::size_t to = walk.follow(value.axes);
  const std::size_t source = walk.follow(from.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    const std::size_t at = walk.at(to);
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
      tile.cells[i] = perturbed(value.type, tile.cells[i], terms[i], magnitude[i]);
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
  Walk walk(ranges_, value.axes);
  const std::size_t line = walk.follow(lines);
  const std::size_t source = walk.follow(from.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    const std::size_t at = walk.at(line);
    if (!mask || mask->cells[walk.at(live)].truth()) {
      const Cell term = cast(value.type, from.type, from.cells[walk.at(source)]);
      running[at] = combine(value.reduction, value.type, running[at], term);
      marks[at] = carried(merge(marks[at], from.note(walk.at(source))), value.type, running[at]);
      ++terms[at];
      const double size = std::fabs(to_f64(value.type, term));
      magnitude[at] = value.reduction == Reduction::kProd ? magnitude[at] * size : magnitude[at] + size;
    }
    tile.cells[walk.step()] = rounds(value.reduction, value.type)
                                  ? perturbed(value.type, running[at], terms[at], magnitude[at])
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
