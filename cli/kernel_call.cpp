#include "cli/kernel_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "aurex/base/error.h"
#include "aurex/jit/kernel_state.h"

namespace aurex::cli {

Arguments::Arguments(const ax::KernelInterface& interface, const std::vector<std::string>& texts)
    : values_(interface.parameters.size()) {
  for (const std::string& text : texts) {
    const auto [name, value] = split_assignment(text);
    take(interface, name, parse_value(name, value));
  }
}

std::vector<Argument> Arguments::arguments() const {
  std::vector<Argument> result;
  for (const std::optional<Value>& value : values_) {
    result.push_back(value ? std::visit([](const auto& v) { return Argument(v); }, *value) : Argument());
  }
  return result;
}

Arguments Arguments::clone() const {
  Arguments copy = *this;
  for (std::optional<Value>& value : copy.values_) {
    if (value && std::holds_alternative<Tensor>(*value)) value = std::get<Tensor>(*value).clone();
  }
  copy.name_extents();
  return copy;
}

void Arguments::take(const ax::KernelInterface& interface, const std::string& name, Value value) {
  const auto parameter = std::ranges::find(interface.parameters, name, &ax::Parameter::name);
  if (parameter != interface.parameters.end()) {
    std::optional<Value>& slot = values_[static_cast<std::size_t>(parameter - interface.parameters.begin())];
    if (slot) throw with_fields(ArgumentError("'" + name + "' is given twice"), {{"argument", name}});
    slot = std::move(value);
    return;
  }
  const bool dimension = std::ranges::find(interface.dims, name) != interface.dims.end();
  if (dimension && std::holds_alternative<std::int64_t>(value)) {
    named_.emplace_back(name, std::get<std::int64_t>(value));
    name_extents();
    return;
  }
  throw with_fields(
      ArgumentError(fmt::format("{} has no argument '{}'; {}", interface.name, name, interface.signature)),
      {{"argument", name}});
}

void Arguments::name_extents() {
  extents_.clear();
  for (const auto& [name, extent] : named_) extents_.push_back({name, extent});
}

Trial::Trial(const Kernel& kernel, const Arguments& arguments)
    : interface_(kernel.interface()),
      arguments_(arguments),
      list_(arguments.arguments()),
      call_(kernel.state(), list_, {}, arguments.extents()) {
  for (std::size_t i = 0; i < interface_.results.size(); ++i) {
    results_.push_back(Tensor::uninitialised(call_.result_shape(i), call_.result_dtype(i)));
  }
  for (std::size_t i = 0; i < results_.size(); ++i) call_.give(i, results_[i].view());
}

std::vector<NamedArray> Trial::written() const {
  std::vector<NamedArray> arrays;
  for (std::size_t i = 0; i < results_.size(); ++i) arrays.push_back({interface_.results[i].name, results_[i]});
  for (std::size_t i = 0; i < interface_.parameters.size(); ++i) {
    if (interface_.parameters[i].inout) arrays.push_back({interface_.parameters[i].name, arguments_.array(i)});
  }
  return arrays;
}

}  // namespace aurex::cli
