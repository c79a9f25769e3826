#include "aurex/codegen/cpu/lower_to_llvm.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "aurex/codegen/cpu/descriptor.h"
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

  LLVMValueRef function(const std::string& name, std::vector<LLVMTypeRef> params) const {
    const LLVMTypeRef type =
        LLVMFunctionType(LLVMVoidTypeInContext(context_), params.data(), static_cast<unsigned>(params.size()), 0);
    const LLVMValueRef function = LLVMAddFunction(module_, name.c_str(), type);
    LLVMSetLinkage(function, LLVMInternalLinkage);
    const unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAddAttributeAtIndex(function, static_cast<unsigned>(LLVMAttributeFunctionIndex),
                            LLVMCreateEnumAttribute(context_, nounwind, 0));
    // Some processors are tuned to prefer narrower vectors than the program was written for.
    attribute(function, "prefer-vector-width", vector_bits_);
    attribute(function, "min-legal-vector-width", vector_bits_);
    return function;
  }

  /// The same for code that runs once per call: translated instruction by instruction, in a third of the time.
  LLVMValueRef plain_function(const std::string& name, std::vector<LLVMTypeRef> params) const {
    const LLVMValueRef plain = function(name, std::move(params));
    for (const std::string_view attribute : {"noinline", "optnone"}) {
      const unsigned kind = LLVMGetEnumAttributeKindForName(attribute.data(), attribute.size());
      LLVMAddAttributeAtIndex(plain, static_cast<unsigned>(LLVMAttributeFunctionIndex),
                              LLVMCreateEnumAttribute(context_, kind, 0));
    }
    return plain;
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
                         .records = {}};
  const Declarer declare(module, target);
  std::vector<LLVMValueRef> blocks;
  for (const schedule::Launch* launch : context.survey.launches) {
    const std::string name = "block." + launch->name + "." + std::to_string(blocks.size());
    blocks.push_back(declare.function(name, {declare.ptr(), declare.ptr(), declare.word(), declare.word()}));
  }
  KernelFunctions functions{.drive = declare.plain_function("drive", {declare.ptr()}),
                            .plan = declare.plain_function("plan", {declare.ptr(), declare.ptr()})};
  const bool sited = std::ranges::any_of(program.sites, [](const schedule::Site& s) { return !s.axes.empty(); });
  if (sited) functions.extents = declare.plain_function("extents", {declare.ptr(), declare.ptr()});
  const std::vector<LLVMValueRef> records =
      describe(program, target, context.survey, blocks, functions, prefix, module);
  for (std::size_t i = 0; i < records.size(); ++i) context.records[context.survey.launches[i]] = records[i];

  Emitter(context, functions.drive).emit_drive();
  Emitter(context, functions.plan).emit_plan();
  if (sited) Emitter(context, functions.extents).emit_extents();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    Emitter(context, blocks[i]).emit_block(*context.survey.launches[i]);
  }
}

}  // namespace aurex::codegen
