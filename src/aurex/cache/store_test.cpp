#include "aurex/cache/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "aurex/base/log.h"
#include "aurex/cache/entry.h"
#include "aurex/cache/test_folder.h"

namespace aurex::cache {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kPlenty = 64 << 20;

Key key_of(int number) {
  Key key("kernel" + std::to_string(number % 3));
  key.add("number", number);
  return key;
}

/// A key whose entry lies in the shard of key_of(0).
Key neighbour(int number) {
  const std::string wanted = file_name(key_of(0).bytes());
  for (int salt = 0;; ++salt) {
    Key key("neighbour");
    key.add("number", number).add("salt", salt);
    const std::string name = file_name(key.bytes());
    if (name[name.size() - 5] == wanted[wanted.size() - 5]) return key;
  }
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    set_log_sink(
        [this](const LogRecord& record) {
          std::string line(record.message);
          for (const LogField& field : record.fields) line += " " + std::string(field.name) + "=" + field.value;
          lines_.push_back(line);
        },
        LogLevel::kDebug);
  }
  void TearDown() override { set_log_sink({}); }

  [[nodiscard]] fs::path file_of(const Key& key) const {
    const std::string name = file_name(key.bytes());
    return store_.folder() / std::string(1, name[name.size() - 5]) / name;
  }
  [[nodiscard]] std::string code_of(const Key& key) {
    const std::optional<Found> found = store_.find(key);
    return found ? std::string(found->code()) : "none";
  }
  /// The last time that a file was used, so many hours ago.
  static void age(const fs::path& file, int hours) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  }

  TestFolder folder_;
  Store store_{folder_.path() / "cache" / "kernels", kPlenty};
  std::vector<std::string> lines_;
};

TEST_F(StoreTest, FindsWhatWasPut) {
  EXPECT_EQ(code_of(key_of(1)), "none");
  EXPECT_TRUE(store_.put(key_of(1), "one"));
  EXPECT_TRUE(store_.put(key_of(2), "two"));
  EXPECT_EQ(code_of(key_of(1)), "one");
  EXPECT_EQ(code_of(key_of(2)), "two");
  EXPECT_EQ(code_of(key_of(3)), "none");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(StoreTest, AnotherStoreOnTheSameFolderFindsIt) {
  ASSERT_TRUE(store_.put(key_of(1), "one"));
  Store other(store_.folder(), kPlenty);
  EXPECT_EQ(other.find(key_of(1))->code(), "one");
}

TEST_F(StoreTest, TheLastPutWins) {
  ASSERT_TRUE(store_.put(key_of(1), "one"));
  ASSERT_TRUE(store_.put(key_of(1), "uno"));
  EXPECT_EQ(code_of(key_of(1)), "uno");
  EXPECT_THAT(store_.list(), SizeIs(1));
}

TEST_F(StoreTest, FoldersAndFilesAreForTheirUserOnly) {
  ASSERT_TRUE(store_.put(key_of(1), "one"));
  EXPECT_EQ(fs::status(store_.folder()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(file_of(key_of(1)).parent_path()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(file_of(key_of(1))).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(StoreTest, NothingTemporaryIsLeft) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store_.put(key_of(i), "code"));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(store_.folder())) files += entry.is_regular_file();
  EXPECT_EQ(files, 20);
}

// What a file may have suffered, and the reason that is given.
struct Damage {
  const char* name;
  void (*inflict)(const fs::path& file);
  const char* reason;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

constexpr Damage kDamages[] = {
    {"empty", [](const fs::path& file) { write_file(file, ""); }, "is no compiled kernel"},
    {"truncated", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) - 7); }, "another size"},
    {"zeroed",
     [](const fs::path& file) { write_file(file, std::string(static_cast<std::size_t>(fs::file_size(file)), '\0')); },
     "is no compiled kernel"},
    {"a_bit_turned",
     [](const fs::path& file) {
       std::string bytes = read_file(file);
       bytes[bytes.size() - 20] ^= 4;
       write_file(file, bytes);
     },
     "checksum"},
    {"of_another_version",
     [](const fs::path& file) {
       std::string bytes = read_file(file);
       bytes[8] = 2;
       write_file(file, bytes);
     },
     "has version 2"},
    {"with_another_key",
     [](const fs::path& file) { write_file(file, encode_entry(key_of(77).bytes(), "foreign code")); },
     "has another key"},
    {"writable_by_others",
     [](const fs::path& file) { fs::permissions(file, fs::perms::others_write, fs::perm_options::add); },
     "not permitted"},
    {"a_link",
     [](const fs::path& file) {
       fs::rename(file, file.string() + ".moved");
       fs::create_symlink(file.string() + ".moved", file);
     },
     "symbolic link"},
    {"a_pipe",
     [](const fs::path& file) {
       fs::remove(file);
       ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
     },
     "not permitted"},
    {"too_large", [](const fs::path& file) { fs::resize_file(file, kMaxEntryBytes + 1); },  // takes no room
     "too large"},
};

