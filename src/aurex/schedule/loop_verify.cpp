#include "aurex/schedule/loop_verify.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "aurex/schedule/loop_verify_tables.h"

namespace aurex::schedule {
namespace {

using ax::Op;

/// How a value changes from lane to lane of the enclosing vector loop.
enum class Variation : std::uint8_t { kUniform, kConsecutive /* + 1 a lane */, kAffine /* + a uniform step */, kAny };

bool is_integer(RegType type) { return !ax::is_float(type) && type != RegType::kBool; }

/// Whether lanes that hold nothing may be combined or left out alike.
bool idempotent(ax::Reduction reduction) {
  using enum ax::Reduction;
  return reduction == kMin || reduction == kMax || reduction == kAny || reduction == kAll;
}

bool compares(Op op) { return op >= Op::kEq && op <= Op::kGe; }

/// The least and the greatest value of an index that is a constant once loops are unrolled.
struct IndexRange {
  std::int64_t least = 0, greatest = 0;
};
using MaybeRange = std::optional<IndexRange>;

MaybeRange range_of(Op op, const IndexRange& a, const IndexRange& b) {
  IndexRange r;
  bool wraps = true;
  if (op == Op::kAdd) {
    wraps = __builtin_add_overflow(a.least, b.least, &r.least) ||
            __builtin_add_overflow(a.greatest, b.greatest, &r.greatest);
  } else if (op == Op::kSub) {
    wraps = __builtin_sub_overflow(a.least, b.greatest, &r.least) ||
            __builtin_sub_overflow(a.greatest, b.least, &r.greatest);
  } else if (op == Op::kMul) {
    std::int64_t all[4];
    wraps = __builtin_mul_overflow(a.least, b.least, &all[0]) || __builtin_mul_overflow(a.least, b.greatest, &all[1]) ||
            __builtin_mul_overflow(a.greatest, b.least, &all[2]) ||
            __builtin_mul_overflow(a.greatest, b.greatest, &all[3]);
    if (!wraps) r = {*std::ranges::min_element(all), *std::ranges::max_element(all)};
  }
  return wraps ? std::nullopt : MaybeRange(r);
}

class Verifier {
 public:
  explicit Verifier(const LoopProgram& program)
      : program_(program),
        var_scope_(program.vars.size(), false),
        var_kind_(program.vars.size(), Loop::Kind::kSerial),
        var_range_(program.vars.size()),
        let_scope_(program.lets.size(), false),
        let_variation_(program.lets.size(), Variation::kUniform),
        let_range_(program.lets.size()),
        reg_scope_(program.registers.size(), false),
        scratch_scope_(program.buffers.size(), false),
        ranges_(program.exprs.size()),
        memo_(program.exprs.size(), Variation::kUniform),
        memo_statement_(program.exprs.size(), 0) {}

  std::vector<std::string> run() {
    complaints_ = verify_tables(program_);
    if (complaints_.empty()) check_body(program_.body);
    return std::move(complaints_);
  }

 private:
  void complain(std::string text) { complaints_.push_back(std::move(text)); }

  const Expr& expr(ExprId id) const { return program_.exprs[id]; }

  // ---- expressions: checks what they use, returns how they vary ----

  /// Each expression once per statement, however often it is shared.
  Variation check(ExprId id) {
    if (memo_statement_[id] != statement_) {
      memo_[id] = check_fresh(expr(id));
      ranges_[id] = constant_range(expr(id));
      memo_statement_[id] = statement_;
    }
    return memo_[id];
  }

