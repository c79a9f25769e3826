// Shrinking: every single simplification of a program is tried in turn, the first that still fails is kept, until none
// is.

#include "generator.h"

namespace aurex::testing::random {
namespace {

using Keep = std::function<bool(const Program&)>;

std::string simplest(Type type) {
  switch (type) {
    case Type::kFloat:
      return "u[a]";
    case Type::kInt:
      return "n[a]";
    case Type::kBool:
      break;
  }
  return "(n[a] > 0)";
}

/// Tries to replace an expression by one of its parts or by a leaf; the tree is left in the state that was kept.
bool shrink_expr(Expr& expr, Program& whole, const Keep& keep) {
  if (expr.operands.empty()) return false;
  const Expr before = expr;
  for (const Expr& part : before.operands) {
    if (part.type != before.type || (part.axes & ~before.axes) != 0) continue;
    expr = part;
    if (keep(whole)) return true;
  }
  expr = {.type = before.type, .axes = before.axes, .text = simplest(before.type), .operands = {}};
  if (keep(whole)) return true;
  expr = before;
  for (Expr& operand : expr.operands) {
    if (shrink_expr(operand, whole, keep)) return true;
  }
  return false;
}

bool shrink_body(std::vector<Stmt>& body, Program& whole, const Keep& keep) {
  for (std::size_t i = body.size(); i-- > 0;) {
    const std::vector<Stmt> before = body;
    body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
    if (keep(whole)) return true;
    body = before;
    if (body[i].block) {
      body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
      body.insert(body.begin() + static_cast<std::ptrdiff_t>(i), before[i].body.begin(), before[i].body.end());
      if (keep(whole)) return true;
      body = before;
    }
    if (shrink_body(body[i].body, whole, keep)) return true;
    for (Expr& operand : body[i].operands) {
      if (shrink_expr(operand, whole, keep)) return true;
    }
  }
  return false;
}

bool shrink_once(Program& program, const Keep& keep) {
  for (std::int64_t* extent : {&program.rows, &program.columns}) {
    const std::int64_t before = *extent;
    for (const std::int64_t smaller : {std::int64_t{1}, before / 2, before - 1}) {
      if (smaller < 1 || smaller >= before) continue;
      *extent = smaller;
      if (keep(program)) return true;
    }
    *extent = before;
  }
  return shrink_body(program.body, program, keep);
}

}  // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& fails, int budget) {
  const Keep keep = [&](const Program& candidate) { return budget-- > 0 && fails(candidate); };
  while (budget > 0 && shrink_once(program, keep)) {
  }
  return program;
}

}  // namespace aurex::testing::random
