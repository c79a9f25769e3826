// What callers see of a kernel: parameters, results, dimensions, one line of signature.

#include <algorithm>

#include "aurex/ax/checked_module.h"

namespace aurex::ax {
namespace {

std::string one_line(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

Parameter::Kind kind_of(const syntax::TypeExpr& type) {
  if (type.shape) return Parameter::Kind::kArray;
  if (type.element.name.text == "int") return Parameter::Kind::kInt;
  if (type.element.name.text == "bool") return Parameter::Kind::kBool;
  return Parameter::Kind::kFloat;
}

Parameter parameter(const Source& source, const syntax::Param& param) {
  Parameter result;
  result.name = param.name.text;
  result.constant = param.mode == syntax::ParamMode::kConst;
  result.inout = param.mode == syntax::ParamMode::kInout;
  if (param.type) {
    result.kind = kind_of(*param.type);
    result.type = (result.constant ? "const " : "") + one_line(source.text(param.type->span));
  }
  if (param.default_value) {
    result.optional = true;
    result.default_text = one_line(source.text(param.default_value->span));
  }
  return result;
}

/// Dimensions in order of appearance, and those that a mandatory argument has as an axis of its own.
void note_dims(const std::vector<syntax::Dim>& dims, bool carries, std::vector<std::string>& all,
               std::vector<std::string>& carried) {
  for (const syntax::Dim& dim : dims) {
    if (dim.kind == syntax::Dim::Kind::kSplit) note_dims(dim.parts, false, all, carried);
    if (dim.kind != syntax::Dim::Kind::kName) continue;
    if (std::find(all.begin(), all.end(), dim.name) == all.end()) all.push_back(dim.name);
    if (carries) carried.push_back(dim.name);
  }
}

}  // namespace

KernelInterface describe(const Source& source, const KernelDeclaration& kernel) {
  const syntax::Kernel& syntax = *kernel.syntax;
  KernelInterface result;
  result.name = syntax.name.text;
  result.label = syntax.label ? syntax.label->text : "vector";
  result.expression = syntax.is_expression();
  std::vector<std::string> all, carried;
  for (const syntax::Param& param : syntax.params) {
    result.parameters.push_back(parameter(source, param));
    if (param.type && param.type->shape) note_dims(*param.type->shape, !param.default_value, all, carried);
  }
  for (const syntax::Result& item : syntax.results) {
    result.results.push_back({.name = item.name.text,
                              .kind = Parameter::Kind::kArray,
                              .type = one_line(source.text(item.type.span)),
                              .default_text = {}});
    if (item.type.shape) note_dims(*item.type.shape, false, all, carried);
  }
  for (const std::string& name : all) {
    if (std::find(carried.begin(), carried.end(), name) == carried.end()) result.dims.push_back(name);
  }
  if (result.expression) {
    result.results.push_back({.name = "result", .kind = Parameter::Kind::kArray, .type = "", .default_text = {}});
  }
  std::uint32_t end = kernel.span.end;
  if (const auto* block = std::get_if<syntax::Block>(&syntax.body)) end = block->span.begin;
  if (const auto* expr = std::get_if<syntax::ExprPtr>(&syntax.body)) end = (*expr)->span.begin;
  result.signature = one_line(source.text({kernel.span.begin, end}));
  if (result.expression && !result.signature.empty() && result.signature.back() == '=') {
    result.signature.pop_back();
    result.signature = one_line(result.signature);
  }
  result.span = kernel.span;
  return result;
}

}  // namespace aurex::ax
