#include "aurex/ax/program_rules.h"

#include <algorithm>

namespace aurex::ax {
namespace {

/// The one launch an array is stored in, for rule 17.
struct StorePlace {
  const Store* store = nullptr;
  std::size_t launch = 0;
  std::size_t order = 0;
  bool single = true;
};

/// One load, and the launch that needs it.
struct LoadPlace {
  std::uint32_t load = kNone;
  std::size_t launch = 0;
  std::size_t order = 0;  // of the last statement that needs it
};

class PlaceCollector {
 public:
  explicit PlaceCollector(const TileProgram& program)
      : program_(program), stores(program.arrays.size()), seen_(program.values.size()) {}

  void run() {
    for (const Stmt& stmt : program_.body) {
      ++launch_;
      walk(stmt);
    }
    // Last statement first: a load counts for the last statement that reaches it.
    for (std::size_t i = statements_.size(); i-- > 0;) {
      for (const ValueId root : statements_[i].roots) {
        for_each_value(program_, root, seen_, [&](ValueId id) {
          const Value& value = program_.values[id];
          if (value.op == Op::kLoad) loads.push_back({value.id, statements_[i].launch, i});
        });
      }
    }
  }

 private:
  struct Statement {
    std::size_t launch;
    std::vector<ValueId> roots;
  };
  const TileProgram& program_;

 public:
  std::vector<StorePlace> stores;
  std::vector<LoadPlace> loads;

 private:
  void walk(const Body& body) {
    for (const Stmt& stmt : body) walk(stmt);
  }
  void walk(const Stmt& stmt) {
    const std::size_t order = statements_.size();
    statements_.push_back({launch_, {}});
    for_each_operand(stmt, [&](ValueId id) { statements_[order].roots.push_back(id); });
    if (const auto* node = std::get_if<Parallel>(&stmt.node)) walk(node->body);
    if (const auto* node = std::get_if<For>(&stmt.node)) walk(node->body);
    if (const auto* node = std::get_if<While>(&stmt.node)) walk(node->body);
    if (const auto* node = std::get_if<If>(&stmt.node)) {
      walk(node->then_body);
      walk(node->else_body);
    }
    if (const auto* node = std::get_if<Store>(&stmt.node)) {
      StorePlace& place = stores[node->array];
      place = {node, launch_, order, place.store == nullptr};
    }
  }

  std::size_t launch_ = 0;
  std::vector<Statement> statements_;
  std::vector<bool> seen_;
};

bool same_index(const Index& a, const Index& b) { return a.kind == b.kind && a.axis == b.axis && a.value == b.value; }

/// Does the load read exactly the element that the store writes? A pack may stand for no axes, so an array without it
/// can have the same shape; then the other indices have to agree.
bool same_element(const TileProgram& program, const Load& load, const Store& store) {
  const auto without_packs = [&](ArrayId array, const std::vector<Index>& indices) {
    std::vector<Index> kept;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (program.dims[program.arrays[array].dims[i].dim].pack == kNone) kept.push_back(indices[i]);
    }
    return kept;
  };
  const auto equal = [](const std::vector<Index>& a, const std::vector<Index>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_index);
  };
  if (equal(load.indices, store.indices)) return true;
  if (load.indices.size() == store.indices.size()) return false;
  return equal(without_packs(load.array, load.indices), without_packs(store.array, store.indices));
}

/// May views of the two arrays be identical at all? Only with as many axes.
bool may_coincide(const TileProgram& program, const Array& a, const Array& b) {
  const auto axes = [&](const Array& array, bool& pack) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < array.dims.size(); ++i) {
      const bool is_pack = program.dims[array.dims[i].dim].pack != kNone;
      pack |= is_pack;
      if (!is_pack && (i == 0 || array.dims[i].argument_axis != array.dims[i - 1].argument_axis)) ++count;
    }
    return count;
  };
  bool pack_a = false, pack_b = false;
  const std::size_t count_a = axes(a, pack_a), count_b = axes(b, pack_b);
  return (count_a == count_b) || (pack_a && count_b >= count_a) || (pack_b && count_a >= count_b);
}

void mark_scatters(const ProgramBuilder& builder, Body& body, AxisSet parallel, AxisSet moving);

bool meets(const ProgramBuilder& builder, const Store& store, AxisSet parallel, AxisSet moving) {
  AxisSet axes = parallel;
  for (const Index& index : store.indices) {
    if (index.kind == Index::Kind::kAxis) axes |= axis_bit(index.axis);
    if (index.value != kNone) axes |= builder.value(index.value).axes;
  }
  moving |= axes;
  for (AxisId axis = 0; axis < builder.program.axes.size(); ++axis) {
    if ((axes & axis_bit(axis)) == 0) continue;
    if (std::none_of(store.indices.begin(), store.indices.end(),
                     [&](const Index& index) { return step_along(builder, index, axis, moving) != 0; })) {
      return true;
    }
  }
  return false;
}

