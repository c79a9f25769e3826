#pragma once

// AX files as commands take them.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "aurex/ax/check.h"
#include "aurex/schedule/schedule.h"

namespace aurex::cli {

/// Raises IoError where the file cannot be read.
[[nodiscard]] std::shared_ptr<const ax::Source> read_source(const std::string& path);

/// A schedule that pins nothing for the empty path. Raises IoError, and InvalidConfig where the text is malformed.
[[nodiscard]] schedule::Schedule read_schedule(const std::string& path);

/// Raises CompileError with every diagnostic.
[[nodiscard]] std::shared_ptr<const ax::CheckedModule> checked(const std::shared_ptr<const ax::Source>& source);

/// The place of the kernel of that name, or of the only one. Raises ArgumentError that lists those there are.
[[nodiscard]] std::size_t choose_kernel(std::span<const ax::KernelInterface> kernels, std::string_view name);

}  // namespace aurex::cli
