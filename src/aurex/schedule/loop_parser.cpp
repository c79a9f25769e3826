#include "aurex/schedule/loop_parser.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <tuple>

#include "aurex/ax/lexer.h"
#include "aurex/base/error.h"
#include "aurex/schedule/loop_names.h"

namespace aurex::schedule {
namespace {

constexpr int kMaxDepth = 2000;  // of brackets and bodies; keeps hostile text off the stack

/// Symbols before names, longest first.
constexpr std::string_view kSymbols[] = {
    "..", "<<", ">>", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "{", "}", "[", "]", "(", ")",
    ",",  ":",  "|",  "=",  "<",  ">",  "+",  "-",  "*",  "/",  "&",  "^", "%", "@", "#", "$"};

template <typename T>
using Names = std::map<std::string, T, std::less<>>;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  LoopProgram run() {
    expect("grammar");
    if (token_ != std::to_string(kLoopGrammar)) fail(fmt::format("grammar {}", kLoopGrammar));
    advance();
    expect("program");
    program_.name = word();
    expect("on");
    program_.target = word();
    expect("extents");
    program_.extent_count = static_cast<std::uint32_t>(integer());
    expect("packs");
    program_.pack_count = static_cast<std::uint32_t>(integer());
    expect("{");
    while (parse_item()) {
    }
    parse_stmts(program_.body);
    expect("}");
    if (!token_.empty()) fail("the end of the text");
    return std::move(program_);
  }

 private:
  // ---- tokens ----

  [[noreturn]] void fail(const std::string& expected) const {
    throw FormatError(fmt::format("loop program: expected {}, found {}", expected,
                                  token_.empty() ? "the end" : fmt::format("'{}'", token_)),
                      static_cast<std::int64_t>(start_));
  }

