// aurex info: what is in a file.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aurex/base/error.h"
#include "aurex/tensor/npy.h"
#include "cli/commands.h"
#include "cli/input_file.h"

namespace aurex::cli {
namespace {

void describe_npy(const std::string& path, const Console& console) {
  const NpyFile file(path);
  const NpyHeader& header = file.header();
  if (console.json()) {
    const nlohmann::json json = {{"file", path},
                                 {"kind", "npy"},
                                 {"dtype", to_string(header.dtype)},
                                 {"shape", header.shape.extents()},
                                 {"order", header.fortran_order ? "fortran" : "c"},
                                 {"data_offset", header.data_offset},
                                 {"data_bytes", header.data_bytes}};
    console.line(json.dump(2));
    return;
  }
  console.line(fmt::format("{}: {}{}, {} order, {} bytes at byte {}", path, to_string(header.dtype),
                           to_string(header.shape), header.fortran_order ? "Fortran" : "C", header.data_bytes,
                           header.data_offset));
}

void describe_ax(const std::string& path, const Console& console) {
  const auto source = read_source(path);
  const auto module = checked(source);
  auto list = nlohmann::json::array();
  for (const ax::KernelInterface& kernel : ax::kernels(*module)) {
    const std::uint32_t line = source->position(kernel.span.begin).line;
    if (console.json()) {
      list.push_back({{"name", kernel.name}, {"signature", kernel.signature}, {"label", kernel.label}, {"line", line}});
    } else {
      console.line(fmt::format("{}:{}: {}", path, line, kernel.signature));
    }
  }
  if (console.json()) {
    console.line(
        nlohmann::json({{"file", path}, {"kind", "ax"}, {"lines", source->line_count()}, {"kernels", list}}).dump(2));
  }
}

}  // namespace

int info(const InfoOptions& options, const Console& console) {
  if (options.file.ends_with(".npy")) {
    describe_npy(options.file, console);
  } else if (options.file.ends_with(".ax")) {
    describe_ax(options.file, console);
  } else {
    throw InvalidConfig(fmt::format("{}: only .npy and .ax files are understood", options.file));
  }
  return kDone;
}

}  // namespace aurex::cli
