#include "aurex/ax/self_check.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "aurex/ax/binding.h"
#include "aurex/ax/element.h"
#include "aurex/ax/interp.h"
#include "aurex/ax/launch_scalar.h"
#include "aurex/base/error.h"
#include "aurex/base/seed.h"
#include "aurex/tensor/convert.h"

namespace aurex::ax {
namespace {

constexpr int kAttempts = 32;
constexpr std::int64_t kMostPositions = 1 << 16;  // of all extents multiplied: keeps one run in milliseconds
constexpr std::int64_t kMostRounds = 1'000;       // of a `while` whose drawn input may never let it end
constexpr std::int64_t kTiles[] = {1, 3};         // compared with whole axes

/// What a default says, as far as it is a plain literal.
std::optional<double> literal(const std::string& text) {
  if (text == "true") return 1;
  if (text == "false") return 0;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value;
}

/// Extents and scalars of one attempt; `arrays` are filled anew for every run.
struct Draw {
  std::vector<std::int64_t> extents;  // per dimension; below 0: no small extents satisfy its definition
  std::vector<ScalarArgument> scalars;
  std::vector<Dims> pack_shapes;
  std::uint64_t seed = 0;
};

class Drawer {
 public:
  Drawer(const TileProgram& program, const KernelInterface& interface) : program_(program), interface_(interface) {}

  [[nodiscard]] Draw draw(int attempt, std::uint64_t seed) const {
    SplitMix64 random(seed + static_cast<std::uint64_t>(attempt) * 0x9e3779b97f4a7c15u);
    Draw result;
    for (const Scalar& scalar : program_.scalars) result.scalars.push_back(draw_scalar(scalar, attempt, random));
    draw_extents(attempt, random, result);
    result.seed = random();
    return result;
  }

 private:
  /// The default first, since it is legal most often; later attempts try small numbers.
  ScalarArgument draw_scalar(const Scalar& scalar, int attempt, SplitMix64& random) const {
    std::optional<double> usual;
    for (const Parameter& parameter : interface_.parameters) {
      if (parameter.name == scalar.name) usual = literal(parameter.default_text);
    }
    const bool use_default = usual && (attempt < kAttempts / 2 || random.below(2) == 0);
    switch (scalar.type) {
      case RegType::kBool:
        return {RegType::kBool, Cell::of(use_default ? *usual != 0 : random.below(2) == 1)};
      case RegType::kI64:
        return {RegType::kI64, Cell::of(use_default ? static_cast<std::int64_t>(*usual) : random.between(1, 3))};
      default:
        return {RegType::kF64, Cell::of(use_default ? *usual : 0.25 * static_cast<double>(random.between(1, 8)))};
    }
  }

  /// Extents that no tile of 3 divides come first; later attempts add 1 and 2, and multiples for `where K % 32 == 0`.
  static std::int64_t draw_extent(int attempt, SplitMix64& random) {
    static constexpr std::int64_t kOdd[] = {4, 5, 7, 8};
    if (attempt < 8) return kOdd[random.below(4)];
    const std::int64_t extent = random.between(1, 8);
    return attempt < 16 || random.below(2) == 0 ? extent : extent << random.between(1, 5);
  }

  void draw_extents(int attempt, SplitMix64& random, Draw& result) const {
    for (const Dim& dim : program_.dims) {
      if (dim.pack != kNone) {
        const Dims shape = {random.between(1, 3), random.between(2, 3)};
        result.pack_shapes.resize(std::max<std::size_t>(result.pack_shapes.size(), dim.pack + 1));
        result.pack_shapes[dim.pack] = shape;
        result.extents.push_back(element_count(shape));
      } else if (dim.literal) {
        result.extents.push_back(*dim.literal);
      } else {
        result.extents.push_back(dim.defined_by == kNone ? draw_extent(attempt, random) : -1);
      }
    }
    apply_definitions(result);
  }

  void apply_definitions(Draw& result) const {
    std::vector<double> f64s(program_.scalars.size());
    std::vector<std::int64_t> i64s(program_.scalars.size());
    for (std::size_t i = 0; i < program_.scalars.size(); ++i) {
      const ScalarArgument& given = result.scalars[i];
      if (given.type == RegType::kF64) f64s[program_.scalars[i].slot] = given.value.f64();
      if (given.type != RegType::kF64) i64s[program_.scalars[i].slot] = to_i64(given.type, given.value);
    }
    for (std::size_t round = 0; round < program_.dims.size(); ++round) {
      for (DimId id = 0; id < program_.dims.size(); ++id) {
        const ValueId value = program_.dims[id].defined_by;
        if (value == kNone || result.extents[id] >= 0) continue;
        const LaunchScalar definition(program_, value);
        if (!definition.ready(result.extents.data())) continue;
        result.extents[id] = definition.integer({result.extents.data(), f64s.data(), i64s.data()});
      }
    }
  }

