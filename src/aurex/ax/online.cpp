#include "aurex/ax/online.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "aurex/ax/prune.h"

namespace aurex::ax {
namespace {

/// Calls `visit` for each value that `id` is made of directly.
template <typename Visit>
void for_each_operand(const TileProgram& program, ValueId id, const Visit& visit) {
  const Value& value = program.values[id];
  for (const ValueId arg : value.args) visit(arg);
  if (value.op != Op::kLoad) return;
  const Load& load = program.loads[value.id];
  for (const Index& index : load.indices) {
    if (index.kind == Index::Kind::kComputed) visit(index.value);
  }
  if (load.otherwise != kNone) visit(load.otherwise);
}

bool runs_along(const TileProgram& program, ValueId id, AxisId axis) {
  const Value& value = program.values[id];
  return ((value.axes | value.over) & axis_bit(axis)) != 0 || (value.op == Op::kPosition && value.id == axis);
}

/// One softmax of one block, found.
struct Softmax {
  std::size_t block = 0;  // in the kernel's body
  AxisId along = kNone;
  ValueId maximum = kNone, shifted = kNone, power = kNone;  // max(z), z - max(z), exp of that
  std::vector<ValueId> sums;                                // over `along`, of products with `power`
};

class Matcher {
 public:
  Matcher(const TileProgram& program, std::size_t block) : program_(program), block_(block) {
    const auto* parallel = std::get_if<Parallel>(&program.body[block].node);
    if (!parallel) return;
    for (const Stmt& stmt : parallel->body) {
      const auto* store = std::get_if<Store>(&stmt.node);
      if (!store && !std::holds_alternative<Let>(stmt.node)) return;
      if (!store) continue;
      if (store->update != Update::kSet || program.arrays[store->array].role != ArrayRole::kResult) return;
      roots_.push_back(store->value);
      for (const Index& index : store->indices) {
        if (index.kind == Index::Kind::kComputed) roots_.push_back(index.value);
      }
    }
    users_.resize(program.values.size());
    reached_.resize(program.values.size());
    for (const ValueId root : roots_) reach(root);
  }

  [[nodiscard]] std::vector<Softmax> run() const {
    std::vector<Softmax> found;
    for (const Call& call : program_.calls) {
      if (call.function != "exp" || call.result >= reached_.size() || !reached_[call.result]) continue;
      if (auto softmax = match(call.args[0], call.result)) found.push_back(std::move(*softmax));
    }
    return found;
  }

 private:
  void reach(ValueId id) {
    if (reached_[id]) return;
    reached_[id] = true;
    for_each_operand(program_, id, [&](ValueId operand) {
      users_[operand].push_back(id);
      reach(operand);
    });
  }

  [[nodiscard]] std::optional<Softmax> match(ValueId shifted, ValueId power) const {
    const Value& difference = program_.values[shifted];
    if (difference.op != Op::kSub) return std::nullopt;
    const ValueId maximum = difference.args[1];
    const Value& max = program_.values[maximum];
    if (max.op != Op::kReduce || max.reduction != Reduction::kMax || max.args[0] != difference.args[0] ||
        !is_float(max.type) || std::popcount(max.over) != 1 || program_.values[power].type != max.type) {
      return std::nullopt;
    }
    Softmax softmax{.block = block_,
                    .along = static_cast<AxisId>(std::countr_zero(max.over)),
                    .maximum = maximum,
                    .shifted = shifted,
                    .power = power,
                    .sums = {}};
    const Axis& axis = program_.axes[softmax.along];
    if (!axis.whole || axis.unit || !holds_sum(max.args[0], softmax.along)) return std::nullopt;
    const bool only = used_only(maximum, shifted) && closed(shifted, power);
    if (!only || !sums_of(power, softmax, made_of(maximum)) || softmax.sums.empty()) return std::nullopt;
    return nothing_else(softmax) ? std::optional(std::move(softmax)) : std::nullopt;
  }

  /// Scores: sums over some other axis. Anything cheaper is as well computed twice.
  [[nodiscard]] bool holds_sum(ValueId z, AxisId along) const {
    std::vector<bool> seen(z + 1, false);
    seen[z] = true;
    for (ValueId id = z + 1; id-- > 0;) {
      if (!seen[id]) continue;
      const Value& value = program_.values[id];
      const bool sum = value.op == Op::kReduce && value.reduction == Reduction::kSum;
      if (sum && (value.axes & axis_bit(along)) != 0 && program_.values[value.args[0]].op == Op::kMul) return true;
      for (const ValueId arg : value.args) seen[arg] = value.op != Op::kReduce || seen[arg];
    }
    return false;
  }

  [[nodiscard]] bool is_root(ValueId id) const { return std::ranges::find(roots_, id) != roots_.end(); }

  [[nodiscard]] bool used_only(ValueId id, ValueId by) const {
    return !is_root(id) && std::ranges::all_of(users_[id], [&](ValueId user) { return user == by; });
  }

