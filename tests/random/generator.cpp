#include "generator.h"

#include <array>
#include <limits>
#include <string_view>

#include "aurex/ax/philox.h"

namespace aurex::testing::random {
namespace {

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : seed_(seed) {}
  /// In [0, bound).
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(ax::philox_uniform(seed_, next_++) * static_cast<double>(bound));
  }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  template <std::size_t N>
  std::string_view pick(const std::array<std::string_view, N>& choices) {
    return choices[static_cast<std::size_t>(below(N))];
  }

 private:
  std::uint64_t seed_;
  std::uint64_t next_ = 0;
};

/// A name that expressions may use.
struct Known {
  std::string name;
  Type type = Type::kFloat;
  unsigned axes = 0;
  bool variable = false;
};

class Generator {
 public:
  Generator(std::uint64_t seed, int size) : draws_(seed), size_(size), shape_(shape_of(seed)) {}

  Program run(std::uint64_t seed) {
    Program program;
    program.seed = seed;
    program.rows = 1 + draws_.below(5);
    program.columns = 1 + draws_.below(7);
    if (seed % 32 == 11) program.rows = 0;
    if (seed % 32 == 21) program.columns = 0;
    const std::int64_t statements = 1 + draws_.below(std::int64_t{2} * size_);
    for (std::int64_t i = 0; i < statements; ++i) program.body.push_back(statement(size_));
    program.body.push_back(store("z[a, B] = $0", expr(Type::kFloat, kRow | kColumn, size_)));
    program.body.push_back(store("s[a] = $0", expr(Type::kFloat, kRow, size_)));
    program.body.push_back(store("h[a] = $0", expr(Type::kInt, kRow, size_)));
    return program;
  }

 private:
  static Stmt store(std::string head, Expr value) {
    Stmt stmt;
    stmt.head = std::move(head);
    stmt.operands.push_back(std::move(value));
    return stmt;
  }

  std::string fresh(std::string_view stem) { return std::string(stem) + std::to_string(++names_); }

  unsigned some_axes() { return draws_.one_in(2) ? kRow : kRow | kColumn; }

  // Statements

  Stmt statement(int depth) {
    switch (draws_.below(depth > 0 ? 6 : 2)) {
      case 0:
        return variable();
      case 1:
      case 2:
        return let();
      case 3:
        return loop(depth);
      case 4:
        return condition(depth);
      default:
        return repeat(depth);
    }
  }

  Stmt let() {
    const Type type = draws_.one_in(3) ? Type::kInt : Type::kFloat;
    const unsigned axes = some_axes();
    Stmt stmt = store("", expr(type, axes, size_));
    stmt.name = fresh("t");
    stmt.head = "let " + stmt.name + " = $0";
    known_.push_back({stmt.name, type, axes, false});
    return stmt;
  }

  Stmt variable() {
    const unsigned axes = draws_.one_in(3) ? kRow | kColumn : kRow;
    Stmt stmt = store("", expr(Type::kFloat, axes, size_));
    stmt.name = fresh("w");
    stmt.head = "var " + stmt.name + indices(axes) + " = f32($0)";
    known_.push_back({stmt.name, Type::kFloat, axes, true});
    return stmt;
  }

  static std::string indices(unsigned axes) { return axes == kRow ? "[a]" : "[a, B]"; }

  /// A variable of these axes to assign to; null where there is none. Valid until another name is known.
  const Known* target(unsigned axes) {
    std::vector<const Known*> all;
    for (const Known& known : known_) {
      if (known.variable && known.axes == axes) all.push_back(&known);
    }
    return all.empty() ? nullptr : all[static_cast<std::size_t>(draws_.below(static_cast<std::int64_t>(all.size())))];
  }

  /// Axes that a condition may differ along: those of some variable.
  unsigned condition_axes() {
    const bool column = column_ == "B" && target(kRow | kColumn) != nullptr;
    return column && (draws_.one_in(2) || target(kRow) == nullptr) ? kRow | kColumn : kRow;
  }

  Stmt assignment(unsigned axes, int depth) {
    const std::string name = target(axes)->name;
    no_reduction_ = (axes & kColumn) != 0;
    Stmt stmt = store(name + " = " + (draws_.one_in(2) ? "$0" : name + " * 0.5 + $0"), expr(Type::kFloat, axes, depth));
    no_reduction_ = false;
    return stmt;
  }

  Stmt condition(int depth) {
    const unsigned axes = condition_axes();
    if (target(axes) == nullptr) return variable();
    Stmt stmt = store("if $0", expr(Type::kBool, axes, depth - 1));
    stmt.block = true;
    if (draws_.one_in(4)) {
      local(target(axes)->name, stmt.body);
    } else if (axes == kRow && depth > 1 && draws_.one_in(3)) {
      stmt.body.push_back(draws_.one_in(2)   ? condition(depth - 1)
                          : draws_.one_in(2) ? loop(depth - 1)
                                             : repeat(depth - 1));
    } else {
      stmt.body.push_back(assignment(axes, depth - 1));
    }
    return stmt;
  }

