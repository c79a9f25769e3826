#include "aurex/ax/tile_classes.h"

#include <algorithm>

#include "aurex/ax/program_rules.h"
#include "aurex/ax/registers.h"

namespace aurex::ax {
namespace {

class Ordering {
 public:
  Ordering(const TileProgram& program, StatementOrder& order)
      : program_(program), order_(order), seen_(program.values.size(), false) {
    order.needed_at.assign(program.values.size(), kNone);
  }

  void walk(const Body& body) {
    const std::uint32_t begin = next_;
    for (const Stmt& stmt : body) {
      visit(stmt);
      ++next_;
    }
    order_.bodies[&body] = {begin, next_};
  }

 private:
  void need(ValueId root) {
    for_each_value(program_, root, seen_, [&](ValueId id) { order_.needed_at[id] = next_; });
  }

  void inner(const Body& body) {
    ++next_;
    walk(body);
  }

  void visit(const Stmt& stmt) {
    for_each_operand(stmt, [&](ValueId id) { need(id); });
    if (const auto* node = std::get_if<Parallel>(&stmt.node)) inner(node->body);
    if (const auto* node = std::get_if<For>(&stmt.node)) inner(node->body);
    if (const auto* node = std::get_if<While>(&stmt.node)) inner(node->body);
    if (const auto* node = std::get_if<If>(&stmt.node)) {
      inner(node->then_body);
      inner(node->else_body);
    }
  }

  const TileProgram& program_;
  StatementOrder& order_;
  std::vector<bool> seen_;
  std::uint32_t next_ = 0;
};

bool is_zero(const Value& value) {
  return value.op == Op::kConst && (is_float(value.type) ? value.number == 0 : value.integer == 0);
}

TileClass fold_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return TileClass::kSum;
    case Reduction::kProd:
      return TileClass::kProd;
    case Reduction::kMax:
    case Reduction::kAny:
      return TileClass::kMax;
    case Reduction::kMin:
    case Reduction::kAll:
      return TileClass::kMin;
    case Reduction::kMean:
    case Reduction::kArgmax:
    case Reduction::kArgmin:
      break;
  }
  return TileClass::kOther;
}

TileClass turned(TileClass fold) {
  if (fold == TileClass::kMax) return TileClass::kMin;
  return fold == TileClass::kMin ? TileClass::kMax : fold;
}

/// Does the cast keep order? One that wraps does not.
bool keeps_order(RegType from, RegType to) {
  return is_float(from) || is_float(to) || bit_width(to) >= bit_width(from);
}

}  // namespace

StatementOrder::StatementOrder(const TileProgram& program) { Ordering(program, *this).walk(program.body); }

TileClasses::TileClasses(const ProgramBuilder& builder, const StatementOrder& order, const For& loop)
    : builder_(builder),
      program_(builder.program),
      order_(order),
      interval_(order.bodies.at(&loop.body)),
      axis_(loop.axis) {
  std::vector<ValueId> controls;
  collect(loop.body, controls, true);
  for (const auto& [var, all] : assignments_) {
    if (declared(var) || all.size() != 1 || !all[0].unconditional || all[0].assign->update != Update::kSet) continue;
    ValueId value = all[0].assign->value;
    next_values_.emplace(value, var);
    while (program_.values[value].op == Op::kCast && is_float(program_.values[program_.values[value].args[0]].type)) {
      value = program_.values[value].args[0];
      next_values_.emplace(value, var);
    }
  }
  classify();
}

void TileClasses::collect(const Body& body, std::vector<ValueId>& controls, bool unconditional) {
  std::uint32_t at = order_.bodies.at(&body).begin;
  const auto inside = [&](const Body& inner, std::initializer_list<ValueId> added, bool still) {
    const std::size_t depth = controls.size();
    for (const ValueId id : added) {
      if (id != kNone) controls.push_back(id);
    }
    collect(inner, controls, unconditional && still);
    controls.resize(depth);
    at = order_.bodies.at(&inner).end;
  };
  for (const Stmt& stmt : body) {
    if (const auto* node = std::get_if<For>(&stmt.node)) inside(node->body, {node->lo, node->hi}, true);
    if (const auto* node = std::get_if<While>(&stmt.node)) inside(node->body, {node->condition}, false);
    if (const auto* node = std::get_if<If>(&stmt.node)) {
      inside(node->then_body, {node->condition}, false);
      inside(node->else_body, {node->condition}, false);
    }
    if (const auto* node = std::get_if<Declare>(&stmt.node)) {
      declared_.set(node->var);
      initial_[node->var] = node->value;
    }
    if (const auto* node = std::get_if<Assign>(&stmt.node)) {
      changed_.set(node->var);
      assignments_[node->var].push_back(
          {.assign = node, .at = at, .home = &body, .unconditional = unconditional, .controls = controls});
    }
    if (const auto* node = std::get_if<Store>(&stmt.node)) stores_[node->array].push_back(node);
    ++at;
  }
}

