#include "aurex/ax/tile_printer.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <type_traits>

#include "aurex/ax/lexer.h"

namespace aurex::ax {
namespace {

constexpr const char* kUpdates[] = {"=", "+=", "-=", "*=", "/=", "max=", "min="};
constexpr const char* kRoles[] = {"input", "inout", "result", "scratch"};

std::string id(ValueId value) { return value == kNone ? "-" : fmt::format("%{}", value); }
std::string number_or_dash(std::uint32_t value) { return value == kNone ? "-" : std::to_string(value); }

std::string axis_set(AxisSet axes) {
  std::string text = "[";
  for (AxisId axis = 0; axis < kMaxAxes; ++axis) {
    if ((axes & axis_bit(axis)) != 0) text += fmt::format("{}{}", text.size() > 1 ? " " : "", axis);
  }
  return text + "]";
}

std::string axis_list(const std::vector<AxisId>& axes) {
  std::string text = "[";
  for (const AxisId axis : axes) text += fmt::format("{}{}", text.size() > 1 ? " " : "", axis);
  return text + "]";
}

/// NaN is the only one there is; infinities and all digits that matter for the others.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{:a}", value);
}

class Printer {
 public:
  explicit Printer(const TileProgram& program) : program_(program) {}

  std::string run() {
    line("tile {} kernel {} {}{} packs {}", kTileVersion, program_.name, quote(program_.label),
         program_.broadcast ? " broadcast" : "", program_.pack_count);
    tables();
    for (const Load& load : program_.loads) {
      line("load {} {} else {}", load.array, indices(load.indices), id(load.otherwise));
    }
    for (std::size_t i = 0; i < program_.values.size(); ++i) value(i);
    for (const ExtentCheck& check : program_.checks) line("check {} {}", id(check.condition), quote(check.text));
    for (const Call& call : program_.calls) line("call {} ({}) {}", call.function, ids(call.args), id(call.result));
    line("body");
    body(program_.body);
    line("end");
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(static_cast<std::size_t>(indent_) * 2, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  static std::string ids(const std::vector<ValueId>& values) {
    std::string text;
    for (const ValueId value : values) text += (text.empty() ? "" : " ") + id(value);
    return text;
  }

  static std::string indices(const std::vector<Index>& indices) {
    std::string text = "[";
    for (const Index& index : indices) {
      if (text.size() > 1) text += ' ';
      text += index.kind == Index::Kind::kAxis ? fmt::format("axis:{}", index.axis) : id(index.value);
      if (index.proved) text += '!';
    }
    return text + "]";
  }

  void tables() {
    for (const Dim& dim : program_.dims) {
      line("dim {} literal {} defined {} pack {}", quote(dim.name), dim.literal ? std::to_string(*dim.literal) : "-",
           id(dim.defined_by), number_or_dash(dim.pack));
    }
    for (const Axis& axis : program_.axes) {
      line("axis {} extent {} dim {}{}{}", quote(axis.name), id(axis.extent), number_or_dash(axis.dim),
           axis.unit ? " unit" : "", axis.whole ? " whole" : "");
    }
    for (const Array& array : program_.arrays) {
      std::string dims;
      for (const ArrayDim& dim : array.dims)
        dims += fmt::format("{}{}:{}", dims.empty() ? "" : " ", dim.dim, dim.argument_axis);
      line("array {} {} {}{} {} [{}]{} start {}{}", quote(array.name), kRoles[static_cast<int>(array.role)],
           to_string(array.storage.dtype),
           array.storage.format == kNone ? "" : fmt::format(" format {}", array.storage.format), to_string(array.type),
           dims, array.scratch_axes.empty() ? "" : " axes " + axis_list(array.scratch_axes), id(array.start),
           array.in_place ? " in_place" : "");
    }
    for (const Scalar& scalar : program_.scalars)
      line("scalar {} {} slot {}", quote(scalar.name), to_string(scalar.type), scalar.slot);
    for (const Var& var : program_.vars) line("var {} {} {}", quote(var.name), to_string(var.type), axis_set(var.axes));
  }

  void value(std::size_t index) {
    const Value& v = program_.values[index];
    std::string extra;
    if (v.op == Op::kConst) extra += " " + (is_float(v.type) ? float_text(v.number) : std::to_string(v.integer));
    if (v.id != kNone) extra += fmt::format(" id={}", v.id);
    if (v.op == Op::kReduce || v.op == Op::kScan) extra += fmt::format(" {}", to_string(v.reduction));
    if (v.over != 0) extra += " over=" + axis_set(v.over);
    line("%{} = {} {} {}{} ({})", index, to_string(v.op), to_string(v.type), axis_set(v.axes), extra, ids(v.args));
  }

  void block(const Body& statements) {
    ++indent_;
    body(statements);
    --indent_;
    line("end");
  }

  void body(const Body& statements) {
    for (const Stmt& stmt : statements) {
      std::visit([&](const auto& node) { statement(node); }, stmt.node);
    }
  }

  void statement(const Parallel& node) {
    line("parallel {}", axis_list(node.axes));
    block(node.body);
  }
  void statement(const For& node) {
    line("for {} from {} until {}", node.axis, id(node.lo), id(node.hi));
    block(node.body);
  }
  void statement(const While& node) {
    line("while {}", id(node.condition));
    block(node.body);
  }
  void statement(const If& node) {
    line("if {}", id(node.condition));
    ++indent_;
    body(node.then_body);
    --indent_;
    line("else");
    block(node.else_body);
  }
  void statement(const Let& node) { line("let {} {}", quote(node.name), id(node.value)); }
  void statement(const Declare& node) { line("declare {} {}", node.var, id(node.value)); }
  void statement(const Assign& node) {
    line("assign {} {} {}", node.var, kUpdates[static_cast<int>(node.update)], id(node.value));
  }
  void statement(const Store& node) {
    line("store {} {} {} {}{}{}", node.array, indices(node.indices), kUpdates[static_cast<int>(node.update)],
         id(node.value), node.unique ? " unique" : "", node.scatter ? " scatter" : "");
  }
  void statement(const Assert& node) { line("assert {} {}", id(node.condition), quote(node.text)); }
  void statement(const Print& node) { line("print {}", id(node.value)); }

  const TileProgram& program_;
  std::string out_;
  int indent_ = 0;
};

}  // namespace

std::string print(const TileProgram& program) { return Printer(program).run(); }

}  // namespace aurex::ax
