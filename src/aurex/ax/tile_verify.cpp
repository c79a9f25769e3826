#include "aurex/ax/tile_verify.h"

#include <bit>

#include "aurex/ax/registers.h"

namespace aurex::ax {
namespace {

class Verifier {
 public:
  explicit Verifier(const TileProgram& program) : program_(program) {}

  std::vector<std::string> run() {
    tables();
    if (!breaches_.empty()) return std::move(breaches_);  // what follows reads through the ids just checked
    for (std::size_t i = 0; i < program_.values.size(); ++i) value(static_cast<ValueId>(i));
    if (!breaches_.empty()) return std::move(breaches_);
    body(program_.body, false);
    return std::move(breaches_);
  }

 private:
  void breach(std::string text) { breaches_.push_back(std::move(text)); }
  void require(bool holds, const std::string& text) {
    if (!holds) breach(text);
  }
  [[nodiscard]] bool is_value(ValueId id) const { return id < program_.values.size(); }
  [[nodiscard]] bool is_axis(AxisId id) const { return id < program_.axes.size(); }
  [[nodiscard]] const Value& at(ValueId id) const { return program_.values[id]; }

  void tables() {
    require(program_.axes.size() <= kMaxAxes, "there are more than 64 axes");
    for (const Dim& dim : program_.dims) {
      require(dim.defined_by == kNone || is_value(dim.defined_by), "dimension " + dim.name + " is defined by no value");
      require(dim.pack == kNone || dim.pack < program_.pack_count, "dimension " + dim.name + " is of no pack");
    }
    for (const Axis& axis : program_.axes) {
      require(is_value(axis.extent) && at(axis.extent).type == RegType::kI64,
              "axis " + axis.name + " has no i64 extent");
      require(axis.dim == kNone || axis.dim < program_.dims.size(), "axis " + axis.name + " runs over no dimension");
    }
    for (const Array& array : program_.arrays) {
      require(array.type == register_type(array.storage.dtype),
              "array " + array.name + " loads as another type than it stores");
      require(array.start == kNone || (is_value(array.start) && at(array.start).type == array.type),
              "array " + array.name + " starts with a value of another type");
      for (const ArrayDim& dim : array.dims) {
        require(dim.dim < program_.dims.size(), "array " + array.name + " has an axis of no dimension");
      }
    }
    for (const Load& load : program_.loads) {
      require(load.array < program_.arrays.size(), "a load reads no array");
      if (load.array < program_.arrays.size()) indices(load.array, load.indices, "load");
    }
    for (const ExtentCheck& check : program_.checks) {
      require(is_value(check.condition) && at(check.condition).type == RegType::kBool,
              "a check is no bool: " + check.text);
    }
    for (const Call& call : program_.calls) {
      require(is_value(call.result), "call of " + call.function + " has no result");
      for (const ValueId arg : call.args)
        require(is_value(arg), "call of " + call.function + " has an argument that is no value");
    }
  }

  void indices(ArrayId array, const std::vector<Index>& list, const char* what) {
    const Array& target = program_.arrays[array];
    require(list.size() == target.dims.size(),
            std::string(what) + " of " + target.name + " has another number of indices than axes");
    for (const Index& index : list) {
      if (index.kind == Index::Kind::kAxis) {
        require(is_axis(index.axis) && !program_.axes[index.axis].unit,
                std::string(what) + " of " + target.name + " is indexed by no axis");
      } else {
        require(is_value(index.value) && is_integer(at(index.value).type),
                std::string(what) + " of " + target.name + " has an index that is no integer");
      }
    }
  }

  [[nodiscard]] AxisSet index_axes(const std::vector<Index>& list) const {
    AxisSet axes = 0;
    for (const Index& index : list)
      axes |= index.kind == Index::Kind::kAxis ? axis_bit(index.axis) : at(index.value).axes;
    return axes;
  }

  [[nodiscard]] static std::size_t argument_count(Op op) {
    if (op <= Op::kLoad) return 0;
    if (op >= Op::kNeg && op <= Op::kBitcast) return 1;
    if (op >= Op::kAdd && op <= Op::kGe) return 2;
    return op == Op::kFma || op == Op::kSelect ? 3 : 1;
  }

