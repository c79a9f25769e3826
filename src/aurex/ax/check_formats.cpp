// Storage formats (section 5 of the language): sizes, bits per weight, and the proof that every element of a block is
// defined once and reads nothing outside its fields.
//
// A block is small, so the proof is by trial: each index is evaluated at every position of the block.

#include <algorithm>
#include <map>

#include "aurex/ax/checked_module.h"
#include "aurex/tensor/dtype.h"

namespace aurex::ax {
namespace {

constexpr std::int64_t kMaxElements = 1 << 16;  // of one block
constexpr std::size_t kMaxSteps = 4'000'000;    // of index evaluation in one format

using Integers = std::map<std::string, std::int64_t, std::less<>>;

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

std::optional<std::int64_t> integer_binary(syntax::BinaryOp op, std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 31;  // keeps every operation below away from overflow
  if (a < -kLimit || a > kLimit || b < -kLimit || b > kLimit) return std::nullopt;
  switch (op) {
    case syntax::BinaryOp::kAdd:
      return a + b;
    case syntax::BinaryOp::kSubtract:
      return a - b;
    case syntax::BinaryOp::kMultiply:
      return a * b;
    case syntax::BinaryOp::kRemainder:
      return b == 0 ? 0 : (a % b + b) % b;
    case syntax::BinaryOp::kShiftLeft:
      return b >= 0 && b < 31 ? std::optional(a * (std::int64_t{1} << b)) : std::nullopt;
    case syntax::BinaryOp::kShiftRight:
      return b >= 0 && b < 63 ? a >> b : (a < 0 ? -1 : 0);
    case syntax::BinaryOp::kBitAnd:
      return a & b;
    case syntax::BinaryOp::kBitOr:
      return a | b;
    case syntax::BinaryOp::kBitXor:
      return a ^ b;
    default:
      return std::nullopt;
  }
}

/// An integer expression of known integers; nothing where it holds anything else.
std::optional<std::int64_t> evaluate(const syntax::Expr& expr, const Integers& known) {
  if (const auto* literal = std::get_if<syntax::IntLiteral>(&expr.node)) {
    return literal->value <= std::uint64_t{INT32_MAX} ? std::optional(static_cast<std::int64_t>(literal->value))
                                                      : std::nullopt;
  }
  if (const auto* name = std::get_if<syntax::NameExpr>(&expr.node)) {
    const auto found = known.find(name->name);
    return found != known.end() ? std::optional(found->second) : std::nullopt;
  }
  if (const auto* unary = std::get_if<syntax::Unary>(&expr.node)) {
    const auto x = evaluate(*unary->operand, known);
    return x && unary->op == syntax::UnaryOp::kNegate ? std::optional(-*x) : std::nullopt;
  }
  if (const auto* binary = std::get_if<syntax::Binary>(&expr.node)) {
    const auto a = evaluate(*binary->left, known), b = evaluate(*binary->right, known);
    return a && b ? integer_binary(binary->op, *a, *b) : std::nullopt;
  }
  const auto* call = std::get_if<syntax::Call>(&expr.node);
  if (call == nullptr || call->callee.text != "div" || call->arguments.size() != 2) return std::nullopt;
  const auto a = evaluate(*call->arguments[0], known), b = evaluate(*call->arguments[1], known);
  if (!a || !b) return std::nullopt;
  const auto rest = integer_binary(syntax::BinaryOp::kRemainder, *a, *b);
  return *b == 0 || !rest ? 0 : (*a - *rest) / *b;
}

struct Field {
  const syntax::FormatField* syntax = nullptr;
  std::vector<std::int64_t> shape;
};

/// What one run of elements sees: a part, or a format without parts.
struct Run {
  const syntax::FormatBlock* block = nullptr;
  const syntax::FormatValue* value = nullptr;
  Span span;
  std::vector<std::pair<std::string, std::int64_t>> axes;
};

class FormatCheck {
 public:
  FormatCheck(const CheckedModule& module, const FormatDeclaration& format, DiagnosticSink& sink)
      : module_(module), format_(*format.syntax), span_(format.span), sink_(sink) {}

