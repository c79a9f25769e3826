#pragma once

// Walks a loop program and writes one LLVM function: what stands there, in the order it stands there.
//
// A value that varies by lane is one LLVM vector per machine vector of its loop; a uniform value is a scalar, splat
// where the two meet; a loop variable and what adds and scales it stay a scalar and a step for as long as they can, so
// that addresses are scalar and casts of positions cost one vector. Registers are SSA values throughout: loops and
// branches make phis for the registers that their bodies set. Nothing here chooses a shape of code; that is
// `schedule/`.
//
// The parts of the class lie in files of their own: expressions.cpp, memory.cpp, transposition.cpp, loops.cpp,
// odometer.cpp, effects.cpp, launch.cpp. One Emitter per function, one thread.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "aurex/codegen/cpu/ir.h"
#include "aurex/codegen/cpu/operations.h"
#include "aurex/codegen/cpu/survey.h"
#include "aurex/schedule/loop_program.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {

/// A value of the loop program.
struct Value {
  ax::RegType type = ax::RegType::kI64;
  LLVMValueRef scalar = nullptr;        // uniform; or lane 0 of a linear value
  LLVMValueRef step = nullptr;          // linear: lane l is scalar + l * step, l counting through all vectors
  std::vector<LLVMValueRef> vectors{};  // varying: one per machine vector

  [[nodiscard]] bool uniform() const { return vectors.empty() && step == nullptr; }
  [[nodiscard]] bool linear() const { return step != nullptr; }
};

/// Sizes of scratch saturate here: above what any arena grants, and two of them still add up.
inline constexpr std::int64_t kNoMemoryIsLarger = std::int64_t{1} << 61;

/// What every function of a program shares.
struct ProgramContext {
  const schedule::LoopProgram& program;
  const schedule::Target& target;
  Machine machine;
  Survey survey;
  LLVMModuleRef module = nullptr;
  std::map<const schedule::Launch*, LLVMValueRef> records;  // AurexLaunch constants
};

class Emitter {
 public:
  Emitter(const ProgramContext& context, LLVMValueRef function);

  /// `drive(frame)`: the top of the program.
  void emit_drive();
  /// `plan(frame, plan)`.
  void emit_plan();
  /// `extents(frame, extents)`: of the axes of all sites, in order.
  void emit_extents();
  /// `block(frame, worker, first, last)` of one launch.
  void emit_block(const schedule::Launch& launch);

 private:
  /// The innermost vector loop's step.
  struct Step {
    unsigned lanes = 1, vectors = 1;   // of one step; 1 vector in a narrow tail
    std::vector<LLVMValueRef> mask{};  // one per vector; empty where all lanes are live
    LLVMValueRef whole = nullptr;      // masked: whether all lanes are live all the same
  };
  /// Where the lanes of an access lie: base for lane 0; then `step` elements apart, or at `offsets`.
  struct Location {
    LLVMTypeRef element = nullptr;  // in memory
    unsigned align = 1;             // of every element, in bytes
    LLVMValueRef base = nullptr;
    LLVMValueRef step = nullptr;          // null: all lanes at base
    std::vector<LLVMValueRef> offsets{};  // i64 vectors, elements
  };
  struct Shape {
    unsigned lanes = 1, vectors = 1;
  };
  using Elements = std::vector<std::vector<LLVMValueRef>>;  // of a register: per element, per machine vector

  // ---- expressions.cpp ----
  const schedule::Expr& expr(schedule::ExprId id) const { return program_.exprs[id]; }
  /// The value in the current statement; shared parts are made once.
  const Value& eval(schedule::ExprId id);
  Value compute(const schedule::Expr& e);
  Value constant(const schedule::Expr& e) const;
  Value scalar_parameter(const schedule::Expr& e);
  Value let_value(schedule::LetId id);
  Value operation(const schedule::Expr& e);
  std::optional<Value> linear_operation(ax::Op op, ax::RegType type, ax::RegType operand, std::span<const Value> args);
  Value tree(const schedule::Expr& e);
  Value read_register(const schedule::Expr& e);
  LLVMValueRef uniform(schedule::ExprId id);
  std::int64_t known(schedule::ExprId id);
  /// Index arithmetic where the program vouches for consecutive or evenly spaced lanes.
  Value index(schedule::ExprId id);
  Shape shape_of(std::span<const Value> values) const;
  /// One LLVM vector (or scalar, where the shape is one lane) per machine vector.
  std::vector<LLVMValueRef> spread(const Value& value, Shape shape);
  Value cast(const Value& value, ax::RegType to);

