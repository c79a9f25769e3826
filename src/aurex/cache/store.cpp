#include "aurex/cache/store.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "aurex/base/error.h"
#include "aurex/base/log.h"
#include "aurex/cache/entry.h"

namespace aurex::cache {
namespace {

constexpr std::string_view kSuffix = ".axk";
constexpr std::string_view kShardNames = "0123456789abcdef";

bool is_entry(std::string_view name) { return name.ends_with(kSuffix); }
bool is_temporary(std::string_view name) { return name.starts_with(Folder::kTemporary); }

/// Whoever wrote a temporary file has been killed: writing one takes milliseconds.
bool is_abandoned(const Folder::File& file) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return is_temporary(file.name) && std::chrono::nanoseconds(now).count() - file.used_ns > kHour;
}

/// What is in one file; nothing where it has gone meanwhile.
std::optional<Stored> describe(const Folder& shard, const std::string& shard_name, const Folder::File& file) {
  Stored stored{.file = shard_name + "/" + file.name, .bytes = file.bytes, .used_ns = file.used_ns};
  const std::optional<std::string> bytes = shard.read(file.name, kMaxEntryBytes);
  if (!bytes && errno == ENOENT) return std::nullopt;
  if (!bytes) {
    stored.problem = "cannot be read: " + std::generic_category().message(errno);
    return stored;
  }
  try {
    const Entry entry = decode_entry(*bytes);
    stored.key = entry.key;
    stored.code_bytes = static_cast<std::int64_t>(entry.code.size());
    if (file_name(entry.key) != file.name) stored.problem = "has a key that belongs to another file";
  } catch (const FormatError& error) {
    stored.problem = error.message();
  }
  return stored;
}

}  // namespace

Store::Store(std::filesystem::path folder, std::int64_t most_bytes)
    : folder_(std::move(folder)), most_bytes_(most_bytes) {}

Store::Place Store::place(const Key& key) {
  std::string name = file_name(key.bytes());
  const std::string shard(1, name[name.size() - kSuffix.size() - 1]);
  return {shard, std::move(name)};
}

std::optional<Folder> Store::open_shard(const Place& place, bool make) {
  std::optional<Folder> root = make ? Folder::make(folder_) : Folder::open(folder_);
  std::optional<Folder> shard;
  if (root) shard = make ? root->make(place.shard) : root->open(place.shard);
  if (!shard && (make || errno != ENOENT)) say_unusable("cannot be used", errno);
  return shard;
}

void Store::say_unusable(const char* what, int error) {
  if (said_.exchange(true)) return;
  log_debug("the kernel cache " + std::string(what),
            {{"folder", folder_.string()}, {"reason", std::generic_category().message(error)}});
}

void Store::drop(const Folder& shard, const Place& place, std::string_view why) const {
  shard.remove(place.file);
  log_debug("a cached kernel was discarded", {{"file", place.shard + "/" + place.file}, {"reason", std::string(why)}});
}

std::optional<Found> Store::find(const Key& key) {
  if (!enabled()) return std::nullopt;
  const Place at = place(key);
  const std::optional<Folder> shard = open_shard(at, false);
  if (!shard) return std::nullopt;
  std::optional<std::string> file = shard->read(at.file, kMaxEntryBytes);
  if (!file) {
    const int why = errno;
    const bool of_no_use = why == EPERM || why == EFBIG || why == ELOOP;
    if (of_no_use) drop(*shard, at, std::generic_category().message(why));
    if (!of_no_use && why != ENOENT) say_unusable("cannot be read", why);
    return std::nullopt;
  }
  try {
    const Entry entry = decode_entry(*file);
    if (entry.key == key.bytes()) {
      shard->note_use(at.file);
      const auto begin = static_cast<std::size_t>(entry.code.data() - file->data());
      const std::size_t bytes = entry.code.size();
      return Found(std::move(*file), begin, bytes);
    }
    drop(*shard, at, "has another key");
  } catch (const FormatError& error) {
    drop(*shard, at, error.message());
  }
  return std::nullopt;
}

bool Store::put(const Key& key, std::string_view code) {
  if (!enabled()) return false;
  const Place at = place(key);
  const std::string file = encode_entry(key.bytes(), code);
  if (std::cmp_greater(file.size(), most_bytes_ / kShards) || file.size() > kMaxEntryBytes) {
    log_debug("a kernel is too large for the cache", {{"file", at.file}, {"bytes", std::to_string(file.size())}});
    return false;
  }
  for (int attempt = 0; attempt < 2; ++attempt) {  // once more where clear() has taken the folder away meanwhile
    const std::optional<Folder> shard = open_shard(at, true);
    if (!shard) return false;
    if (shard->publish(at.file, file)) {
      keep_within_share(*shard);
      return true;
    }
    if (errno != ENOENT) break;
  }
  say_unusable("cannot be written", errno);
  return false;
}

void Store::discard(const Key& key, std::string_view why) {
  const Place at = place(key);
  if (const std::optional<Folder> shard = enabled() ? open_shard(at, false) : std::nullopt) drop(*shard, at, why);
}

void Store::keep_within_share(const Folder& shard) const {
  std::vector<Folder::File> files = shard.files();
  std::erase_if(files, [&](const Folder::File& file) { return is_abandoned(file) && shard.remove(file.name); });
  std::int64_t bytes = 0;
  for (const Folder::File& file : files) bytes += file.bytes;
  if (bytes <= most_bytes_ / kShards) return;
  std::ranges::sort(files, {}, [](const Folder::File& file) { return std::pair(file.used_ns, file.name); });
  for (const Folder::File& file : files) {
    if (bytes <= most_bytes_ / kShards) break;
    if (!is_entry(file.name)) continue;  // somebody is writing it
    shard.remove(file.name);
    bytes -= file.bytes;
  }
}

std::vector<Stored> Store::list(std::string_view kernel) const {
  std::vector<Stored> all;
  const std::optional<Folder> root = enabled() ? Folder::open(folder_) : std::nullopt;
  if (!root) return all;
  const std::string prefix = kernel.empty() ? "" : file_prefix(kernel);
  for (const char digit : kShardNames) {
    const std::string name(1, digit);
    const std::optional<Folder> shard = root->open(name);
    if (!shard) continue;
    for (const Folder::File& file : shard->files()) {
      if (!is_entry(file.name) || !file.name.starts_with(prefix)) continue;
      std::optional<Stored> stored = describe(*shard, name, file);
      if (!stored) continue;
      const auto parts = parse_key(stored->key);
      if (kernel.empty() || !parts || parts->front().value == kernel) all.push_back(std::move(*stored));
    }
  }
  std::ranges::sort(all, {}, [](const Stored& stored) { return std::string_view(stored.file).substr(2); });
  return all;
}

Store::Cleared Store::clear() {
  Cleared cleared;
  const std::optional<Folder> root = enabled() ? Folder::open(folder_) : std::nullopt;
  if (!root) return cleared;
  for (const char digit : kShardNames) {
    const std::string name(1, digit);
    const std::optional<Folder> shard = root->open(name);
    if (!shard) continue;
    for (const Folder::File& file : shard->files()) {
      if (!is_entry(file.name) && !is_temporary(file.name)) continue;
      if (!shard->remove(file.name)) continue;
      ++cleared.files;
      cleared.bytes += file.bytes;
    }
    root->remove_folder(name);
  }
  return cleared;
}

}  // namespace aurex::cache
