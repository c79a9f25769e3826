#pragma once

// A reader of EBNF for the tests: draws sentences from a grammar, and says whether a list of tokens is a sentence.

#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace aurex::ax {

struct EbnfNode {
  enum class Kind { kSequence, kChoice, kOption, kRepetition, kTerminal, kRule, kSpecial, kExcept };
  Kind kind{};
  std::string text;                ///< kTerminal: what it reads; kRule: its name; kSpecial: the prose
  std::vector<EbnfNode> children;  ///< kExcept: what, and what not
  mutable std::vector<int> taken;  ///< How often each choice was drawn; of options and repetitions: without, with.
};

/// A rule whose name is in capitals describes one token.
[[nodiscard]] bool is_token_rule(std::string_view name);

class Ebnf {
 public:
  /// Throws std::runtime_error with the offset of what it cannot read.
  explicit Ebnf(std::string_view text);

  [[nodiscard]] const std::map<std::string, EbnfNode>& rules() const { return rules_; }
  /// The terminals that a rule of plain alternatives chooses from, directly or through other such rules.
  [[nodiscard]] std::set<std::string> words(const EbnfNode& node) const;

  /// A sentence of `rule`, tokens separated by blanks; about `size` rules are expanded before the shortest ends are
  /// taken.
  [[nodiscard]] std::string sentence(const std::string& rule, std::mt19937& random, int size) const;

  /// Choices, options and repetitions of which no sentence took one side so far, as "rule: text".
  [[nodiscard]] std::vector<std::string> unused() const;

  /// A token as the grammar sees it: the token rule it belongs to (empty for words and punctuation), and its text.
  struct Token {
    std::string rule;
    std::string text;
  };
  /// Whether the tokens are a sentence of `rule`.
  [[nodiscard]] bool accepts(const std::string& rule, const std::vector<Token>& tokens) const;

 private:
  std::map<std::string, EbnfNode> rules_;
  std::map<std::string, int> heights_;  // of the least tall derivation of each rule
  friend class SentenceWriter;
  [[nodiscard]] int height(const EbnfNode& node) const;
};

}  // namespace aurex::ax
