#include "aurex/ax/binding.h"

#include <string>

#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

}  // namespace

AurexFrame BoundCall::frame() const {
  return {.extents = extents.data(),
          .packs = packs.data(),
          .arrays = arrays.data(),
          .f64_scalars = f64_scalars.data(),
          .i64_scalars = i64_scalars.data(),
          .shared = nullptr,
          .error = nullptr,
          .runtime = nullptr,
          .context = nullptr};
}

Binding::Binding(const TileProgram& program)
    : program_(program), plans_(program.arrays.size()), packs_(program.pack_count) {
  for (ArrayId id = 0; id < program.arrays.size(); ++id) {
    plan_array(id, stride_slots_);
    const ArrayRole role = program.arrays[id].role;
    if (role == ArrayRole::kInput || role == ArrayRole::kInout) inputs_.push_back(id);
    if (role == ArrayRole::kResult) results_.push_back(id);
    if (role == ArrayRole::kResult || role == ArrayRole::kInout) written_.push_back(id);
  }
  for (DimId dim = 0; dim < program.dims.size(); ++dim) {
    const ValueId value = program.dims[dim].defined_by;
    if (value != kNone) definitions_.push_back({dim, LaunchScalar(program, value)});
  }
  for (const ExtentCheck& check : program.checks)
    conditions_.push_back({&check, LaunchScalar(program, check.condition)});
  for (ValueId id = 0; id < program.values.size(); ++id) {
    const Value& value = program.values[id];
    if (value.op == Op::kScalar && program.scalars[value.id].type == RegType::kI64 && value.type != RegType::kI64 &&
        !is_float(value.type)) {
      narrow_scalars_.push_back(id);
    }
    if (value.op == Op::kPosition && value.type == RegType::kI32 && program.axes[value.id].dim != kNone) {
      positions_.push_back(program.axes[value.id].dim);
    }
  }
}

void Binding::plan_array(ArrayId id, std::uint32_t& slots) {
  const Array& array = program_.arrays[id];
  ArrayPlan& plan = plans_[id];
  plan.stride_base = slots;
  for (std::uint32_t i = 0; i < array.dims.size(); ++i) {
    const bool pack = program_.dims[array.dims[i].dim].pack != kNone;
    plan.slots.push_back(plan.stride_count);
    if (i > 0 && array.dims[i].argument_axis == array.dims[i - 1].argument_axis) {
      ++plan.axes.back().parts;
    } else {
      plan.axes.push_back({.first = i, .parts = 1, .pack = pack});
    }
    // Kernel-level scratch belongs to the kernel, which sees a pack there as one dense axis.
    if (!pack || array.role == ArrayRole::kScratch) {
      ++plan.stride_count;
      continue;
    }
    if (plan.pack_axis >= 0) {
      throw NotImplemented("kernel " + program_.name + ": two packs in one parameter, " + quoted(array.name));
    }
    plan.pack_axis = static_cast<int>(plan.axes.size()) - 1;
    packs_[program_.dims[array.dims[i].dim].pack].push_back(
        {.array = id, .axis = static_cast<std::uint32_t>(plan.pack_axis), .slot = plan.stride_count});
    plan.stride_count += kAurexPackRank;
  }
  plan.fixed_rank = static_cast<int>(plan.axes.size()) - (plan.pack_axis >= 0 ? 1 : 0);
  slots += plan.stride_count;
}

