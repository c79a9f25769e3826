// The second half of binding: are the outputs usable, and how do the axes of packs lie in memory?

#include <algorithm>
#include <string>

#include "aurex/ax/binding.h"
#include "aurex/base/error.h"
#include "aurex/tensor/overlap.h"

namespace aurex::ax {
namespace {

/// Adjacent axes of several arrays, merged from the innermost outwards wherever every array steps through both as
/// through one. Axes of one position are left out.
class AxisMerger {
 public:
  static constexpr int kMaxArrays = 64;

  explicit AxisMerger(int arrays) : arrays_(arrays) {}

  /// `stride(a)` is array a's step along the next axis outwards.
  template <typename Stride>
  void add(std::int64_t extent, Stride&& stride) {
    if (extent == 1) return;
    if (groups_ > 0) {
      bool joins = true;
      for (int a = 0; a < arrays_ && joins; ++a) joins = stride(a) == strides_[groups_ - 1][a] * extents_[groups_ - 1];
      if (joins) {
        extents_[groups_ - 1] *= extent;
        return;
      }
    }
    extents_[groups_] = extent;
    for (int a = 0; a < arrays_; ++a) strides_[groups_][a] = stride(a);
    ++groups_;
  }

  [[nodiscard]] int groups() const { return groups_; }
  /// Group 0 is the innermost; past the last, an axis of one position.
  [[nodiscard]] std::int64_t extent(int group) const { return group < groups_ ? extents_[group] : 1; }
  [[nodiscard]] std::int64_t stride(int group, int array) const { return group < groups_ ? strides_[group][array] : 0; }

 private:
  int arrays_ = 0, groups_ = 0;
  std::int64_t extents_[kMaxRank];
  std::int64_t strides_[kMaxRank][kMaxArrays];
};

[[noreturn]] void refuse_output(const TileProgram& program, const std::string& name, const std::string& why) {
  throw with_fields(InvalidConfig("kernel " + program.name + ": output '" + name + "' " + why),
                    {{"kernel", program.name}, {"argument", name}});
}

[[noreturn]] void refuse_axes(const TileProgram& program) {
  throw NotImplemented("kernel " + program.name + ": leading axes that do not merge to " +
                       std::to_string(kAurexPackRank) + " or fewer, or over 64 arrays along one pack");
}

}  // namespace

void Binding::check_results(const BoundCall& call) const {
  for (const ArrayId id : written_) {
    const Array& array = program_.arrays[id];
    const TensorView* view = call.views[id];
    if (view == nullptr) {
      throw with_fields(ArgumentError("kernel " + program_.name + ": no memory for result '" + array.name + "'"),
                        {{"kernel", program_.name}, {"argument", array.name}});
    }
    if (array.role == ArrayRole::kResult) {
      if (view->dtype != array.storage.dtype) {
        throw with_fields(DTypeMismatch("kernel " + program_.name + ": result '" + array.name + "' is " +
                                        std::string(to_string(view->dtype)) + ", expected " +
                                        std::string(to_string(array.storage.dtype))),
                          {{"kernel", program_.name},
                           {"parameter", array.name},
                           {"expected", std::string(to_string(array.storage.dtype))},
                           {"actual", std::string(to_string(view->dtype))}});
      }
      const Dims shape = result_shape(call, id);
      if (!(shape == view->shape)) {
        refuse_output(program_, array.name, "has shape " + to_string(view->shape) + ", expected " + to_string(shape));
      }
    }
    if (view->read_only) refuse_output(program_, array.name, "is read-only");
    if (!view->contiguous() && !proves_distinct(view->shape, view->strides)) {
      refuse_output(program_, array.name,
                    "may hold one element at two positions (strides " + to_string(view->strides) + ")");
    }
  }
}

void Binding::check_aliases(const BoundCall& call) const {
  for (const ArrayId out : written_) {
    for (ArrayId other = 0; other < program_.arrays.size(); ++other) {
      if (other == out || call.views[other] == nullptr) continue;
      if (!ranges_disjoint(*call.views[out], *call.views[other])) check_alias(call, out, other);
    }
  }
}

/// Of two arrays whose ranges meet.
void Binding::check_alias(const BoundCall& call, ArrayId out, ArrayId other) const {
  const Array& written = program_.arrays[out];
  const Array& read = program_.arrays[other];
  // The same elements, each read in the tile that writes it, before it is written.
  const bool in_place = read.role == ArrayRole::kInput && written.in_place;
  if (in_place && views_identical(*call.views[out], *call.views[other])) return;
  if (classify_overlap(*call.views[out], *call.views[other]) == Overlap::kDisjoint) return;
  throw with_fields(InvalidConfig("kernel " + program_.name + ": output '" + written.name + "' shares memory with '" +
                                  read.name + "'"),
                    {{"kernel", program_.name}, {"argument", written.name}, {"other", read.name}});
}

void Binding::lay_out_axes(BoundCall& call) const {
  for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
    const Array& array = program_.arrays[id];
    const ArrayPlan& plan = plans_[id];
    std::int64_t* strides = call.strides.data() + plan.stride_base;
    call.arrays[id] = {.data = nullptr, .strides = strides};
    if (array.role == ArrayRole::kScratch) {  // dense
      std::int64_t step = 1;
      for (std::size_t i = array.dims.size(); i-- > 0;) {
        strides[plan.slots[i]] = step;
        step *= call.extents[array.dims[i].dim];
      }
      continue;
    }
    const TensorView& view = *call.views[id];
    call.arrays[id].data = static_cast<char*>(view.data);
    if (program_.broadcast) continue;
    int axis = 0;
    for (const AxisPlan& step : plan.axes) {
      if (step.pack) {
        axis += view.rank() - plan.fixed_rank;
        continue;
      }
      std::int64_t stride = view.strides[axis++];
      for (std::uint32_t i = step.parts; i-- > 0;) {
        strides[plan.slots[step.first + i]] = stride;
        stride *= call.extents[array.dims[step.first + i].dim];
      }
    }
  }
}

