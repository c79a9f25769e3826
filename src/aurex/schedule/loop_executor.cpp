#include "aurex/schedule/loop_executor.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "aurex/ax/element.h"

namespace aurex::schedule {
namespace {

using ax::Cell;
using ax::Op;

constexpr std::size_t kMaxComplaints = 16;
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kMostOperands = 3;  // of an element-wise operation

/// One element where uniform, else one per lane.
using Lanes = std::vector<Cell>;

Cell at(const Lanes& lanes, std::size_t lane) { return lanes.size() == 1 ? lanes[0] : lanes[lane]; }

/// Expressions whose value is that of the launch: constants, scalars, extents, and what is computed from them alone.
std::vector<bool> fixed_expressions(const LoopProgram& program) {
  std::vector<bool> fixed(program.exprs.size());
  for (ExprId id = 0; id < program.exprs.size(); ++id) {  // arguments come before what is computed from them
    const Expr& e = program.exprs[id];
    const bool computed =
        e.kind == Expr::Kind::kOp && std::ranges::all_of(e.args, [&](ExprId arg) { return fixed[arg]; });
    fixed[id] =
        computed || e.kind == Expr::Kind::kConst || e.kind == Expr::Kind::kScalar || e.kind == Expr::Kind::kExtent;
  }
  return fixed;
}

/// Scratch memory of one buffer, with the strides that a dense row-major layout or the program gives it.
struct Storage {
  char* data = nullptr;
  std::vector<std::int64_t> extents, strides;
  std::vector<char> owned;
};

class Executor {
 public:
  Executor(const LoopProgram& program, const AurexFrame& frame, const ExecuteOptions& options)
      : program_(program),
        frame_(frame),
        options_(options),
        vars_(program.vars.size()),
        var_pack_(program.vars.size(), kNone),
        lets_(program.lets.size()),
        registers_(program.registers.size()),
        storage_(program.buffers.size()),
        fixed_(fixed_expressions(program)),
        memo_(program.exprs.size()),
        memo_statement_(program.exprs.size(), 0) {}

  std::vector<std::string> run() {
    run_body(program_.body);
    return std::move(complaints_);
  }

 private:
  void complain(std::string text) {
    if (complaints_.size() < kMaxComplaints) complaints_.push_back(std::move(text));
  }

  // ---- values ----

  const Expr& expr(ExprId id) const { return program_.exprs[id]; }

  std::int64_t uniform_i64(ExprId id) {
    const Lanes& value = eval(id);
    if (value.size() != 1) complain("a bound or size varies by lane");
    return ax::to_i64(expr(id).type, value[0]);
  }

  /// Which lanes a statement touches: the tail's mask and its own predicate.
  std::vector<bool> active(ExprId predicate, std::size_t lanes) {
    std::vector<bool> live(lanes, true);
    for (std::size_t l = 0; l < lanes && l < live_.size(); ++l) live[l] = live_[l];
    if (predicate != kNone) {
      const Lanes& truth = eval(predicate);
      for (std::size_t l = 0; l < lanes; ++l) live[l] = live[l] && at(truth, l).truth();
    }
    return live;
  }

  /// The value of an expression in the current statement, valid until the next; shared parts are computed once.
  const Lanes& eval(ExprId id) {
    const Expr& e = expr(id);
    if (e.kind == Expr::Kind::kVar) return vars_[e.id];
    if (e.kind == Expr::Kind::kLet) return lets_[e.id];
    if (memo_statement_[id] != statement_ && memo_statement_[id] != kForever) {
      compute(e, memo_[id]);
      memo_statement_[id] = fixed_[id] ? kForever : statement_;
    }
    return memo_[id];
  }

