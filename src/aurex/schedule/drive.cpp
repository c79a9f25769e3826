#include "aurex/schedule/drive.h"

#include <algorithm>
#include <functional>
#include <span>

#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {
namespace {

using ax::AxisId;
using ax::AxisSet;
using ax::Op;
using ax::ValueId;

/// A kernel-level value with axes is stored rather than computed by each of its users from this cost on.
constexpr std::int32_t kStoreCost = 8;

class Driver {
 public:
  explicit Driver(KernelContext& kernel) : k_(kernel), b_(kernel.b) {}

  void run() {
    for (ax::ArrayId id = 0; id < k_.tiles.arrays.size(); ++id) {
      if (k_.tiles.arrays[id].start != kNone) fill(id);
    }
    statements(k_.tiles.body, k_.out.body);
  }

 private:
  void statements(const ax::Body& body, Body& out) {
    for (const ax::Stmt& stmt : body) {
      std::visit([&](const auto& node) { lower(stmt, node, out); }, stmt.node);
    }
  }

  std::string next_name() {
    return launches_++ == 0 ? k_.tiles.name : k_.tiles.name + "." + std::to_string(launches_ - 1);
  }

  void launch(const ax::Parallel& block, Body& out, bool written = true) {
    out.push_back({BlockLowering(k_).lower(block, next_name(), written)});
  }

  /// Computes a value over `axes` into shared memory.
  void store_shared(ValueId id, BufferId buffer, AxisSet axes, ax::Update update, Body& out) {
    const ValueId operands[] = {id};
    with_reductions(operands, kNone, out, [&] {
      const AxisSet whole = crossed(id);
      const std::vector<AxisId> parallel = axes_of(axes & ~whole);
      out.push_back({BlockLowering(k_).lower_value(parallel, id, buffer, axes, update, next_name())});
    });
  }

  /// A kernel-level value that is no launch scalar, as a cell that `drive` can read.
  ExprId top_value(ValueId id, Body& out) {
    if (k_.fact(id).scalar) return k_.launch_scalar(id);
    if (!k_.shared_values.contains(id)) {
      const BufferId cell = k_.shared_buffer("cell", k_.value(id).type, 0);
      store_shared(id, cell, 0, ax::Update::kSet, out);
      return b_.load(cell, {});
    }
    return b_.load(k_.shared_values.at(id), {});
  }

  /// Runs `fill`, which lowers one statement, with the reductions of its operands in shared memory. Those that read
  /// what changes hold for this statement only, except `lasting`.
  void with_reductions(std::span<const ValueId> operands, ValueId lasting, Body& out,
                       const std::function<void()>& fill) {
    const auto before = k_.shared_values;
    for (const ValueId id : operands) reduce_in_chunks(id, false, out);
    fill();
    std::erase_if(k_.shared_values, [&](const auto& entry) {
      return k_.fact(entry.first).changing && entry.first != lasting && !before.contains(entry.first);
    });
  }

  /// Computes the reductions to one number that `id` contains chunk by chunk, each into a cell. `inside` one of them,
  /// what reduces only some axes is stored too, so that the chunks need not cross it.
  void reduce_in_chunks(ValueId id, bool inside, Body& out) {
    const ax::Value& v = k_.value(id);
    if (k_.fact(id).scalar || k_.shared_values.contains(id)) return;
    AxisSet walked = inner_loops_;
    for (const auto& [axis, buffer] : k_.shared_positions) walked |= ax::axis_bit(axis);
    const bool reduces = v.op == Op::kReduce && ((v.over | v.axes) & walked) == 0 && may_precede(id);
    const bool to_number = reduces && v.axes == 0;
    for (std::size_t i = 0; i < v.args.size(); ++i) {
      // The checks of a branch are made where it is taken, not before.
      if (v.op == Op::kSelect && i > 0 && k_.fact(v.args[i]).checked) continue;
      reduce_in_chunks(v.args[i], inside || to_number, out);
    }
    if (v.op == Op::kLoad) {
      const ax::Load& load = k_.tiles.loads[v.id];
      for (const ax::Index& index : load.indices) {
        if (index.kind == ax::Index::Kind::kComputed) reduce_in_chunks(index.value, inside, out);
      }
      if (load.otherwise != kNone) reduce_in_chunks(load.otherwise, inside, out);
    }
    if (to_number && crossed(v.args[0]) == 0) {
      const BufferId cell = k_.shared_buffer(std::string(ax::to_string(v.reduction)), v.type, 0);
      BlockLowering chunks(k_);
      const BlockLowering::Partials partials = chunks.partials(id, next_name());
      out.push_back({chunks.lower_partials(id, partials)});
      out.push_back({BlockLowering(k_).lower_combination(id, partials, cell, next_name())});
      k_.shared_values[id] = cell;
    } else if (reduces && !to_number && inside) {
      const BufferId rows = k_.shared_buffer(std::string(ax::to_string(v.reduction)), v.type, v.axes);
      store_shared(id, rows, v.axes, ax::Update::kSet, out);
      k_.shared_values[id] = rows;
    }
  }

