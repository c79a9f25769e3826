// Rule 1 in a `for` that runs in tiles: what survives a tile must be the same for every tile size.

#include <memory>
#include <optional>

#include "aurex/ax/program_rules.h"
#include "aurex/ax/rescaling.h"
#include "aurex/ax/tile_classes.h"

namespace aurex::ax {
namespace {

struct Loop {
  TileClasses classes;
  std::size_t controls = 0;               // conditions and bounds that stand around it
  std::map<VarId, TileClass> folds = {};  // how each carried variable takes in a tile
};

/// The operation of a step and the one its values fold by.
TileClass fold_of(Update update) {
  switch (update) {
    case Update::kAdd:
    case Update::kSub:
      return TileClass::kSum;
    case Update::kMul:
      return TileClass::kProd;
    case Update::kMax:
      return TileClass::kMax;
    case Update::kMin:
      return TileClass::kMin;
    case Update::kSet:
    case Update::kDiv:
      break;
  }
  return TileClass::kOther;
}

std::optional<TileClass> fold_of(Op op) {
  if (op == Op::kAdd || op == Op::kSub) return TileClass::kSum;
  if (op == Op::kMul) return TileClass::kProd;
  if (op == Op::kMax || op == Op::kOr) return TileClass::kMax;
  if (op == Op::kMin || op == Op::kAnd) return TileClass::kMin;
  return std::nullopt;
}

bool takes_same(TileClass fold) { return fold == TileClass::kMax || fold == TileClass::kMin; }

std::string fold_text(TileClass fold, bool several) {
  switch (fold) {
    case TileClass::kSum:
      return several ? "sums" : "sum";
    case TileClass::kProd:
      return several ? "products" : "product";
    case TileClass::kMax:
      return several ? "maxima" : "maximum";
    default:
      return several ? "minima" : "minimum";
  }
}

class TileWalk {
 public:
  TileWalk(const ProgramBuilder& builder, DiagnosticSink& sink)
      : builder_(builder), program_(builder.program), sink_(sink) {}

  void body(const Body& body) {
    for (const Stmt& stmt : body) {
      if (const auto* node = std::get_if<Parallel>(&stmt.node)) this->body(node->body);
      if (const auto* node = std::get_if<For>(&stmt.node)) loop(*node);
      if (const auto* node = std::get_if<While>(&stmt.node)) inside(node->body, {node->condition});
      if (const auto* node = std::get_if<If>(&stmt.node)) {
        inside(node->then_body, {node->condition});
        inside(node->else_body, {node->condition});
      }
      if (const auto* node = std::get_if<Assign>(&stmt.node)) assign(*node, stmt.span);
      if (const auto* node = std::get_if<Store>(&stmt.node)) store(*node, stmt.span);
      if (const auto* node = std::get_if<Assert>(&stmt.node)) assertion(*node, stmt.span);
      if (const auto* node = std::get_if<Print>(&stmt.node)) print(*node, stmt.span);
    }
  }

 private:
  [[nodiscard]] const std::string& axis_name(AxisId axis) const { return program_.axes[axis].name; }

  void inside(const Body& body, std::initializer_list<ValueId> controls) {
    const std::size_t depth = controls_.size();
    for (const ValueId id : controls) {
      if (id != kNone) controls_.push_back(id);
    }
    this->body(body);
    controls_.resize(depth);
  }

  void loop(const For& node) {
    if (program_.axes[node.axis].unit) return inside(node.body, {node.lo, node.hi});
    if (order_ == nullptr) order_ = std::make_unique<StatementOrder>(program_);
    const std::size_t depth = controls_.size();
    for (const ValueId bound : {node.lo, node.hi}) {
      if (bound != kNone) controls_.push_back(bound);
    }
    loops_.push_back({.classes = TileClasses(builder_, *order_, node), .controls = controls_.size()});
    body(node.body);
    loops_.pop_back();
    controls_.resize(depth);
  }

  Diagnostic& partial(Span span, const std::string& what, const Loop& loop) {
    const std::string axis = axis_name(loop.classes.axis());
    return sink_.error(Code::kTilePartial, span, what + " depends on the tiles of `" + axis + "` seen so far")
        .help("do it after the loop, or loop with `by 1`");
  }

  /// Does what runs here depend on how far a loop has come, or on where its tiles begin?
  bool conditions_are_clean(const Loop& loop, Span span) {
    for (std::size_t i = loop.controls; i < controls_.size(); ++i) {
      if (loop.classes.clean(controls_[i])) continue;
      partial(span, "whether this is reached", loop)
          .note(program_.values[controls_[i]].span, "this folds a tile, or reads what the loop carries");
      return false;
    }
    return true;
  }

