#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "aurex/base/cpu_features.h"
#include "aurex/base/thread_pool.h"
#include "aurex/device/backends.h"
#include "aurex/device/cpu/call.h"
#include "aurex/memory/allocator.h"

namespace aurex {
namespace {

/// The host itself: memory is host memory, calls run on the default thread pool and return when done.
class CpuBackend final : public DeviceBackend {
 public:
  [[nodiscard]] DeviceId id() const override { return {DeviceKind::kCpu, 0}; }

  [[nodiscard]] DeviceInfo info() const override {
    const CpuFeatures& features = cpu_features();
    const auto target = features.best_target();
    return {.name = features.model,
            .cores = threads(),
            .memory_bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE),
            .features = features.names(),
            .target = target ? std::string(to_string(*target)) : std::string(),
            .driver = {}};
  }

  [[nodiscard]] void* allocate(std::int64_t bytes) override { return host_allocator().allocate(bytes); }
  void release(void* memory, std::int64_t bytes) noexcept override { host_allocator().release(memory, bytes); }

  void copy_to_device(void* device, const void* host, std::int64_t bytes) override { copy(device, host, bytes); }
  void copy_to_host(void* host, const void* device, std::int64_t bytes) override { copy(host, device, bytes); }
  void copy_on_device(void* to, const void* from, std::int64_t bytes) override { copy(to, from, bytes); }

  CallOutcome call(const CallRequest& request) override {
    // Never destroyed: a thread may still be in a call while the process ends.
    static auto* const workers = new cpu::Workers(default_pool());
    return cpu::run_call(request, *workers);
  }

 private:
  static void copy(void* to, const void* from, std::int64_t bytes) {
    if (bytes > 0) std::memmove(to, from, static_cast<std::size_t>(bytes));
  }
};

}  // namespace

void probe_cpu(DeviceBackends& found) { found.push_back(std::make_unique<CpuBackend>()); }

}  // namespace aurex
