// The first half of binding: from the shapes of the arguments to the extent of every dimension.

#include <algorithm>
#include <string>

#include "aurex/ax/binding.h"
#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

constexpr std::int64_t kUnknown = -1;

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

}  // namespace

/// Fills in extents from what a call gives, and says who disagreed.
class Binding::Solver {
 public:
  Solver(const Binding& binding, const Arguments& arguments, BoundCall& call)
      : binding_(binding), program_(binding.program_), arguments_(arguments), call_(call) {}

  void solve() {
    begin();
    for (const ArrayId id : binding_.inputs_) take_array(id);
    if (program_.broadcast) stretch();
    for (const ArrayId id : binding_.results_) {
      if (call_.views[id] != nullptr && !program_.broadcast) take_array(id);
    }
    while (solve_splits() || solve_definitions()) {
    }
    verify_splits();
    require_all();
    check_limits();
    for (const Condition& condition : binding_.conditions_) require(condition);
  }

 private:
  void begin() {
    call_.extents.assign(program_.dims.size(), kUnknown);
    call_.known_from.assign(program_.dims.size(), kNone);
    call_.pack_shapes.resize(program_.broadcast ? 1 : program_.pack_count);
    pack_known_ = 0;
    for (DimId dim = 0; dim < program_.dims.size(); ++dim) {
      if (program_.dims[dim].literal) call_.extents[dim] = *program_.dims[dim].literal;
    }
    for (const NamedExtent& given : arguments_.extents) take_named(given);
  }

  void take_named(const NamedExtent& given) {
    for (DimId dim = 0; dim < program_.dims.size(); ++dim) {
      if (program_.dims[dim].name != given.name || program_.dims[dim].literal) continue;
      if (given.value < 0) {
        throw with_fields(InvalidConfig("kernel " + program_.name + ": extent " + std::string(given.name) + " = " +
                                        std::to_string(given.value) + " is negative"),
                          {{"kernel", program_.name}, {"argument", std::string(given.name)}});
      }
      call_.extents[dim] = given.value;
      return;
    }
    throw with_fields(ArgumentError("kernel " + program_.name + " has no dimension " + quoted(given.name)),
                      {{"kernel", program_.name}, {"argument", std::string(given.name)}});
  }

  void take_array(ArrayId id) {
    const Array& array = program_.arrays[id];
    const TensorView& view = *call_.views[id];
    if (view.dtype != array.storage.dtype) refuse_dtype(array, view);
    if (program_.broadcast) return;
    const ArrayPlan& plan = binding_.plans_[id];
    const int extra = view.rank() - plan.fixed_rank;
    if (plan.pack_axis < 0 ? extra != 0 : extra < 0) refuse_rank(array, plan, view);
    int axis = 0;
    for (const AxisPlan& step : plan.axes) {
      if (step.pack) {
        take_pack(id, array.dims[step.first].dim, view, axis, extra);
        axis += extra;
        continue;
      }
      if (step.parts == 1) set(array.dims[step.first].dim, view.shape[axis], id);
      ++axis;
    }
  }

  void set(DimId dim, std::int64_t extent, ArrayId from) {
    std::int64_t& known = call_.extents[dim];
    if (known == extent) return;
    if (known != kUnknown) refuse_extent(dim, extent, from);
    known = extent;
    call_.known_from[dim] = from;
  }

  void take_pack(ArrayId id, DimId dim, const TensorView& view, int first, int rank) {
    const Dims shape(std::span(view.shape.data() + first, static_cast<std::size_t>(rank)));
    const PackId pack = program_.dims[dim].pack;
    const std::uint64_t bit = std::uint64_t{1} << (pack % 64);
    if ((pack_known_ & bit) == 0) {
      pack_known_ |= bit;
      call_.pack_shapes[pack] = shape;
      call_.extents[dim] = element_count(shape);
      call_.known_from[dim] = id;
    } else if (!(call_.pack_shapes[pack] == shape)) {
      refuse_pack(dim, shape, id);
    }
  }

  /// NumPy broadcasting; the shape is kept as the one pack's.
  void stretch() {
    Dims& shape = call_.pack_shapes[0];
    shape = {};
    if (call_.extents.empty()) return;  // numbers only: one element, no axis
    bool first = true;
    for (const ArrayId id : binding_.inputs_) {
      const Dims& other = call_.views[id]->shape;
      if (first || other == shape) {
        shape = other;
      } else {
        shape = stretched(shape, other, id);
      }
      first = false;
    }
    const std::int64_t count = element_count(shape);
    std::fill(call_.extents.begin(), call_.extents.end(), 1);
    call_.extents.back() = count;  // split into [R..., I] once the strides are known
  }

  Dims stretched(const Dims& shape, const Dims& other, ArrayId id) {
    try {
      return broadcast_shapes(shape, other);
    } catch (ShapeMismatch& error) {
      const std::string& name = program_.arrays[id].name;
      throw with_fields(ShapeMismatch("kernel " + program_.name + ": " + quoted(name) + " of shape " +
                                          to_string(other) + " does not stretch to " + to_string(shape),
                                      shape.extents(), other.extents()),
                        {{"kernel", program_.name}, {"parameter", name}});
    }
  }

