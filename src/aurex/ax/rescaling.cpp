#include "aurex/ax/rescaling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace aurex::ax {
namespace {

constexpr std::size_t kMaxTerms = 32;
constexpr int kMaxSteps = 4096;  // a value used twice is expanded twice

/// Factors by atom, each to an integer power; no atom has power 0.
using Product = std::map<std::uint32_t, int>;

struct Term {
  bool negative = false;
  bool folded = false;  // times a sum over the tile of what is not carried
  Product factors;
};
using Terms = std::vector<Term>;

void multiply(Product& product, std::uint32_t atom, int power) {
  const auto [it, added] = product.try_emplace(atom, power);
  if (added) return;
  it->second += power;
  if (it->second == 0) product.erase(it);
}

struct Atom {
  enum class Kind : std::uint8_t {
    kClean,   // a value that the loop neither folds nor carries
    kBefore,  // a carried variable before this tile
    kAfter,   // and after it
    kExp,     // an exponential of a product of these
  };
  Kind kind = Kind::kClean;
  std::uint32_t id = kNone;  // the value or variable; for kExp the base: 0 e, 1 two
  Product exponent = {};
  friend bool operator==(const Atom&, const Atom&) = default;
};

class Expansion {
 public:
  /// `own` is the variable whose step is looked into: its next value is taken apart, those of others are atoms.
  Expansion(const ProgramBuilder& builder, const TileClasses& classes, VarId own)
      : program_(builder.program), classes_(classes), own_(own) {
    for (const Call& call : program_.calls) {
      if (call.function == "exp" || call.function == "exp2") calls_.emplace(call.result, &call);
    }
  }

  [[nodiscard]] std::optional<Terms> expand(ValueId id) {
    if (--steps_ < 0) return std::nullopt;
    if (const VarId var = classes_.becomes(id); var != kNone && var != own_) return single({Atom::Kind::kAfter, var});
    if (classes_.clean(id)) return single({Atom::Kind::kClean, id});
    if (classes_.of(id) == TileClass::kSum) return Terms{{.folded = true, .factors = {}}};
    if (const auto call = calls_.find(id); call != calls_.end()) {
      return power(call->second->args[0], call->second->function == "exp" ? 0 : 1);
    }
    const Value& value = program_.values[id];
    switch (value.op) {
      case Op::kVar:
        return variable(id);
      case Op::kNeg:
        return negated(expand(value.args[0]));
      case Op::kCast:
        if (!is_float(value.type) || !is_float(program_.values[value.args[0]].type)) return std::nullopt;
        return expand(value.args[0]);
      case Op::kAdd:
        return sum(expand(value.args[0]), expand(value.args[1]));
      case Op::kSub:
        return sum(expand(value.args[0]), negated(expand(value.args[1])));
      case Op::kMul:
        return product(expand(value.args[0]), expand(value.args[1]));
      case Op::kFma:
        return sum(product(expand(value.args[0]), expand(value.args[1])), expand(value.args[2]));
      case Op::kDiv:
        return product(expand(value.args[0]), inverse(expand(value.args[1])));
      case Op::kSelect:
        return chosen(value);
      case Op::kMax:
        return floored(value);
      case Op::kReduce:
        return value.reduction == Reduction::kSum ? reduced(value) : std::nullopt;
      default:
        return std::nullopt;
    }
  }

  [[nodiscard]] std::uint32_t intern(Atom atom) {
    const auto known = std::ranges::find(atoms_, atom);
    if (known == atoms_.end()) {
      atoms_.push_back(std::move(atom));
      return static_cast<std::uint32_t>(atoms_.size() - 1);
    }
    return static_cast<std::uint32_t>(known - atoms_.begin());
  }

  /// Is all that is carried in this atom of one kind? kClean where nothing is; nothing where kinds are mixed.
  [[nodiscard]] std::optional<Atom::Kind> purity(std::uint32_t id) const {
    const Atom& atom = atoms_[id];
    if (atom.kind != Atom::Kind::kExp) return atom.kind;
    Atom::Kind result = Atom::Kind::kClean;
    for (const auto& [inner, power] : atom.exponent) {
      const Atom::Kind kind = atoms_[inner].kind;
      if (kind == Atom::Kind::kExp) return std::nullopt;
      if (kind == Atom::Kind::kClean || kind == result) continue;
      if (result != Atom::Kind::kClean) return std::nullopt;
      result = kind;
    }
    return result;
  }

  [[nodiscard]] bool exponential(std::uint32_t id) const { return atoms_[id].kind == Atom::Kind::kExp; }

  /// The atom with every variable as it was before the tile.
  [[nodiscard]] std::uint32_t before(std::uint32_t id) {
    Atom atom = atoms_[id];
    if (atom.kind == Atom::Kind::kAfter) atom.kind = Atom::Kind::kBefore;
    if (atom.kind == Atom::Kind::kExp) {
      Product exponent;
      for (const auto& [inner, power] : atom.exponent) multiply(exponent, before(inner), power);
      atom.exponent = std::move(exponent);
    }
    return intern(std::move(atom));
  }

