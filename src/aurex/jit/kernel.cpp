#include "aurex/jit/kernel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <memory>
#include <sstream>
#include <type_traits>
#include <utility>

#include "aurex/ax/diagnostic.h"
#include "aurex/base/clock.h"
#include "aurex/base/error.h"
#include "aurex/jit/kernel_state.h"
#include "aurex/schedule/schedule_text.h"

namespace aurex {
namespace jit {
namespace {

ax::ScalarArgument scalar_argument(const Argument& argument) {
  switch (argument.kind) {
    case Argument::Kind::kFloat:
      return {ax::RegType::kF64, ax::Cell::of(argument.number)};
    case Argument::Kind::kBool:
      return {ax::RegType::kBool, ax::Cell::of(argument.integer != 0)};
    default:
      return {ax::RegType::kI64, ax::Cell::of(argument.integer)};
  }
}

/// Arguments sorted the way a Binding takes them, without allocating for kernels of ordinary size.
struct SortedArguments {
  static constexpr std::size_t kMost = 64;  // parameters of one kernel; more are refused by the checker
  std::array<const TensorView*, kMost> arrays;
  std::size_t array_count = 0, scalar_count = 0;

  // Leaves the tables as they are: clearing them, as a defaulted constructor may, cost more than filling them.
  SortedArguments() {}  // NOLINT(modernize-use-equals-default)
  void add(const ax::ScalarArgument& scalar) { std::construct_at(scalars() + scalar_count++, scalar); }
  [[nodiscard]] ax::ScalarArgument* scalars() { return reinterpret_cast<ax::ScalarArgument*>(scalar_bytes_); }

 private:
  static_assert(std::is_trivially_destructible_v<ax::ScalarArgument>);
  alignas(ax::ScalarArgument) std::byte scalar_bytes_[kMost * sizeof(ax::ScalarArgument)];
};

void sort(std::span<const Argument> arguments, const ax::KernelInterface& interface, SortedArguments& sorted) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Argument& argument = arguments[i];
    if (argument.kind == Argument::Kind::kArray) {
      sorted.arrays[sorted.array_count++] = argument.array;
    } else if (argument.kind != Argument::Kind::kAbsent && !interface.parameters[i].constant) {
      sorted.add(scalar_argument(argument));
    }
  }
}

}  // namespace

Call::Call(const std::shared_ptr<KernelState>& kernel, std::span<const Argument> arguments,
           std::span<const TensorView* const> results, std::span<const ax::NamedExtent> extents)
    : kernel_(kernel) {
  const ax::KernelInterface& interface = kernel->interface();
  variant_ = &kernel->variant_for(arguments, results);
  tables_ = variant_->take_tables();
  SortedArguments sorted;
  sort(arguments, interface, sorted);
  const ax::Arguments given = {.arrays = {sorted.arrays.data(), sorted.array_count},
                               .scalars = {sorted.scalars(), sorted.scalar_count},
                               .results = results,
                               .extents = extents};
  const ax::Binding& binding = variant_->binding();
  if (!binding.repeat(given, tables_->bound)) binding.solve(given, tables_->bound);
}

Call::~Call() { variant_->recycle(std::move(tables_)); }

Dims Call::result_shape(std::size_t i) const {
  return variant_->binding().result_shape(tables_->bound, variant_->binding().results()[i]);
}

DType Call::result_dtype(std::size_t i) const {
  return variant_->program().arrays[variant_->binding().results()[i]].storage.dtype;
}

void Call::give(std::size_t i, const TensorView& result) {
  tables_->bound.views[variant_->binding().results()[i]] = &result;
}

const CodeEntry& Call::prepare() {
  LaunchTables& tables = *tables_;
  variant_->binding().finish(tables.bound);
  if (tables.bound.repeated && tables.entry) return *tables.entry;
  tables.entry = nullptr;
  tables.planned = false;
  tables.entry = &variant_->code_for(tables.bound, kernel_->source());
  return *tables.entry;
}

Lowered Call::lowered() { return variant_->lowered(prepare(), kernel_->source()); }

cache::Key Call::key() {
  variant_->binding().finish(tables_->bound);
  return variant_->key_for(tables_->bound, kernel_->source());
}

const AurexPlan& Call::plan() {
  if (!tables_->planned) tables_->plan = jit::plan(*tables_->entry, tables_->bound);
  tables_->planned = true;
  return tables_->plan;
}

void Call::run_prepared(const CodeEntry& entry, const LaunchOptions& options) {
  launch(*variant_, entry, tables_->bound, plan(), options);
}

}  // namespace jit

Kernel::Kernel(std::shared_ptr<jit::KernelState> state) : state_(std::move(state)) {}

const std::string& Kernel::name() const { return state_->interface().name; }

const ax::KernelInterface& Kernel::interface() const { return state_->interface(); }

Kernel Kernel::with_schedule(std::string_view text) const {
  return Kernel(state_->with_schedule(schedule::parse_schedule(text)));
}

Tensor Kernel::call(std::initializer_list<Argument> arguments) const {
  return std::move(call_all({arguments.begin(), arguments.size()}).at(0));
}

std::vector<Tensor> Kernel::call_all(std::span<const Argument> arguments, std::span<const ax::NamedExtent> extents,
                                     const jit::LaunchOptions& options) const {
  jit::Call call(state_, arguments, {}, extents);
  std::vector<Tensor> results;
  results.reserve(interface().results.size());
  for (std::size_t i = 0; i < interface().results.size(); ++i) {
    results.push_back(Tensor::uninitialised(call.result_shape(i), call.result_dtype(i)));
  }
  for (std::size_t i = 0; i < results.size(); ++i) call.give(i, results[i].view());
  call.run(options);
  return results;
}

void Kernel::run(std::initializer_list<Argument> arguments, std::span<const TensorView* const> results,
                 std::span<const ax::NamedExtent> extents, const jit::LaunchOptions& options) const {
  jit::Call call(state_, {arguments.begin(), arguments.size()}, results, extents);
  call.run(options);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): whoever calls gives the source away
Module::Module(std::shared_ptr<const ax::Source> source, ax::UseLoader use) {
  const std::int64_t start = monotonic_ns();
  ax::DiagnosticSink sink;
  const std::shared_ptr<const ax::CheckedModule> checked = ax::check(source, sink, use);
  ax::raise_if_refused(*source, sink);
  const double parse_ms = static_cast<double>(monotonic_ns() - start) * 1e-6;
  for (const ax::KernelInterface& interface : ax::kernels(*checked)) {
    kernels_.emplace_back(std::make_shared<jit::KernelState>(checked, interface, parse_ms));
  }
}

const Kernel& Module::operator[](std::string_view kernel) const {
  for (const Kernel& k : kernels_) {
    if (k.name() == kernel) return k;
  }
  std::vector<std::string_view> names;
  names.reserve(kernels_.size());
  for (const Kernel& k : kernels_) names.push_back(k.name());
  ArgumentError error(fmt::format("no kernel is called '{}'; there are: {}", kernel, fmt::join(names, ", ")));
  error.with("argument", std::string(kernel));
  throw error;
}

Module compile(std::string_view text, std::string_view name) {
  return Module(std::make_shared<const ax::Source>(std::string(name), std::string(text)));
}

Module load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw IoError(fmt::format("cannot read {}", path.string()));
  return compile(text.str(), path.string());
}

Result<Module> try_compile(std::string_view text, std::string_view name) {
  return attempt([&] { return compile(text, name); });
}

Result<Module> try_load(const std::filesystem::path& path) {
  return attempt([&] { return load(path); });
}

}  // namespace aurex
