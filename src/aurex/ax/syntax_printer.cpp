#include "aurex/ax/syntax_printer.h"

#include <fmt/format.h>

#include "aurex/ax/lexer.h"
#include "aurex/ax/precedence.h"

namespace aurex::ax::syntax {

namespace {

int precedence_of(const Expr& expr) {
  if (std::holds_alternative<Conditional>(expr.node)) return kConditionalPrecedence;
  if (const auto* node = std::get_if<Binary>(&expr.node)) return precedence(node->op);
  if (const auto* node = std::get_if<Unary>(&expr.node)) {
    return node->op == UnaryOp::kNot ? kNotPrecedence : kUnaryPrecedence;
  }
  // `x[e] else v` takes a unary operand, so it may stand wherever a unary operator may, but not before another bracket.
  if (std::holds_alternative<Otherwise>(expr.node)) return kUnaryPrecedence;
  return kPostfixPrecedence;
}

class Printer {
 public:
  std::string text;

  void module(const Module& module) {
    const Declaration* previous = nullptr;
    for (const Declaration& declaration : module.declarations) {
      // One blank line between declarations; none between the lines of a list of short ones.
      if (previous != nullptr && !(is_short(*previous) && is_short(declaration))) text += "\n";
      std::visit([&](const auto& node) { print(node); }, declaration.node);
      text += "\n";
      previous = &declaration;
    }
  }

  /// With parentheses around it if it binds looser than `tightest`.
  void expr(const Expr& expr, int tightest = kConditionalPrecedence) {
    const bool parentheses = precedence_of(expr) < tightest;
    if (parentheses) text += "(";
    std::visit([&](const auto& node) { print(node); }, expr.node);
    if (parentheses) text += ")";
  }

 private:
  static bool is_short(const Declaration& declaration) {
    if (std::holds_alternative<Use>(declaration.node)) return true;
    if (const auto* node = std::get_if<Kernel>(&declaration.node)) return node->is_expression();
    if (const auto* node = std::get_if<Function>(&declaration.node)) return !node->block_form;
    return false;
  }

  void line(std::string_view start = {}) {
    text += "\n";
    text.append(2 * indent_, ' ');
    text += start;
  }

  template <typename List, typename Item>
  void list(const List& items, Item&& item) {
    bool first = true;
    for (const auto& one : items) {
      if (!first) text += ", ";
      first = false;
      item(one);
    }
  }

  // -- Expressions --

  void print(const IntLiteral& node) {
    text += node.hexadecimal ? fmt::format("0x{:x}", node.value) : std::to_string(node.value);
  }
  void print(const FloatLiteral& node) {
    const std::string digits = fmt::format("{}", node.value);  // the shortest that reads back as the same number
    text += digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
  }
  void print(const BoolLiteral& node) { text += node.value ? "true" : "false"; }
  void print(const NameExpr& node) { text += node.name; }
  void print(const TargetFeature& node) { text += "target." + node.feature.text; }
  void print(const Unary& node) {
    text += spelling(node.op);
    if (node.op == UnaryOp::kNot) text += " ";
    expr(*node.operand, node.op == UnaryOp::kNot ? kNotPrecedence : kUnaryPrecedence);
  }
  void print(const Binary& node) {
    const int level = precedence(node.op);
    expr(*node.left, is_comparison(node.op) ? level + 1 : level);
    text += fmt::format(" {} ", spelling(node.op));
    expr(*node.right, level + 1);
  }
  void print(const Conditional& node) {
    expr(*node.condition, kLoosestBinary);
    text += " ? ";
    expr(*node.yes);
    text += " : ";
    expr(*node.no);
  }
  void print(const Call& node) {
    text += node.callee.text + "(";
    list(node.arguments, [&](const ExprPtr& argument) { expr(*argument); });
    text += ")";
  }
  void indices(const std::vector<IndexItem>& items) {
    text += "[";
    list(items, [&](const IndexItem& item) {
      if (item.unique) text += "unique ";
      expr(*item.value);
    });
    text += "]";
  }
  void print(const Index& node) {
    expr(*node.base, kPostfixPrecedence);
    indices(node.items);
  }
  void print(const Reindex& node) {
    expr(*node.base, kPostfixPrecedence);
    text += "[";
    list(node.bindings, [&](const AxisBinding& binding) {
      text += binding.axis.text + " = ";
      expr(*binding.position);
    });
    text += "]";
  }
  void print(const Otherwise& node) {
    expr(*node.access, kPostfixPrecedence);
    text += " else ";
    expr(*node.fallback, kUnaryPrecedence);
  }

