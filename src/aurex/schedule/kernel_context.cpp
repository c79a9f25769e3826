#include "aurex/schedule/kernel_context.h"

#include <algorithm>
#include <utility>

#include "aurex/base/error.h"

namespace aurex::schedule {
namespace {

using Stride = Buffer::Stride;

Buffer argument_buffer(LoopBuilder& b, const ax::TileProgram& tiles, const StrideClasses& classes, ax::ArrayId id) {
  const ax::Array& array = tiles.arrays[id];
  Buffer buffer{.name = array.name, .kind = Buffer::Kind::kArgument, .array = id, .dtype = array.storage.dtype};
  std::uint32_t slot = 0;
  for (std::size_t d = 0; d < array.dims.size(); ++d) {
    const ax::Dim& dim = tiles.dims[array.dims[d].dim];
    // A pack that merged into one axis is an ordinary one; it lies in the last of its slots.
    const bool pack = dim.pack != kNone;
    const bool merged = pack && classes.arrays[id][d] != Stride::kPack;
    buffer.slots.push_back(merged ? slot + kAurexPackRank - 1 : slot);
    slot += pack ? kAurexPackRank : 1;
    buffer.extents.push_back(dim.literal ? b.i64(*dim.literal) : b.extent(array.dims[d].dim));
    buffer.stride.push_back(classes.arrays[id][d]);
  }
  return buffer;
}

/// A kernel-level array of the kernel's own: dense, each pack one axis.
Buffer scratch_buffer(LoopBuilder& b, const ax::TileProgram& tiles, ax::ArrayId id) {
  const ax::Array& array = tiles.arrays[id];
  Buffer buffer{.name = array.name, .kind = Buffer::Kind::kShared, .dtype = array.storage.dtype};
  for (const ax::ArrayDim& part : array.dims) {
    const ax::Dim& dim = tiles.dims[part.dim];
    buffer.extents.push_back(dim.literal ? b.i64(*dim.literal) : b.extent(part.dim));
    buffer.stride.push_back(Stride::kAny);
  }
  if (!buffer.stride.empty()) buffer.stride.back() = Stride::kUnit;
  return buffer;
}

}  // namespace

KernelContext::KernelContext(const ax::TileProgram& program, const StrideClasses& stride_classes, SizeClass size_class,
                             const Target& for_target, Schedule given)
    : tiles(program),
      classes(stride_classes),
      size(size_class),
      target(for_target),
      facts(gather_facts(program)),
      decide(program, std::move(given), for_target.name),
      b(out) {
  out.name = program.name;
  out.target = for_target.name;
  out.extent_count = static_cast<std::uint32_t>(program.dims.size());
  out.pack_count = program.pack_count;
  out.scalars = program.scalars;
  for (ax::ArrayId id = 0; id < program.arrays.size(); ++id) {
    if (program.arrays[id].storage.format != kNone) {
      throw NotImplemented("array " + program.arrays[id].name + ": block formats have no compiled form yet");
    }
    const bool own = program.arrays[id].role == ax::ArrayRole::kScratch;
    arrays.push_back(
        b.new_buffer(own ? scratch_buffer(b, program, id) : argument_buffer(b, program, stride_classes, id)));
  }
}

ExprId KernelContext::launch_scalar(ax::ValueId id) {
  if (const auto made = launch_scalars_.find(id); made != launch_scalars_.end()) return made->second;
  const ExprId made = make_launch_scalar(value(id));
  launch_scalars_.emplace(id, made);
  return made;
}

ExprId KernelContext::make_launch_scalar(const ax::Value& v) {
  switch (v.op) {
    case ax::Op::kConst:
      return ax::is_float(v.type) ? b.number(v.type, v.number) : b.integer(v.type, v.integer);
    case ax::Op::kScalar:
      return b.scalar(v.id, v.type);
    case ax::Op::kExtent:
      return tiles.dims[v.id].literal ? b.i64(*tiles.dims[v.id].literal) : b.extent(v.id);
    default:
      break;
  }
  std::vector<ExprId> args;
  for (const ax::ValueId arg : v.args) args.push_back(launch_scalar(arg));
  return b.op(v.op, v.type, std::move(args));
}

void KernelContext::assume(const std::unordered_map<ax::ValueId, std::int64_t>& numbers) {
  launch_scalars_.clear();
  for (const auto& [id, number] : numbers) launch_scalars_.emplace(id, b.integer(value(id).type, number));
}

ExprId KernelContext::axis_extent(ax::AxisId id) { return b.cast(RegType::kI64, launch_scalar(axis(id).extent)); }

bool KernelContext::is_odometer(ax::AxisId id) const {
  const ax::DimId dim = axis(id).dim;
  if (dim == kNone || tiles.dims[dim].pack == kNone) return false;
  for (ax::ArrayId a = 0; a < tiles.arrays.size(); ++a) {
    for (std::size_t d = 0; d < tiles.arrays[a].dims.size(); ++d) {
      if (tiles.arrays[a].dims[d].dim == dim && classes.arrays[a][d] == Stride::kPack) return true;
    }
  }
  return false;
}

BufferId KernelContext::shared_buffer(std::string name, RegType type, ax::AxisSet axes) {
  Buffer buffer{.name = std::move(name), .kind = Buffer::Kind::kShared, .dtype = scratch_dtype(type)};
  for (const ax::AxisId id : axes_of(axes)) {
    buffer.extents.push_back(axis_extent(id));
    buffer.stride.push_back(Stride::kAny);
  }
  if (!buffer.stride.empty()) buffer.stride.back() = Stride::kUnit;
  return b.new_buffer(std::move(buffer));
}

std::int32_t KernelContext::site(ax::Span span, std::string text, std::span<const ax::AxisId> axes) {
  Site site{.text = std::move(text)};
  for (const ax::AxisId id : axes) site.axes.push_back({.name = axis(id).name, .extent = axis_extent(id)});
  if (tiles.source) {
    const ax::LineColumn at = tiles.source->position(span.begin);
    site.line = at.line;
    site.column = at.column;
  }
  for (std::size_t i = 0; i < out.sites.size(); ++i) {
    const Site& known = out.sites[i];
    const bool same_axes = std::ranges::equal(known.axes, site.axes, [](const Site::Axis& x, const Site::Axis& y) {
      return x.name == y.name && x.extent == y.extent;
    });
    if (known.line == site.line && known.column == site.column && known.text == site.text && same_axes) {
      return static_cast<std::int32_t>(i);
    }
  }
  return b.new_site(std::move(site));
}

}  // namespace aurex::schedule
