#include "aurex/jit/code_cache.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <string>

#include "aurex/base/environment.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/compile.h"
#include "aurex/schedule/schedule_text.h"

namespace aurex::jit {
namespace {

std::atomic<cache::Store*> other_store = nullptr;

std::string text_of(const ax::Storage& storage) {
  std::string text(to_string(storage.dtype));
  if (storage.format != ax::kNone) text += fmt::format(" format {}", storage.format);
  return text;
}

struct ConstantText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const {  // every bit counts, also of NaN
    return fmt::format("{} ({:016x})", value, std::bit_cast<std::uint64_t>(value));
  }
};

std::string text_of(const ax::Given& given) {
  switch (given.kind) {
    case ax::Given::Kind::kAbsent:
      return "absent";
    case ax::Given::Kind::kArray:
      return text_of(given.storage);
    case ax::Given::Kind::kScalar:
      break;
  }
  std::string text = "scalar " + std::string(ax::to_string(given.scalar));
  if (given.constant) text += " = " + std::visit(ConstantText(), *given.constant);
  return text;
}

/// "x: f32, n: scalar i64 = 3 -> y: chosen".
std::string types_of(const ax::KernelInterface& interface, const ax::Specialization& given) {
  std::string text;
  for (std::size_t i = 0; i < given.arguments.size(); ++i) {
    text += fmt::format("{}{}: {}", i == 0 ? "" : ", ", interface.parameters[i].name, text_of(given.arguments[i]));
  }
  for (std::size_t i = 0; i < given.results.size(); ++i) {
    text += fmt::format("{}{}: {}", i == 0 ? " -> " : ", ", interface.results[i].name,
                        given.results[i] ? text_of(*given.results[i]) : "chosen");
  }
  return text;
}

constexpr std::string_view text_of(schedule::Buffer::Stride stride) {
  using Stride = schedule::Buffer::Stride;
  return stride == Stride::kUnit ? "unit" : stride == Stride::kZero ? "zero" : stride == Stride::kPack ? "pack" : "any";
}

/// "x: any unit, y: unit".
std::string strides_of(const ax::TileProgram& program, const schedule::StrideClasses& classes) {
  std::string text;
  for (std::size_t a = 0; a < classes.arrays.size(); ++a) {
    text += fmt::format("{}{}:", a == 0 ? "" : ", ", program.arrays[a].name);
    for (const auto stride : classes.arrays[a]) text.append(" ").append(text_of(stride));
  }
  return text;
}

std::string machine_of(const schedule::Target& target) {
  return fmt::format("{}; vectors of {} bytes x {}{}; caches {} {}; {}", target.llvm_cpu, target.vector_bytes,
                     target.vector_registers, target.masks ? ", masked" : "", target.l1_bytes, target.l2_bytes,
                     fmt::join(target.features, ","));
}

std::string compiler_text() { return fmt::format("{:016x}", codegen::compiler_build()); }

}  // namespace

cache::Key code_key(const CodeSource& source, const ax::TileProgram& program, const ax::Specialization& given,
                    const schedule::StrideClasses& classes, schedule::SizeClass size) {
  const auto& interfaces = ax::kernels(*source.module);
  const auto interface = std::ranges::find(interfaces, program.name, &ax::KernelInterface::name);
  cache::Key key(program.name);
  for (const std::string_view text : ax::texts(*source.module)) key.add("source", text);
  key.add("types", types_of(*interface, given));
  key.add("strides", strides_of(program, classes));
  key.add("size class", fmt::format("{}: {} x {}", static_cast<int>(size.kind), size.rows, size.vectors));
  key.add("schedule", source.pins == schedule::Schedule{} ? "" : schedule::print(source.pins));
  key.add("target", source.target.name);
  key.add("machine", machine_of(source.target));
  key.add("compiler", compiler_text());
  key.add("abi", kAurexAbiVersion);
  key.add("loop grammar", schedule::kLoopGrammar);
  return key;
}

std::vector<std::string> foreign_parts(const std::vector<cache::KeyPart>& key) {
  const auto is_one_of = [&](const char* name, const std::vector<std::string>& values) {
    const auto part = std::ranges::find(key, name, &cache::KeyPart::name);
    return part != key.end() && std::ranges::find(values, part->value) != values.end();
  };
  std::vector<std::string> names;
  if (!is_one_of("target", schedule::runnable_targets())) names.emplace_back("target");
  if (!is_one_of("compiler", {compiler_text()})) names.emplace_back("compiler");
  if (!is_one_of("abi", {std::to_string(kAurexAbiVersion)})) names.emplace_back("abi");
  if (!is_one_of("loop grammar", {std::to_string(schedule::kLoopGrammar)})) names.emplace_back("loop grammar");
  return names;
}

cache::Store& code_store() {
  if (cache::Store* const other = other_store.load(std::memory_order_acquire)) return *other;
  // Never destroyed: threads may still compile while the process ends.
  static auto* const store = [] {
    const std::filesystem::path& folder = environment().cache_dir;
    return new cache::Store(folder.empty() ? folder : folder / "kernels", environment().cache_bytes);
  }();
  return *store;
}

void set_code_store(cache::Store* store) { other_store.store(store, std::memory_order_release); }

}  // namespace aurex::jit
