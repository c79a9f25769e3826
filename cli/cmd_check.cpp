// aurex check: diagnostics, then every kernel at several tile sizes.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "aurex/ax/diagnostic.h"
#include "aurex/ax/self_check.h"
#include "cli/commands.h"
#include "cli/input_file.h"

namespace aurex::cli {
namespace {

using ax::SelfCheck;

void print_kernels(const std::string& file, const std::vector<SelfCheck>& kernels, const Console& console) {
  console.line(fmt::format("{}: {} kernel{}", file, kernels.size(), kernels.size() == 1 ? "" : "s"));
  std::size_t width = 0;
  for (const SelfCheck& kernel : kernels) width = std::max(width, kernel.kernel.size());
  for (const SelfCheck& kernel : kernels) {
    const std::string name = fmt::format("  {:<{}}  ", kernel.kernel, width);
    switch (kernel.outcome) {
      case SelfCheck::Outcome::kSame:
        console.line(
            fmt::format("{}same at tiles 1, 3 and whole{}", name, kernel.inputs.empty() ? "" : " on " + kernel.inputs));
        break;
      case SelfCheck::Outcome::kNotRun:
        console.line(fmt::format("{}not run: {}", name, kernel.detail));
        break;
      case SelfCheck::Outcome::kDiffers:
        console.line(fmt::format("{}DEPENDS ON THE TILE SIZE: {}", name, kernel.detail));
        break;
    }
  }
}

nlohmann::json to_json(const std::vector<SelfCheck>& kernels) {
  auto list = nlohmann::json::array();
  for (const SelfCheck& kernel : kernels) {
    list.push_back({{"name", kernel.kernel},
                    {"outcome", to_string(kernel.outcome)},
                    {"inputs", kernel.inputs},
                    {"detail", kernel.detail}});
  }
  return list;
}

struct FileReport {
  nlohmann::json json;
  bool refused = false;
};

FileReport check_file(const std::string& path, const Console& console) {
  const auto source = read_source(path);
  ax::DiagnosticSink sink;
  const auto module = ax::check(source, sink);
  const std::vector<ax::Diagnostic> diagnostics = sink.sorted();
  FileReport report{.json = {{"file", path}}, .refused = sink.has_errors()};
  if (console.json()) {
    report.json["diagnostics"] = nlohmann::json::parse(ax::render_json(*source, diagnostics));
  } else if (!diagnostics.empty()) {
    console.message(ax::render(*source, diagnostics, {.color = console.color()}));
    if (sink.dropped() > 0) console.message(fmt::format("{} more are not shown", sink.dropped()));
  }
  std::vector<SelfCheck> kernels;
  if (module != nullptr) {
    Progress progress(console, "checking " + path, static_cast<std::int64_t>(ax::kernels(*module).size()));
    for (const ax::KernelInterface& kernel : ax::kernels(*module)) {
      kernels.push_back(ax::self_check(*module, kernel.name));
      report.refused |= kernels.back().outcome == SelfCheck::Outcome::kDiffers;
      progress.step();
    }
  }
  report.json["kernels"] = to_json(kernels);
  if (!console.json() && module != nullptr) print_kernels(path, kernels, console);
  return report;
}

}  // namespace

int check(const CheckOptions& options, const Console& console) {
  auto list = nlohmann::json::array();
  bool refused = false;
  for (const std::string& file : options.files) {
    FileReport report = check_file(file, console);
    refused |= report.refused;
    list.push_back(std::move(report.json));
  }
  if (console.json()) console.line(list.dump(2));
  return refused ? kRefused : kDone;
}

}  // namespace aurex::cli
