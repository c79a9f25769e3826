// Values: leaves, loads, element-wise operations, re-indexing. See interp_machine.h for when they are computed.

#include <algorithm>
#include <set>
#include <string>

#include "aurex/ax/interp_machine.h"
#include "aurex/ax/philox.h"
#include "aurex/base/error.h"

namespace aurex::ax::interp {
namespace {

template <typename F>
void each_argument(const TileProgram& program, const Value& value, F&& f) {
  for (const ValueId arg : value.args) {
    if (arg != kNone) f(arg);
  }
  if (value.op != Op::kLoad) return;
  const Load& load = program.loads[value.id];
  for (const Index& index : load.indices) {
    if (index.kind == Index::Kind::kComputed) f(index.value);
  }
  if (load.otherwise != kNone) f(load.otherwise);
}

bool is_element_wise(Op op) { return op >= Op::kNeg && op <= Op::kSelect; }

}  // namespace

const Tile& Machine::value(ValueId root) {
  if (values_[root]) return *values_[root];
  std::set<ValueId> needed = {root};
  std::vector<ValueId> open = {root};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    each_argument(program_, program_.values[id], [&](ValueId arg) {
      if (!values_[arg] && needed.insert(arg).second) open.push_back(arg);
    });
  }
  for (const ValueId id : needed) compute(id);
  return *values_[root];
}

void Machine::compute(ValueId id) {
  const Value& value = program_.values[id];
  Tile tile;
  switch (value.op) {
    case Op::kConst:
    case Op::kScalar:
    case Op::kExtent:
      tile = leaf(value);
      break;
    case Op::kPosition:
      tile = position(value);
      break;
    case Op::kVar:
      tile = vars_[value.id];
      break;
    case Op::kLoad:
      tile = load(value);
      break;
    case Op::kRandom:
      tile = random(value);
      break;
    case Op::kReduce:
      tile = value.reduction == Reduction::kArgmax || value.reduction == Reduction::kArgmin ? reduce_arg(value)
                                                                                            : reduce(value);
      break;
    case Op::kScan:
      tile = scan(value);
      break;
    case Op::kArgsort:
      tile = argsort(value);
      break;
    case Op::kReindex:
      tile = reindex(value);
      break;
    default:
      tile = element_wise(value);
  }
  values_[id] = std::make_shared<const Tile>(std::move(tile));
  trail_.push_back(id);
}

const Tile& Machine::settled(ValueId id) {
  const Tile& tile = value(id);
  settle(tile);
  return tile;
}

void Machine::settle(const Tile& tile) {
  if (tile.notes.empty()) return;
  const TilePtr mask = projected(mask_, tile.axes);
  Walk walk(ranges_, tile.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    if (is_fault(tile.notes[walk.step()])) raise(tile.notes[walk.step()], walk);
  }
}

std::int64_t Machine::scalar(ValueId id) {
  const Tile& tile = settled(id);
  return to_i64(tile.type, tile.cells[0]);
}

Tile Machine::make(AxisSet axes, RegType type) const {
  constexpr std::int64_t kCellBytes = sizeof(Cell);
  std::int64_t count = 1;
  for (const AxisId axis : axis_list(axes)) {
    if (__builtin_mul_overflow(count, ranges_[axis].count, &count) || count > options_.memory_limit / kCellBytes) {
      throw OutOfMemory("the interpreter's values of kernel " + program_.name + " at this tile size",
                        count * kCellBytes, options_.memory_limit, options_.memory_limit);
    }
  }
  return {.axes = axes, .type = type, .cells = std::vector<Cell>(static_cast<std::size_t>(count)), .notes = {}};
}

Tile Machine::leaf(const Value& value) const {
  Tile tile = make(0, value.type);
  if (value.op == Op::kExtent) {
    tile.cells[0] = from_i64(value.type, call_.extents[value.id]);
  } else if (value.op == Op::kScalar) {
    tile.cells[0] = read_scalar(program_.scalars[value.id], value.type, call_.facts());
  } else {
    tile.cells[0] = is_float(value.type) ? from_f64(value.type, value.number) : from_i64(value.type, value.integer);
  }
  return tile;
}

Tile Machine::position(const Value& value) const {
  Tile tile = make(value.axes, value.type);
  Walk walk(ranges_, value.axes);
  for (; !walk.done(); walk.next()) tile.cells[walk.step()] = from_i64(value.type, walk.position(value.id));
  return tile;
}

