#include "aurex/schedule/lower.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "aurex/schedule/drive.h"

namespace aurex::schedule {
namespace {

/// Up to here a right operand fits L1 together with the rest and is read where it lies.
constexpr std::int64_t kDirectElements = 16384;
/// So few rows read the right operand about once: copying it cannot pay.
constexpr std::int64_t kSkinnyRows = 12;
constexpr std::int64_t kSmallRows = 192;

std::int64_t extent_of(const ax::TileProgram& program, ax::AxisId axis, const std::int64_t* extents) {
  const ax::DimId dim = program.axes[axis].dim;
  if (dim == kNone) return 1;
  return program.dims[dim].literal ? *program.dims[dim].literal : extents[dim];
}

}  // namespace

SizeClass size_class(const ax::TileProgram& program, const std::int64_t* extents) {
  for (const ax::Value& v : program.values) {
    if (v.op != ax::Op::kReduce || v.reduction != ax::Reduction::kSum) continue;
    if (program.values[v.args[0]].op != ax::Op::kMul || std::popcount(v.over) != 1 || std::popcount(v.axes) < 2)
      continue;
    // The last axis of the result is the column, the one before it the row; others are batches.
    const auto column = static_cast<ax::AxisId>(std::bit_width(v.axes) - 1);
    const auto row = static_cast<ax::AxisId>(std::bit_width(v.axes & ~ax::axis_bit(column)) - 1);
    const std::int64_t rows = extent_of(program, row, extents);
    const std::int64_t depth = extent_of(program, static_cast<ax::AxisId>(std::countr_zero(v.over)), extents);
    if (rows <= kSkinnyRows) return SizeClass::kSkinny;
    if (depth * extent_of(program, column, extents) <= kDirectElements) return SizeClass::kDirect;
    return rows <= kSmallRows ? SizeClass::kSmall : SizeClass::kLarge;
  }
  return SizeClass::kDirect;
}

LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size, const Target& target) {
  Schedule schedule;
  return lower(program, classes, size, target, schedule);
}

LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size, const Target& target,
                  Schedule& schedule) {
  KernelContext kernel(program, classes, size, target, schedule);
  lower_kernel(kernel);
  schedule = kernel.decide.finish();
  return std::move(kernel.out);
}

}  // namespace aurex::schedule
