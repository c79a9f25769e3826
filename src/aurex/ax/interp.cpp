#include "aurex/ax/interp.h"

#include <algorithm>
#include <utility>

#include "aurex/ax/interp_machine.h"
#include "aurex/base/error.h"

namespace aurex::ax {
namespace interp {
namespace {

Op update_op(Update update) {
  switch (update) {
    case Update::kAdd:
      return Op::kAdd;
    case Update::kSub:
      return Op::kSub;
    case Update::kMul:
      return Op::kMul;
    case Update::kDiv:
      return Op::kDiv;
    case Update::kMax:
      return Op::kMax;
    case Update::kMin:
    case Update::kSet:
      break;
  }
  return Op::kMin;
}

/// `old op= value`, both in `type`.
Cell updated(Update update, RegType type, Cell old, Cell value) {
  if (update == Update::kSet) return value;
  const Cell pair[] = {old, value};
  return evaluate(update_op(update), type, type, pair);
}

bool rounds(Update update, RegType type) {
  return is_float(type) && (update == Update::kAdd || update == Update::kSub || update == Update::kMul);
}

/// Puts a value back when a statement is left, by an exception too.
template <typename T>
class Restore {
 public:
  explicit Restore(T& place) : place_(place), saved_(place) {}
  ~Restore() { place_ = std::move(saved_); }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  T& place_;
  T saved_;
};

}  // namespace

Machine::Machine(const TileProgram& program, const BoundCall& call, const InterpOptions& options)
    : program_(program), call_(call), options_(options), vars_(program.vars.size()), values_(program.values.size()) {
  for (AxisId axis = 0; axis < program.axes.size(); ++axis) {
    const ValueId extent = program.axes[axis].extent;
    if (extent == kNone || !is_launch_scalar(program, extent)) continue;  // a loop's own, set when it begins
    const std::int64_t count = std::max<std::int64_t>(0, LaunchScalar(program, extent).integer(call.facts()));
    ranges_[axis] = {.base = 0, .count = count, .extent = count};
  }
  for (ArrayId id = 0; id < program.arrays.size(); ++id) {
    const Array& array = program.arrays[id];
    if (array.role != ArrayRole::kScratch) {
      memory_.emplace_back(program, call, id);
    } else {
      std::vector<std::int64_t> extents;
      for (const ArrayDim& dim : array.dims) extents.push_back(call.extents[dim.dim]);
      for (const AxisId axis : array.scratch_axes) extents.push_back(ranges_[axis].extent);
      std::int64_t bytes = bytes_per_element(array.storage.dtype);
      for (const std::int64_t extent : extents) {
        if (__builtin_mul_overflow(bytes, extent, &bytes) || bytes > options.memory_limit) {
          throw OutOfMemory("scratch '" + array.name + "' of kernel " + program.name, bytes, options.memory_limit,
                            options.memory_limit);
        }
      }
      memory_.emplace_back(array, std::move(extents));
    }
    const bool starts_unwritten = array.role == ArrayRole::kScratch || array.role == ArrayRole::kResult;
    if (options.safe && starts_unwritten) memory_.back().track();
    if (array.start != kNone) {
      const LaunchScalar start(program, array.start);
      memory_.back().fill(start.type(), start.evaluate(call.facts()));
    }
  }
}

RunReport Machine::run() {
  execute(program_.body);
  flush_prints();
  return std::move(report_);
}

void Machine::execute(const Body& body) {
  for (const Stmt& stmt : body) execute(stmt);
}

void Machine::execute_in_frame(const Body& body) {
  const std::size_t frame = trail_.size();
  execute(body);
  for (; trail_.size() > frame; trail_.pop_back()) values_[trail_.back()].reset();
}

void Machine::execute(const Stmt& stmt) {
  statement_ = stmt.span;
  std::visit([this](const auto& node) { execute(node); }, stmt.node);
}

void Machine::execute(const Parallel& parallel) {
  const Restore<std::vector<AxisId>> enclosing(enclosing_);
  enclosing_.insert(enclosing_.end(), parallel.axes.begin(), parallel.axes.end());
  for (const AxisId axis : parallel.axes) {
    const std::int64_t extent = std::max<std::int64_t>(0, scalar(program_.axes[axis].extent));
    ranges_[axis] = {.base = 0, .count = extent, .extent = extent};
  }
  unique_.clear();
  tiles_of(parallel, 0);
  flush_prints();
}

void Machine::tiles_of(const Parallel& parallel, std::size_t level) {
  if (level == parallel.axes.size()) {
    execute_in_frame(parallel.body);
    return;
  }
  const AxisId axis = parallel.axes[level];
  const Restore<Range> restore(ranges_[axis]);
  const std::int64_t extent = ranges_[axis].extent;
  const std::int64_t wanted = program_.axes[axis].unit ? 1 : options_.tile;
  const std::int64_t step = wanted == InterpOptions::kWhole ? std::max<std::int64_t>(1, extent) : wanted;
  for (std::int64_t base = 0; base < extent; base += step) {
    ranges_[axis] = {.base = base, .count = std::min(step, extent - base), .extent = extent};
    tiles_of(parallel, level + 1);
  }
}

void Machine::execute(const For& loop) {
  const Axis& axis = program_.axes[loop.axis];
  const std::int64_t extent = std::max<std::int64_t>(0, scalar(axis.extent));
  const Restore<Range> restore(ranges_[loop.axis]);
  const Restore<std::vector<AxisId>> enclosing(enclosing_);
  const Restore<AxisSet> loops(loop_axes_);
  const Restore<TilePtr> outer(mask_);
  ranges_[loop.axis].extent = extent;
  enclosing_.push_back(loop.axis);
  loop_axes_ |= axis_bit(loop.axis);

  const auto bound = [&](ValueId id, std::int64_t otherwise) {
    if (id != kNone) return settled(id);
    Tile tile = make(0, RegType::kI64);
    tile.cells[0] = Cell::of(otherwise);
    return tile;
  };
  const Tile lo = bound(loop.lo, 0);
  const Tile hi = bound(loop.hi, extent);
  const TilePtr mask = mask_;
  // The union of what live elements run over.
  std::int64_t first = extent, last = 0;
  {
    const TilePtr live_at = projected(mask, lo.axes | hi.axes);
    Walk walk(ranges_, lo.axes | hi.axes);
    const std::size_t from = walk.follow(lo.axes), until = walk.follow(hi.axes);
    const std::size_t live = walk.follow(live_at ? live_at->axes : 0);
    for (; !walk.done(); walk.next()) {
      if (live_at && !live_at->cells[walk.at(live)].truth()) continue;
      const std::int64_t begin = std::max<std::int64_t>(0, to_i64(lo.type, lo.cells[walk.at(from)]));
      const std::int64_t end = std::min(extent, to_i64(hi.type, hi.cells[walk.at(until)]));
      if (begin >= end) continue;
      first = std::min(first, begin);
      last = std::max(last, end);
    }
  }
  const bool ragged = (lo.axes | hi.axes) != 0;
  const std::int64_t wanted = axis.unit ? 1 : options_.tile;
  const std::int64_t step = wanted == InterpOptions::kWhole ? std::max<std::int64_t>(1, extent) : wanted;
  for (std::int64_t base = first; base < last; base += step) {
    ranges_[loop.axis] = {.base = base, .count = std::min(step, last - base), .extent = extent};
    mask_ = ragged ? within(mask, loop.axis, lo, hi) : mask;
    if (any_live(mask_)) execute_in_frame(loop.body);
  }
}

void Machine::execute(const While& loop) {
  const Restore<TilePtr> outer(mask_);
  for (std::int64_t round = 0;; ++round) {
    if (options_.max_rounds > 0 && round > options_.max_rounds) {
      throw KernelError("kernel " + program_.name + ": a `while` loop took more than " +
                        std::to_string(options_.max_rounds) + " rounds");
    }
    const std::size_t frame = trail_.size();
    const Tile condition = settled(loop.condition);
    const auto shared = std::make_shared<const Tile>(condition);
    const bool runs = condition.axes == 0 ? condition.cells[0].truth() : any_live(mask_ = masked(mask_, shared, true));
    if (runs) execute(loop.body);
    for (; trail_.size() > frame; trail_.pop_back()) values_[trail_.back()].reset();
    if (!runs) return;
  }
}

void Machine::execute(const If& branch) {
  const auto condition = std::make_shared<const Tile>(settled(branch.condition));
  if (condition->axes == 0) {
    execute_in_frame(condition->cells[0].truth() ? branch.then_body : branch.else_body);
    return;
  }
  const Restore<TilePtr> outer(mask_);
  const TilePtr mask = mask_;
  mask_ = masked(mask, condition, true);
  if (any_live(mask_)) execute_in_frame(branch.then_body);
  mask_ = masked(mask, condition, false);
  if (any_live(mask_)) execute_in_frame(branch.else_body);
}

void Machine::execute(const Let& let) { static_cast<void>(settled(let.value)); }

void Machine::execute(const Declare& declare) {
  const Var& var = program_.vars[declare.var];
  const Tile& from = settled(declare.value);
  Tile tile = make(var.axes, var.type);
  Walk walk(ranges_, var.axes);
  const std::size_t source = walk.follow(from.axes);
  for (; !walk.done(); walk.next()) {
    tile.cells[walk.step()] = cast(var.type, from.type, from.cells[walk.at(source)]);
    tile.mark(walk.step(), from.note(walk.at(source)));
  }
  vars_[declare.var] = std::move(tile);
}

void Machine::execute(const Assign& assign) {
  const Var& var = program_.vars[assign.var];
  const Tile& from = settled(assign.value);
  Tile& tile = vars_[assign.var];
  const TilePtr mask = projected(mask_, var.axes);
  Walk walk(ranges_, var.axes);
  const std::size_t source = walk.follow(from.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    Cell& cell = tile.cells[walk.step()];
    const Cell term = cast(var.type, from.type, from.cells[walk.at(source)]);
    const Cell old = cell;
    cell = updated(assign.update, var.type, old, term);
    if (rounds(assign.update, var.type)) {
      cell = perturbed(var.type, cell, 1, std::abs(to_f64(var.type, old)) + std::abs(to_f64(var.type, term)));
    }
    NoteId mark = from.note(walk.at(source));
    if (assign.update != Update::kSet) mark = merge(tile.note(walk.step()), mark);
    if (mark != 0 || !tile.notes.empty()) {
      tile.notes.resize(tile.cells.size());
      tile.notes[walk.step()] = carried(mark, var.type, cell);
    }
  }
}

void Machine::execute(const Store& store) {
  ArrayMemory& memory = memory_[store.array];
  const Tile& from = settled(store.value);
  for (const Index& index : store.indices) {
    if (index.kind == Index::Kind::kComputed) static_cast<void>(settled(index.value));
  }
  AxisSet axes = from.axes | index_axes(store.indices);
  // An update happens once per element of the block, also where it names none of the block's variables.
  if (store.update != Update::kSet) {
    for (const AxisId axis : enclosing_) {
      if (!program_.axes[axis].unit) axes |= axis_bit(axis) & ~loop_axes_;
    }
  }
  // A store carries the axes of the conditions around it where they are its own or of the tile.
  const AxisSet condition_axes = mask_ ? mask_->axes & ~loop_axes_ : 0;
  const TilePtr mask = projected(mask_, axes | condition_axes);
  Walk walk(ranges_, axes | (mask ? mask->axes : 0));
  const std::size_t source = walk.follow(from.axes);
  const std::vector<std::size_t> handles = follow_indices(store.indices, walk);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  std::vector<std::int64_t> at(store.indices.size());
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    const int outside = indices(store.indices, handles, walk, memory.extents(), at);
    if (outside >= 0) {
      const auto i = static_cast<std::size_t>(outside);
      raise(note({.kind = Note::Kind::kIndex, .span = statement_, .index = at[i], .bound = memory.extents()[i]}), walk);
    }
    if (from.note(walk.at(source)) != 0) report(from.note(walk.at(source)), walk);
    store_one(store, memory, at, from.type, from.cells[walk.at(source)], walk);
  }
}

void Machine::store_one(const Store& store, ArrayMemory& memory, std::span<const std::int64_t> index, RegType type,
                        Cell value, const Walk& walk) {
  char* const place = memory.address(index);
  const std::int64_t linear = options_.safe ? memory.linear(index) : 0;
  if (options_.safe && store.unique && !check_unique(store, linear, walk)) {
    find(Finding::Kind::kNotUnique, statement_, walk, "two elements of a unique store meet");
  }
  if (store.update == Update::kSet) {
    store_element(memory.dtype(), place, type, value);
  } else {
    // Updates compute in the register type of what is stored.
    if (memory.tracked() && !memory.written(linear)) {
      find(Finding::Kind::kUninitialised, statement_, walk, "an element was updated before it was written");
    }
    const RegType stored = register_type(memory.dtype());
    const Cell old = load_element(memory.dtype(), place);
    const Cell term = cast(stored, type, value);
    Cell result = updated(store.update, stored, old, term);
    if (rounds(store.update, stored)) {
      result = perturbed(stored, result, 1, std::abs(to_f64(stored, old)) + std::abs(to_f64(stored, term)));
    }
    store_element(memory.dtype(), place, stored, result);
  }
  if (memory.tracked()) memory.set_written(linear);
}

bool Machine::check_unique(const Store& store, std::int64_t linear, const Walk& walk) {
  // One element may write its place again in a later round of a loop; another may not.
  const std::int64_t writer = linear_position(walk, /*with_loops=*/false);
  const auto [entry, fresh] = unique_[&store].try_emplace(linear, writer);
  return fresh || entry->second == writer;
}

void Machine::execute(const Assert& assertion) {
  const Tile& condition = settled(assertion.condition);
  const AxisSet condition_axes = mask_ ? mask_->axes & ~loop_axes_ : 0;
  const TilePtr mask = projected(mask_, condition.axes | condition_axes);
  Walk walk(ranges_, condition.axes | (mask ? mask->axes : 0));
  const std::size_t source = walk.follow(condition.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    if (condition.cells[walk.at(source)].truth()) continue;
    const std::int64_t position = linear_position(walk);
    throw with_fields(KernelError("kernel " + program_.name + ", line " + std::to_string(line(statement_)) +
                                  ": assertion failed at " + std::to_string(position) + ": " + assertion.text),
                      {{"kernel", program_.name},
                       {"line", std::to_string(line(statement_))},
                       {"position", std::to_string(position)},
                       {"text", assertion.text}});
  }
}

void Machine::execute(const Print& print) {
  if (!options_.print) return;
  const Tile& shown = settled(print.value);
  const TilePtr mask = projected(mask_, shown.axes);
  Walk walk(ranges_, shown.axes);
  const std::size_t live = walk.follow(mask ? mask->axes : 0);
  for (; !walk.done(); walk.next()) {
    if (mask && !mask->cells[walk.at(live)].truth()) continue;
    const PrintRecord record = {.line = line(statement_),
                                .position = linear_position(walk),
                                .type = shown.type,
                                .value = shown.cells[walk.step()]};
    prints_.emplace(std::pair(record.position, record.line), record);
    if (prints_.size() > kMaxPrints) prints_.erase(std::prev(prints_.end()));
  }
}

void Machine::flush_prints() {
  for (const auto& [place, record] : prints_) options_.print(record);
  prints_.clear();
}

}  // namespace interp

std::string_view to_string(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::kUninitialised:
      return "uninitialised read";
    case Finding::Kind::kNan:
      return "NaN origin";
    case Finding::Kind::kNotUnique:
      return "unique violated";
    case Finding::Kind::kDivisionByZero:
      break;
  }
  return "division by zero";
}

RunReport run(const TileProgram& program, const BoundCall& call, const InterpOptions& options) {
  return interp::Machine(program, call, options).run();
}

}  // namespace aurex::ax
