#include "aurex/cache/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>

namespace aurex::cache {
namespace {

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    const int before = errno;
    if (fd_ >= 0) ::close(fd_);
    errno = before;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

bool is_ours(const struct stat& status) {
  return status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

/// A folder that is ours, or -1.
int checked_folder(int fd) {
  Descriptor folder(fd);
  struct stat status{};
  if (fd < 0 || ::fstat(fd, &status) != 0) return -1;
  if (is_ours(status)) return folder.release();
  errno = EPERM;
  return -1;
}

bool make_path(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  if (errno != ENOENT || !path.has_parent_path() || path.parent_path() == path) return false;
  return make_path(path.parent_path()) && (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// No more than `bytes.size()`; what is missing at the end of a file that shrank is cut off.
bool read_all(int fd, std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return true;
}

/// Unlike any other, also one that another process or machine makes at the same moment.
std::string temporary_name() {
  std::uint64_t number[2] = {};
  constexpr ::ssize_t kWanted = sizeof number;
  while (::getrandom(number, kWanted, 0) != kWanted) {
  }
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(number[0]),
                static_cast<unsigned long long>(number[1]));
  return std::string(Folder::kTemporary) + digits;
}

}  // namespace

Folder::~Folder() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Folder> Folder::open(const std::filesystem::path& path) {
  const int fd = checked_folder(::open(path.c_str(), kOpenFolder));
  return fd < 0 ? std::nullopt : std::optional(Folder(fd));
}

std::optional<Folder> Folder::make(const std::filesystem::path& path) {
  std::optional<Folder> folder = open(path);
  if (folder || errno != ENOENT || !make_path(path)) return folder;
  return open(path);
}

std::optional<Folder> Folder::open(const std::string& name) const {
  const int fd = checked_folder(::openat(fd_, name.c_str(), kOpenFolder));
  return fd < 0 ? std::nullopt : std::optional(Folder(fd));
}

std::optional<Folder> Folder::make(const std::string& name) const {
  std::optional<Folder> folder = open(name);
  if (folder || errno != ENOENT) return folder;
  if (::mkdirat(fd_, name.c_str(), 0700) != 0 && errno != EEXIST) return std::nullopt;
  return open(name);
}

std::vector<Folder::File> Folder::files() const {
  std::vector<File> files;
  const int copy = ::openat(fd_, ".", kOpenFolder);  // with a position of its own
  if (copy < 0) return files;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(copy), &::closedir);
  if (!directory) {
    ::close(copy);
    return files;
  }
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe): one thread has it
    struct stat status{};
    if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) continue;
    if (::fstatat(fd_, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode) || !is_ours(status)) continue;
    files.push_back({entry->d_name, status.st_size, nanoseconds(status.st_mtim)});
  }
  return files;
}

std::optional<std::string> Folder::read(const std::string& name, std::size_t most) const {
  // Without O_NONBLOCK opening a pipe that somebody put there would wait for ever.
  const Descriptor file(::openat(fd_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || !is_ours(status)) {
    errno = EPERM;
    return std::nullopt;
  }
  if (std::cmp_greater(status.st_size, most)) {
    errno = EFBIG;
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (!read_all(file.get(), bytes)) return std::nullopt;
  return bytes;
}

void Folder::note_use(const std::string& name) const {
  constexpr std::int64_t kTenMinutes = 600'000'000'000;  // one more write for each look-up would be too many
  struct stat status{};
  timespec now{};
  if (::fstatat(fd_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) {
    return;
  }
  const std::int64_t age = nanoseconds(now) - nanoseconds(status.st_mtim);
  if (age > kTenMinutes || age < 0) ::utimensat(fd_, name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
}

bool Folder::publish(const std::string& name, std::string_view bytes) const {
  const std::string temporary = temporary_name();
  Descriptor file(::openat(fd_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return false;
  // Some file systems only say at close that there was no room.
  const bool written = write_all(file.get(), bytes) && ::close(file.release()) == 0;
  if (written && ::renameat(fd_, temporary.c_str(), fd_, name.c_str()) == 0) return true;
  const int why = errno;
  ::unlinkat(fd_, temporary.c_str(), 0);
  errno = why;
  return false;
}

bool Folder::remove(const std::string& name) const { return ::unlinkat(fd_, name.c_str(), 0) == 0; }

bool Folder::remove_folder(const std::string& name) const { return ::unlinkat(fd_, name.c_str(), AT_REMOVEDIR) == 0; }

}  // namespace aurex::cache