  /// The value of an expression, in place of what `result` held, so that little is allocated anew.
  void compute(const Expr& e, Lanes& result) {
    switch (e.kind) {
      case Expr::Kind::kConst:
        return result.assign(1,
                             ax::is_float(e.type) ? ax::from_f64(e.type, e.number) : ax::from_i64(e.type, e.integer));
      case Expr::Kind::kScalar: {
        const ax::Scalar& scalar = program_.scalars[e.id];
        return result.assign(1, scalar.type == RegType::kF64
                                    ? Cell::of(frame_.f64_scalars[scalar.slot])
                                    : ax::from_i64(scalar.type, frame_.i64_scalars[scalar.slot]));
      }
      case Expr::Kind::kExtent:
        return result.assign(1, Cell::of(frame_.extents[e.id]));
      case Expr::Kind::kVar:
      case Expr::Kind::kLet:
        return;  // held where they are
      case Expr::Kind::kReg:
        return read_register(e, result);
      case Expr::Kind::kLoad:
        return load(e, result);
      case Expr::Kind::kTree:
        return result.assign(1, tree(e));
      case Expr::Kind::kOp:
        return apply(e, result);
    }
  }

  void apply(const Expr& e, Lanes& result) {
    std::array<const Lanes*, kMostOperands> args{};
    const std::size_t count = e.args.size();
    std::size_t lanes = 1;
    for (std::size_t a = 0; a < count; ++a) {
      args.at(a) = &eval(e.args[a]);
      lanes = std::max(lanes, args[a]->size());
    }
    const RegType operand = expr(e.op == Op::kSelect ? e.args[1] : e.args[0]).type;
    result.resize(lanes);
    std::array<Cell, kMostOperands> cells;
    for (std::size_t l = 0; l < lanes; ++l) {
      for (std::size_t a = 0; a < count; ++a) cells[a] = at(*args[a], l);
      result[l] = ax::evaluate(e.op, e.type, operand, std::span(cells).first(count));
    }
  }

  // ---- registers ----

  std::size_t register_offset(RegId id, std::span<const ExprId> indices) {
    const Register& reg = program_.registers[id];
    std::int64_t element = 0;
    for (std::size_t d = 0; d < reg.shape.size(); ++d) {
      const std::int64_t index = uniform_i64(indices[d]);
      if (index < 0 || index >= reg.shape[d]) {
        complain("register " + reg.name + " indexed out of its shape");
        return 0;
      }
      element = element * reg.shape[d] + index;
    }
    return static_cast<std::size_t>(element * reg.lanes * reg.vectors);
  }

  std::size_t register_lanes(const Register& reg) const {
    const auto all = static_cast<std::size_t>(reg.lanes) * static_cast<std::size_t>(reg.vectors);
    return all == 1 || live_.empty() ? all : std::min(all, live_.size());
  }

  void read_register(const Expr& e, Lanes& result) {
    const Register& reg = program_.registers[e.id];
    const std::size_t offset = register_offset(e.id, e.args), lanes = register_lanes(reg);
    if (registers_[e.id].empty()) {
      complain("register " + reg.name + " read before it is declared");
      return result.assign(lanes, Cell{});
    }
    const auto first = registers_[e.id].begin() + static_cast<std::ptrdiff_t>(offset);
    result.assign(first, first + static_cast<std::ptrdiff_t>(lanes));
  }

  /// The fixed tree of loop_program.h: vectors pairwise, then lanes pairwise, halves apart.
  Cell tree(const Expr& e) {
    const Register& reg = program_.registers[e.id];
    const std::size_t offset = register_offset(e.id, e.args);
    const auto lanes = static_cast<std::size_t>(reg.lanes), vectors = static_cast<std::size_t>(reg.vectors);
    if (registers_[e.id].empty()) return {};
    const auto first = registers_[e.id].begin() + static_cast<std::ptrdiff_t>(offset);
    Lanes all(first, first + static_cast<std::ptrdiff_t>(lanes * vectors));
    fold(e, all, vectors, lanes);
    all.resize(lanes);
    fold(e, all, lanes, 1);
    return all[0];
  }