  /// A variable without axes, which whoever sees it counts down alone.
  void local(const std::string& target, std::vector<Stmt>& body) {
    Stmt declare;
    declare.name = fresh("l");
    declare.head = "var " + declare.name + " = 2.0";
    Stmt step;
    step.head = "while " + declare.name + " > 0.25 { " + declare.name + " = " + declare.name + " * 0.5 }";
    step.name = declare.name;
    Stmt use;
    use.head = target + " = " + target + " + " + declare.name;
    body.push_back(std::move(declare));
    body.push_back(std::move(step));
    body.push_back(std::move(use));
  }

  /// `for` over tiles or positions of B, perhaps with bounds of its own per row.
  Stmt loop(int depth) {
    if (target(kRow) == nullptr || column_ != "B") return variable();
    const std::string name = target(kRow)->name;
    const bool unit = draws_.one_in(3);
    const std::string axis = fresh("b");
    Stmt stmt;
    stmt.block = true;
    stmt.head = "for " + axis + " in B";
    if (draws_.one_in(2)) {
      stmt.head += " until $0";
      stmt.operands.push_back(expr(Type::kInt, kRow, depth - 1));
    }
    if (unit) stmt.head += " by 1";
    const std::string outer = std::exchange(column_, axis);
    const bool outer_unit = std::exchange(column_is_unit_, unit);
    if (unit) {
      stmt.body.push_back(store(name + " = " + name + " * 0.5 + $0", expr(Type::kFloat, kRow, depth - 1)));
    } else {
      static constexpr std::array<std::string_view, 3> kUpdates = {"$w += sum($0, $b)", "$w = maximum($w, max($0, $b))",
                                                                   "$w = minimum($w, min($0, $b))"};
      std::string update(draws_.pick(kUpdates));
      replace(update, "$w", name);
      replace(update, "$b", axis);
      in_tile_ = true;
      stmt.body.push_back(store(update, carrying(depth - 1)));
      in_tile_ = false;
    }
    column_ = outer;
    column_is_unit_ = outer_unit;
    return stmt;
  }

  Stmt repeat(int depth) {
    const unsigned axes = condition_axes();
    if (target(axes) == nullptr) return variable();
    const std::string count = fresh("c");
    Stmt stmt;
    stmt.head = "var " + count + indices(axes) + " = 0";
    stmt.name = count;
    Stmt loop = store("while " + count + " < ($0 & 3)", expr(Type::kInt, axes, depth - 1));
    loop.block = true;
    loop.body.push_back(assignment(axes, depth - 1));
    Stmt step;
    step.head = count + " = " + count + " + 1";
    step.name = count;  // stays with its loop
    loop.body.push_back(step);
    Stmt both;
    both.head = "if true";
    both.block = true;
    both.body.push_back(std::move(stmt));
    both.body.push_back(std::move(loop));
    return both;
  }