void mark_scatters(const ProgramBuilder& builder, Body& body, AxisSet parallel, AxisSet moving) {
  for (Stmt& stmt : body) {
    if (auto* node = std::get_if<Parallel>(&stmt.node)) {
      AxisSet axes = 0;
      for (const AxisId axis : node->axes) axes |= axis_bit(axis);
      mark_scatters(builder, node->body, axes, moving | axes);
    }
    if (auto* node = std::get_if<For>(&stmt.node))
      mark_scatters(builder, node->body, parallel, moving | axis_bit(node->axis));
    if (auto* node = std::get_if<While>(&stmt.node)) mark_scatters(builder, node->body, parallel, moving);
    if (auto* node = std::get_if<If>(&stmt.node)) {
      mark_scatters(builder, node->then_body, parallel, moving);
      mark_scatters(builder, node->else_body, parallel, moving);
    }
    if (auto* node = std::get_if<Store>(&stmt.node); node != nullptr && node->update != Update::kSet) {
      node->scatter = meets(builder, *node, parallel, moving);
    }
  }
}

}  // namespace

int step_along(const ProgramBuilder& builder, const Index& index, AxisId axis, AxisSet moving) {
  if (index.kind == Index::Kind::kAxis) return index.axis == axis ? 1 : 0;
  int step = 0;
  for (const auto& [atom, factor] : builder.linear(index.value).terms) {
    const Value& value = builder.value(atom);
    if (value.op == Op::kPosition && value.id == axis) {
      if (factor != 1 && factor != -1) return 0;
      step = static_cast<int>(factor);
      continue;
    }
    const Dependencies& depends = builder.dependencies(atom);
    if ((depends.axes & moving) != 0 || depends.vars.any()) return 0;
  }
  return step;
}

AxisId covers_axis(const ProgramBuilder& builder, const Index& index, DimId dim, const std::vector<DimId>& dim_class) {
  const auto runs_over = [&](AxisId axis) {
    const Axis& a = builder.program.axes[axis];
    const Dim& d = builder.program.dims[dim];
    return (a.dim != kNone && dim_class[a.dim] == dim_class[dim]) ||
           (d.defined_by != kNone && d.defined_by == a.extent);
  };
  if (index.kind == Index::Kind::kAxis) return runs_over(index.axis) ? index.axis : kNone;
  const LinearForm form = builder.linear(index.value);
  const auto literal = builder.program.dims[dim].literal;
  AxisId axis = kNone;
  std::int64_t step = 0, extents = 0;
  for (const auto& [atom, factor] : form.terms) {
    const Value& value = builder.value(atom);
    if (value.op == Op::kPosition && axis == kNone && runs_over(value.id)) {
      axis = value.id;
      step = factor;
    } else if (value.op == Op::kExtent && dim_class[value.id] == dim_class[dim]) {
      extents += factor;
    } else {
      return kNone;
    }
  }
  const std::int64_t constant = form.constant + (literal ? -*literal * (step == -1 ? 1 : 0) : 0);
  if (literal) extents += step == -1 ? 1 : 0;
  if (step == 1 && extents == 0 && constant == 0) return axis;
  if (step == -1 && extents == 1 && constant == -1) return axis;
  return kNone;
}

void ProgramRules::check() const {
  check_tile_dependence(builder, sink);
  check_races(builder, sink);
  check_written_once(builder, dim_class, sink);
}

void ProgramRules::mark_in_place(TileProgram& program) const {
  mark_scatters(builder, program.body, 0, 0);
  PlaceCollector places(program);
  places.run();
  for (ArrayId id = 0; id < program.arrays.size(); ++id) {
    Array& array = program.arrays[id];
    const StorePlace& place = places.stores[id];
    if (array.role == ArrayRole::kInput || array.role == ArrayRole::kScratch) continue;
    if (place.store == nullptr || !place.single || place.store->update != Update::kSet) continue;
    array.in_place = std::all_of(places.loads.begin(), places.loads.end(), [&](const LoadPlace& read) {
      const Load& load = program.loads[read.load];
      if (load.array == id || program.arrays[load.array].role == ArrayRole::kScratch) return true;
      if (!may_coincide(program, array, program.arrays[load.array])) return true;
      return read.launch == place.launch && read.order <= place.order && same_element(program, load, *place.store);
    });
  }
}

}  // namespace aurex::ax