Tile Machine::random(const Value& value) {
  // The counter runs over the named axes in their order, row-major in full extents (rule 33).
  std::vector<AxisId> order;
  for (std::size_t i = 1; i < value.args.size(); ++i) order.push_back(program_.values[value.args[i]].id);
  const Tile& seed = *values_[value.args[0]];
  Tile tile = make(value.axes, value.type);
  Walk walk(ranges_, value.axes);
  const std::size_t key = walk.follow(seed.axes);
  for (; !walk.done(); walk.next()) {
    std::uint64_t element = 0;
    for (const AxisId axis : order) {
      element =
          element * static_cast<std::uint64_t>(ranges_[axis].extent) + static_cast<std::uint64_t>(walk.position(axis));
    }
    const auto stream = static_cast<std::uint64_t>(to_i64(seed.type, seed.cells[walk.at(key)]));
    tile.cells[walk.step()] = from_f64(value.type, philox_uniform(stream, element));
    tile.mark(walk.step(), seed.note(walk.at(key)));
  }
  return tile;
}

AxisSet Machine::index_axes(const std::vector<Index>& indices) {
  AxisSet axes = 0;
  for (const Index& index : indices) {
    if (index.kind == Index::Kind::kComputed) {
      axes |= program_.values[index.value].axes;
    } else if (!program_.axes[index.axis].unit) {
      axes |= axis_bit(index.axis);
    }
  }
  return axes;
}

std::vector<std::size_t> Machine::follow_indices(const std::vector<Index>& indices, Walk& walk) {
  std::vector<std::size_t> handles;
  for (const Index& index : indices) {
    handles.push_back(index.kind == Index::Kind::kComputed ? walk.follow(value(index.value).axes) : 0);
  }
  return handles;
}

int Machine::indices(const std::vector<Index>& indices, const std::vector<std::size_t>& handles, const Walk& walk,
                     std::span<const std::int64_t> extents, std::vector<std::int64_t>& at) {
  int outside = -1;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i].kind == Index::Kind::kAxis) {
      at[i] = walk.position(indices[i].axis);
    } else {
      const Tile& computed = *values_[indices[i].value];
      const Cell cell = computed.cells[walk.at(handles[i])];
      at[i] = computed.type == RegType::kU64 && cell.i64() < 0 ? INT64_MAX : to_i64(computed.type, cell);
    }
    if (outside < 0 && (at[i] < 0 || at[i] >= extents[i])) outside = static_cast<int>(i);
  }
  return outside;
}

NoteId Machine::index_note(const std::vector<Index>& indices, const std::vector<std::size_t>& handles,
                           const Walk& walk) {
  NoteId found = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i].kind == Index::Kind::kComputed) {
      found = merge(found, values_[indices[i].value]->note(walk.at(handles[i])));
    }
  }
  return found;
}

Tile Machine::load(const Value& value) {
  const Load& load = program_.loads[value.id];
  const ArrayMemory& memory = memory_[load.array];
  const Tile* otherwise = load.otherwise == kNone ? nullptr : values_[load.otherwise].get();
  Tile tile = make(value.axes, value.type);
  Walk walk(ranges_, value.axes);
  const std::vector<std::size_t> handles = follow_indices(load.indices, walk);
  const std::size_t other = walk.follow(otherwise == nullptr ? 0 : otherwise->axes);
  std::vector<std::int64_t> at(load.indices.size());
  const RegType stored = register_type(memory.dtype());
  for (; !walk.done(); walk.next()) {
    NoteId mark = index_note(load.indices, handles, walk);
    const int outside = indices(load.indices, handles, walk, memory.extents(), at);
    Cell& cell = tile.cells[walk.step()];
    if (outside < 0) {
      cell = cast(value.type, stored, load_element(memory.dtype(), memory.address(at)));
      if (memory.tracked() && !memory.written(memory.linear(at))) {
        mark = merge(mark, note({.kind = Note::Kind::kUninitialised, .span = value.span}));
      }
    } else if (otherwise != nullptr) {
      cell = cast(value.type, otherwise->type, otherwise->cells[walk.at(other)]);
      mark = merge(mark, otherwise->note(walk.at(other)));
    } else if (!is_fault(mark)) {
      const auto i = static_cast<std::size_t>(outside);
      mark = note({.kind = Note::Kind::kIndex, .span = value.span, .index = at[i], .bound = memory.extents()[i]});
    }
    tile.mark(walk.step(), mark);
  }
  return tile;
}

