// How far results move when float sums do: the tolerance of comparisons with code that adds in another order.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "aurex/ax/element.h"
#include "aurex/ax/interp.h"

namespace aurex::ax {
namespace {

/// The arrays that a program writes, dense and apart from the caller's.
class Copies {
 public:
  Copies(const TileProgram& program, const BoundCall& call, const Binding& binding) : program_(program), call_(call) {
    for (ArrayId id = 0; id < program.arrays.size(); ++id) {
      const ArrayRole role = program.arrays[id].role;
      if (role != ArrayRole::kResult && role != ArrayRole::kInout) continue;
      const TensorView& original = *call.views[id];
      auto copy = std::make_unique<Copy>();
      copy->array = id;
      copy->bytes.resize(static_cast<std::size_t>(byte_count(original.shape, original.dtype)));
      copy->view = contiguous_view(static_cast<void*>(copy->bytes.data()), original.dtype, original.shape);
      copy_elements(original, copy->view);
      call_.views[id] = &copy->view;
      copies_.push_back(std::move(copy));
    }
    binding.finish(call_);
  }

  /// Runs and returns every written element as f64, array by array.
  std::vector<std::vector<double>> run(const InterpOptions& options) {
    static_cast<void>(ax::run(program_, call_, options));
    std::vector<std::vector<double>> results;
    for (const auto& copy : copies_) {
      const DType dtype = copy->view.dtype;
      const int size = bytes_per_element(dtype);
      std::vector<double>& values = results.emplace_back();
      for (std::size_t at = 0; at < copy->bytes.size(); at += static_cast<std::size_t>(size)) {
        values.push_back(to_f64(register_type(dtype), load_element(dtype, copy->bytes.data() + at)));
      }
    }
    return results;
  }

  [[nodiscard]] ArrayId array(std::size_t i) const { return copies_[i]->array; }

 private:
  struct Copy {
    ArrayId array = kNone;
    std::vector<char> bytes;
    TensorView view;
  };
  const TileProgram& program_;
  BoundCall call_;
  std::vector<std::unique_ptr<Copy>> copies_;
};

double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double apart = std::fabs(a - b);
  return std::isfinite(apart) ? apart : std::numeric_limits<double>::infinity();
}

}  // namespace

std::vector<ErrorBounds> error_bounds(const TileProgram& program, const BoundCall& call, const Binding& binding,
                                      const InterpOptions& options) {
  constexpr std::uint64_t kDirections = 6;  // up, down, and four drawn
  InterpOptions plain = options;
  plain.print = nullptr;
  plain.safe = false;
  plain.perturbation = 0;
  Copies base_copies(program, call, binding);
  const auto base = base_copies.run(plain);
  std::vector<ErrorBounds> bounds;
  for (std::size_t i = 0; i < base.size(); ++i) {
    bounds.push_back({.array = base_copies.array(i), .bound = std::vector<double>(base[i].size())});
  }
  for (std::uint64_t direction = 0; direction < kDirections; ++direction) {
    InterpOptions moved = plain;
    moved.perturbation = 1;
    moved.seed = direction;
    const auto other = Copies(program, call, binding).run(moved);
    for (std::size_t i = 0; i < base.size(); ++i) {
      for (std::size_t k = 0; k < base[i].size(); ++k) {
        bounds[i].bound[k] = std::max(bounds[i].bound[k], 2 * distance(base[i][k], other[i][k]));
      }
    }
  }
  return bounds;
}

}  // namespace aurex::ax