  Variation check_fresh(const Expr& e) {
    switch (e.kind) {
      case Expr::Kind::kConst:
      case Expr::Kind::kScalar:
      case Expr::Kind::kExtent:
        return Variation::kUniform;
      case Expr::Kind::kVar:
        if (!var_scope_[e.id]) complain("loop variable " + program_.vars[e.id] + " used outside its loop");
        return var_kind_[e.id] == Loop::Kind::kVector ? Variation::kConsecutive : Variation::kUniform;
      case Expr::Kind::kLet:
        if (!let_scope_[e.id]) complain("let " + program_.lets[e.id].name + " used outside its scope");
        if (program_.lets[e.id].type != e.type) complain("let " + program_.lets[e.id].name + " read as another type");
        return let_variation_[e.id];
      case Expr::Kind::kReg:
        return check_register(e);
      case Expr::Kind::kTree:
        if (vector_ && !idempotent(e.reduction)) {
          complain("register " + program_.registers[e.id].name + ": a tree of sums inside a vector loop");
        }
        check_register(e);
        return Variation::kUniform;
      case Expr::Kind::kLoad:
        return check_load(e);
      case Expr::Kind::kOp:
        return check_op(e);
    }
    return Variation::kAny;
  }

  Variation check_register(const Expr& e) {
    const Register& reg = program_.registers[e.id];
    if (!reg_scope_[e.id]) complain("register " + reg.name + " read outside its scope");
    if (reg.type != e.type) complain("register " + reg.name + " read as another type");
    require_element(reg, e.args);
    if (e.kind == Expr::Kind::kReg) require_shape(reg);
    return reg.lanes * reg.vectors == 1 ? Variation::kUniform : Variation::kAny;
  }

  /// Registers have no addresses: which element is meant must be known when the code is made.
  void require_element(const Register& reg, std::span<const ExprId> indices) {
    for (std::size_t d = 0; d < indices.size() && d < reg.shape.size(); ++d) {
      check(indices[d]);
      const MaybeRange& range = ranges_[indices[d]];
      if (!range) {
        complain("an index of register " + reg.name + " is not made of constants and variables of unrolled loops");
      } else if (range->least < 0 || range->greatest >= reg.shape[d]) {
        complain("register " + reg.name + " indexed outside its shape");
      }
    }
  }

  /// Of an expression whose operands have been looked at.
  MaybeRange constant_range(const Expr& e) const {
    if (e.type != RegType::kI64) return std::nullopt;
    switch (e.kind) {
      case Expr::Kind::kConst:
        return IndexRange{e.integer, e.integer};
      case Expr::Kind::kVar:
        return var_range_[e.id];
      case Expr::Kind::kLet:
        return let_range_[e.id];
      case Expr::Kind::kOp: {
        if (e.args.size() != 2) return std::nullopt;
        const MaybeRange &a = ranges_[e.args[0]], &b = ranges_[e.args[1]];
        return a && b ? range_of(e.op, *a, *b) : std::nullopt;
      }
      default:
        return std::nullopt;
    }
  }

  /// Lanes meet lane by lane: those of one statement are as many, in a vector loop as many as the loop's.
  void require_shape(const Register& reg) {
    if (reg.lanes * reg.vectors == 1) return;
    const std::pair shape(reg.lanes, reg.vectors);
    if (vector_ && shape != std::pair(vector_->lanes, vector_->vectors)) {
      complain("register " + reg.name + " has other lanes than its loop");
    } else if (shape_ && shape != *shape_) {
      complain("register " + reg.name + " has other lanes than another one of its statement");
    }
    shape_ = shape;
  }

  Variation check_load(const Expr& e) {
    const Buffer& buffer = program_.buffers[e.id];
    if (e.type != ax::register_type(buffer.dtype)) complain("buffer " + buffer.name + " loaded as another type");
    const Variation predicate = e.predicate == kNone ? Variation::kUniform : check_bool(e.predicate, "a predicate");
    if (e.otherwise != kNone && (check(e.otherwise), expr(e.otherwise).type != e.type)) {
      complain("buffer " + buffer.name + ": the value outside has another type");
    }
    const Variation indices = check_access(e.id, e.args, e.access);
    return indices == Variation::kUniform && predicate == Variation::kUniform ? Variation::kUniform : Variation::kAny;
  }

