#include "aurex/jit/variant.h"

#include <utility>

#include "aurex/base/clock.h"
#include "aurex/base/error.h"

namespace aurex::jit {
namespace {

using Stride = schedule::Buffer::Stride;

/// How many of a pack's merged axes are longer than one.
int pack_rank(const std::int64_t* extents) {
  int rank = 0;
  for (int i = 0; i < kAurexPackRank; ++i) rank += extents[i] > 1;
  return rank;
}

/// The class of dimension `d` of an array. An axis of extent 0 or 1 is never walked: it counts as kZero, except last,
/// where calling it kUnit shares the code of ordinary row-major arrays. Scratch arrays are row-major.
Stride stride_class(const ax::Binding& binding, const ax::BoundCall& call, ax::ArrayId array, std::uint32_t d) {
  const ax::TileProgram& program = binding.program();
  const ax::Array& declared = program.arrays[array];
  const ax::DimId dim = declared.dims[d].dim;
  if (declared.role == ax::ArrayRole::kScratch) return d + 1 == declared.dims.size() ? Stride::kUnit : Stride::kAny;
  std::uint32_t slot = binding.stride_slot(array, d);
  if (const ax::PackId pack = program.dims[dim].pack; pack != ax::kNone) {
    if (pack_rank(call.packs.data() + std::size_t{pack} * kAurexPackRank) > 1) return Stride::kPack;
    slot += kAurexPackRank - 1;
  }
  if (call.extents[dim] <= 1) return d + 1 == declared.dims.size() ? Stride::kUnit : Stride::kAny;
  const std::int64_t stride = call.arrays[array].strides[slot];
  return stride == 1 ? Stride::kUnit : stride == 0 ? Stride::kZero : Stride::kAny;
}

/// Holds what code says of its arguments against the tables that calls of this program fill.
void require_fit(const AurexKernel& kernel, const ax::Binding& binding) {
  const ax::TileProgram& program = binding.program();
  std::int32_t numbers = 0, arrays = 0;
  for (const ax::Scalar& scalar : program.scalars) numbers += scalar.type == ax::RegType::kF64;
  for (const ax::Array& array : program.arrays) arrays += array.role != ax::ArrayRole::kScratch;
  bool fits = std::cmp_less_equal(kernel.extent_count, program.dims.size()) &&
              std::cmp_less_equal(kernel.pack_count, program.pack_count) && kernel.array_count <= arrays &&
              kernel.f64_count <= numbers && std::cmp_less_equal(kernel.i64_count, program.scalars.size() - numbers);
  for (std::int32_t i = 0; fits && i < kernel.array_count; ++i) {
    const AurexParameter& wanted = kernel.arrays[i];
    const auto id = static_cast<ax::ArrayId>(i);
    fits = wanted.stride_count == 0 ||
           (wanted.unit_bytes == bytes_per_element(program.arrays[id].storage.dtype) && wanted.unit_elements == 1 &&
            std::cmp_less_equal(wanted.stride_count, binding.stride_count(id)));
  }
  if (!fits) throw KernelError("kernel " + program.name + ": the code was made for other arguments");
}

double milliseconds_since(std::int64_t start_ns) { return static_cast<double>(monotonic_ns() - start_ns) * 1e-6; }

}  // namespace

schedule::StrideClasses stride_classes(const ax::Binding& binding, const ax::BoundCall& call) {
  schedule::StrideClasses classes;
  const auto& arrays = binding.program().arrays;
  for (ax::ArrayId a = 0; a < arrays.size(); ++a) {
    auto& of_array = classes.arrays.emplace_back();
    for (std::uint32_t d = 0; d < arrays[a].dims.size(); ++d) of_array.push_back(stride_class(binding, call, a, d));
  }
  return classes;
}

Variant::Variant(ax::Specialization given, ax::TileProgram program)
    : given_(std::move(given)), program_(std::move(program)), binding_(program_) {}

Variant::~Variant() {
  for (const Place& place : spare_) delete place.tables.load();
  for (const CodeEntry* entry = entries_.load(); entry;) delete std::exchange(entry, entry->next);
}

const ax::FlopCount& Variant::flops() {
  std::call_once(counting_, [this] { flops_.emplace(binding_); });
  return *flops_;
}

bool Variant::fits(const schedule::StrideClasses& classes, const ax::BoundCall& call) const {
  for (ax::ArrayId a = 0; a < classes.arrays.size(); ++a) {
    for (std::uint32_t d = 0; d < classes.arrays[a].size(); ++d) {
      if (classes.arrays[a][d] != stride_class(binding_, call, a, d)) return false;
    }
  }
  return true;
}

const CodeEntry* Variant::find(const ax::BoundCall& call, schedule::SizeClass size) const {
  const CodeEntry* entry = entries_.load(std::memory_order_acquire);
  while (entry && !(entry->size == size && fits(entry->classes, call))) entry = entry->next;
  return entry;
}

Lowered Variant::lowered(const CodeEntry& entry, const CodeSource& source) const {
  Lowered made{.loops = {}, .schedule = source.pins};
  made.loops = schedule::lower(program_, entry.classes, entry.size, source.target, made.schedule);
  return made;
}

cache::Key Variant::key_for(const ax::BoundCall& call, const CodeSource& source) const {
  return code_key(source, program_, given_, stride_classes(binding_, call),
                  schedule::size_class(program_, call.extents.data(), source.target));
}

std::shared_ptr<const codegen::CompiledCode> Variant::stored_code(const cache::Key& key) const {
  const std::optional<cache::Found> found = code_store().find(key);
  if (!found) return nullptr;
  try {
    auto code = codegen::load(found->code());
    require_fit(code->kernel(), binding_);
    return code;
  } catch (const Error& error) {
    code_store().discard(key, error.message());
    return nullptr;
  }
}

void Variant::generate(CodeEntry& entry, const CodeSource& source, const cache::Key* key) const {
  const std::int64_t start = monotonic_ns();
  const Lowered from = lowered(entry, source);
  entry.times.lower = milliseconds_since(start);
  const codegen::ObjectCode object = codegen::make_object(from.loops, source.target);
  entry.code = codegen::load(object.bytes, object.times);
  require_fit(entry.code->kernel(), binding_);
  if (key != nullptr) static_cast<void>(code_store().put(*key, object.bytes));
}

void Variant::obtain_code(CodeEntry& entry, const CodeSource& source) const {
  if (!code_store().enabled()) {
    generate(entry, source, nullptr);
  } else {
    const std::int64_t start = monotonic_ns();
    const cache::Key key = code_key(source, program_, given_, entry.classes, entry.size);
    entry.code = stored_code(key);
    entry.from_disk = entry.code != nullptr;
    entry.times.cache = milliseconds_since(start) - (entry.from_disk ? entry.code->times().link_ms : 0);
    if (!entry.from_disk) generate(entry, source, &key);
  }
  entry.times.emit = entry.code->times().emit_ms;
  entry.times.codegen = entry.code->times().codegen_ms;
  entry.times.link = entry.code->times().link_ms;
}

const CodeEntry& Variant::code_for(const ax::BoundCall& call, const CodeSource& source) {
  const schedule::SizeClass size = schedule::size_class(program_, call.extents.data(), source.target);
  if (const CodeEntry* entry = find(call, size)) return *entry;
  const std::scoped_lock lock(compiling_);
  if (const CodeEntry* entry = find(call, size)) return *entry;  // another thread was first

  auto entry = std::make_unique<CodeEntry>();
  entry->classes = stride_classes(binding_, call);
  entry->size = size;
  entry->times.specialize = specialize_ms;
  obtain_code(*entry, source);
  entry->made_ns = monotonic_ns();
  entry->next = entries_.load(std::memory_order_relaxed);
  entries_.store(entry.get(), std::memory_order_release);
  return *entry.release();
}

Variant::Place& Variant::place_of_thread() {
  static std::atomic<std::size_t> threads = 0;
  constexpr std::size_t kNone = kPlaces;
  thread_local std::size_t place = kNone;
  if (place == kNone) place = threads.fetch_add(1, std::memory_order_relaxed) % kPlaces;
  return spare_[place];
}

std::unique_ptr<LaunchTables> Variant::take_tables() {
  std::unique_ptr<LaunchTables> tables(place_of_thread().tables.exchange(nullptr, std::memory_order_acquire));
  return tables ? std::move(tables) : std::make_unique<LaunchTables>();
}

void Variant::recycle(std::unique_ptr<LaunchTables> tables) {
  const std::unique_ptr<LaunchTables> replaced(
      place_of_thread().tables.exchange(tables.release(), std::memory_order_acq_rel));
}

}  // namespace aurex::jit