  static void replace(std::string& text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
      text.replace(at, what.size(), with);
    }
  }

  // Expressions

  Expr make(Type type, unsigned axes, std::string text, std::vector<Expr> operands = {}) {
    return {.type = type, .axes = axes, .text = std::move(text), .operands = std::move(operands)};
  }

  /// One whose value carries the column axis for certain.
  Expr carrying(int depth) {
    static constexpr std::array<std::string_view, 4> kOps = {"($0 + $1)", "($0 * $1)", "maximum($0, $1)", "($0 - $1)"};
    Expr column = make(Type::kFloat, kRow | kColumn, "x[a, " + column_ + "]");
    if (depth <= 0) return column;
    std::string op(draws_.pick(kOps));
    return make(Type::kFloat, kRow | kColumn, std::move(op),
                {std::move(column), expr(Type::kFloat, kRow | kColumn, depth - 1)});
  }

  Expr expr(Type type, unsigned axes, int depth) {
    if (depth <= 0 || draws_.one_in(5)) return leaf(type, axes);
    switch (type) {
      case Type::kFloat:
        return number(axes, depth - 1);
      case Type::kInt:
        return integer(axes, depth - 1);
      case Type::kBool:
        break;
    }
    return truth(axes, depth - 1);
  }

  Expr leaf(Type type, unsigned axes) {
    std::vector<std::string> names;
    for (const Known& known : known_) {
      if (known.type != type || (known.axes & ~axes) != 0) continue;
      if (known.variable && in_tile_) continue;  // what a tile makes of it would depend on the tile's size
      if ((known.axes & kColumn) != 0 && column_ != "B") continue;
      names.push_back(known.name);
    }
    const bool column = (axes & kColumn) != 0 || (column_is_unit_ && !in_tile_);
    if (type == Type::kFloat) {
      names.insert(names.end(), {"alpha", "0.5", "-1.25", "u[a]"});
      if (column)
        names.insert(names.end(), {"x[a, " + column_ + "]", "y[a, " + column_ + (shape_.split ? ", 1]" : "]"),
                                   "v[" + column_ + "]"});
    } else if (type == Type::kInt) {
      names.insert(names.end(), {"n[a]", "2", "-3"});
      if (!shape_.packed) names.emplace_back("a");
      if (column) names.push_back("m[a, " + column_ + "]");
    } else {
      names.insert(names.end(), {"(n[a] > 0)", "(u[a] < 0.25)"});
    }
    return make(type, axes, names[static_cast<std::size_t>(draws_.below(static_cast<std::int64_t>(names.size())))]);
  }

  Expr number(unsigned axes, int depth) {
    static constexpr std::array<std::string_view, 4> kOne = {"(-$0)", "abs($0)", "floor($0)", "sqrt(abs($0))"};
    static constexpr std::array<std::string_view, 6> kTwo = {
        "($0 + $1)", "($0 - $1)", "($0 * $1)", "maximum($0, $1)", "minimum($0, $1)", "($0 / (1.5 + abs($1)))"};
    static constexpr std::array<std::string_view, 5> kReduce = {"sum($0, B)", "max($0, B)", "min($0, B)", "mean($0, B)",
                                                                "sum($0, B)"};
    switch (draws_.below(8)) {
      case 0:
        return make(Type::kFloat, axes, std::string(draws_.pick(kOne)), {expr(Type::kFloat, axes, depth)});
      case 1:
        return make(Type::kFloat, axes, "($0 ? $1 : $2)",
                    {expr(Type::kBool, axes, depth), expr(Type::kFloat, axes, depth), expr(Type::kFloat, axes, depth)});
      case 2:
        if (column_ != "B" || no_reduction_) break;
        return make(Type::kFloat, axes, std::string(draws_.pick(kReduce)), {carrying(depth)});
      case 3:
        if (column_ != "B" || no_reduction_ || (axes & kColumn) == 0) break;
        return make(Type::kFloat, axes, draws_.one_in(2) ? "scan_sum($0, B)" : "scan_max($0, B)", {carrying(depth)});
      case 4:
        return make(Type::kFloat, axes, draws_.one_in(2) ? "(x[a, $0 + 0] else 0.5)" : "(v[$0 + 0] else -1.0)",
                    {expr(Type::kInt, axes, depth)});
      case 5:
        return make(Type::kFloat, axes, "f32($0)", {expr(Type::kInt, axes, depth)});
      default:
        break;
    }
    return make(Type::kFloat, axes, std::string(draws_.pick(kTwo)),
                {expr(Type::kFloat, axes, depth), expr(Type::kFloat, axes, depth)});
  }

  Expr integer(unsigned axes, int depth) {
    static constexpr std::array<std::string_view, 10> kTwo = {
        "($0 + $1)", "($0 - $1)", "($0 * $1)", "div($0, $1)", "($0 % $1)",
        "($0 & $1)", "($0 | $1)", "($0 ^ $1)", "($0 >> $1)",  "maximum($0, $1)"};
    switch (draws_.below(7)) {
      case 0:
        return make(Type::kInt, axes, "($0 ? $1 : $2)",
                    {expr(Type::kBool, axes, depth), expr(Type::kInt, axes, depth), expr(Type::kInt, axes, depth)});
      case 1:
        return make(Type::kInt, axes, "i32($0)", {expr(Type::kFloat, axes, depth)});
      case 2:
        if (column_ != "B" || no_reduction_) break;
        return make(Type::kInt, axes, draws_.one_in(2) ? "argmax($0, B)" : "argmin($0, B)", {carrying(depth)});
      case 3:
        if (column_ != "B" || no_reduction_ || (axes & kColumn) == 0) break;
        return make(Type::kInt, axes, "argsort($0, B)", {carrying(depth)});
      default:
        break;
    }
    return make(Type::kInt, axes, std::string(draws_.pick(kTwo)),
                {expr(Type::kInt, axes, depth), expr(Type::kInt, axes, depth)});
  }

  Expr truth(unsigned axes, int depth) {
    static constexpr std::array<std::string_view, 4> kCompare = {"($0 < $1)", "($0 <= $1)", "($0 == $1)", "($0 != $1)"};
    static constexpr std::array<std::string_view, 2> kLogic = {"($0 and $1)", "($0 or $1)"};
    const Type type = draws_.one_in(2) ? Type::kInt : Type::kFloat;
    if (draws_.one_in(4)) {
      return make(Type::kBool, axes, std::string(draws_.pick(kLogic)),
                  {expr(Type::kBool, axes, depth), expr(Type::kBool, axes, depth)});
    }
    return make(Type::kBool, axes, std::string(draws_.pick(kCompare)),
                {expr(type, axes, depth), expr(type, axes, depth)});
  }

  Draws draws_;
  int size_;
  Shape shape_;
  int names_ = 0;
  std::string column_ = "B";  // what indexes columns here: the whole axis, or a loop's variable
  bool column_is_unit_ = false;
  bool in_tile_ = false;
  bool no_reduction_ = false;  // under a condition that differs along columns
  std::vector<Known> known_;
};

