#pragma once

// Compiled kernels in a folder, one file each, shared by any number of processes and threads (docs/adr/0017).
//
// A Store keeps no state beside its settings: everything is in the file system, which other processes change at any
// moment. Nothing here raises because of what is or is not there: a look-up that cannot be made is a miss, an entry
// that cannot be written is not written, and one debug line says why. Any thread may call anything.
//
//   Store store(environment().cache_dir / "kernels", environment().cache_bytes);
//   if (auto found = store.find(key)) load(found->code());
//   else store.put(key, compile(...));

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/cache/folder.h"
#include "aurex/cache/key.h"

namespace aurex::cache {

/// What a look-up found; owns the bytes.
class Found {
 public:
  Found(std::string file, std::size_t code_begin, std::size_t code_bytes)
      : file_(std::move(file)), begin_(code_begin), bytes_(code_bytes) {}
  [[nodiscard]] std::string_view code() const { return std::string_view(file_).substr(begin_, bytes_); }

 private:
  std::string file_;
  std::size_t begin_, bytes_;
};

/// One file of the store, as `aurex cache list` shows it.
struct Stored {
  std::string file;  // relative to the folder: "a/softmax-….axk"
  std::int64_t bytes = 0;
  std::int64_t used_ns = 0;  // last use, since 1970, to ten minutes
  std::string key = {};      // its bytes; empty where the file is damaged
  std::int64_t code_bytes = 0;
  std::string problem = {};  // why it is of no use; empty where nothing is wrong with the file itself
};

class Store {
 public:
  static constexpr int kShards = 16;

  /// `most_bytes` for all files together; 0, or an empty path: a store that is always empty and never written.
  Store(std::filesystem::path folder, std::int64_t most_bytes);

  [[nodiscard]] bool enabled() const { return most_bytes_ > 0 && !folder_.empty(); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::int64_t most_bytes() const { return most_bytes_; }

  /// The code stored under exactly this key. A file that is damaged, of another version or has another key is removed.
  [[nodiscard]] std::optional<Found> find(const Key& key);
  /// Stores code; then removes what was used longest ago from the entry's shard until that is within its share. False
  /// where nothing was stored.
  bool put(const Key& key, std::string_view code);
  /// Removes an entry that turned out to be of no use.
  void discard(const Key& key, std::string_view why);

  /// Every file, or those of one kernel, by name. Reads them all, one at a time.
  [[nodiscard]] std::vector<Stored> list(std::string_view kernel = {}) const;

  struct Cleared {
    std::int64_t files = 0, bytes = 0;
  };
  Cleared clear();

 private:
  struct Place {
    std::string shard, file;
  };
  [[nodiscard]] static Place place(const Key& key);
  [[nodiscard]] std::optional<Folder> open_shard(const Place& place, bool make);
  void drop(const Folder& shard, const Place& place, std::string_view why) const;
  void keep_within_share(const Folder& shard) const;
  /// Once per store.
  void say_unusable(const char* what, int error);

  const std::filesystem::path folder_;
  const std::int64_t most_bytes_;
  std::atomic<bool> said_ = false;
};

}  // namespace aurex::cache
