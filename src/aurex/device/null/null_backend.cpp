#include <cstring>
#include <memory>

#include "aurex/device/backends.h"
#include "aurex/memory/allocator.h"

namespace aurex {
namespace {

std::int32_t skip_launch(const AurexFrame*, const AurexLaunch*, std::int64_t, std::int64_t, double) { return 0; }
void ignore_fault(const AurexFrame*, std::int32_t, std::int32_t, std::int64_t, std::int64_t, std::int64_t) {}
void ignore_print(const AurexFrame*, std::int32_t, std::int64_t, std::int32_t, std::uint64_t) {}

constexpr AurexRuntime kRuntime = {.version = kAurexAbiVersion,
                                   .size = sizeof(AurexRuntime),
                                   .parallel = skip_launch,
                                   .fail = ignore_fault,
                                   .print = ignore_print};

/// A device that computes nothing: it has memory, takes calls and runs `drive`, but no tile of any launch. What is left
/// is the cost of everything around a kernel, for measuring that and for testing it without the kernel.
class NullBackend final : public DeviceBackend {
 public:
  [[nodiscard]] DeviceId id() const override { return {DeviceKind::kNull, 0}; }
  [[nodiscard]] DeviceInfo info() const override { return {.name = "null: runs no tiles"}; }

  [[nodiscard]] void* allocate(std::int64_t bytes) override { return host_allocator().allocate(bytes); }
  void release(void* memory, std::int64_t bytes) noexcept override { host_allocator().release(memory, bytes); }

  void copy_to_device(void* device, const void* host, std::int64_t bytes) override { copy(device, host, bytes); }
  void copy_to_host(void* host, const void* device, std::int64_t bytes) override { copy(host, device, bytes); }
  void copy_on_device(void* to, const void* from, std::int64_t bytes) override { copy(to, from, bytes); }

  CallOutcome call(const CallRequest& request) override {
    CallOutcome outcome;
    const Buffer shared(request.plan.shared_bytes);
    AurexFrame frame = request.frame;
    frame.shared = const_cast<char*>(reinterpret_cast<const char*>(shared.data()));
    frame.error = &outcome.fault;
    frame.runtime = &kRuntime;
    frame.context = nullptr;
    request.drive(&frame);
    return outcome;
  }

 private:
  static void copy(void* to, const void* from, std::int64_t bytes) {
    if (bytes > 0) std::memmove(to, from, static_cast<std::size_t>(bytes));
  }
};

}  // namespace

void probe_null(DeviceBackends& found) { found.push_back(std::make_unique<NullBackend>()); }

}  // namespace aurex
