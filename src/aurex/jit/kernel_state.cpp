#include "aurex/jit/kernel_state.h"

#include <fmt/format.h>

#include <utility>

#include "aurex/ax/diagnostic.h"
#include "aurex/base/clock.h"
#include "aurex/base/cpu_features.h"
#include "aurex/base/error.h"
#include "aurex/jit/kernel.h"

namespace aurex::jit {
namespace {

/// The best target this process may run, or the one AUREX_TARGET lowers it to.
schedule::Target choose_target() { return schedule::target(to_string(cpu_target())); }

ax::RegType scalar_type(Argument::Kind kind) {
  return kind == Argument::Kind::kFloat  ? ax::RegType::kF64
         : kind == Argument::Kind::kBool ? ax::RegType::kBool
                                         : ax::RegType::kI64;
}

ax::Constant constant(const Argument& argument) {
  switch (argument.kind) {
    case Argument::Kind::kFloat:
      return argument.number;
    case Argument::Kind::kBool:
      return argument.integer != 0;
    default:
      return argument.integer;
  }
}

/// Does the choice recorded in `given` fit this argument?
bool fits(const ax::Given& given, const Argument& argument) {
  switch (argument.kind) {
    case Argument::Kind::kAbsent:
      return given.kind == ax::Given::Kind::kAbsent;
    case Argument::Kind::kArray:
      return given.kind == ax::Given::Kind::kArray && given.storage.dtype == argument.array->dtype;
    default:
      return given.kind == ax::Given::Kind::kScalar && given.scalar == scalar_type(argument.kind) &&
             (!given.constant || *given.constant == constant(argument));
  }
}

ArgumentError argument_error(const std::string& message, const std::string& argument) {
  ArgumentError error(message);
  error.with("argument", argument);
  return error;
}

/// A storage type that the kernel does not take is the call's mistake, not the text's: the same facts as DTypeMismatch.
[[noreturn]] void raise_storage_mismatch(const ax::CompileError& error, const ax::KernelInterface& interface,
                                         const ax::Specialization& given) {
  const std::size_t open = error.text.find('`'), close = error.text.find('`', open + 1);
  const std::string name = error.text.substr(open + 1, close - open - 1);
  DTypeMismatch mismatch(fmt::format("kernel {}: {}; {}", interface.name, error.text, interface.signature));
  mismatch.with("kernel", interface.name).with("argument", name);
  for (std::size_t i = 0; i < interface.parameters.size(); ++i) {
    if (interface.parameters[i].name != name) continue;
    mismatch.with("expected", interface.parameters[i].type);
    mismatch.with("actual", std::string(to_string(given.arguments[i].storage.dtype)));
  }
  for (std::size_t i = 0; i < interface.results.size(); ++i) {
    if (interface.results[i].name != name || !given.results[i]) continue;
    mismatch.with("expected", interface.results[i].type);
    mismatch.with("actual", std::string(to_string(given.results[i]->dtype)));
  }
  throw mismatch;
}

ax::TileProgram specialize(const ax::CheckedModule& module, const ax::KernelInterface& interface,
                           const ax::Specialization& given) {
  try {
    return ax::specialize(module, interface.name, given);
  } catch (const ax::CompileError& error) {
    if (error.diagnostics.front().code == ax::Code::kStorageMismatch) raise_storage_mismatch(error, interface, given);
    throw;
  }
}

}  // namespace

KernelState::KernelState(std::shared_ptr<const ax::CheckedModule> module, ax::KernelInterface interface,
                         double parse_ms, schedule::Schedule pins)
    : interface_(std::move(interface)),
      source_{.module = std::move(module), .target = choose_target(), .pins = std::move(pins)},
      parse_ms_(parse_ms) {}

KernelState::~KernelState() {
  for (const Variant* variant = variants_.load(); variant;) delete std::exchange(variant, variant->next);
}

std::shared_ptr<KernelState> KernelState::with_schedule(schedule::Schedule pins) const {
  schedule::require_for(pins, interface_.name, source_.target.name);
  return std::make_shared<KernelState>(source_.module, interface_, parse_ms_, std::move(pins));
}

void KernelState::check_arguments(std::span<const Argument> arguments,
                                  std::span<const TensorView* const> results) const {
  const auto& parameters = interface_.parameters;
  if (arguments.size() > parameters.size()) {
    throw argument_error(fmt::format("{} takes {} arguments, {} were given; {}", interface_.name, parameters.size(),
                                     arguments.size(), interface_.signature),
                         fmt::format("{}", parameters.size()));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const bool absent = i >= arguments.size() || arguments[i].kind == Argument::Kind::kAbsent;
    if (absent && !parameters[i].optional) {
      throw argument_error(
          fmt::format("{} misses argument '{}'; {}", interface_.name, parameters[i].name, interface_.signature),
          parameters[i].name);
    }
  }
  if (results.size() > interface_.results.size()) {
    throw argument_error(fmt::format("{} has {} results, {} were given places; {}", interface_.name,
                                     interface_.results.size(), results.size(), interface_.signature),
                         "out");
  }
}

Variant* KernelState::find(std::span<const Argument> arguments, std::span<const TensorView* const> results) const {
  static const Argument kAbsent;
  for (Variant* variant = variants_.load(std::memory_order_acquire); variant; variant = variant->next) {
    const auto& given = variant->given().arguments;
    bool same = true;
    for (std::size_t i = 0; same && i < given.size(); ++i) {
      same = fits(given[i], i < arguments.size() ? arguments[i] : kAbsent);
    }
    const auto result_ids = variant->binding().results();
    for (std::size_t i = 0; same && i < results.size(); ++i) {
      same = !results[i] || variant->program().arrays[result_ids[i]].storage.dtype == results[i]->dtype;
    }
    if (same) return variant;
  }
  return nullptr;
}

void KernelState::check_results(const Variant& variant, std::span<const TensorView* const> results) const {
  const auto ids = variant.binding().results();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ax::Array& declared = variant.program().arrays[ids[i]];
    if (!results[i] || declared.storage.dtype == results[i]->dtype) continue;
    DTypeMismatch error(fmt::format("{}: result '{}' is {} for these arguments, the given place holds {}",
                                    interface_.name, declared.name, to_string(declared.storage.dtype),
                                    to_string(results[i]->dtype)));
    error.with("kernel", interface_.name).with("argument", declared.name);
    error.with("expected", std::string(to_string(declared.storage.dtype)));
    error.with("actual", std::string(to_string(results[i]->dtype)));
    throw error;
  }
}

