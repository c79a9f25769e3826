#include "aurex/ops/library.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "aurex/base/error.h"
#include "aurex/ops/library_text.h"

namespace aurex::ops {
namespace {

/// The names behind `kernel` at the start of a line, the way every file of the library is laid out.
std::vector<std::string_view> kernels_of(std::string_view text) {
  constexpr std::string_view kKeyword = "kernel ";
  std::vector<std::string_view> names;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with(kKeyword)) {
      names.push_back(line.substr(kKeyword.size(), line.find('(') - kKeyword.size()));
    }
    if (text.find('\n', at) == std::string_view::npos) break;
  }
  return names;
}

std::vector<LibraryFile> read_library() {
  std::vector<LibraryFile> files;
#define AUREX_OPS_FILE(name) files.push_back({#name, name##_text(), kernels_of(name##_text())});
#include "aurex/ops/library_files.inc"
#undef AUREX_OPS_FILE
  return files;
}

/// `use "activations.ax"` within the library means the file of that name here.
std::shared_ptr<const ax::Source> load_from_library(std::string_view path, const ax::Source& from) {
  for (const LibraryFile& file : library()) {
    if (path == std::string(file.name) + ".ax") {
      return std::make_shared<const ax::Source>(std::string(path), std::string(file.text));
    }
  }
  return nullptr;
}

const Module& compile_file(const LibraryFile& file) {
  static std::mutex mutex;
  static std::map<std::string_view, std::unique_ptr<const Module>> modules;
  const std::scoped_lock lock(mutex);
  std::unique_ptr<const Module>& module = modules[file.name];
  if (module == nullptr) {
    auto source = std::make_shared<const ax::Source>(std::string(file.name) + ".ax", std::string(file.text));
    module = std::make_unique<const Module>(std::move(source), load_from_library);
  }
  return *module;
}

}  // namespace

std::span<const LibraryFile> library() {
  static const std::vector<LibraryFile> files = read_library();
  return files;
}

const Module& module(std::string_view name) {
  std::string known;
  for (const LibraryFile& file : library()) {
    if (file.name == name) return compile_file(file);
    known += (known.empty() ? "" : ", ") + std::string(file.name);
  }
  throw with_fields(ArgumentError("the kernel library has no file '" + std::string(name) + "'; it has " + known),
                    {{"argument", std::string(name)}});
}

const Kernel& kernel(std::string_view name) {
  std::string close;
  for (const LibraryFile& file : library()) {
    if (std::ranges::find(file.kernels, name) != file.kernels.end()) return compile_file(file)[name];
    for (const std::string_view other : file.kernels) {
      const bool related = other.starts_with(name) || name.starts_with(other);
      if (related) close += (close.empty() ? "; did you mean " : ", ") + std::string(other);
    }
  }
  throw with_fields(ArgumentError("the kernel library has no kernel '" + std::string(name) + "'" + close),
                    {{"argument", std::string(name)}});
}

}  // namespace aurex::ops
