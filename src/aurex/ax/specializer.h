#pragma once

// One kernel, one specialisation: the walk over the syntax that types every expression and builds the tile program.
//
// The class is spread over files by subject: check_signature.cpp (dimensions, arrays, scalars, `where`),
// check_statements.cpp, check_expressions.cpp, check_index.cpp (loads, stores, axes), check_calls.cpp (built-ins,
// casts), check_reductions.cpp and check_functions.cpp (inlining). What can be told from the finished program alone
// (races, exactly-once writes, tile dependence) is left to program_rules.h.
//
// A construct that is refused reports to the sink and throws Refused, which the statement around it catches, so one run
// finds several errors; a name whose binding failed stays known and silently refuses its users.

#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aurex/ax/checked_module.h"
#include "aurex/ax/diagnostic.h"
#include "aurex/ax/program_builder.h"
#include "aurex/ax/registers.h"

namespace aurex::ax {

/// A value while it is checked. `axes` are those its source carries, a superset of those it varies over: absent
/// arguments and constant conditions change what a program computes, not whether it is legal.
struct Typed {
  ValueId id = kNone;
  AxisSet axes = 0;
  bool weak = false;
  bool hexadecimal = false;  // a literal that stands for a bit pattern
};

/// Types of variables, found in one pass over the kernel and used in the next, since a variable's type is the join of
/// all that is assigned to it.
using VarTypes = std::map<const syntax::Var*, Register>;

/// Thrown after a diagnostic was reported.
struct Refused : std::exception {};

class Specializer {
 public:
  Specializer(const CheckedModule& module, const KernelDeclaration& kernel, const Specialization& given,
              DiagnosticSink& sink, VarTypes& var_types);

  /// The program, complete if the sink has no errors. Raises NotImplemented for what has no reader yet.
  [[nodiscard]] TileProgram run();

 private:
  enum class AxisRole : std::uint8_t { kParallel, kFor, kWhole };

  /// What a name stands for.
  struct Meaning {
    enum class Kind : std::uint8_t { kAxis, kValue, kVar, kArray, kFilled, kBroken };
    Kind kind = Kind::kBroken;
    std::uint32_t id = kNone;  // kAxis, kVar, kArray, kFilled
    Typed value = {};          // kValue
    Span span = {};
    const char* what = "";  // "parameter", "variable": for messages
  };
  struct Name {
    std::string text;
    Meaning meaning;
  };
  /// An absent array argument: full of its default.
  struct Filled {
    std::string name;
    std::vector<ArrayDim> dims;
    Typed value;
  };
  struct VarState {
    const syntax::Var* syntax = nullptr;
    Dependencies contents;
    AxisSet condition_axes = 0;  // of the conditions around its declaration
    bool in_parallel = false;
    bool weak = false;
    std::uint64_t version = 0;
  };
  struct Context {
    bool in_parallel = false;
    bool in_tiled_for = false;  // positions of a `for` come in tiles here
    AxisSet parallel_axes = 0;
    AxisSet condition_axes = 0;
  };
  struct ResolvedIndices {
    std::vector<Index> indices;
    AxisSet axes = 0;
    bool unique = false;
  };

  // Reports. Places inside functions of other files are shown at the call.
  [[nodiscard]] Span place(Span span) const { return foreign_call_ ? *foreign_call_ : span; }
  Diagnostic& report(Code code, Span span, std::string message);
  [[noreturn]] void refuse(Code code, Span span, std::string message, std::string help = {});
  [[nodiscard]] std::string axes_text(AxisSet axes) const;
  [[nodiscard]] std::string type_text(const Typed& value) const;
  [[nodiscard]] std::string dim_text(DimId dim) const;

  // check_signature.cpp
  void signature();
  void parameter(const syntax::Param& param, const Given& given);
  void expression_parameter(const syntax::Param& param, const Given& given);
  void array_parameter(const syntax::Param& param, const Given& given);
  void scalar_parameter(const syntax::Param& param, const Given& given);
  void result(const syntax::Result& result, std::optional<Storage> given);
  void where_clause(const syntax::WhereClause& clause);
  void where_definition(const syntax::WhereDefinition& definition, Span span);
  void note_type_variables();
  DimId named_dim(std::string_view name, bool pack, Span span);
  DimId literal_dim(std::uint64_t value, Span span);
  std::vector<ArrayDim> shape(const std::vector<syntax::Dim>& dims);
  Storage accept_storage(const syntax::TypeRef& type, Storage given, std::string_view parameter);
  Storage exact_storage(const syntax::TypeRef& type, std::optional<Storage> given, std::string_view name);
  void refuse_format(const syntax::TypeRef& type);
  void mark_solved(const ArrayDim* begin, const ArrayDim* end);
  Typed literal(const syntax::Expr& expr);
  void expression_kernel(const syntax::Expr& expr);
  Storage expression_storage(const Typed& value) const;

