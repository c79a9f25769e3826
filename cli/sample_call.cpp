#include "cli/sample_call.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "aurex/ax/launch_scalar.h"
#include "aurex/base/error.h"
#include "cli/commands.h"
#include "cli/value.h"

namespace aurex::cli {
namespace {

constexpr std::int64_t kUsualExtent = 64;

ax::ScalarArgument one(ax::RegType type) {
  if (type == ax::RegType::kBool) return {type, ax::Cell::of(true)};
  if (type == ax::RegType::kI64) return {type, ax::Cell::of(std::int64_t{1})};
  return {ax::RegType::kF64, ax::Cell::of(1.0)};
}

void refuse_unknown(const ax::TileProgram& program, const NamedExtents& given) {
  std::vector<std::string> names;
  for (const ax::Dim& dim : program.dims) {
    if (!dim.literal) names.push_back(dim.name);
  }
  for (const auto& [name, extent] : given) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw with_fields(ArgumentError(fmt::format("kernel {} has no dimension '{}'; it has {}", program.name, name,
                                                fmt::join(names, ", "))),
                      {{"argument", name}});
  }
}

}  // namespace

NamedExtents parse_extents(std::string_view text) {
  NamedExtents extents;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const auto [name, value] = split_assignment(text.substr(0, comma));
    std::int64_t extent = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), extent);
    if (error != std::errc() || end != value.data() + value.size() || extent < 0) {
      throw UsageError(fmt::format("{}={} is no extent", name, value));
    }
    extents[name] = extent;
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return extents;
}

SampleCall::SampleCall(const ax::TileProgram& program, const NamedExtents& extents)
    : program_(program), binding_(program) {
  for (const ax::Scalar& scalar : program.scalars) scalars_.push_back(one(scalar.type));
  choose_extents(extents);
  std::vector<ax::NamedExtent> named;
  for (ax::DimId id = 0; id < program.dims.size() && !program.broadcast; ++id) {
    const ax::Dim& dim = program.dims[id];
    const bool open = !dim.literal && dim.pack == ax::kNone && dim.defined_by == ax::kNone;
    if (open) named.push_back({dim.name, extents_[id]});
  }
  for (const ax::ArrayId id : binding_.inputs()) {
    tensors_.push_back(Tensor::uninitialised(shape_of(program.arrays[id]), program.arrays[id].storage.dtype));
  }
  std::vector<const TensorView*> inputs;
  for (const Tensor& tensor : tensors_) inputs.push_back(&tensor.view());
  binding_.solve({.arrays = inputs, .scalars = scalars_, .results = {}, .extents = named}, bound_);
  const std::size_t first_result = tensors_.size();
  tensors_.reserve(first_result + binding_.results().size());  // views of tensors must stay where they are
  for (std::size_t i = 0; i < inputs.size(); ++i) bound_.views[binding_.inputs()[i]] = &tensors_[i].view();
  for (const ax::ArrayId id : binding_.results()) {
    tensors_.push_back(Tensor::uninitialised(binding_.result_shape(bound_, id), program.arrays[id].storage.dtype));
    bound_.views[id] = &tensors_.back().view();
  }
  binding_.finish(bound_);
}

void SampleCall::choose_extents(const NamedExtents& given) {
  if (!program_.broadcast) refuse_unknown(program_, given);
  std::vector<double> f64s(program_.scalars.size(), 1);
  std::vector<std::int64_t> i64s(program_.scalars.size(), 1);
  for (const ax::Dim& dim : program_.dims) {
    const auto found = given.find(dim.name);
    if (dim.literal) {
      extents_.push_back(*dim.literal);
    } else if (found != given.end()) {
      extents_.push_back(found->second);
    } else {
      extents_.push_back(dim.defined_by == ax::kNone ? kUsualExtent : -1);
    }
  }
  for (std::size_t round = 0; round < program_.dims.size(); ++round) {
    for (ax::DimId id = 0; id < program_.dims.size(); ++id) {
      if (extents_[id] >= 0) continue;
      const ax::LaunchScalar definition(program_, program_.dims[id].defined_by);
      if (definition.ready(extents_.data())) {
        extents_[id] = definition.integer({extents_.data(), f64s.data(), i64s.data()});
      }
    }
  }
}

Dims SampleCall::shape_of(const ax::Array& array) const {
  if (program_.broadcast) return {kUsualExtent, kUsualExtent};
  Dims shape;
  for (std::size_t i = 0; i < array.dims.size(); ++i) {
    const std::int64_t extent = std::max<std::int64_t>(extents_[array.dims[i].dim], 0);
    if (i > 0 && array.dims[i - 1].argument_axis == array.dims[i].argument_axis) {
      shape.back() *= extent;
    } else {
      shape.push_back(extent);
    }
  }
  return shape;
}

}  // namespace aurex::cli