TileClasses::Reading TileClasses::reading(ValueId read) const {
  const auto found = assignments_.find(program_.values[read].id);
  if (found == assignments_.end() || found->second.size() != 1) return Reading::kUncertain;
  const TileAssignment& only = found->second.front();
  const StatementOrder::Interval home = order_.bodies.at(only.home);
  const std::uint32_t at = order_.needed_at[read];
  if (!only.unconditional || at < home.begin || at >= home.end) return Reading::kUncertain;
  return at <= only.at ? Reading::kBefore : Reading::kAfter;
}

VarId TileClasses::becomes(ValueId id) const {
  const auto found = next_values_.find(id);
  return found == next_values_.end() ? kNone : found->second;
}

ValueId TileClasses::only_value(VarId var) const {
  const auto found = initial_.find(var);
  return found == initial_.end() || changed_.test(var) ? kNone : found->second;
}

bool TileClasses::reads_other_tiles(const Load& load) const {
  const auto stores = stores_.find(load.array);
  if (stores == stores_.end()) return false;
  return !std::ranges::all_of(stores->second, [&](const Store* store) {
    for (std::size_t i = 0; i < store->indices.size() && i < load.indices.size(); ++i) {
      const Index& a = store->indices[i];
      const Index& b = load.indices[i];
      if (a.kind == b.kind && a.axis == b.axis && a.value == b.value &&
          step_along(builder_, a, axis_, axis_bit(axis_)) != 0) {
        return true;
      }
    }
    return false;
  });
}

// Arguments stand before their users, so one sweep classifies everything; the classes of variables that are assigned to
// more than once rise from sweep to sweep until they stand.
void TileClasses::classify() {
  for (const auto& [var, initial] : initial_) variables_[var] = TileClass::kSame;
  classes_.assign(program_.values.size(), TileClass::kOther);
  for (bool stands = false; !stands;) {
    for (ValueId id = 0; id < program_.values.size(); ++id) {
      const Value& value = program_.values[id];
      // What was computed before the loop began is the same for all its tiles.
      const bool before = order_.needed_at[id] < interval_.begin;
      classes_[id] = before ? TileClass::kSame : classify(value);
    }
    stands = true;
    for (auto& [var, known] : variables_) {
      const TileClass now = variable_class(var);
      stands &= now == known;
      known = now;
    }
  }
}

TileClass TileClasses::variable_class(VarId var) const {
  const TileClass first = of(initial_.at(var));
  if (!changed_.test(var)) return first;
  TileClass result = variables_.at(var);
  const auto meet = [&](ValueId id) { result = clean(id) ? std::max(result, of(id)) : TileClass::kOther; };
  meet(initial_.at(var));
  for (const TileAssignment& assignment : assignments_.at(var)) {
    meet(assignment.assign->value);
    for (const ValueId control : assignment.controls) meet(control);
  }
  return result;
}

TileClass TileClasses::classify(const Value& value) const {
  switch (value.op) {
    case Op::kConst:
    case Op::kScalar:
    case Op::kExtent:
      return TileClass::kSame;
    case Op::kPosition:
      return value.id == axis_ ? TileClass::kEach : TileClass::kSame;
    case Op::kVar: {
      if (carried(value.id)) return TileClass::kOther;
      const auto known = variables_.find(value.id);
      return known == variables_.end() ? TileClass::kSame : known->second;
    }
    case Op::kLoad:
      return classify_load(value);
    case Op::kReduce:
      return classify_reduce(value);
    default:
      break;
  }
  TileClass result = TileClass::kSame;
  for (const ValueId arg : value.args) result = std::max(result, of(arg));
  return result <= TileClass::kEach ? result : classify_folded(value);
}

