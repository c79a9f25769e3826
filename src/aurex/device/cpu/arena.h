#pragma once

// Scratch memory of one thread, kept between calls so that a launch allocates nothing once it has run before.
//
// The memory is valid until the same thread asks the same arena again. What is larger than kKept goes back to the
// allocator as soon as shrink() is called.

#include <cstdint>

#include "aurex/memory/allocator.h"

namespace aurex::cpu {

class Arena {
 public:
  static constexpr std::int64_t kKept = 64 << 20;

  /// 64-byte aligned, not cleared; null for 0 bytes. Raises OutOfMemory.
  [[nodiscard]] char* reserve(std::int64_t bytes) {
    if (bytes > buffer_.size()) {
      buffer_ = Buffer();  // first, so that old and new are not held together
      buffer_ = Buffer(bytes);
    }
    return reinterpret_cast<char*>(buffer_.data());
  }

  void shrink() noexcept {
    if (buffer_.size() > kKept) buffer_ = Buffer();
  }

 private:
  Buffer buffer_;
};

}  // namespace aurex::cpu
