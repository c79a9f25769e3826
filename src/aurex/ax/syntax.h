#pragma once

// The syntax tree of AX: what a program says, before anyone asks what it means.
//
// Plain structs that own their children. An expression or a statement is one struct with its place and a variant of the
// forms it can take; `std::get_if` or `std::visit` tells them apart. Parentheses and line breaks leave no trace in the
// tree: the printer puts back those that are needed. Names are kept as written; whether `K` is a dimension or a storage
// type, `c` a variable or a value, is for the checker to say. Two things the grammar does say: a name that begins with
// a capital is a dimension or a storage type variable (`is_upper`), and a call's name lives in a namespace of its own.
//
// The parser bounds the height of every tree (kMaxDepth) and the number of its nodes (kMaxNodes), so a recursive walk
// over a tree, its destruction included, needs no care.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aurex/ax/source.h"

namespace aurex::ax::syntax {

/// Levels of one expression, and of statements within statements; the parser refuses more with AX0901.
inline constexpr int kMaxDepth = 256;
/// Tokens in one file; the parser refuses more with AX0903, and so bounds the memory of a tree (some 100 bytes a
/// token).
inline constexpr std::size_t kMaxTokens = 1'000'000;

struct Name {
  std::string text;
  Span span;
};

/// Begins with a capital: a dimension, a pack or a storage type variable.
[[nodiscard]] inline bool is_upper(std::string_view name) { return !name.empty() && name[0] >= 'A' && name[0] <= 'Z'; }

// ---------------------------------------------------------------------------------------------------------------------
// Expressions

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class UnaryOp : std::uint8_t { kNegate, kBitNot, kNot };

enum class BinaryOp : std::uint8_t {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kBitOr,
  kBitXor,
  kBitAnd,
  kShiftLeft,
  kShiftRight,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
};

/// As written: "+", "or", "~".
[[nodiscard]] std::string_view spelling(UnaryOp op);
[[nodiscard]] std::string_view spelling(BinaryOp op);

/// `42`, `0xff`. Never negative: a minus in front is a Unary.
struct IntLiteral {
  std::uint64_t value = 0;
  bool hexadecimal = false;
};

/// `0.5`, `1e-5`; finite.
struct FloatLiteral {
  double value = 0;
};

/// `true`, `false`.
struct BoolLiteral {
  bool value = false;
};

/// A variable, a value, a parameter, an axis, a dimension, a pack, or one of the constants pi, inf, nan. As the first
/// argument of a call it may also be a register type: `bitcast(i32, x)`.
struct NameExpr {
  std::string name;
};

/// `target.avx512_vnni`: whether the target has a feature.
struct TargetFeature {
  Name feature;
};

struct Unary {
  UnaryOp op{};
  ExprPtr operand;
};

struct Binary {
  BinaryOp op{};
  ExprPtr left;
  ExprPtr right;
};

/// `condition ? yes : no`.
struct Conditional {
  ExprPtr condition;
  ExprPtr yes;
  ExprPtr no;
};

/// `f(a, b)`, `sum(x, K)`, `i32(x)`. A reduction's axes are ordinary arguments that are names.
struct Call {
  Name callee;
  std::vector<ExprPtr> arguments;
};

struct IndexItem {
  ExprPtr value;
  bool unique = false;  ///< `cache[unique slot[n], D]`; legal in the target of a store only.
};

/// `x[r, C]`: positions by place. Any expression may stand before the bracket; the checker wants an array.
struct Index {
  ExprPtr base;
  std::vector<IndexItem> items;
};

/// One `C = e` of a re-indexing.
struct AxisBinding {
  Name axis;
  ExprPtr position;
};

/// `value[C = C - 1, r = e]`: positions by axis name.
struct Reindex {
  ExprPtr base;
  std::vector<AxisBinding> bindings;
};

/// `x[e] else v`: `access` is an Index or a Reindex.
struct Otherwise {
  ExprPtr access;
  ExprPtr fallback;
};

struct Expr {
  Span span;                 ///< The whole expression, without parentheses around it.
  std::uint16_t height = 1;  ///< Levels of this tree, this node included; at most kMaxDepth.
  std::variant<IntLiteral, FloatLiteral, BoolLiteral, NameExpr, TargetFeature, Unary, Binary, Conditional, Call, Index,
               Reindex, Otherwise>
      node;
};

// ---------------------------------------------------------------------------------------------------------------------
// Types and shapes

/// A storage type as written: `f32`, `T`, `float`, `q4_0`, `nf4(32)`, `wide(T)`.
struct TypeRef {
  Name name;
  std::vector<ExprPtr> arguments;  ///< Of a format with parameters, or the one type variable of `wide`.
  Span span;
};

/// One entry of an array parameter's or a scratch array's shape.
struct Dim {
  enum class Kind : std::uint8_t {
    kName,     ///< `N`
    kPack,     ///< `R...`
    kLiteral,  ///< `3`
    kSplit,    ///< `(A, B)`: one axis seen as several, last fastest
    kExtent,   ///< any other integer expression; in `scratch` only
  };
  Kind kind{};
  Span span;
  std::string name;           ///< kName, kPack
  std::uint64_t literal = 0;  ///< kLiteral
  std::vector<Dim> parts;     ///< kSplit: two or more, each kName or kLiteral
  ExprPtr extent;             ///< kExtent
};

/// `T[R..., C]`; no shape at all is a scalar.
struct TypeExpr {
  TypeRef element;
  std::optional<std::vector<Dim>> shape;
  Span span;
};

// ---------------------------------------------------------------------------------------------------------------------
// Statements

struct Stmt;

struct Block {
  Span span;  ///< With its braces.
  std::vector<Stmt> statements;
};

/// `m in M`, `b in B by 1`.
struct AxisClause {
  Name variable;
  ExprPtr domain;
  bool by_one = false;
};

/// `parallel m in M, n in N { … }`.
struct Parallel {
  std::vector<AxisClause> axes;
  Block body;
};

/// `for t in L from a until b by 1 { … }`; null where a bound is not given.
struct For {
  AxisClause axis;
  ExprPtr from;
  ExprPtr until;
  Block body;
};

struct While {
  ExprPtr condition;
  Block body;
};

/// `if c { … } else { … }`. `else if` is an else whose block holds one If.
struct If {
  ExprPtr condition;
  Block then;
  std::optional<Block> otherwise;
};

/// `let e = exp(x)`.
struct Let {
  Name name;
  ExprPtr value;
};

/// `let t in L`: the whole axis, with positions.
struct LetAxis {
  Name variable;
  ExprPtr domain;
};

/// `var acc[j, s, D] = 0`: no axes where none are written.
struct Var {
  Name name;
  std::vector<Name> axes;
  ExprPtr initial;
};

enum class AssignOp : std::uint8_t { kSet, kAdd, kSubtract, kMultiply, kMax, kMin };

/// "=", "+=", "max=".
[[nodiscard]] std::string_view spelling(AssignOp op);

/// `name = e`, `z[m, n] += e`: a `var`, a scalar result, or a store. No indices where none are written.
struct Assign {
  Name target;
  std::vector<IndexItem> indices;
  AssignOp op{};
  ExprPtr value;
};

/// `scratch mu: f32[R]`.
struct Scratch {
  Name name;
  TypeExpr type;
};

/// `assert n > 0, "text"`; the text is empty where none is given.
struct Assert {
  ExprPtr condition;
  std::string message;
};

/// `print(value)`.
struct Print {
  ExprPtr value;
};

struct Stmt {
  Span span;
  std::variant<Parallel, For, While, If, Let, LetAxis, Var, Assign, Scratch, Assert, Print> node;
};

// ---------------------------------------------------------------------------------------------------------------------
// Declarations

enum class ParamMode : std::uint8_t { kPlain, kConst, kInout };

/// `x: T[M, K]`, `const causal: bool = false`, `inout p: T[N]`, and `x` alone in an expression kernel.
struct Param {
  ParamMode mode{};
  Name name;
  std::optional<TypeExpr> type;
  ExprPtr default_value;  ///< A literal, perhaps negated, or a constant's name; null where none is given.
  Span span;
};

/// `z: T[M, N] = 0`, `s: f32`.
struct Result {
  Name name;
  TypeExpr type;
  ExprPtr start;  ///< Null where none is given.
  Span span;
};

/// `I = div(H, 2)`: defines I, or checks it where another source gives it.
struct WhereDefinition {
  Name name;
  ExprPtr value;
};

/// `K % 32 == 0`.
struct WhereCondition {
  ExprPtr condition;
};

struct WhereClause {
  Span span;
  std::variant<WhereDefinition, WhereCondition> node;
};

/// `kernel f(…) -> (…) : label where … { … }`, or `kernel f(x, y) = expression`.
struct Kernel {
  Name name;
  std::vector<Param> params;
  std::vector<Result> results;
  std::optional<Name> label;  ///< vector, matrix, spiking
  std::vector<WhereClause> where;
  std::variant<Block, ExprPtr> body;