  void value(ValueId id) {
    const Value& v = at(id);
    const std::string name = "%" + std::to_string(id) + " " + std::string(to_string(v.op));
    for (const ValueId arg : v.args) {
      if (arg >= id) return breach(name + " uses a value that does not stand before it");
    }
    if (v.op == Op::kReindex  ? v.args.size() < 2 || v.args.size() > 3
        : v.op == Op::kRandom ? v.args.empty()
                              : v.args.size() != argument_count(v.op)) {
      return breach(name + " has " + std::to_string(v.args.size()) + " arguments");
    }
    if (v.op <= Op::kLoad) {
      leaf(v, name);
    } else {
      require(v.axes == expected_axes(v), name + " does not have the axes that follow from its arguments");
      types(v, name);
    }
  }

  void leaf(const Value& v, const std::string& name) {
    switch (v.op) {
      case Op::kScalar:
        return require(v.id < program_.scalars.size() && v.axes == 0, name + " is no scalar parameter");
      case Op::kExtent:
        return require(v.id < program_.dims.size() && v.type == RegType::kI64 && v.axes == 0, name + " is no extent");
      case Op::kPosition:
        require(is_axis(v.id) && is_integer(v.type), name + " is no position");
        return require(!is_axis(v.id) || v.axes == (program_.axes[v.id].unit ? 0 : axis_bit(v.id)),
                       name + " has other axes than its own");
      case Op::kVar:
        return require(
            v.id < program_.vars.size() && v.type == program_.vars[v.id].type && v.axes == program_.vars[v.id].axes,
            name + " differs from its variable");
      case Op::kLoad: {
        if (v.id >= program_.loads.size()) return breach(name + " is no load");
        const Load& load = program_.loads[v.id];
        AxisSet axes = index_axes(load.indices);
        if (load.otherwise != kNone) {
          if (!is_value(load.otherwise)) return breach(name + " falls back on no value");
          require(at(load.otherwise).type == v.type, name + " falls back on another type");
          axes |= at(load.otherwise).axes;
        }
        require(v.type == program_.arrays[load.array].type, name + " has another type than its array");
        return require(v.axes == axes, name + " does not have the axes of its indices");
      }
      default:
        return require(v.axes == 0, name + " is a constant with axes");
    }
  }

  [[nodiscard]] AxisSet expected_axes(const Value& v) const {
    AxisSet axes = 0;
    for (const ValueId arg : v.args) axes |= at(arg).axes;
    if (v.op == Op::kReduce) return axes & ~v.over;
    if (v.op != Op::kReindex || v.id >= kMaxAxes) return axes;
    axes = (at(v.args[0]).axes & ~axis_bit(v.id)) | at(v.args[1]).axes;
    return v.args.size() > 2 ? axes | at(v.args[2]).axes : axes;
  }

  void types(const Value& v, const std::string& name) {
    const auto type = [&](std::size_t i) { return at(v.args[i]).type; };
    const auto all = [&](std::size_t from, RegType wanted) {
      for (std::size_t i = from; i < v.args.size(); ++i) {
        if (type(i) != wanted) return false;
      }
      return true;
    };
    const std::string wrong = name + " does not fit the types of its arguments";
    if (v.op == Op::kSelect) return require(type(0) == RegType::kBool && all(1, v.type), wrong);
    if (v.op == Op::kLdexp) return require(is_float(v.type) && type(0) == v.type && type(1) == RegType::kI32, wrong);
    if (v.op == Op::kCast) return require(v.type != RegType::kBool && type(0) != RegType::kBool, wrong);
    if (v.op == Op::kBitcast) return require(bit_width(v.type) == bit_width(type(0)), wrong);
    if (v.op == Op::kIsNan || v.op == Op::kIsInf || v.op == Op::kIsFinite) {
      return require(v.type == RegType::kBool && is_float(type(0)), wrong);
    }
    if (v.op >= Op::kEq && v.op <= Op::kGe) return require(v.type == RegType::kBool && type(0) == type(1), wrong);
    if (v.op == Op::kDiv || v.op == Op::kSqrt || v.op == Op::kFma)
      return require(is_float(v.type) && all(0, v.type), wrong);
    if (v.op == Op::kFloorDiv || v.op == Op::kMod || v.op == Op::kShl || v.op == Op::kShr ||
        (v.op >= Op::kBitAnd && v.op <= Op::kBitXor)) {
      return require(is_integer(v.type) && all(0, v.type), wrong);
    }
    if (v.op == Op::kReduce) {
      const bool position = v.reduction == Reduction::kArgmax || v.reduction == Reduction::kArgmin;
      const bool logical = v.reduction == Reduction::kAny || v.reduction == Reduction::kAll;
      require(v.over != 0 && (v.over & ~at(v.args[0]).axes) == 0,
              name + " reduces over axes that its argument does not have");
      require(position ? v.type == RegType::kI32 && std::has_single_bit(v.over) : v.type == type(0), wrong);
      return require(logical == (type(0) == RegType::kBool), wrong);
    }
    if (v.op == Op::kScan || v.op == Op::kArgsort || v.op == Op::kReindex) {
      require(is_axis(v.id) && (at(v.args[0]).axes & axis_bit(v.id)) != 0,
              name + " goes along an axis that its argument does not have");
      if (v.op == Op::kReindex) require(is_integer(type(1)) && (v.args.size() < 3 || type(2) == v.type), wrong);
      return require(v.op == Op::kArgsort ? v.type == RegType::kI32 : v.type == type(0), wrong);
    }
    if (v.op == Op::kRandom) return require(is_integer(type(0)), wrong);
    require(all(0, v.type), wrong);
  }

