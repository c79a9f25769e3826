// aurex build: kernels compiled ahead of time, as an object and a header for C.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <deque>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/codegen/c_header.h"
#include "aurex/codegen/compile.h"
#include "aurex/jit/variant.h"
#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/output_file.h"
#include "cli/sample_call.h"
#include "cli/target_name.h"
#include "cli/value.h"

namespace aurex::cli {
namespace {

using TypeChoices = std::map<std::string, DType, std::less<>>;

TypeChoices parse_types(const std::vector<std::string>& texts) {
  TypeChoices types;
  for (const std::string& text : texts) {
    const auto [name, type] = split_assignment(text);
    types[name] = parse_dtype(type);
  }
  return types;
}

/// "T" of "T[R..., C]"; "f32" of "f32[3]".
std::string_view storage_name(std::string_view type) { return type.substr(0, type.find('[')); }

/// The sample types, but for what was chosen.
ax::Specialization specialization(const ax::CheckedModule& module, const ax::KernelInterface& kernel,
                                  const TypeChoices& types, const schedule::Target& target) {
  ax::Specialization given = ax::sample_specialization(module, kernel.name);
  given.target_features = target.features;
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    const auto chosen = types.find(storage_name(kernel.parameters[i].type));
    if (chosen == types.end() || given.arguments[i].kind != ax::Given::Kind::kArray) continue;
    given.arguments[i].storage.dtype = chosen->second;
  }
  for (std::size_t i = 0; i < kernel.results.size() && i < given.results.size(); ++i) {
    if (types.contains(storage_name(kernel.results[i].type))) given.results[i].reset();  // follows from the arguments
  }
  return given;
}

void refuse_unused(const TypeChoices& types, const std::vector<const ax::KernelInterface*>& kernels) {
  for (const auto& [name, dtype] : types) {
    const bool used = std::ranges::any_of(kernels, [&](const ax::KernelInterface* kernel) {
      return std::ranges::any_of(kernel->parameters,
                                 [&](const ax::Parameter& p) { return storage_name(p.type) == name; });
    });
    if (!used) throw ArgumentError(fmt::format("no parameter of these kernels is of type '{}'", name));
  }
}

/// Everything of one kernel that the object and the header are made of. Stays where it is: parts point into it.
struct Built {
  ax::TileProgram program;
  SampleCall call;
  schedule::LoopProgram loops;

  Built(ax::TileProgram tiles, const NamedExtents& extents, const schedule::Target& target)
      : program(std::move(tiles)), call(program, extents) {
    schedule::Schedule schedule;
    loops = schedule::lower(program, jit::stride_classes(call.binding(), call.bound()),
                            schedule::size_class(program, call.bound().extents.data(), target), target, schedule);
  }
};

/// Extents that a kernel has; the file's other kernels may have the rest.
NamedExtents known_extents(const ax::TileProgram& program, const NamedExtents& extents) {
  NamedExtents known;
  for (const ax::Dim& dim : program.dims) {
    if (const auto found = extents.find(dim.name); found != extents.end()) known.insert(*found);
  }
  return known;
}

std::string guard_of(const std::string& path) {
  std::string guard = std::filesystem::path(path).filename().string() + "_";
  for (char& c : guard) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return "AUREX_BUILT_" + guard;
}

std::vector<const ax::KernelInterface*> chosen_kernels(const std::vector<ax::KernelInterface>& kernels,
                                                       const std::vector<std::string>& names) {
  std::vector<const ax::KernelInterface*> chosen;
  for (const std::string& name : names) chosen.push_back(&kernels[choose_kernel(kernels, name)]);
  if (names.empty()) {
    for (const ax::KernelInterface& kernel : kernels) chosen.push_back(&kernel);
  }
  if (chosen.empty()) throw ArgumentError("the file has no kernel");
  return chosen;
}

}  // namespace

int build(const BuildOptions& options, const Console& console) {
  const auto source = read_source(options.file);
  const auto module = checked(source);
  const schedule::Target target = choose_target(options.target);
  const TypeChoices types = parse_types(options.types);
  const NamedExtents extents = parse_extents(options.shape);
  const auto kernels = chosen_kernels(ax::kernels(*module), options.kernels);
  refuse_unused(types, kernels);

  std::deque<Built> built;
  std::vector<codegen::ObjectPart> parts;
  std::vector<codegen::DeclaredKernel> declared;
  Progress progress(console, "compiling", static_cast<std::int64_t>(kernels.size()));
  for (const ax::KernelInterface* kernel : kernels) {
    ax::TileProgram program = ax::specialize(*module, kernel->name, specialization(*module, *kernel, types, target));
    const NamedExtents known = known_extents(program, extents);
    const Built& made = built.emplace_back(std::move(program), known, target);
    const std::string function = options.prefix + kernel->name;
    parts.push_back({&made.loops, function + "_"});
    declared.push_back({&made.program, &made.call.binding(), function, function + "_kernel", kernel->signature});
    progress.step();
  }
  const std::string object = codegen::emit_object(parts, target);
  const std::string name = std::filesystem::path(options.file).filename().string();
  if (!options.header.empty()) {
    write_file(options.header, codegen::c_header(declared, name, target.name, guard_of(options.header)));
  }
  write_file(options.object, object);
  if (console.json()) {
    nlohmann::json json = {{"object", options.object}, {"bytes", object.size()}, {"target", target.name}};
    for (const ax::KernelInterface* kernel : kernels) json["kernels"].push_back(kernel->name);
    console.line(json.dump(2));
  } else {
    console.message(fmt::format("{}: {} kernel{} for {}, {} bytes", options.object, kernels.size(),
                                kernels.size() == 1 ? "" : "s", target.name, object.size()));
  }
  return kDone;
}

}  // namespace aurex::cli
