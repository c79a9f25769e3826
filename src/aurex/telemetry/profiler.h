#pragma once

// A profiler that a program carries along: time and memory of the operations and steps it wraps.
//
//   aurex::Profiler profiler;
//   AUREX_PROFILE_OP(profiler, "matmul", { aurex::ops::matmul(a, b, c); });
//   AUREX_PROFILE_STEP(profiler, "decode", { step(); });
//   for (const aurex::ProfileRecord& record : profiler.records()) …
//
// A profiler belongs to nobody and may be shared by threads; each wrapped block is measured on the thread that runs it.
// It keeps the newest `capacity` records. Switched off, a wrapped block costs one predictable branch. While the
// process's recorder is on, each record is also an event of the trace.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/telemetry/memory_counters.h"

namespace aurex {

struct ProfileRecord {
  enum class Kind : std::uint8_t { kOp, kStep };

  std::string name;
  Kind kind = Kind::kOp;
  std::int64_t begin_ns = 0;  ///< of the monotonic clock
  std::int64_t duration_ns = 0;
  std::int64_t bytes_allocated = 0;  ///< tracked memory taken by the thread during the block
  std::int64_t peak_bytes = 0;       ///< most of it held at once, above what was held before
};

class Profiler {
 public:
  explicit Profiler(bool enabled = true, std::size_t capacity = 1 << 16) : enabled_(enabled), capacity_(capacity) {}

  /// Measures from construction to destruction, also when an exception passes. The name must outlive it.
  class Scope {
   public:
    Scope(Profiler& profiler, ProfileRecord::Kind kind, std::string_view name)
        : profiler_(profiler.enabled_ ? &profiler : nullptr), kind_(kind), name_(name) {
      if (profiler_ != nullptr) begin();
    }
    ~Scope() {
      if (profiler_ != nullptr) end();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    void begin() noexcept;
    void end() noexcept;

    Profiler* profiler_;
    ProfileRecord::Kind kind_;
    std::string_view name_;
    std::int64_t begin_ns_ = 0;
    MemoryMark mark_;
  };

  [[nodiscard]] bool enabled() const { return enabled_; }

  /// In the order in which the blocks ended: an inner block before the one around it.
  [[nodiscard]] std::vector<ProfileRecord> records() const;
  /// Records forgotten because the profiler was full.
  [[nodiscard]] std::int64_t dropped() const;
  void clear();

  /// Calls, total and mean time, bytes and peak by name, the longest total first, as text for people.
  [[nodiscard]] std::string table() const;

 private:
  void keep(ProfileRecord record);

  const bool enabled_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<ProfileRecord> records_;
  std::int64_t dropped_ = 0;
};

}  // namespace aurex

#define AUREX_PROFILE_SCOPE_(profiler, kind, name, ...)                                                         \
  do {                                                                                                          \
    const ::aurex::Profiler::Scope aurex_profile_scope((profiler), ::aurex::ProfileRecord::Kind::kind, (name)); \
    __VA_ARGS__                                                                                                 \
  } while (false)

/// Runs a block and records it under `name` as one operation on tensors.
#define AUREX_PROFILE_OP(profiler, name, ...) AUREX_PROFILE_SCOPE_(profiler, kOp, name, __VA_ARGS__)
/// Runs a block and records it under `name` as one step of a program (a decode, a training step).
#define AUREX_PROFILE_STEP(profiler, name, ...) AUREX_PROFILE_SCOPE_(profiler, kStep, name, __VA_ARGS__)
