#include "cli/input_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "aurex/ax/diagnostic.h"
#include "aurex/base/error.h"
#include "aurex/schedule/schedule_text.h"

namespace aurex::cli {

std::shared_ptr<const ax::Source> read_source(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  bool read = file.is_open();
  try {
    if (read) text.assign(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {  // a directory opens, and fails at the first read
    read = false;
  }
  if (!read) throw IoError(fmt::format("cannot read {}: {}", path, std::generic_category().message(errno)));
  return std::make_shared<const ax::Source>(path, std::move(text));
}

schedule::Schedule read_schedule(const std::string& path) {
  if (path.empty()) return {};
  return schedule::parse_schedule(read_source(path)->text());
}

std::shared_ptr<const ax::CheckedModule> checked(const std::shared_ptr<const ax::Source>& source) {
  ax::DiagnosticSink sink;
  auto module = ax::check(source, sink);
  ax::raise_if_refused(*source, sink);
  return module;
}

std::size_t choose_kernel(std::span<const ax::KernelInterface> kernels, std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    if (kernels[i].name == name || (name.empty() && kernels.size() == 1)) return i;
    names.push_back(kernels[i].name);
  }
  if (kernels.empty()) throw ArgumentError("the file has no kernel");
  if (name.empty()) {
    throw ArgumentError(
        fmt::format("the file has several kernels; choose one with --kernel: {}", fmt::join(names, ", ")));
  }
  throw ArgumentError(fmt::format("no kernel is called '{}'; there are: {}", name, fmt::join(names, ", ")));
}

}  // namespace aurex::cli
