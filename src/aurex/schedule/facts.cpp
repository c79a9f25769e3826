#include "aurex/schedule/facts.h"

#include <algorithm>
#include <bit>

namespace aurex::schedule {
namespace {

using ax::AxisSet;
using ax::Op;
using ax::ValueId;

/// Rough cost of one operation in vector instructions; only ratios matter.
std::int32_t op_cost(const ax::Value& value) {
  switch (value.op) {
    case Op::kConst:
    case Op::kScalar:
    case Op::kExtent:
    case Op::kVar:
      return 0;
    case Op::kDiv:
    case Op::kSqrt:
      return 5;
    case Op::kFloorDiv:
    case Op::kMod:
      return 10;
    case Op::kRandom:
      return 40;
    default:
      return 1;
  }
}

void add_indices(const std::vector<ax::Index>& indices, std::vector<ValueId>& out) {
  for (const ax::Index& index : indices) {
    if (index.kind == ax::Index::Kind::kComputed) out.push_back(index.value);
  }
}

class Gatherer {
 public:
  explicit Gatherer(const ax::TileProgram& program) : program_(program) {}

  ProgramFacts run() {
    facts_.written.assign(program_.arrays.size(), false);
    for_each_stmt(program_.body, [&](const ax::Stmt& stmt) {
      if (const auto* store = std::get_if<ax::Store>(&stmt.node)) facts_.written[store->array] = true;
    });
    facts_.values.resize(program_.values.size());
    for (ValueId v = 0; v < program_.values.size(); ++v) facts_.values[v] = of(program_.values[v]);
    for_each_stmt(program_.body, [&](const ax::Stmt& stmt) {
      for (const ValueId v : operands(stmt)) ++facts_.values[v].users;
    });
    return std::move(facts_);
  }

 private:
  ValueFacts of(const ax::Value& value) {
    ValueFacts f;
    f.cost = op_cost(value);
    f.scalar = value.op != Op::kVar && value.op != Op::kPosition && value.op != Op::kRandom;
    for (const ValueId arg : value.args) join(f, arg);
    switch (value.op) {
      case Op::kPosition:
        f.deps |= ax::axis_bit(value.id);
        break;
      case Op::kVar:
        f.deps |= program_.vars[value.id].axes;
        f.changing = true;
        break;
      case Op::kRandom:
        f.deps |= value.axes;
        break;
      case Op::kLoad:
        join_load(f, program_.loads[value.id]);
        break;
      case Op::kReduce:
        // A `for` walks its axis, so what is reduced over it still belongs inside the loop.
        for (const ax::AxisId axis : axes_of(value.over)) {
          if (program_.axes[axis].whole) f.deps &= ~ax::axis_bit(axis);
        }
        f.scalar = false;
        f.cost = 1;
        break;
      case Op::kScan:
      case Op::kArgsort:
        f.scalar = false;
        f.cost = 1;
        break;
      case Op::kReindex:
        f.deps = (facts_.values[value.args[0]].deps & ~ax::axis_bit(value.id)) | facts_.values[value.args[1]].deps;
        if (value.args.size() > 2) f.deps |= facts_.values[value.args[2]].deps;
        f.scalar = false;
        f.checked = f.checked || value.args.size() < 3;
        f.cost = 1;
        break;
      default:
        break;
    }
    if (f.scalar) f.cost = 0;  // once per launch
    return f;
  }

  void join(ValueFacts& f, ValueId arg) {
    ValueFacts& a = facts_.values[arg];
    ++a.users;
    f.deps |= a.deps;
    f.changing = f.changing || a.changing;
    f.memory = f.memory || a.memory;
    f.checked = f.checked || a.checked;
    f.scalar = f.scalar && a.scalar;
    f.cost = std::min(f.cost + a.cost, kMaxCost);
  }

  void join_load(ValueFacts& f, const ax::Load& load) {
    f.scalar = false;
    f.memory = true;
    f.changing = f.changing || facts_.written[load.array];
    for (const ax::Index& index : load.indices) {
      if (index.kind == ax::Index::Kind::kAxis) {
        f.deps |= ax::axis_bit(index.axis);
      } else {
        join(f, index.value);
        f.checked = f.checked || (!index.proved && load.otherwise == ax::kNone);
      }
    }
    if (load.otherwise != ax::kNone) join(f, load.otherwise);
    f.scalar = false;
  }

  const ax::TileProgram& program_;
  ProgramFacts facts_;
};

}  // namespace

std::vector<ValueId> operands(const ax::Stmt& stmt) {
  std::vector<ValueId> out;
  std::visit(
      [&](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, ax::For>) {
          out = {node.lo, node.hi};
        } else if constexpr (std::is_same_v<Node, ax::Store>) {
          add_indices(node.indices, out);
          out.push_back(node.value);
        } else if constexpr (std::is_same_v<Node, ax::While> || std::is_same_v<Node, ax::If> ||
                             std::is_same_v<Node, ax::Assert>) {
          out = {node.condition};
        } else if constexpr (!std::is_same_v<Node, ax::Parallel>) {
          out = {node.value};
        }
      },
      stmt.node);
  std::erase(out, ax::kNone);
  return out;
}

ProgramFacts gather_facts(const ax::TileProgram& program) { return Gatherer(program).run(); }

std::vector<ax::AxisId> axes_of(AxisSet set) {
  std::vector<ax::AxisId> axes;
  for (; set != 0; set &= set - 1) axes.push_back(static_cast<ax::AxisId>(std::countr_zero(set)));
  return axes;
}

}  // namespace aurex::schedule
