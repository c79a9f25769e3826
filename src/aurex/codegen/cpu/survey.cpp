#include "aurex/codegen/cpu/survey.h"

#include <algorithm>
#include <functional>

#include "aurex/base/kernel_abi.h"

namespace aurex::codegen {

using namespace schedule;

namespace {

/// Calls `on_statement` for every statement of a body, outer before inner, and `on_expression` for every expression
/// that a statement names itself.
class Walk {
 public:
  std::function<void(const Stmt&)> on_statement = [](const Stmt&) {};
  std::function<void(ExprId)> on_expression = [](ExprId) {};

  void body(const Body& statements) {
    for (const Stmt& stmt : statements) {
      on_statement(stmt);
      std::visit([this](const auto& node) { visit(node); }, stmt.node);
    }
  }

  void visit(const Launch& launch) {
    for (const Launch::TileAxis& axis : launch.tiles) {
      expression(axis.extent);
      expression(axis.step);
    }
    expression(launch.nanoseconds);
    body(launch.body);
  }

 private:
  void expression(ExprId id) const {
    if (id != kNone) on_expression(id);
  }
  void visit(const Loop& loop) {
    expression(loop.lo);
    expression(loop.hi);
    expression(loop.step);
    body(loop.body);
  }
  void visit(const Let& let) { expression(let.value); }
  void visit(const Declare& declare) { expression(declare.value); }
  void visit(const Set& set) {
    for (const ExprId id : set.indices) expression(id);
    expression(set.value);
    expression(set.predicate);
  }
  void visit(const Store& store) {
    for (const ExprId id : store.indices) expression(id);
    expression(store.value);
    expression(store.predicate);
    expression(store.stream);
  }
  void visit(const TransposedStore& store) {
    for (const ExprId id : store.indices) expression(id);
    expression(store.count);
    expression(store.stream);
  }
  void visit(const If& branch) {
    expression(branch.condition);
    body(branch.then_body);
    body(branch.else_body);
  }
  void visit(const While& loop) {
    expression(loop.condition);
    body(loop.body);
  }
  void visit(const Check& check) {
    for (const ExprId id : {check.ok, check.position, check.value, check.bound, check.predicate}) expression(id);
  }
  void visit(const Print& print) {
    for (const ExprId id : {print.value, print.position, print.predicate}) expression(id);
  }
  void visit(const Prefetch& prefetch) {
    for (const ExprId id : prefetch.indices) expression(id);
  }
};

/// Calls `visit` once for each expression reachable from the ones it is given.
class Reach {
 public:
  Reach(const LoopProgram& program, std::function<void(ExprId, const Expr&)> visit)
      : program_(program), visit_(std::move(visit)), seen_(program.exprs.size(), false) {}

  void from(ExprId id) {
    if (id == kNone || seen_[id]) return;
    seen_[id] = true;
    const Expr& e = program_.exprs[id];
    visit_(id, e);
    for (const ExprId arg : e.args) from(arg);
    from(e.predicate);
    from(e.otherwise);
    // The size and strides of a scratch buffer, and where it lies.
    if (e.kind == Expr::Kind::kLoad) from_buffer(e.id);
  }

  void from_buffer(BufferId id) {
    const Buffer& buffer = program_.buffers[id];
    if (buffer.kind == Buffer::Kind::kArgument) return;
    for (const ExprId extent : buffer.extents) from(extent);
    for (const ExprId stride : buffer.strides) from(stride);
  }

