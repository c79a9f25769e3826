#include "aurex/telemetry/profiler.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "aurex/base/clock.h"
#include "aurex/telemetry/recorder.h"

namespace aurex {
namespace {

struct Total {
  std::string name;
  std::int64_t calls = 0, duration_ns = 0, bytes_allocated = 0, peak_bytes = 0;
};

/// One total per name, the longest first.
std::vector<Total> total_by_name(const std::vector<ProfileRecord>& records) {
  std::map<std::string, Total> by_name;
  for (const ProfileRecord& record : records) {
    Total& total = by_name[record.name];
    total.name = record.name;
    ++total.calls;
    total.duration_ns += record.duration_ns;
    total.bytes_allocated += record.bytes_allocated;
    total.peak_bytes = std::max(total.peak_bytes, record.peak_bytes);
  }
  std::vector<Total> totals;
  totals.reserve(by_name.size());
  for (auto& [name, total] : by_name) totals.push_back(std::move(total));
  std::sort(totals.begin(), totals.end(), [](const Total& a, const Total& b) {
    return a.duration_ns != b.duration_ns ? a.duration_ns > b.duration_ns : a.name < b.name;
  });
  return totals;
}

}  // namespace

void Profiler::Scope::begin() noexcept {
  mark_ = mark_memory();
  begin_ns_ = monotonic_ns();
}

void Profiler::Scope::end() noexcept {
  const std::int64_t end_ns = monotonic_ns();
  const MemoryUse use = memory_since(mark_);
  try {
    profiler_->keep({.name = std::string(name_),
                     .kind = kind_,
                     .begin_ns = begin_ns_,
                     .duration_ns = end_ns - begin_ns_,
                     .bytes_allocated = use.allocated,
                     .peak_bytes = use.peak});
  } catch (const std::bad_alloc&) {
    // No memory for a record: the figure is lost, the program is not.
  }
}

void Profiler::keep(ProfileRecord record) {
  if (recording()) {
    Event event;
    event.name = std::string_view(record.name);
    event.begin_ns = record.begin_ns;
    event.end_ns = record.begin_ns + record.duration_ns;
    event.bytes_allocated = record.bytes_allocated;
    event.peak_bytes = record.peak_bytes;
    ::aurex::record(event);
  }
  const std::scoped_lock lock(mutex_);
  if (capacity_ == 0) {
    ++dropped_;
    return;
  }
  if (records_.size() == capacity_) {
    records_.pop_front();
    ++dropped_;
  }
  records_.push_back(std::move(record));
}

std::vector<ProfileRecord> Profiler::records() const {
  const std::scoped_lock lock(mutex_);
  return {records_.begin(), records_.end()};
}

std::int64_t Profiler::dropped() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

void Profiler::clear() {
  const std::scoped_lock lock(mutex_);
  records_.clear();
  dropped_ = 0;
}

std::string Profiler::table() const {
  const std::vector<Total> totals = total_by_name(records());
  std::size_t width = 4;
  for (const Total& total : totals) width = std::max(width, total.name.size());
  std::string text =
      "name" + std::string(width - 4, ' ') + "     calls    total ms     mean us        bytes         peak\n";
  for (const Total& total : totals) {
    char figures[96];
    std::snprintf(figures, sizeof figures, "%10lld %11.3f %11.3f %12lld %12lld\n", static_cast<long long>(total.calls),
                  static_cast<double>(total.duration_ns) * 1e-6,
                  static_cast<double>(total.duration_ns) * 1e-3 / static_cast<double>(total.calls),
                  static_cast<long long>(total.bytes_allocated), static_cast<long long>(total.peak_bytes));
    text += total.name + std::string(width - total.name.size(), ' ') + figures;
  }
  return text;
}

}  // namespace aurex
