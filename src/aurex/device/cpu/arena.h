#pragma once

// Scratch memory of one thread, kept between calls so that a launch allocates nothing once it has run before.
//
// Whoever needs memory takes the thread's arena for as long as he uses it; one who comes in between, on the same
// thread, finds it empty and fills his own. So calls may nest. Of two that are given back the larger is kept, unless it
// is larger than kKept.

#include <cstdint>
#include <utility>

#include "aurex/memory/allocator.h"

namespace aurex::cpu {

class Arena {
 public:
  static constexpr std::int64_t kKept = 64 << 20;

  /// The spare memory of this thread, with at least `bytes`. Raises OutOfMemory.
  explicit Arena(std::int64_t bytes) : buffer_(std::move(spare())) {
    if (bytes <= buffer_.size()) return;
    buffer_ = Buffer();  // first, so that old and new are not held together
    buffer_ = Buffer(bytes);
  }
  ~Arena() {
    if (buffer_.size() > spare().size() && buffer_.size() <= kKept) spare() = std::move(buffer_);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// 64-byte aligned, not cleared; null where there are no bytes.
  [[nodiscard]] char* data() noexcept { return reinterpret_cast<char*>(buffer_.data()); }

 private:
  static Buffer& spare() {
    thread_local Buffer buffer;
    return buffer;
  }

  Buffer buffer_;
};

}  // namespace aurex::cpu