class DamagedFile : public StoreTest, public testing::WithParamInterface<Damage> {};

TEST_P(DamagedFile, IsDiscardedWithOneLineAndMadeAgain) {
  const Key key = key_of(1);
  ASSERT_TRUE(store_.put(key, "code"));
  GetParam().inflict(file_of(key));
  EXPECT_EQ(code_of(key), "none");
  EXPECT_THAT(lines_, ElementsAre(testing::AllOf(HasSubstr("discarded"), HasSubstr(GetParam().reason))));
  EXPECT_FALSE(fs::exists(fs::symlink_status(file_of(key))));
  EXPECT_TRUE(store_.put(key, "code"));
  EXPECT_EQ(code_of(key), "code");
  EXPECT_THAT(lines_, SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Cache, DamagedFile, testing::ValuesIn(kDamages),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(StoreTest, FilesOfAnotherUserAreNotUsed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs: root";
  ASSERT_TRUE(store_.put(key_of(1), "code"));
  ASSERT_EQ(::chown(file_of(key_of(1)).c_str(), 12345, 12345), 0);
  EXPECT_EQ(code_of(key_of(1)), "none");
  ASSERT_TRUE(store_.put(key_of(2), "code"));
  ASSERT_EQ(::chown(store_.folder().c_str(), 12345, 12345), 0);
  EXPECT_EQ(code_of(key_of(2)), "none");
  EXPECT_FALSE(store_.put(key_of(2), "code"));
}

TEST_F(StoreTest, AFolderThatOthersMayWriteToIsNotUsed) {
  ASSERT_TRUE(store_.put(key_of(1), "code"));
  fs::permissions(store_.folder(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(code_of(key_of(1)), "none");
  EXPECT_FALSE(store_.put(key_of(2), "code"));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("cannot be used"))) << "one line, however often it is tried";
}

TEST_F(StoreTest, AFolderThatCannotBeMadeIsDoneWithout) {
  write_file(folder_.path() / "cache", "a file is in the way");
  EXPECT_EQ(code_of(key_of(1)), "none");
  EXPECT_FALSE(store_.put(key_of(1), "code"));
  EXPECT_FALSE(store_.put(key_of(2), "code"));
  EXPECT_THAT(lines_, SizeIs(1));
  EXPECT_THAT(store_.list(), IsEmpty());
}

TEST_F(StoreTest, AFolderThatIsNotWritableIsDoneWithout) {
  Store store("/proc/aurex/kernels", kPlenty);  // not even root may make folders there
  EXPECT_FALSE(store.find(key_of(1)));
  EXPECT_FALSE(store.put(key_of(1), "code"));
  EXPECT_THAT(lines_, SizeIs(1));
}

TEST_F(StoreTest, ADiskThatIsFullIsDoneWithout) {
  ASSERT_TRUE(store_.put(key_of(1), "code"));
  // The limit of file sizes stands for a full disk: both make write() fail half way.
  struct sigaction ignore{}, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGXFSZ, &ignore, &before);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{1000, limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const bool stored = store_.put(key_of(2), std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::sigaction(SIGXFSZ, &before, nullptr);
  EXPECT_FALSE(stored);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("cannot be written")));
  EXPECT_EQ(code_of(key_of(1)), "code");
  EXPECT_THAT(store_.list(), SizeIs(1));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(store_.folder())) files += entry.is_regular_file();
  EXPECT_EQ(files, 1) << "the half that was written is gone";
}

