#include "aurex/schedule/loop_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <unordered_map>

#include "aurex/ax/lexer.h"
#include "aurex/schedule/loop_names.h"

namespace aurex::schedule {
namespace {

/// Unique names of one table: the bare name where nobody shares it, else name.number.
std::vector<std::string> unique_names(std::size_t count, const std::function<std::string(std::size_t)>& name) {
  std::map<std::string, int> uses;
  for (std::size_t i = 0; i < count; ++i) ++uses[name(i)];
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string bare = name(i);
    names.push_back(uses[bare] == 1 ? bare : fmt::format("{}.{}", bare, i));
  }
  return names;
}

class Printer {
 public:
  explicit Printer(const LoopProgram& program) : program_(program) {
    buffers_ = unique_names(program.buffers.size(), [&](std::size_t i) { return program.buffers[i].name; });
    registers_ = unique_names(program.registers.size(), [&](std::size_t i) { return program.registers[i].name; });
    vars_ = unique_names(program.vars.size(), [&](std::size_t i) { return program.vars[i]; });
    lets_ = unique_names(program.lets.size(), [&](std::size_t i) { return program.lets[i].name; });
  }

  std::string run() {
    line(fmt::format("grammar {}", kLoopGrammar));
    line(fmt::format("program {} on {} extents {} packs {} {{", program_.name, program_.target, program_.extent_count,
                     program_.pack_count));
    ++depth_;
    for (const ax::Scalar& s : program_.scalars) {
      line(fmt::format("scalar {}: {} @{}", s.name, ax::to_string(s.type), s.slot));
    }
    for (BufferId b = 0; b < program_.buffers.size(); ++b) print_buffer(b);
    for (RegId r = 0; r < program_.registers.size(); ++r) print_register(r);
    for (const Site& site : program_.sites) print_site(site);
    print_body(program_.body);
    --depth_;
    line("}");
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += std::string(static_cast<std::size_t>(2 * depth_), ' ') + text + "\n"; }

  // ---- tables ----

  void print_buffer(BufferId id) {
    const Buffer& b = program_.buffers[id];
    shared_.clear();
    std::string dims;
    for (std::size_t d = 0; d < b.extents.size(); ++d) {
      dims += (d ? ", " : "") + text(b.extents[d]) + " " + std::string(name_of(b.stride[d]));
      const bool given = b.kind != Buffer::Kind::kArgument && b.stride[d] == Buffer::Stride::kAny && !b.strides.empty();
      if (given) dims += "(" + text(b.strides[d]) + ")";
      if (b.kind == Buffer::Kind::kArgument) dims += fmt::format(" @{}", b.slots[d]);
    }
    std::string place = "shared";
    if (b.kind == Buffer::Kind::kArgument) place = fmt::format("argument {}", b.array);
    if (b.kind == Buffer::Kind::kWorker) place = fmt::format("worker align {}", b.align);
    line(fmt::format("buffer {}: {} {} [{}]", buffers_[id], aurex::to_string(b.dtype), place, dims));
  }

  void print_register(RegId id) {
    const Register& r = program_.registers[id];
    line(fmt::format("register {}: {} [{}] {}x{}", registers_[id], ax::to_string(r.type), fmt::join(r.shape, ", "),
                     r.lanes, r.vectors));
  }

  void print_site(const Site& site) {
    shared_.clear();
    std::string axes;
    for (const Site::Axis& axis : site.axes) {
      axes += (axes.empty() ? " over " : ", ") + axis.name + " in " + text(axis.extent);
    }
    line(fmt::format("site {}:{} {}{}", site.line, site.column, ax::quote(site.text), axes));
  }

  // ---- expressions ----

  const Expr& expr(ExprId id) const { return program_.exprs[id]; }

  static bool leaf(const Expr& e) {
    return e.kind != Expr::Kind::kOp && e.kind != Expr::Kind::kLoad && e.kind != Expr::Kind::kTree;
  }

  /// Names the parts that the statement's expressions use more than once.
  void define_shared(std::initializer_list<const std::vector<ExprId>*> roots) {
    std::unordered_map<ExprId, int> uses;
    for (const auto* list : roots) {
      for (const ExprId id : *list) count_uses(id, uses);
    }
    std::vector<ExprId> named;
    for (const auto& [id, count] : uses) {
      if (count > 1 && !leaf(expr(id))) named.push_back(id);
    }
    std::sort(named.begin(), named.end());
    shared_.clear();
    for (const ExprId id : named) {
      const std::string definition = text(id);
      const auto number = shared_.size();
      shared_[id] = number;
      line(fmt::format("#{} = {}", number, definition));
    }
  }