Tile Machine::element_wise(const Value& value) {
  if (!is_element_wise(value.op) || value.args.size() > 3) {
    throw NotImplemented("kernel " + program_.name + ": the interpreter does not know operation " +
                         std::string(to_string(value.op)));
  }
  const std::size_t count = value.args.size();
  const Tile* args[3] = {};
  std::size_t handles[3] = {};
  Tile tile = make(value.axes, value.type);
  Walk walk(ranges_, value.axes);
  bool marked = false;
  for (std::size_t i = 0; i < count; ++i) {
    args[i] = values_[value.args[i]].get();
    handles[i] = walk.follow(args[i]->axes);
    marked = marked || !args[i]->notes.empty();
  }
  const bool select = value.op == Op::kSelect;
  const RegType operand = select ? value.type : program_.values[value.args[0]].type;
  const bool divides = options_.safe && !is_float(value.type) && (value.op == Op::kFloorDiv || value.op == Op::kMod);
  const bool watches_nan = options_.safe && is_float(value.type);
  Cell cells[3];
  for (; !walk.done(); walk.next()) {
    for (std::size_t i = 0; i < count; ++i) cells[i] = args[i]->cells[walk.at(handles[i])];
    const Cell result = evaluate(value.op, value.type, operand, std::span<const Cell>(cells, count));
    tile.cells[walk.step()] = result;
    if (!marked && !options_.safe) continue;
    NoteId mark = 0;
    bool from_nan = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (select && i == (cells[0].truth() ? 2u : 1u)) continue;  // the side not taken leaves no mark
      mark = merge(mark, args[i]->note(walk.at(handles[i])));
      from_nan = from_nan || is_nan(args[i]->type, cells[i]);
    }
    mark = carried(mark, value.type, result);
    if (divides && mark == 0 && to_i64(operand, cells[1]) == 0) {
      mark = note({.kind = Note::Kind::kDivisionByZero, .span = value.span});
    }
    if (watches_nan && mark == 0 && !from_nan && value.op != Op::kBitcast && is_nan(value.type, result)) {
      mark = note({.kind = Note::Kind::kNan, .span = value.span});
    }
    tile.mark(walk.step(), mark);
  }
  return tile;
}

Tile Machine::reindex(const Value& value) {
  const AxisId axis = value.id;
  const Range range = ranges_[axis];
  const Tile& from = *values_[value.args[0]];
  const Tile& index = *values_[value.args[1]];
  const Tile* otherwise = value.args.size() > 2 && value.args[2] != kNone ? values_[value.args[2]].get() : nullptr;
  std::int64_t stride = 1;
  for (const AxisId inner : axis_list(from.axes)) {
    if (inner > axis) stride *= ranges_[inner].count;
  }
  Tile tile = make(value.axes, value.type);
  Walk walk(ranges_, value.axes);
  const std::size_t base = walk.follow(from.axes & ~axis_bit(axis));
  // Offsets into `from` without the axis: the part inside it stays, the part outside grows by its count.
  const std::size_t where = walk.follow(index.axes);
  const std::size_t other = walk.follow(otherwise == nullptr ? 0 : otherwise->axes);
  for (; !walk.done(); walk.next()) {
    NoteId mark = index.note(walk.at(where));
    const std::int64_t at = to_i64(index.type, index.cells[walk.at(where)]);
    Cell& cell = tile.cells[walk.step()];
    if (at >= range.base && at < range.base + range.count) {
      const auto rest = static_cast<std::int64_t>(walk.at(base));
      const auto offset =
          static_cast<std::size_t>(rest / stride * stride * range.count + (at - range.base) * stride + rest % stride);
      cell = from.cells[offset];
      mark = merge(mark, from.note(offset));
    } else if (at >= 0 && at < range.extent) {
      throw NotImplemented("kernel " + program_.name + ": re-indexing along " + program_.axes[axis].name +
                           ", of which one tile is in view");
    } else if (otherwise != nullptr) {
      cell = otherwise->cells[walk.at(other)];
      mark = merge(mark, otherwise->note(walk.at(other)));
    } else if (!is_fault(mark)) {
      mark = note({.kind = Note::Kind::kIndex, .span = value.span, .index = at, .bound = range.extent});
    }
    tile.mark(walk.step(), mark);
  }
  return tile;
}

}  // namespace aurex::ax::interp