ax::Specialization KernelState::specialization(std::span<const Argument> arguments,
                                               std::span<const TensorView* const> results) const {
  ax::Specialization given;
  for (std::size_t i = 0; i < interface_.parameters.size(); ++i) {
    ax::Given& g = given.arguments.emplace_back();
    if (i >= arguments.size() || arguments[i].kind == Argument::Kind::kAbsent) continue;
    if (arguments[i].kind == Argument::Kind::kArray) {
      g.kind = ax::Given::Kind::kArray;
      g.storage.dtype = arguments[i].array->dtype;
    } else {
      g.kind = ax::Given::Kind::kScalar;
      g.scalar = scalar_type(arguments[i].kind);
      if (interface_.parameters[i].constant) g.constant = constant(arguments[i]);
    }
  }
  for (const TensorView* result : results) {
    given.results.push_back(result ? std::optional(ax::Storage{.dtype = result->dtype}) : std::nullopt);
  }
  given.results.resize(interface_.results.size());
  given.target_features = source_.target.features;
  return given;
}

Variant& KernelState::variant_for(std::span<const Argument> arguments, std::span<const TensorView* const> results) {
  if (arguments.size() <= interface_.parameters.size() && results.size() <= interface_.results.size()) {
    if (Variant* variant = find(arguments, results)) return *variant;
  }
  check_arguments(arguments, results);
  const std::scoped_lock lock(specializing_);
  if (Variant* variant = find(arguments, results)) return *variant;  // another thread was first
  const std::int64_t start = monotonic_ns();
  ax::Specialization given = specialization(arguments, results);
  ax::TileProgram program = specialize(*source_.module, interface_, given);
  auto variant = std::make_unique<Variant>(std::move(given), std::move(program));
  check_results(*variant, results);
  variant->specialize_ms = static_cast<double>(monotonic_ns() - start) * 1e-6;
  variant->next = variants_.load(std::memory_order_relaxed);
  variants_.store(variant.get(), std::memory_order_release);
  return *variant.release();
}

}  // namespace aurex::jit