  template <typename F>
  void each_split(F&& f) {
    for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
      if (call_.views[id] == nullptr) continue;
      const ArrayPlan& plan = binding_.plans_[id];
      int axis = 0;
      for (const AxisPlan& step : plan.axes) {
        if (step.parts > 1) f(id, step, call_.views[id]->shape[axis]);
        axis += step.pack ? call_.views[id]->rank() - plan.fixed_rank : 1;
      }
    }
  }

  /// Gives the one unknown part of a split where the others are known. True where anything was learned.
  bool solve_splits() {
    bool learned = false;
    each_split([&](ArrayId id, const AxisPlan& step, std::int64_t extent) {
      DimId unknown = kNone;
      std::int64_t product = 1;
      for (std::uint32_t i = 0; i < step.parts; ++i) {
        const DimId dim = program_.arrays[id].dims[step.first + i].dim;
        if (call_.extents[dim] != kUnknown) {
          if (__builtin_mul_overflow(product, call_.extents[dim], &product)) product = 0;
        } else if (unknown == kNone) {
          unknown = dim;
        } else {
          return;
        }
      }
      if (unknown == kNone || product == 0 || extent % product != 0) return;
      call_.extents[unknown] = extent / product;
      call_.known_from[unknown] = id;
      learned = true;
    });
    return learned;
  }

  void verify_splits() {
    each_split([&](ArrayId id, const AxisPlan& step, std::int64_t extent) {
      std::int64_t product = 1;
      std::string parts;
      for (std::uint32_t i = 0; i < step.parts; ++i) {
        const DimId dim = program_.arrays[id].dims[step.first + i].dim;
        const std::int64_t part = call_.extents[dim];
        if (part != kUnknown && __builtin_mul_overflow(product, part, &product)) product = -1;
        parts +=
            (i == 0 ? "" : ", ") + program_.dims[dim].name + (part == kUnknown ? "" : " = " + std::to_string(part));
        if (part == kUnknown && product != 0 && extent % product != 0) product = -1;
      }
      const bool solved = parts_known(id, step);
      if (solved ? product == extent : product >= 0) return;
      const std::string& name = program_.arrays[id].name;
      throw with_fields(ShapeMismatch("kernel " + program_.name + ": an axis of " + quoted(name) + " has " +
                                          std::to_string(extent) + " positions, which (" + parts + ") does not make",
                                      {product}, {extent}),
                        {{"kernel", program_.name}, {"axis", "(" + parts + ")"}, {"parameter", name}});
    });
  }

  bool parts_known(ArrayId id, const AxisPlan& step) const {
    for (std::uint32_t i = 0; i < step.parts; ++i) {
      if (call_.extents[program_.arrays[id].dims[step.first + i].dim] == kUnknown) return false;
    }
    return true;
  }

  bool solve_definitions() {
    bool learned = false;
    for (const Definition& definition : binding_.definitions_) {
      std::int64_t& known = call_.extents[definition.dim];
      if (!definition.value.ready(call_.extents.data())) continue;
      const std::int64_t value = definition.value.integer(call_.facts());
      if (known == value) continue;
      if (known != kUnknown) refuse_definition(definition.dim, value);
      if (value < 0) {
        throw with_fields(InvalidConfig("kernel " + program_.name + ": extent " + program_.dims[definition.dim].name +
                                        " = " + std::to_string(value) + " is negative"),
                          {{"kernel", program_.name}, {"axis", program_.dims[definition.dim].name}});
      }
      known = value;
      learned = true;
    }
    return learned;
  }

  void require_all() const {
    for (DimId dim = 0; dim < program_.dims.size(); ++dim) {
      if (call_.extents[dim] != kUnknown) continue;
      const std::string& name = program_.dims[dim].name;
      throw with_fields(ArgumentError("kernel " + program_.name + ": no argument tells the extent of " + name +
                                      "; give it by name (" + name + "=…) or pass the result (out=)"),
                        {{"kernel", program_.name}, {"argument", name}});
    }
  }

  /// Extents that no result or position could be counted in.
  void check_limits() const {
    for (const DimId dim : binding_.positions_) {
      if (call_.extents[dim] >= std::int64_t{1} << 31) {
        throw with_fields(InvalidConfig("kernel " + program_.name + ": positions along " + program_.dims[dim].name +
                                        " are used as i32 values, so its extent " + std::to_string(call_.extents[dim]) +
                                        " must be below 2^31"),
                          {{"kernel", program_.name}, {"axis", program_.dims[dim].name}});
      }
    }
    for (const ArrayId id : binding_.results_) {
      if (call_.views[id] == nullptr) static_cast<void>(binding_.result_shape(call_, id));
    }
  }

  void require(const Condition& condition) const {
    if (condition.value.evaluate(call_.facts()).truth()) return;
    std::string extents;
    for (DimId dim = 0; dim < program_.dims.size(); ++dim) {
      if (program_.dims[dim].literal) continue;
      extents += (extents.empty() ? "" : ", ") + program_.dims[dim].name + " = " + std::to_string(call_.extents[dim]);
    }
    throw with_fields(
        ShapeMismatch("kernel " + program_.name + " requires " + condition.check->text + ", but " + extents, {},
                      call_.extents),
        {{"kernel", program_.name}, {"condition", condition.check->text}});
  }

  [[noreturn]] void refuse_dtype(const Array& array, const TensorView& view) const {
    throw with_fields(
        DTypeMismatch("kernel " + program_.name + ": " + quoted(array.name) + " is " +
                      std::string(to_string(view.dtype)) + ", expected " + std::string(to_string(array.storage.dtype))),
        {{"kernel", program_.name},
         {"parameter", array.name},
         {"expected", std::string(to_string(array.storage.dtype))},
         {"actual", std::string(to_string(view.dtype))}});
  }

  [[noreturn]] void refuse_rank(const Array& array, const ArrayPlan& plan, const TensorView& view) const {
    const std::string least = plan.pack_axis >= 0 ? "at least " : "";
    throw with_fields(DimensionMismatch("kernel " + program_.name + ": " + quoted(array.name) + " has " +
                                            std::to_string(view.rank()) + " axes, expected " + least +
                                            std::to_string(plan.fixed_rank),
                                        plan.fixed_rank, view.rank()),
                      {{"kernel", program_.name}, {"parameter", array.name}, {"actual", std::to_string(view.rank())}});
  }

  [[noreturn]] void refuse_extent(DimId dim, std::int64_t extent, ArrayId from) const {
    const std::string& name = program_.dims[dim].name;
    const std::string& parameter = program_.arrays[from].name;
    const ArrayId other = call_.known_from[dim];
    const std::int64_t known = call_.extents[dim];
    const std::string other_name = other == kNone ? "the signature or the call" : program_.arrays[other].name;
    if (program_.arrays[from].role == ArrayRole::kResult) {
      throw with_fields(
          InvalidConfig("kernel " + program_.name + ": result " + quoted(parameter) + " has " + std::to_string(extent) +
                        " positions along " + name + ", expected " + std::to_string(known)),
          {{"kernel", program_.name}, {"argument", parameter}, {"axis", name}});
    }
    throw with_fields(
        ShapeMismatch("kernel " + program_.name + ": axis " + name + " is " + std::to_string(known) + " in " +
                          quoted(other_name) + " and " + std::to_string(extent) + " in " + quoted(parameter),
                      {known}, {extent}),
        {{"kernel", program_.name},
         {"axis", name},
         {"parameter", parameter},
         {"other_parameter", other == kNone ? "" : other_name}});
  }

  [[noreturn]] void refuse_pack(DimId dim, const Dims& shape, ArrayId from) const {
    const std::string& name = program_.dims[dim].name;
    const std::string& parameter = program_.arrays[from].name;
    const Dims& known = call_.pack_shapes[program_.dims[dim].pack];
    if (program_.arrays[from].role == ArrayRole::kResult) {
      throw with_fields(InvalidConfig("kernel " + program_.name + ": result " + quoted(parameter) + " has " +
                                      to_string(shape) + " for " + name + "..., expected " + to_string(known)),
                        {{"kernel", program_.name}, {"argument", parameter}, {"axis", name}});
    }
    const std::string& other = program_.arrays[call_.known_from[dim]].name;
    throw with_fields(
        ShapeMismatch("kernel " + program_.name + ": axes " + name + "... are " + to_string(known) + " in " +
                          quoted(other) + " and " + to_string(shape) + " in " + quoted(parameter),
                      known.extents(), shape.extents()),
        {{"kernel", program_.name}, {"axis", name}, {"parameter", parameter}, {"other_parameter", other}});
  }

  [[noreturn]] void refuse_definition(DimId dim, std::int64_t value) const {
    const ArrayId from = call_.known_from[dim];
    const std::string& name = program_.dims[dim].name;
    const std::int64_t known = call_.extents[dim];
    const std::string where = from == kNone ? "the call" : quoted(program_.arrays[from].name);
    throw with_fields(
        ShapeMismatch("kernel " + program_.name + ": axis " + name + " is " + std::to_string(value) +
                          " by its where clause and " + std::to_string(known) + " in " + where,
                      {value}, {known}),
        {{"kernel", program_.name}, {"axis", name}, {"parameter", from == kNone ? "" : program_.arrays[from].name}});
  }

  const Binding& binding_;
  const TileProgram& program_;
  const Arguments& arguments_;
  BoundCall& call_;
  std::uint64_t pack_known_ = 0;
};

void Binding::solve(const Arguments& arguments, BoundCall& call) const {
  call.repeated = false;
  call.before.complete = false;
  take_views(arguments, call);
  take_scalars(arguments, call);
  Solver(*this, arguments, call).solve();
  call.before.scalars.assign(arguments.scalars.begin(), arguments.scalars.end());
  call.before.extents.clear();
  for (const NamedExtent& given : arguments.extents) call.before.extents.emplace_back(given.name, given.value);
}

}  // namespace aurex::ax
