#include "aurex/schedule/lower.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "aurex/ax/online.h"
#include "aurex/schedule/builder.h"
#include "aurex/schedule/contraction_match.h"
#include "aurex/schedule/drive.h"

namespace aurex::schedule {
namespace {

/// Up to here a right operand fits L1 together with the rest and is read where it lies.
constexpr std::int64_t kDirectElements = 16384;
/// Up to here, with few rows and a reduced axis that is not long, whole panels stay in L2 and sums need no scratch:
/// ahead by a tenth for 256 x 256 and 384 x 1536 behind 256 and 128 rows, behind by a twentieth for more rows or larger
/// right operands (f32).
constexpr std::int64_t kPanelElements = 3 << 18;
constexpr std::int64_t kPanelSteps = 2048;
constexpr std::int64_t kPanelRows = 320;
/// So few rows read the right operand about once: copying it cannot pay. Each height is code of its own.
constexpr std::array<std::int64_t, 5> kStreamRows = {1, 2, 4, 8, 12};
/// Rows of the left operand that are a multiple of this apart share one set of L1: 4 KiB of f32.
constexpr std::int64_t kAliasedSteps = 1024;
/// Steps of a contraction over several axes for each position of the innermost: they are copied together.
constexpr std::int64_t kMostTaps = 1024;
/// Each row takes an address register where it is read in place, 2 KiB of L1 where it is copied.
constexpr int kMostRows = 9;

std::int64_t extent_of(const ax::TileProgram& program, ax::AxisId axis, const std::int64_t* extents) {
  const ax::DimId dim = program.axes[axis].dim;
  if (dim == kNone) return 1;
  return program.dims[dim].literal ? *program.dims[dim].literal : extents[dim];
}

/// The block of results that wastes least: those past the last row and column are computed too, the more
/// multiplications there are to a step, the less the rest of it shows, and the more rows, the less often L2 delivers a
/// panel.
SizeClass packed_block(SizeClass::Kind kind, std::int64_t rows, std::int64_t columns, const Target& target,
                       std::int64_t lanes) {
  SizeClass best(kind);
  double least = 0;
  for (const int vectors : {3, 4, 2}) {
    const int most = (target.vector_registers - vectors - 1) / vectors;
    for (int height = std::min(most, kMostRows); height >= std::max(most * 2 / 3, 1); --height) {
      const std::int64_t width = lanes * vectors;
      const auto computed = static_cast<double>((rows + height - 1) / height * height) *
                            static_cast<double>((columns + width - 1) / width * width);
      const double cost = computed * (1 + 2.0 / (height * vectors) + 0.5 / height);
      if (least != 0 && cost >= least) continue;
      least = cost;
      best = SizeClass(kind, height, vectors);
    }
  }
  return best;
}

/// Blocks of two adjacent heights that fill the rows exactly.
SizeClass exact_block(SizeClass::Kind kind, std::int64_t rows, std::int64_t columns, const Target& target,
                      std::int64_t lanes) {
  // Four vectors leave no rest in a small product; in a larger one nine rows by three ask less of L2.
  const bool four = kind == SizeClass::kDirect && columns % (4 * lanes) == 0 && target.vector_registers >= 32;
  const std::int64_t vectors = four ? 4 : 3;
  const std::int64_t most = std::max<std::int64_t>((target.vector_registers - vectors - 1) / vectors, 1);
  const std::int64_t blocks = std::max<std::int64_t>((rows + most - 1) / most, 1);
  const std::int64_t height = std::max<std::int64_t>((rows + blocks - 1) / blocks, 1);
  return {kind, static_cast<int>(height), static_cast<int>(vectors)};
}

/// Rows are filled up to a height of which there is code: what lies past the end is multiplied and not stored, while
/// the right operand comes from memory. Vectors as many as fit, four of which are enough.
SizeClass stream_block(std::int64_t rows, const Target& target) {
  const std::int64_t height = *std::ranges::find_if(kStreamRows, [&](std::int64_t each) { return each >= rows; });
  const std::int64_t vectors = std::clamp<std::int64_t>((target.vector_registers - 2) / (height + 1), 1, 4);
  return {SizeClass::kSkinny, static_cast<int>(height), static_cast<int>(vectors)};
}

/// Of a contraction over several axes: blocks for rows that are padded and columns that are not.
SizeClass implicit_block(std::int64_t rows, std::int64_t columns, const Target& target, std::int64_t lanes) {
  SizeClass best(SizeClass::kImplicit);
  double least = 0;
  for (const int vectors : {3, 4, 2, 6, 8}) {
    const auto most =
        static_cast<int>(std::min<std::int64_t>({(target.vector_registers - vectors - 1) / vectors, kMostRows, rows}));
    for (int height = most; height >= std::max(most * 2 / 3, 1); --height) {
      const auto vector = [&](double width) { return 1 + 2.0 / (height * width) + 0.5 / height; };
      const std::int64_t all = (columns + lanes - 1) / lanes, rest = all % vectors;
      const auto height_rows = static_cast<double>((rows + height - 1) / height * height);
      const double cost =
          height_rows * (static_cast<double>(all - rest) * vector(vectors) + static_cast<double>(rest) * vector(1));
      if (least != 0 && cost >= least) continue;
      least = cost;
      best = SizeClass(SizeClass::kImplicit, height, vectors);
    }
  }
  return best;
}

/// Adds the axes of each factor of a product to those of the right operand where it varies with `lane`, else to the
/// left's.
void gather_operands(const ax::TileProgram& program, ax::ValueId id, ax::AxisId lane, ax::AxisSet& left,
                     ax::AxisSet& right) {
  const ax::Value& v = program.values[id];
  if (v.op != ax::Op::kMul) {
    (has(v.axes, lane) ? right : left) |= v.axes;
    return;
  }
  for (const ax::ValueId arg : v.args) gather_operands(program, arg, lane, left, right);
}

std::int64_t extent_of_all(const ax::TileProgram& program, ax::AxisSet axes, const std::int64_t* extents) {
  std::int64_t all = 1;
  for (; axes != 0; axes &= axes - 1) {
    all *= extent_of(program, static_cast<ax::AxisId>(std::countr_zero(axes)), extents);
  }
  return all;
}

/// A contraction over several axes, its roles as match_implicit finds them.
SizeClass implicit_class(const ax::TileProgram& program, const ax::Value& sum, const std::int64_t* extents,
                         const Target& target) {
  const auto lane = static_cast<ax::AxisId>(std::bit_width(sum.axes) - 1);
  ax::AxisSet left = 0, right = 0;
  gather_operands(program, sum.args[0], lane, left, right);
  const ax::AxisSet of_left = left & ~right & sum.axes, of_right = right & ~left & sum.axes;
  if (of_left == 0 || of_right == 0) return SizeClass::kDirect;
  const std::int64_t rows = extent_of(program, static_cast<ax::AxisId>(std::bit_width(of_left) - 1), extents);
  const ax::AxisSet outer = sum.over & ~ax::axis_bit(innermost(program, sum.over));
  if (rows == 0 || extent_of_all(program, outer, extents) > kMostTaps) return SizeClass::kDirect;
  return implicit_block(rows, extent_of_all(program, of_right, extents), target,
                        target.lanes(bytes_per_element(scratch_dtype(sum.type))));
}

}  // namespace

SizeClass size_class(const ax::TileProgram& program, const std::int64_t* extents, const Target& target) {
  for (const ax::Value& v : program.values) {
    if (v.op != ax::Op::kReduce || v.reduction != ax::Reduction::kSum) continue;
    if (program.values[v.args[0]].op != ax::Op::kMul || std::popcount(v.axes) < 2) continue;
    if (std::popcount(v.over) > 1) return implicit_class(program, v, extents, target);
    // The last axis of the result is the column, the one before it the row; others are batches.
    const auto column = static_cast<ax::AxisId>(std::bit_width(v.axes) - 1);
    const auto row = static_cast<ax::AxisId>(std::bit_width(v.axes & ~ax::axis_bit(column)) - 1);
    const std::int64_t rows = extent_of(program, row, extents), columns = extent_of(program, column, extents);
    const std::int64_t depth = extent_of(program, static_cast<ax::AxisId>(std::countr_zero(v.over)), extents);
    const std::int64_t lanes = target.lanes(bytes_per_element(scratch_dtype(v.type)));
    if (rows <= kStreamRows.back()) return stream_block(rows, target);
    if (depth * columns <= kDirectElements) return exact_block(SizeClass::kDirect, rows, columns, target, lanes);
    if (rows <= kPanelRows && depth * columns <= kPanelElements && depth < kPanelSteps) {
      return exact_block(SizeClass::kPanel, rows, columns, target, lanes);
    }
    return packed_block(depth % kAliasedSteps == 0 ? SizeClass::kLarge : SizeClass::kSmall, rows, columns, target,
                        lanes);
  }
  return SizeClass::kDirect;
}

LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size, const Target& target) {
  Schedule schedule;
  return lower(program, classes, size, target, schedule);
}

LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size, const Target& target,
                  Schedule& schedule) {
  require_for(schedule, program.name, target.name);
  const Values maxima = ax::online_maxima(program);
  const Values online = Decisions::online(schedule, program.name, maxima);
  std::optional<ax::TileProgram> rewritten;
  if (!online.empty()) rewritten = ax::take_online(program, online);
  KernelContext kernel(rewritten ? *rewritten : program, classes, size, target, schedule);
  kernel.decide.set_online(maxima, online);
  lower_kernel(kernel);
  schedule = kernel.decide.finish();
  return std::move(kernel.out);
}

}  // namespace aurex::schedule