void Binding::take_views(const Arguments& arguments, BoundCall& call) const {
  if (arguments.arrays.size() != inputs_.size()) {
    const bool missing = arguments.arrays.size() < inputs_.size();
    const std::string name = missing ? program_.arrays[inputs_[arguments.arrays.size()]].name : "";
    throw with_fields(
        ArgumentError("kernel " + program_.name + " takes " + std::to_string(inputs_.size()) + " arrays, got " +
                      std::to_string(arguments.arrays.size()) + (missing ? "; missing " + quoted(name) : "")),
        {{"kernel", program_.name}, {"argument", name}});
  }
  if (arguments.results.size() > results_.size()) {
    throw with_fields(ArgumentError("kernel " + program_.name + " has " + std::to_string(results_.size()) +
                                    " results, got out= for " + std::to_string(arguments.results.size())),
                      {{"kernel", program_.name}, {"argument", "out"}});
  }
  call.views.assign(program_.arrays.size(), nullptr);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    call.views[inputs_[i]] = arguments.arrays[i];
    if (arguments.arrays[i] == nullptr) {
      const std::string& name = program_.arrays[inputs_[i]].name;
      throw with_fields(ArgumentError("kernel " + program_.name + ": missing argument " + quoted(name)),
                        {{"kernel", program_.name}, {"argument", name}});
    }
  }
  for (std::size_t i = 0; i < arguments.results.size(); ++i) call.views[results_[i]] = arguments.results[i];
}

void Binding::take_scalars(const Arguments& arguments, BoundCall& call) const {
  if (arguments.scalars.size() != program_.scalars.size()) {
    const bool missing = arguments.scalars.size() < program_.scalars.size();
    const std::string name = missing ? program_.scalars[arguments.scalars.size()].name : "";
    throw with_fields(ArgumentError("kernel " + program_.name + " takes " + std::to_string(program_.scalars.size()) +
                                    " scalars, got " + std::to_string(arguments.scalars.size()) +
                                    (missing ? "; missing " + quoted(name) : "")),
                      {{"kernel", program_.name}, {"argument", name}});
  }
  call.f64_scalars.resize(program_.scalars.size());
  call.i64_scalars.resize(program_.scalars.size());
  for (std::size_t i = 0; i < program_.scalars.size(); ++i) {
    const Scalar& scalar = program_.scalars[i];
    const ScalarArgument& given = arguments.scalars[i];
    const bool fits = given.type == scalar.type || (scalar.type == RegType::kF64 && given.type == RegType::kI64);
    if (!fits) {
      throw with_fields(
          DTypeMismatch("kernel " + program_.name + ": scalar " + quoted(scalar.name) + " is " +
                        std::string(to_string(given.type)) + ", expected " + std::string(to_string(scalar.type))),
          {{"kernel", program_.name},
           {"parameter", scalar.name},
           {"expected", std::string(to_string(scalar.type))},
           {"actual", std::string(to_string(given.type))}});
    }
    if (scalar.type == RegType::kF64) {
      call.f64_scalars[scalar.slot] = to_f64(given.type, given.value);
    } else {
      call.i64_scalars[scalar.slot] = to_i64(given.type, given.value);
    }
  }
  for (const ValueId id : narrow_scalars_) {
    const Value& value = program_.values[id];
    const Scalar& scalar = program_.scalars[value.id];
    const std::int64_t given = call.i64_scalars[scalar.slot];
    if (to_i64(value.type, from_i64(value.type, given)) == given && (given >= 0 || value.type == RegType::kI32))
      continue;
    throw with_fields(InvalidConfig("kernel " + program_.name + ": scalar " + quoted(scalar.name) + " = " +
                                    std::to_string(given) + " does not fit " + std::string(to_string(value.type))),
                      {{"kernel", program_.name}, {"argument", scalar.name}});
  }
}

Dims Binding::result_shape(const BoundCall& call, ArrayId id) const {
  const Array& array = program_.arrays[id];
  Dims shape;
  if (program_.broadcast) {
    shape = call.pack_shapes[0];
  } else {
    for (const AxisPlan& step : plans_[id].axes) {
      if (step.pack) {
        for (const std::int64_t extent : call.pack_shapes[program_.dims[array.dims[step.first].dim].pack]) {
          shape.push_back(extent);
        }
        continue;
      }
      Dims parts;
      for (std::uint32_t i = 0; i < step.parts; ++i) parts.push_back(call.extents[array.dims[step.first + i].dim]);
      shape.push_back(element_count(parts));
    }
  }
  static_cast<void>(byte_count(shape, array.storage.dtype));
  return shape;
}

}  // namespace aurex::ax