  /// Combines `count` groups of `width` cells into the first: group i with group i + ceil(count / 2).
  static void fold(const Expr& e, Lanes& cells, std::size_t count, std::size_t width) {
    while (count > 1) {
      const std::size_t half = (count + 1) / 2;
      for (std::size_t i = 0; i + half < count; ++i) {
        for (std::size_t l = 0; l < width; ++l) {
          Cell& left = cells[i * width + l];
          left = ax::combine(e.reduction, e.type, left, cells[(i + half) * width + l]);
        }
      }
      count = half;
    }
  }

  // ---- memory ----

  Storage& storage(BufferId id) {
    Storage& s = storage_[id];
    if (s.data != nullptr) return s;
    const Buffer& buffer = program_.buffers[id];
    for (const ExprId extent : buffer.extents) s.extents.push_back(uniform_i64(extent));
    s.strides.resize(s.extents.size());
    std::int64_t dense = 1;
    for (std::size_t d = s.extents.size(); d-- > 0;) {
      const bool given = buffer.stride[d] == Buffer::Stride::kAny && !buffer.strides.empty();
      s.strides[d] = given ? uniform_i64(buffer.strides[d]) : dense;
      dense = std::max(s.strides[d] * s.extents[d], dense);
    }
    s.owned.assign(static_cast<std::size_t>(std::max<std::int64_t>(dense, 1) * bytes_per_element(buffer.dtype)),
                   static_cast<char>(0xff));
    s.data = s.owned.data();
    return s;
  }

  std::int64_t pack_offset(const Buffer& buffer, std::size_t d, std::int64_t index, std::uint32_t pack) const {
    const std::int64_t* extents = frame_.packs + std::size_t{pack} * kAurexPackRank;
    const std::int64_t* strides = frame_.arrays[buffer.array].strides + buffer.slots[d];
    std::int64_t offset = 0;
    for (int k = kAurexPackRank; k-- > 0;) {
      if (extents[k] <= 1) continue;
      offset += index % extents[k] * strides[k];
      index /= extents[k];
    }
    return offset;
  }

  std::int64_t argument_stride(const Buffer& buffer, std::size_t d) const {
    switch (buffer.stride[d]) {
      case Buffer::Stride::kUnit:
        return 1;
      case Buffer::Stride::kZero:
        return 0;
      default:
        return frame_.arrays[buffer.array].strides[buffer.slots[d]];
    }
  }

  /// Address of one element, or null with a complaint.
  char* address(BufferId id, std::span<const ExprId> indices, std::span<const Lanes* const> values, std::size_t lane) {
    const Buffer& buffer = program_.buffers[id];
    const bool argument = buffer.kind == Buffer::Kind::kArgument;
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < buffer.extents.size(); ++d) {
      const std::int64_t index = at(*values[d], lane).i64();
      const std::int64_t extent = argument ? uniform_i64(buffer.extents[d]) : storage(id).extents[d];
      if (index < 0 || index >= extent) {
        complain("buffer " + buffer.name + " dimension " + std::to_string(d) + " index " + std::to_string(index) +
                 " outside [0, " + std::to_string(extent) + ")");
        return nullptr;
      }
      if (argument && buffer.stride[d] == Buffer::Stride::kPack) {
        const Expr& e = expr(indices[d]);
        const std::uint32_t pack = e.kind == Expr::Kind::kVar ? var_pack_[e.id] : kNone;
        if (pack == kNone) {
          complain("buffer " + buffer.name + ": a pack is indexed by something else than its odometer");
          return nullptr;
        }
        offset += pack_offset(buffer, d, index, pack);
      } else {
        offset += index * (argument ? argument_stride(buffer, d) : storage(id).strides[d]);
      }
    }
    char* base = argument ? frame_.arrays[buffer.array].data : storage(id).data;
    return base + offset * bytes_per_element(buffer.dtype);
  }

