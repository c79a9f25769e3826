// The way of a call that is like the one before: nothing is solved and nothing laid out, only memory is looked at
// again.

#include <cstdint>

#include "aurex/ax/binding.h"
#include "aurex/tensor/overlap.h"

namespace aurex::ax {
namespace {

bool same(const CallDescription& before, const CallDescription::Array& array, const TensorView& view) {
  if (!array.given || view.rank() != array.rank || view.dtype != array.dtype) return false;
  const std::int64_t* extents = before.dims.data() + array.dims;
  const std::int64_t* strides = extents + array.rank;
  for (int i = 0; i < array.rank; ++i) {
    if (view.shape[i] != extents[i] || view.strides[i] != strides[i]) return false;
  }
  return true;
}

bool same(std::span<const ScalarArgument> a, std::span<const ScalarArgument> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].type != b[i].type || a[i].value != b[i].value) return false;
  }
  return true;
}

bool same(std::span<const std::pair<std::string, std::int64_t>> a, std::span<const NamedExtent> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != b[i].name || a[i].second != b[i].value) return false;
  }
  return true;
}

/// The bytes of a view whose description has not changed.
ByteRange bytes_of(const CallDescription::Array& array, const TensorView& view) {
  const auto base = reinterpret_cast<std::uintptr_t>(view.data);
  return {base + static_cast<std::uintptr_t>(array.low), base + static_cast<std::uintptr_t>(array.high)};
}

bool meet(const ByteRange& a, const ByteRange& b) {
  return a.begin < b.end && b.begin < a.end && a.begin != a.end && b.begin != b.end;
}

}  // namespace

bool Binding::repeat(const Arguments& arguments, BoundCall& call) const {
  const CallDescription& before = call.before;
  if (!before.complete || arguments.arrays.size() != inputs_.size() || arguments.results.size() > results_.size() ||
      !same(before.scalars, arguments.scalars) || !same(before.extents, arguments.extents)) {
    return false;
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const TensorView* view = arguments.arrays[i];
    if (view == nullptr || !same(before, before.arrays[inputs_[i]], *view)) return false;
    call.views[inputs_[i]] = view;
  }
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const TensorView* view = i < arguments.results.size() ? arguments.results[i] : nullptr;
    if (view != nullptr && !same(before, before.arrays[results_[i]], *view)) return false;
    call.views[results_[i]] = view;
  }
  call.repeated = true;
  return true;
}

/// Those given since repeat() may be of any description.
bool Binding::same_results(const BoundCall& call) const {
  for (const ArrayId id : results_) {
    if (call.views[id] == nullptr || !same(call.before, call.before.arrays[id], *call.views[id])) return false;
  }
  return true;
}

/// What check_results() and check_aliases() refuse for reasons that do not lie in shapes and strides.
void Binding::check_memory_again(const BoundCall& call) const {
  for (const ArrayId out : written_) {
    if (call.views[out]->read_only) return check_results(call);
  }
  for (const ArrayId out : written_) {
    const ByteRange written = bytes_of(call.before.arrays[out], *call.views[out]);
    for (ArrayId other = 0; other < program_.arrays.size(); ++other) {
      if (other == out || call.views[other] == nullptr) continue;
      if (meet(written, bytes_of(call.before.arrays[other], *call.views[other]))) check_alias(call, out, other);
    }
  }
}

void Binding::describe(BoundCall& call) const {
  CallDescription& now = call.before;
  now.arrays.resize(program_.arrays.size());
  std::size_t numbers = 0;
  for (const TensorView* view : call.views) numbers += view == nullptr ? 0 : 2 * static_cast<std::size_t>(view->rank());
  now.dims.resize(numbers);
  std::int64_t* next = now.dims.data();
  for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
    CallDescription::Array& array = now.arrays[id];
    const TensorView* view = call.views[id];
    array.given = view != nullptr;
    if (view == nullptr) continue;
    array.dtype = view->dtype;
    array.rank = view->rank();
    array.dims = static_cast<std::uint32_t>(next - now.dims.data());
    for (const std::int64_t extent : view->shape) *next++ = extent;
    for (const std::int64_t stride : view->strides) *next++ = stride;
  }
  now.complete = true;
  now.measured = false;
}

/// Left to the first repeat: calls that never repeat do not pay for it.
void Binding::measure(BoundCall& call) const {
  for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
    const TensorView* view = call.views[id];
    if (view == nullptr) continue;
    const ByteRange bytes = byte_range(*view);
    const auto base = reinterpret_cast<std::uintptr_t>(view->data);
    call.before.arrays[id].low = static_cast<std::int64_t>(bytes.begin - base);
    call.before.arrays[id].high = static_cast<std::int64_t>(bytes.end - base);
  }
  call.before.measured = true;
}

}  // namespace aurex::ax
