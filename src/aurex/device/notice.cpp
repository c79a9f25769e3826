#include "aurex/device/notice.h"

#include <mutex>
#include <utility>

namespace aurex {
namespace {

struct Door {
  std::mutex mutex;
  NoticeSink sink;
};

Door& door() {
  static auto* const one = new Door;  // outlives every thread that may still speak
  return *one;
}

}  // namespace

NoticeSink set_notice_sink(NoticeSink sink) {
  const std::scoped_lock lock(door().mutex);
  return std::exchange(door().sink, std::move(sink));
}

void emit_notice(const Notice& notice) {
  const std::scoped_lock lock(door().mutex);
  if (door().sink) door().sink(notice);
}

}  // namespace aurex