  std::vector<const Lanes*> eval_all(std::span<const ExprId> ids, std::size_t& lanes) {
    std::vector<const Lanes*> values;
    for (const ExprId id : ids) {
      values.push_back(&eval(id));
      lanes = std::max(lanes, values.back()->size());
    }
    return values;
  }

  void load(const Expr& e, Lanes& result) {
    std::size_t lanes = 1;
    const std::vector<const Lanes*> indices = eval_all(e.args, lanes);
    if (e.predicate != kNone) lanes = std::max(lanes, eval(e.predicate).size());
    const Lanes* const otherwise = e.otherwise == kNone ? nullptr : &eval(e.otherwise);
    if (otherwise != nullptr) lanes = std::max(lanes, otherwise->size());
    // A uniform load is not subject to the tail's mask: every step has a live lane.
    const std::vector<bool> live = lanes == 1 ? predicate_only(e.predicate) : active(e.predicate, lanes);
    result.resize(lanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      const char* from = live[l] ? address(e.id, e.args, indices, l) : nullptr;
      result[l] = from                   ? ax::load_element(program_.buffers[e.id].dtype, from)
                  : otherwise != nullptr ? at(*otherwise, l)
                                         : Cell{};
    }
  }

  std::vector<bool> predicate_only(ExprId predicate) { return {predicate == kNone || eval(predicate)[0].truth()}; }

  // ---- statements ----

  void run_body(const Body& body) {
    for (const Stmt& stmt : body) {
      ++statement_;
      std::visit([this](const auto& node) { run(node); }, stmt.node);
    }
  }

  void run(const Loop& loop) {
    const std::int64_t lo = uniform_i64(loop.lo), hi = uniform_i64(loop.hi);
    if (loop.kind == Loop::Kind::kVector) return run_vector(loop, lo, hi);
    const std::int64_t step = loop.step == kNone ? 1 : uniform_i64(loop.step);
    if (step <= 0) return complain("a loop's step is not positive");
    var_pack_[loop.var] = loop.kind == Loop::Kind::kOdometer ? loop.pack : kNone;
    for (std::int64_t i = lo; i < hi; i += step) {
      vars_[loop.var] = {Cell::of(i)};
      run_body(loop.body);
    }
  }

  void run_vector(const Loop& loop, std::int64_t lo, std::int64_t hi) {
    if (!live_.empty()) return complain("vector loops nest");
    const std::int64_t full = std::int64_t{loop.lanes} * loop.vectors;
    std::int64_t i = lo;
    for (; loop.tail != Tail::kMasked && i + full <= hi; i += full) run_step(loop, i, full, full);
    if (loop.tail == Tail::kNone && i < hi) complain("a vector loop without a tail leaves a rest");
    const std::int64_t step = loop.tail == Tail::kMasked ? full : loop.lanes;
    for (; loop.tail != Tail::kNone && i < hi; i += step) run_step(loop, i, step, std::min(step, hi - i));
  }

  void run_step(const Loop& loop, std::int64_t first, std::int64_t lanes, std::int64_t live) {
    Lanes& positions = vars_[loop.var];
    positions.resize(static_cast<std::size_t>(lanes));
    for (std::size_t l = 0; l < positions.size(); ++l) positions[l] = Cell::of(first + static_cast<std::int64_t>(l));
    live_.assign(static_cast<std::size_t>(lanes), false);
    std::fill_n(live_.begin(), live, true);
    run_body(loop.body);
    live_.clear();
  }

  void run(const Let& let) { lets_[let.let] = eval(let.value); }

  void run(const Declare& declare) {
    const Register& reg = program_.registers[declare.reg];
    std::size_t cells = static_cast<std::size_t>(reg.lanes) * static_cast<std::size_t>(reg.vectors);
    const std::size_t lanes = cells;
    for (const std::int64_t extent : reg.shape) cells *= static_cast<std::size_t>(extent);
    const Lanes& value = eval(declare.value);
    registers_[declare.reg].resize(cells);
    for (std::size_t c = 0; c < cells; ++c) {
      registers_[declare.reg][c] = value.size() == 1 ? value[0] : value[std::min(c % lanes, value.size() - 1)];
    }
  }