  [[nodiscard]] bool mentions(std::uint32_t id, VarId var) const {
    const Atom& atom = atoms_[id];
    if (atom.kind == Atom::Kind::kBefore || atom.kind == Atom::Kind::kAfter) return atom.id == var;
    return std::ranges::any_of(atom.exponent, [&](const auto& factor) { return mentions(factor.first, var); });
  }

 private:
  Terms single(Atom atom) { return {{.factors = {{intern(std::move(atom)), 1}}}}; }

  std::optional<Terms> variable(ValueId id) {
    const VarId var = program_.values[id].id;
    if (const ValueId only = classes_.only_value(var); only != kNone) return expand(only);
    if (!classes_.carried(var)) return std::nullopt;
    const TileClasses::Reading reading = classes_.reading(id);
    if (reading == TileClasses::Reading::kUncertain) return std::nullopt;
    return single({reading == TileClasses::Reading::kBefore ? Atom::Kind::kBefore : Atom::Kind::kAfter, var});
  }

  static std::optional<Terms> negated(std::optional<Terms> terms) {
    if (terms) std::ranges::for_each(*terms, [](Term& term) { term.negative = !term.negative; });
    return terms;
  }

  static std::optional<Terms> sum(std::optional<Terms> a, const std::optional<Terms>& b) {
    if (!a || !b || a->size() + b->size() > kMaxTerms) return std::nullopt;
    a->insert(a->end(), b->begin(), b->end());
    return a;
  }

  std::optional<Terms> product(const std::optional<Terms>& a, const std::optional<Terms>& b) {
    if (!a || !b || a->size() * b->size() > kMaxTerms) return std::nullopt;
    Terms result;
    for (const Term& x : *a) {
      for (const Term& y : *b) {
        Term term = x;
        if (x.folded && y.folded) return std::nullopt;
        term.negative = x.negative != y.negative;
        for (const auto& [atom, power] : y.factors) multiply(term.factors, atom, power);
        term.folded = x.folded || y.folded;
        if (term.folded && !settle(term)) return std::nullopt;
        result.push_back(std::move(term));
      }
    }
    return result;
  }

  static std::optional<Terms> inverse(std::optional<Terms> terms) {
    if (!terms || terms->size() != 1 || terms->front().folded) return std::nullopt;
    for (auto& [atom, power] : terms->front().factors) power = -power;
    return terms;
  }

  /// A factor that is the same for every tile goes into the sum; an element per position cannot.
  bool settle(Term& term) {
    for (auto it = term.factors.begin(); it != term.factors.end();) {
      const auto kind = purity(it->first);
      if (kind == Atom::Kind::kClean) {
        if (clean_class(it->first) != TileClass::kSame) return false;
        it = term.factors.erase(it);
      } else {
        ++it;
      }
    }
    return true;
  }

  [[nodiscard]] TileClass clean_class(std::uint32_t id) const {
    const Atom& atom = atoms_[id];
    if (atom.kind == Atom::Kind::kClean) return classes_.of(atom.id);
    TileClass result = TileClass::kSame;
    for (const auto& [inner, power] : atom.exponent) result = std::max(result, clean_class(inner));
    return result;
  }

  [[nodiscard]] AxisSet axes(std::uint32_t id) const {
    const Atom& atom = atoms_[id];
    if (atom.kind == Atom::Kind::kClean) return program_.values[atom.id].axes;
    if (atom.kind != Atom::Kind::kExp) return program_.vars[atom.id].axes;
    AxisSet result = 0;
    for (const auto& [inner, power] : atom.exponent) result |= axes(inner);
    return result;
  }

  std::optional<Terms> power(ValueId argument, std::uint32_t base) {
    const bool outer = std::exchange(in_exponent_, true);
    const auto terms = expand(argument);
    in_exponent_ = outer;
    if (!terms) return std::nullopt;
    Term result;
    for (const Term& term : *terms) {
      if (term.folded) return std::nullopt;
      const std::uint32_t atom = intern({Atom::Kind::kExp, base, term.factors});
      if (!purity(atom)) return std::nullopt;
      multiply(result.factors, atom, term.negative ? -1 : 1);
    }
    return Terms{std::move(result)};
  }

  // `c ? a : 0` is a times what c counts. A question whether a carried value is still at its infinite start only keeps
  // the start from making NaN, and is answered by what follows the start.
  std::optional<Terms> chosen(const Value& select) {
    const auto zero = [&](ValueId id) {
      const Value& value = program_.values[id];
      return value.op == Op::kConst && value.number == 0 && value.integer == 0;
    };
    if (classes_.clean(select.args[0])) {
      const Terms counted = single({Atom::Kind::kClean, select.args[0]});
      if (zero(select.args[2])) return product(expand(select.args[1]), counted);
      if (zero(select.args[1])) return product(expand(select.args[2]), counted);
      return std::nullopt;
    }
    if (!asks_for_infinity(select.args[0])) return std::nullopt;
    const std::size_t start = program_.values[select.args[1]].op == Op::kConst ? 1 : 2;
    const Value& constant = program_.values[select.args[start]];
    if (constant.op != Op::kConst || !(in_exponent_ ? std::isfinite(constant.number) : zero(select.args[start]))) {
      return std::nullopt;
    }
    return expand(select.args[3 - start]);
  }

