#pragma once

// The process's recorder: a bounded ring of events per thread, off until someone switches it on.
//
// Off, a recording site costs one relaxed load and a predictable branch. On, an event is copied into the ring of its
// own thread under a lock that only a reader ever contends for. A full ring overwrites its oldest event and counts it
// as dropped. The events of threads that have ended are kept in one more ring. Every function may be called from any
// thread.
//
//   set_recording(true);
//   { Zone zone("decode"); … }
//   for (const Event& event : recorded_events()) …

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "aurex/base/clock.h"
#include "aurex/telemetry/event.h"
#include "aurex/telemetry/memory_counters.h"

namespace aurex {

/// Events that one thread's ring holds; about 3.5 MiB per recording thread, taken at its first event.
inline constexpr std::size_t kRingCapacity = 1 << 14;

namespace telemetry_detail {
extern std::atomic<bool> recording;
}

/// Whether events are kept.
[[nodiscard]] inline bool recording() noexcept { return telemetry_detail::recording.load(std::memory_order_relaxed); }
void set_recording(bool on) noexcept;

/// Keeps an event; does nothing while recording is off. The thread number is filled in.
void record(const Event& event);

/// Keeps a launch that began at `begin_ns` and ends now.
void record_launch(std::string_view kernel, std::int64_t begin_ns, const LaunchFacts& facts);

/// Everything that the rings hold, by begin time; the rings keep it.
[[nodiscard]] std::vector<Event> recorded_events();

/// Events overwritten since the last clear.
[[nodiscard]] std::int64_t dropped_events();

void clear_events();

/// Records the time from construction to destruction, with the memory taken meanwhile on this thread. The name must
/// outlive the zone.
class Zone {
 public:
  explicit Zone(std::string_view name) noexcept : on_(recording()), name_(name) {
    if (on_) begin();
  }
  ~Zone() {
    if (on_) end();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  void begin() noexcept;
  void end() noexcept;

  bool on_;
  std::string_view name_;
  std::int64_t begin_ns_ = 0;
  MemoryMark mark_;
};

}  // namespace aurex
