// Signatures: dimensions, storage types, parameters, results, `where` (rules 9 to 18).

#include <algorithm>

#include "aurex/ax/registers.h"
#include "aurex/ax/specializer.h"

namespace aurex::ax {
namespace {

bool is_float_storage(DType dtype) { return is_float(register_type(dtype)); }
bool is_int_storage(DType dtype) { return is_integer(register_type(dtype)); }

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

/// One storage type for the results of an expression kernel whose arguments have these.
std::optional<DType> joined_storage(const std::vector<DType>& storages) {
  if (storages.empty()) return std::nullopt;
  if (std::all_of(storages.begin(), storages.end(), [&](DType d) { return d == storages[0]; })) return storages[0];
  return std::nullopt;
}

}  // namespace

DimId Specializer::named_dim(std::string_view name, bool pack, Span span) {
  if (types_.contains(name)) {
    refuse(Code::kDimensionAsType, span,
           quoted(name) + " is a storage type in this signature, so it cannot be a dimension too",
           "give the dimension another name");
  }
  if (const auto found = dims_.find(name); found != dims_.end()) {
    const bool was_pack = program().dims[found->second].pack != kNone;
    if (was_pack != pack) {
      refuse(Code::kPackMisuse, span,
             quoted(name) + (was_pack ? " is a pack of axes, here it stands for one axis"
                                      : " is one axis, here it stands for a pack of axes"),
             was_pack ? "write `" + std::string(name) + "...`" : "write `" + std::string(name) + "`");
    }
    return found->second;
  }
  const auto id = static_cast<DimId>(program().dims.size());
  Dim dim{.name = std::string(name), .literal = std::nullopt, .defined_by = kNone, .pack = kNone};
  if (pack) dim.pack = program().pack_count++;
  program().dims.push_back(std::move(dim));
  dim_spans_.push_back(span);
  solved_.push_back(false);
  dim_class_.push_back(id);
  dims_.emplace(name, id);
  return id;
}

DimId Specializer::literal_dim(std::uint64_t value, Span span) {
  if (value > std::uint64_t{INT64_MAX}) refuse(Code::kLiteralRange, span, "an extent is at most 2^63 - 1");
  const auto [found, inserted] = literal_dims_.emplace(value, static_cast<DimId>(program().dims.size()));
  if (inserted) {
    program().dims.push_back({.name = std::to_string(value),
                              .literal = static_cast<std::int64_t>(value),
                              .defined_by = kNone,
                              .pack = kNone});
    dim_spans_.push_back(span);
    solved_.push_back(true);
    dim_class_.push_back(found->second);
  }
  return found->second;
}

std::vector<ArrayDim> Specializer::shape(const std::vector<syntax::Dim>& dims) {
  std::vector<ArrayDim> result;
  std::uint32_t axis = 0;
  const auto one = [&](const syntax::Dim& dim) {
    switch (dim.kind) {
      case syntax::Dim::Kind::kName:
        result.push_back({named_dim(dim.name, false, dim.span), axis});
        break;
      case syntax::Dim::Kind::kPack:
        result.push_back({named_dim(dim.name, true, dim.span), axis});
        break;
      case syntax::Dim::Kind::kLiteral:
        result.push_back({literal_dim(dim.literal, dim.span), axis});
        break;
      case syntax::Dim::Kind::kSplit:   // taken apart below
      case syntax::Dim::Kind::kExtent:  // in `scratch` only
        break;
    }
  };
  for (const syntax::Dim& dim : dims) {
    if (dim.kind == syntax::Dim::Kind::kSplit) {
      for (const syntax::Dim& part : dim.parts) one(part);
    } else {
      one(dim);
    }
    ++axis;
  }
  const auto packs = std::count_if(result.begin(), result.end(),
                                   [&](const ArrayDim& d) { return program().dims[d.dim].pack != kNone; });
  if (packs > 1) {
    refuse(Code::kPackMisuse, dims.front().span, "a shape holds at most one pack of axes",
           "name the axes of one of the two packs");
  }
  return result;
}

// A dimension is solved by an axis of its own, or by a split axis whose other parts are known by then.
void Specializer::mark_solved(const ArrayDim* begin, const ArrayDim* end) {
  for (const ArrayDim* d = begin; d != end;) {
    const ArrayDim* next = std::find_if(d, end, [&](const ArrayDim& o) { return o.argument_axis != d->argument_axis; });
    std::vector<DimId> unknown;
    for (const ArrayDim* part = d; part != next; ++part) {
      if (!solved_[part->dim]) unknown.push_back(part->dim);
    }
    if (unknown.size() == 1) solved_[unknown[0]] = true;
    d = next;
  }
}

void Specializer::note_type_variables() {
  const auto note = [&](const syntax::TypeExpr& type) {
    const syntax::Name& name = type.element.name;
    if (syntax::is_upper(name.text)) types_.emplace(name.text, std::nullopt);
  };
  for (const syntax::Param& param : kernel_.params) {
    if (param.type) note(*param.type);
  }
  for (const syntax::Result& result : kernel_.results) note(result.type);
}

void Specializer::signature() {
  if (program().label != "vector" && program().label != "matrix" && program().label != "spiking") {
    report(Code::kUnknownLabel, kernel_.label->span, quoted(program().label) + " is no label of a kernel")
        .help("the labels are vector, matrix and spiking");
  }
  note_type_variables();
  const std::size_t count = kernel_.params.size();
  if (given_.arguments.size() != count) {
    throw ArgumentError("kernel `" + kernel_.name.text + "` takes " + std::to_string(count) + " arguments, " +
                        std::to_string(given_.arguments.size()) + " are given");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const syntax::Param& param = kernel_.params[i];
    try {
      parameter(param, given_.arguments[i]);
    } catch (const Refused&) {
      if (find(param.name.text) == nullptr) {
        names_.push_back({param.name.text, {.span = param.name.span, .what = "parameter"}});
        name_index_[param.name.text].push_back(static_cast<std::uint32_t>(names_.size() - 1));
      }
    }
  }
  for (std::size_t i = 0; i < kernel_.results.size(); ++i) {
    result(kernel_.results[i], i < given_.results.size() ? given_.results[i] : std::nullopt);
  }
  for (const Array& array : program().arrays) {
    if (array.role != ArrayRole::kResult) mark_solved(array.dims.data(), array.dims.data() + array.dims.size());
  }
  for (const syntax::WhereClause& clause : kernel_.where) {
    try {
      where_clause(clause);
    } catch (const Refused&) {
    }
  }
  array_versions_.resize(program().arrays.size());
  if (sink_.has_errors()) throw Refused{};
}

void Specializer::parameter(const syntax::Param& param, const Given& given) {
  const std::string& name = param.name.text;
  if (param.default_value && param.mode == syntax::ParamMode::kInout) {
    refuse(Code::kInvalidInout, param.span, "`inout " + name + "` has a default, but it has to be passed to be written",
           "leave the default out");
  }
  if (given.kind == Given::Kind::kAbsent && !param.default_value && !given.constant) {
    throw ArgumentError("kernel `" + kernel_.name.text + "`: argument `" + name + "` is missing");
  }
  if (!param.type) {
    expression_parameter(param, given);
  } else if (param.type->shape) {
    array_parameter(param, given);
  } else {
    scalar_parameter(param, given);
  }
}

void Specializer::expression_parameter(const syntax::Param& param, const Given& given) {
  if (!kernel_.is_expression()) {
    refuse(Code::kUnknownType, param.name.span, "`" + param.name.text + "` has no type",
           "write `" + param.name.text + ": T[N]` for an array or `" + param.name.text + ": float` for a scalar");
  }
  if (given.kind == Given::Kind::kAbsent || given.constant) {
    bind(param.name.text,
         {.kind = Meaning::Kind::kValue,
          .value = literal(*param.default_value),
          .span = param.name.span,
          .what = "parameter"},
         param.name.span);
    return;
  }
  if (given.kind == Given::Kind::kScalar) {
    const auto id = static_cast<ScalarId>(program().scalars.size());
    const auto same_slot = [&](const Scalar& s) {
      return (s.type == RegType::kF64) == (given.scalar == RegType::kF64);
    };
    const auto slot = std::count_if(program().scalars.begin(), program().scalars.end(), same_slot);
    program().scalars.push_back({param.name.text, given.scalar, static_cast<std::uint32_t>(slot)});
    Value v{.op = Op::kScalar, .type = given.scalar, .id = id, .args = {}, .span = param.name.span};
    bind(param.name.text,
         {.kind = Meaning::Kind::kValue,
          .value = {builder_.add(std::move(v)), 0, true},
          .span = param.name.span,
          .what = "parameter"},
         param.name.span);
    return;
  }
  const DimId rows = named_dim("R", true, param.span), inner = named_dim("I", false, param.span);
  const auto id = static_cast<ArrayId>(program().arrays.size());
  program().arrays.push_back({.name = param.name.text,
                              .role = ArrayRole::kInput,
                              .storage = given.storage,
                              .type = register_type(given.storage.dtype),
                              .dims = {{rows, 0}, {inner, 1}},
                              .scratch_axes = {},
                              .span = param.span});
  bind(param.name.text, {.kind = Meaning::Kind::kArray, .id = id, .span = param.name.span, .what = "parameter"},
       param.name.span);
}

void Specializer::refuse_format(const syntax::TypeRef& type) {
  if (module_.formats.contains(type.name.text)) {
    throw NotImplemented("kernel `" + kernel_.name.text + "`: storage format `" + type.name.text +
                         "` as the type of an array");
  }
}

Storage Specializer::accept_storage(const syntax::TypeRef& type, Storage given, std::string_view parameter) {
  const std::string& name = type.name.text;
  const auto mismatch = [&](const std::string& wanted) {
    refuse(Code::kStorageMismatch, type.span,
           quoted(parameter) + " takes " + wanted + ", and is given " + std::string(to_string(given.dtype)));
  };
  refuse_format(type);
  if (name == "any") return given;
  if (name == "float") {
    if (!is_float_storage(given.dtype)) mismatch("a float type");
    return given;
  }
  if (name == "int") {
    if (!is_int_storage(given.dtype)) mismatch("an integer type");
    return given;
  }
  if (syntax::is_upper(name)) {
    std::optional<Storage>& bound = types_[name];
    if (!bound) bound = given;
    if (*bound != given) {
      mismatch("the storage type " + quoted(name) + ", which is " + std::string(to_string(bound->dtype)) + " here");
    }
    return given;
  }
  const auto dtype = try_parse_dtype(name);
  if (!dtype) {
    refuse(Code::kUnknownType, type.span, "there is no storage type " + quoted(name),
           "use a type such as f32 or u8, a capital for any type, or float, int, any");
  }
  if (*dtype != given.dtype) mismatch(name);
  return given;
}

void Specializer::array_parameter(const syntax::Param& param, const Given& given) {
  const std::string& name = param.name.text;
  if (kernel_.is_expression()) {
    refuse(Code::kUnknownType, param.type->span,
           "parameters of an expression kernel line up by position and have no shape",
           "write `" + name + "` alone, or give the kernel a body in braces");
  }
  if (param.mode == syntax::ParamMode::kConst) {
    refuse(Code::kUnknownType, param.span, "`const` is for scalars; " + quoted(name) + " is an array");
  }
  std::vector<ArrayDim> dims = shape(*param.type->shape);
  if (given.kind == Given::Kind::kAbsent) {
    Typed value = literal(*param.default_value);
    const auto bound = types_.find(param.type->element.name.text);
    if (bound != types_.end() && bound->second) {
      const RegType type = register_type(bound->second->dtype);
      if ((type == RegType::kBool) == (type_of(value) == RegType::kBool)) value = {convert(value, type, param.span)};
    }
    bind(name,
         {.kind = Meaning::Kind::kFilled,
          .id = static_cast<std::uint32_t>(filled_.size()),
          .span = param.name.span,
          .what = "parameter"},
         param.name.span);
    filled_.push_back({name, std::move(dims), value});
    return;
  }
  if (given.kind != Given::Kind::kArray) {
    throw ArgumentError("kernel `" + kernel_.name.text + "`: argument `" + name + "` is an array, a scalar is given");
  }
  const Storage storage = accept_storage(param.type->element, given.storage, name);
  bind(name,
       {.kind = Meaning::Kind::kArray,
        .id = static_cast<ArrayId>(program().arrays.size()),
        .span = param.name.span,
        .what = "parameter"},
       param.name.span);
  program().arrays.push_back({.name = name,
                              .role = param.mode == syntax::ParamMode::kInout ? ArrayRole::kInout : ArrayRole::kInput,
                              .storage = storage,
                              .type = register_type(storage.dtype),
                              .dims = std::move(dims),
                              .scratch_axes = {},
                              .span = param.span});
}

void Specializer::scalar_parameter(const syntax::Param& param, const Given& given) {
  const std::string& name = param.name.text;
  const std::string& type_name = param.type->element.name.text;
  RegType type = RegType::kF64;
  if (type_name == "int") {
    type = RegType::kI64;
  } else if (type_name == "bool") {
    type = RegType::kBool;
  } else if (type_name != "float") {
    refuse(Code::kScalarType, param.type->span, "a scalar parameter is float, int or bool, not " + quoted(type_name),
           "it is weak and takes the type of what it meets; for an array write `" + type_name + "[N]`");
  }
  if (param.mode == syntax::ParamMode::kInout) {
    refuse(Code::kInvalidInout, param.span, "`inout` is for arrays; " + quoted(name) + " is a scalar",
           "return it as a result: `-> (" + name + ": f32)`");
  }
  Typed value;
  const bool absent = given.kind == Given::Kind::kAbsent && !given.constant;
  if (given.constant) {
    if (const auto* b = std::get_if<bool>(&*given.constant)) value.id = builder_.boolean(*b, param.span);
    if (const auto* i = std::get_if<std::int64_t>(&*given.constant)) {
      value.id = builder_.integer(*i, RegType::kI64, param.span);
    }
    if (const auto* f = std::get_if<double>(&*given.constant))
      value.id = builder_.number(*f, RegType::kF64, param.span);
    value.weak = true;
  } else if (absent) {
    value = literal(*param.default_value);
  } else if (param.mode == syntax::ParamMode::kConst) {
    throw ArgumentError("kernel `" + kernel_.name.text + "`: const parameter `" + name +
                        "` needs a value to specialise");
  } else {
    const bool real = type == RegType::kF64;
    const auto slot = std::count_if(program().scalars.begin(), program().scalars.end(),
                                    [&](const Scalar& s) { return (s.type == RegType::kF64) == real; });
    const auto id = static_cast<ScalarId>(program().scalars.size());
    program().scalars.push_back({name, type, static_cast<std::uint32_t>(slot)});
    Value v{.op = Op::kScalar, .type = type, .id = id, .args = {}, .span = param.name.span};
    value = {builder_.add(std::move(v)), 0, type != RegType::kBool};
  }
  if (type == RegType::kF64 && is_integer(type_of(value))) value.id = convert(value, RegType::kF64, param.span);
  if (type_of(value) != type) {
    refuse(Code::kDefaultType, param.default_value ? param.default_value->span : param.span,
           quoted(name) + " is " + type_name + ", its value is " + type_text(value));
  }
  value.weak = type != RegType::kBool;
  bind(name, {.kind = Meaning::Kind::kValue, .value = value, .span = param.name.span, .what = "parameter"},
       param.name.span);
}

Storage Specializer::exact_storage(const syntax::TypeRef& type, std::optional<Storage> given, std::string_view name) {
  const std::string& text = type.name.text;
  refuse_format(type);
  if (text == "wide") {
    const auto* argument =
        type.arguments.size() == 1 ? std::get_if<syntax::NameExpr>(&type.arguments[0]->node) : nullptr;
    const auto bound = argument != nullptr ? types_.find(argument->name) : types_.end();
    if (bound == types_.end() || !bound->second) {
      refuse(Code::kUnknownType, type.span, "`wide` takes the storage type of a parameter, as in `wide(T)`");
    }
    return {storage_type(register_type(bound->second->dtype))};
  }
  if (syntax::is_upper(text)) {
    std::optional<Storage>& bound = types_[text];
    if (!bound && given) bound = given;
    if (!bound) {
      refuse(Code::kUnsolvedType, type.span,
             "no argument decides the storage type " + quoted(text) + " of " + quoted(name),
             "pass the result with `out=`, or name a type here");
    }
    return *bound;
  }
  const auto dtype = try_parse_dtype(text);
  if (!dtype) {
    refuse(Code::kUnknownType, type.span, "a result has one storage type, and there is none called " + quoted(text),
           "use a type such as f32, or the type variable of a parameter");
  }
  return {*dtype};
}

void Specializer::result(const syntax::Result& result, std::optional<Storage> given) {
  const std::string& name = result.name.text;
  const Storage storage = exact_storage(result.type.element, given, name);
  if (given && *given != storage) {
    refuse(Code::kStorageMismatch, result.type.span,
           "result " + quoted(name) + " is " + std::string(to_string(storage.dtype)) + ", `out=` is " +
               std::string(to_string(given->dtype)));
  }
  Array array{.name = name,
              .role = ArrayRole::kResult,
              .storage = storage,
              .type = register_type(storage.dtype),
              .dims = {},
              .scratch_axes = {},
              .span = result.span};
  if (result.type.shape) array.dims = shape(*result.type.shape);
  if (result.start) {
    const Typed start = literal(*result.start);
    if ((type_of(start) == RegType::kBool) != (array.type == RegType::kBool)) {
      refuse(Code::kDefaultType, result.start->span,
             "the start value of " + quoted(name) + " is " + type_text(start) + ", its elements are " +
                 std::string(to_string(storage.dtype)));
    }
    array.start = convert(start, array.type, result.start->span);
  }
  bind(name,
       {.kind = Meaning::Kind::kArray,
        .id = static_cast<ArrayId>(program().arrays.size()),
        .span = result.name.span,
        .what = "result"},
       result.name.span);
  program().arrays.push_back(std::move(array));
}

// The parser lets literals, a minus in front of one, and names of constants through.
Typed Specializer::literal(const syntax::Expr& expr) {
  const Typed value = eval(expr);
  if (!builder_.is_constant(value.id)) {
    refuse(Code::kDefaultType, expr.span, "a default or start value is a literal", "compute it in the kernel");
  }
  return value;
}

void Specializer::where_clause(const syntax::WhereClause& clause) {
  if (const auto* definition = std::get_if<syntax::WhereDefinition>(&clause.node)) {
    return where_definition(*definition, clause.span);
  }
  const auto& condition = *std::get<syntax::WhereCondition>(clause.node).condition;
  const Typed value = to_bool(condition, "a `where` condition");
  if (!builder_.dependencies(value.id).uniform) {
    refuse(Code::kNotLaunchScalar, condition.span, "`where` speaks of extents and scalar parameters only");
  }
  program().checks.push_back({value.id, std::string(program().source->text(clause.span)), clause.span});
}

void Specializer::where_definition(const syntax::WhereDefinition& definition, Span span) {
  const Typed value = eval(*definition.value);
  if (!is_integer(type_of(value)) || !builder_.dependencies(value.id).uniform) {
    refuse(Code::kNotLaunchScalar, definition.value->span,
           "the extent " + quoted(definition.name.text) + " is defined by " + type_text(value),
           "use an integer expression of extents and scalar parameters");
  }
  const DimId dim = named_dim(definition.name.text, false, definition.name.span);
  const ValueId extent = convert(value, RegType::kI64, definition.value->span);
  if (builder_.value(extent).op == Op::kExtent) {  // `where A = B`: the two are one for rule 5
    const DimId a = dim_class_[dim], b = dim_class_[builder_.value(extent).id];
    for (DimId& member : dim_class_) {
      if (member == a) member = b;
    }
  }
  if (solved_[dim] || program().dims[dim].defined_by != kNone) {
    const ValueId equal = builder_.binary(Op::kEq, RegType::kBool, builder_.extent(dim, span), extent, span);
    program().checks.push_back({equal, std::string(program().source->text(span)), span});
    return;
  }
  if (std::find(where_order_.begin(), where_order_.end(), dim) != where_order_.end()) {
    refuse(Code::kWhereOrder, span,
           quoted(definition.name.text) + " is used by an earlier clause, or by its own definition",
           "define it before it is used");
  }
  program().dims[dim].defined_by = extent;
  solved_[dim] = true;
}

// Loads line up by NumPy's rules; the runtime broadcasts, so that all arrays have the axes [R..., I].
void Specializer::expression_kernel(const syntax::Expr& expr) {
  std::vector<AxisId> axes;
  for (const auto& [name, variable] : {std::pair{"R", "r"}, std::pair{"I", "i"}}) {
    const auto dim = dims_.find(name);
    if (dim == dims_.end()) continue;
    const ValueId extent = builder_.extent(dim->second, expr.span);
    axes.push_back(
        add_axis({.name = variable, .extent = extent, .dim = dim->second, .span = expr.span}, AxisRole::kParallel));
  }
  std::vector<Index> indices;
  for (const AxisId axis : axes) indices.push_back({.kind = Index::Kind::kAxis, .axis = axis, .proved = true});
  for (Name& name : names_) {
    if (name.meaning.kind != Meaning::Kind::kArray) continue;
    const ValueId id = builder_.load({name.meaning.id, indices, kNone}, 0, name.meaning.span);
    name.meaning.kind = Meaning::Kind::kValue;
    name.meaning.value = {id, builder_.value(id).axes};
  }
  context_.in_parallel = !axes.empty();
  for (const AxisId axis : axes) context_.parallel_axes |= axis_bit(axis);
  Typed value = eval(expr);
  Array array{.name = "result",
              .role = ArrayRole::kResult,
              .storage = expression_storage(value),
              .dims = {},
              .scratch_axes = {},
              .span = expr.span};
  if (!given_.results.empty() && given_.results[0]) {
    if ((given_.results[0]->dtype == DType::kBool) != (type_of(value) == RegType::kBool)) {
      refuse(
          Code::kStoreType, expr.span,
          "the result is " + type_text(value) + ", `out=` holds " + std::string(to_string(given_.results[0]->dtype)));
    }
    array.storage = *given_.results[0];
  }
  array.type = register_type(array.storage.dtype);
  for (std::uint32_t i = 0; i < axes.size(); ++i) array.dims.push_back({program().axes[axes[i]].dim, i});
  if (value.weak) value.id = convert(value, array.type == RegType::kBool ? type_of(value) : array.type, expr.span);
  const auto result = static_cast<ArrayId>(program().arrays.size());
  program().arrays.push_back(std::move(array));
  Body store;
  emit(store, expr.span, Store{.array = result, .indices = std::move(indices), .value = value.id});
  if (axes.empty()) {
    program().body = std::move(store);
  } else {
    emit(program().body, expr.span, Parallel{std::move(axes), std::move(store)});
  }
}

Storage Specializer::expression_storage(const Typed& value) const {
  const RegType type = type_of(value);
  std::vector<DType> storages;
  for (const Array& array : builder_.program.arrays) storages.push_back(array.storage.dtype);
  const auto joined = joined_storage(storages);
  if (value.weak && storages.empty()) return {storage_type(type)};
  if (joined && register_type(*joined) == type) return {*joined};
  return {storage_type(settled(reg(value)))};
}

}  // namespace aurex::ax