std::string text_of(const std::string& pattern, const std::vector<Expr>& operands) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '$' && i + 1 < pattern.size()) {
      const Expr& operand = operands[static_cast<std::size_t>(pattern[++i] - '0')];
      text += text_of(operand.text, operand.operands);
    } else {
      text += pattern[i];
    }
  }
  return text;
}

void print_body(const std::vector<Stmt>& body, int indent, std::string& out) {
  for (const Stmt& stmt : body) {
    out += std::string(static_cast<std::size_t>(indent), ' ') + text_of(stmt.head, stmt.operands);
    if (stmt.block) {
      out += " {\n";
      print_body(stmt.body, indent + 2, out);
      out += std::string(static_cast<std::size_t>(indent), ' ') + "}";
    }
    out += "\n";
  }
}

}  // namespace

Shape shape_of(std::uint64_t seed) {
  return {.packed = seed % 8 == 6,
          .split = seed % 8 == 7,
          .kernel_level = seed % 8 == 5,
          .layout = ax::testing::kAllLayouts[seed / 2 % 4]};
}

Program generate(std::uint64_t seed, int size) { return Generator(seed, size).run(seed); }

std::string print(const Program& program) {
  const Shape shape = shape_of(program.seed);
  const std::string rows = shape.packed ? "A..." : "A";
  const std::string matrix = "f32[" + rows + ", B]";
  std::string out = "kernel k(x: " + matrix + ", y: " + (shape.split ? "f32[" + rows + ", (B, 2)]" : matrix) +
                    ", u: f32[" + rows + "], v: f32[B], n: i32[" + rows + "], m: i32[" + rows +
                    ", B], alpha: float)\n    -> (z: " + matrix + ", s: f32[" + rows + "], h: i32[" + rows + "]) {\n" +
                    (shape.kernel_level ? "  let a in A\n" : "  parallel a in A {\n");
  print_body(program.body, 4, out);
  return out + (shape.kernel_level ? "}\n" : "  }\n}\n");
}

ax::testing::Values arguments(const Program& program) {
  Draws draws(program.seed ^ 0xA5A5A5A5u);
  const bool special = program.seed % 8 == 0;
  const auto floats = [&](const Dims& shape) {
    static constexpr double kSpecial[] = {std::numeric_limits<double>::quiet_NaN(),
                                          std::numeric_limits<double>::infinity(),
                                          -std::numeric_limits<double>::infinity(), -0.0, 0x1p-140};
    ax::testing::HostArray array = {.dtype = DType::kF32, .shape = shape, .values = {}};
    for (std::int64_t i = element_count(shape); i > 0; --i) {
      const bool odd = special && draws.one_in(6);
      array.values.push_back(odd ? kSpecial[draws.below(5)] : static_cast<double>(draws.below(33) - 16) / 8);
    }
    return array;
  };
  const auto integers = [&](const Dims& shape) {
    ax::testing::HostArray array = {.dtype = DType::kI32, .shape = shape, .values = {}};
    for (std::int64_t i = element_count(shape); i > 0; --i)
      array.values.push_back(static_cast<double>(draws.below(12) - 3));
    return array;
  };
  const Shape shape = shape_of(program.seed);
  const std::int64_t b = program.columns;
  const Dims rows = shape.packed ? Dims{2, program.rows} : Dims{program.rows};
  const auto matrix = [&](std::int64_t columns) {
    Dims dims = rows;
    dims.push_back(columns);
    return dims;
  };
  ax::testing::Values values;
  values["x"] = floats(matrix(b));
  values["y"] = floats(matrix(shape.split ? 2 * b : b));
  values["u"] = floats(rows);
  values["v"] = floats({b});
  values["n"] = integers(rows);
  values["m"] = integers(matrix(b));
  values["alpha"] = static_cast<double>(draws.below(9) - 4) / 4;
  return values;
}

}  // namespace aurex::testing::random
