#include "aurex/telemetry/recorder.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <tuple>

namespace aurex {

namespace telemetry_detail {
std::atomic<bool> recording{false};
}

namespace {

/// A bounded queue of events that forgets the oldest. Not synchronised.
class Ring {
 public:
  void push(const Event& event) {
    if (events_.size() < kRingCapacity) {
      if (events_.empty()) events_.reserve(kRingCapacity);
      events_.push_back(event);
      return;
    }
    events_[oldest_] = event;
    oldest_ = (oldest_ + 1) % kRingCapacity;
    ++dropped_;
  }

  void append_to(std::vector<Event>& out) const { out.insert(out.end(), events_.begin(), events_.end()); }

  template <typename Visit>
  void visit_in_order(Visit visit) const {
    for (std::size_t i = 0; i < events_.size(); ++i) visit(events_[(oldest_ + i) % events_.size()]);
  }

  [[nodiscard]] std::int64_t dropped() const { return dropped_; }

  void clear() {
    events_.clear();
    oldest_ = 0;
    dropped_ = 0;
  }

 private:
  std::vector<Event> events_;
  std::size_t oldest_ = 0;
  std::int64_t dropped_ = 0;
};

struct ThreadRing {
  std::mutex mutex;
  Ring ring;
  std::int32_t thread = 0;
};

/// All rings there are. Lock order: the registry's mutex before a ring's.
class Registry {
 public:
  static Registry& instance() {
    static auto* registry = new Registry;  // never destroyed: threads may end after static destructors have run
    return *registry;
  }

  std::shared_ptr<ThreadRing> add() {
    auto ring = std::make_shared<ThreadRing>();
    const std::scoped_lock lock(mutex_);
    ring->thread = ++threads_;
    rings_.push_back(ring);
    return ring;
  }

  void retire(const std::shared_ptr<ThreadRing>& ring) {
    const std::scoped_lock lock(mutex_, ring->mutex);
    ring->ring.visit_in_order([&](const Event& event) { ended_.push(event); });
    ended_dropped_ += ring->ring.dropped();
    std::erase(rings_, ring);
  }

  std::vector<Event> events() {
    std::vector<Event> all;
    const std::scoped_lock lock(mutex_);
    ended_.append_to(all);
    for (const auto& ring : rings_) {
      const std::scoped_lock ring_lock(ring->mutex);
      ring->ring.append_to(all);
    }
    return all;
  }

  std::int64_t dropped() {
    const std::scoped_lock lock(mutex_);
    std::int64_t count = ended_.dropped() + ended_dropped_;
    for (const auto& ring : rings_) {
      const std::scoped_lock ring_lock(ring->mutex);
      count += ring->ring.dropped();
    }
    return count;
  }

  void clear() {
    const std::scoped_lock lock(mutex_);
    ended_.clear();
    ended_dropped_ = 0;
    for (const auto& ring : rings_) {
      const std::scoped_lock ring_lock(ring->mutex);
      ring->ring.clear();
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<ThreadRing>> rings_;
  Ring ended_;
  std::int64_t ended_dropped_ = 0;
  std::int32_t threads_ = 0;
};

/// Holds the calling thread's ring and hands its events over when the thread ends.
struct Membership {
  std::shared_ptr<ThreadRing> ring = Registry::instance().add();
  ~Membership() { Registry::instance().retire(ring); }
};

ThreadRing& own_ring() {
  thread_local const Membership membership;
  return *membership.ring;
}

}  // namespace

void set_recording(bool on) noexcept { telemetry_detail::recording.store(on, std::memory_order_relaxed); }

void record(const Event& event) {
  if (!recording()) return;
  ThreadRing& own = own_ring();
  const std::scoped_lock lock(own.mutex);
  Event stamped = event;
  stamped.thread = own.thread;
  own.ring.push(stamped);
}

void record_launch(std::string_view kernel, std::int64_t begin_ns, const LaunchFacts& facts) {
  if (!recording()) return;
  Event event;
  event.kind = Event::Kind::kLaunch;
  event.name = kernel;
  event.begin_ns = begin_ns;
  event.end_ns = monotonic_ns();
  event.launch = facts;
  record(event);
}

std::vector<Event> recorded_events() {
  std::vector<Event> events = Registry::instance().events();
  // Of two that begin together on one thread the longer one is the outer one.
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.begin_ns, a.thread, b.end_ns) < std::tie(b.begin_ns, b.thread, a.end_ns);
  });
  return events;
}

std::int64_t dropped_events() { return Registry::instance().dropped(); }

void clear_events() { Registry::instance().clear(); }

void Zone::begin() noexcept {
  mark_ = mark_memory();
  begin_ns_ = monotonic_ns();
}

void Zone::end() noexcept {
  Event event;
  event.begin_ns = begin_ns_;
  event.end_ns = monotonic_ns();
  event.name = name_;
  const MemoryUse use = memory_since(mark_);
  event.bytes_allocated = use.allocated;
  event.peak_bytes = use.peak;
  try {
    record(event);
  } catch (const std::bad_alloc&) {
    // No memory for this thread's ring: the event is lost, the program is not.
  }
}

}  // namespace aurex
