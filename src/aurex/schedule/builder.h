#pragma once

// Builds the tables of a loop program: expressions, loop variables, lets, registers, buffers.
//
// Expressions are hash-consed (equal ones get one id) and folded where all arguments are constants, with the arithmetic
// of ax/element.h. The builder knows how each expression changes from lane to lane, so that it can write the access
// kind of a load or store down without anyone analysing indices again.
//
//   LoopBuilder b(program);
//   const VarId i = b.vector_var("i");
//   const ExprId x = b.load(buffer, {b.var(i)});        // Access::kUnit where the stride class says 1

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "aurex/ax/element.h"
#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

/// How a value changes from lane to lane of the enclosing vector loop.
enum class Variation : std::uint8_t { kUniform, kConsecutive /* + 1 a lane */, kAffine /* + a uniform step */, kAny };

class LoopBuilder {
 public:
  explicit LoopBuilder(LoopProgram& program) : program_(program) {}

  // ---- leaves ----
  ExprId i64(std::int64_t value) { return integer(RegType::kI64, value); }
  ExprId integer(RegType type, std::int64_t value);
  ExprId number(RegType type, double value);
  ExprId boolean(bool value) { return integer(RegType::kBool, value ? 1 : 0); }
  ExprId constant(RegType type, ax::Cell cell);
  ExprId extent(std::uint32_t dim);
  ExprId scalar(std::uint32_t id, RegType type);
  ExprId var(VarId id);
  ExprId let(LetId id);
  ExprId reg(RegId id, std::vector<ExprId> indices = {});
  ExprId tree(ax::Reduction reduction, RegId id, std::vector<ExprId> indices = {});
  /// The access kind follows from the indices and the buffer's stride classes.
  ExprId load(BufferId buffer, std::vector<ExprId> indices, ExprId predicate = kNone, ExprId otherwise = kNone);

  // ---- operations; `type` is the result's ----
  ExprId op(ax::Op op, RegType type, std::vector<ExprId> args);
  ExprId cast(RegType type, ExprId value);
  ExprId add(ExprId a, ExprId b) { return op(ax::Op::kAdd, type(a), {a, b}); }
  ExprId sub(ExprId a, ExprId b) { return op(ax::Op::kSub, type(a), {a, b}); }
  ExprId mul(ExprId a, ExprId b) { return op(ax::Op::kMul, type(a), {a, b}); }
  ExprId min(ExprId a, ExprId b) { return op(ax::Op::kMin, type(a), {a, b}); }
  ExprId max(ExprId a, ExprId b) { return op(ax::Op::kMax, type(a), {a, b}); }
  /// Rounded towards minus infinity; 0 where b is 0.
  ExprId floor_div(ExprId a, ExprId b) { return op(ax::Op::kFloorDiv, type(a), {a, b}); }
  /// ceil(a / b) for a >= 0, b > 0.
  ExprId ceil_div(ExprId a, ExprId b) { return floor_div(add(a, sub(b, i64(1))), b); }
  ExprId compare(ax::Op comparison, ExprId a, ExprId b) { return op(comparison, RegType::kBool, {a, b}); }
  ExprId select(ExprId c, ExprId a, ExprId b) { return op(ax::Op::kSelect, type(a), {c, a, b}); }
  /// Conjunction where kNone stands for true.
  ExprId both(ExprId a, ExprId b);
  ExprId negate(ExprId condition) { return op(ax::Op::kNot, RegType::kBool, {condition}); }
  /// 0 <= index < bound.
  ExprId in_range(ExprId index, ExprId bound);

  // ---- tables ----
  VarId loop_var(std::string name);
  VarId vector_var(std::string name);
  RegId new_register(std::string name, RegType type, std::int32_t lanes, std::int32_t vectors,
                     std::vector<std::int64_t> shape = {});
  BufferId new_buffer(Buffer buffer);
  std::int32_t new_site(Site site);
  /// Appends `let name = value` to a body and returns the name's expression. Constants and names come back as they are.
  ExprId name_value(Body& body, std::string name, ExprId value);

  [[nodiscard]] const Expr& expr(ExprId id) const { return program_.exprs[id]; }
  [[nodiscard]] RegType type(ExprId id) const { return program_.exprs[id].type; }
  [[nodiscard]] Variation variation(ExprId id) const { return variation_[id]; }
  [[nodiscard]] bool is_uniform(ExprId id) const { return variation_[id] == Variation::kUniform; }
  [[nodiscard]] Access access(BufferId buffer, std::span<const ExprId> indices) const;
  [[nodiscard]] LoopProgram& program() { return program_; }

 private:
  ExprId intern(Expr expr, Variation variation);
  ExprId simplify(ax::Op op, RegType type, std::span<const ExprId> args);
  bool is_constant(ExprId id, std::int64_t value) const;
  Variation op_variation(ax::Op op, RegType type, std::span<const ExprId> args) const;

  LoopProgram& program_;
  std::vector<Variation> variation_;      // per expression
  std::vector<bool> vector_var_;          // per loop variable
  std::vector<Variation> let_variation_;  // per let
  std::unordered_multimap<std::size_t, ExprId> interned_;
};

/// The dtype that holds a register type in scratch memory.
[[nodiscard]] DType scratch_dtype(RegType type);

}  // namespace aurex::schedule
