// Which elements of a statement run: conjunctions of the conditions and bounds around it.

#include "aurex/ax/interp_machine.h"

namespace aurex::ax::interp {

TilePtr Machine::masked(const TilePtr& mask, const TilePtr& condition, bool wanted) const {
  const AxisSet axes = condition->axes | (mask ? mask->axes : 0);
  auto result = std::make_shared<Tile>(make(axes, RegType::kBool));
  Walk walk(ranges_, axes);
  const std::size_t holds = walk.follow(condition->axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    const bool outer = !mask || mask->cells[walk.at(live)].truth();
    result->cells[walk.step()] = Cell::of(outer && condition->cells[walk.at(holds)].truth() == wanted);
  }
  return result;
}

TilePtr Machine::within(const TilePtr& mask, AxisId axis, const Tile& lo, const Tile& hi) const {
  const AxisSet own = program_.axes[axis].unit ? 0 : axis_bit(axis);
  const AxisSet axes = own | lo.axes | hi.axes | (mask ? mask->axes : 0);
  auto result = std::make_shared<Tile>(make(axes, RegType::kBool));
  Walk walk(ranges_, axes);
  const std::size_t from = walk.follow(lo.axes);
  const std::size_t until = walk.follow(hi.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    const std::int64_t at = walk.position(axis);
    const bool outer = !mask || mask->cells[walk.at(live)].truth();
    result->cells[walk.step()] = Cell::of(outer && to_i64(lo.type, lo.cells[walk.at(from)]) <= at &&
                                          at < to_i64(hi.type, hi.cells[walk.at(until)]));
  }
  return result;
}

TilePtr Machine::projected(const TilePtr& mask, AxisSet axes) const {
  if (!mask || (mask->axes & ~axes) == 0) return mask;
  auto result = std::make_shared<Tile>(make(mask->axes & axes, RegType::kBool));
  Walk walk(ranges_, mask->axes);
  const std::size_t to = walk.follow(result->axes);
  for (; !walk.done(); walk.next()) {
    if (mask->cells[walk.step()].truth()) result->cells[walk.at(to)] = Cell::of(true);
  }
  return result;
}

bool Machine::any_live(const TilePtr& mask) {
  if (!mask) return true;
  for (const Cell cell : mask->cells) {
    if (cell.truth()) return true;
  }
  return false;
}

}  // namespace aurex::ax::interp
