#pragma once

// The door of code generation: a loop program goes in, callable machine code comes out, in this process.
//
// compile() is make_object() and load(). What the first gives may be kept and loaded by another process; the second
// needs no LLVM. All may be called from several threads. CompiledCode stays mapped as long as someone holds it.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "aurex/base/kernel_abi.h"
#include "aurex/schedule/loop_program.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {

/// Milliseconds per stage.
struct CompileTimes {
  double emit_ms = 0;     // loop program to LLVM IR
  double codegen_ms = 0;  // to an object
  double link_ms = 0;     // to callable code
};

class CompiledCode {
 public:
  virtual ~CompiledCode() = default;
  /// What the code says of itself, checked; fields that it does not know are zero. Lives as long as this.
  [[nodiscard]] const AurexKernel& kernel() const { return kernel_; }
  [[nodiscard]] AurexDrive drive() const { return kernel_.drive; }
  [[nodiscard]] AurexPlanner plan() const { return kernel_.plan; }
  [[nodiscard]] const CompileTimes& times() const { return times_; }

 protected:
  AurexKernel kernel_{};
  CompileTimes times_;
};

/// Changes whenever a kernel might become other code: part of every key under which code is kept.
[[nodiscard]] std::uint64_t compiler_build();

/// A relocatable ELF object that exports one constant, `kernel`.
struct ObjectCode {
  std::string bytes;
  CompileTimes times;
};

/// Assumes a verified program. Raises NotImplemented naming a construct that has no code yet.
[[nodiscard]] ObjectCode make_object(const schedule::LoopProgram& program, const schedule::Target& target);

/// Links an object in this process and checks its kernel; `times` is completed by what this took. Raises FormatError
/// where the bytes are no object of ours, NotImplemented naming a library function that the code would call, and what
/// check_kernel() raises. Bytes from elsewhere are executed: whoever loads them answers for where they come from.
[[nodiscard]] std::shared_ptr<const CompiledCode> load(std::string_view object, CompileTimes times = {});

/// Both, for a target that this machine runs.
[[nodiscard]] std::shared_ptr<const CompiledCode> compile(const schedule::LoopProgram& program,
                                                          const schedule::Target& target);

enum class Emit : std::uint8_t { kLlvm, kAssembly, kObject };

/// What compile() would run, as text (kObject: as bytes), for any target LLVM knows.
[[nodiscard]] std::string emit(const schedule::LoopProgram& program, const schedule::Target& target, Emit what);

/// A program of an object with several, and what the name of its AurexKernel begins with: `<prefix>kernel`.
struct ObjectPart {
  const schedule::LoopProgram* program;
  std::string prefix;
};

/// One relocatable object, position-independent, for any target LLVM knows. It needs what the C library has and nothing
/// else.
[[nodiscard]] std::string emit_object(std::span<const ObjectPart> parts, const schedule::Target& target);

}  // namespace aurex::codegen
