#include "aurex/codegen/cpu/lower_to_llvm.h"

#include <vector>

#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {
namespace {

/// Makes functions with the attributes that all generated code has.
class Declarer {
 public:
  Declarer(LLVMModuleRef module, const schedule::Target& target)
      : module_(module),
        context_(LLVMGetModuleContext(module)),
        vector_bits_(std::to_string(8 * target.vector_bytes)) {}

  LLVMValueRef function(const std::string& name, std::vector<LLVMTypeRef> params, LLVMLinkage linkage) const {
    const LLVMTypeRef type =
        LLVMFunctionType(LLVMVoidTypeInContext(context_), params.data(), static_cast<unsigned>(params.size()), 0);
    const LLVMValueRef function = LLVMAddFunction(module_, name.c_str(), type);
    LLVMSetLinkage(function, linkage);
    const unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAddAttributeAtIndex(function, static_cast<unsigned>(LLVMAttributeFunctionIndex),
                            LLVMCreateEnumAttribute(context_, nounwind, 0));
    // Some processors are tuned to prefer narrower vectors than the program was written for.
    attribute(function, "prefer-vector-width", vector_bits_);
    attribute(function, "min-legal-vector-width", vector_bits_);
    return function;
  }

  LLVMTypeRef ptr() const { return LLVMPointerTypeInContext(context_, 0); }
  LLVMTypeRef word() const { return LLVMInt64TypeInContext(context_); }

 private:
  void attribute(LLVMValueRef function, const std::string& name, const std::string& value) const {
    LLVMAddAttributeAtIndex(function, static_cast<unsigned>(LLVMAttributeFunctionIndex),
                            LLVMCreateStringAttribute(context_, name.data(), static_cast<unsigned>(name.size()),
                                                      value.data(), static_cast<unsigned>(value.size())));
  }

  LLVMModuleRef module_;
  LLVMContextRef context_;
  std::string vector_bits_;
};

}  // namespace

void lower_to_llvm(const schedule::LoopProgram& program, const schedule::Target& target, const std::string& prefix,
                   LLVMModuleRef module) {
  ProgramContext context{.program = program,
                         .target = target,
                         .machine = Machine::of(target),
                         .survey = survey(program),
                         .module = module,
                         .blocks = {}};
  const Declarer declare(module, target);
  for (const schedule::Launch* launch : context.survey.launches) {
    const std::string name = "block." + launch->name + "." + std::to_string(context.blocks.size());
    context.blocks[launch] =
        declare.function(name, {declare.ptr(), declare.ptr(), declare.word(), declare.word()}, LLVMInternalLinkage);
  }
  Emitter(context, declare.function(prefix + "drive", {declare.ptr()}, LLVMExternalLinkage)).emit_drive();
  Emitter(context, declare.function(prefix + "plan", {declare.ptr(), declare.ptr()}, LLVMExternalLinkage)).emit_plan();
  for (const schedule::Launch* launch : context.survey.launches) {
    Emitter(context, context.blocks[launch]).emit_block(*launch);
  }
}

}  // namespace aurex::codegen
