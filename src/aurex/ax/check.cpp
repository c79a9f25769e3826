#include "aurex/ax/check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "aurex/ax/checked_module.h"
#include "aurex/ax/parser.h"
#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

constexpr std::size_t kMaxFiles = 64;

std::shared_ptr<const Source> load_beside(std::string_view path, const Source& from) {
  const std::filesystem::path file = std::filesystem::path(from.name()).parent_path() / path;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return nullptr;
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  return std::make_shared<const Source>(file.lexically_normal().string(), std::move(text));
}

/// Reads the files that a module uses, each once, and gives each the functions it sees.
class Loader {
 public:
  Loader(CheckedModule& module, UseLoader use, DiagnosticSink& sink) : module_(module), use_(use), sink_(sink) {}

  void load(std::shared_ptr<const Source> source) {
    module_.files.push_back(std::make_unique<ParsedFile>());
    ParsedFile& file = *module_.files.back();
    file.source = std::move(source);
    ParseResult parsed = parse(*file.source, sink_);
    file.module = std::move(parsed.module);
    if (parsed.ok) resolve(file, true);  // what is missing from a broken tree would only be echoed
  }

 private:
  void resolve(ParsedFile& file, bool own) {
    std::vector<const ParsedFile*> used;
    for (const syntax::Declaration& declaration : file.module.declarations) {
      const auto* use = std::get_if<syntax::Use>(&declaration.node);
      if (use == nullptr) continue;
      if (const ParsedFile* other = find(*use, file, own)) used.push_back(other);
    }
    collect_functions(file, used, sink_);
    for (const syntax::Declaration& declaration : file.module.declarations) {
      if (const auto* format = std::get_if<syntax::Format>(&declaration.node)) {
        const bool added =
            module_.formats.emplace(format->name.text, FormatDeclaration{format, declaration.span}).second;
        if (!added && own) {
          sink_.error(Code::kDefinedTwice, format->name.span, "format `" + format->name.text + "` is declared twice");
        }
      }
      const auto* kernel = std::get_if<syntax::Kernel>(&declaration.node);
      if (kernel == nullptr || !own) continue;
      const auto same = [&](const KernelDeclaration& k) { return k.syntax->name.text == kernel->name.text; };
      const auto twin = std::find_if(module_.kernels.begin(), module_.kernels.end(), same);
      if (twin != module_.kernels.end()) {
        sink_.error(Code::kDefinedTwice, kernel->name.span, "kernel `" + kernel->name.text + "` is defined twice")
            .note(twin->syntax->name.span, "the first one");
        continue;
      }
      module_.kernels.push_back({kernel, declaration.span});
    }
  }

  const ParsedFile* find(const syntax::Use& use, const ParsedFile& from, bool own) {
    const Span span = own ? use.path_span : Span{};
    const std::shared_ptr<const Source> source = (use_ != nullptr ? use_ : load_beside)(use.path, *from.source);
    if (source == nullptr) {
      sink_.error(Code::kUseNotFound, span, "cannot read \"" + use.path + "\"")
          .help("paths are relative to the file that uses them");
      return nullptr;
    }
    for (const auto& file : module_.files) {
      if (file->source->name() != source->name()) continue;
      if (std::find(open_.begin(), open_.end(), file.get()) == open_.end() && file != module_.files.front())
        return file.get();
      sink_.error(Code::kUseCycle, span, "\"" + use.path + "\" is used by a file that it uses itself");
      return nullptr;
    }
    if (module_.files.size() >= kMaxFiles) {
      sink_.error(Code::kUseCycle, span, "a module uses at most " + std::to_string(kMaxFiles) + " files");
      return nullptr;
    }
    module_.files.push_back(std::make_unique<ParsedFile>());
    ParsedFile& file = *module_.files.back();
    file.source = source;
    DiagnosticSink inner;
    ParseResult parsed = parse(*source, inner);
    if (!parsed.ok) {
      sink_.error(Code::kUseNotFound, span, "\"" + use.path + "\" is refused")
          .note(span, inner.has_errors() ? inner.sorted().front().message : "")
          .help("check that file on its own");
      return nullptr;
    }
    file.module = std::move(parsed.module);
    open_.push_back(&file);
    resolve(file, false);
    open_.pop_back();
    return &file;
  }

  CheckedModule& module_;
  UseLoader use_;
  DiagnosticSink& sink_;
  std::vector<const ParsedFile*> open_;
};

/// The storage types a sample may give to one type variable, tried in this order.
constexpr DType kSampleTypes[] = {DType::kF32, DType::kF64, DType::kI32, DType::kI64, DType::kU32, DType::kBool};