  static bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
  static bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  void advance() {
    while (next_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[next_]))) ++next_;
    start_ = next_;
    if (next_ == text_.size()) {
      token_ = {};
    } else if (text_[next_] == '"') {
      scan_string();
    } else if (starts_word(text_[next_])) {
      scan([this](std::size_t i) { return in_word(text_[i]) || (text_[i] == '.' && word_follows(i)); });
    } else if (std::isdigit(static_cast<unsigned char>(text_[next_]))) {
      scan([this](std::size_t i) { return in_number(i); });
    } else {
      scan_symbol();
    }
  }

  bool word_follows(std::size_t i) const { return i + 1 < text_.size() && in_word(text_[i + 1]); }

  /// Digits, a point that is not a range, an exponent with its sign.
  bool in_number(std::size_t i) const {
    const char c = text_[i];
    if (std::isdigit(static_cast<unsigned char>(c)) || c == 'e') return true;
    if (c == '.') return i + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[i + 1]));
    return (c == '-' || c == '+') && text_[i - 1] == 'e';
  }

  template <typename Accepts>
  void scan(Accepts accepts) {
    while (next_ < text_.size() && accepts(next_)) ++next_;
    token_ = text_.substr(start_, next_ - start_);
  }

  void scan_string() {
    for (++next_; next_ < text_.size() && text_[next_] != '"'; ++next_) next_ += text_[next_] == '\\';
    if (next_ >= text_.size()) fail("a closing quote");
    token_ = text_.substr(start_, ++next_ - start_);
  }

  void scan_symbol() {
    for (const std::string_view symbol : kSymbols) {
      if (text_.substr(next_).starts_with(symbol)) {
        next_ += symbol.size();
        token_ = symbol;
        return;
      }
    }
    token_ = text_.substr(next_, 1);
    fail("a word, a number or a symbol");
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
    if (token_.empty() || !starts_word(token_[0])) fail("a name");
    std::string name(token_);
    advance();
    return name;
  }
  std::int64_t integer() {
    const bool negative = accept("-");
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(token_.data(), token_.data() + token_.size(), value);
    if (error != std::errc() || end != token_.data() + token_.size()) fail("an integer");
    advance();
    return static_cast<std::int64_t>(negative ? 0 - value : value);
  }
  std::string string() {
    if (token_.empty() || token_[0] != '"') fail("a string");
    std::string text = ax::unescape(token_);
    advance();
    return text;
  }

  template <typename T>
  T find(const Names<T>& names, const std::string& name, std::string_view what) const {
    const auto found = names.find(name);
    if (found == names.end()) {
      throw FormatError(fmt::format("loop program: no {} is called '{}'", what, name),
                        static_cast<std::int64_t>(start_));
    }
    return found->second;
  }

  DType dtype() {
    const auto at = static_cast<std::int64_t>(start_);
    const std::string name = word();
    try {
      return parse_dtype(name);
    } catch (const InvalidConfig&) {
      throw FormatError(fmt::format("loop program: expected an element type, found '{}'", name), at);
    }
  }

  RegType type() {
    for (int t = 0; t <= static_cast<int>(RegType::kF64); ++t) {
      if (accept(ax::to_string(static_cast<RegType>(t)))) return static_cast<RegType>(t);
    }
    fail("a register type");
  }

  template <typename T, std::size_t N>
  T keyword(const std::array<std::pair<T, std::string_view>, N>& table, std::string_view what) {
    for (const auto& [value, name] : table) {
      if (accept(name)) return value;
    }
    fail(std::string(what));
  }

  // ---- tables ----

  bool parse_item() {
    if (accept("scalar")) return parse_scalar(), true;
    if (accept("buffer")) return parse_buffer(), true;
    if (accept("register")) return parse_register(), true;
    if (accept("site")) return parse_site(), true;
    return false;
  }

  void parse_scalar() {
    ax::Scalar scalar;
    scalar.name = word();
    expect(":");
    scalar.type = type();
    expect("@");
    scalar.slot = static_cast<std::uint32_t>(integer());
    scalars_[scalar.name] = static_cast<std::uint32_t>(program_.scalars.size());
    program_.scalars.push_back(std::move(scalar));
  }

  void parse_buffer() {
    Buffer buffer;
    buffer.name = word();
    expect(":");
    buffer.dtype = dtype();
    if (accept("argument")) {
      buffer.array = static_cast<std::uint32_t>(integer());
    } else if (accept("worker")) {
      buffer.kind = Buffer::Kind::kWorker;
      expect("align");
      buffer.align = integer();
    } else {
      expect("shared");
      buffer.kind = Buffer::Kind::kShared;
    }
    expect("[");
    while (token_ != "]") {
      parse_dim(buffer);
      if (token_ != "]") expect(",");
    }
    expect("]");
    buffers_[buffer.name] = static_cast<BufferId>(program_.buffers.size());
    program_.buffers.push_back(std::move(buffer));
  }

  void parse_dim(Buffer& buffer) {
    buffer.extents.push_back(parse_expr());
    buffer.stride.push_back(keyword(kStrideNames, "a stride class"));
    if (accept("(")) {
      buffer.strides.resize(buffer.extents.size(), kNone);
      buffer.strides.back() = parse_expr();
      expect(")");
    }
    if (accept("@")) buffer.slots.push_back(static_cast<std::uint32_t>(integer()));
  }

  void parse_register() {
    Register reg;
    reg.name = word();
    expect(":");
    reg.type = type();
    expect("[");
    while (token_ != "]") {
      reg.shape.push_back(integer());
      if (token_ != "]") expect(",");
    }
    expect("]");
    std::tie(reg.lanes, reg.vectors) = parse_lanes();
    registers_[reg.name] = static_cast<RegId>(program_.registers.size());
    program_.registers.push_back(std::move(reg));
  }

  std::pair<std::int32_t, std::int32_t> parse_lanes() {
    const std::int64_t lanes = integer();
    if (token_.size() < 2 || token_[0] != 'x') fail("'x' and a number of vectors");
    std::int32_t vectors = 0;
    std::from_chars(token_.data() + 1, token_.data() + token_.size(), vectors);
    advance();
    return {static_cast<std::int32_t>(lanes), vectors};
  }

  void parse_site() {
    Site site;
    site.line = integer();
    expect(":");
    site.column = integer();
    site.text = string();
    if (accept("over")) {
      do {
        Site::Axis axis{.name = word()};
        expect("in");
        axis.extent = parse_expr();
        site.axes.push_back(std::move(axis));
      } while (accept(","));
    }
    program_.sites.push_back(std::move(site));
  }

  // ---- expressions ----

  ExprId add(Expr e) {
    program_.exprs.push_back(std::move(e));
    return static_cast<ExprId>(program_.exprs.size() - 1);
  }

  const Expr& expr(ExprId id) const { return program_.exprs[id]; }

  std::vector<ExprId> parse_list(std::string_view end) {
    std::vector<ExprId> list;
    while (token_ != end && token_ != "|") {
      list.push_back(parse_expr());
      if (token_ != end && token_ != "|") expect(",");
    }
    return list;
  }

  ExprId parse_expr() {
    if (++depth_ > kMaxDepth) fail("fewer nested brackets");
    const ExprId result = parse_operand();
    --depth_;
    return result;
  }

  ExprId parse_operand() {
    if (accept("(")) return parse_infix();
    if (accept("%")) return parse_let_use();
    if (accept("@")) return parse_scalar_use();
    if (accept("#")) return find(shared_, std::to_string(integer()), "shared part");
    if (token_ == "$") return parse_register_use(Expr::Kind::kReg);
    const bool number = !token_.empty() && (std::isdigit(static_cast<unsigned char>(token_[0])) || token_ == "-");
    if (number || token_ == "inf" || token_ == "nan") return parse_number();
    return parse_named(word());
  }

  ExprId parse_infix() {
    Expr e{.kind = Expr::Kind::kOp};
    e.args.push_back(parse_expr());
    e.op = keyword(kInfixNames, "an operator");
    e.args.push_back(parse_expr());
    expect(")");
    return add_operation(std::move(e));
  }

  ExprId add_operation(Expr e) {
    using ax::Op;
    const bool compares =
        (e.op >= Op::kEq && e.op <= Op::kGe) || e.op == Op::kIsNan || e.op == Op::kIsInf || e.op == Op::kIsFinite;
    if (e.args.empty() || (e.op == Op::kSelect && e.args.size() < 2)) fail("more operands");
    if (e.op != Op::kCast && e.op != Op::kBitcast) {
      e.type = compares ? RegType::kBool : expr(e.args[e.op == Op::kSelect ? 1 : 0]).type;
    }
    return add(std::move(e));
  }

  ExprId parse_let_use() {
    const LetId let = find(lets_, word(), "let");
    return add({.kind = Expr::Kind::kLet, .type = program_.lets[let].type, .id = let});
  }

  ExprId parse_scalar_use() {
    const std::uint32_t scalar = find(scalars_, word(), "scalar");
    return add({.kind = Expr::Kind::kScalar, .type = program_.scalars[scalar].type, .id = scalar});
  }

  ExprId parse_register_use(Expr::Kind kind) {
    expect("$");
    const RegId reg = find(registers_, word(), "register");
    Expr e{.kind = kind, .type = program_.registers[reg].type, .id = reg};
    e.args = parse_indices();
    return add(std::move(e));
  }

  std::vector<ExprId> parse_indices() {
    if (!accept("[")) return {};
    std::vector<ExprId> indices = parse_list("]");
    expect("]");
    return indices;
  }

  ExprId parse_number() {
    const bool negative = accept("-");
    const std::string digits(token_);
    advance();
    Expr e;
    if (accept(":")) e.type = type();
    if (ax::is_float(e.type)) {
      e.number = digits == "nan" ? std::numeric_limits<double>::quiet_NaN() : std::strtod(digits.c_str(), nullptr);
      if (negative) e.number = -e.number;
    } else {
      const std::uint64_t value = std::strtoull(digits.c_str(), nullptr, 10);
      e.integer = static_cast<std::int64_t>(negative ? 0 - value : value);
    }
    return add(std::move(e));
  }

  ExprId parse_named(const std::string& name) {
    if (name == "true" || name == "false") return add({.type = RegType::kBool, .integer = name == "true"});
    if (token_ == "[") return parse_load(name);
    const bool typed = name == "cast" || name == "bitcast";  // others may stand before a less-than
    if (token_ != "(" && !(token_ == "<" && typed)) {
      const VarId var = find(vars_, name, "loop variable");
      return add({.kind = Expr::Kind::kVar, .id = var});
    }
    if (name == "extent") {
      expect("(");
      const auto id = static_cast<std::uint32_t>(integer());
      expect(")");
      return add({.kind = Expr::Kind::kExtent, .id = id});
    }
    if (name.starts_with("tree.")) return parse_tree(name.substr(5));
    return parse_call(name);
  }

  ExprId parse_tree(const std::string& reduction) {
    expect("(");
    const ExprId id = parse_register_use(Expr::Kind::kTree);
    expect(")");
    for (int r = 0; r <= static_cast<int>(ax::Reduction::kArgmin); ++r) {
      if (ax::to_string(static_cast<ax::Reduction>(r)) == reduction) {
        program_.exprs[id].reduction = static_cast<ax::Reduction>(r);
        return id;
      }
    }
    fail("a reduction");
  }

  ExprId parse_call(const std::string& name) {
    Expr e{.kind = Expr::Kind::kOp};
    bool known = false;
    for (int op = 0; op <= static_cast<int>(ax::Op::kSelect) && !known; ++op) {
      e.op = static_cast<ax::Op>(op);
      known = ax::to_string(e.op) == name;
    }
    if (!known) fail(fmt::format("an operation other than '{}'", name));
    if (accept("<")) {
      e.type = type();
      expect(">");
    }
    expect("(");
    e.args = parse_list(")");
    expect(")");
    return add_operation(std::move(e));
  }

  /// "x.unit" taken apart into buffer and access.
  std::pair<BufferId, Access> access_of(const std::string& name) const {
    const std::size_t dot = name.rfind('.');
    for (const auto& [access, word] : kAccessNames) {
      if (dot != std::string::npos && name.substr(dot + 1) == word) {
        return {find(buffers_, name.substr(0, dot), "buffer"), access};
      }
    }
    throw FormatError(fmt::format("loop program: '{}' does not say how it is accessed", name),
                      static_cast<std::int64_t>(start_));
  }

  ExprId parse_load(const std::string& name) {
    const auto [buffer, access] = access_of(name);
    Expr e{.kind = Expr::Kind::kLoad, .access = access, .id = buffer};
    e.type = ax::register_type(program_.buffers[buffer].dtype);
    expect("[");
    e.args = parse_list("]");
    if (accept("|")) {
      e.predicate = parse_expr();
      if (accept("else")) e.otherwise = parse_expr();
    }
    expect("]");
    return add(std::move(e));
  }

  // ---- statements ----

  void parse_body(Body& body) {
    if (++depth_ > kMaxDepth) fail("fewer nested bodies");
    expect("{");
    parse_stmts(body);
    expect("}");
    --depth_;
  }

  void parse_stmts(Body& body) {
    while (token_ != "}" && !token_.empty()) {
      shared_.clear();
      while (accept("#")) {
        const std::string name = std::to_string(integer());
        expect("=");
        shared_[name] = parse_expr();
      }
      body.push_back(parse_stmt());
    }
  }

  Stmt parse_stmt() {
    const std::string head = word();
    if (head == "for" || head == "unroll" || head == "odometer" || head == "vector") return {parse_loop(head)};
    if (head == "let") return {parse_let()};
    if (head == "start") return {parse_declare()};
    if (head == "set") return {parse_set()};
    if (head == "store") return {parse_store()};
    if (head == "transpose") return {parse_transposed_store()};
    if (head == "if") return {parse_if()};
    if (head == "while") return {parse_while()};
    if (head == "check") return {parse_check()};
    if (head == "print") return {parse_print()};
    if (head == "prefetch") return {parse_prefetch()};
    if (head == "launch") return {parse_launch()};
    fail(fmt::format("a statement, not '{}'", head));
  }

  VarId bind_var() {
    const std::string name = word();
    const auto [found, fresh] = vars_.try_emplace(name, static_cast<VarId>(program_.vars.size()));
    if (fresh) program_.vars.push_back(name);
    return found->second;
  }

  Loop parse_loop(const std::string& head) {
    Loop loop;
    if (head == "unroll") loop.kind = Loop::Kind::kUnroll;
    if (head == "odometer") loop.kind = Loop::Kind::kOdometer;
    if (head == "vector") loop.kind = Loop::Kind::kVector;
    loop.var = bind_var();
    if (loop.kind == Loop::Kind::kOdometer) {
      expect("of");
      loop.pack = static_cast<std::uint32_t>(integer());
    }
    expect("in");
    loop.lo = parse_expr();
    expect("..");
    loop.hi = parse_expr();
    if (loop.kind == Loop::Kind::kVector) {
      expect("by");
      std::tie(loop.lanes, loop.vectors) = parse_lanes();
      loop.tail = keyword(kTailNames, "a kind of tail");
    } else if (accept("by")) {
      loop.step = parse_expr();
    }
    parse_body(loop.body);
    return loop;
  }

  Let parse_let() {
    expect("%");
    const std::string name = word();
    expect(":");
    const RegType t = type();
    expect("=");
    const ExprId value = parse_expr();
    const auto [found, fresh] = lets_.try_emplace(name, static_cast<LetId>(program_.lets.size()));
    if (fresh) program_.lets.push_back({.name = name, .type = t});
    return {.let = found->second, .value = value};
  }

  Declare parse_declare() {
    expect("$");
    const RegId reg = find(registers_, word(), "register");
    expect("=");
    return {.reg = reg, .value = parse_expr()};
  }

  Set parse_set() {
    expect("$");
    Set set;
    set.reg = find(registers_, word(), "register");
    set.indices = parse_indices();
    expect("=");
    set.value = parse_expr();
    set.predicate = parse_predicate();
    return set;
  }

  /// "if" expr, unless a body follows: then it is the next statement's.
  ExprId parse_predicate() {
    const auto before = std::tuple(token_, start_, next_);
    if (!accept("if")) return kNone;
    const ExprId predicate = parse_expr();
    if (token_ != "{") return predicate;
    std::tie(token_, start_, next_) = before;
    return kNone;
  }

  Store parse_store() {
    Store store;
    std::tie(store.buffer, store.access) = access_of(word());
    store.indices = parse_indices();
    store.update = parse_update();
    store.value = parse_expr();
    store.predicate = parse_predicate();
    store.stream = parse_stream();
    return store;
  }

  ax::Update parse_update() {
    for (const auto& [update, word] : {std::pair{ax::Update::kMax, "max"}, std::pair{ax::Update::kMin, "min"}}) {
      if (accept(word)) {
        expect("=");
        return update;
      }
    }
    return keyword(kUpdateNames, "'=' or an update");
  }

  TransposedStore parse_transposed_store() {
    TransposedStore store;
    store.buffer = find(buffers_, word(), "buffer");
    store.indices = parse_indices();
    expect("along");
    store.dimension = static_cast<std::uint32_t>(integer());
    expect("=");
    expect("$");
    store.reg = find(registers_, word(), "register");
    if (accept("count")) store.count = parse_expr();
    store.whole = accept("whole");
    store.stream = parse_stream();
    return store;
  }

  ExprId parse_stream() {
    if (!accept("stream")) return kNone;
    const ExprId wanted = parse_predicate();
    return wanted == kNone ? add({.type = RegType::kBool, .integer = 1}) : wanted;
  }

  If parse_if() {
    If branch;
    branch.condition = parse_expr();
    parse_body(branch.then_body);
    expect("else");
    parse_body(branch.else_body);
    return branch;
  }

  While parse_while() {
    While loop;
    loop.condition = parse_expr();
    parse_body(loop.body);
    return loop;
  }

  Check parse_check() {
    Check check;
    check.fault = static_cast<std::int32_t>(integer());
    expect("site");
    check.site = static_cast<std::int32_t>(integer());
    check.ok = parse_expr();
    expect("at");
    check.position = parse_expr();
    expect("value");
    check.value = parse_expr();
    expect("bound");
    check.bound = parse_expr();
    check.predicate = parse_predicate();
    return check;
  }

  Print parse_print() {
    Print print;
    expect("site");
    print.site = static_cast<std::int32_t>(integer());
    print.value = parse_expr();
    expect("at");
    print.position = parse_expr();
    print.predicate = parse_predicate();
    return print;
  }

  Prefetch parse_prefetch() {
    Prefetch prefetch;
    prefetch.buffer = find(buffers_, word(), "buffer");
    prefetch.indices = parse_indices();
    return prefetch;
  }

  Launch parse_launch() {
    Launch launch;
    launch.name = word();
    while (accept("tile")) {
      Launch::TileAxis axis;
      axis.var = bind_var();
      expect("in");
      axis.extent = parse_expr();
      expect("by");
      axis.step = parse_expr();
      launch.tiles.push_back(axis);
    }
    expect("scratch");
    expect("[");
    while (!accept("]")) launch.scratch.push_back(find(buffers_, word(), "buffer"));
    expect("costs");
    launch.nanoseconds = parse_expr();
    parse_body(launch.body);
    return launch;
  }

  std::string_view text_, token_;
  std::size_t start_ = 0, next_ = 0;
  int depth_ = 0;
  LoopProgram program_;
  Names<std::uint32_t> scalars_, buffers_, registers_, vars_, lets_;
  Names<ExprId> shared_;
};

}  // namespace

LoopProgram parse(std::string_view text) { return Parser(text).run(); }

}  // namespace aurex::schedule