 private:
  const LoopProgram& program_;
  std::function<void(ExprId, const Expr&)> visit_;
  std::vector<bool> seen_;
};

bool follows_from_frame(const LoopProgram& program, const std::vector<ExprId>& let_values, ExprId id,
                        std::vector<std::int8_t>& known) {
  if (known[id] >= 0) return known[id] != 0;
  known[id] = 0;
  const Expr& e = program.exprs[id];
  bool result = false;
  switch (e.kind) {
    case Expr::Kind::kConst:
    case Expr::Kind::kScalar:
    case Expr::Kind::kExtent:
      result = true;
      break;
    case Expr::Kind::kLet:
      result = let_values[e.id] != kNone && follows_from_frame(program, let_values, let_values[e.id], known);
      break;
    case Expr::Kind::kOp:
      result =
          std::ranges::all_of(e.args, [&](ExprId arg) { return follows_from_frame(program, let_values, arg, known); });
      break;
    default:
      break;
  }
  known[id] = result ? 1 : 0;
  return result;
}

}  // namespace

Survey survey(const LoopProgram& program) {
  Survey result;
  result.let_values.assign(program.lets.size(), kNone);
  Walk walk;
  walk.on_statement = [&](const Stmt& stmt) {
    if (const auto* let = std::get_if<Let>(&stmt.node)) result.let_values[let->let] = let->value;
    if (const auto* launch = std::get_if<Launch>(&stmt.node)) result.launches.push_back(launch);
  };
  walk.body(program.body);

  std::vector<std::int8_t> known(program.exprs.size(), -1);
  for (ExprId id = 0; id < program.exprs.size(); ++id) {
    result.from_frame.push_back(follows_from_frame(program, result.let_values, id, known));
  }
  std::uint32_t slots = 0;
  for (const Launch* launch : result.launches) {
    const FreeNames names = free_names(program, *launch);
    for (const LetId let : names.lets) {
      if (!result.from_frame[result.let_values[let]] && result.captured_lets.emplace(let, slots).second) ++slots;
    }
    for (const VarId var : names.vars) {
      if (result.captured_vars.emplace(var, slots).second) ++slots;
    }
  }
  return result;
}

std::uint32_t launch_flags(const Launch& launch) {
  std::uint32_t flags = launch.scratch.empty() ? 0 : kAurexLaunchScratch;
  Walk walk;
  walk.on_statement = [&](const Stmt& stmt) {
    if (std::holds_alternative<Check>(stmt.node)) flags |= kAurexLaunchFaults;
    if (std::holds_alternative<Print>(stmt.node)) flags |= kAurexLaunchPrints;
  };
  walk.body(launch.body);
  return flags;
}

std::vector<RegId> registers_set(const Body& body) {
  std::set<RegId> found;
  Walk walk;
  walk.on_statement = [&](const Stmt& stmt) {
    if (const auto* set = std::get_if<Set>(&stmt.node)) found.insert(set->reg);
  };
  walk.body(body);
  return {found.begin(), found.end()};
}

FreeNames free_names(const LoopProgram& program, const Launch& launch) {
  FreeNames used;
  std::set<LetId> own_lets;
  std::set<VarId> own_vars;
  for (const Launch::TileAxis& axis : launch.tiles) own_vars.insert(axis.var);
  Reach reach(program, [&](ExprId, const Expr& e) {
    if (e.kind == Expr::Kind::kLet) used.lets.insert(e.id);
    if (e.kind == Expr::Kind::kVar) used.vars.insert(e.id);
  });
  Walk walk;
  walk.on_statement = [&](const Stmt& stmt) {
    if (const auto* let = std::get_if<Let>(&stmt.node)) own_lets.insert(let->let);
    if (const auto* loop = std::get_if<Loop>(&stmt.node)) own_vars.insert(loop->var);
    if (const auto* store = std::get_if<Store>(&stmt.node)) reach.from_buffer(store->buffer);
    if (const auto* store = std::get_if<TransposedStore>(&stmt.node)) reach.from_buffer(store->buffer);
  };
  walk.on_expression = [&](ExprId id) { reach.from(id); };
  walk.visit(launch);
  for (const BufferId buffer : launch.scratch) reach.from_buffer(buffer);
  // Every shared buffer lies behind those before it, so their sizes count too.
  for (BufferId id = 0; id < program.buffers.size(); ++id) {
    if (program.buffers[id].kind == Buffer::Kind::kShared) reach.from_buffer(id);
  }
  std::erase_if(used.lets, [&](LetId let) { return own_lets.contains(let); });
  std::erase_if(used.vars, [&](VarId var) { return own_vars.contains(var); });
  return used;
}

std::vector<std::pair<BufferId, std::size_t>> pack_uses(const LoopProgram& program, const Body& body, VarId var) {
  std::set<std::pair<BufferId, std::size_t>> found;
  const auto note = [&](BufferId id, std::span<const ExprId> indices) {
    const Buffer& buffer = program.buffers[id];
    if (buffer.kind != Buffer::Kind::kArgument) return;
    for (std::size_t d = 0; d < indices.size(); ++d) {
      const Expr& index = program.exprs[indices[d]];
      const bool is_var = index.kind == Expr::Kind::kVar && index.id == var;
      if (is_var && buffer.stride[d] == Buffer::Stride::kPack) found.emplace(id, d);
    }
  };
  Reach reach(program, [&](ExprId, const Expr& e) {
    if (e.kind == Expr::Kind::kLoad) note(e.id, e.args);
  });
  Walk walk;
  walk.on_statement = [&](const Stmt& stmt) {
    if (const auto* store = std::get_if<Store>(&stmt.node)) note(store->buffer, store->indices);
    if (const auto* store = std::get_if<TransposedStore>(&stmt.node)) note(store->buffer, store->indices);
    if (const auto* prefetch = std::get_if<Prefetch>(&stmt.node)) note(prefetch->buffer, prefetch->indices);
  };
  walk.on_expression = [&](ExprId id) { reach.from(id); };
  walk.body(body);
  return {found.begin(), found.end()};
}

}  // namespace aurex::codegen
