#pragma once

// The rules that are told from a whole program: no tile size shows (rule 1), no two tiles race (rule 22), every element
// of a result is written exactly once (rules 16 and 34), and which results may lie over an input (rule 17).
//
// Each is a walk over the statement tree with index expressions seen as linear forms. Works on a program that is still
// with its builder, which knows what every value depends on; reports at the places of the statements.

#include <variant>
#include <vector>

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/program_builder.h"

namespace aurex::ax {

struct ProgramRules {
  const ProgramBuilder& builder;
  const std::vector<DimId>& dim_class;  ///< dimensions that `where` ties have one class
  DiagnosticSink& sink;

  void check() const;
  /// Sets Array::in_place and Store::scatter.
  void mark_in_place(TileProgram& program) const;
};

/// How an index goes along an axis: at +1 or -1 times its position plus what does not move with it; 0 where it cannot
/// be told.
[[nodiscard]] int step_along(const ProgramBuilder& builder, const Index& index, AxisId axis, AxisSet moving);

/// The axis that an index goes along from end to end, each position once; kNone where there is none.
[[nodiscard]] AxisId covers_axis(const ProgramBuilder& builder, const Index& index, DimId dim,
                                 const std::vector<DimId>& dim_class);

void check_tile_dependence(const ProgramBuilder& builder, DiagnosticSink& sink);
void check_races(const ProgramBuilder& builder, DiagnosticSink& sink);
void check_written_once(const ProgramBuilder& builder, const std::vector<DimId>& dim_class, DiagnosticSink& sink);

/// Calls `visit` for every value that `root` needs, itself included, each once over all calls with one `seen`.
template <typename Visit>
void for_each_value(const TileProgram& program, ValueId root, std::vector<bool>& seen, Visit visit) {
  std::vector<ValueId> open;
  const auto push = [&](ValueId id) {
    if (id == kNone || seen[id]) return;
    seen[id] = true;
    open.push_back(id);
  };
  push(root);
  while (!open.empty()) {
    const Value& value = program.values[open.back()];
    const ValueId id = open.back();
    open.pop_back();
    visit(id);
    for (const ValueId arg : value.args) push(arg);
    if (value.op == Op::kLoad) {
      const Load& load = program.loads[value.id];
      for (const Index& index : load.indices) push(index.value);
      push(load.otherwise);
    }
  }
}

/// Calls `visit` for every value that a statement itself reads, kNone included where it has none; not for those of the
/// statements inside it.
template <typename Visit>
void for_each_operand(const Stmt& stmt, Visit visit) {
  if (const auto* node = std::get_if<For>(&stmt.node)) {
    visit(node->lo);
    visit(node->hi);
  }
  if (const auto* node = std::get_if<While>(&stmt.node)) visit(node->condition);
  if (const auto* node = std::get_if<If>(&stmt.node)) visit(node->condition);
  if (const auto* node = std::get_if<Let>(&stmt.node)) visit(node->value);
  if (const auto* node = std::get_if<Declare>(&stmt.node)) visit(node->value);
  if (const auto* node = std::get_if<Assign>(&stmt.node)) visit(node->value);
  if (const auto* node = std::get_if<Assert>(&stmt.node)) visit(node->condition);
  if (const auto* node = std::get_if<Print>(&stmt.node)) visit(node->value);
  if (const auto* node = std::get_if<Store>(&stmt.node)) {
    visit(node->value);
    for (const Index& index : node->indices) visit(index.value);
  }
}

}  // namespace aurex::ax