  // check_statements.cpp
  void block(const syntax::Block& block, Body& out);
  void statement(const syntax::Stmt& statement, Body& out);
  void parallel(const syntax::Parallel& node, Span span, Body& out);
  void for_loop(const syntax::For& node, Span span, Body& out);
  void while_loop(const syntax::While& node, Span span, Body& out);
  void if_statement(const syntax::If& node, Span span, Body& out);
  void let(const syntax::Let& node, Span span, Body& out);
  void let_axis(const syntax::LetAxis& node);
  void declare_var(const syntax::Var& node, Span span, Body& out);
  void assign(const syntax::Assign& node, Span span, Body& out);
  void assign_var(const syntax::Assign& node, VarId var, Span span, Body& out);
  void store(const syntax::Assign& node, ArrayId array, Span span, Body& out);
  void scratch(const syntax::Scratch& node);
  void assertion(const syntax::Assert& node, Span span, Body& out);
  AxisId make_axis(const syntax::AxisClause& clause, AxisRole role);
  AxisId add_axis(Axis axis, AxisRole role);
  Typed bound(const syntax::Expr& expr);
  void want(VarId var, Register type);
  void emit(Body& out, Span span, decltype(Stmt::node) node);
  void new_versions() {
    ++version_;
    forget_ = version_;
  }

  // check_expressions.cpp
  Typed eval(const syntax::Expr& expr);
  Typed eval_name(const std::string& name, Span span);
  Typed eval_unary(const syntax::Unary& node, Span span);
  Typed eval_binary(const syntax::Binary& node, Span span);
  Typed eval_conditional(const syntax::Conditional& node, Span span);
  Typed arithmetic(Op op, std::string_view spelling, Typed a, Typed b, Span span);
  Typed comparison(Op op, std::string_view spelling, Typed a, Typed b, Span span);
  Typed logical(Op op, std::string_view spelling, Typed a, Typed b, Span span);
  Typed shift(Op op, Typed a, Typed b, Span span);
  Register joined(std::string_view what, std::initializer_list<Typed> values, Span span);
  ValueId convert(const Typed& value, RegType to, Span span);
  ValueId convert_weak(ValueId id, RegType to, bool hexadecimal, Span span);
  void require_fit(ValueId id, RegType to, Span span);
  Typed settle(Typed value, Span span);
  Typed as_float(Typed value, Span span);
  Typed to_bool(const syntax::Expr& expr, std::string_view where);
  ValueId checked(ValueId id, Span span);
  [[nodiscard]] Register reg(const Typed& value) const { return {builder_.value(value.id).type, value.weak}; }
  [[nodiscard]] RegType type_of(const Typed& value) const { return builder_.value(value.id).type; }

  // check_index.cpp
  Typed eval_index(const syntax::Index& node, Span span, const syntax::Expr* otherwise);
  Typed eval_reindex(const syntax::Reindex& node, Span span, const syntax::Expr* otherwise);
  Typed eval_otherwise(const syntax::Otherwise& node, Span span);
  ResolvedIndices resolve(const std::string& array, const std::vector<ArrayDim>& dims,
                          const std::vector<syntax::IndexItem>& items, Span span, bool checked);
  Index resolve_one(const syntax::Expr& expr, const std::string& array, DimId dim, bool checked, AxisSet& axes);
  Index computed_index(const Typed& position, DimId dim, bool checked, Span span);
  [[nodiscard]] bool in_range(ValueId index, DimId dim) const;
  [[nodiscard]] bool runs_over(AxisId axis, DimId dim) const;
  [[nodiscard]] bool tied(DimId a, DimId b) const;
  AxisId whole_axis(DimId dim, Span span);
  AxisId axis_argument(const syntax::Expr& expr, std::string_view what);
  Typed otherwise_value(const syntax::Expr& expr, RegType type, bool weak, Span span);