std::vector<std::string> type_variables(const syntax::Kernel& kernel) {
  std::vector<std::string> names;
  const auto note = [&](const syntax::TypeRef& type) {
    const std::string& name = type.name.text;
    if (syntax::is_upper(name) && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const syntax::Param& param : kernel.params) {
    if (param.type && param.type->shape) note(param.type->element);
  }
  for (const syntax::Result& result : kernel.results) note(result.type.element);
  return names;
}

std::optional<Constant> sample_constant(const syntax::Param& param) {
  if (param.mode != syntax::ParamMode::kConst || param.default_value || !param.type) return std::nullopt;
  const std::string& type = param.type->element.name.text;
  if (type == "bool") return Constant{false};
  if (type == "int") return Constant{std::int64_t{1}};
  return Constant{1.0};
}

/// `chosen[i]` is the type of the i-th type variable, `untyped` that of arguments without one.
Specialization sample(const syntax::Kernel& kernel, const std::vector<std::string>& names,
                      const std::vector<DType>& chosen, DType untyped, bool absent) {
  Specialization result;
  const auto storage = [&](const std::string& type) -> Storage {
    const auto found = std::find(names.begin(), names.end(), type);
    if (found != names.end()) return {chosen[static_cast<std::size_t>(found - names.begin())]};
    if (type == "int") return {DType::kI32};
    if (type == "any" || type == "float") return {DType::kF32};
    return {try_parse_dtype(type).value_or(DType::kF32)};
  };
  for (const syntax::Param& param : kernel.params) {
    Given given;
    given.constant = sample_constant(param);
    const bool constant = param.mode == syntax::ParamMode::kConst;
    if (param.default_value && (absent || constant)) {
      given.kind = Given::Kind::kAbsent;
    } else if (!param.type) {
      given.kind = param.default_value ? Given::Kind::kAbsent : Given::Kind::kArray;
      given.storage = {untyped};
    } else if (param.type->shape) {
      given.kind = Given::Kind::kArray;
      given.storage = storage(param.type->element.name.text);
    } else {
      given.kind = Given::Kind::kScalar;
    }
    result.arguments.push_back(given);
  }
  for (const syntax::Result& item : kernel.results) {
    const std::string& type = item.type.element.name.text;
    result.results.push_back(syntax::is_upper(type) ? std::optional(storage(type)) : std::nullopt);
  }
  if (kernel.is_expression()) result.results.emplace_back();
  return result;
}

bool types_only(const DiagnosticSink& sink) {
  return std::all_of(sink.diagnostics().begin(), sink.diagnostics().end(),
                     [](const Diagnostic& diagnostic) { return static_cast<int>(diagnostic.code) / 100 == 4; });
}

/// All choices of one sample type per variable, the uniform ones first; few enough to try them all.
std::vector<std::vector<DType>> choices(std::size_t variables) {
  std::vector<std::vector<DType>> result;
  for (const DType type : kSampleTypes) result.emplace_back(std::max<std::size_t>(variables, 1), type);
  if (variables == 2) {
    for (const DType a : kSampleTypes) {
      for (const DType b : kSampleTypes) {
        if (a != b) result.push_back({a, b});
      }
    }
  }
  if (variables > 2) {
    for (std::size_t i = 0; i < variables; ++i) {
      for (const DType type : kSampleTypes) {
        std::vector<DType> mixed(variables, DType::kF32);
        mixed[i] = type;
        result.push_back(mixed);
      }
    }
  }
  return result;
}

/// A schedule names a kernel of its own file; a file of schedules alone is for the kernels of another one.
void check_schedule(const CheckedModule& module, const syntax::Schedule& schedule, DiagnosticSink& sink) {
  const auto named = [&](const KernelDeclaration& kernel) { return kernel.syntax->name.text == schedule.kernel.text; };
  if (module.kernels.empty() || std::any_of(module.kernels.begin(), module.kernels.end(), named)) return;
  sink.error(Code::kUnknownKernel, schedule.kernel.span,
             "there is no kernel `" + schedule.kernel.text + "` in this file");
}

/// Finds types for which the kernel is legal; reports the errors of the first choice where there are none.
Specialization check_kernel(const CheckedModule& module, const KernelDeclaration& kernel, DiagnosticSink& sink) {
  const std::vector<std::string> names = type_variables(*kernel.syntax);
  std::vector<Diagnostic> first;
  for (const std::vector<DType>& chosen : choices(names.size())) {
    Specialization given = sample(*kernel.syntax, names, chosen, chosen[0], false);
    DiagnosticSink attempt;
    try {
      (void)specialize_kernel(module, kernel, given, attempt);
      if (!attempt.has_errors()) {
        const Specialization least = sample(*kernel.syntax, names, chosen, chosen[0], true);
        if (!(least == given)) (void)specialize_kernel(module, kernel, least, attempt);
      }
    } catch (const NotImplemented&) {  // legal as far as it goes; a call says what is missing
      return given;
    }
    if (!attempt.has_errors()) return given;
    if (first.empty()) first.assign(attempt.diagnostics().begin(), attempt.diagnostics().end());
    const bool variable = !names.empty() || (kernel.syntax->is_expression() && !kernel.syntax->params.empty());
    if (!types_only(attempt) || !variable) break;
  }
  for (const Diagnostic& diagnostic : first) sink.report(diagnostic);
  return {};
}

}  // namespace