  /// Whether a reduction gives the same before a statement that is one block as inside of it, and raises nothing there
  /// that it would not raise here.
  bool may_precede(ValueId id) const {
    const ValueFacts& fact = k_.fact(id);
    return !in_block_ || (!fact.changing && !fact.checked && (fact.deps & inner_loops_) == 0);
  }

  /// Calls `see` for every value that `id` is made of, down to those that lie in shared memory.
  template <typename See>
  void each_part(ValueId id, const See& see) const {
    std::vector<bool> seen(k_.tiles.values.size(), false);
    const auto visit = [&](const auto& self, ValueId at) -> void {
      if (at == kNone || seen[at] || k_.shared_values.contains(at)) return;
      seen[at] = true;
      const ax::Value& v = k_.value(at);
      see(v);
      for (const ValueId arg : v.args) self(self, arg);
      if (v.op != Op::kLoad) return;
      for (const ax::Index& index : k_.tiles.loads[v.id].indices) self(self, index.value);
      self(self, k_.tiles.loads[v.id].otherwise);
    };
    visit(visit, id);
  }

  /// Axes along which some part of a value looks at other positions: they cannot be handed out in tiles.
  AxisSet crossed(ValueId id) const {
    AxisSet axes = 0;
    each_part(id, [&](const ax::Value& v) {
      if (v.op == Op::kReduce) axes |= v.over;
      if (v.op == Op::kScan || v.op == Op::kArgsort || v.op == Op::kReindex) {
        axes |= ax::axis_bit(static_cast<AxisId>(v.id));
      }
    });
    return axes;
  }

  /// A loop or branch that differs from element to element: one block.
  void element_wise(const ax::Stmt& stmt, AxisSet axes, Body& out) {
    ax::Parallel block{.body = {stmt}};
    std::vector<ValueId> values;
    for_each_stmt(block.body, [&](const ax::Stmt& each) {
      const std::vector<ValueId> own = operands(each);
      values.insert(values.end(), own.begin(), own.end());
      if (const auto* loop = std::get_if<ax::For>(&each.node)) inner_loops_ |= ax::axis_bit(loop->axis);
    });
    in_block_ = true;
    with_reductions(values, kNone, out, [&] {
      block.axes = axes_of(independent(block.body, values, axes));
      launch(block, out, false);
    });
    in_block_ = false;
    inner_loops_ = 0;
  }

  /// Those of `axes` along which no element of a body has to do with another.
  AxisSet independent(const ax::Body& body, std::span<const ValueId> values, AxisSet axes) const {
    std::vector<bool> stored(k_.tiles.arrays.size(), false);
    for_each_stmt(body, [&](const ax::Stmt& stmt) {
      if (const auto* store = std::get_if<ax::Store>(&stmt.node)) {
        AxisSet named = 0;
        for (const ax::Index& index : store->indices) {
          if (index.kind == ax::Index::Kind::kAxis) named |= ax::axis_bit(index.axis);
        }
        axes &= named;
        stored[store->array] = true;
      } else if (const auto* assign = std::get_if<ax::Assign>(&stmt.node)) {
        if (k_.shared_vars.contains(assign->var)) axes &= k_.tiles.vars[assign->var].axes;
      } else if (const auto* print = std::get_if<ax::Print>(&stmt.node)) {
        axes &= k_.value(print->value).axes;
      }
    });
    for (const ValueId id : values) {
      axes &= ~crossed(id);
      each_part(id, [&](const ax::Value& v) {
        if (v.op == Op::kLoad && stored[k_.tiles.loads[v.id].array]) axes = 0;
      });
    }
    for (const auto& [axis, buffer] : k_.shared_positions) axes &= ~ax::axis_bit(axis);
    return axes;
  }