  std::optional<FormatInterface> run() {
    result_.name = format_.name.text;
    result_.span = span_;
    for (const syntax::NamedExtent& param : format_.params) {
      if (param.value) {
        integers_[param.name.text] = extent(*param.value);
      } else {
        report(Code::kFormatExtent, param.name.span, "format parameter " + quoted(param.name.text) + " has no default")
            .help("give one: `" + param.name.text + ": 64`; sizes are checked for it");
        return std::nullopt;
      }
    }
    Run whole{.block = nullptr, .value = nullptr, .span = format_.name.span, .axes = {}};
    std::vector<Run> parts;
    items(format_.items, whole, &parts);
    if (!parts.empty() && (whole.block != nullptr || whole.value != nullptr)) {
      report(Code::kFormatStructure, format_.name.span,
             "format " + quoted(format_.name.text) + " has parts, and a block or value beside them")
          .help("every element is defined once: move it into a part");
    }
    if (parts.empty()) parts.push_back(whole);
    for (Run& part : parts) elements(part);
    if (failed_) return std::nullopt;
    result_.bits_per_weight = bits_ / static_cast<double>(result_.elements);
    return result_;
  }

 private:
  Diagnostic& report(Code code, Span span, std::string message) {
    failed_ = true;
    return sink_.error(code, span, std::move(message));
  }

  std::int64_t extent(const syntax::Expr& expr) {
    const auto value = evaluate(expr, integers_);
    if (value && *value >= 1 && *value <= kMaxElements) return *value;
    report(Code::kFormatExtent, expr.span,
           "an extent of a format is an integer from 1 to 65536, known from its parameters");
    return 1;
  }

  void items(const std::vector<syntax::FormatItem>& list, Run& run, std::vector<Run>* parts) {
    for (const syntax::FormatItem& item : list) {
      if (const auto* block = std::get_if<syntax::FormatBlock>(&item.node)) {
        if (run.block != nullptr)
          report(Code::kFormatStructure, item.span, "a second `block`")
              .help("write `part { … }` for each run of elements");
        run.block = block;
      } else if (const auto* value = std::get_if<syntax::FormatValue>(&item.node)) {
        if (run.value != nullptr)
          report(Code::kFormatStructure, item.span, "a second `value`: every element is defined once");
        run.value = value;
      } else if (const auto* part = std::get_if<syntax::FormatPart>(&item.node); part != nullptr && parts != nullptr) {
        Run inner{.block = nullptr, .value = nullptr, .span = item.span, .axes = {}};
        items(part->items, inner, nullptr);
        parts->push_back(inner);
      } else if (const auto* field = std::get_if<syntax::FormatField>(&item.node)) {
        add_field(*field);
      } else if (const auto* table = std::get_if<syntax::FormatTable>(&item.node)) {
        add_name(table->name);
        tables_[table->name.text] = static_cast<std::int64_t>(table->entries.size());
      } else if (const auto* function = std::get_if<syntax::Function>(&item.node)) {
        functions_[function->name.text] = function;
      }
    }
  }

  void add_name(const syntax::Name& name) {
    if (fields_.contains(name.text) || tables_.contains(name.text)) {
      report(Code::kDefinedTwice, name.span, quoted(name.text) + " is declared twice in this format");
    }
  }

  void add_field(const syntax::FormatField& field) {
    add_name(field.name);
    Field result{.syntax = &field, .shape = {}};
    std::int64_t count = 1;
    for (const syntax::ExprPtr& dim : field.shape) {
      result.shape.push_back(extent(*dim));
      count = std::min(kMaxElements * 8, count * result.shape.back());
    }
    const double bits = bits_of(field) * static_cast<double>(count);
    fields_[field.name.text] = std::move(result);
    if (!field.separate) {
      result_.block_bytes += static_cast<std::int64_t>(bits / 8);
      bits_ += bits;
      return;
    }
    double share = 1;  // of one entry per block
    if (field.separate_shape) {
      if (field.separate_shape->empty()) share = 0;
      for (const syntax::NamedExtent& extent_of : *field.separate_shape) {
        if (extent_of.value) share /= static_cast<double>(extent(*extent_of.value));
      }
    }
    bits_ += bits * share;
  }

