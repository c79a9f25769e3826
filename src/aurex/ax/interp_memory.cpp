#include "aurex/ax/interp_memory.h"

#include "aurex/ax/element.h"

namespace aurex::ax::interp {

ArrayMemory::ArrayMemory(const TileProgram& program, const BoundCall& call, ArrayId id) {
  const Array& array = program.arrays[id];
  dtype_ = array.storage.dtype;
  data_ = call.arrays[id].data;
  const std::int64_t* strides = call.arrays[id].strides;
  for (const ArrayDim& dim : array.dims) {
    extents_.push_back(call.extents[dim.dim]);
    const PackId pack = program.dims[dim.dim].pack;
    if (pack == kNone) {
      steps_.push_back({.stride = *strides++});
      continue;
    }
    steps_.push_back({.pack_extents = call.packs.data() + std::size_t{pack} * kAurexPackRank, .pack_strides = strides});
    strides += kAurexPackRank;
  }
}

ArrayMemory::ArrayMemory(const Array& array, std::vector<std::int64_t> extents) : extents_(std::move(extents)) {
  dtype_ = array.storage.dtype;
  steps_.resize(extents_.size());
  std::int64_t stride = 1;
  for (std::size_t i = extents_.size(); i-- > 0;) {
    steps_[i].stride = stride;
    stride *= extents_[i];
  }
  owned_.resize(static_cast<std::size_t>(count() * bytes_per_element(dtype_)));
  data_ = owned_.data();
}

std::int64_t ArrayMemory::count() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : extents_) count *= extent;
  return count;
}

char* ArrayMemory::address(std::span<const std::int64_t> index) const {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.pack_extents == nullptr) {
      offset += index[i] * step.stride;
      continue;
    }
    std::int64_t rest = index[i];
    for (int slot = kAurexPackRank - 1; slot >= 0; --slot) {
      offset += rest % step.pack_extents[slot] * step.pack_strides[slot];
      rest /= step.pack_extents[slot];
    }
  }
  return data_ + offset * bytes_per_element(dtype_);
}

std::int64_t ArrayMemory::linear(std::span<const std::int64_t> index) const {
  std::int64_t linear = 0;
  for (std::size_t i = 0; i < extents_.size(); ++i) linear = linear * extents_[i] + index[i];
  return linear;
}

void ArrayMemory::fill(RegType type, Cell value) {
  std::vector<std::int64_t> index(extents_.size());
  for (std::int64_t left = count(); left > 0; --left) {
    store_element(dtype_, address(index), type, value);
    if (tracked()) set_written(linear(index));
    for (std::size_t i = index.size(); i-- > 0;) {
      if (++index[i] < extents_[i]) break;
      index[i] = 0;
    }
  }
}

}  // namespace aurex::ax::interp