TEST_F(StoreTest, AFolderThatDisappearsIsMadeAgain) {
  ASSERT_TRUE(store_.put(key_of(1), "code"));
  fs::remove_all(folder_.path() / "cache");
  EXPECT_EQ(code_of(key_of(1)), "none");
  EXPECT_TRUE(store_.put(key_of(1), "code"));
  EXPECT_EQ(code_of(key_of(1)), "code");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(StoreTest, RemovesWhatWasUsedLongestAgo) {
  Store store(store_.folder(), 16 * 10'000);  // three entries of 3,000 bytes to a shard
  const std::string code(3000, 'c');
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(store.put(neighbour(i), code));
    age(file_of(neighbour(i)), 10 - i);
  }
  ASSERT_TRUE(store.find(neighbour(0)));  // now it is the youngest
  ASSERT_TRUE(store.put(neighbour(3), code));
  EXPECT_TRUE(store.find(neighbour(0)));
  EXPECT_FALSE(store.find(neighbour(1)));
  EXPECT_TRUE(store.find(neighbour(2)));
  EXPECT_TRUE(store.find(neighbour(3)));
}

TEST_F(StoreTest, KeepsWithinItsBound) {
  constexpr std::int64_t kMost = 200'000;
  Store store(store_.folder(), kMost);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(store.put(key_of(i), std::string(3000, 'c')));
  std::int64_t bytes = 0;
  for (const Stored& stored : store.list()) bytes += stored.bytes;
  EXPECT_LE(bytes, kMost);
  EXPECT_GT(bytes, kMost / 2);
}

TEST_F(StoreTest, RefusesWhatIsLargerThanItsShare) {
  Store store(store_.folder(), 16 * 1000);
  EXPECT_FALSE(store.put(key_of(1), std::string(2000, 'c')));
  EXPECT_TRUE(store.put(key_of(2), std::string(200, 'c')));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("too large")));
}

TEST_F(StoreTest, ABoundOfZeroSwitchesItOff) {
  Store store(store_.folder(), 0);
  EXPECT_FALSE(store.enabled());
  EXPECT_FALSE(store.put(key_of(1), "code"));
  EXPECT_FALSE(store.find(key_of(1)));
  EXPECT_FALSE(fs::exists(store.folder()));
  EXPECT_FALSE(Store("", kPlenty).put(key_of(1), "code"));
}

TEST_F(StoreTest, RemovesTemporaryFilesThatNobodyWritesAnyMore) {
  ASSERT_TRUE(store_.put(key_of(0), "code"));
  const fs::path old = file_of(key_of(0)).parent_path() / ".tmp-old", fresh = old.parent_path() / ".tmp-new";
  write_file(old, "half");
  write_file(fresh, "half");
  age(old, 2);
  ASSERT_TRUE(store_.put(neighbour(1), "code"));
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh));
}

TEST_F(StoreTest, ListsWhatIsThere) {
  ASSERT_TRUE(store_.put(key_of(1), "one"));
  ASSERT_TRUE(store_.put(key_of(2), "two"));
  write_file(file_of(key_of(2)), "damaged");
  const std::vector<Stored> all = store_.list();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].key, key_of(1).bytes());
  EXPECT_EQ(all[0].code_bytes, 3);
  EXPECT_EQ(store_.folder() / all[0].file, file_of(key_of(1)));
  EXPECT_EQ(all[0].problem, "");
  EXPECT_THAT(all[1].problem, HasSubstr("is no compiled kernel"));
  EXPECT_THAT(store_.list("kernel1"), SizeIs(1));
  EXPECT_THAT(store_.list("kernel"), IsEmpty());
  EXPECT_TRUE(fs::exists(file_of(key_of(2)))) << "looking changes nothing";
}

TEST_F(StoreTest, ClearsEverythingOfItsOwn) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store_.put(key_of(i), "code"));
  write_file(file_of(key_of(0)).parent_path() / ".tmp-x", "half");
  write_file(store_.folder() / "note.txt", "not ours");
  EXPECT_EQ(store_.clear().files, 11);
  EXPECT_THAT(store_.list(), IsEmpty());
  EXPECT_TRUE(fs::exists(store_.folder() / "note.txt"));
  EXPECT_TRUE(store_.put(key_of(1), "code"));
}

TEST_F(StoreTest, DiscardsOnRequest) {
  ASSERT_TRUE(store_.put(key_of(1), "code"));
  store_.discard(key_of(1), "made for other arguments");
  EXPECT_EQ(code_of(key_of(1)), "none");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("made for other arguments")));
}

TEST_F(StoreTest, ThreadsMayShareIt) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const int number = (i * 7 + t) % 10;
        store_.put(key_of(number), "code " + std::to_string(number));
        const std::optional<Found> found = store_.find(key_of(number));
        wrong += !found || found->code() != "code " + std::to_string(number);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace aurex::cache
