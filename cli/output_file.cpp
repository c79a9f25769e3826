#include "cli/output_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "aurex/base/error.h"

namespace aurex::cli {

void write_file(const std::string& path, std::string_view content) {
  const std::string half = fmt::format("{}.{}.part", path, getpid());
  std::FILE* file = std::fopen(half.c_str(), "wb");
  if (file == nullptr) throw IoError(fmt::format("cannot write {}", path));
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  const bool closed = std::fclose(file) == 0;
  std::error_code error;
  if (written && closed) std::filesystem::rename(half, path, error);
  if (!written || !closed || error) {
    static_cast<void>(std::remove(half.c_str()));
    throw IoError(fmt::format("cannot write {}", path));
  }
}

void write_output(const std::string& path, std::string_view content, const Console& console) {
  if (path.empty()) {
    console.write(content);
  } else {
    write_file(path, content);
  }
}

}  // namespace aurex::cli
