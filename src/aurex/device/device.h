#pragma once

// What a device is to the rest of the library: this header is the whole contract between backends and their users.
//
// A backend is one class derived from DeviceBackend in a folder of its own (cpu/, null/, later cuda/ …), entered in the
// registry by the build; no other folder knows its name. Backends live until the process ends. A Device is a handle to
// one: a pointer, free to copy. All functions may be called from any thread.
//
// A *call* runs one compiled kernel on arguments that lie in a frame (base/kernel_abi.h). It returns when the results
// are there, unless the backend says that it is asynchronous; then synchronize() waits.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/base/kernel_abi.h"

namespace aurex {

enum class DeviceKind : std::uint8_t { kCpu, kCuda, kHip, kOpenCl, kNull };

/// "cpu", "cuda", "hip", "opencl", "null".
[[nodiscard]] std::string_view to_string(DeviceKind kind);

/// A GPU in the sense of "GPU first, else the CPU": cuda, hip, opencl.
[[nodiscard]] constexpr bool is_gpu(DeviceKind kind) { return kind != DeviceKind::kCpu && kind != DeviceKind::kNull; }

struct DeviceId {
  DeviceKind kind = DeviceKind::kCpu;
  int index = 0;
  friend bool operator==(const DeviceId&, const DeviceId&) = default;
};

/// "cpu", "null", "cuda:0".
[[nodiscard]] std::string to_string(DeviceId id);
/// The inverse; "cuda" is "cuda:0". Raises InvalidConfig that shows the legal forms.
[[nodiscard]] DeviceId parse_device_id(std::string_view name);

/// What is known about a device, for people and for choices. Unknown numbers are 0.
struct DeviceInfo {
  std::string name{};  ///< of the product
  int cores = 0;       ///< threads that kernels run on, or multiprocessors
  std::int64_t memory_bytes = 0;
  std::vector<std::string> features{};  ///< vector and matrix features: "avx2", "avx512f", "amx_int8"
  std::string target{};                 ///< code target: "cpu.avx512"
  std::string driver{};                 ///< version, empty where there is none
};

/// Asks for one call.
struct CallRequest {
  AurexDrive drive = nullptr;
  AurexPlan plan{};  ///< what the kernel's planner said for this frame
  /// extents, packs, arrays and scalars are the caller's; shared, error, runtime and context are the backend's to fill.
  AurexFrame frame{};
  /// Checked between tiles: once true, the call ends early. May be null.
  const std::atomic<bool>* stop = nullptr;
};

/// One value that a `print` statement showed.
struct PrintRecord {
  std::int64_t launch = 0;    ///< of the call, from 0
  std::int64_t position = 0;  ///< linear position within the statement's axes
  std::int32_t site = 0;      ///< index into the kernel's table of source positions
  bool is_float = false;
  std::uint64_t bits = 0;  ///< an f64 or an i64
};

/// The most records that one launch keeps: those of the lowest positions.
inline constexpr std::size_t kMaxPrintsPerLaunch = 1000;

/// How a call ended. A fault is a value, not an exception: the caller knows the names that make an error of it.
struct CallOutcome {
  AurexErrorRecord fault{};           ///< fault == kAurexFaultNone where there was none
  bool stopped = false;               ///< by CallRequest::stop; results are incomplete
  std::vector<PrintRecord> prints{};  ///< by launch, then position
  std::int64_t prints_dropped = 0;
};

class DeviceBackend {
 public:
  virtual ~DeviceBackend() = default;

  [[nodiscard]] virtual DeviceId id() const = 0;
  [[nodiscard]] virtual DeviceInfo info() const = 0;

  /// Memory of the device, 64-byte aligned. Raises OutOfMemory.
  [[nodiscard]] virtual void* allocate(std::int64_t bytes) = 0;
  /// `bytes` as requested.
  virtual void release(void* memory, std::int64_t bytes) noexcept = 0;
  /// Between host and device memory, and within the device; returns when done.
  virtual void copy_to_device(void* device, const void* host, std::int64_t bytes) = 0;
  virtual void copy_to_host(void* host, const void* device, std::int64_t bytes) = 0;
  virtual void copy_on_device(void* to, const void* from, std::int64_t bytes) = 0;

  /// Runs a kernel compiled for this device's target. Raises OutOfMemory where scratch cannot be had.
  virtual CallOutcome call(const CallRequest& request) = 0;

  /// Waits for every call made so far. Optional: backends whose calls return when done inherit this.
  virtual void synchronize() {}
};

/// A handle to a registered backend; never empty.
class Device {
 public:
  explicit Device(DeviceBackend& backend) noexcept : backend_(&backend) {}
  /// The one device that is always there.
  [[nodiscard]] static Device cpu();

  [[nodiscard]] DeviceId id() const { return backend_->id(); }
  [[nodiscard]] DeviceKind kind() const { return id().kind; }
  [[nodiscard]] std::string name() const { return to_string(id()); }
  [[nodiscard]] DeviceInfo info() const { return backend_->info(); }
  [[nodiscard]] DeviceBackend& backend() const noexcept { return *backend_; }

  friend bool operator==(const Device&, const Device&) = default;

 private:
  DeviceBackend* backend_;
};

}  // namespace aurex
