#include "aurex/ops/compile_kernel.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/ops/library.h"

namespace aurex::ops {
namespace {

struct Key {
  DeviceKind kind;
  int index;
  std::string name;
  std::vector<DType> types;
  friend auto operator<=>(const Key&, const Key&) = default;
};

/// "mul_f32" for floats is "mul"; a kernel whose own name ends so keeps it.
std::string_view base_name(std::string_view name, DType type) {
  const std::string suffix = "_" + std::string(to_string(type));
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

void require_scalar_kernel(const Kernel& kernel, std::size_t arguments) {
  const ax::KernelInterface& interface = kernel.interface();
  if (interface.expression && interface.parameters.size() == arguments) return;
  throw with_fields(ArgumentError("'" + kernel.name() + "' is no element-wise kernel of " + std::to_string(arguments) +
                                  " arguments: " + interface.signature),
                    {{"argument", kernel.name()}});
}

/// Compiles by binding a call that is not run.
void compile_now(const Kernel& kernel, std::span<const DType> arguments, DType result) {
  std::uint64_t zeros[2] = {};  // an element of any type, for what is read and what is written
  std::vector<TensorView> views;
  for (const DType type : arguments) views.push_back(contiguous_view(static_cast<const void*>(&zeros[0]), type, {}));
  const TensorView out = contiguous_view(static_cast<void*>(&zeros[1]), result, {});
  const TensorView* const results[] = {&out};
  const std::vector<Argument> list(views.begin(), views.end());
  static_cast<void>(jit::Call(kernel.state(), list, results, {}).prepare());
}

}  // namespace

Kernel scalar_kernel(std::string_view name, Device device, std::span<const DType> arguments, DType result) {
  static std::mutex mutex;
  static std::map<Key, Kernel> cache;
  const DeviceId id = device.id();
  Key key{.kind = id.kind, .index = id.index, .name = std::string(name), .types = {arguments.begin(), arguments.end()}};
  key.types.push_back(result);
  const std::scoped_lock lock(mutex);
  if (const auto found = cache.find(key); found != cache.end()) return found->second;
  const Kernel& found = kernel(base_name(name, arguments.empty() ? result : arguments.front()));
  require_scalar_kernel(found, arguments.size());
  compile_now(found, arguments, result);
  return cache.emplace(std::move(key), found).first->second;
}

}  // namespace aurex::ops
