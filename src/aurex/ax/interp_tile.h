#pragma once

// Values of the interpreter and how to walk over them. Internal to the interpreter.
//
// A Tile holds one cell per combination of positions of its axes, row-major with the axes in ascending order of id. The
// positions in view are the same for all values at one moment: Ranges. A Walk steps through a set of axes and keeps,
// for each registered operand, the offset of the matching cell; axes that an operand does not carry repeat.

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "aurex/ax/element.h"
#include "aurex/ax/tile_program.h"

namespace aurex::ax::interp {

/// The positions [base, base + count) of an axis that are in view, out of `extent`.
struct Range {
  std::int64_t base = 0, count = 0, extent = 0;
};
using Ranges = std::array<Range, kMaxAxes>;

/// Marks on elements: 0 is none, else an entry of Machine::notes_ plus one.
using NoteId = std::uint32_t;

struct Tile {
  AxisSet axes = 0;
  RegType type = RegType::kF32;
  std::vector<Cell> cells;
  std::vector<NoteId> notes;  // empty: no element is marked

  [[nodiscard]] NoteId note(std::size_t at) const { return notes.empty() ? 0 : notes[at]; }
  void mark(std::size_t at, NoteId note) {
    if (note == 0) return;
    if (notes.empty()) notes.resize(cells.size());
    notes[at] = note;
  }
};

[[nodiscard]] inline std::vector<AxisId> axis_list(AxisSet axes) {
  std::vector<AxisId> list;
  for (; axes != 0; axes &= axes - 1) list.push_back(static_cast<AxisId>(std::countr_zero(axes)));
  return list;
}

class Walk {
 public:
  Walk(const Ranges& ranges, AxisSet axes) : ranges_(ranges), axes_(axis_list(axes)), index_(axes_.size()) {
    for (const AxisId axis : axes_) done_ = done_ || ranges[axis].count == 0;
  }

  /// Follows values with these axes; returns the handle for `at`. Register before the first step.
  std::size_t follow(AxisSet axes) {
    Operand operand{.offset = 0, .strides = std::vector<std::int64_t>(axes_.size())};
    std::int64_t stride = 1;
    std::size_t level = axes_.size();
    for (AxisSet rest = axes; rest != 0;) {
      const AxisId axis = static_cast<AxisId>(63 - std::countl_zero(rest));
      rest &= ~axis_bit(axis);
      while (level > 0 && axes_[level - 1] > axis) --level;
      if (level > 0 && axes_[level - 1] == axis) operand.strides[level - 1] = stride;
      stride *= ranges_[axis].count;
    }
    operands_.push_back(std::move(operand));
    return operands_.size() - 1;
  }

  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::size_t at(std::size_t handle) const { return static_cast<std::size_t>(operands_[handle].offset); }
  /// How many steps have been made: the offset in a value over all axes of the walk.
  [[nodiscard]] std::size_t step() const { return step_; }
  [[nodiscard]] const std::vector<AxisId>& axes() const { return axes_; }
  /// Position along the axis, whether or not the walk carries it.
  [[nodiscard]] std::int64_t position(AxisId axis) const {
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      if (axes_[i] == axis) return ranges_[axis].base + index_[i];
    }
    return ranges_[axis].base;
  }

  void next() {
    ++step_;
    for (std::size_t level = axes_.size(); level-- > 0;) {
      for (Operand& operand : operands_) operand.offset += operand.strides[level];
      if (++index_[level] < ranges_[axes_[level]].count) return;
      for (Operand& operand : operands_) operand.offset -= operand.strides[level] * index_[level];
      index_[level] = 0;
    }
    done_ = true;
  }

 private:
  struct Operand {
    std::int64_t offset = 0;
    std::vector<std::int64_t> strides;
  };
  const Ranges& ranges_;
  std::vector<AxisId> axes_;
  std::vector<std::int64_t> index_;
  std::vector<Operand> operands_;
  std::size_t step_ = 0;
  bool done_ = false;
};

}  // namespace aurex::ax::interp
