#include "aurex/codegen/cpu/descriptor.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/compile.h"

namespace aurex::codegen {
namespace {

using schedule::Buffer;

/// Constants of a module. A record is a struct with the fields of its C type, whose natural layout LLVM follows.
class Constants {
 public:
  explicit Constants(LLVMModuleRef module) : module_(module), context_(LLVMGetModuleContext(module)) {}

  LLVMValueRef i32(std::int64_t value) const {
    return LLVMConstInt(LLVMInt32TypeInContext(context_), static_cast<std::uint32_t>(value), 0);
  }
  LLVMValueRef i64(std::uint64_t value) const { return LLVMConstInt(LLVMInt64TypeInContext(context_), value, 0); }
  LLVMValueRef null() const { return LLVMConstPointerNull(LLVMPointerTypeInContext(context_, 0)); }
  LLVMValueRef or_null(LLVMValueRef pointer) const { return pointer == nullptr ? null() : pointer; }

  LLVMValueRef text(std::string_view text) const {
    return internal(LLVMConstStringInContext2(context_, text.data(), text.size(), /*DontNullTerminate=*/0), "text", 1);
  }

  LLVMValueRef record(std::initializer_list<LLVMValueRef> fields) const {
    return LLVMConstStructInContext(context_, const_cast<LLVMValueRef*>(fields.begin()),
                                    static_cast<unsigned>(fields.size()), /*Packed=*/0);
  }

  /// An array of records, or null for none.
  LLVMValueRef table(std::vector<LLVMValueRef> records, const char* name) const {
    if (records.empty()) return null();
    const LLVMTypeRef type = LLVMTypeOf(records.front());
    return internal(LLVMConstArray2(type, records.data(), records.size()), name, 8);
  }

  LLVMValueRef internal(LLVMValueRef value, const char* name, unsigned align) const {
    const LLVMValueRef global = external(value, name, align);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    return global;
  }

  LLVMValueRef external(LLVMValueRef value, const char* name, unsigned align) const {
    const LLVMValueRef global = LLVMAddGlobal(module_, LLVMTypeOf(value), name);
    LLVMSetInitializer(global, value);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetAlignment(global, align);
    return global;
  }

 private:
  LLVMModuleRef module_;
  LLVMContextRef context_;
};

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

/// One record per entry of the frame's table; entries that no buffer names stay empty.
std::vector<LLVMValueRef> parameters(const schedule::LoopProgram& program, const Constants& c) {
  std::vector<LLVMValueRef> records;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.kind != Buffer::Kind::kArgument) continue;
    while (records.size() <= buffer.array) {
      records.push_back(c.record({c.text(""), c.i32(0), c.i32(0), c.i32(0), c.i32(0), c.i32(1), c.i32(0)}));
    }
    std::int64_t strides = 0;
    for (std::size_t d = 0; d < buffer.slots.size(); ++d) {
      const bool pack = buffer.stride[d] == Buffer::Stride::kPack;
      strides = std::max<std::int64_t>(strides, buffer.slots[d] + (pack ? kAurexPackRank : 1));
    }
    records[buffer.array] = c.record({c.text(buffer.name), c.i32(0), c.i32(bytes_per_element(buffer.dtype)), c.i32(1),
                                      c.i32(strides), c.i32(1), c.i32(0)});
  }
  return records;
}

}  // namespace

std::vector<LLVMValueRef> describe(const schedule::LoopProgram& program, const schedule::Target& target,
                                   const Survey& survey, std::span<const LLVMValueRef> blocks,
                                   const KernelFunctions& functions, const std::string& prefix, LLVMModuleRef module) {
  const Constants c(module);
  std::vector<LLVMValueRef> launches, sites, axes;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const schedule::Launch& launch = *survey.launches[i];
    launches.push_back(c.record(
        {blocks[i], c.text(launch.name), c.i32(static_cast<std::int64_t>(i)), c.i32(launch_flags(launch)), c.i64(0)}));
  }
  for (const schedule::Site& site : program.sites) {
    sites.push_back(c.record({c.text(site.text), c.i32(site.line), c.i32(site.column),
                              c.i32(static_cast<std::int64_t>(axes.size())),
                              c.i32(static_cast<std::int64_t>(site.axes.size())), c.i64(0)}));
    for (const schedule::Site::Axis& axis : site.axes) axes.push_back(c.record({c.text(axis.name), c.i64(0)}));
  }
  const std::vector<LLVMValueRef> arrays = parameters(program, c);
  std::int64_t numbers = 0, integers = 0;  // of the two tables of scalars
  for (const ax::Scalar& scalar : program.scalars) {
    std::int64_t& count = scalar.type == ax::RegType::kF64 ? numbers : integers;
    count = std::max<std::int64_t>(count, std::int64_t{scalar.slot} + 1);
  }
  const auto count = [&](const std::vector<LLVMValueRef>& records) {
    return c.i32(static_cast<std::int64_t>(records.size()));
  };
  const LLVMValueRef table = c.table(launches, "launches");
  const LLVMValueRef kernel = c.record({c.i32(kAurexKernelMagic),
                                        c.i32(sizeof(AurexKernel)),
                                        c.i32(kAurexAbiVersion),
                                        c.i32(schedule::kLoopGrammar),
                                        c.i64(compiler_build()),
                                        c.i32(sizeof(AurexFrame)),
                                        c.i32(sizeof(AurexWorker)),
                                        c.i32(sizeof(AurexPlan)),
                                        c.i32(sizeof(AurexRuntime)),
                                        c.text(program.name),
                                        c.text(target.name),
                                        c.text(joined(target.features)),
                                        c.i32(program.extent_count),
                                        c.i32(program.pack_count),
                                        count(arrays),
                                        c.i32(numbers),
                                        c.i32(integers),
                                        count(launches),
                                        count(sites),
                                        count(axes),
                                        c.table(arrays, "arrays"),
                                        table,
                                        c.table(sites, "sites"),
                                        c.table(axes, "axes"),
                                        functions.plan,
                                        functions.drive,
                                        c.or_null(functions.extents)});
  c.external(kernel, (prefix + "kernel").c_str(), 8);

  std::vector<LLVMValueRef> records;
  const LLVMContextRef context = LLVMGetModuleContext(module);
  for (std::size_t i = 0; i < launches.size(); ++i) {
    LLVMValueRef at[] = {LLVMConstInt(LLVMInt64TypeInContext(context), i, 0)};
    records.push_back(LLVMConstInBoundsGEP2(LLVMTypeOf(launches[i]), table, at, 1));
  }
  return records;
}

}  // namespace aurex::codegen
