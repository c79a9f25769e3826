#include "aurex/ax/specializer.h"

#include <algorithm>

#include "aurex/ax/program_rules.h"
#include "aurex/ax/prune.h"

namespace aurex::ax {

Specializer::Specializer(const CheckedModule& module, const KernelDeclaration& kernel, const Specialization& given,
                         DiagnosticSink& sink, VarTypes& var_types)
    : module_(module),
      declaration_(kernel),
      kernel_(*kernel.syntax),
      given_(given),
      sink_(sink),
      var_types_(var_types),
      scope_(&module.own().scope) {}

TileProgram Specializer::run() {
  program().name = kernel_.name.text;
  program().label = kernel_.label ? kernel_.label->text : "vector";
  program().source = module_.own().source;
  program().broadcast = kernel_.is_expression();
  Body body;
  try {
    signature();
    if (const auto* expr = std::get_if<syntax::ExprPtr>(&kernel_.body)) {
      expression_kernel(**expr);
    } else {
      block(std::get<syntax::Block>(kernel_.body), body);
      program().body = std::move(body);
    }
  } catch (const Refused&) {
    // The sink knows why.
  }
  if (sink_.has_errors()) return {};
  const ProgramRules rules{builder_, dim_class_, sink_};
  rules.check();
  if (sink_.has_errors()) return {};
  rules.mark_in_place(program());
  prune(program());
  return std::move(program());
}

Diagnostic& Specializer::report(Code code, Span span, std::string message) {
  return sink_.error(code, place(span), std::move(message));
}

void Specializer::refuse(Code code, Span span, std::string message, std::string help) {
  Diagnostic& diagnostic = report(code, span, std::move(message));
  if (!help.empty()) diagnostic.help(std::move(help));
  throw Refused{};
}

std::string Specializer::axes_text(AxisSet axes) const {
  std::string text = "[";
  for (AxisId axis = 0; axis < builder_.program.axes.size(); ++axis) {
    if ((axes & axis_bit(axis)) == 0) continue;
    if (text.size() > 1) text += ", ";
    text += builder_.program.axes[axis].name;
  }
  return text + "]";
}

std::string Specializer::type_text(const Typed& value) const {
  const RegType type = type_of(value);
  std::string text =
      value.weak && type != RegType::kBool ? (is_float(type) ? "float" : "int") : std::string(to_string(type));
  if (value.axes != 0) text += axes_text(value.axes);
  return text;
}

std::string Specializer::dim_text(DimId dim) const { return "`" + builder_.program.dims[dim].name + "`"; }

void Specializer::bind(const std::string& name, Meaning meaning, Span span) {
  if (name == "pi" || name == "inf" || name == "nan") {
    refuse(Code::kNameTaken, span, "`" + name + "` is a constant of the language", "choose another name");
  }
  // A function's own names may be called like what surrounds the call.
  const auto known = name_index_.find(name);
  if (known != name_index_.end() && !known->second.empty() && known->second.back() >= frame_) {
    const Meaning* other = &names_[known->second.back()].meaning;
    Diagnostic& diagnostic = report(Code::kNameTaken, span, "`" + name + "` already names something here");
    diagnostic.note(place(other->span), std::string("the ") + other->what + " `" + name + "`");
    diagnostic.help("choose another name: nothing is hidden by a name further in");
    throw Refused{};
  }
  name_index_[name].push_back(static_cast<std::uint32_t>(names_.size()));
  names_.push_back({name, meaning});
}

const Specializer::Meaning* Specializer::find(std::string_view name) const {
  const auto found = name_index_.find(std::string(name));
  if (found == name_index_.end()) return nullptr;
  for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) {
    const Meaning& meaning = names_[*it].meaning;
    if (*it >= frame_ || meaning.kind == Meaning::Kind::kAxis) return &meaning;
  }
  return nullptr;
}

const Specializer::Meaning& Specializer::meaning(const std::string& name, Span span) {
  const Meaning* found = find(name);
  if (found == nullptr) {
    const std::string near = similar(name);
    refuse(Code::kUnknownName, span, "there is no `" + name + "` here",
           near.empty() ? "" : "did you mean `" + near + "`?");
  }
  if (found->kind == Meaning::Kind::kBroken) throw Refused{};
  return *found;
}

void Specializer::pop_names(std::size_t size) {
  while (names_.size() > size) {
    name_index_[names_.back().text].pop_back();
    names_.pop_back();
  }
}

namespace {

/// Are two names one edit apart?
bool one_edit(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  if (a.size() < b.size()) return a.substr(i) == b.substr(i + 1);
  if (i == a.size()) return false;
  return a.substr(i + 1) == b.substr(i + 1) ||
         (i + 1 < a.size() && a[i] == b[i + 1] && a[i + 1] == b[i] && a.substr(i + 2) == b.substr(i + 2));
}

}  // namespace

std::string Specializer::similar(std::string_view name) const {
  if (name.size() < 2) return {};
  constexpr std::size_t kLooked = 1000;  // of the innermost names
  for (std::size_t i = names_.size(); i > frame_ && names_.size() - i < kLooked; --i) {
    if (one_edit(names_[i - 1].text, name)) return names_[i - 1].text;
  }
  for (const auto& [dim, id] : dims_) {
    if (one_edit(dim, name)) return dim;
  }
  return {};
}

TileProgram specialize_kernel(const CheckedModule& module, const KernelDeclaration& kernel, const Specialization& given,
                              DiagnosticSink& sink) {
  constexpr int kMaxPasses = 64;  // a type climbs at most three steps; chains of variables converge long before
  VarTypes types;
  for (int pass = 0;; ++pass) {
    const VarTypes before = types;
    DiagnosticSink pass_sink;
    TileProgram program = Specializer(module, kernel, given, pass_sink, types).run();
    if (types == before || pass == kMaxPasses) {
      for (const Diagnostic& diagnostic : pass_sink.diagnostics()) sink.report(diagnostic);
      return program;
    }
  }
}

}  // namespace aurex::ax
