#pragma once

// The floating-point control word that kernels run under: round to nearest, subnormals kept, exceptions masked.
//
// Callers may run with flush-to-zero set (audio code, other libraries); results must not depend on it. A guard lives on
// one thread, around the kernel code that it runs.

#include <cstdint>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

namespace aurex::cpu {

class FloatingPointGuard {
 public:
#ifdef __x86_64__
  FloatingPointGuard() noexcept : saved_(_mm_getcsr()) {
    if (saved_ != kDefault) _mm_setcsr(kDefault);
  }
  ~FloatingPointGuard() {
    // Kernels set only the sticky exception flags; the caller gets its own word back, flags included.
    if (_mm_getcsr() != saved_) _mm_setcsr(saved_);
  }

 private:
  static constexpr std::uint32_t kDefault = 0x1f80;
  std::uint32_t saved_;
#elif defined(__aarch64__)
  FloatingPointGuard() noexcept {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    if (saved_ != 0) asm volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}));
  }
  ~FloatingPointGuard() {
    if (saved_ != 0) asm volatile("msr fpcr, %0" : : "r"(saved_));
  }

 private:
  std::uint64_t saved_;
#else
#error "no floating-point control word for this processor"
#endif

 public:
  FloatingPointGuard(const FloatingPointGuard&) = delete;
  FloatingPointGuard& operator=(const FloatingPointGuard&) = delete;
};

}  // namespace aurex::cpu
