#include "aurex/ax/source.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace aurex::ax {

namespace {

/// Every byte but the continuation bytes of UTF-8 begins a code point.
bool begins_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  const std::size_t end = std::min<std::size_t>(text_.size(), std::numeric_limits<std::uint32_t>::max());
  for (std::size_t at = text_.find('\n'); at < end; at = text_.find('\n', at + 1)) {
    line_starts_.push_back(static_cast<std::uint32_t>(at + 1));
  }
}

std::string_view Source::text(Span span) const {
  const std::size_t begin = std::min<std::size_t>(span.begin, text_.size());
  const std::size_t end = std::clamp<std::size_t>(span.end, begin, text_.size());
  return std::string_view(text_).substr(begin, end - begin);
}

LineColumn Source::position(std::uint32_t offset) const {
  const auto clamped = static_cast<std::uint32_t>(std::min<std::size_t>(offset, text_.size()));
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), clamped);
  const auto number = static_cast<std::uint32_t>(after - line_starts_.begin());
  const auto before = text({line_start(number), clamped});
  return {number, 1 + static_cast<std::uint32_t>(std::count_if(before.begin(), before.end(), begins_code_point))};
}

std::string_view Source::line(std::uint32_t number) const {
  if (number == 0 || number > line_count()) return {};
  const std::uint32_t begin = line_start(number);
  const auto rest = std::string_view(text_).substr(begin);
  auto result = rest.substr(0, rest.find('\n'));
  if (result.ends_with('\r')) result.remove_suffix(1);
  return result;
}

}  // namespace aurex::ax