  void body(const Body& statements, bool in_parallel) {
    for (const Stmt& stmt : statements) {
      if (const auto* node = std::get_if<Parallel>(&stmt.node)) {
        require(!in_parallel, "a parallel block stands inside another one");
        for (const AxisId axis : node->axes) require(is_axis(axis), "a parallel block runs over no axis");
        body(node->body, true);
      } else if (const auto* loop = std::get_if<For>(&stmt.node)) {
        require(is_axis(loop->axis), "a loop runs over no axis");
        for (const ValueId bound : {loop->lo, loop->hi}) {
          if (bound != kNone)
            require(is_value(bound) && is_integer(at(bound).type), "the bound of a loop is no integer");
        }
        body(loop->body, in_parallel);
      } else if (const auto* repeat = std::get_if<While>(&stmt.node)) {
        condition(repeat->condition, "while");
        body(repeat->body, in_parallel);
      } else if (const auto* branch = std::get_if<If>(&stmt.node)) {
        condition(branch->condition, "if");
        body(branch->then_body, in_parallel);
        body(branch->else_body, in_parallel);
      } else {
        leaf_statement(stmt);
      }
    }
  }

  void condition(ValueId id, const std::string& what) {
    require(is_value(id) && at(id).type == RegType::kBool, "the condition of " + what + " is no bool");
  }

  void into_var(VarId var, ValueId value, const char* what) {
    if (var >= program_.vars.size() || !is_value(value))
      return breach(std::string(what) + " without variable or value");
    const Var& target = program_.vars[var];
    require(at(value).type == target.type, std::string(what) + " of " + target.name + " with another type");
    require((at(value).axes & ~target.axes) == 0, std::string(what) + " of " + target.name + " with more axes");
  }

  void leaf_statement(const Stmt& stmt) {
    if (const auto* node = std::get_if<Let>(&stmt.node))
      require(is_value(node->value), "let " + node->name + " is no value");
    if (const auto* node = std::get_if<Print>(&stmt.node)) require(is_value(node->value), "print of no value");
    if (const auto* node = std::get_if<Assert>(&stmt.node)) condition(node->condition, "assert");
    if (const auto* node = std::get_if<Declare>(&stmt.node)) into_var(node->var, node->value, "declaration");
    if (const auto* node = std::get_if<Assign>(&stmt.node)) into_var(node->var, node->value, "assignment");
    const auto* store = std::get_if<Store>(&stmt.node);
    if (store == nullptr) return;
    if (store->array >= program_.arrays.size() || !is_value(store->value))
      return breach("store to no array or of no value");
    const Array& target = program_.arrays[store->array];
    const std::size_t before = breaches_.size();
    indices(store->array, store->indices, "store");
    require(target.role != ArrayRole::kInput, "store to the input " + target.name);
    require((at(store->value).type == RegType::kBool) == (target.type == RegType::kBool),
            "store of another kind to " + target.name);
    if (breaches_.size() != before) return;
    require((at(store->value).axes & ~index_axes(store->indices)) == 0,
            "store to " + target.name + " of a value with more axes");
  }

  const TileProgram& program_;
  std::vector<std::string> breaches_;
};

}  // namespace

std::vector<std::string> verify(const TileProgram& program) { return Verifier(program).run(); }

}  // namespace aurex::ax