  /// Holds an access kind against what its indices do, and a buffer against its scope.
  Variation check_access(BufferId id, std::span<const ExprId> indices, Access access) {
    const Buffer& buffer = program_.buffers[id];
    if (buffer.kind == Buffer::Kind::kWorker && !scratch_scope_[id]) {
      complain("scratch " + buffer.name + " used outside a launch that lists it");
    }
    Variation all = Variation::kUniform;
    for (std::size_t d = 0; d < indices.size(); ++d) {
      const Expr& index = expr(indices[d]);
      if (index.type != RegType::kI64) complain("buffer " + buffer.name + ": an index is not i64");
      const bool of_odometer = index.kind == Expr::Kind::kVar && var_kind_[index.id] == Loop::Kind::kOdometer;
      if (buffer.stride[d] == Buffer::Stride::kPack && !of_odometer) {
        complain("buffer " + buffer.name + ": a pack is reached only through the variable of an odometer loop");
      }
      all = add(all, scaled(check(indices[d]), unit_stride(buffer, d), buffer.stride[d]));
    }
    const bool fits = access == Access::kGather || (access == Access::kStrided && all != Variation::kAny) ||
                      (access == Access::kUnit && all == Variation::kConsecutive) ||
                      (access == Access::kUniform && all == Variation::kUniform);
    if (!fits) complain("buffer " + buffer.name + ": the access kind contradicts the indices");
    return access == Access::kUniform ? Variation::kUniform : Variation::kAny;
  }

  static bool unit_stride(const Buffer& buffer, std::size_t d) {
    if (buffer.stride[d] == Buffer::Stride::kUnit) return true;
    const bool dense = buffer.kind != Buffer::Kind::kArgument && buffer.strides.empty();
    return dense && d + 1 == buffer.stride.size();
  }

  static Variation scaled(Variation v, bool unit, Buffer::Stride stride) {
    if (v == Variation::kUniform || stride == Buffer::Stride::kZero) return Variation::kUniform;
    if (v == Variation::kAny || unit) return v;
    return Variation::kAffine;
  }

  static Variation add(Variation a, Variation b) {
    if (a == Variation::kUniform) return b;
    if (b == Variation::kUniform) return a;
    return a == Variation::kAny || b == Variation::kAny ? Variation::kAny : Variation::kAffine;
  }

  Variation check_op(const Expr& e) {
    std::vector<Variation> v;
    for (const ExprId arg : e.args) v.push_back(check(arg));
    check_types(e);
    switch (e.op) {
      case Op::kAdd:
        return is_integer(e.type) ? add(v[0], v[1]) : widest(v);
      case Op::kSub:
        if (is_integer(e.type) && v[1] == Variation::kUniform) return v[0];
        return widest(v);
      case Op::kMul:
        if (is_integer(e.type) && (v[0] == Variation::kUniform || v[1] == Variation::kUniform)) {
          const Variation other = v[0] == Variation::kUniform ? v[1] : v[0];
          return other == Variation::kConsecutive ? Variation::kAffine : other;
        }
        return widest(v);
      case Op::kCast:
        // Widening a position keeps its steps.
        return e.type == RegType::kI64 && expr(e.args[0]).type == RegType::kI32 ? v[0] : widest(v);
      default:
        return widest(v);
    }
  }

  static Variation widest(std::span<const Variation> all) {
    const bool uniform = std::all_of(all.begin(), all.end(), [](Variation v) { return v == Variation::kUniform; });
    return uniform ? Variation::kUniform : Variation::kAny;
  }

  void check_types(const Expr& e) {
    auto type = [&](std::size_t i) { return expr(e.args[i]).type; };
    const std::size_t arity = e.op == Op::kSelect || e.op == Op::kFma ? 3 : e.op >= Op::kAdd ? 2 : 1;
    bool fine = e.args.size() == arity && e.op >= Op::kNeg && e.op <= Op::kSelect;
    if (fine) {
      if (e.op == Op::kSelect) {
        fine = type(0) == RegType::kBool && type(1) == e.type && type(2) == e.type;
      } else if (e.op == Op::kLdexp) {
        fine = ax::is_float(e.type) && type(0) == e.type && type(1) == RegType::kI32;
      } else if (compares(e.op)) {
        fine = e.type == RegType::kBool && type(0) == type(1);
      } else if (e.op == Op::kIsNan || e.op == Op::kIsInf || e.op == Op::kIsFinite) {
        fine = e.type == RegType::kBool && ax::is_float(type(0));
      } else if (e.op != Op::kCast && e.op != Op::kBitcast) {
        fine = std::all_of(e.args.begin(), e.args.end(), [&](ExprId a) { return expr(a).type == e.type; });
      }
    }
    if (!fine) complain("operation " + std::string(ax::to_string(e.op)) + ": operands do not fit");
  }

