#include "cli/array_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "aurex/tensor/convert.h"

namespace aurex::cli {
namespace {

constexpr std::int64_t kFull = 1000;  // elements shown without a gap, NumPy's threshold
constexpr std::int64_t kEdge = 3;     // shown at either end of a longer axis

std::string format_element(DType dtype, const void* element) {
  if (dtype == DType::kBool) return load_i64(dtype, element) != 0 ? "true" : "false";
  if (is_floating_point(dtype)) return fmt::format("{:.6g}", load_f64(dtype, element));
  if (dtype == DType::kU64) return fmt::format("{}", static_cast<std::uint64_t>(load_i64(dtype, element)));
  return fmt::format("{}", load_i64(dtype, element));
}

class Writer {
 public:
  explicit Writer(const TensorView& view)
      : view_(view), position_(static_cast<std::size_t>(view.rank())), gaps_(element_count(view.shape) > kFull) {}

  std::string write() {
    measure(0);
    if (view_.rank() == 0) return element();
    std::string text;
    write_axis(0, text);
    return text;
  }

 private:
  std::string element() { return format_element(view_.dtype, element_address(view_, position_)); }

  /// The width of the widest element shown.
  void measure(int axis) {
    if (axis == view_.rank()) {
      width_ = std::max(width_, element().size());
      return;
    }
    for (const std::int64_t i : shown(axis)) {
      if (i < 0) continue;
      position_[static_cast<std::size_t>(axis)] = i;
      measure(axis + 1);
    }
  }

  /// Positions of an axis that are shown; −1 stands for the gap.
  std::vector<std::int64_t> shown(int axis) const {
    const std::int64_t extent = view_.shape[axis];
    std::vector<std::int64_t> positions;
    const bool gap = gaps_ && extent > 2 * kEdge;
    for (std::int64_t i = 0; i < (gap ? kEdge : extent); ++i) positions.push_back(i);
    if (!gap) return positions;
    positions.push_back(-1);
    for (std::int64_t i = extent - kEdge; i < extent; ++i) positions.push_back(i);
    return positions;
  }

  void write_axis(int axis, std::string& text) {
    const bool last = axis + 1 == view_.rank();
    text += '[';
    bool first = true;
    for (const std::int64_t i : shown(axis)) {
      if (!first) text += last ? " " : "\n" + std::string(static_cast<std::size_t>(axis) + 1, ' ');
      first = false;
      if (i < 0) {
        text += "...";
        continue;
      }
      position_[static_cast<std::size_t>(axis)] = i;
      if (last) {
        text += fmt::format("{:>{}}", element(), width_);
      } else {
        write_axis(axis + 1, text);
      }
    }
    text += ']';
  }

  const TensorView& view_;
  std::vector<std::int64_t> position_;
  const bool gaps_;
  std::size_t width_ = 0;
};

}  // namespace

std::string format_array(const TensorView& view) { return Writer(view).write(); }

}  // namespace aurex::cli