  const TileProgram& program_;
  const KernelInterface& interface_;
};

/// The shape of an array as its caller sees it: parts of a split multiplied, packs spread out.
Dims caller_shape(const TileProgram& program, const Array& array, const Draw& draw) {
  if (program.broadcast) return {4, 5};
  Dims shape;
  for (std::size_t i = 0; i < array.dims.size(); ++i) {
    const Dim& dim = program.dims[array.dims[i].dim];
    const std::int64_t extent = draw.extents[array.dims[i].dim];
    if (dim.pack != kNone) {
      for (const std::int64_t part : draw.pack_shapes[dim.pack]) shape.push_back(part);
    } else if (i > 0 && array.dims[i - 1].argument_axis == array.dims[i].argument_axis) {
      shape.back() *= extent;
    } else {
      shape.push_back(extent);
    }
  }
  return shape;
}

/// The arrays of one run and the call bound to them.
class Run {
 public:
  Run(const TileProgram& program, const Binding& binding, const Draw& draw) : program_(program), binding_(binding) {
    std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
    std::vector<NamedExtent> extents;
    for (DimId id = 0; id < program.dims.size() && !program.broadcast; ++id) {
      const Dim& dim = program.dims[id];
      if (!dim.literal && draw.extents[id] > 0) smallest = std::min(smallest, draw.extents[id]);
      if (!dim.literal && dim.pack == kNone && dim.defined_by == kNone) extents.push_back({dim.name, draw.extents[id]});
    }
    if (smallest > kMostPositions) smallest = 4;
    SplitMix64 random(draw.seed);
    std::vector<const TensorView*> inputs, results;
    for (const ArrayId id : binding.inputs()) inputs.push_back(&add(program.arrays[id], draw, smallest, random));
    for (const ArrayId id : binding.results()) results.push_back(&add(program.arrays[id], draw, 1, random));
    binding.solve({.arrays = inputs, .scalars = draw.scalars, .results = results, .extents = extents}, call_);
    binding.finish(call_);
  }

  void execute(std::int64_t tile) { static_cast<void>(run(program_, call_, options(tile))); }
  [[nodiscard]] std::vector<ErrorBounds> bounds() const {
    return error_bounds(program_, call_, binding_, options(InterpOptions::kWhole));
  }

  /// Element `k` of an array that the program wrote.
  [[nodiscard]] double element(ArrayId array, std::size_t k) const {
    const TensorView& view = *call_.views[array];
    return load_f64(view.dtype, view.as<char>() + k * static_cast<std::size_t>(bytes_per_element(view.dtype)));
  }

  [[nodiscard]] std::string describe_inputs() const {
    std::string text;
    for (const ArrayId id : binding_.inputs()) {
      text += (text.empty() ? "" : ", ") + program_.arrays[id].name + " " + describe(*call_.views[id]);
    }
    return text;
  }

 private:
  static InterpOptions options(std::int64_t tile) {
    InterpOptions result;
    result.tile = tile;
    result.max_rounds = kMostRounds;
    return result;
  }

  const TensorView& add(const Array& array, const Draw& draw, std::int64_t below, SplitMix64& random) {
    const DType dtype = array.storage.dtype;
    const Dims shape = caller_shape(program_, array, draw);
    const std::int64_t count = element_count(shape);
    auto& bytes = memory_.emplace_back(std::make_unique<std::vector<char>>(
        static_cast<std::size_t>(std::max<std::int64_t>(byte_count(shape, dtype), 1))));
    const std::int64_t bound = dtype == DType::kBool ? 2 : std::max<std::int64_t>(below, 1);
    for (std::int64_t i = 0; i < count; ++i) {
      store_i64(dtype, bytes->data() + i * bytes_per_element(dtype),
                static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound))));
    }
    return *views_.emplace_back(
        std::make_unique<TensorView>(contiguous_view(static_cast<void*>(bytes->data()), dtype, shape)));
  }

  const TileProgram& program_;
  const Binding& binding_;
  std::vector<std::unique_ptr<std::vector<char>>> memory_;
  std::vector<std::unique_ptr<TensorView>> views_;
  BoundCall call_;
};

bool small_enough(const Draw& draw) {
  std::int64_t positions = 1;
  for (const std::int64_t extent : draw.extents) {
    if (extent < 0 || extent > kMostPositions) return false;
    positions *= std::max<std::int64_t>(extent, 1);
    if (positions > kMostPositions) return false;
  }
  return true;
}

