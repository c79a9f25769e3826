// Every kernel of the kernel library and of the examples on every executor, on drawn arguments, in several layouts.
//
// What the results ought to be is the business of the cases with references; here the executors only have to agree. A
// new kernel needs no entry: the files are read when the tests are listed.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "aurex/ax/check.h"
#include "aurex/ax/diagnostic.h"
#include "aurex/base/error.h"
#include "aurex/base/seed.h"
#include "executors.h"

namespace aurex::testing {
namespace {

using ax::testing::HostArray;
using ax::testing::Layout;
using ax::testing::TestCall;
using ax::testing::Values;

struct LibraryKernel {
  std::filesystem::path file;
  std::string name;
  /// How gtest prints a parameter.
  friend void PrintTo(const LibraryKernel& kernel, std::ostream* out) {
    *out << kernel.file.string() << ": " << kernel.name;
  }
};

std::shared_ptr<const ax::CheckedModule> load(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const auto source = std::make_shared<const ax::Source>(path.string(), text.str());
  ax::DiagnosticSink sink;
  auto module = ax::check(source, sink);
  ax::raise_if_refused(*source, sink);
  return module;
}

/// Whether a result's storage type is nowhere but in `out=`, which a TestCall does not give.
bool chosen_by_out(const ax::CheckedModule& module, const ax::KernelInterface& kernel) {
  ax::Specialization given = ax::sample_specialization(module, kernel.name);
  given.results.assign(given.results.size(), std::nullopt);
  try {
    static_cast<void>(ax::specialize(module, kernel.name, given));
    return false;
  } catch (const ax::CompileError&) {
    return true;
  }
}

/// Sorted by file, then as the file has them. A file that is refused stands with an empty name, to fail by itself.
std::vector<LibraryKernel> library() {
  std::vector<std::filesystem::path> files = {AUREX_SOURCE_DIR "/examples/minilm/minilm.ax"};
  for (const auto& entry : std::filesystem::directory_iterator(AUREX_SOURCE_DIR "/src/aurex/ops")) {
    if (entry.path().extension() == ".ax") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<LibraryKernel> all;
  for (const auto& file : files) {
    try {
      const auto module = load(file);
      for (const ax::KernelInterface& kernel : ax::kernels(*module)) {
        if (!chosen_by_out(*module, kernel)) all.push_back({file, kernel.name});
      }
    } catch (const Error&) {
      all.push_back({file, ""});
    }
  }
  return all;
}

/// Draws the arguments of one call. Extents are few where axes are many; integers may serve as indices.
class Drawer {
 public:
  Drawer(const ax::CheckedModule& module, const ax::KernelInterface& kernel, std::uint64_t seed)
      : program_(ax::specialize(module, kernel.name, ax::sample_specialization(module, kernel.name))),
        kernel_(kernel),
        random_(seed) {
    static constexpr std::int64_t kExtents[] = {3, 2, 5, 17, 33};
    const std::size_t usable = program_.dims.size() > 4 ? 2 : program_.dims.size() > 3 ? 3 : std::size(kExtents);
    for (const ax::Dim& dim : program_.dims) {  // one that `where` defines by a scalar alone is its default, 1
      const std::int64_t drawn = dim.pack != ax::kNone ? 6 : kExtents[random_.below(usable)];
      extents_.push_back(dim.literal.value_or(dim.defined_by != ax::kNone ? 1 : drawn));
      if (!dim.literal && dim.pack == ax::kNone) smallest_ = std::min(smallest_, extents_.back());
    }
  }

  /// `optional`: arguments with defaults are given as well, arrays only.
  Values values(bool optional) {
    Values values;
    for (const ax::Parameter& parameter : kernel_.parameters) {
      const auto array = std::ranges::find(program_.arrays, parameter.name, &ax::Array::name);
      if (array != program_.arrays.end()) {
        if (optional || !parameter.optional) values[parameter.name] = draw(*array);
      } else if (!parameter.optional) {
        values[parameter.name] = scalar(parameter);
      }
    }
    return values;
  }

  /// Of dimensions that no argument may carry.
  [[nodiscard]] std::vector<ax::NamedExtent> extents() const {
    std::vector<ax::NamedExtent> named;
    for (ax::DimId id = 0; id < program_.dims.size() && !program_.broadcast; ++id) {
      const ax::Dim& dim = program_.dims[id];
      if (dim.literal || dim.pack != ax::kNone || dim.defined_by != ax::kNone) continue;
      named.push_back({dim.name, extents_[id]});
    }
    return named;
  }

 private:
  ax::testing::Value scalar(const ax::Parameter& parameter) {
    switch (parameter.kind) {
      case ax::Parameter::Kind::kInt:
        return std::int64_t{2};
      case ax::Parameter::Kind::kBool:
        return true;
      default:
        return 0.75;
    }
  }

  HostArray draw(const ax::Array& declared) {
    HostArray array = {.dtype = declared.storage.dtype, .shape = shape(declared), .values = {}};
    for (std::int64_t i = element_count(array.shape); i > 0; --i) {
      const double unit = static_cast<double>(random_() >> 11) * 0x1p-53;
      const auto below = static_cast<std::uint64_t>(array.dtype == DType::kBool ? 2 : smallest_);
      array.values.push_back(is_floating_point(array.dtype) ? unit * 4 - 2 : static_cast<double>(random_.below(below)));
    }
    return array;
  }

  Dims shape(const ax::Array& array) const {
    if (program_.broadcast) return {5, 33};
    Dims shape;
    for (std::size_t i = 0; i < array.dims.size(); ++i) {
      const ax::DimId dim = array.dims[i].dim;
      if (program_.dims[dim].pack != ax::kNone) {
        shape.push_back(2);
        shape.push_back(3);
      } else if (i > 0 && array.dims[i - 1].argument_axis == array.dims[i].argument_axis) {
        shape.back() *= extents_[dim];
      } else {
        shape.push_back(extents_[dim]);
      }
    }
    return shape;
  }

  const ax::TileProgram program_;
  const ax::KernelInterface& kernel_;
  SplitMix64 random_;
  std::vector<std::int64_t> extents_;
  std::int64_t smallest_ = 1000;
};

/// Two draws in two layouts each; the first with every argument that has a default left out.
std::string fault_in(const LibraryKernel& kernel) {
  if (kernel.name.empty()) static_cast<void>(load(kernel.file));  // raises
  const auto module = load(kernel.file);
  const auto& interface = *std::ranges::find(ax::kernels(*module), kernel.name, &ax::KernelInterface::name);
  for (const bool optional : {false, true}) {
    Drawer drawer(*module, interface, optional ? 2 : 1);
    const Values values = drawer.values(optional);
    const auto extents = drawer.extents();
    for (const Layout layout : {Layout::kDense, optional ? Layout::kGaps : Layout::kTransposed}) {
      TestCall call(module, kernel.name, values, {.extents = extents, .layout = layout});
      const Report report = compare(call);
      std::string fault = report.fault.value_or("");
      if (fault.empty() && !report.missing.empty()) fault = report.missing.front();
      if (fault.empty()) fault = difference_by_circumstances(call).value_or("");
      if (!fault.empty()) return "layout " + std::to_string(static_cast<int>(layout)) + ": " + fault;
    }
  }
  return "";
}

class Library : public ::testing::TestWithParam<LibraryKernel> {};

TEST_P(Library, AgreesOnEveryExecutor) { EXPECT_EQ(fault_in(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(Kernels, Library, ::testing::ValuesIn(library()), [](const auto& info) {
  return info.param.file.stem().string() + "_" + (info.param.name.empty() ? "refused" : info.param.name);
});

}  // namespace

}  // namespace aurex::testing
