#pragma once

// An array whose length is known at construction: on the stack while it is short, on the heap otherwise.
//
// Only as many elements are constructed as there are, which a std::array does not do: clearing unused argument slots
// cost more than a small launch.

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace aurex::python {

template <typename T, std::size_t kShort>
class ShortArray {
 public:
  explicit ShortArray(std::size_t size) : size_(size), data_(reinterpret_cast<T*>(inside_)) {
    if (size > kShort) data_ = std::allocator<T>().allocate(size);
    std::uninitialized_value_construct_n(data_, size);
  }
  ~ShortArray() {
    std::destroy_n(data_, size_);
    if (size_ > kShort) std::allocator<T>().deallocate(data_, size_);
  }
  ShortArray(const ShortArray&) = delete;
  ShortArray& operator=(const ShortArray&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] std::span<T> span() { return {data_, size_}; }
  T& operator[](std::size_t i) { return data_[i]; }

 private:
  std::size_t size_;
  T* data_;
  alignas(T) std::byte inside_[kShort * sizeof(T)];
};

}  // namespace aurex::python