  void assertion(const Assert& node, Span span) {
    for (const Loop& loop : loops_) {
      // All tiles hold where each does.
      const bool allowed = loop.classes.clean(node.condition) || loop.classes.of(node.condition) == TileClass::kMin;
      if (!conditions_are_clean(loop, span)) return;
      if (!allowed) return void(partial(span, "what is asserted", loop));
    }
  }

  void print(const Print& node, Span span) {
    for (const Loop& loop : loops_) {
      if (!conditions_are_clean(loop, span)) return;
      const TileClass printed = loop.classes.of(node.value);
      if (printed == TileClass::kEach) continue;
      const std::string axis = axis_name(loop.classes.axis());
      if (printed != TileClass::kSame) return void(partial(span, "what is printed", loop));
      sink_.error(Code::kTileCount, span, "this would be printed once per tile of `" + axis + "`")
          .help("print it outside the loop, or loop with `by 1`");
      return;
    }
  }

  void assign(const Assign& node, Span span) {
    const Dependencies& depends = builder_.dependencies(node.value);
    const std::string& name = program_.vars[node.var].name;
    for (Loop& loop : loops_) {
      if (loop.classes.declared(node.var)) continue;
      const std::string axis = axis_name(loop.classes.axis());
      if (node.update == Update::kSet && !reads_carried(loop, depends)) {
        sink_
            .error(
                Code::kLastTile, span,
                "`" + name + "` would keep what the last tile of `" + axis + "` gives, which depends on the tile size")
            .help("accumulate with `" + name + " += …` or `max=`, or loop with `by 1`");
        return;
      }
      if ((depends.axes & axis_bit(loop.classes.axis())) == 0) {
        sink_
            .error(Code::kTileCount, span,
                   "`" + name + "` changes once per tile of `" + axis + "` by a value that does not depend on `" +
                       axis + "`")
            .help("the number of tiles is not for a program to see: loop with `by 1`, or sum over `" + axis + "`");
        return;
      }
      if (!conditions_are_clean(loop, span)) return;
      const std::optional<TileClass> fold = step(loop, node);
      if (!fold) return refuse_step(loop, node, span);
      const auto [known, first] = loop.folds.try_emplace(node.var, *fold);
      if (!first && known->second != *fold) return refuse_step(loop, node, span);
    }
  }

  [[nodiscard]] static bool reads_carried(const Loop& loop, const Dependencies& depends) {
    for (VarId var = 0; var < kMaxVars; ++var) {
      if (depends.vars.test(var) && loop.classes.carried(var)) return true;
    }
    return false;
  }

  /// How the step takes in a tile; nothing where tiles would not combine.
  [[nodiscard]] std::optional<TileClass> step(const Loop& loop, const Assign& node) const {
    const TileClasses& classes = loop.classes;
    const TileClass value = classes.of(node.value);
    if (node.update != Update::kSet) {
      const TileClass fold = fold_of(node.update);
      if (value == fold || (takes_same(fold) && value == TileClass::kSame)) return fold;
      return fold == TileClass::kSum && sums_over_tiles(builder_, classes, node) ? std::optional(fold) : std::nullopt;
    }
    if (const auto fold = fold_of(program_.values[node.value].op)) {
      const int own = joins(classes, node.value, node.var, *fold);
      if (own == 1 || (own > 1 && takes_same(*fold))) return fold;
    }
    if (sums_over_tiles(builder_, classes, node)) return TileClass::kSum;
    return follows(classes, node) ? std::optional(TileClass::kSame) : std::nullopt;
  }

  /// In `v ∘ fold ∘ fold …` the number of times v stands there; -1 where something else does.
  [[nodiscard]] int joins(const TileClasses& classes, ValueId id, VarId var, TileClass fold) const {
    const Value& value = program_.values[id];
    if (classes.of(id) == fold || (takes_same(fold) && classes.of(id) == TileClass::kSame)) return 0;
    if (value.op == Op::kVar) return value.id == var ? 1 : -1;
    if (fold_of(value.op) != fold) return -1;
    const int left = joins(classes, value.args[0], var, fold), right = joins(classes, value.args[1], var, fold);
    if (left < 0 || right < 0 || (value.op == Op::kSub && right > 0)) return -1;
    return std::min(left + right, 2);
  }

