// The tree with every node on a line of its own, children indented under it. Names of nodes are those of syntax.h in
// lower case; nothing that the tree holds is left out but the places.

#include <fmt/format.h>

#include "aurex/ax/lexer.h"
#include "aurex/ax/syntax_printer.h"

namespace aurex::ax::syntax {

namespace {

class Dumper {
 public:
  std::string text;

  void dump(const Declaration& declaration) {
    std::visit([&](const auto& node) { dump(node); }, declaration.node);
  }

 private:
  /// Writes a line, and whatever `children` writes one level deeper.
  template <typename Children>
  void node(std::string_view head, Children&& children) {
    text.append(2 * indent_, ' ');
    text += head;
    text += '\n';
    ++indent_;
    children();
    --indent_;
  }
  void leaf(std::string_view head) {
    node(head, [] {});
  }

  // -- Expressions --

  void dump(const ExprPtr& expr) {
    std::visit([&](const auto& node) { dump(node); }, expr->node);
  }
  void maybe(std::string_view role, const ExprPtr& expr) {
    if (expr) node(role, [&] { dump(expr); });
  }
  void dump(const IntLiteral& literal) {
    leaf(fmt::format("int {}{}", literal.value, literal.hexadecimal ? " hex" : ""));
  }
  void dump(const FloatLiteral& literal) { leaf(fmt::format("float {:a}", literal.value)); }
  void dump(const BoolLiteral& literal) { leaf(fmt::format("bool {}", literal.value)); }
  void dump(const NameExpr& name) { leaf("name " + name.name); }
  void dump(const TargetFeature& target) { leaf("target " + target.feature.text); }
  void dump(const Unary& unary) {
    node(fmt::format("unary {}", spelling(unary.op)), [&] { dump(unary.operand); });
  }
  void dump(const Binary& binary) {
    node(fmt::format("binary {}", spelling(binary.op)), [&] { dump(binary.left), dump(binary.right); });
  }
  void dump(const Conditional& conditional) {
    node("conditional", [&] { dump(conditional.condition), dump(conditional.yes), dump(conditional.no); });
  }
  void dump(const Call& call) {
    node("call " + call.callee.text, [&] { dump(call.arguments); });
  }
  void dump(const std::vector<ExprPtr>& list) {
    for (const ExprPtr& expr : list) dump(expr);
  }
  void dump(const std::vector<IndexItem>& items) {
    for (const IndexItem& item : items) node(item.unique ? "at unique" : "at", [&] { dump(item.value); });
  }
  void dump(const Index& index) {
    node("index", [&] { dump(index.base), dump(index.items); });
  }
  void dump(const Reindex& reindex) {
    node("reindex", [&] {
      dump(reindex.base);
      for (const auto& binding : reindex.bindings) maybe("at " + binding.axis.text, binding.position);
    });
  }
  void dump(const Otherwise& otherwise) {
    node("otherwise", [&] { dump(otherwise.access), dump(otherwise.fallback); });
  }

  // -- Types --

  void dump(const TypeRef& type) {
    node("type " + type.name.text, [&] { dump(type.arguments); });
  }
  void dump(const Dim& dim) {
    switch (dim.kind) {
      case Dim::Kind::kName:
        return leaf("dim " + dim.name);
      case Dim::Kind::kPack:
        return leaf("pack " + dim.name);
      case Dim::Kind::kLiteral:
        return leaf(fmt::format("dim {}", dim.literal));
      case Dim::Kind::kExtent:
        return maybe("extent", dim.extent);
      case Dim::Kind::kSplit:
        return node("split", [&] {
          for (const Dim& part : dim.parts) dump(part);
        });
    }
  }
  void dump(const TypeExpr& type) {
    dump(type.element);
    if (!type.shape) return;
    node("shape", [&] {
      for (const Dim& dim : *type.shape) dump(dim);
    });
  }

  // -- Statements --