  /// Whether every way from `from` up leads through `to`, by operations on elements.
  [[nodiscard]] bool closed(ValueId from, ValueId to) const {
    const std::vector<bool> above = made_of(from, to);
    for (ValueId id = from; id < above.size(); ++id) {
      if (!above[id] || id == to) continue;
      const Op op = program_.values[id].op;
      if (is_root(id) || op == Op::kLoad || op >= Op::kReduce) return false;
    }
    return above[to];
  }

  /// Whether `term`, linear in the power, goes into sums alone, which are noted. `dependent`: on the maximum.
  [[nodiscard]] bool sums_of(ValueId term, Softmax& softmax, const std::vector<bool>& dependent) const {
    if (is_root(term)) return false;
    for (const ValueId user : users_[term]) {
      const Value& value = program_.values[user];
      if (value.op == Op::kReduce) {
        if (value.reduction != Reduction::kSum || value.over != axis_bit(softmax.along) ||
            value.type != program_.values[softmax.maximum].type || program_.values[term].type != value.type) {
          return false;
        }
        if (std::ranges::find(softmax.sums, user) == softmax.sums.end()) softmax.sums.push_back(user);
        continue;
      }
      if (value.op != Op::kMul || value.args[0] == value.args[1]) return false;
      const ValueId other = value.args[value.args[0] == term ? 1 : 0];
      if (dependent[other] || !sums_of(user, softmax, dependent)) return false;
    }
    return true;
  }

  /// Of the values that the stores need, those made of `part`; what is made of those in turn by way of `until` is not.
  [[nodiscard]] std::vector<bool> made_of(ValueId part, ValueId until = kNone) const {
    std::vector<bool> made(program_.values.size(), false);
    made[part] = true;
    for (ValueId id = part + 1; id < made.size(); ++id) {
      if (!reached_[id]) continue;
      for_each_operand(program_, id,
                       [&](ValueId operand) { made[id] = made[id] || (made[operand] && operand != until); });
    }
    return made;
  }

  /// Whether the axis serves the softmax alone, in the whole kernel, and all it takes is arithmetic.
  [[nodiscard]] bool nothing_else(const Softmax& softmax) const {
    std::vector<bool> seen(program_.values.size(), false);
    for (const ValueId sum : softmax.sums) seen[sum] = true;
    const auto clean = [&](const auto& self, ValueId id) -> bool {
      if (seen[id]) return true;
      seen[id] = true;
      if (runs_along(program_, id, softmax.along) || id == softmax.maximum) return false;
      bool fine = true;
      for_each_operand(program_, id, [&](ValueId operand) { fine = fine && self(self, operand); });
      return fine;
    };
    if (!std::ranges::all_of(roots_, [&](ValueId root) { return clean(clean, root); })) return false;
    const std::vector<bool> dependent = made_of(softmax.maximum);
    for (ValueId id = 0; id < reached_.size(); ++id) {
      if (!reached_[id] && runs_along(program_, id, softmax.along)) return false;
      const Op op = program_.values[id].op;
      if (reached_[id] && (op == Op::kVar || op == Op::kScan || op == Op::kReindex || op == Op::kArgsort)) return false;
      if (op == Op::kLoad && dependent[id]) return false;
    }
    return true;
  }

  const TileProgram& program_;
  std::size_t block_;
  std::vector<ValueId> roots_;  // what the block's stores need
  std::vector<std::vector<ValueId>> users_;
  std::vector<bool> reached_;
};

class Rewriter {
 public:
  Rewriter(TileProgram& program, const Softmax& softmax) : program_(program), softmax_(softmax) {}

  void run() {
    const Value maximum = program_.values[softmax_.maximum];
    type_ = maximum.type;
    span_ = maximum.span;
    const VarId top = variable("top", maximum.axes);
    const ValueId before = read(top);
    const ValueId now = op(Op::kMax, {before, softmax_.maximum});
    // So low that no exponential shows it: it keeps exp(-inf - -inf) from being NaN before a row's first number.
    const ValueId base = op(Op::kMax, {now, number(lowest())});
    const ValueId power = with(softmax_.power, softmax_.shifted, op(Op::kSub, {maximum.args[0], base}));
    const ValueId keep = with(softmax_.power, softmax_.shifted, op(Op::kSub, {before, base}));

    For loop{.axis = softmax_.along, .body = {}};
    const auto let = [&](const char* name, ValueId value) { loop.body.push_back({Let{name, value}, span_}); };
    let("new", now);
    let("base", base);
    let("p", power);
    let("keep", keep);
    Body body;
    body.push_back({Declare{top, number(-std::numeric_limits<double>::infinity())}, span_});
    std::vector<VarId> carried;
    for (const ValueId sum : softmax_.sums) {
      const Value value = program_.values[sum];
      carried.push_back(variable("sum", value.axes));
      body.push_back({Declare{carried.back(), number(0)}, span_});
      Value part = value;
      part.args = {with(value.args[0], softmax_.power, power)};
      const ValueId kept = op(Op::kMul, {read(carried.back()), keep});
      loop.body.push_back({Assign{carried.back(), Update::kSet, op(Op::kAdd, {kept, add(std::move(part))})}, span_});
    }
    loop.body.push_back({Assign{top, Update::kSet, now}, span_});
    body.push_back({std::move(loop), span_});
    finish(top, carried, std::move(body));
    program_.axes[softmax_.along].whole = false;
  }