  // ---- scale.cpp ----
  std::optional<Value> scale_by_float(const schedule::Expr& e);
  const schedule::Expr& definition(schedule::ExprId id) const;
  double magnitude(schedule::ExprId id) const;
  double constant_magnitude(schedule::ExprId id) const;

  // ---- memory.cpp ----
  LLVMValueRef frame_field(unsigned offset, LLVMTypeRef type);
  LLVMValueRef array_field(std::uint32_t array, unsigned offset, LLVMTypeRef type);
  LLVMValueRef argument_stride(const schedule::Buffer& buffer, std::size_t dimension);
  LLVMValueRef scratch_stride(schedule::BufferId id, std::size_t dimension);
  /// Elements that a scratch buffer spans. `checked`: saturates instead of wrapping.
  LLVMValueRef scratch_bytes(schedule::BufferId id, bool checked);
  LLVMValueRef stride(schedule::BufferId id, std::size_t dimension);
  LLVMValueRef buffer_base(schedule::BufferId id);
  Location locate(schedule::BufferId id, std::span<const schedule::ExprId> indices, schedule::Access access);
  /// Tail mask and predicate together, per vector; empty where every lane is live.
  std::vector<LLVMValueRef> live(const Value* predicate, Shape shape);
  Value load(const schedule::Expr& e);
  LLVMValueRef load_one(const Location& at, LLVMValueRef wanted);
  std::vector<LLVMValueRef> load_lanes(const Location& at, schedule::Access access, Shape shape,
                                       std::span<const LLVMValueRef> mask, LLVMValueRef passthru);
  static bool is_every_second(const Location& at);
  LLVMValueRef load_every_second(const Location& at, LLVMTypeRef type, LLVMValueRef from, LLVMValueRef mask);
  LLVMValueRef lane_addresses(const Location& at, Shape shape, unsigned vector);
  LLVMValueRef vector_address(const Location& at, Shape shape, unsigned vector);
  void run(const schedule::Store& store);
  void store_one(const Location& at, const schedule::Store& store, const Value& value, const Value* predicate);
  void store_lanes(const Location& at, const schedule::Store& store, Shape shape, const Value& value,
                   std::span<const LLVMValueRef> mask);
  void store_in_order(const Location& at, const schedule::Store& store, Shape shape, const Value& value,
                      std::span<const LLVMValueRef> mask);
  void store_unit(const Location& at, Shape shape, std::span<const LLVMValueRef> raw,
                  std::span<const LLVMValueRef> mask);
  void store_streaming(const Location& at, LLVMValueRef wanted, Shape shape, std::span<const LLVMValueRef> raw,
                       std::span<const LLVMValueRef> mask);
  LLVMValueRef updated(ax::Update update, DType dtype, ax::RegType type, LLVMValueRef old_raw, LLVMValueRef value);
  void run(const schedule::Prefetch& prefetch);

  // ---- transposition.cpp ----
  void run(const schedule::TransposedStore& store);
  void stream_lines(LLVMValueRef base, LLVMValueRef step, LLVMValueRef wanted, std::span<const LLVMValueRef> lines,
                    std::span<const LLVMValueRef> to, const std::function<void()>& otherwise);