void collect_functions(ParsedFile& file, const std::vector<const ParsedFile*>& used, DiagnosticSink& sink) {
  FunctionScope& scope = file.scope;
  for (const syntax::Declaration& declaration : file.module.declarations) {
    const auto* function = std::get_if<syntax::Function>(&declaration.node);
    if (function == nullptr) continue;
    std::vector<FunctionBody>& bodies = scope.functions[function->name.text];
    const auto type = [](const syntax::Function& f) {
      return f.params.empty() || !f.params[0].register_type ? std::string() : f.params[0].register_type->text;
    };
    const auto twin = std::find_if(bodies.begin(), bodies.end(), [&](const FunctionBody& body) {
      return type(*body.syntax) == type(*function) || type(*body.syntax).empty() || type(*function).empty();
    });
    if (twin != bodies.end()) {
      sink.error(Code::kDefinedTwice, function->name.span, "`" + function->name.text + "` is defined twice")
          .note(twin->syntax->name.span, "the first one")
          .help("a name may have one body for each register type of its first parameter");
      continue;
    }
    bodies.push_back({function, file.source.get(), &scope, declaration.span});
  }
  for (const ParsedFile* other : used) {
    for (const auto& [name, bodies] : other->scope.functions) scope.functions.emplace(name, bodies);
  }
}

std::shared_ptr<const CheckedModule> check(std::shared_ptr<const Source> source, DiagnosticSink& sink, UseLoader use) {
  auto module = std::make_shared<CheckedModule>();
  Loader(*module, use, sink).load(std::move(source));
  for (const auto& file : module->files) file->scope.prelude = &prelude().scope;
  if (sink.has_errors()) return nullptr;
  const ParsedFile& own = module->own();
  for (const syntax::Declaration& declaration : own.module.declarations) {
    const auto* format = std::get_if<syntax::Format>(&declaration.node);
    if (format == nullptr) continue;
    if (auto facts = check_format(*module, {format, declaration.span}, sink))
      module->format_interfaces.push_back(*facts);
  }
  for (const KernelDeclaration& kernel : module->kernels) {
    module->interfaces.push_back(describe(*own.source, kernel));
    module->samples.push_back(check_kernel(*module, kernel, sink));
  }
  for (const syntax::Declaration& declaration : own.module.declarations) {
    if (const auto* schedule = std::get_if<syntax::Schedule>(&declaration.node))
      check_schedule(*module, *schedule, sink);
  }
  return sink.has_errors() ? nullptr : module;
}

const std::vector<KernelInterface>& kernels(const CheckedModule& module) { return module.interfaces; }

std::vector<std::string_view> texts(const CheckedModule& module) {
  std::vector<std::string_view> all;
  all.reserve(module.files.size());
  for (const auto& file : module.files) all.push_back(file->source->text());
  return all;
}

const std::vector<FormatInterface>& formats(const CheckedModule& module) { return module.format_interfaces; }

namespace {

std::size_t kernel_index(const CheckedModule& module, std::string_view kernel) {
  std::string known;
  for (std::size_t i = 0; i < module.kernels.size(); ++i) {
    if (module.kernels[i].syntax->name.text == kernel) return i;
    known += (known.empty() ? "" : ", ") + module.kernels[i].syntax->name.text;
  }
  throw ArgumentError("there is no kernel `" + std::string(kernel) + "` in " + module.own().source->name() +
                      (known.empty() ? "" : "; it has " + known));
}

}  // namespace

TileProgram specialize(const CheckedModule& module, std::string_view kernel, const Specialization& given) {
  const std::size_t index = kernel_index(module, kernel);
  DiagnosticSink sink;
  TileProgram program = specialize_kernel(module, module.kernels[index], given, sink);
  raise_if_refused(*module.own().source, sink);
  return program;
}

Specialization sample_specialization(const CheckedModule& module, std::string_view kernel) {
  return module.samples[kernel_index(module, kernel)];
}

}  // namespace aurex::ax
