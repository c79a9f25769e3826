#pragma once

// What this machine can do at most, measured: the yardsticks that shares of a ceiling refer to.

#include <memory>

namespace aurex {

struct Ceilings {
  double fma_gflops = 0;  ///< f32 fused multiply-adds on one thread, 2 operations each, from registers
  double copy_gbs = 0;    ///< memcpy of 16 MiB on one thread, bytes read plus bytes written, 10⁹ per second
  double read_gbs = 0;    ///< summing 64 MiB on one thread, bytes read
};

/// Measures, in about a tenth of a second; best of several runs, since other processes only ever slow one down.
[[nodiscard]] Ceilings measure_ceilings();

/// The loops behind the ceilings, for a measurement that puts a yardstick beside everything it times: each call is one
/// run of some milliseconds. One thread at a time.
class CeilingProbe {
 public:
  /// Compiles the loops for this machine's best target and allocates what they read.
  CeilingProbe();
  ~CeilingProbe();

  [[nodiscard]] double fma_gflops();
  [[nodiscard]] double copy_gbs();
  [[nodiscard]] double read_gbs();

 private:
  struct Loops;
  std::unique_ptr<Loops> loops_;
};

}  // namespace aurex