 private:
  [[nodiscard]] double lowest() const {
    return type_ == RegType::kF32 ? std::numeric_limits<float>::lowest() : std::numeric_limits<double>::lowest();
  }

  ValueId add(Value value) {
    program_.values.push_back(std::move(value));
    return static_cast<ValueId>(program_.values.size() - 1);
  }
  ValueId number(double x) { return add({.op = Op::kConst, .type = type_, .args = {}, .number = x, .span = span_}); }
  ValueId op(Op op, std::vector<ValueId> args, RegType type) {
    Value value{.op = op, .type = type, .args = std::move(args), .span = span_};
    for (const ValueId arg : value.args) value.axes |= program_.values[arg].axes;
    return add(std::move(value));
  }
  ValueId op(Op kind, std::vector<ValueId> args) { return op(kind, std::move(args), type_); }
  VarId variable(const char* name, AxisSet axes) {
    program_.vars.push_back({.name = name, .type = type_, .axes = axes, .span = span_});
    return static_cast<VarId>(program_.vars.size() - 1);
  }
  ValueId read(VarId var) {
    return add({.op = Op::kVar, .type = type_, .axes = program_.vars[var].axes, .id = var, .args = {}, .span = span_});
  }

  /// `id` with `part` replaced.
  ValueId with(ValueId id, ValueId part, ValueId replacement) {
    std::unordered_map<ValueId, ValueId> known = {{part, replacement}};
    return copied(id, known);
  }
  /// Values that contain none of `known` stay what they are.
  ValueId copied(ValueId id, std::unordered_map<ValueId, ValueId>& known) {
    if (const auto found = known.find(id); found != known.end()) return found->second;
    Value value = program_.values[id];
    bool changed = false;
    for (ValueId& arg : value.args) {
      const ValueId before = std::exchange(arg, copied(arg, known));
      changed = changed || arg != before;
    }
    if (changed) {
      AxisSet axes = 0;
      for (const ValueId arg : value.args) axes |= program_.values[arg].axes;
      value.axes = axes & ~value.over;
      return known[id] = add(std::move(value));
    }
    return known[id] = id;
  }

  /// The block's statements, on what the loop left. top - top is 0, or NaN where the row's maximum is no number.
  void finish(VarId top, const std::vector<VarId>& carried, Body body) {
    const ValueId last = read(top);
    const ValueId extent = program_.axes[softmax_.along].extent;
    const ValueId none = add({.op = Op::kConst, .type = RegType::kI64, .args = {}, .span = span_});
    const ValueId some = op(Op::kGt, {extent, none}, RegType::kBool);
    const ValueId spoiled = op(Op::kSelect, {some, op(Op::kSub, {last, last}), number(0)});
    std::unordered_map<ValueId, ValueId> known;
    for (std::size_t i = 0; i < carried.size(); ++i) {
      known[softmax_.sums[i]] = op(Op::kAdd, {read(carried[i]), spoiled});
    }
    auto& block = std::get<Parallel>(program_.body[softmax_.block].node);
    for (Stmt& stmt : block.body) {
      if (auto* store = std::get_if<Store>(&stmt.node)) {
        store->value = copied(store->value, known);
        for (Index& index : store->indices) {
          if (index.kind == Index::Kind::kComputed) index.value = copied(index.value, known);
        }
        body.push_back(std::move(stmt));
      }
    }
    block.body = std::move(body);
  }

  TileProgram& program_;
  const Softmax& softmax_;
  RegType type_ = RegType::kF32;
  Span span_;
};

std::vector<Softmax> softmaxes(const TileProgram& program) {
  std::vector<Softmax> found;
  for (std::size_t i = 0; i < program.body.size(); ++i) {
    if (!std::holds_alternative<Parallel>(program.body[i].node)) continue;
    const std::vector<Softmax> here = Matcher(program, i).run();
    if (here.size() == 1) found.push_back(here[0]);
  }
  return found;
}

}  // namespace

std::vector<ValueId> online_maxima(const TileProgram& program) {
  std::vector<ValueId> maxima;
  for (const Softmax& softmax : softmaxes(program)) maxima.push_back(softmax.maximum);
  std::ranges::sort(maxima);
  return maxima;
}

TileProgram take_online(const TileProgram& program, std::span<const ValueId> maxima) {
  TileProgram result = program;
  for (const Softmax& softmax : softmaxes(program)) {
    if (std::ranges::find(maxima, softmax.maximum) != maxima.end()) Rewriter(result, softmax).run();
  }
  prune(result);
  return result;
}

}  // namespace aurex::ax