  void lower(const ax::Stmt&, const ax::Parallel& block, Body& out) { launch(block, out); }

  void lower(const ax::Stmt&, const ax::Let& let, Body& out) {
    const ax::Value& v = k_.value(let.value);
    const ValueFacts& fact = k_.fact(let.value);
    if (fact.scalar || k_.shared_values.contains(let.value)) return;
    const ValueId operands[] = {let.value};
    with_reductions(operands, let.value, out, [&] {
      if (k_.shared_values.contains(let.value)) return;
      const bool reduces = crossed(let.value) != 0;
      const bool either = v.axes != 0 && !fact.changing && !reduces;
      if (either && !k_.decide.store(let.value, fact.cost >= kStoreCost)) return;
      const BufferId buffer = k_.shared_buffer(let.name, v.type, v.axes);
      store_shared(let.value, buffer, v.axes, ax::Update::kSet, out);
      k_.shared_values[let.value] = buffer;
    });
  }

  void lower(const ax::Stmt&, const ax::Declare& declare, Body& out) {
    const ax::Var& var = k_.tiles.vars[declare.var];
    const BufferId buffer = k_.shared_buffer(var.name, var.type, var.axes);
    store_shared(declare.value, buffer, var.axes, ax::Update::kSet, out);
    k_.shared_vars[declare.var] = buffer;
  }

  void lower(const ax::Stmt&, const ax::Assign& assign, Body& out) {
    const BufferId buffer = k_.shared_vars.at(assign.var);
    store_shared(assign.value, buffer, k_.tiles.vars[assign.var].axes, assign.update, out);
  }

  /// A statement over whole axes is a block over those that may be handed out.
  template <typename Node>
  void lower(const ax::Stmt& stmt, const Node&, Body& out)
    requires std::is_same_v<Node, ax::Store> || std::is_same_v<Node, ax::Assert> || std::is_same_v<Node, ax::Print>
  {
    const std::vector<ValueId> values = operands(stmt);
    with_reductions(values, kNone, out, [&] { whole_axes(stmt, values, out); });
  }

  void whole_axes(const ax::Stmt& stmt, std::span<const ValueId> values, Body& out) {
    AxisSet axes = 0, whole = 0;
    for (const ValueId id : values) {
      axes |= k_.value(id).axes;
      whole |= crossed(id);
    }
    if (const auto* store = std::get_if<ax::Store>(&stmt.node)) {
      for (const ax::Index& index : store->indices) {
        if (index.kind == ax::Index::Kind::kAxis) axes |= ax::axis_bit(index.axis);
      }
    }
    ax::Parallel block{.axes = axes_of(axes & ~whole)};
    std::erase_if(block.axes, [&](AxisId axis) { return k_.shared_positions.contains(axis); });
    block.body.push_back(stmt);
    launch(block, out, false);
  }

  AxisSet axes_of_value(ValueId id) const { return id == kNone ? 0 : k_.value(id).axes; }

  void lower(const ax::Stmt& stmt, const ax::For& loop, Body& out) {
    const AxisSet ragged = axes_of_value(loop.lo) | axes_of_value(loop.hi);
    if (ragged != 0) return element_wise(stmt, ragged, out);
    const ExprId extent = k_.axis_extent(loop.axis);
    auto bound = [&](ValueId id) { return b_.cast(RegType::kI64, top_value(id, out)); };
    Loop top{.var = b_.loop_var(k_.axis(loop.axis).name),
             .lo = loop.lo == kNone ? b_.i64(0) : b_.max(bound(loop.lo), b_.i64(0)),
             .hi = loop.hi == kNone ? extent : b_.min(bound(loop.hi), extent)};
    top.lo = b_.name_value(out, "lo", top.lo);
    top.hi = b_.name_value(out, "hi", top.hi);
    const BufferId cell = k_.shared_buffer(k_.axis(loop.axis).name, RegType::kI64, 0);
    top.body.push_back({Store{.buffer = cell, .value = b_.var(top.var), .access = Access::kUniform}});
    k_.shared_positions[loop.axis] = cell;
    statements_inside(loop.body, top.body);
    k_.shared_positions.erase(loop.axis);
    out.push_back({std::move(top)});
  }