  double bits_of(const syntax::FormatField& field) {
    const std::string& name = field.type.name.text;
    if (const auto dtype = try_parse_dtype(name)) return 8.0 * bytes_per_element(*dtype);
    const auto nested = module_.formats.find(name);
    if (nested == module_.formats.end() || nested->second.syntax == &format_) {
      report(Code::kFormatField, field.type.span, "there is no storage type " + quoted(name))
          .help("use a type such as u8 or f16, or another format");
      return 8;
    }
    if (depth_ >= 4) {
      report(Code::kFormatField, field.type.span, "formats are nested more than four deep, or made of themselves");
      return 8;
    }
    FormatCheck inner(module_, nested->second, sink_);
    inner.depth_ = depth_ + 1;
    const auto facts = inner.run();
    failed_ |= !facts.has_value();
    return facts ? facts->bits_per_weight : 8;
  }

  void elements(Run& run) {
    if (run.block == nullptr || run.value == nullptr) {
      report(Code::kFormatStructure, run.span,
             run.block == nullptr ? "a `block` is missing: nothing says how many elements there are"
                                  : "a `value` is missing: the elements are not defined");
      return;
    }
    std::int64_t count = 1;
    for (const syntax::NamedExtent& axis : run.block->axes) {
      const std::int64_t size = axis.value ? extent(*axis.value) : 1;
      run.axes.emplace_back(axis.name.text, size);
      count *= size;
      if (count > kMaxElements) {
        report(Code::kFormatExtent, axis.name.span, "a block has at most 65536 elements");
        return;
      }
    }
    result_.elements += count;
    if (!failed_) names(*run.value->value, run, {});
  }

  /// Every name stands for something, and every field is indexed inside its shape.
  void names(const syntax::Expr& expr, const Run& run, const std::vector<std::string>& locals) {
    if (const auto* name = std::get_if<syntax::NameExpr>(&expr.node))
      return value_name(name->name, expr.span, run, locals);
    if (const auto* unary = std::get_if<syntax::Unary>(&expr.node)) return names(*unary->operand, run, locals);
    if (const auto* binary = std::get_if<syntax::Binary>(&expr.node)) {
      names(*binary->left, run, locals);
      return names(*binary->right, run, locals);
    }
    if (const auto* choice = std::get_if<syntax::Conditional>(&expr.node)) {
      names(*choice->condition, run, locals);
      names(*choice->yes, run, locals);
      return names(*choice->no, run, locals);
    }
    if (const auto* call = std::get_if<syntax::Call>(&expr.node)) return called(*call, expr.span, run, locals);
    if (const auto* index = std::get_if<syntax::Index>(&expr.node)) return indexed(*index, expr.span, run, locals);
    const bool literal = std::holds_alternative<syntax::IntLiteral>(expr.node) ||
                         std::holds_alternative<syntax::FloatLiteral>(expr.node) ||
                         std::holds_alternative<syntax::BoolLiteral>(expr.node);
    if (!literal) report(Code::kFormatName, expr.span, "this expression has no meaning inside a format");
  }

  void value_name(const std::string& name, Span span, const Run& run, const std::vector<std::string>& locals) {
    if (std::find(locals.begin(), locals.end(), name) != locals.end() || integers_.contains(name)) return;
    if (name == "pi" || name == "inf" || name == "nan") return;
    if (std::any_of(run.axes.begin(), run.axes.end(), [&](const auto& axis) { return axis.first == name; })) return;
    const auto field = fields_.find(name);
    if (field == fields_.end()) {
      report(Code::kFormatName, span, "there is no field, sub-axis or parameter " + quoted(name) + " in this format");
    } else if (!field->second.shape.empty()) {
      report(Code::kFormatIndex, span,
             "field " + quoted(name) + " is an array of " + std::to_string(field->second.shape.size()) + " axes")
          .help("index it: " + quoted(name + "[…]"));
    }
  }

  void called(const syntax::Call& call, Span span, const Run& run, const std::vector<std::string>& locals) {
    for (const syntax::ExprPtr& argument : call.arguments) names(*argument, run, locals);
    if (call.callee.text == "bits" && call.arguments.size() == 3) return bits(call, span, run);
    const auto own = functions_.find(call.callee.text);
    if (own == functions_.end()) return;
    if (own->second->params.size() != call.arguments.size()) {
      report(Code::kArgumentCount, span,
             quoted(call.callee.text) + " takes " + std::to_string(own->second->params.size()) + " arguments, " +
                 std::to_string(call.arguments.size()) + " are given");
    }
  }

