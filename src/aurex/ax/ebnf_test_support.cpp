#include "aurex/ax/ebnf_test_support.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <utility>

namespace aurex::ax {

namespace {

using Kind = EbnfNode::Kind;

constexpr int kEndless = 1000;  // taller than any least derivation

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

class EbnfReader {
 public:
  explicit EbnfReader(std::string_view text) : text_(text) {}

  std::map<std::string, EbnfNode> rules() {
    std::map<std::string, EbnfNode> result;
    for (skip_blank(); at_ < text_.size(); skip_blank()) {
      const std::string name = word();
      expect('=');
      if (!result.emplace(name, choice()).second) refuse("rule stands twice: " + name);
      expect(';');
    }
    return result;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw std::runtime_error(what + " at offset " + std::to_string(at_));
  }
  void skip_blank() {
    for (;;) {
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      if (!text_.substr(at_).starts_with("(*")) return;
      at_ = text_.find("*)", at_);
      if (at_ == std::string_view::npos) refuse("endless comment");
      at_ += 2;
    }
  }
  bool accept(char c) {
    skip_blank();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse(std::string("expected ") + c);
  }
  std::string word() {
    skip_blank();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
    if (at_ == begin) refuse("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string until(char close) {
    const std::size_t end = text_.find(close, at_);
    if (end == std::string_view::npos) refuse("no end");
    std::string result(text_.substr(at_, end - at_));
    at_ = end + 1;
    return result;
  }

  EbnfNode choice() {
    EbnfNode node{Kind::kChoice, {}, {}, {}};
    do {
      node.children.push_back(sequence());
    } while (accept('|'));
    node.taken.assign(node.children.size(), 0);
    return node.children.size() == 1 ? std::move(node.children[0]) : node;
  }
  EbnfNode sequence() {
    EbnfNode node{Kind::kSequence, {}, {}, {}};
    do {
      node.children.push_back(item());
    } while (accept(','));
    return node.children.size() == 1 ? std::move(node.children[0]) : node;
  }
  EbnfNode item() {
    EbnfNode node = primary();
    if (!accept('-')) return node;
    return {Kind::kExcept, {}, {std::move(node), primary()}, {}};
  }
  EbnfNode primary() {
    if (accept('(')) return closed(choice(), ')');
    if (accept('[')) return {Kind::kOption, {}, {closed(choice(), ']')}, {0, 0}};
    if (accept('{')) return {Kind::kRepetition, {}, {closed(choice(), '}')}, {0, 0}};
    if (accept('"')) return {Kind::kTerminal, until('"'), {}, {}};
    if (accept('\'')) return {Kind::kTerminal, until('\''), {}, {}};
    if (accept('?')) return {Kind::kSpecial, until('?'), {}, {}};
    return {Kind::kRule, word(), {}, {}};
  }
  EbnfNode closed(EbnfNode node, char close) {
    expect(close);
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Ends of the derivations of a node that begin at a token, by memo; the grammar has no left recursion.
class Recognizer {
 public:
  Recognizer(const std::map<std::string, EbnfNode>& rules, const std::vector<Ebnf::Token>& tokens)
      : rules_(rules), tokens_(tokens) {}

  std::set<std::size_t> ends(const EbnfNode& node, std::size_t begin) {
    switch (node.kind) {
      case Kind::kTerminal:
        return one(begin, begin < tokens_.size() && tokens_[begin].text == node.text);
      case Kind::kSpecial:
        return {};
      case Kind::kOption:
        return united({begin}, ends(node.children[0], begin));
      case Kind::kExcept: {
        auto result = ends(node.children[0], begin);
        if (!ends(node.children[1], begin).empty()) result.erase(begin + 1);
        return result;
      }
      case Kind::kChoice: {
        std::set<std::size_t> result;
        for (const EbnfNode& child : node.children) result = united(std::move(result), ends(child, begin));
        return result;
      }
      case Kind::kSequence: {
        std::set<std::size_t> reached = {begin};
        for (const EbnfNode& child : node.children) reached = from_all(child, reached);
        return reached;
      }
      case Kind::kRepetition: {
        std::set<std::size_t> result = {begin};
        for (std::set<std::size_t> fresh = result; !fresh.empty();) {
          std::set<std::size_t> next;
          for (const std::size_t end : from_all(node.children[0], fresh)) {
            if (result.insert(end).second) next.insert(end);
          }
          fresh = std::move(next);
        }
        return result;
      }
      case Kind::kRule:
        return rule(node.text, begin);
    }
    return {};
  }

 private:
  std::set<std::size_t> rule(const std::string& name, std::size_t begin) {
    if (is_token_rule(name)) return one(begin, begin < tokens_.size() && tokens_[begin].rule == name);
    const auto key = std::pair(name, begin);
    const auto known = memo_.find(key);
    if (known != memo_.end()) return known->second;
    return memo_[key] = ends(rules_.at(name), begin);
  }
  std::set<std::size_t> from_all(const EbnfNode& node, const std::set<std::size_t>& begins) {
    std::set<std::size_t> result;
    for (const std::size_t begin : begins) result = united(std::move(result), ends(node, begin));
    return result;
  }
  static std::set<std::size_t> one(std::size_t begin, bool matches) {
    return matches ? std::set<std::size_t>{begin + 1} : std::set<std::size_t>{};
  }
  static std::set<std::size_t> united(std::set<std::size_t> a, std::set<std::size_t> b) {
    a.merge(b);
    return a;
  }

  const std::map<std::string, EbnfNode>& rules_;
  const std::vector<Ebnf::Token>& tokens_;
  std::map<std::pair<std::string, std::size_t>, std::set<std::size_t>> memo_;
};

}  // namespace

class SentenceWriter {
 public:
  SentenceWriter(const Ebnf& grammar, std::mt19937& random, int size)
      : grammar_(grammar), random_(random), budget_(size) {}

  std::string text;

  void write(const EbnfNode& node) {
    switch (node.kind) {
      case Kind::kTerminal:
        return emit(node.text);
      case Kind::kSpecial:
        return emit(node.text.find("any character") != std::string::npos ? "c" : "\n");
      case Kind::kRule:
        return rule(node.text);
      case Kind::kExcept:
        return except(node);
      case Kind::kSequence:
        return sequence(node);
      case Kind::kOption:
        return optional(node, 1);
      case Kind::kRepetition:
        return optional(node, in_token_ ? 1 : 3);
      case Kind::kChoice: {
        std::size_t chosen = budget_ > 0 ? draw(node.children.size()) : least_tall(node);
        if (const auto seldom = seldom_taken(node)) chosen = *seldom;
        ++node.taken[chosen];
        return write(node.children[chosen]);
      }
    }
  }

 private:
  std::size_t draw(std::size_t count) { return random_() % count; }

  /// What was hardly ever taken is taken where it is met, however little budget is left: that happens a bounded number
  /// of times.
  static std::optional<std::size_t> seldom_taken(const EbnfNode& node) {
    constexpr int kSeldom = 20;
    const auto least = std::min_element(node.taken.begin(), node.taken.end());
    if (*least >= kSeldom) return std::nullopt;
    return static_cast<std::size_t>(least - node.taken.begin());
  }

  /// Each part has its share of the budget, or the first would leave nothing to the others.
  void sequence(const EbnfNode& node) {
    for (std::size_t left = node.children.size(); left > 0; --left) {
      const int share = budget_ / static_cast<int>(left);
      const int rest = budget_ - share;
      budget_ = share;
      write(node.children[node.children.size() - left]);
      budget_ = rest + std::max(budget_, 0);  // what the shortest end overdrew is forgiven
    }
  }

  void rule(const std::string& name) {
    --budget_;
    const bool outermost = is_token_rule(name) && !in_token_;
    in_token_ = in_token_ || outermost;
    write(grammar_.rules().at(name));
    if (outermost) in_token_ = false, text += ' ';
  }
  void emit(const std::string& piece) {
    text += piece;
    if (!in_token_) text += ' ';
  }
  void optional(const EbnfNode& node, std::size_t most) {
    std::size_t times = budget_ > 0 ? draw(most + 1) : 0;
    if (const auto seldom = seldom_taken(node)) times = *seldom;
    ++node.taken[times > 0 ? 1 : 0];
    for (std::size_t i = 0; i < times; ++i) write(node.children[0]);
  }
  void except(const EbnfNode& node) {
    const auto excluded = grammar_.words(node.children[1]);
    const std::size_t begin = text.size();
    std::string written;
    do {
      text.resize(begin);
      write(node.children[0]);
      written = text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
    } while (excluded.contains(written));
  }
  std::size_t least_tall(const EbnfNode& node) {
    const auto taller = [&](const EbnfNode& a, const EbnfNode& b) { return grammar_.height(a) < grammar_.height(b); };
    return static_cast<std::size_t>(std::min_element(node.children.begin(), node.children.end(), taller) -
                                    node.children.begin());
  }

  const Ebnf& grammar_;
  std::mt19937& random_;
  int budget_;
  bool in_token_ = false;
};

bool is_token_rule(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

Ebnf::Ebnf(std::string_view text) : rules_(EbnfReader(text).rules()) {
  for (const auto& [name, node] : rules_) heights_[name] = kEndless;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [name, node] : rules_) {
      const int now = 1 + height(node);
      changed = changed || now < heights_[name];
      heights_[name] = std::min(heights_[name], now);
    }
  }
}

int Ebnf::height(const EbnfNode& node) const {
  switch (node.kind) {
    case Kind::kTerminal:
    case Kind::kSpecial:
    case Kind::kOption:
    case Kind::kRepetition:
      return 0;
    case Kind::kRule:
      return heights_.at(node.text);
    case Kind::kExcept:
      return height(node.children[0]);
    case Kind::kSequence: {
      int most = 0;
      for (const EbnfNode& child : node.children) most = std::max(most, height(child));
      return most;
    }
    case Kind::kChoice: {
      int least = kEndless;
      for (const EbnfNode& child : node.children) least = std::min(least, height(child));
      return least;
    }
  }
  return 0;
}

std::set<std::string> Ebnf::words(const EbnfNode& node) const {
  if (node.kind == Kind::kTerminal) return {node.text};
  if (node.kind == Kind::kRule) return words(rules_.at(node.text));
  std::set<std::string> result;
  for (const EbnfNode& child : node.children) result.merge(words(child));
  return result;
}

std::string Ebnf::sentence(const std::string& rule, std::mt19937& random, int size) const {
  SentenceWriter writer(*this, random, size);
  writer.write(rules_.at(rule));
  return writer.text;
}

std::vector<std::string> Ebnf::unused() const {
  std::vector<std::string> result;
  const auto visit = [&](const auto& self, const std::string& rule, const EbnfNode& node) -> void {
    for (std::size_t i = 0; i < node.taken.size(); ++i) {
      if (node.taken[i] == 0) result.push_back(rule + ": alternative " + std::to_string(i));
    }
    for (const EbnfNode& child : node.children) self(self, rule, child);
  };
  for (const auto& [name, node] : rules_) {
    if (name != "WORD") visit(visit, name, node);  // stands in an exclusion only
  }
  return result;
}

bool Ebnf::accepts(const std::string& rule, const std::vector<Token>& tokens) const {
  return Recognizer(rules_, tokens).ends(rules_.at(rule), 0).contains(tokens.size());
}

}  // namespace aurex::ax