  // check_calls.cpp
  Typed eval_call(const syntax::Call& node, Span span);
  bool builtin(const syntax::Call& node, Span span, Typed& result);
  Typed builtin_unary(std::string_view name, Typed x, Span span);
  Typed cast_call(RegType to, Typed x, Span span);
  Typed bitcast_call(const syntax::Call& node, Span span);
  Typed fma_call(Typed a, Typed b, Typed c, Span span);
  Typed ldexp_call(Typed x, Typed n, Span span);
  Typed integer_call(Op op, std::string_view name, Typed a, Typed b, Span span);
  Typed bits_call(Typed x, Typed at, Typed count, Span span);
  Typed random_call(const syntax::Call& node, Span span);
  void want_arguments(const syntax::Call& node, std::size_t count, Span span);
  [[nodiscard]] std::optional<RegType> cast_type(std::string_view name);

  // check_reductions.cpp
  bool reduction(const syntax::Call& node, Span span, Typed& result);
  Typed reduce(Reduction reduction, Typed x, AxisSet over, Span span);
  Typed scan(Reduction reduction, Typed x, AxisId axis, Span span);
  Typed argsort(Typed x, AxisId axis, Span span);
  Typed reduction_operand(Reduction reduction, Typed x, std::string_view name, Span span);
  Typed spread(Typed value, AxisSet axes, Span span);
  void require_carried(const Typed& x, AxisId axis, std::string_view what, Span span);
  void require_reducible(AxisId axis, std::string_view what, bool whole_only, Span span);

  // check_functions.cpp
  const std::vector<FunctionBody>* find_functions(std::string_view name) const;
  Typed call_function(const std::vector<FunctionBody>& bodies, const syntax::Call& node, Span span);
  const FunctionBody& choose(const std::vector<FunctionBody>& bodies, const std::vector<Typed>& arguments,
                             const syntax::Call& node, Span span);
  Typed inline_function(const FunctionBody& body, const std::vector<Typed>& arguments, Span span);
  Typed function_result(const FunctionBody& body);

  // Names
  void bind(const std::string& name, Meaning meaning, Span span);
  const Meaning* find(std::string_view name) const;
  const Meaning& meaning(const std::string& name, Span span);
  void pop_names(std::size_t size);
  [[nodiscard]] std::string similar(std::string_view name) const;

  TileProgram& program() { return builder_.program; }

  const CheckedModule& module_;
  const KernelDeclaration& declaration_;
  const syntax::Kernel& kernel_;
  const Specialization& given_;
  DiagnosticSink& sink_;
  VarTypes& var_types_;
  ProgramBuilder builder_;

  std::map<std::string, DimId, std::less<>> dims_;
  std::map<std::uint64_t, DimId> literal_dims_;
  std::map<std::string, std::optional<Storage>, std::less<>> types_;
  std::vector<Span> dim_spans_;
  std::vector<bool> solved_;        // per dimension: an argument gives it
  std::vector<DimId> dim_class_;    // dimensions that `where` says are one (rule 5)
  std::vector<DimId> where_order_;  // dimensions read before anything gave them
  std::map<DimId, AxisId> whole_axes_;
  std::vector<AxisRole> axis_roles_;
  std::vector<Filled> filled_;
  std::vector<VarState> vars_;
  std::vector<std::uint64_t> array_versions_;
  std::map<std::pair<ValueId, RegType>, bool> fits_;

  std::vector<Name> names_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> name_index_;
  std::size_t frame_ = 0;  // names below are hidden, axes excepted: a function's body sees its arguments only
  const FunctionScope* scope_ = nullptr;
  std::vector<const syntax::Function*> inlining_;
  std::optional<Span> foreign_call_;

  Context context_;
  std::uint64_t version_ = 0, forget_ = 0;
  std::size_t work_ = 0;
  int depth_ = 0;
  bool condition_of_kernel_if_ = false;
};

/// Passes over the kernel until the types of its variables stand; reports to the sink.
[[nodiscard]] TileProgram specialize_kernel(const CheckedModule& module, const KernelDeclaration& kernel,
                                            const Specialization& given, DiagnosticSink& sink);

}  // namespace aurex::ax