  /// Is the new value computed from the new values of other variables alone?
  [[nodiscard]] bool follows(const TileClasses& classes, const Assign& node) const {
    const auto& all = classes.assignments(node.var);
    if (all.size() != 1 || !all.front().unconditional) return false;
    std::vector<ValueId> open = {node.value};
    std::vector<bool> seen(program_.values.size(), false);
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      if (seen[id]) continue;
      seen[id] = true;
      const Value& value = program_.values[id];
      if (classes.of(id) == TileClass::kSame) continue;
      if (const VarId var = classes.becomes(id); var != kNone && var != node.var) continue;
      if (value.op == Op::kVar) {
        const ValueId only = classes.only_value(value.id);
        if (only != kNone) {
          open.push_back(only);
        } else if (value.id == node.var || !classes.carried(value.id) ||
                   classes.reading(id) != TileClasses::Reading::kAfter) {
          return false;
        }
        continue;
      }
      if (value.args.empty() || value.op >= Op::kReduce || value.op == Op::kRandom || value.op == Op::kLoad)
        return false;
      open.insert(open.end(), value.args.begin(), value.args.end());
    }
    return true;
  }

  void refuse_step(const Loop& loop, const Assign& node, Span span) {
    const std::string& name = program_.vars[node.var].name;
    const std::string axis = axis_name(loop.classes.axis());
    const TileClass value = loop.classes.of(node.value);
    const TileClass wanted = fold_of(node.update);
    const bool mixed = value > TileClass::kEach && value != TileClass::kOther && wanted != TileClass::kOther;
    Diagnostic& diagnostic =
        mixed ? sink_.error(Code::kTileFold, span,
                            "`" + name + "` would be the " + fold_text(wanted, false) + " of the " +
                                fold_text(value, true) + " of tiles of `" + axis + "`, which depends on the tile size")
              : sink_.error(Code::kTileFold, span,
                            "what `" + name + "` takes in per tile of `" + axis + "` differs with the tile size");
    if (const ValueId other = other_carried(loop.classes, node); other != kNone) {
      diagnostic.note(program_.values[other].span,
                      "`" + program_.vars[program_.values[other].id].name + "` changes from tile to tile");
    }
    diagnostic.help("accumulate one kind: `" + name + " += sum(…, " + axis + ")`, `" + name + " = maximum(" + name +
                    ", max(…, " + axis + "))`; or loop with `by 1`");
  }

  /// A carried variable, other than the one assigned to, that the step reads.
  [[nodiscard]] ValueId other_carried(const TileClasses& classes, const Assign& node) const {
    ValueId found = kNone;
    std::vector<bool> seen(program_.values.size(), false);
    for_each_value(program_, node.value, seen, [&](ValueId id) {
      const Value& value = program_.values[id];
      if (value.op != Op::kVar || value.id == node.var || !classes.carried(value.id)) return;
      if (classes.of(id) == TileClass::kOther) found = std::min(found, id);
    });
    return found;
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
    const std::string& name = program_.arrays[node.array].name;
    for (const Loop& loop : loops_) {
      const AxisSet bit = axis_bit(loop.classes.axis());
      const std::string axis = axis_name(loop.classes.axis());
      const bool atomic = node.update == Update::kAdd || node.update == Update::kMax || node.update == Update::kMin;
      const bool running = reads_carried(loop, value) || reads_carried(loop, index) || (index.reduced & bit) != 0;
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
      if (!conditions_are_clean(loop, span) || !folds_into(loop, node, span)) return;
    }
  }

  /// Is what an update brings per tile of the kind that it accumulates? And does what is stored read no neighbour?
  bool folds_into(const Loop& loop, const Store& node, Span span) {
    const std::string& name = program_.arrays[node.array].name;
    const std::string axis = axis_name(loop.classes.axis());
    const TileClass value = loop.classes.of(node.value);
    if (loop.classes.clean(node.value)) return true;
    if (value != TileClass::kOther && value == fold_of(node.update)) return true;
    std::vector<bool> seen(program_.values.size(), false);
    ValueId neighbour = kNone;
    for_each_value(program_, node.value, seen, [&](ValueId id) {
      const Value& read = program_.values[id];
      if (read.op == Op::kLoad && loop.classes.reads_other_tiles(program_.loads[read.id])) neighbour = id;
    });
    if (neighbour != kNone) {
      sink_
          .error(Code::kReadRace, program_.values[neighbour].span,
                 "this reads elements that other tiles of `" + axis + "` may write")
          .note(span, "`" + name + "` is written here")
          .help("loop with `by 1`, or read another array");
      return false;
    }
    sink_
        .error(Code::kTileFold, span,
               "what `" + name + "` takes in per tile of `" + axis + "` differs with the tile size")
        .help("add sums, take the largest of maxima and the smallest of minima, or loop with `by 1`");
    return false;
  }

  const ProgramBuilder& builder_;
  const TileProgram& program_;
  DiagnosticSink& sink_;
  std::unique_ptr<StatementOrder> order_;
  std::vector<Loop> loops_;
  std::vector<ValueId> controls_;
};

}  // namespace

void check_tile_dependence(const ProgramBuilder& builder, DiagnosticSink& sink) {
  TileWalk(builder, sink).body(builder.program.body);
}

}  // namespace aurex::ax
