#include "aurex/ax/tile_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "aurex/ax/lexer.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

constexpr int kMaxDepth = 2000;  // of bodies; keeps hostile text off the stack
constexpr std::string_view kDelimiters = "[]()!";
constexpr std::array<std::string_view, 7> kUpdates = {"=", "+=", "-=", "*=", "/=", "max=", "min="};
constexpr std::array<std::string_view, 4> kRoles = {"input", "inout", "result", "scratch"};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  TileProgram run() {
    expect("tile");
    const std::size_t at = start_;
    if (number("a version") != kTileVersion) fail_at(at, fmt::format("version {}", kTileVersion));
    expect("kernel");
    program_.name = word();
    program_.label = string();
    program_.broadcast = accept("broadcast");
    expect("packs");
    program_.pack_count = number("a number of packs");
    while (item()) {
    }
    expect("body");
    program_.body = body();
    expect("end");
    if (!token_.empty()) fail("the end of the text");
    return std::move(program_);
  }

 private:
  // ---- tokens: strings, delimiters, and what lies between those and spaces ----

  [[noreturn]] void fail_at(std::size_t offset, std::string_view expected) const {
    throw FormatError(fmt::format("tile program: expected {}", expected), static_cast<std::int64_t>(offset));
  }
  [[noreturn]] void fail(std::string_view expected) const {
    fail_at(start_, fmt::format("{}, found {}", expected, token_.empty() ? "the end" : fmt::format("'{}'", token_)));
  }

  static bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
  static bool is_delimiter(char c) { return kDelimiters.find(c) != std::string_view::npos; }

  void advance() {
    while (next_ < text_.size() && is_space(text_[next_])) ++next_;
    start_ = next_;
    if (next_ == text_.size()) {
      token_ = {};
      return;
    }
    if (text_[next_] == '"') return scan_string();
    if (is_delimiter(text_[next_])) {
      ++next_;
    } else {
      while (next_ < text_.size() && !is_space(text_[next_]) && !is_delimiter(text_[next_]) && text_[next_] != '"') {
        ++next_;
      }
    }
    token_ = text_.substr(start_, next_ - start_);
  }

  void scan_string() {
    for (++next_; next_ < text_.size() && text_[next_] != '"'; ++next_) next_ += text_[next_] == '\\';
    if (next_ >= text_.size()) fail_at(start_, "a closing quote");
    token_ = text_.substr(start_, ++next_ - start_);
  }

  bool accept(std::string_view token) {
    if (token_ != token) return false;
    advance();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail(fmt::format("'{}'", token));
  }

  std::string word() {
    const bool starts = !token_.empty() && (std::isalpha(static_cast<unsigned char>(token_[0])) || token_[0] == '_');
    if (!starts) fail("a name");
    std::string text(token_);
    advance();
    return text;
  }
  std::string string() {
    if (token_.empty() || token_[0] != '"') fail("a string");
    std::string text = unescape(token_);
    advance();
    return text;
  }

  template <typename T>
  T whole(std::string_view text, std::string_view what) const {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) fail(what);
    return value;
  }
  /// Below kNone.
  std::uint32_t number(std::string_view what) {
    const auto value = whole<std::uint32_t>(token_, what);
    if (value == kNone) fail(what);
    advance();
    return value;
  }
  std::uint32_t number_or_dash(std::string_view what) { return accept("-") ? kNone : number(what); }
  /// "id=3": what follows the prefix.
  std::uint32_t prefixed(std::string_view prefix, std::string_view what) {
    if (!token_.starts_with(prefix)) fail(what);
    token_.remove_prefix(prefix.size());
    return number(what);
  }
  ValueId value_id() { return prefixed("%", "a value"); }
  ValueId value_or_dash() { return accept("-") ? kNone : value_id(); }
  AxisId axis() {
    const std::size_t at = start_;
    const std::uint32_t id = number("an axis");
    if (id >= kMaxAxes) fail_at(at, "an axis below 64");
    return id;
  }
  AxisSet axis_set() {
    AxisSet axes = 0;
    for (expect("["); !accept("]");) axes |= axis_bit(axis());
    return axes;
  }
  std::int64_t integer() {
    const auto value = whole<std::int64_t>(token_, "an integer");
    advance();
    return value;
  }
  double real() {
    std::string_view digits = token_;
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    double value = 0;
    if (digits == "nan" && !negative) {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (digits == "inf") {
      value = std::numeric_limits<double>::infinity();
    } else {
      if (!digits.starts_with("0x")) fail("a number in hexadecimal");
      digits.remove_prefix(2);
      const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), value, std::chars_format::hex);
      if (digits.empty() || digits[0] == '-' || stop != digits.end() || error != std::errc())
        fail("a number in hexadecimal");
    }
    advance();
    return negative ? -value : value;
  }

  /// One of the names that `name_of` gives the numbers up to `last`.
  template <typename T, typename NameOf>
  T keyword(T last, const NameOf& name_of, std::string_view what) {
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (accept(name_of(static_cast<T>(i)))) return static_cast<T>(i);
    }
    fail(what);
  }
  RegType type() {
    return keyword(RegType::kF64, [](RegType type) { return to_string(type); }, "a register type");
  }
  DType dtype() {
    const std::size_t at = start_;
    const std::string name = word();
    try {
      return parse_dtype(name);
    } catch (const InvalidConfig&) {
      fail_at(at, fmt::format("an element type, found '{}'", name));
    }
  }
  Update update() {
    return keyword(Update::kMin, [](Update u) { return kUpdates[static_cast<std::size_t>(u)]; }, "an assignment");
  }

  // ---- tables ----

  bool item() {
    if (token_.starts_with('%')) return value(), true;
    if (accept("dim")) return dim(), true;
    if (accept("axis")) return axis_entry(), true;
    if (accept("array")) return array(), true;
    if (accept("scalar")) return scalar(), true;
    if (accept("var")) return var(), true;
    if (accept("load")) return load(), true;
    if (accept("check")) return check(), true;
    if (accept("call")) return call(), true;
    return false;
  }

  void dim() {
    Dim dim{.name = string(), .literal = {}};
    expect("literal");
    if (!accept("-")) dim.literal = integer();
    expect("defined");
    dim.defined_by = value_or_dash();
    expect("pack");
    dim.pack = number_or_dash("a pack");
    program_.dims.push_back(std::move(dim));
  }

  void axis_entry() {
    Axis axis{.name = string(), .span = {}};
    expect("extent");
    axis.extent = value_or_dash();
    expect("dim");
    axis.dim = number_or_dash("a dimension");
    axis.unit = accept("unit");
    axis.whole = accept("whole");
    program_.axes.push_back(std::move(axis));
  }

  void array() {
    Array array{.name = string(), .storage = {}, .dims = {}, .scratch_axes = {}, .span = {}};
    array.role =
        keyword(ArrayRole::kScratch, [](ArrayRole role) { return kRoles[static_cast<std::size_t>(role)]; }, "a role");
    array.storage.dtype = dtype();
    if (accept("format")) array.storage.format = number("a format");
    array.type = type();
    for (expect("["); !accept("]");) array.dims.push_back(array_dim());
    if (accept("axes")) {
      for (expect("["); !accept("]");) array.scratch_axes.push_back(axis());
    }
    expect("start");
    array.start = value_or_dash();
    array.in_place = accept("in_place");
    program_.arrays.push_back(std::move(array));
  }

  /// "dim:argument_axis".
  ArrayDim array_dim() {
    constexpr std::string_view kWhat = "a dimension and an axis of the argument, 0:0";
    const std::size_t colon = token_.find(':');
    if (colon == std::string_view::npos) fail(kWhat);
    ArrayDim dim{.dim = whole<std::uint32_t>(token_.substr(0, colon), kWhat),
                 .argument_axis = whole<std::uint32_t>(token_.substr(colon + 1), kWhat)};
    advance();
    return dim;
  }

  void scalar() {
    Scalar scalar{.name = string()};
    scalar.type = type();
    expect("slot");
    scalar.slot = number("a slot");
    program_.scalars.push_back(std::move(scalar));
  }

  void var() {
    Var var{.name = string(), .span = {}};
    var.type = type();
    var.axes = axis_set();
    program_.vars.push_back(std::move(var));
  }

  std::vector<Index> indices() {
    std::vector<Index> list;
    for (expect("["); !accept("]");) {
      Index index;
      if (token_.starts_with("axis:")) {
        token_.remove_prefix(std::string_view("axis:").size());
        index.axis = axis();
      } else {
        index.kind = Index::Kind::kComputed;
        index.value = value_id();
      }
      index.proved = accept("!");
      list.push_back(index);
    }
    return list;
  }

  void load() {
    Load load{.array = number("an array"), .indices = indices()};
    expect("else");
    load.otherwise = value_or_dash();
    program_.loads.push_back(std::move(load));
  }

  std::vector<ValueId> values() {
    std::vector<ValueId> list;
    for (expect("("); !accept(")");) list.push_back(value_id());
    return list;
  }

  void value() {
    const std::size_t at = start_;
    if (value_id() != program_.values.size()) fail_at(at, fmt::format("value %{}", program_.values.size()));
    expect("=");
    Value v{.args = {}, .span = {}};
    v.op = keyword(Op::kReindex, [](Op op) { return to_string(op); }, "an operation");
    v.type = type();
    v.axes = axis_set();
    if (v.op == Op::kConst && is_float(v.type)) {
      v.number = real();
    } else if (v.op == Op::kConst) {
      v.integer = integer();
    }
    if (token_.starts_with("id=")) v.id = prefixed("id=", "an id");
    if (v.op == Op::kReduce || v.op == Op::kScan) {
      v.reduction = keyword(Reduction::kArgmin, [](Reduction r) { return to_string(r); }, "a reduction");
    }
    if (accept("over=")) v.over = axis_set();
    v.args = values();
    program_.values.push_back(std::move(v));
  }

  void check() {
    ExtentCheck check{.condition = value_or_dash(), .text = {}, .span = {}};
    check.text = string();
    program_.checks.push_back(std::move(check));
  }

  void call() {
    Call call{.function = word(), .args = {}};
    call.args = values();
    call.result = value_or_dash();
    program_.calls.push_back(std::move(call));
  }

  // ---- statements ----

  Body body() {
    if (++depth_ > kMaxDepth) fail("fewer bodies inside each other");
    Body out;
    while (token_ != "end" && token_ != "else") out.push_back({.node = statement(), .span = {}});
    --depth_;
    return out;
  }

  Body block() {
    Body out = body();
    expect("end");
    return out;
  }

  decltype(Stmt::node) statement() {
    if (accept("parallel")) return parallel();
    if (accept("for")) return loop();
    if (accept("while")) {
      const ValueId condition = value_or_dash();
      return While{.condition = condition, .body = block()};
    }
    if (accept("if")) return branch();
    if (accept("let")) {
      std::string name = string();
      return Let{.name = std::move(name), .value = value_or_dash()};
    }
    if (accept("declare")) {
      const VarId var = number("a variable");
      return Declare{.var = var, .value = value_or_dash()};
    }
    if (accept("assign")) {
      Assign assign{.var = number("a variable")};
      assign.update = update();
      assign.value = value_or_dash();
      return assign;
    }
    if (accept("store")) return store();
    if (accept("assert")) {
      const ValueId condition = value_or_dash();
      return Assert{.condition = condition, .text = string()};
    }
    if (accept("print")) return Print{.value = value_or_dash()};
    fail("a statement or 'end'");
  }

  Parallel parallel() {
    Parallel node;
    for (expect("["); !accept("]");) node.axes.push_back(axis());
    node.body = block();
    return node;
  }

  For loop() {
    For node{.axis = axis(), .body = {}};
    expect("from");
    node.lo = value_or_dash();
    expect("until");
    node.hi = value_or_dash();
    node.body = block();
    return node;
  }

  If branch() {
    If node{.condition = value_or_dash(), .then_body = {}, .else_body = {}};
    node.then_body = body();
    expect("else");
    node.else_body = block();
    return node;
  }

  Store store() {
    Store node{.array = number("an array"), .indices = indices()};
    node.update = update();
    node.value = value_or_dash();
    node.unique = accept("unique");
    node.scatter = accept("scatter");
    return node;
  }

  std::string_view text_;
  std::size_t next_ = 0, start_ = 0;
  std::string_view token_;  // empty: the end
  int depth_ = 0;
  TileProgram program_;
};

}  // namespace

TileProgram parse_tile_program(std::string_view text) { return Parser(text).run(); }

}  // namespace aurex::ax