double epsilon(DType dtype) {
  if (!is_floating_point(dtype)) return 0;
  return dtype == DType::kF64 ? 0x1p-52 : dtype == DType::kF32 ? 0x1p-23 : dtype == DType::kF16 ? 0x1p-10 : 0x1p-2;
}

bool close(double a, double b, double tolerance) {
  if (a == b || (std::isnan(a) && std::isnan(b)) || std::isinf(tolerance)) return true;
  return std::fabs(a - b) <= tolerance;
}

/// The first difference between two runs, empty where there is none. An array that float sums reach may differ by its
/// bounds and by the rounding of what rescales running sums, a few units in the last place of its largest element.
std::string difference(const TileProgram& program, const Run& whole, const Run& tiled,
                       const std::vector<ErrorBounds>& bounds, std::int64_t tile) {
  for (const ErrorBounds& limit : bounds) {
    const Array& array = program.arrays[limit.array];
    double slack = 0;
    if (std::ranges::any_of(limit.bound, [](double bound) { return bound > 0; })) {
      for (std::size_t k = 0; k < limit.bound.size(); ++k) {
        const double magnitude = std::fabs(whole.element(limit.array, k));
        if (std::isfinite(magnitude)) slack = std::max(slack, 16 * epsilon(array.storage.dtype) * magnitude);
      }
    }
    for (std::size_t k = 0; k < limit.bound.size(); ++k) {
      const double a = whole.element(limit.array, k), b = tiled.element(limit.array, k);
      if (close(a, b, limit.bound[k] + slack)) continue;
      return array.name + ", element " + std::to_string(k) + ": " + std::to_string(a) + " with whole axes, " +
             std::to_string(b) + " with tiles of " + std::to_string(tile);
    }
  }
  return {};
}

SelfCheck compare(const TileProgram& program, const Binding& binding, const Draw& draw, Run& whole) {
  SelfCheck result{
      .kernel = program.name, .outcome = SelfCheck::Outcome::kSame, .inputs = whole.describe_inputs(), .detail = {}};
  const Run fresh(program, binding, draw);
  const std::vector<ErrorBounds> bounds = fresh.bounds();
  for (const std::int64_t tile : kTiles) {
    Run tiled(program, binding, draw);
    try {
      tiled.execute(tile);
      result.detail = difference(program, whole, tiled, bounds, tile);
    } catch (const Error& error) {
      result.detail = "runs with whole axes, but with tiles of " + std::to_string(tile) + ": " + error.message();
    }
    if (result.detail.empty()) continue;
    result.outcome = SelfCheck::Outcome::kDiffers;
    return result;
  }
  return result;
}

const KernelInterface& interface_of(const CheckedModule& module, std::string_view kernel) {
  const auto& all = kernels(module);
  const auto found = std::ranges::find(all, kernel, &KernelInterface::name);
  if (found == all.end()) throw ArgumentError("there is no kernel `" + std::string(kernel) + "`");
  return *found;
}

}  // namespace

std::string_view to_string(SelfCheck::Outcome outcome) {
  switch (outcome) {
    case SelfCheck::Outcome::kSame:
      return "same";
    case SelfCheck::Outcome::kNotRun:
      return "not run";
    case SelfCheck::Outcome::kDiffers:
      break;
  }
  return "differs";
}

SelfCheck self_check(const TileProgram& program, const KernelInterface& interface, std::uint64_t seed) {
  SelfCheck result{.kernel = program.name, .outcome = SelfCheck::Outcome::kNotRun, .inputs = {}, .detail = {}};
  try {
    const Binding binding(program);
    const Drawer drawer(program, interface);
    result.detail = "no small extents satisfy its signature";
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const Draw draw = drawer.draw(attempt, seed);
      if (!program.broadcast && !small_enough(draw)) continue;
      try {
        Run whole(program, binding, draw);
        whole.execute(InterpOptions::kWhole);
        return compare(program, binding, draw, whole);
      } catch (const NotImplemented&) {
        throw;
      } catch (const Error& error) {
        result.detail = error.message();  // not a legal input; the next may be one
      }
    }
  } catch (const NotImplemented& error) {
    result.detail = error.message();
  }
  return result;
}

SelfCheck self_check(const CheckedModule& module, std::string_view kernel, std::uint64_t seed) {
  const KernelInterface& interface = interface_of(module, kernel);
  try {
    return self_check(specialize(module, kernel, sample_specialization(module, kernel)), interface, seed);
  } catch (const NotImplemented& error) {
    return {.kernel = std::string(kernel),
            .outcome = SelfCheck::Outcome::kNotRun,
            .inputs = {},
            .detail = std::string(error.message())};
  }
}

}  // namespace aurex::ax