  void run(const Set& set) {
    const Register& reg = program_.registers[set.reg];
    const std::size_t offset = register_offset(set.reg, set.indices), lanes = register_lanes(reg);
    const Lanes& value = eval(set.value);
    if (value.size() > lanes) return complain("register " + reg.name + " set to a value of more lanes than it has");
    const std::vector<bool> live = lanes == 1 ? predicate_only(set.predicate) : active(set.predicate, lanes);
    if (registers_[set.reg].empty()) return complain("register " + reg.name + " set before it is declared");
    for (std::size_t l = 0; l < lanes; ++l) {
      if (live[l]) registers_[set.reg][offset + l] = at(value, l);
    }
  }

  void run(const Store& store) {
    std::size_t lanes = 1;
    const std::vector<const Lanes*> indices = eval_all(store.indices, lanes);
    const Lanes& value = eval(store.value);
    lanes = std::max(lanes, value.size());
    if (store.predicate != kNone) lanes = std::max(lanes, eval(store.predicate).size());
    const std::vector<bool> live = lanes == 1 ? predicate_only(store.predicate) : active(store.predicate, lanes);
    const DType dtype = program_.buffers[store.buffer].dtype;
    const RegType type = expr(store.value).type;
    for (std::size_t l = 0; l < lanes; ++l) {
      char* to = live[l] ? address(store.buffer, store.indices, indices, l) : nullptr;
      if (!to) continue;
      Cell result = at(value, l);
      if (store.update != ax::Update::kSet) result = update(store.update, type, ax::load_element(dtype, to), result);
      ax::store_element(dtype, to, type, result);
    }
  }

  void run(const TransposedStore& store) {
    const Register& reg = program_.registers[store.reg];
    std::size_t lanes = static_cast<std::size_t>(reg.lanes);
    std::vector<const Lanes*> indices = eval_all(store.indices, lanes);
    const std::int64_t rows = reg.shape.at(0), count = store.count == kNone ? rows : uniform_i64(store.count);
    if (registers_[store.reg].empty()) return complain("register " + reg.name + " stored before it is declared");
    const std::vector<bool> live = store.whole ? std::vector<bool>(lanes, true) : active(kNone, lanes);
    const std::int64_t first = at(*indices.at(store.dimension), 0).i64();
    for (std::int64_t i = 0; i < std::min(rows, count); ++i) {
      const Lanes row = {Cell::of(first + i)};
      indices[store.dimension] = &row;
      for (std::size_t l = 0; l < lanes; ++l) {
        char* to = live[l] ? address(store.buffer, store.indices, indices, l) : nullptr;
        const Cell value = registers_[store.reg][static_cast<std::size_t>(i) * lanes + l];
        if (to) ax::store_element(program_.buffers[store.buffer].dtype, to, reg.type, value);
      }
    }
  }

  static Cell update(ax::Update update, RegType type, Cell old, Cell value) {
    const Cell args[] = {old, value};
    switch (update) {
      case ax::Update::kSub:
        return ax::evaluate(Op::kSub, type, type, args);
      case ax::Update::kMul:
        return ax::evaluate(Op::kMul, type, type, args);
      case ax::Update::kDiv:
        return ax::evaluate(Op::kDiv, type, type, args);
      case ax::Update::kMax:
        return ax::evaluate(Op::kMax, type, type, args);
      case ax::Update::kMin:
        return ax::evaluate(Op::kMin, type, type, args);
      default:
        return ax::evaluate(Op::kAdd, type, type, args);
    }
  }

  void run(const If& branch) {
    const Lanes& condition = eval(branch.condition);
    if (condition.size() != 1) complain("the condition of an if varies by lane");
    run_body(condition[0].truth() ? branch.then_body : branch.else_body);
  }

