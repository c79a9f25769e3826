#include "aurex/codegen/check_kernel.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "aurex/base/error.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {
namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
  throw with_fields(KernelError("compiled code cannot be loaded: " + field + " " + why), {{"field", field}});
}

void require_at_most(const std::string& field, std::uint32_t wanted, std::size_t there) {
  if (wanted > there) refuse(field, "is " + std::to_string(wanted) + ", this version has " + std::to_string(there));
}

void require_table(const char* field, std::int32_t count, const void* table) {
  if (count < 0) refuse(field, "has a negative count");
  if (count > 0 && table == nullptr) refuse(field, "is missing");
}

void check_sites(const AurexKernel& kernel) {
  for (std::int32_t i = 0; i < kernel.site_count; ++i) {
    const AurexSite& site = kernel.sites[i];
    const bool within = site.first_axis >= 0 && site.axis_count >= 0 &&
                        std::int64_t{site.first_axis} + site.axis_count <= kernel.axis_count;
    if (!within) refuse("sites", "name axes that are not there");
  }
}

}  // namespace

AurexKernel check_kernel(const AurexKernel& given) {
  if (given.magic != kAurexKernelMagic) refuse("magic", "is not that of a kernel");
  if (given.abi_version != kAurexAbiVersion) {
    refuse("abi_version",
           "is " + std::to_string(given.abi_version) + ", this version runs " + std::to_string(kAurexAbiVersion));
  }
  constexpr std::size_t kFirstSize = offsetof(AurexKernel, extents) + sizeof(AurexKernel::extents);
  if (given.size < kFirstSize) refuse("size", "is " + std::to_string(given.size) + ", too small for its version");
  AurexKernel kernel{};
  std::memcpy(&kernel, &given, std::min<std::size_t>(given.size, sizeof(AurexKernel)));

  require_at_most("frame_size", kernel.frame_size, sizeof(AurexFrame));
  require_at_most("worker_size", kernel.worker_size, sizeof(AurexWorker));
  require_at_most("plan_size", kernel.plan_size, sizeof(AurexPlan));
  require_at_most("runtime_size", kernel.runtime_size, sizeof(AurexRuntime));
  require_table("arrays", kernel.array_count, kernel.arrays);
  require_table("launches", kernel.launch_count, kernel.launches);
  require_table("sites", kernel.site_count, kernel.sites);
  require_table("axes", kernel.axis_count, kernel.axes);
  if (kernel.plan == nullptr || kernel.drive == nullptr) refuse("plan and drive", "are missing");
  if (kernel.axis_count > 0 && kernel.extents == nullptr) refuse("extents", "is missing");
  check_sites(kernel);
  for (std::int32_t i = 0; i < kernel.array_count; ++i) {
    if (kernel.arrays[i].align > 1) refuse("arrays", "want arguments that are aligned, which nobody promises");
  }
  const std::vector<std::string> runnable = schedule::runnable_targets();
  if (kernel.target == nullptr || std::ranges::count(runnable, std::string(kernel.target)) == 0) {
    refuse("target", std::string("is ") + (kernel.target == nullptr ? "missing" : kernel.target) +
                         ", which this process may not run");
  }
  return kernel;
}

}  // namespace aurex::codegen