  void lower(const ax::Stmt& stmt, const ax::While& loop, Body& out) {
    if (axes_of_value(loop.condition) != 0) return element_wise(stmt, axes_of_value(loop.condition), out);
    const BufferId cell = k_.shared_buffer("running", RegType::kBool, 0);
    store_shared(loop.condition, cell, 0, ax::Update::kSet, out);
    While top{.condition = b_.load(cell, {})};
    statements_inside(loop.body, top.body);
    store_shared(loop.condition, cell, 0, ax::Update::kSet, top.body);
    out.push_back({std::move(top)});
  }

  void lower(const ax::Stmt& stmt, const ax::If& branch, Body& out) {
    if (axes_of_value(branch.condition) != 0) return element_wise(stmt, axes_of_value(branch.condition), out);
    If top{.condition = top_value(branch.condition, out)};
    top.condition = b_.name_value(out, "condition", top.condition);
    statements_inside(branch.then_body, top.then_body);
    statements_inside(branch.else_body, top.else_body);
    out.push_back({std::move(top)});
  }

  /// Values stored inside a loop or branch are not there after it.
  void statements_inside(const ax::Body& body, Body& out) {
    const auto values = k_.shared_values;
    statements(body, out);
    k_.shared_values = values;
  }

  /// A start value: every element of the array, before anything else.
  void fill(ax::ArrayId id) {
    const ax::Array& array = k_.tiles.arrays[id];
    const BufferId buffer = k_.arrays[id];
    Launch launch{.name = k_.tiles.name + "." + array.name};
    const ExprId value = k_.launch_scalar(array.start);
    std::vector<ExprId> at;
    ExprId elements = b_.i64(1);
    for (const ExprId extent : k_.out.buffers[buffer].extents) elements = b_.mul(elements, extent);
    launch.nanoseconds =
        b_.op(Op::kMul, RegType::kF64, {b_.cast(RegType::kF64, elements), b_.number(RegType::kF64, 0.1)});
    fill_loop(array, buffer, value, at, launch.body);
    k_.out.body.push_back({std::move(launch)});
  }

  void fill_loop(const ax::Array& array, BufferId buffer, ExprId value, std::vector<ExprId>& at, Body& out) {
    const std::size_t d = at.size();
    if (d == array.dims.size()) {
      Store store{.buffer = buffer, .indices = at, .value = value, .access = b_.access(buffer, at)};
      out.push_back({std::move(store)});
      return;
    }
    const ax::Dim& dim = k_.tiles.dims[array.dims[d].dim];
    const bool pack = k_.out.buffers[buffer].stride[d] == Buffer::Stride::kPack;
    const bool vector = d + 1 == array.dims.size() && !pack;
    Loop loop{.kind = pack     ? Loop::Kind::kOdometer
                      : vector ? Loop::Kind::kVector
                               : Loop::Kind::kSerial,
              .var = vector ? b_.vector_var(dim.name) : b_.loop_var(dim.name),
              .lo = b_.i64(0),
              .hi = k_.out.buffers[buffer].extents[d],
              .lanes = vector ? k_.target.lanes(4) : 1,
              .pack = pack ? dim.pack : kNone};
    at.push_back(b_.var(loop.var));
    fill_loop(array, buffer, value, at, loop.body);
    at.pop_back();
    out.push_back({std::move(loop)});
  }

  KernelContext& k_;
  LoopBuilder& b_;
  std::int32_t launches_ = 0;
  bool in_block_ = false;    // lowering a statement with others inside as one block
  AxisSet inner_loops_ = 0;  // of `for` in that statement
};

}  // namespace

void lower_kernel(KernelContext& kernel) { Driver(kernel).run(); }

}  // namespace aurex::schedule