  Variation check_bool(ExprId id, std::string_view what) {
    if (expr(id).type != RegType::kBool) complain(std::string(what) + " is not a bool");
    return check(id);
  }

  void require_uniform(ExprId id, const std::string& what) {
    if (check(id) != Variation::kUniform) complain(what + " varies by lane");
  }

  void require_size(ExprId id, const std::string& what) {
    if (id == kNone) return complain(what + " is missing");
    if (expr(id).type != RegType::kI64) complain(what + " is not i64");
    require_uniform(id, what);
  }

  void require_step(ExprId id, const std::string& what) {
    require_size(id, what);
    if (id != kNone && expr(id).kind == Expr::Kind::kConst && expr(id).integer < 1) complain(what + " is not positive");
  }

  // ---- statements ----

  void check_body(const Body& body) {
    const std::size_t lets = opened_lets_.size(), regs = opened_regs_.size();
    for (const Stmt& stmt : body) {
      ++statement_;
      shape_.reset();
      if (!in_launch_) check_top(stmt);
      std::visit([this](const auto& node) { check_stmt(node); }, stmt.node);
    }
    for (; opened_lets_.size() > lets; opened_lets_.pop_back()) let_scope_[opened_lets_.back()] = false;
    for (; opened_regs_.size() > regs; opened_regs_.pop_back()) reg_scope_[opened_regs_.back()] = false;
  }

  /// `drive` has shared memory and no registers, lanes or odometers.
  void check_top(const Stmt& stmt) {
    const auto* loop = std::get_if<Loop>(&stmt.node);
    const auto* store = std::get_if<Store>(&stmt.node);
    bool fine = !std::holds_alternative<Declare>(stmt.node) && !std::holds_alternative<Set>(stmt.node) &&
                !std::holds_alternative<TransposedStore>(stmt.node) && !std::holds_alternative<Print>(stmt.node) &&
                !std::holds_alternative<Prefetch>(stmt.node);
    if (loop) fine = loop->kind == Loop::Kind::kSerial || loop->kind == Loop::Kind::kUnroll;
    if (store) fine = program_.buffers[store->buffer].kind == Buffer::Kind::kShared;
    if (!fine) complain("a statement that stands only inside a launch stands at the top");
  }

  void check_stmt(const Loop& loop) {
    require_size(loop.lo, "a loop's lower bound");
    require_size(loop.hi, "a loop's upper bound");
    if (loop.step != kNone) require_step(loop.step, "a loop's step");
    if (loop.step != kNone && loop.kind != Loop::Kind::kSerial) complain("a step on a loop that is not serial");
    if (loop.kind == Loop::Kind::kUnroll &&
        (expr(loop.lo).kind != Expr::Kind::kConst || expr(loop.hi).kind != Expr::Kind::kConst)) {
      complain("an unrolled loop needs constant bounds");
    }
    if (loop.kind == Loop::Kind::kOdometer && loop.pack >= program_.pack_count) complain("an odometer without a pack");
    const bool vector = loop.kind == Loop::Kind::kVector;
    if (vector && (!is_lane_count(loop.lanes) || loop.vectors < 1)) {
      complain("a vector loop whose number of lanes is no power of two up to 64");
    }
    if (vector && vector_) complain("a vector loop inside a vector loop");
    if (var_scope_[loop.var]) complain("loop variable " + program_.vars[loop.var] + " bound twice");
    var_scope_[loop.var] = true;
    var_kind_[loop.var] = loop.kind;
    var_range_[loop.var] = std::nullopt;
    if (loop.kind == Loop::Kind::kUnroll) {
      const std::int64_t lo = expr(loop.lo).integer, hi = expr(loop.hi).integer;
      var_range_[loop.var] = IndexRange{lo, hi > lo ? hi - 1 : lo};
    }
    const Loop* outer = vector_;
    if (vector) vector_ = &loop;
    check_body(loop.body);
    vector_ = outer;
    var_scope_[loop.var] = false;
  }