  void count_uses(ExprId id, std::unordered_map<ExprId, int>& uses) {
    if (id == kNone || ++uses[id] > 1) return;
    const Expr& e = expr(id);
    for (const ExprId arg : e.args) count_uses(arg, uses);
    count_uses(e.predicate, uses);
    count_uses(e.otherwise, uses);
  }

  std::string list(const std::vector<ExprId>& ids) {
    std::string out;
    for (const ExprId id : ids) out += (out.empty() ? "" : ", ") + text(id);
    return out;
  }

  std::string element(RegId id, const std::vector<ExprId>& indices) {
    return "$" + registers_[id] + (indices.empty() ? "" : "[" + list(indices) + "]");
  }

  std::string constant(const Expr& e) const {
    if (e.type == RegType::kBool) return e.integer ? "true" : "false";
    if (e.type == RegType::kI64) return fmt::format("{}", e.integer);
    if (!ax::is_float(e.type)) return fmt::format("{}:{}", e.integer, ax::to_string(e.type));
    if (std::isnan(e.number)) return fmt::format("nan:{}", ax::to_string(e.type));
    return fmt::format("{}:{}", e.number, ax::to_string(e.type));  // shortest text that reads back to the same double
  }

  std::string load(const Expr& e) {
    std::string out = buffers_[e.id] + "." + std::string(name_of(e.access)) + "[" + list(e.args);
    if (e.predicate != kNone) out += " | " + text(e.predicate);
    if (e.otherwise != kNone) out += " else " + text(e.otherwise);
    return out + "]";
  }

  std::string operation(const Expr& e) {
    if (const std::string_view infix = infix_of(e.op); !infix.empty()) {
      return fmt::format("({} {} {})", text(e.args[0]), infix, text(e.args[1]));
    }
    const bool typed = e.op == ax::Op::kCast || e.op == ax::Op::kBitcast;
    return fmt::format("{}{}({})", ax::to_string(e.op), typed ? fmt::format("<{}>", ax::to_string(e.type)) : "",
                       list(e.args));
  }

  std::string text(ExprId id) {
    if (const auto found = shared_.find(id); found != shared_.end()) return fmt::format("#{}", found->second);
    const Expr& e = expr(id);
    switch (e.kind) {
      case Expr::Kind::kConst:
        return constant(e);
      case Expr::Kind::kScalar:
        return "@" + program_.scalars[e.id].name;
      case Expr::Kind::kExtent:
        return fmt::format("extent({})", e.id);
      case Expr::Kind::kVar:
        return vars_[e.id];
      case Expr::Kind::kLet:
        return "%" + lets_[e.id];
      case Expr::Kind::kReg:
        return element(e.id, e.args);
      case Expr::Kind::kTree:
        return fmt::format("tree.{}({})", ax::to_string(e.reduction), element(e.id, e.args));
      case Expr::Kind::kLoad:
        return load(e);
      case Expr::Kind::kOp:
        break;
    }
    return operation(e);
  }

  bool is_true(ExprId id) const { return expr(id).kind == Expr::Kind::kConst && expr(id).integer != 0; }

  std::string stream(ExprId wanted) {
    return wanted == kNone ? "" : " stream" + condition(is_true(wanted) ? kNone : wanted);
  }

  std::string condition(ExprId predicate) { return predicate == kNone ? "" : " if " + text(predicate); }

  // ---- statements ----

  void print_body(const Body& body) {
    for (const Stmt& stmt : body) {
      std::visit([this](const auto& node) { print_stmt(node); }, stmt.node);
    }
  }

  void nested(const std::string& head, const Body& body, const std::string& foot = "}") {
    line(head + " {");
    ++depth_;
    print_body(body);
    --depth_;
    line(foot);
  }

  void print_stmt(const Loop& loop) {
    const std::vector<ExprId> roots = {loop.lo, loop.hi, loop.step};
    define_shared({&roots});
    const std::string range = fmt::format("in {} .. {}", text(loop.lo), text(loop.hi));
    const std::string& var = vars_[loop.var];
    switch (loop.kind) {
      case Loop::Kind::kVector:
        return nested(fmt::format("vector {} {} by {}x{} {}", var, range, loop.lanes, loop.vectors, name_of(loop.tail)),
                      loop.body);
      case Loop::Kind::kOdometer:
        return nested(fmt::format("odometer {} of {} {}", var, loop.pack, range), loop.body);
      case Loop::Kind::kSerial:
      case Loop::Kind::kUnroll:
        break;
    }
    nested(fmt::format("{} {} {}{}", loop.kind == Loop::Kind::kUnroll ? "unroll" : "for", var, range,
                       loop.step == kNone ? "" : " by " + text(loop.step)),
           loop.body);
  }

