#include "aurex/codegen/llvm/engine.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aurex/base/error.h"

namespace aurex::codegen {
namespace {

/// Passes that code written for the machine needs no more, and that took a third of the time to compile a kernel
/// (docs/adr/0015). LLVM has no other switches for them than these options.
void switch_off_passes() {
  constexpr std::pair<const char*, const char*> kOptions[] = {
      // Chains the row pointers of a matrix block to each other; the addresses we emit need no help. 64³, 128³ and 256³
      // products run 6, 6 and 3 % faster without (Xeon Cascade Lake, AVX-512).
      {"disable-lsr", "true"},
      // Moves addresses into the blocks that use them and branches around wide divisions; ours are where they belong.
      {"disable-cgp", "true"},
      // We emit the vectors of one step side by side, which is the order in which a processor hides latency best.
      {"enable-misched", "false"},
      // Takes apart what was placed outside a loop on purpose.
      {"disable-machine-sink", "true"},
      // Looks for general registers that could be mask registers.
      {"disable-x86-domain-reassignment", "true"},
  };
  auto& options = llvm::cl::getRegisteredOptions();
  for (const auto& [name, value] : kOptions) {
    const auto found = options.find(name);
    if (found != options.end()) found->second->addOccurrence(0, name, value);
  }
}

void initialize_targets() {
  static const bool done = [] {
    switch_off_passes();
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    return true;
  }();
  static_cast<void>(done);
}

std::string triple_of(const schedule::Target& target) {
  return target.name == "cpu.neon" ? "aarch64-unknown-linux-gnu" : "x86_64-unknown-linux-gnu";
}

using Machine = std::unique_ptr<llvm::TargetMachine>;

Machine make_machine(const schedule::Target& target) {
  initialize_targets();
  std::string error;
  const std::string triple = triple_of(target);
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (found == nullptr) throw NotImplemented("this LLVM has no code generator for " + triple + ": " + error);
  std::string features;
  for (const std::string& feature : target.features) features += (features.empty() ? "+" : ",+") + feature;
  llvm::TargetOptions options;
  // No IR passes: the emitter writes final vector code. Below Default instruction selection spills everything, above it
  // nothing is gained.
  return Machine(found->createTargetMachine(triple, target.llvm_cpu, features, options, llvm::Reloc::PIC_,
                                            llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, /*JIT=*/true));
}

/// A machine and the passes that turn one module after another into its code.
class Generator {
 public:
  Generator(const schedule::Target& target, llvm::CodeGenFileType type) : machine_(make_machine(target)) {
    if (machine_->addPassesToEmitFile(passes_, stream_, nullptr, type, /*DisableVerify=*/true)) {
      throw NotImplemented("LLVM cannot write this kind of file for " + target.name);
    }
  }
  [[nodiscard]] llvm::DataLayout layout() const { return machine_->createDataLayout(); }
  [[nodiscard]] std::string run(llvm::Module& module) {
    bytes_.clear();
    passes_.run(module);
    return {bytes_.begin(), bytes_.end()};
  }

 private:
  Machine machine_;
  llvm::SmallVector<char, 0> bytes_;
  llvm::raw_svector_ostream stream_{bytes_};
  llvm::legacy::PassManager passes_;  // uses all of the above
};

/// Generators of objects wait here between compilations: making one costs a sixth of a small kernel. One thread uses
/// one at a time.
class GeneratorPool {
 public:
  std::unique_ptr<Generator> take(const schedule::Target& target) {
    {
      const std::scoped_lock lock(mutex_);
      auto& idle = idle_[target.name];
      if (!idle.empty()) {
        std::unique_ptr<Generator> generator = std::move(idle.back());
        idle.pop_back();
        return generator;
      }
    }
    return std::make_unique<Generator>(target, llvm::CodeGenFileType::ObjectFile);
  }
  void give_back(const schedule::Target& target, std::unique_ptr<Generator> generator) {
    const std::scoped_lock lock(mutex_);
    idle_[target.name].push_back(std::move(generator));
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<std::unique_ptr<Generator>>> idle_;
};

GeneratorPool& generators() {
  static auto* const pool = new GeneratorPool;
  return *pool;
}

}  // namespace

IrModule::IrModule(const std::string& name, const schedule::Target& target)
    : context_(LLVMContextCreate()), module_(LLVMModuleCreateWithNameInContext(name.c_str(), context_)) {
  std::unique_ptr<Generator> generator = generators().take(target);
  llvm::unwrap(module_)->setDataLayout(generator->layout());
  LLVMSetTarget(module_, triple_of(target).c_str());
  generators().give_back(target, std::move(generator));
}

IrModule::~IrModule() {
  LLVMDisposeModule(module_);
  LLVMContextDispose(context_);
}

void IrModule::verify() const {
  char* message = nullptr;
  const bool broken = LLVMVerifyModule(module_, LLVMReturnStatusAction, &message) != 0;
  const std::string what = message == nullptr ? "" : message;
  LLVMDisposeMessage(message);
  if (broken) throw KernelError("the code generator wrote illegal LLVM IR: " + what);
}

std::string IrModule::text() const {
  verify();
  char* printed = LLVMPrintModuleToString(module_);
  std::string text = printed;
  LLVMDisposeMessage(printed);
  return text;
}

std::string assembly(IrModule& module, const schedule::Target& target) {
  return Generator(target, llvm::CodeGenFileType::AssemblyFile).run(*llvm::unwrap(module.get()));
}

std::string object(IrModule& module, const schedule::Target& target) {
  std::unique_ptr<Generator> generator = generators().take(target);
  std::string code = generator->run(*llvm::unwrap(module.get()));
  generators().give_back(target, std::move(generator));
  return code;
}

}  // namespace aurex::codegen
