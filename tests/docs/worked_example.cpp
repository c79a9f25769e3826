#include "docs/worked_example.h"

#include <cctype>
#include <charconv>
#include <stdexcept>

namespace aurex::docs {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Bindings bindings() {
    Bindings result;
    do {
      std::string name = word();
      expect('=');
      result.emplace_back(std::move(name), Literal{});
      value(result.back().second, 0);
    } while (take(','));
    return result;
  }

  std::string word() {
    skip_blanks();
    std::size_t length = 0;
    while (length < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[length])) != 0 || text_[length] == '_'))
      ++length;
    if (length == 0) fail("a name");
    std::string result(text_.substr(0, length));
    text_.remove_prefix(length);
    return result;
  }

  void end() {
    skip_blanks();
    if (!text_.empty()) fail("the end of the line");
  }

 private:
  void value(Literal& literal, std::size_t depth) {
    if (take('[')) {
      literal.array = true;
      std::int64_t count = 0;
      if (depth == literal.shape.size()) literal.shape.push_back(-1);
      while (!take(']')) {
        if (count++ > 0) expect(',');
        value(literal, depth + 1);
      }
      if (literal.shape[depth] >= 0 && literal.shape[depth] != count) fail("rows of equal length");
      literal.shape[depth] = count;
      return;
    }
    if (depth != literal.shape.size()) fail("rows of equal depth");
    skip_blanks();
    double number = 0;
    const auto [end, status] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
    if (status != std::errc()) fail("a number");
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    literal.values.push_back(number);
  }

  void skip_blanks() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
  }
  bool take(char wanted) {
    skip_blanks();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail(std::string("`") + wanted + "`");
  }
  [[noreturn]] void fail(const std::string& wanted) const {
    throw std::invalid_argument(wanted + " is wanted before \"" + std::string(text_) + "\"");
  }

  std::string_view text_;
};

}  // namespace

std::optional<WorkedExample> parse_worked_example(std::string_view line) {
  constexpr std::string_view kGives = " gives ";
  const std::size_t gives = line.find(kGives);
  if (!line.starts_with("// ") || gives == std::string_view::npos) return std::nullopt;
  WorkedExample result;
  Reader left(line.substr(3, gives - 3));
  result.given = left.bindings();
  left.end();
  Reader right(line.substr(gives + kGives.size()));
  result.expected = right.bindings();
  right.end();
  return result;
}

}  // namespace aurex::docs