  void print_stmt(const Let& let) {
    const std::vector<ExprId> roots = {let.value};
    define_shared({&roots});
    line(fmt::format("let %{}: {} = {}", lets_[let.let], ax::to_string(program_.lets[let.let].type), text(let.value)));
  }

  void print_stmt(const Declare& declare) {
    const std::vector<ExprId> roots = {declare.value};
    define_shared({&roots});
    line(fmt::format("start ${} = {}", registers_[declare.reg], text(declare.value)));
  }

  void print_stmt(const Set& set) {
    const std::vector<ExprId> roots = {set.value, set.predicate};
    define_shared({&set.indices, &roots});
    line(fmt::format("set {} = {}{}", element(set.reg, set.indices), text(set.value), condition(set.predicate)));
  }

  void print_stmt(const Store& store) {
    const std::vector<ExprId> roots = {store.value, store.predicate, store.stream};
    define_shared({&store.indices, &roots});
    line(fmt::format("store {}.{}[{}] {} {}{}{}", buffers_[store.buffer], name_of(store.access), list(store.indices),
                     name_of(store.update), text(store.value), condition(store.predicate), stream(store.stream)));
  }

  void print_stmt(const TransposedStore& store) {
    const std::vector<ExprId> roots = {store.count, store.stream};
    define_shared({&store.indices, &roots});
    line(fmt::format("transpose {}[{}] along {} = ${}{}{}{}", buffers_[store.buffer], list(store.indices),
                     store.dimension, registers_[store.reg], store.count == kNone ? "" : " count " + text(store.count),
                     store.whole ? " whole" : "", stream(store.stream)));
  }

  void print_stmt(const If& branch) {
    const std::vector<ExprId> roots = {branch.condition};
    define_shared({&roots});
    nested("if " + text(branch.condition), branch.then_body, "} else {");
    ++depth_;
    print_body(branch.else_body);
    --depth_;
    line("}");
  }

  void print_stmt(const While& loop) {
    const std::vector<ExprId> roots = {loop.condition};
    define_shared({&roots});
    nested("while " + text(loop.condition), loop.body);
  }

  void print_stmt(const Check& check) {
    const std::vector<ExprId> roots = {check.ok, check.position, check.value, check.bound, check.predicate};
    define_shared({&roots});
    line(fmt::format("check {} site {} {} at {} value {} bound {}{}", check.fault, check.site, text(check.ok),
                     text(check.position), text(check.value), text(check.bound), condition(check.predicate)));
  }

  void print_stmt(const Print& print) {
    const std::vector<ExprId> roots = {print.value, print.position, print.predicate};
    define_shared({&roots});
    line(fmt::format("print site {} {} at {}{}", print.site, text(print.value), text(print.position),
                     condition(print.predicate)));
  }

  void print_stmt(const Prefetch& prefetch) {
    define_shared({&prefetch.indices});
    line(fmt::format("prefetch {} [{}]", buffers_[prefetch.buffer], list(prefetch.indices)));
  }

  void print_stmt(const Launch& launch) {
    std::vector<ExprId> roots = {launch.nanoseconds};
    for (const Launch::TileAxis& axis : launch.tiles) roots.insert(roots.end(), {axis.extent, axis.step});
    define_shared({&roots});
    std::string head = "launch " + launch.name;
    for (const Launch::TileAxis& axis : launch.tiles) {
      head += fmt::format(" tile {} in {} by {}", vars_[axis.var], text(axis.extent), text(axis.step));
    }
    std::string scratch;
    for (const BufferId buffer : launch.scratch) scratch += (scratch.empty() ? "" : " ") + buffers_[buffer];
    nested(fmt::format("{} scratch [{}] costs {}", head, scratch, text(launch.nanoseconds)), launch.body);
  }

  const LoopProgram& program_;
  std::vector<std::string> buffers_, registers_, vars_, lets_;
  std::unordered_map<ExprId, std::size_t> shared_;
  std::string out_;
  int depth_ = 0;
};

}  // namespace

std::string print(const LoopProgram& program) { return Printer(program).run(); }

}  // namespace aurex::schedule