void Binding::merge_pack(PackId pack, BoundCall& call) const {
  const std::vector<PackUse>& uses = packs_[pack];
  if (uses.size() > AxisMerger::kMaxArrays) refuse_axes(program_);
  const Dims& shape = call.pack_shapes[pack];
  AxisMerger merger(static_cast<int>(uses.size()));
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (empty) {
    merger.add(0, [](int) { return 0; });
  } else {
    for (int axis = shape.size() - 1; axis >= 0; --axis) {
      // Axes before a pack have one position each in the argument's list.
      merger.add(shape[axis], [&](int a) {
        const PackUse& use = uses[static_cast<std::size_t>(a)];
        return call.views[use.array]->strides[static_cast<int>(use.axis) + axis];
      });
    }
  }
  if (merger.groups() > kAurexPackRank) refuse_axes(program_);
  for (int slot = 0; slot < kAurexPackRank; ++slot) {
    const int group = kAurexPackRank - 1 - slot;
    call.packs[pack * kAurexPackRank + static_cast<std::uint32_t>(slot)] = merger.extent(group);
    for (std::size_t a = 0; a < uses.size(); ++a) {
      call.strides[plans_[uses[a].array].stride_base + uses[a].slot + static_cast<std::uint32_t>(slot)] =
          merger.stride(group, static_cast<int>(a));
    }
  }
}

void Binding::merge_broadcast(BoundCall& call) const {
  const Dims& shape = call.pack_shapes[0];
  const int arrays = static_cast<int>(program_.arrays.size());
  if (arrays > AxisMerger::kMaxArrays) refuse_axes(program_);
  AxisMerger merger(arrays);
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (empty) {
    merger.add(0, [](int) { return 0; });
  } else {
    for (int axis = shape.size() - 1; axis >= 0; --axis) {
      merger.add(shape[axis], [&](int a) -> std::int64_t {
        const TensorView& view = *call.views[static_cast<std::size_t>(a)];
        const int own = axis - (shape.size() - view.rank());
        return own < 0 || view.shape[own] == 1 ? 0 : view.strides[own];
      });
    }
  }
  if (merger.groups() > kAurexPackRank + 1) refuse_axes(program_);
  std::int64_t rows = 1;
  for (int slot = 0; slot < kAurexPackRank; ++slot) {
    const std::int64_t extent = merger.extent(kAurexPackRank - slot);
    call.packs[static_cast<std::size_t>(slot)] = extent;
    rows *= extent;
  }
  for (DimId dim = 0; dim < program_.dims.size(); ++dim) {
    call.extents[dim] = program_.dims[dim].pack != kNone ? rows : merger.extent(0);
  }
  for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
    std::int64_t* strides = call.strides.data() + plans_[id].stride_base;
    for (int slot = 0; slot <= kAurexPackRank; ++slot) {
      strides[slot] = merger.stride(kAurexPackRank - slot, static_cast<int>(id));
    }
  }
}

void Binding::finish(BoundCall& call) const {
  if (call.repeated && same_results(call)) {
    if (!call.before.measured) measure(call);
    check_memory_again(call);
    for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
      if (call.views[id] != nullptr) call.arrays[id].data = static_cast<char*>(call.views[id]->data);
    }
    return;
  }
  call.repeated = false;
  call.before.complete = false;
  check_results(call);
  check_aliases(call);
  call.packs.resize(program_.pack_count * static_cast<std::size_t>(kAurexPackRank));
  call.strides.resize(stride_slots_);
  call.arrays.resize(program_.arrays.size());
  lay_out_axes(call);
  if (program_.broadcast) {
    if (!program_.dims.empty()) merge_broadcast(call);
  } else {
    for (PackId pack = 0; pack < program_.pack_count; ++pack) merge_pack(pack, call);
  }
  describe(call);
}

}  // namespace aurex::ax