  // -- Types --

  void type_ref(const TypeRef& type) {
    text += type.name.text;
    if (type.arguments.empty()) return;
    text += "(";
    list(type.arguments, [&](const ExprPtr& argument) { expr(*argument); });
    text += ")";
  }
  void dim(const Dim& dim) {
    switch (dim.kind) {
      case Dim::Kind::kName:
        text += dim.name;
        break;
      case Dim::Kind::kPack:
        text += dim.name + "...";
        break;
      case Dim::Kind::kLiteral:
        text += std::to_string(dim.literal);
        break;
      case Dim::Kind::kExtent:
        expr(*dim.extent);
        break;
      case Dim::Kind::kSplit:
        text += "(";
        list(dim.parts, [&](const Dim& part) { this->dim(part); });
        text += ")";
        break;
    }
  }
  void type(const TypeExpr& type) {
    type_ref(type.element);
    if (!type.shape) return;
    text += "[";
    list(*type.shape, [&](const Dim& one) { dim(one); });
    text += "]";
  }

  // -- Statements --

  void block(const Block& block) {
    if (block.statements.empty()) {
      text += "{}";
      return;
    }
    text += "{";
    ++indent_;
    for (const Stmt& statement : block.statements) {
      line();
      std::visit([&](const auto& node) { print(node); }, statement.node);
    }
    --indent_;
    line("}");
  }
  void axis(const AxisClause& axis) {
    text += axis.variable.text + " in ";
    expr(*axis.domain);
  }
  void print(const Parallel& node) {
    text += "parallel ";
    list(node.axes, [&](const AxisClause& one) {
      axis(one);
      if (one.by_one) text += " by 1";
    });
    text += " ";
    block(node.body);
  }
  void print(const For& node) {
    text += "for ";
    axis(node.axis);
    if (node.from) text += " from ", expr(*node.from);
    if (node.until) text += " until ", expr(*node.until);
    if (node.axis.by_one) text += " by 1";
    text += " ";
    block(node.body);
  }
  void print(const While& node) {
    text += "while ";
    expr(*node.condition);
    text += " ";
    block(node.body);
  }
  void print(const If& node) {
    text += "if ";
    expr(*node.condition);
    text += " ";
    block(node.then);
    if (!node.otherwise) return;
    text += " else ";
    const auto& statements = node.otherwise->statements;
    const If* only = statements.size() == 1 ? std::get_if<If>(&statements.front().node) : nullptr;
    if (only != nullptr) {
      print(*only);
    } else {
      block(*node.otherwise);
    }
  }
  void print(const Let& node) {
    text += "let " + node.name.text + " = ";
    expr(*node.value);
  }
  void print(const LetAxis& node) {
    text += "let " + node.variable.text + " in ";
    expr(*node.domain);
  }
  void print(const Var& node) {
    text += "var " + node.name.text;
    if (!node.axes.empty()) {
      text += "[";
      list(node.axes, [&](const Name& name) { text += name.text; });
      text += "]";
    }
    text += " = ";
    expr(*node.initial);
  }
  void print(const Assign& node) {
    text += node.target.text;
    if (!node.indices.empty()) indices(node.indices);
    text += fmt::format(" {} ", spelling(node.op));
    expr(*node.value);
  }
  void print(const Scratch& node) {
    text += "scratch " + node.name.text + ": ";
    type(node.type);
  }
  void print(const Assert& node) {
    text += "assert ";
    expr(*node.condition);
    if (!node.message.empty()) text += ", " + quote(node.message);
  }
  void print(const Print& node) {
    text += "print(";
    expr(*node.value);
    text += ")";
  }

  // -- Declarations --

