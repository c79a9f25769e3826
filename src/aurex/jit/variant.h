#pragma once

// One kernel closed for one choice of storage types, constants and absent arguments, with the machine code made so far.
//
// A variant owns its tile program and binding, and a list of code entries, one per stride classes and size class.
// Entries are only ever added, at the front, so a look-up walks the list without a lock while another thread compiles.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "aurex/ax/binding.h"
#include "aurex/ax/check.h"
#include "aurex/ax/flop_count.h"
#include "aurex/ax/tile_program.h"
#include "aurex/codegen/compile.h"
#include "aurex/jit/code_cache.h"
#include "aurex/schedule/lower.h"

namespace aurex::jit {

/// Milliseconds spent on the way from text to callable code. Code from disk was not lowered, emitted or generated.
struct StageTimes {
  double parse = 0;       // text to checked module, shared by the module's kernels
  double specialize = 0;  // to tile program
  double cache = 0;       // looking it up on disk
  double lower = 0;       // to loop program
  double emit = 0;        // to LLVM IR
  double codegen = 0;     // to machine code
  double link = 0;

  [[nodiscard]] double total() const { return parse + specialize + cache + lower + emit + codegen + link; }
};

/// Code for one variant's stride classes and size class.
struct CodeEntry {
  schedule::StrideClasses classes;
  schedule::SizeClass size = schedule::SizeClass::kDirect;
  std::shared_ptr<const codegen::CompiledCode> code;
  StageTimes times;
  bool from_disk = false;
  std::int64_t made_ns = 0;  // of the monotonic clock
  CodeEntry* next = nullptr;
};

/// What code was generated from.
struct Lowered {
  schedule::LoopProgram loops;
  schedule::Schedule schedule;  // complete: what `loops` was lowered by
};

/// The tables of a launch, kept with the code and the plan that the launch before found for them.
struct LaunchTables {
  ax::BoundCall bound;
  const CodeEntry* entry = nullptr;
  AurexPlan plan{};
  bool planned = false;  // for `entry`
};

class Variant {
 public:
  Variant(ax::Specialization given, ax::TileProgram program);
  ~Variant();
  Variant(const Variant&) = delete;
  Variant& operator=(const Variant&) = delete;

  [[nodiscard]] const ax::Specialization& given() const { return given_; }
  [[nodiscard]] const ax::TileProgram& program() const { return program_; }
  [[nodiscard]] const ax::Binding& binding() const { return binding_; }

  /// Made at the first use, which is the first recorded launch. Any thread.
  [[nodiscard]] const ax::FlopCount& flops();

  /// The code that fits a bound call, from disk or compiled now if need be; threads that race for the same entry make
  /// it once. Raises InvalidConfig where the pins do not fit; the same source goes with every call of one variant.
  [[nodiscard]] const CodeEntry& code_for(const ax::BoundCall& call, const CodeSource& source);

  /// What an entry's code was made from: lowered again, for people who ask.
  [[nodiscard]] Lowered lowered(const CodeEntry& entry, const CodeSource& source) const;

  /// Under which key the code of a bound call is stored.
  [[nodiscard]] cache::Key key_for(const ax::BoundCall& call, const CodeSource& source) const;

  /// Tables for one launch, if possible those of the calling thread's last one, so that a launch like it allocates
  /// nothing and solves nothing. Give them back with `recycle`, on the same thread or another.
  [[nodiscard]] std::unique_ptr<LaunchTables> take_tables();
  void recycle(std::unique_ptr<LaunchTables> tables);

  double specialize_ms = 0;
  Variant* next = nullptr;  // in the kernel's list

 private:
  [[nodiscard]] const CodeEntry* find(const ax::BoundCall& call, schedule::SizeClass size) const;
  [[nodiscard]] bool fits(const schedule::StrideClasses& classes, const ax::BoundCall& call) const;
  void obtain_code(CodeEntry& entry, const CodeSource& source) const;
  void generate(CodeEntry& entry, const CodeSource& source, const cache::Key* key) const;
  [[nodiscard]] std::shared_ptr<const codegen::CompiledCode> stored_code(const cache::Key& key) const;

  const ax::Specialization given_;
  const ax::TileProgram program_;
  const ax::Binding binding_;
  std::once_flag counting_;
  std::optional<const ax::FlopCount> flops_;
  std::atomic<CodeEntry*> entries_ = nullptr;
  std::mutex compiling_;

  /// Threads take places in turn; more threads than places share them, and make tables anew where they collide.
  static constexpr std::size_t kPlaces = 16;
  struct alignas(64) Place {
    std::atomic<LaunchTables*> tables = nullptr;
  };
  [[nodiscard]] Place& place_of_thread();
  std::array<Place, kPlaces> spare_;
};

/// The stride classes of a bound call.
[[nodiscard]] schedule::StrideClasses stride_classes(const ax::Binding& binding, const ax::BoundCall& call);

}  // namespace aurex::jit
