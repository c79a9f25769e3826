#include "aurex/ax/test_call.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/element.h"
#include "aurex/base/error.h"

namespace aurex::ax::testing {

HostArray numbers(std::vector<double> values, DType dtype) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {.dtype = dtype, .shape = {count}, .values = std::move(values)};
}

HostArray matrix(std::int64_t rows, std::vector<double> values, DType dtype) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {.dtype = dtype, .shape = {rows, rows == 0 ? 0 : count / rows}, .values = std::move(values)};
}

HostArray stored(HostArray array) {
  const RegType type = register_type(array.dtype);
  for (double& value : array.values) {
    char bytes[8] = {};
    store_element(array.dtype, bytes, RegType::kF64, Cell::of(value));
    value = to_f64(type, load_element(array.dtype, bytes));
  }
  return array;
}

/// Whole pages between two that fault, the wanted bytes at one end.
class GuardedBlock {
 public:
  GuardedBlock(std::size_t bytes, Guard guard) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (bytes + page - 1) / page * page;
    size_ = inner + 2 * page;
    void* base = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<char*>(base);
    if (inner > 0 && mprotect(base_ + page, inner, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    data_ = guard == Guard::kBefore ? base_ + page : base_ + page + inner - bytes;
  }
  ~GuardedBlock() { munmap(base_, size_); }
  GuardedBlock(const GuardedBlock&) = delete;
  GuardedBlock& operator=(const GuardedBlock&) = delete;

  [[nodiscard]] char* data() const { return data_; }

 private:
  char* base_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

namespace {

/// Strides of a layout, the elements its block must hold, and which of them is the first.
struct Placement {
  Dims strides;
  std::int64_t elements = 0, first = 0;
};

Placement place(const Dims& shape, Layout layout) {
  Placement placement;
  placement.strides = layout == Layout::kTransposed ? fortran_strides(shape) : contiguous_strides(shape);
  if (layout == Layout::kGaps) {
    for (std::int64_t& stride : placement.strides) stride *= 3;
  }
  if (layout == Layout::kBackwards) {
    for (std::int64_t& stride : placement.strides) stride = -stride;
  }
  if (element_count(shape) == 0) return placement;
  const OffsetRange range = offset_range(shape, placement.strides);
  placement.elements = range.highest - range.lowest + 1;
  placement.first = -range.lowest;
  return placement;
}

template <typename F>
void each_element(const TensorView& view, F&& f) {
  Dims position = Dims::filled(view.rank(), 0);
  const std::int64_t count = element_count(view.shape);
  for (std::int64_t i = 0; i < count; ++i) {
    f(static_cast<std::size_t>(i), static_cast<char*>(element_address(view, position.span())));
    for (int axis = view.rank() - 1; axis >= 0; --axis) {
      if (++position[axis] < view.shape[axis]) break;
      position[axis] = 0;
    }
  }
}

const KernelInterface& interface_of(const CheckedModule& module, std::string_view kernel) {
  for (const KernelInterface& interface : kernels(module)) {
    if (interface.name == kernel) return interface;
  }
  throw with_fields(ArgumentError("no kernel '" + std::string(kernel) + "'"), {{"argument", std::string(kernel)}});
}

ScalarArgument scalar_argument(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return {RegType::kF64, Cell::of(*number)};
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return {RegType::kI64, Cell::of(*integer)};
  return {RegType::kBool, Cell::of(std::get<bool>(value))};
}

Constant constant_of(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  return std::get<bool>(value);
}

Specialization with_results(Specialization given, const std::vector<HostArray>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) given.results.at(i) = Storage{.dtype = out[i].dtype};
  return given;
}

}  // namespace

std::shared_ptr<const CheckedModule> compile(std::string text) {
  auto source = std::make_shared<const Source>("test.ax", std::move(text));
  DiagnosticSink sink;
  auto module = check(source, sink);
  raise_if_refused(*source, sink);
  return module;
}

Specialization specialization(const CheckedModule& module, std::string_view kernel, const Values& values) {
  const KernelInterface& interface = interface_of(module, kernel);
  for (const auto& [name, value] : values) {
    const bool known = std::any_of(interface.parameters.begin(), interface.parameters.end(),
                                   [&](const Parameter& parameter) { return parameter.name == name; });
    if (!known) throw with_fields(ArgumentError("no parameter '" + name + "'"), {{"argument", name}});
  }
  Specialization given;
  for (const Parameter& parameter : interface.parameters) {
    Given& argument = given.arguments.emplace_back();
    const auto found = values.find(parameter.name);
    if (found == values.end()) continue;
    if (const auto* array = std::get_if<HostArray>(&found->second)) {
      argument.kind = Given::Kind::kArray;
      argument.storage.dtype = array->dtype;
      continue;
    }
    argument.kind = Given::Kind::kScalar;
    argument.scalar = scalar_argument(found->second).type;
    if (parameter.constant) argument.constant = constant_of(found->second);
  }
  given.results.resize(interface.results.size());
  return given;
}

TestCall::TestCall(std::shared_ptr<const CheckedModule> module, std::string_view kernel, const Values& values,
                   const CallOptions& options)
    : module_(std::move(module)),
      program_(specialize(*module_, kernel, with_results(specialization(*module_, kernel, values), options.out))),
      binding_(program_) {
  std::vector<const TensorView*> arrays;
  for (const ArrayId id : binding_.inputs()) {
    const auto& value = values.at(program_.arrays[id].name);
    arrays.push_back(&add_slot(id, stored(std::get<HostArray>(value)), options).view);
  }
  std::vector<ScalarArgument> scalars;
  for (const Scalar& scalar : program_.scalars) scalars.push_back(scalar_argument(values.at(scalar.name)));
  std::vector<const TensorView*> results;
  for (std::size_t i = 0; i < options.out.size(); ++i) {
    results.push_back(&add_slot(binding_.results()[i], stored(options.out[i]), options).view);
  }
  binding_.solve({.arrays = arrays, .scalars = scalars, .results = results, .extents = options.extents}, call_);
  for (const ArrayId id : binding_.results()) {
    if (!results.empty()) break;
    const Dims shape = binding_.result_shape(call_, id);
    // What is never written shows as a number that no test expects.
    const HostArray unwritten = {.dtype = program_.arrays[id].storage.dtype,
                                 .shape = shape,
                                 .values = std::vector<double>(static_cast<std::size_t>(element_count(shape)), 77)};
    call_.views[id] = &add_slot(id, stored(unwritten), options).view;
  }
  binding_.finish(call_);
}

TestCall::~TestCall() = default;

TestCall::Slot& TestCall::add_slot(ArrayId array, HostArray initial, const CallOptions& options) {
  auto slot = std::make_unique<Slot>();
  const Placement placement = place(initial.shape, options.layout);
  const std::int64_t size = bytes_per_element(initial.dtype);
  slot->array = array;
  slot->block = std::make_unique<GuardedBlock>(static_cast<std::size_t>(placement.elements * size), options.guard);
  slot->view = {.data = slot->block->data() + placement.first * size,
                .dtype = initial.dtype,
                .read_only = program_.arrays[array].role == ArrayRole::kInput,
                .shape = initial.shape,
                .strides = placement.strides};
  slot->initial = std::move(initial);
  fill(slot->view, slot->initial);
  slots_.push_back(std::move(slot));
  return *slots_.back();
}

void TestCall::fill(const TensorView& view, const HostArray& from) {
  each_element(view, [&](std::size_t i, char* element) {
    store_element(from.dtype, element, RegType::kF64, Cell::of(from.values[i]));
  });
}

void TestCall::reset() {
  for (const auto& slot : slots_) fill(slot->view, slot->initial);
}

std::vector<std::pair<std::string, HostArray>> TestCall::results() const {
  std::vector<std::pair<std::string, HostArray>> results;
  for (const auto& slot : slots_) {
    if (program_.arrays[slot->array].role == ArrayRole::kInput) continue;
    HostArray array = {.dtype = slot->view.dtype, .shape = slot->view.shape, .values = slot->initial.values};
    each_element(slot->view, [&](std::size_t i, const char* element) {
      array.values[i] = to_f64(register_type(array.dtype), load_element(array.dtype, element));
    });
    results.emplace_back(program_.arrays[slot->array].name, std::move(array));
  }
  return results;
}

HostArray TestCall::result(std::string_view name) const {
  for (auto& [own, array] : results()) {
    if (own == name) return array;
  }
  throw with_fields(ArgumentError("no result '" + std::string(name) + "'"), {{"argument", std::string(name)}});
}

}  // namespace aurex::ax::testing
