#pragma once

// The arrays of a call as the interpreter reads and writes them. Internal to the interpreter.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "aurex/ax/binding.h"
#include "aurex/ax/tile_program.h"
#include "aurex/base/kernel_abi.h"

namespace aurex::ax::interp {

/// One array: where its elements lie, and with `track` which of them have been written.
class ArrayMemory {
 public:
  /// An argument or result of the call.
  ArrayMemory(const TileProgram& program, const BoundCall& call, ArrayId array);
  /// Scratch of the given extents, owned, zeroed.
  ArrayMemory(const Array& array, std::vector<std::int64_t> extents);

  [[nodiscard]] std::span<const std::int64_t> extents() const { return extents_; }
  [[nodiscard]] DType dtype() const { return dtype_; }
  /// The element at one index per dimension, all in range.
  [[nodiscard]] char* address(std::span<const std::int64_t> index) const;
  [[nodiscard]] std::int64_t linear(std::span<const std::int64_t> index) const;

  void track() { written_.assign(static_cast<std::size_t>(count()), false); }
  [[nodiscard]] bool tracked() const { return !written_.empty(); }
  [[nodiscard]] bool written(std::int64_t linear) const { return written_[static_cast<std::size_t>(linear)]; }
  void set_written(std::int64_t linear) { written_[static_cast<std::size_t>(linear)] = true; }

  /// Every element becomes `value`.
  void fill(RegType type, Cell value);

 private:
  struct Step {
    std::int64_t stride = 0;
    const std::int64_t* pack_extents = nullptr;  // of a pack, kAurexPackRank of them
    const std::int64_t* pack_strides = nullptr;
  };
  [[nodiscard]] std::int64_t count() const;

  DType dtype_ = DType::kF32;
  char* data_ = nullptr;
  std::vector<std::int64_t> extents_;
  std::vector<Step> steps_;
  std::vector<char> owned_;
  std::vector<bool> written_;
};

}  // namespace aurex::ax::interp