  void param(const Param& param) {
    if (param.mode == ParamMode::kConst) text += "const ";
    if (param.mode == ParamMode::kInout) text += "inout ";
    text += param.name.text;
    if (param.type) text += ": ", type(*param.type);
    if (param.default_value) text += " = ", expr(*param.default_value);
  }
  void result(const Result& result) {
    text += result.name.text + ": ";
    type(result.type);
    if (result.start) text += " = ", expr(*result.start);
  }
  void where(const WhereClause& clause) {
    if (const auto* definition = std::get_if<WhereDefinition>(&clause.node)) {
      text += definition->name.text + " = ";
      expr(*definition->value);
    } else {
      expr(*std::get<WhereCondition>(clause.node).condition);
    }
  }
  void print(const Kernel& node) {
    text += "kernel " + node.name.text + "(";
    list(node.params, [&](const Param& one) { param(one); });
    text += ")";
    if (!node.results.empty()) {
      text += " -> (";
      list(node.results, [&](const Result& one) { result(one); });
      text += ")";
    }
    if (node.label) text += " : " + node.label->text;
    if (!node.where.empty()) {
      text += " where ";
      list(node.where, [&](const WhereClause& one) { where(one); });
    }
    if (const auto* expression = std::get_if<ExprPtr>(&node.body)) {
      text += " = ";
      expr(**expression);
    } else {
      text += " ";
      block(std::get<Block>(node.body));
    }
  }
  void print(const Function& node) {
    text += "fn " + node.name.text + "(";
    list(node.params, [&](const FnParam& one) {
      text += one.name.text;
      if (one.register_type) text += ": " + one.register_type->text;
    });
    text += ")";
    if (!node.block_form) {
      text += " = ";
      expr(*node.result);
      return;
    }
    text += " {";
    ++indent_;
    for (const Let& let : node.lets) {
      line();
      print(let);
    }
    line();
    expr(*node.result);
    --indent_;
    line("}");
  }
  void print(const Use& node) { text += "use " + quote(node.path); }

  // -- Formats and schedules --

  void extents(const std::vector<NamedExtent>& extents) {
    list(extents, [&](const NamedExtent& one) {
      text += one.name.text;
      if (one.value) text += ": ", expr(*one.value);
    });
  }
  void items(const std::vector<FormatItem>& items) {
    if (items.empty()) {
      text += "{}";
      return;
    }
    text += "{";
    ++indent_;
    for (const FormatItem& item : items) {
      line();
      std::visit([&](const auto& node) { print(node); }, item.node);
    }
    --indent_;
    line("}");
  }
  void print(const Format& node) {
    text += "format " + node.name.text;
    if (!node.params.empty()) text += "(", extents(node.params), text += ")";
    text += " ";
    items(node.items);
  }
  void print(const FormatBlock& node) {
    text += "block ";
    extents(node.axes);
  }
  void print(const FormatField& node) {
    text += node.name.text + ": ";
    type_ref(node.type);
    if (!node.shape.empty()) {
      text += "[";
      list(node.shape, [&](const ExprPtr& extent) { expr(*extent); });
      text += "]";
    }
    if (node.separate) text += " separate";
    if (node.separate_shape) text += "[", extents(*node.separate_shape), text += "]";
  }
  void print(const FormatValue& node) {
    text += "value = ";
    expr(*node.value);
  }
  void print(const FormatTable& node) {
    text += node.name.text + " = [";
    list(node.entries, [&](const ExprPtr& entry) { expr(*entry); });
    text += "]";
  }
  void print(const FormatPart& node) {
    text += "part ";
    items(node.items);
  }
  void print(const Schedule& node) {
    text += "schedule " + node.kernel.text + " on " + node.target.text + " {";
    ++indent_;
    for (const ScheduleEntry& entry : node.entries) {
      line();
      std::visit([&](const auto& one) { print(one); }, entry.node);
    }
    --indent_;
    if (!node.entries.empty()) line();
    text += "}";
  }
  void print(const ScheduleSizes& node) {
    text += node.loop.text + " =";
    for (std::size_t i = 0; i < node.sizes.size(); ++i) text += fmt::format("{} {}", i == 0 ? "" : " /", node.sizes[i]);
  }
  void print(const ScheduleDirective& node) {
    text += node.directive.text + " ";
    list(node.operands, [&](const Name& name) { text += name.text; });
  }

  std::size_t indent_ = 0;
};

}  // namespace

std::string print(const Module& module) {
  Printer printer;
  printer.module(module);
  return std::move(printer.text);
}

std::string print(const Expr& expr) {
  Printer printer;
  printer.expr(expr);
  return std::move(printer.text);
}

}  // namespace aurex::ax::syntax
