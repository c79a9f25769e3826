// aurex cache: what is stored of compiled kernels, why a look-up missed, and an end to all of it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/cache/store.h"
#include "aurex/jit/code_cache.h"
#include "aurex/jit/kernel.h"
#include "aurex/jit/kernel_state.h"
#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/kernel_call.h"

namespace aurex::cli {
namespace {

using Parts = std::vector<cache::KeyPart>;

std::string_view part(const Parts& parts, std::string_view name) {
  const auto found = std::ranges::find(parts, name, &cache::KeyPart::name);
  return found == parts.end() ? std::string_view() : found->value;
}

/// A file of the store with what its key says; the parts are views into the key.
struct Described {
  cache::Stored stored;
  Parts parts;
  std::vector<std::string> foreign;
};

std::vector<Described> describe(std::vector<cache::Stored> files) {
  std::vector<Described> all(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    Described& each = all[i];
    each.stored = std::move(files[i]);
    each.parts = cache::parse_key(each.stored.key).value_or(Parts());
    if (!each.parts.empty()) each.foreign = jit::foreign_parts(each.parts);
  }
  return all;
}

std::string bytes_text(std::int64_t bytes) {
  if (bytes < 10 << 10) return fmt::format("{} B", bytes);
  if (bytes < 10 << 20) return fmt::format("{} KiB", bytes >> 10);
  return fmt::format("{} MiB", bytes >> 20);
}

std::int64_t seconds_since(std::int64_t used_ns) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max<std::int64_t>(0, (std::chrono::nanoseconds(now).count() - used_ns) / 1'000'000'000);
}

std::string age_text(std::int64_t used_ns) {
  const std::int64_t minutes = seconds_since(used_ns) / 60;
  if (minutes < 10) return "just now";  // uses are noted every ten minutes
  if (minutes < 120) return fmt::format("{} min ago", minutes);
  if (minutes < 48 * 60) return fmt::format("{} h ago", minutes / 60);
  return fmt::format("{} days ago", minutes / (24 * 60));
}

/// Why an entry is of no use here; empty where it is.
std::string complaint(const Described& each) {
  if (!each.stored.problem.empty()) return each.stored.problem;
  if (each.foreign.empty()) return "";
  return fmt::format("not for this program: another {}", fmt::join(each.foreign, ", "));
}

nlohmann::json entry_json(const Described& each) {
  nlohmann::json json = {{"file", each.stored.file},
                         {"bytes", each.stored.bytes},
                         {"code_bytes", each.stored.code_bytes},
                         {"used_seconds_ago", seconds_since(each.stored.used_ns)},
                         {"usable", complaint(each).empty()},
                         {"problem", each.stored.problem},
                         {"foreign", each.foreign},
                         {"key", nlohmann::json::object()}};
  for (const cache::KeyPart& p : each.parts) {
    if (p.name != "source") json["key"][std::string(p.name)] = p.value;
  }
  return json;
}

// ---- why a look-up missed ----

/// "line 3" where two texts first differ.
std::string first_difference(std::string_view a, std::string_view b) {
  const auto [at, end] = std::ranges::mismatch(a, b);
  return fmt::format("line {}", 1 + std::count(a.begin(), at, '\n'));
}

/// One part in which the stored key differs from the one that was looked for.
struct Difference {
  std::string name, stored, wanted;
};

std::vector<Difference> differences(const Parts& stored, const Parts& wanted) {
  std::vector<Difference> list;
  for (const std::string& name : cache::differing_parts(stored, wanted)) {
    if (name != "source") {
      list.push_back({name, std::string(part(stored, name)), std::string(part(wanted, name))});
      continue;
    }
    Parts theirs, ours;  // one text for each file of the module
    std::ranges::copy_if(stored, std::back_inserter(theirs), [](const auto& p) { return p.name == "source"; });
    std::ranges::copy_if(wanted, std::back_inserter(ours), [](const auto& p) { return p.name == "source"; });
    const auto [a, b] = std::ranges::mismatch(theirs, ours);
    const bool same_count = a != theirs.end() && b != ours.end();
    const std::string where = !same_count           ? "another number of files"
                              : a == theirs.begin() ? first_difference(a->value, b->value)
                                                    : "a file that it uses, " + first_difference(a->value, b->value);
    list.push_back({name, where, where});
  }
  return list;
}

/// What came of looking a call up.
struct LookUp {
  std::string file;  // where it would lie
  bool hit = false;
  std::string nearest;  // of the entries that can be read; empty where there is none
  std::vector<Difference> why;
};

LookUp look_up(const cache::Key& key, const std::vector<Described>& entries) {
  const Parts wanted = *cache::parse_key(key.bytes());
  LookUp result{.file = cache::file_name(key.bytes()), .nearest = {}, .why = {}};
  std::int64_t used = 0;
  for (const Described& each : entries) {
    if (!each.stored.problem.empty()) continue;
    result.hit |= each.stored.key == key.bytes();
    std::vector<Difference> why = differences(each.parts, wanted);
    const bool nearer = result.nearest.empty() || why.size() < result.why.size() ||
                        (why.size() == result.why.size() && each.stored.used_ns > used);
    if (!nearer) continue;
    result.nearest = each.stored.file;
    result.why = std::move(why);
    used = each.stored.used_ns;
  }
  return result;
}

cache::Key key_of(const CacheOptions& options) {
  const Module module(read_source(options.file));
  Kernel kernel = module[options.kernel];
  if (!options.schedule.empty()) kernel = Kernel(kernel.state()->with_schedule(read_schedule(options.schedule)));
  const Arguments arguments(kernel.interface(), options.arguments);
  return Trial(kernel, arguments).call().key();
}

void print_look_up(const LookUp& found, const Console& console) {
  if (found.hit) {
    console.line("hit: this call finds its code");
  } else if (found.nearest.empty()) {
    console.line("miss: nothing is stored of this kernel that could be compared");
  } else {
    console.line(fmt::format("miss: the nearest entry, {}, differs in", found.nearest));
    for (const Difference& each : found.why) {
      console.line(each.name == "source"
                       ? fmt::format("  source: {}", each.stored)
                       : fmt::format("  {}: stored '{}', this call '{}'", each.name, each.stored, each.wanted));
    }
  }
}

nlohmann::json look_up_json(const LookUp& found) {
  nlohmann::json json = {{"hit", found.hit}, {"nearest", nullptr}, {"differs", nlohmann::json::array()}};
  if (found.nearest.empty()) return json;
  json["nearest"] = found.nearest;
  for (const Difference& each : found.why) {
    json["differs"].push_back({{"part", each.name}, {"stored", each.stored}, {"call", each.wanted}});
  }
  return json;
}

void print_entry(const Described& each, const Console& console) {
  console.line(
      fmt::format("{}  {}, {}", each.stored.file, bytes_text(each.stored.bytes), age_text(each.stored.used_ns)));
  if (const std::string wrong = complaint(each); !wrong.empty()) console.line("  " + wrong);
  for (const char* name : {"types", "strides", "size class", "target", "schedule"}) {
    if (const auto value = part(each.parts, name); !value.empty()) console.line(fmt::format("  {}: {}", name, value));
  }
}

/// Says so where there can be no entries; true then.
bool switched_off(const cache::Store& store, const Console& console) {
  if (store.enabled()) return false;
  console.message("the cache is switched off: AUREX_CACHE_SIZE is 0, or there is no folder for it");
  return true;
}

}  // namespace

int cache_list(const Console& console) {
  const cache::Store& store = jit::code_store();
  const std::vector<Described> all = describe(store.list());
  std::int64_t bytes = 0;
  for (const Described& each : all) bytes += each.stored.bytes;
  if (console.json()) {
    nlohmann::json json = {{"folder", store.folder().string()},
                           {"enabled", store.enabled()},
                           {"bytes", bytes},
                           {"most_bytes", store.most_bytes()},
                           {"entries", nlohmann::json::array()}};
    for (const Described& each : all) json["entries"].push_back(entry_json(each));
    console.line(json.dump(2));
    return kDone;
  }
  if (switched_off(store, console)) return kDone;
  for (const Described& each : all) {
    const std::string wrong = complaint(each);
    const std::string_view kernel = each.parts.empty() ? std::string_view("?") : part(each.parts, "kernel");
    console.line(fmt::format("{:<20} {:<10} {:>8}  {:<12} {}", kernel, part(each.parts, "target"),
                             bytes_text(each.stored.bytes), age_text(each.stored.used_ns),
                             wrong.empty() ? part(each.parts, "types") : wrong));
  }
  console.line(fmt::format("{} entries, {} of {} in {}", all.size(), bytes_text(bytes), bytes_text(store.most_bytes()),
                           store.folder().string()));
  return kDone;
}

int cache_explain(const CacheOptions& options, const Console& console) {
  const cache::Store& store = jit::code_store();
  const std::vector<Described> entries = describe(store.list(options.kernel));
  std::optional<LookUp> found;
  if (!options.file.empty()) found = look_up(key_of(options), entries);
  if (console.json()) {
    nlohmann::json json = {{"kernel", options.kernel}, {"entries", nlohmann::json::array()}};
    for (const Described& each : entries) json["entries"].push_back(entry_json(each));
    if (found) json["look_up"] = look_up_json(*found);
    console.line(json.dump(2));
    return kDone;
  }
  if (switched_off(store, console)) return kDone;
  if (entries.empty()) console.line(fmt::format("nothing is stored of {}", options.kernel));
  for (const Described& each : entries) print_entry(each, console);
  if (found) print_look_up(*found, console);
  return kDone;
}

int cache_clear(const Console& console) {
  cache::Store& store = jit::code_store();
  const cache::Store::Cleared cleared = store.clear();
  if (console.json()) {
    console.line(nlohmann::json({{"files", cleared.files}, {"bytes", cleared.bytes}}).dump(2));
  } else if (!switched_off(store, console)) {
    console.line(fmt::format("removed {} files, {}", cleared.files, bytes_text(cleared.bytes)));
  }
  return kDone;
}

}  // namespace aurex::cli