  /// `bits(field[…], at, n)` looks at bits the element has.
  void bits(const syntax::Call& call, Span span, const Run& run) {
    const auto* index = std::get_if<syntax::Index>(&call.arguments[0]->node);
    const auto* name = index != nullptr ? std::get_if<syntax::NameExpr>(&index->base->node) : nullptr;
    const auto field = name != nullptr ? fields_.find(name->name) : fields_.end();
    if (field == fields_.end()) return;
    const auto dtype = try_parse_dtype(field->second.syntax->type.name.text);
    if (!dtype) return;
    const std::int64_t width = std::int64_t{8} * bytes_per_element(*dtype);
    for_each_position(run, [&](const Integers& at) {
      const auto first = evaluate(*call.arguments[1], at), count = evaluate(*call.arguments[2], at);
      if (!first || !count || (*first >= 0 && *count >= 1 && *first + *count <= width)) return true;
      report(Code::kFormatBits, span,
             "bits " + std::to_string(*first) + " to " + std::to_string(*first + *count - 1) + " of " +
                 quoted(name->name) + ", whose entries have " + std::to_string(width));
      return false;
    });
  }

  void indexed(const syntax::Index& index, Span span, const Run& run, const std::vector<std::string>& locals) {
    for (const syntax::IndexItem& item : index.items) names(*item.value, run, locals);
    const auto* name = std::get_if<syntax::NameExpr>(&index.base->node);
    if (name == nullptr) {
      report(Code::kFormatName, span, "only fields and tables are indexed inside a format");
      return;
    }
    if (const auto table = tables_.find(name->name); table != tables_.end()) return;  // the index comes from the data
    const auto field = fields_.find(name->name);
    if (field == fields_.end()) {
      report(Code::kFormatName, span, "there is no field or table " + quoted(name->name) + " in this format");
      return;
    }
    const std::vector<std::int64_t>& shape = field->second.shape;
    if (shape.size() != index.items.size()) {
      report(Code::kFormatIndex, span,
             "field " + quoted(name->name) + " has " + std::to_string(shape.size()) + " axes, and " +
                 std::to_string(index.items.size()) + " are indexed");
      return;
    }
    for_each_position(run, [&](const Integers& at) {
      for (std::size_t i = 0; i < shape.size(); ++i) {
        const auto value = evaluate(*index.items[i].value, at);
        if (value && *value >= 0 && *value < shape[i]) continue;
        report(Code::kFormatIndex, index.items[i].value->span,
               value ? "index " + std::to_string(*value) + " lies outside field " + quoted(name->name) + " of " +
                           std::to_string(shape[i]) + " entries"
                     : "an index of a field is an integer expression of sub-axes and parameters");
        return false;
      }
      return true;
    });
  }

  /// Until `visit` says no.
  template <typename Visit>
  void for_each_position(const Run& run, Visit visit) {
    Integers at = integers_;
    std::vector<std::int64_t> position(run.axes.size(), 0);
    while (++steps_ < kMaxSteps) {
      for (std::size_t i = 0; i < run.axes.size(); ++i) at[run.axes[i].first] = position[i];
      if (!visit(at)) return;
      std::size_t axis = run.axes.size();
      while (axis > 0 && ++position[axis - 1] == run.axes[axis - 1].second) position[--axis] = 0;
      if (axis == 0) return;
    }
    report(Code::kFormatExtent, span_, "the format is too large to be checked");
  }

  const CheckedModule& module_;
  const syntax::Format& format_;
  Span span_;
  DiagnosticSink& sink_;
  FormatInterface result_;
  double bits_ = 0;  // per block, separate arrays included
  Integers integers_;
  std::map<std::string, Field, std::less<>> fields_;
  std::map<std::string, std::int64_t, std::less<>> tables_;
  std::map<std::string, const syntax::Function*, std::less<>> functions_;
  std::size_t steps_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace

std::optional<FormatInterface> check_format(const CheckedModule& module, const FormatDeclaration& format,
                                            DiagnosticSink& sink) {
  return FormatCheck(module, format, sink).run();
}

}  // namespace aurex::ax
