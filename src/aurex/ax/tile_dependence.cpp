// Rule 1 in a `for` that runs in tiles: what survives a tile must be the same for every tile size.

#include <bitset>

#include "aurex/ax/program_rules.h"

namespace aurex::ax {
namespace {

using Vars = std::bitset<kMaxVars>;

struct Loop {
  AxisId axis = kNone;
  Vars declared, changed;
};

void collect_vars(const Body& body, Loop& loop) {
  for (const Stmt& stmt : body) {
    if (const auto* node = std::get_if<For>(&stmt.node)) collect_vars(node->body, loop);
    if (const auto* node = std::get_if<While>(&stmt.node)) collect_vars(node->body, loop);
    if (const auto* node = std::get_if<If>(&stmt.node)) {
      collect_vars(node->then_body, loop);
      collect_vars(node->else_body, loop);
    }
    if (const auto* node = std::get_if<Declare>(&stmt.node)) loop.declared.set(node->var);
    if (const auto* node = std::get_if<Assign>(&stmt.node)) loop.changed.set(node->var);
  }
}

class TileWalk {
 public:
  TileWalk(const ProgramBuilder& builder, DiagnosticSink& sink) : builder_(builder), sink_(sink) {}

  void body(const Body& body) {
    for (const Stmt& stmt : body) {
      if (const auto* node = std::get_if<Parallel>(&stmt.node)) this->body(node->body);
      if (const auto* node = std::get_if<For>(&stmt.node)) loop(*node);
      if (const auto* node = std::get_if<While>(&stmt.node)) this->body(node->body);
      if (const auto* node = std::get_if<If>(&stmt.node)) {
        this->body(node->then_body);
        this->body(node->else_body);
      }
      if (const auto* node = std::get_if<Assign>(&stmt.node)) assign(*node, stmt.span);
      if (const auto* node = std::get_if<Store>(&stmt.node)) store(*node, stmt.span);
    }
  }

 private:
  [[nodiscard]] const std::string& axis_name(AxisId axis) const { return builder_.program.axes[axis].name; }

  void loop(const For& node) {
    if (builder_.program.axes[node.axis].unit) return body(node.body);
    Loop loop{.axis = node.axis, .declared = {}, .changed = {}};
    collect_vars(node.body, loop);
    loop.changed &= ~loop.declared;
    loops_.push_back(loop);
    body(node.body);
    loops_.pop_back();
  }

  void assign(const Assign& node, Span span) {
    const Dependencies& depends = builder_.dependencies(node.value);
    const std::string& name = builder_.program.vars[node.var].name;
    for (const Loop& loop : loops_) {
      if (loop.declared.test(node.var)) continue;
      const std::string axis = axis_name(loop.axis);
      if (node.update == Update::kSet && (depends.vars & loop.changed).none()) {
        sink_
            .error(
                Code::kLastTile, span,
                "`" + name + "` would keep what the last tile of `" + axis + "` gives, which depends on the tile size")
            .help("accumulate with `" + name + " += …` or `max=`, or loop with `by 1`");
        return;
      }
      if ((depends.axes & axis_bit(loop.axis)) == 0) {
        sink_
            .error(Code::kTileCount, span,
                   "`" + name + "` changes once per tile of `" + axis + "` by a value that does not depend on `" +
                       axis + "`")
            .help("the number of tiles is not for a program to see: loop with `by 1`, or sum over `" + axis + "`");
        return;
      }
    }
  }

  void store(const Store& node, Span span) {
    Dependencies index;
    for (const Index& i : node.indices) {
      if (i.kind == Index::Kind::kAxis) index.axes |= axis_bit(i.axis);
      if (i.value == kNone) continue;
      index.axes |= builder_.dependencies(i.value).axes;
      index.reduced |= builder_.dependencies(i.value).reduced;
      index.vars |= builder_.dependencies(i.value).vars;
    }
    const Dependencies& value = builder_.dependencies(node.value);
    const std::string& name = builder_.program.arrays[node.array].name;
    for (const Loop& loop : loops_) {
      const AxisSet bit = axis_bit(loop.axis);
      const std::string axis = axis_name(loop.axis);
      const bool atomic = node.update == Update::kAdd || node.update == Update::kMax || node.update == Update::kMin;
      const bool running = ((value.vars | index.vars) & loop.changed).any() || (index.reduced & bit) != 0;
      if (running || (!atomic && (value.reduced & bit) != 0)) {
        sink_
            .error(Code::kTilePartial, span,
                   "what is stored to `" + name + "` is a partial result of the tiles of `" + axis + "` seen so far")
            .help("store after the loop, or loop with `by 1`");
        return;
      }
      if (!atomic && (index.axes & bit) == 0) {
        sink_
            .error(
                Code::kLastTile, span,
                "`" + name + "` would keep what the last tile of `" + axis + "` gives, which depends on the tile size")
            .help("index it with `" + axis + "`, or accumulate with `+=`");
        return;
      }
      if (((value.axes | index.axes) & bit) == 0) {
        sink_
            .error(Code::kTileCount, span,
                   "`" + name + "` changes once per tile of `" + axis + "` by a value that does not depend on `" +
                       axis + "`")
            .help("the number of tiles is not for a program to see: loop with `by 1`, or sum over `" + axis + "`");
        return;
      }
    }
  }

  const ProgramBuilder& builder_;
  DiagnosticSink& sink_;
  std::vector<Loop> loops_;
};

}  // namespace

void check_tile_dependence(const ProgramBuilder& builder, DiagnosticSink& sink) {
  TileWalk(builder, sink).body(builder.program.body);
}

}  // namespace aurex::ax
