// Marks on elements, what becomes of them, and the places they are reported at.

#include <string>

#include "aurex/ax/interp_machine.h"
#include "aurex/base/error.h"

namespace aurex::ax::interp {

NoteId Machine::note(Note note) {
  notes_.push_back(note);
  return static_cast<NoteId>(notes_.size());
}

NoteId Machine::merge(NoteId a, NoteId b) const {
  if (a == 0 || is_fault(b)) return is_fault(a) ? a : b;
  return a;
}

NoteId Machine::carried(NoteId note, RegType type, Cell result) const {
  if (note == 0 || notes_[note - 1].kind != Note::Kind::kNan) return note;
  return is_nan(type, result) ? note : 0;
}

std::int64_t Machine::line(Span span) const {
  return program_.source ? static_cast<std::int64_t>(program_.source->position(span.begin).line) : 0;
}

template <typename Visit>
void Machine::each_position_axis(const Walk& walk, bool with_loops, Visit&& visit) const {
  AxisSet taken = 0, carried = 0;
  for (const AxisId axis : walk.axes()) carried |= axis_bit(axis);
  const auto take = [&](AxisId axis) {
    visit(axis);
    taken |= axis_bit(axis);
  };
  for (const AxisId axis : enclosing_) {
    if (!with_loops && (loop_axes_ & axis_bit(axis)) != 0) continue;
    if (program_.axes[axis].unit || (carried & axis_bit(axis)) != 0) take(axis);
  }
  for (const AxisId axis : walk.axes()) {
    if (!with_loops && (loop_axes_ & axis_bit(axis)) != 0) continue;
    if ((taken & axis_bit(axis)) == 0) take(axis);
  }
}

std::int64_t Machine::linear_position(const Walk& walk, bool with_loops) const {
  std::uint64_t linear = 0;  // wraps where the extents' product does not fit
  each_position_axis(walk, with_loops, [&](AxisId axis) {
    linear =
        linear * static_cast<std::uint64_t>(ranges_[axis].extent) + static_cast<std::uint64_t>(walk.position(axis));
  });
  return static_cast<std::int64_t>(linear);
}

AxisPositions Machine::axis_positions(const Walk& walk) const {
  AxisPositions positions;
  each_position_axis(walk, true,
                     [&](AxisId axis) { positions.emplace_back(program_.axes[axis].name, walk.position(axis)); });
  return positions;
}

void Machine::raise(NoteId id, const Walk& walk) {
  const Note& note = notes_[id - 1];
  throw IndexOutOfRange({.kernel = program_.name,
                         .line = line(note.span),
                         .position = linear_position(walk),
                         .index = note.index,
                         .bound = note.bound,
                         .axes = axis_positions(walk)});
}

void Machine::find(Finding::Kind kind, Span span, const Walk& walk, const std::string& text) {
  if (report_.findings.size() >= kMaxPrints) return;
  report_.findings.push_back({.kind = kind, .line = line(span), .position = linear_position(walk), .text = text});
}

void Machine::report(NoteId id, const Walk& walk) {
  const Note& note = notes_[id - 1];
  switch (note.kind) {
    case Note::Kind::kIndex:
      raise(id, walk);
    case Note::Kind::kUninitialised:
      find(Finding::Kind::kUninitialised, note.span, walk, "an element was read before it was written");
      break;
    case Note::Kind::kNan:
      find(Finding::Kind::kNan, note.span, walk, "a NaN was made here from numbers");
      break;
    case Note::Kind::kDivisionByZero:
      find(Finding::Kind::kDivisionByZero, note.span, walk, "an integer was divided by zero");
      break;
  }
}

}  // namespace aurex::ax::interp
