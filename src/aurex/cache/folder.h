#pragma once

// Folders and files of the cache, through descriptors: nothing is used that another user could have put there.
//
// A Folder is a descriptor; names are relative to it. "Ours" means: belongs to the effective user, and nobody else may
// write to it. Failures are values (an errno), because a cache that does not work is no error.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aurex::cache {

class Folder {
 public:
  Folder(Folder&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Folder& operator=(Folder&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Folder();

  /// Nothing, with errno set, where the folder is absent or not ours (EPERM).
  [[nodiscard]] static std::optional<Folder> open(const std::filesystem::path& path);
  /// Makes it, and the folders above that are missing, with mode 0700.
  [[nodiscard]] static std::optional<Folder> make(const std::filesystem::path& path);
  [[nodiscard]] std::optional<Folder> open(const std::string& name) const;
  [[nodiscard]] std::optional<Folder> make(const std::string& name) const;

  struct File {
    std::string name;
    std::int64_t bytes = 0;
    std::int64_t used_ns = 0;  // since 1970
  };
  /// The regular files that are ours, in no order.
  [[nodiscard]] std::vector<File> files() const;

  /// All bytes of a regular file that is ours (else EPERM) and not larger than `most` (else EFBIG); nothing, with errno
  /// set, where it cannot be read.
  [[nodiscard]] std::optional<std::string> read(const std::string& name, std::size_t most) const;
  /// Notes that a file is used now, where that was last noted more than ten minutes ago.
  void note_use(const std::string& name) const;

  /// A file appears under `name` with all of these bytes, in the place of any before it, or not at all. Mode 0600.
  [[nodiscard]] bool publish(const std::string& name, std::string_view bytes) const;

  /// Whether there was such a file.
  bool remove(const std::string& name) const;
  /// Whether there was such an empty folder.
  bool remove_folder(const std::string& name) const;

  /// How files are called that are being written.
  static constexpr std::string_view kTemporary = ".tmp-";

 private:
  explicit Folder(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace aurex::cache