TileClass TileClasses::classify_load(const Value& value) const {
  const Load& load = program_.loads[value.id];
  TileClass result = TileClass::kSame;
  for (const Index& index : load.indices) {
    if (index.kind == Index::Kind::kAxis && index.axis == axis_) result = std::max(result, TileClass::kEach);
    if (index.value != kNone) result = std::max(result, of(index.value));
  }
  if (load.otherwise != kNone) result = std::max(result, of(load.otherwise));
  return result > TileClass::kEach || reads_other_tiles(load) ? TileClass::kOther : result;
}

TileClass TileClasses::classify_reduce(const Value& value) const {
  const TileClass operand = of(value.args[0]);
  const bool folds = (value.over & axis_bit(axis_)) != 0;
  if (operand <= TileClass::kEach) return folds ? fold_of(value.reduction) : operand;
  if (folds || operand == TileClass::kOther) return TileClass::kOther;
  // A second fold over other axes, of the same kind.
  if (operand == TileClass::kSum && value.reduction == Reduction::kMean) return operand;
  return fold_of(value.reduction) == operand ? operand : TileClass::kOther;
}

// Element-wise operations under which folds of tiles still combine.
TileClass TileClasses::classify_folded(const Value& value) const {
  const auto arg = [&](std::size_t i) { return of(value.args[i]); };
  const auto is = [&](std::size_t i, TileClass fold) {
    return arg(i) == fold || (fold == TileClass::kSum && is_zero(program_.values[value.args[i]]));
  };
  const auto same = [&](std::size_t i) { return arg(i) == TileClass::kSame; };
  const auto both = [&](TileClass fold, std::size_t a, std::size_t b) { return is(a, fold) && is(b, fold); };
  switch (value.op) {
    case Op::kNeg:
      if (arg(0) == TileClass::kSum || is_float(value.type)) {  // the smallest integer is its own negative
        return arg(0) == TileClass::kProd ? TileClass::kOther : turned(arg(0));
      }
      break;
    case Op::kNot:
      return turned(arg(0));
    case Op::kCast: {
      const RegType from = program_.values[value.args[0]].type;
      if (arg(0) == TileClass::kSum) return is_float(from) && !is_float(value.type) ? TileClass::kOther : arg(0);
      return keeps_order(from, value.type) ? arg(0) : TileClass::kOther;
    }
    case Op::kAdd:
    case Op::kSub: {
      if (both(TileClass::kSum, 0, 1)) return TileClass::kSum;
      if (!is_float(value.type)) return TileClass::kOther;  // integers wrap and lose their order
      const std::size_t folded = same(1) ? 0 : 1;
      if (!same(1 - folded) || (arg(folded) != TileClass::kMax && arg(folded) != TileClass::kMin)) break;
      return folded == 1 && value.op == Op::kSub ? turned(arg(1)) : arg(folded);
    }
    case Op::kMul:
      if (both(TileClass::kProd, 0, 1)) return TileClass::kProd;
      if ((is(0, TileClass::kSum) && same(1)) || (same(0) && is(1, TileClass::kSum))) return TileClass::kSum;
      break;
    case Op::kDiv:
      if (is(0, TileClass::kSum) && same(1)) return TileClass::kSum;
      break;
    case Op::kFma:
      if (!is(2, TileClass::kSum)) break;
      if ((is(0, TileClass::kSum) && same(1)) || (same(0) && is(1, TileClass::kSum))) return TileClass::kSum;
      break;
    case Op::kMax:
    case Op::kOr:
    case Op::kMin:
    case Op::kAnd: {
      const TileClass fold = value.op == Op::kMax || value.op == Op::kOr ? TileClass::kMax : TileClass::kMin;
      if ((arg(0) == fold || same(0)) && (arg(1) == fold || same(1))) return fold;
      break;
    }
    case Op::kSelect:
      if (!same(0)) break;
      if (both(TileClass::kSum, 1, 2)) return TileClass::kSum;
      if (arg(1) == arg(2)) return arg(1);
      break;
    default:
      break;
  }
  return TileClass::kOther;
}

}  // namespace aurex::ax
