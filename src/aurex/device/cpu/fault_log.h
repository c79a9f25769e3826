#pragma once

// The faults of one call, of which the smallest is kept: by launch, position, site, then value. So what is reported
// depends on the arguments alone. Any worker may add at any time; later faults than the one in hand cost one load.

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <tuple>

#include "aurex/base/kernel_abi.h"

namespace aurex::cpu {

class FaultLog {
 public:
  /// No launch starts after a fault, so all that are added belong to one launch, or to `drive`.
  void add(const AurexErrorRecord& fault) {
    if (fault.position > smallest_.load(std::memory_order_relaxed)) return;
    const std::scoped_lock lock(mutex_);
    if (record_.fault != kAurexFaultNone && key(record_) <= key(fault)) return;
    record_ = fault;
    smallest_.store(fault.position, std::memory_order_relaxed);
  }

  /// For the thread that runs the call, between launches.
  [[nodiscard]] bool any() const { return record_.fault != kAurexFaultNone; }
  [[nodiscard]] AurexErrorRecord& record() { return record_; }

 private:
  using Key = std::tuple<std::int32_t, std::int64_t, std::int32_t, std::int64_t>;
  static Key key(const AurexErrorRecord& fault) { return Key(fault.launch, fault.position, fault.site, fault.value); }

  std::atomic<std::int64_t> smallest_ = std::numeric_limits<std::int64_t>::max();
  std::mutex mutex_;
  AurexErrorRecord record_{};
};

}  // namespace aurex::cpu