  void check_stmt(const Let& let) {
    if (let_scope_[let.let]) complain("let " + program_.lets[let.let].name + " bound twice");
    let_variation_[let.let] = check(let.value);
    let_range_[let.let] = ranges_[let.value];
    if (expr(let.value).type != program_.lets[let.let].type) {
      complain("let " + program_.lets[let.let].name + " bound to another type");
    }
    let_scope_[let.let] = true;
    opened_lets_.push_back(let.let);
  }

  void check_stmt(const Declare& declare) {
    const Register& reg = program_.registers[declare.reg];
    check(declare.value);
    if (expr(declare.value).type != reg.type) complain("register " + reg.name + " starts as another type");
    if (reg_scope_[declare.reg]) complain("register " + reg.name + " declared twice");
    require_shape(reg);
    reg_scope_[declare.reg] = true;
    opened_regs_.push_back(declare.reg);
  }

  void check_stmt(const Set& set) {
    const Register& reg = program_.registers[set.reg];
    if (!reg_scope_[set.reg]) complain("register " + reg.name + " set outside its scope");
    if (set.indices.size() != reg.shape.size())
      complain("register " + reg.name + " set with a wrong number of indices");
    require_element(reg, set.indices);
    require_shape(reg);
    const Variation value = check(set.value);
    if (expr(set.value).type != reg.type) complain("register " + reg.name + " set to another type");
    const Variation predicate = set.predicate == kNone ? Variation::kUniform : check_bool(set.predicate, "a predicate");
    const bool varies = value != Variation::kUniform || predicate != Variation::kUniform;
    if (varies && reg.lanes * reg.vectors == 1) complain("register " + reg.name + " of one lane set lane by lane");
  }

  void check_stmt(const Store& store) {
    const Buffer& buffer = program_.buffers[store.buffer];
    if (store.indices.size() != buffer.extents.size()) {
      return complain("buffer " + buffer.name + " stored to with a wrong number of indices");
    }
    const Variation value = check(store.value);
    if (store.predicate != kNone) check_bool(store.predicate, "a predicate");
    check_stream(store.stream);
    check_access(store.buffer, store.indices, store.access);
    if (store.update != ax::Update::kSet && expr(store.value).type != ax::register_type(buffer.dtype)) {
      complain("buffer " + buffer.name + " updated in another type than its own");
    }
    if (store.access == Access::kUniform && value != Variation::kUniform) {
      complain("buffer " + buffer.name + ": lanes that differ stored to one element");
    }
  }

  void check_stream(ExprId wanted) {
    constexpr std::string_view kWhat = "the condition of a streaming store";
    if (wanted != kNone && check_bool(wanted, kWhat) != Variation::kUniform) {
      complain(std::string(kWhat) + " varies by lane");
    }
  }

  void check_stmt(const TransposedStore& store) {
    const Buffer& buffer = program_.buffers[store.buffer];
    const Register& reg = program_.registers[store.reg];
    if (store.indices.size() != buffer.extents.size()) {
      return complain("buffer " + buffer.name + " stored to with a wrong number of indices");
    }
    if (!reg_scope_[store.reg]) complain("register " + reg.name + " stored outside its scope");
    const bool square = std::has_single_bit(static_cast<std::uint32_t>(reg.lanes)) && reg.lanes > 1 &&
                        reg.vectors == 1 && reg.shape == std::vector<std::int64_t>{reg.lanes};
    if (!square) complain("register " + reg.name + " stored transposed is no square of a power of two");
    if (reg.type != ax::register_type(buffer.dtype)) complain("buffer " + buffer.name + " stored to as another type");
    if (vector_ == nullptr || vector_->lanes != reg.lanes || vector_->vectors != 1) {
      complain("register " + reg.name + " stored transposed outside a vector loop of its lanes");
    }
    check_access(store.buffer, store.indices, Access::kStrided);
    const bool along = store.dimension < buffer.extents.size() && unit_stride(buffer, store.dimension);
    if (!along) {
      complain("buffer " + buffer.name + " written along a dimension whose stride is not 1");
    } else {
      require_uniform(store.indices[store.dimension], "the index along a transposed store of " + buffer.name);
    }
    if (store.count != kNone) require_size(store.count, "the count of a transposed store");
    check_stream(store.stream);
  }

