#include "aurex/ax/prune.h"

#include <algorithm>
#include <functional>
#include <type_traits>

namespace aurex::ax {
namespace {

using UseValue = std::function<void(ValueId&)>;

void use_indices(std::vector<Index>& indices, const UseValue& use) {
  for (Index& index : indices) {
    if (index.value != kNone) use(index.value);
  }
}

/// Every place of a statement tree that names a value.
void for_each_use(Body& body, const UseValue& use) {
  const auto maybe = [&](ValueId& id) {
    if (id != kNone) use(id);
  };
  for (Stmt& stmt : body) {
    std::visit(
        [&](auto& node) {
          using Node = std::remove_cvref_t<decltype(node)>;
          if constexpr (std::is_same_v<Node, For>) {
            maybe(node.lo);
            maybe(node.hi);
          }
          if constexpr (std::is_same_v<Node, Parallel> || std::is_same_v<Node, For> || std::is_same_v<Node, While>) {
            if constexpr (std::is_same_v<Node, While>) use(node.condition);
            for_each_use(node.body, use);
          } else if constexpr (std::is_same_v<Node, If>) {
            use(node.condition);
            for_each_use(node.then_body, use);
            for_each_use(node.else_body, use);
          } else if constexpr (std::is_same_v<Node, Assert>) {
            use(node.condition);
          } else {
            if constexpr (std::is_same_v<Node, Store>) use_indices(node.indices, use);
            use(node.value);
          }
        },
        stmt.node);
  }
}

void for_each_root(TileProgram& program, const UseValue& use) {
  const auto maybe = [&](ValueId& id) {
    if (id != kNone) use(id);
  };
  for (Dim& dim : program.dims) maybe(dim.defined_by);
  for (Axis& axis : program.axes) maybe(axis.extent);
  for (Array& array : program.arrays) maybe(array.start);
  for (ExtentCheck& check : program.checks) use(check.condition);
  for_each_use(program.body, use);
}

}  // namespace

void prune(TileProgram& program) {
  std::vector<bool> live(program.values.size());
  std::vector<bool> live_load(program.loads.size());
  for_each_root(program, [&](ValueId& id) { live[id] = true; });
  for (std::size_t i = program.values.size(); i-- > 0;) {  // arguments stand before users
    if (!live[i]) continue;
    const Value& value = program.values[i];
    for (const ValueId arg : value.args) live[arg] = true;
    if (value.op != Op::kLoad) continue;
    live_load[value.id] = true;
    const Load& load = program.loads[value.id];
    for (const Index& index : load.indices) {
      if (index.value != kNone) live[index.value] = true;
    }
    if (load.otherwise != kNone) live[load.otherwise] = true;
  }
  std::vector<ValueId> renumbered(program.values.size(), kNone);
  std::vector<std::uint32_t> renumbered_loads(program.loads.size(), kNone);
  ValueId next = 0;
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (live[i]) renumbered[i] = next++;
  }
  std::uint32_t next_load = 0;
  for (std::size_t i = 0; i < live_load.size(); ++i) {
    if (live_load[i]) renumbered_loads[i] = next_load++;
  }
  const UseValue rename = [&](ValueId& id) { id = renumbered[id]; };
  for_each_root(program, rename);
  std::erase_if(program.calls, [&](const Call& call) {
    return renumbered[call.result] == kNone ||
           std::any_of(call.args.begin(), call.args.end(), [&](ValueId id) { return renumbered[id] == kNone; });
  });
  for (Call& call : program.calls) {
    rename(call.result);
    for (ValueId& arg : call.args) rename(arg);
  }
  std::vector<Value> values;
  values.reserve(next);
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (!live[i]) continue;
    Value value = std::move(program.values[i]);
    for (ValueId& arg : value.args) rename(arg);
    if (value.op == Op::kLoad) value.id = renumbered_loads[value.id];
    values.push_back(std::move(value));
  }
  program.values = std::move(values);
  std::vector<Load> loads;
  for (std::size_t i = 0; i < live_load.size(); ++i) {
    if (!live_load[i]) continue;
    Load load = std::move(program.loads[i]);
    use_indices(load.indices, rename);
    if (load.otherwise != kNone) rename(load.otherwise);
    loads.push_back(std::move(load));
  }
  program.loads = std::move(loads);
}

}  // namespace aurex::ax
