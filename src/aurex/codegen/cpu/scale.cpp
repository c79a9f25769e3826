// ldexp(x, i32(n)) where n is already an integer held in a float, as every exponential has it: the conversion to i32
// and back, with its saturation, disappears into one scaling instruction.

#include <algorithm>
#include <cmath>
#include <limits>

#include "aurex/codegen/cpu/emitter.h"
#include "aurex/codegen/cpu/special.h"

namespace aurex::codegen {

using ax::Op;
using schedule::Expr;
using schedule::ExprId;

namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kSmall = 1 << 20;  // what emit_scale takes as small

}  // namespace

/// What a let stands for; facts about its definition are facts about it.
const Expr& Emitter::definition(ExprId id) const {
  const Expr* e = &expr(id);
  while (e->kind == Expr::Kind::kLet) e = &expr(context_.survey.let_values[e->id]);
  return *e;
}

/// A bound on the magnitude of a float that is not NaN.
double Emitter::magnitude(ExprId id) const {
  const Expr& e = definition(id);
  if (e.kind == Expr::Kind::kConst) return std::fabs(e.number);
  if (e.kind != Expr::Kind::kOp) return kUnbounded;
  switch (e.op) {
    case Op::kMul:
      return magnitude(e.args[0]) * magnitude(e.args[1]);  // inf * 0 is NaN, which no comparison calls small
    case Op::kRound:
      return magnitude(e.args[0]) + 1;
    case Op::kMin: {  // clamp(x, lo, hi) is min(max(x, lo), hi)
      const Expr& inner = definition(e.args[0]);
      const bool clamps = inner.kind == Expr::Kind::kOp && inner.op == Op::kMax;
      return clamps ? std::max(constant_magnitude(inner.args[1]), constant_magnitude(e.args[1])) : kUnbounded;
    }
    default:
      return kUnbounded;
  }
}

double Emitter::constant_magnitude(ExprId id) const {
  const Expr& e = definition(id);
  return e.kind == Expr::Kind::kConst ? std::fabs(e.number) : kUnbounded;
}

std::optional<Value> Emitter::scale_by_float(const Expr& e) {
  if (e.op != Op::kLdexp || !machine_.avx512) return std::nullopt;
  const Expr& count = expr(e.args[1]);
  if (count.kind != Expr::Kind::kOp || count.op != Op::kCast || expr(count.args[0]).type != e.type) return std::nullopt;
  const Expr& whole = definition(count.args[0]);
  if (whole.kind != Expr::Kind::kOp || whole.op != Op::kRound) return std::nullopt;
  const Value args[] = {eval(e.args[0]), eval(count.args[0])};
  const Shape shape = shape_of(args);
  if (shape.lanes == 1) return std::nullopt;
  const std::vector<LLVMValueRef> x = spread(args[0], shape), n = spread(args[1], shape);
  Value result{.type = e.type};
  for (unsigned v = 0; v < shape.vectors; ++v) {
    result.vectors.push_back(emit_scale(ir_, x[v], n[v], magnitude(count.args[0]) < kSmall));
  }
  return result;
}

}  // namespace aurex::codegen