  void check_stmt(const If& branch) {
    if (check_bool(branch.condition, "a condition") != Variation::kUniform) {
      complain("the condition of an if varies by lane");
    }
    check_body(branch.then_body);
    check_body(branch.else_body);
  }

  void check_stmt(const While& loop) {
    check_bool(loop.condition, "a condition");
    check_body(loop.body);
  }

  void check_stmt(const Check& check_node) {
    check_bool(check_node.ok, "a check");
    if (check_node.predicate != kNone) check_bool(check_node.predicate, "a predicate");
    for (const ExprId id : {check_node.position, check_node.value, check_node.bound}) {
      check(id);
      if (!is_integer(expr(id).type)) complain("a check reports something that is no integer");
    }
    check_site(check_node.site);
  }

  void check_stmt(const Print& print) {
    check(print.value);
    check(print.position);
    if (print.predicate != kNone) check_bool(print.predicate, "a predicate");
    check_site(print.site);
  }

  void check_site(std::int32_t site) {
    if (site < 0 || static_cast<std::size_t>(site) >= program_.sites.size())
      complain("a fault names no source position");
  }

  void check_stmt(const Prefetch& prefetch) {
    const Buffer& buffer = program_.buffers[prefetch.buffer];
    if (prefetch.indices.size() != buffer.extents.size()) {
      return complain("buffer " + buffer.name + " prefetched with a wrong number of indices");
    }
    check_access(prefetch.buffer, prefetch.indices, Access::kStrided);
  }

  void check_stmt(const Launch& launch) {
    if (in_launch_) return complain("launch " + launch.name + " inside a launch");
    for (const Launch::TileAxis& axis : launch.tiles) {
      require_size(axis.extent, "a tile axis' extent");
      require_step(axis.step, "a tile axis' step");
    }
    for (const BufferId buffer : launch.scratch) {
      if (program_.buffers[buffer].kind != Buffer::Kind::kWorker || scratch_scope_[buffer]) {
        complain("launch " + launch.name + " lists " + program_.buffers[buffer].name +
                 ", which is no scratch of its own");
      }
      scratch_scope_[buffer] = true;
    }
    for (const Launch::TileAxis& axis : launch.tiles) {
      if (var_scope_[axis.var]) complain("loop variable " + program_.vars[axis.var] + " bound twice");
      var_range_[axis.var] = std::nullopt;
      var_scope_[axis.var] = true;
      var_kind_[axis.var] = Loop::Kind::kSerial;
    }
    in_launch_ = true;
    check_body(launch.body);
    in_launch_ = false;
    for (const BufferId buffer : launch.scratch) scratch_scope_[buffer] = false;
    for (const Launch::TileAxis& axis : launch.tiles) var_scope_[axis.var] = false;
  }

  const LoopProgram& program_;
  std::vector<bool> var_scope_;
  std::vector<Loop::Kind> var_kind_;
  std::vector<MaybeRange> var_range_;  // of unrolled loops
  std::vector<bool> let_scope_;
  std::vector<Variation> let_variation_;
  std::vector<MaybeRange> let_range_;
  std::vector<bool> reg_scope_;
  std::vector<bool> scratch_scope_;
  std::vector<LetId> opened_lets_;
  std::vector<RegId> opened_regs_;
  std::vector<MaybeRange> ranges_;  // with memo_
  std::vector<Variation> memo_;     // valid where memo_statement_ is the current statement
  std::vector<std::uint64_t> memo_statement_;
  std::uint64_t statement_ = 1;
  std::optional<std::pair<std::int32_t, std::int32_t>> shape_;  // lanes and vectors of the statement's registers
  const Loop* vector_ = nullptr;
  bool in_launch_ = false;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> verify(const LoopProgram& program) { return Verifier(program).run(); }

}  // namespace aurex::schedule
