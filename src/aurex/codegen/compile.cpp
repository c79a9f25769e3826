#include "aurex/codegen/compile.h"

#include <chrono>

#include "aurex/codegen/cpu/lower_to_llvm.h"
#include "aurex/codegen/llvm/engine.h"

namespace aurex::codegen {
namespace {

class Stopwatch {
 public:
  /// Milliseconds since the last call.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double, std::milli> took = now - last_;
    last_ = now;
    return took.count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

ObjectCode make_object(const schedule::LoopProgram& program, const schedule::Target& target) {
  ObjectCode made;
  Stopwatch watch;
  IrModule module(program.name, target);
  lower_to_llvm(program, target, "", module.get());
  made.times.emit_ms = watch.lap();
  made.bytes = object(module, target);
  made.times.codegen_ms = watch.lap();
  return made;
}

std::shared_ptr<const CompiledCode> compile(const schedule::LoopProgram& program, const schedule::Target& target) {
  const ObjectCode made = make_object(program, target);
  return load(made.bytes, made.times);
}

std::string emit(const schedule::LoopProgram& program, const schedule::Target& target, Emit what) {
  IrModule module(program.name, target);
  lower_to_llvm(program, target, "", module.get());
  switch (what) {
    case Emit::kLlvm:
      return module.text();
    case Emit::kAssembly:
      return assembly(module, target);
    case Emit::kObject:
      break;
  }
  return object(module, target);
}

std::string emit_object(std::span<const ObjectPart> parts, const schedule::Target& target) {
  IrModule module("kernels", target);
  for (const ObjectPart& part : parts) lower_to_llvm(*part.program, target, part.prefix, module.get());
  return object(module, target);
}

}  // namespace aurex::codegen
