// Rule 22: no two tiles of a block store to one element, and none reads what another one writes.

#include <algorithm>

#include "aurex/ax/program_rules.h"

namespace aurex::ax {
namespace {

struct PlacedStore {
  const Store* store = nullptr;
  Span span;
  AxisSet moving = 0;  // axes of the loops around it inside the block
};

class RaceWalk {
 public:
  RaceWalk(const ProgramBuilder& builder, DiagnosticSink& sink)
      : builder_(builder), program_(builder.program), sink_(sink) {}

  /// Statements outside blocks: their elements run in parallel chunks, over whole axes only.
  void kernel(const Body& body) {
    for (const Stmt& stmt : body) {
      if (const auto* node = std::get_if<Parallel>(&stmt.node)) block(*node);
      if (const auto* node = std::get_if<For>(&stmt.node)) kernel(node->body);
      if (const auto* node = std::get_if<While>(&stmt.node)) kernel(node->body);
      if (const auto* node = std::get_if<If>(&stmt.node)) {
        kernel(node->then_body);
        kernel(node->else_body);
      }
      if (const auto* node = std::get_if<Let>(&stmt.node)) evaluated_.push_back(node->value);
      if (const auto* node = std::get_if<Store>(&stmt.node)) check_store({node, stmt.span, 0}, 0);
    }
  }

 private:
  void block(const Parallel& node) {
    AxisSet parallel = 0;
    for (const AxisId axis : node.axes) parallel |= axis_bit(axis);
    stores_.clear();
    loads_.clear();
    seen_.assign(program_.values.size(), false);
    for (const ValueId id : evaluated_) seen_[id] = true;  // read before the block began
    collect(node.body, 0);
    for (const PlacedStore& placed : stores_) check_store(placed, parallel);
    for (const PlacedStore& placed : stores_) check_reads(placed, parallel);
  }

  void need(ValueId root) {
    for_each_value(program_, root, seen_, [&](ValueId id) {
      if (program_.values[id].op == Op::kLoad) loads_.push_back(id);
    });
  }

  void collect(const Body& body, AxisSet moving) {
    for (const Stmt& stmt : body) {
      for_each_operand(stmt, [&](ValueId id) { need(id); });
      if (const auto* node = std::get_if<For>(&stmt.node)) collect(node->body, moving | axis_bit(node->axis));
      if (const auto* node = std::get_if<While>(&stmt.node)) collect(node->body, moving);
      if (const auto* node = std::get_if<If>(&stmt.node)) {
        collect(node->then_body, moving);
        collect(node->else_body, moving);
      }
      if (const auto* node = std::get_if<Store>(&stmt.node)) stores_.push_back({node, stmt.span, moving});
    }
  }

  void check_store(const PlacedStore& placed, AxisSet parallel) {
    const Store& store = *placed.store;
    const bool atomic = store.update == Update::kAdd || store.update == Update::kMax || store.update == Update::kMin;
    if (atomic || store.unique) return;
    AxisSet axes = parallel;
    for (const Index& index : store.indices) {
      if (index.kind == Index::Kind::kAxis) axes |= axis_bit(index.axis);
      if (index.value != kNone) axes |= builder_.value(index.value).axes;
    }
    const AxisSet moving = placed.moving | axes;
    const std::string& name = program_.arrays[store.array].name;
    for (AxisId axis = 0; axis < program_.axes.size(); ++axis) {
      if ((axes & axis_bit(axis)) == 0) continue;
      const auto steps = [&](const Index& index) { return step_along(builder_, index, axis, moving) != 0; };
      if (std::any_of(store.indices.begin(), store.indices.end(), steps)) continue;
      const std::string& variable = program_.axes[axis].name;
      sink_
          .error(Code::kRace, placed.span,
                 "two positions of `" + variable + "` may store to the same element of `" + name + "`")
          .note(program_.axes[axis].span, "`" + variable + "` is bound here")
          .help("index with `" + variable +
                "` alone or plus something equal in every tile, accumulate with `+=`, or promise " +
                "that no two elements meet: `" + name + "[unique …]`");
      return;
    }
  }

  /// A read of a written array has to stay with the elements that this tile writes.
  void check_reads(const PlacedStore& placed, AxisSet parallel) {
    const Store& store = *placed.store;
    for (const ValueId id : loads_) {
      const Load& load = program_.loads[program_.values[id].id];
      if (load.array != store.array) continue;
      for (AxisId axis = 0; axis < program_.axes.size(); ++axis) {
        if ((parallel & axis_bit(axis)) == 0) continue;
        bool together = false;
        for (std::size_t i = 0; i < store.indices.size() && i < load.indices.size(); ++i) {
          const Index& a = store.indices[i];
          const Index& b = load.indices[i];
          together |= step_along(builder_, a, axis, parallel | placed.moving) != 0 && a.kind == b.kind &&
                      a.axis == b.axis && a.value == b.value;
        }
        if (together) continue;
        const std::string& name = program_.arrays[store.array].name;
        sink_
            .error(Code::kReadRace, program_.values[id].span,
                   "this reads elements of `" + name + "` that other tiles of `" + program_.axes[axis].name +
                       "` may write")
            .note(placed.span, "`" + name + "` is written here")
            .help("read and write it in two blocks, with a barrier between, or read another array");
        return;
      }
    }
  }

  const ProgramBuilder& builder_;
  const TileProgram& program_;
  DiagnosticSink& sink_;
  std::vector<ValueId> evaluated_;
  std::vector<PlacedStore> stores_;
  std::vector<ValueId> loads_;
  std::vector<bool> seen_;
};

}  // namespace

void check_races(const ProgramBuilder& builder, DiagnosticSink& sink) {
  RaceWalk(builder, sink).kernel(builder.program.body);
}

}  // namespace aurex::ax