  // ---- loops.cpp ----
  void run(const schedule::Body& body);
  void run(const schedule::Loop& loop);
  void run(const schedule::Let& let);
  void run(const schedule::Declare& declare);
  void run(const schedule::Set& set);
  void run(const schedule::If& branch);
  void run(const schedule::While& loop);
  void run_unrolled(const schedule::Loop& loop);
  void run_vector(const schedule::Loop& loop);
  void run_step(const schedule::Loop& loop, LLVMValueRef position, LLVMValueRef end, unsigned vectors, bool masked);
  std::vector<LLVMValueRef> tail_mask(LLVMValueRef position, LLVMValueRef end, unsigned lanes, unsigned vectors);
  /// for (i = lo; i < hi; i += step) body(i), with phis for `set`, of whose lane vectors the first `vectors` change.
  void counted_loop(LLVMValueRef lo, LLVMValueRef hi, LLVMValueRef step, std::span<const schedule::RegId> set,
                    unsigned vectors, const std::function<void(LLVMValueRef)>& body);
  /// Runs `then` where the condition holds; registers set inside are merged.
  void when(LLVMValueRef condition, const std::function<void()>& then, const std::function<void()>& otherwise = {});
  std::vector<schedule::RegId> live_registers(const schedule::Body& body) const;
  std::size_t element_index(schedule::RegId id, std::span<const schedule::ExprId> indices);
  /// How many machine vectors of a register the current step sees.
  unsigned register_vectors(const schedule::Register& reg) const;
  /// Visits the SSA values of registers, of each element the first `vectors`, as references.
  template <typename Visit>
  void each_slot(std::span<const schedule::RegId> set, unsigned vectors, Visit visit) {
    for (const schedule::RegId id : set) {
      for (std::vector<LLVMValueRef>& element : registers_[id]) {
        for (std::size_t n = 0; n < element.size() && n < vectors; ++n) visit(element[n]);
      }
    }
  }

  // ---- odometer.cpp ----
  void run_odometer(const schedule::Loop& loop);

  // ---- effects.cpp ----
  void run(const schedule::Check& check);
  void report_fault(const schedule::Check& check, Shape shape, std::span<const LLVMValueRef> bad);
  void run(const schedule::Print& print);
  LLVMValueRef any(LLVMValueRef mask);
  /// Calls `body` for each live lane in ascending order, in a scope of its own.
  void each_lane(Shape shape, std::span<const LLVMValueRef> mask,
                 const std::function<void(unsigned vector, LLVMValueRef lane)>& body);
  void call_runtime(unsigned offset, std::span<const LLVMTypeRef> types, std::initializer_list<LLVMValueRef> args);

  // ---- launch.cpp ----
  void run(const schedule::Launch& launch);
  /// Tiles along an axis, and in all.
  LLVMValueRef tile_count(const schedule::Launch::TileAxis& axis);
  LLVMValueRef tile_count(const schedule::Launch& launch);
  LLVMValueRef divide_positive(LLVMValueRef a, LLVMValueRef b);
  LLVMValueRef capture_address(std::uint32_t slot);
  void plan_body(const schedule::Body& body, LLVMValueRef times);
  void plan_launch(const schedule::Launch& launch, LLVMValueRef times);
  LLVMValueRef shared_bytes();
  LLVMValueRef worker_bytes(const schedule::Launch& launch, bool checked);
  LLVMValueRef align_up(LLVMValueRef bytes, std::int64_t align);
  LLVMValueRef append(LLVMValueRef bytes, schedule::BufferId id, bool checked);

  const ProgramContext& context_;
  const schedule::LoopProgram& program_;
  const Machine& machine_;
  Ir ir_;
  LLVMValueRef frame_ = nullptr, worker_ = nullptr;
  const schedule::Launch* launch_ = nullptr;  // the one whose block this is

  std::vector<std::optional<Value>> vars_, lets_;
  std::vector<Elements> registers_;  // empty: not declared
  std::optional<Step> step_;
  std::map<std::pair<schedule::VarId, std::pair<schedule::BufferId, std::size_t>>, LLVMValueRef> pack_offsets_;
  std::map<schedule::BufferId, LLVMValueRef> bases_;
  bool streams_ = false;                 // a non-temporal store was written
  LLVMBasicBlockRef stopped_ = nullptr;  // drive: where a launch that stopped the call goes

  std::vector<Value> memo_;  // valid where memo_statement_ is the current statement
  std::vector<std::uint32_t> memo_statement_;
  std::uint32_t statement_ = 1;

  // plan: running totals
  LLVMValueRef total_tiles_ = nullptr, total_nanoseconds_ = nullptr, largest_worker_ = nullptr;
};

}  // namespace aurex::codegen