  [[nodiscard]] bool asks_for_infinity(ValueId id) {
    const Value& value = program_.values[id];
    if (value.op == Op::kNot || value.op == Op::kIsInf || value.op == Op::kIsFinite) {
      return value.op == Op::kNot ? asks_for_infinity(value.args[0]) : carries(value.args[0]);
    }
    if (value.op < Op::kEq || value.op > Op::kGe) return false;
    const auto infinite = [&](ValueId side) {
      const Value& constant = program_.values[side];
      return constant.op == Op::kConst && is_float(constant.type) && std::isinf(constant.number);
    };
    return (infinite(value.args[0]) && carries(value.args[1])) || (infinite(value.args[1]) && carries(value.args[0]));
  }

  [[nodiscard]] bool carries(ValueId id) {
    const auto terms = expand(id);
    return terms && terms->size() == 1 && !terms->front().folded && terms->front().factors.size() == 1 &&
           atoms_[terms->front().factors.begin()->first].kind != Atom::Kind::kExp;
  }

  // A floor so low that no exponential shows it: it keeps exp(-inf - -inf) from being NaN.
  std::optional<Terms> floored(const Value& value) {
    constexpr double kLow = -1e30;
    if (!in_exponent_) return std::nullopt;
    for (const std::size_t i : {0u, 1u}) {
      const Value& floor = program_.values[value.args[i]];
      if (floor.op == Op::kConst && is_float(floor.type) && floor.number <= kLow) return expand(value.args[1 - i]);
    }
    return std::nullopt;
  }

  std::optional<Terms> reduced(const Value& value) {
    auto terms = expand(value.args[0]);
    if (!terms) return std::nullopt;
    const bool folds = (value.over & axis_bit(classes_.axis())) != 0;
    for (Term& term : *terms) {
      if (folds && term.folded) return std::nullopt;
      Product outside;
      for (const auto& [atom, power] : term.factors) {
        if (purity(atom) == Atom::Kind::kClean) {
          if (!folds) return std::nullopt;
        } else if ((axes(atom) & value.over) != 0) {
          return std::nullopt;
        } else {
          outside.emplace(atom, power);
        }
      }
      term.factors = std::move(outside);
      term.folded |= folds;
      if (!term.folded) return std::nullopt;
    }
    return terms;
  }

  const TileProgram& program_;
  const TileClasses& classes_;
  VarId own_;
  bool in_exponent_ = false;
  std::unordered_map<ValueId, const Call*> calls_;
  std::vector<Atom> atoms_;
  int steps_ = kMaxSteps;
};

/// The factors that belong to after the tile, before it; nothing where one belongs to neither.
struct Sides {
  Product after, before;
};
std::optional<Sides> sides(const Expansion& expansion, const Product& factors) {
  Sides result;
  for (const auto& [atom, power] : factors) {
    const auto kind = expansion.purity(atom);
    if (!expansion.exponential(atom)) return std::nullopt;  // another factor may be 0, and then the quotient is NaN
    if (kind != Atom::Kind::kAfter && kind != Atom::Kind::kBefore) return std::nullopt;
    (kind == Atom::Kind::kAfter ? result.after : result.before).emplace(atom, power);
  }
  return result;
}

}  // namespace

bool sums_over_tiles(const ProgramBuilder& builder, const TileClasses& classes, const Assign& step) {
  Expansion expansion(builder, classes, step.var);
  auto terms = expansion.expand(step.value);
  if (!terms) return false;
  const bool plain = step.update != Update::kSet;
  const std::uint32_t own = expansion.intern({Atom::Kind::kBefore, step.var});
  std::optional<Product> kept;
  if (plain) kept.emplace();
  std::optional<Product> scale;  // 1 / M(after), of every sum
  for (Term& term : *terms) {
    if (!term.folded) {
      const auto found = term.factors.find(own);
      if (kept || found == term.factors.end() || found->second != 1 || term.negative) return false;
      term.factors.erase(found);
      kept = std::move(term.factors);
      continue;
    }
    if (scale && *scale != term.factors) return false;
    scale = std::move(term.factors);
  }
  if (!kept) return false;
  const auto of_own = sides(expansion, *kept);
  if (!of_own) return false;
  const auto of_sums = scale ? sides(expansion, *scale) : of_own;
  if (!of_sums || (scale && !of_sums->before.empty()) || of_own->after != of_sums->after) return false;
  Product expected;
  for (const auto& [atom, power] : of_own->after) {
    if (expansion.mentions(atom, step.var)) return false;
    multiply(expected, expansion.before(atom), -power);
  }
  return expected == of_own->before;
}

}  // namespace aurex::ax