  void dump(std::string_view role, const Block& block) {
    node(role, [&] {
      for (const Stmt& statement : block.statements) std::visit([&](const auto& one) { dump(one); }, statement.node);
    });
  }
  void dump(const AxisClause& axis) {
    maybe(fmt::format("axis {}{}", axis.variable.text, axis.by_one ? " by 1" : ""), axis.domain);
  }
  void dump(const Parallel& parallel) {
    node("parallel", [&] {
      for (const AxisClause& axis : parallel.axes) dump(axis);
      dump("body", parallel.body);
    });
  }
  void dump(const For& loop) {
    node("for", [&] {
      dump(loop.axis);
      maybe("from", loop.from);
      maybe("until", loop.until);
      dump("body", loop.body);
    });
  }
  void dump(const While& loop) {
    node("while", [&] { dump(loop.condition), dump("body", loop.body); });
  }
  void dump(const If& branch) {
    node("if", [&] {
      dump(branch.condition);
      dump("then", branch.then);
      if (branch.otherwise) dump("else", *branch.otherwise);
    });
  }
  void dump(const Let& let) { maybe("let " + let.name.text, let.value); }
  void dump(const LetAxis& let) { maybe("let axis " + let.variable.text, let.domain); }
  void dump(const Var& var) {
    node("var " + var.name.text, [&] {
      for (const Name& axis : var.axes) leaf("axis " + axis.text);
      dump(var.initial);
    });
  }
  void dump(const Assign& assign) {
    node(fmt::format("assign {} {}", assign.target.text, spelling(assign.op)),
         [&] { dump(assign.indices), dump(assign.value); });
  }
  void dump(const Scratch& scratch) {
    node("scratch " + scratch.name.text, [&] { dump(scratch.type); });
  }
  void dump(const Assert& assertion) { maybe("assert " + quote(assertion.message), assertion.condition); }
  void dump(const Print& print) { maybe("print", print.value); }

  // -- Declarations --

  void dump(const Param& param) {
    constexpr std::string_view kModes[] = {"param", "param const", "param inout"};
    node(fmt::format("{} {}", kModes[static_cast<std::size_t>(param.mode)], param.name.text), [&] {
      if (param.type) dump(*param.type);
      maybe("default", param.default_value);
    });
  }
  void dump(const Kernel& kernel) {
    node("kernel " + kernel.name.text, [&] {
      for (const Param& param : kernel.params) dump(param);
      for (const Result& result : kernel.results) {
        node("result " + result.name.text, [&] { dump(result.type), maybe("start", result.start); });
      }
      if (kernel.label) leaf("label " + kernel.label->text);
      for (const WhereClause& clause : kernel.where) std::visit([&](const auto& one) { dump(one); }, clause.node);
      if (kernel.is_expression()) {
        maybe("expression", std::get<ExprPtr>(kernel.body));
      } else {
        dump("body", std::get<Block>(kernel.body));
      }
    });
  }
  void dump(const WhereDefinition& definition) { maybe("where " + definition.name.text, definition.value); }
  void dump(const WhereCondition& condition) { maybe("where", condition.condition); }
  void dump(const Function& function) {
    node(fmt::format("fn {}{}", function.name.text, function.block_form ? " block" : ""), [&] {
      for (const FnParam& param : function.params) {
        leaf(fmt::format("param {}{}", param.name.text, param.register_type ? ": " + param.register_type->text : ""));
      }
      for (const Let& let : function.lets) dump(let);
      dump(function.result);
    });
  }
  void dump(const Use& use) { leaf("use " + quote(use.path)); }

  // -- Formats and schedules --

  void dump(std::string_view role, const std::vector<NamedExtent>& extents) {
    for (const NamedExtent& one : extents) {
      node(fmt::format("{} {}", role, one.name.text), [&] {
        if (one.value) dump(one.value);
      });
    }
  }
  void dump(const std::vector<FormatItem>& items) {
    for (const FormatItem& item : items) std::visit([&](const auto& one) { dump(one); }, item.node);
  }
  void dump(const Format& format) {
    node("format " + format.name.text, [&] { dump("param", format.params), dump(format.items); });
  }
  void dump(const FormatBlock& block) {
    node("block", [&] { dump("axis", block.axes); });
  }
  void dump(const FormatField& field) {
    node("field " + field.name.text, [&] {
      dump(field.type);
      if (!field.shape.empty()) node("shape", [&] { dump(field.shape); });
      if (field.separate) leaf("separate");
      if (field.separate_shape) node("per", [&] { dump("extent", *field.separate_shape); });
    });
  }
  void dump(const FormatValue& value) { maybe("value", value.value); }
  void dump(const FormatTable& table) {
    node("table " + table.name.text, [&] { dump(table.entries); });
  }
  void dump(const FormatPart& part) {
    node("part", [&] { dump(part.items); });
  }
  void dump(const Schedule& schedule) {
    node(fmt::format("schedule {} on {}", schedule.kernel.text, schedule.target.text), [&] {
      for (const ScheduleEntry& entry : schedule.entries) std::visit([&](const auto& one) { dump(one); }, entry.node);
    });
  }
  void dump(const ScheduleSizes& sizes) {
    leaf(fmt::format("sizes {} {}", sizes.loop.text, fmt::join(sizes.sizes, " ")));
  }
  void dump(const ScheduleDirective& directive) {
    node("directive " + directive.directive.text, [&] {
      for (const Name& operand : directive.operands) leaf("name " + operand.text);
    });
  }

  std::size_t indent_ = 0;
};

}  // namespace

std::string dump(const Module& module) {
  Dumper dumper;
  for (const Declaration& declaration : module.declarations) dumper.dump(declaration);
  return std::move(dumper.text);
}

}  // namespace aurex::ax::syntax