  [[nodiscard]] bool is_expression() const { return std::holds_alternative<ExprPtr>(body); }
};

struct FnParam {
  Name name;
  std::optional<Name> register_type;  ///< `fn exp(x: f32)`
};

/// `fn f(a, b) = e`, and `fn f(x) { let s = …; x * s }`. A name may be defined once for each register type of the first
/// parameter.
struct Function {
  Name name;
  std::vector<FnParam> params;
  std::vector<Let> lets;
  ExprPtr result;
  bool block_form = false;  ///< Written with braces; always so where there are lets.
};

/// `use "file.ax"`.
struct Use {
  std::string path;
  Span path_span;
};

/// `B: 64` in a format's parameter list, `l: 16` in its block.
struct NamedExtent {
  Name name;
  ExprPtr value;  ///< Null for a format parameter without default.
};

/// `block n: 2, l: 16`: sub-axes, last fastest.
struct FormatBlock {
  std::vector<NamedExtent> axes;
};

/// `qs: u8[16]`, `absmax: f32 separate[row: 128]`.
struct FormatField {
  Name name;
  TypeRef type;
  std::vector<ExprPtr> shape;
  bool separate = false;
  /// `separate` has none; `separate[]` is an empty list: one entry per tensor.
  std::optional<std::vector<NamedExtent>> separate_shape;
};

/// `value = e`: what one element decodes to.
struct FormatValue {
  ExprPtr value;
};

/// `levels = [-1, 0, 1]`.
struct FormatTable {
  Name name;
  std::vector<ExprPtr> entries;
};

struct FormatItem;

/// `part { block …; value = … }`: a run of elements that the next part continues.
struct FormatPart {
  std::vector<FormatItem> items;
};

struct FormatItem {
  Span span;
  std::variant<FormatBlock, FormatField, FormatValue, FormatTable, FormatPart, Function> node;
};

/// `format nf4(B: 64) { … }`.
struct Format {
  Name name;
  std::vector<NamedExtent> params;
  std::vector<FormatItem> items;
};

/// `m = 96 / 12`: tile sizes of one loop, outermost level first.
struct ScheduleSizes {
  Name loop;
  std::vector<std::uint64_t> sizes;
};

/// `vector n`, `pack a, b`.
struct ScheduleDirective {
  Name directive;
  std::vector<Name> operands;
};

struct ScheduleEntry {
  Span span;
  std::variant<ScheduleSizes, ScheduleDirective> node;
};

/// `schedule matmul on cpu.avx512 { … }`.
struct Schedule {
  Name kernel;
  Name target;  ///< With its dots: "cpu.avx512".
  std::vector<ScheduleEntry> entries;
};

struct Declaration {
  Span span;
  std::variant<Kernel, Function, Use, Format, Schedule> node;
};

struct Module {
  std::vector<Declaration> declarations;
};

}  // namespace aurex::ax::syntax
