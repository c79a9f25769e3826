#pragma once

// LLVM's machinery behind a door: a module goes in, text or an object comes out. The only place that knows LLVM's C++
// interface. Thread-safe.

#include <string>

#include "aurex/schedule/target.h"

using LLVMModuleRef = struct LLVMOpaqueModule*;
using LLVMContextRef = struct LLVMOpaqueContext*;

namespace aurex::codegen {

/// An LLVM module with a context of its own.
class IrModule {
 public:
  /// Empty, with the data layout of the target.
  IrModule(const std::string& name, const schedule::Target& target);
  ~IrModule();
  IrModule(const IrModule&) = delete;
  IrModule& operator=(const IrModule&) = delete;

  [[nodiscard]] LLVMModuleRef get() const { return module_; }
  /// Its text. Raises Error where LLVM's verifier refuses the module: a bug of the code generator.
  [[nodiscard]] std::string text() const;
  void verify() const;

 private:
  LLVMContextRef context_;
  LLVMModuleRef module_;
};

/// Machine code of the module, for any target LLVM was built with; uses the module up.
[[nodiscard]] std::string assembly(IrModule& module, const schedule::Target& target);
[[nodiscard]] std::string object(IrModule& module, const schedule::Target& target);

}  // namespace aurex::codegen
