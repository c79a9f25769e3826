#include "docs/markdown.h"

#include <sstream>
#include <stdexcept>

namespace aurex::docs {
namespace {

constexpr std::string_view kFence = "```";

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

}  // namespace

std::vector<FencedBlock> fenced_blocks(std::string_view page) {
  std::istringstream stream{std::string(page)};
  std::vector<FencedBlock> result;
  bool open = false;
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (!line.starts_with(kFence)) {
      if (open) result.back().text += line + "\n";
      continue;
    }
    if (!open) result.push_back({.line = number + 1, .info = words(line.substr(kFence.size())), .text = {}});
    open = !open;
  }
  if (open) throw std::invalid_argument("line " + std::to_string(result.back().line - 1) + ": fence without an end");
  return result;
}

}  // namespace aurex::docs