  bool any_live(ExprId condition) {
    ++statement_;
    const Lanes& truth = eval(condition);
    for (std::size_t l = 0; l < truth.size(); ++l) {
      if (truth[l].truth() && (truth.size() == 1 || live_.empty() || live_[l])) return true;
    }
    return false;
  }

  void run(const While& loop) {
    while (any_live(loop.condition)) run_body(loop.body);
  }

  void run(const Check& check) {
    const Lanes &ok = eval(check.ok), &position = eval(check.position), &value = eval(check.value),
                &bound = eval(check.bound);
    const std::size_t lanes = std::max({ok.size(), position.size(), value.size(), bound.size()});
    const std::vector<bool> live = lanes == 1 ? predicate_only(check.predicate) : active(check.predicate, lanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      if (!live[l] || at(ok, l).truth()) continue;
      frame_.runtime->fail(&frame_, check.fault, check.site, ax::to_i64(expr(check.position).type, at(position, l)),
                           ax::to_i64(expr(check.value).type, at(value, l)),
                           ax::to_i64(expr(check.bound).type, at(bound, l)));
      return;
    }
  }

  void run(const Print& print) {
    const Lanes &value = eval(print.value), &position = eval(print.position);
    const std::size_t lanes = std::max(value.size(), position.size());
    const std::vector<bool> live = lanes == 1 ? predicate_only(print.predicate) : active(print.predicate, lanes);
    const RegType type = expr(print.value).type;
    for (std::size_t l = 0; l < lanes; ++l) {
      if (!live[l]) continue;
      const bool number = ax::is_float(type);
      const Cell bits = number ? Cell::of(ax::to_f64(type, at(value, l))) : Cell::of(ax::to_i64(type, at(value, l)));
      frame_.runtime->print(&frame_, print.site, ax::to_i64(expr(print.position).type, at(position, l)), number,
                            bits.bits);
    }
  }

  void run(const Prefetch&) {}

  void run(const Launch& launch) {
    std::vector<std::int64_t> counts, steps;
    std::int64_t tiles = 1;
    for (const Launch::TileAxis& axis : launch.tiles) {
      steps.push_back(uniform_i64(axis.step));
      if (steps.back() <= 0) return complain("launch " + launch.name + ": a tile step is not positive");
      counts.push_back((uniform_i64(axis.extent) + steps.back() - 1) / steps.back());
      tiles *= counts.back();
    }
    for (std::int64_t t = 0; t < tiles; ++t) {
      std::int64_t linear = options_.reverse_tiles ? tiles - 1 - t : t;
      for (std::size_t a = launch.tiles.size(); a-- > 0;) {
        vars_[launch.tiles[a].var] = {Cell::of(linear % counts[a] * steps[a])};
        linear /= counts[a];
      }
      for (const BufferId buffer : launch.scratch) storage_[buffer] = {};
      run_body(launch.body);
    }
    for (const BufferId buffer : launch.scratch) storage_[buffer] = {};
  }

  const LoopProgram& program_;
  const AurexFrame& frame_;
  const ExecuteOptions options_;
  std::vector<Lanes> vars_;
  std::vector<std::uint32_t> var_pack_;
  std::vector<Lanes> lets_;
  std::vector<Lanes> registers_;
  std::vector<Storage> storage_;  // without data where nobody has asked for it
  std::vector<bool> fixed_;       // per expression
  std::vector<Lanes> memo_;       // per expression, valid where memo_statement_ is the current statement or kForever
  std::vector<std::uint64_t> memo_statement_;
  std::uint64_t statement_ = 1;
  std::vector<bool> live_;  // lanes of the current vector step; empty outside vector loops
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> execute(const LoopProgram& program, const AurexFrame& frame, const ExecuteOptions& options) {
  return Executor(program, frame, options).run();
}

}  // namespace aurex::schedule
