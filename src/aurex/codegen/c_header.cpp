#include "aurex/codegen/c_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/c_runtime_text.h"

namespace aurex::codegen {
namespace {

constexpr std::array kWordsOfC = {
    "asm",      "auto",    "bool",     "break",  "case",      "char",     "class",    "const",   "continue", "default",
    "delete",   "do",      "double",   "else",   "enum",      "extern",   "false",    "float",   "for",      "goto",
    "if",       "inline",  "int",      "long",   "namespace", "new",      "operator", "private", "public",   "register",
    "restrict", "return",  "short",    "signed", "sizeof",    "static",   "struct",   "switch",  "template", "this",
    "true",     "typedef", "typename", "union",  "unsigned",  "using",    "virtual",  "void",    "volatile", "while",
    "frame",    "extents", "packs",    "planes", "numbers",   "integers", "options"};  // the last line: ours, below

/// A name of AX as a name of C.
std::string c_name(std::string name) {
  if (std::ranges::find(kWordsOfC, name) != kWordsOfC.end()) name += '_';
  return name;
}

std::string_view c_type(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return "double";
    case DType::kF32:
      return "float";
    case DType::kI64:
      return "int64_t";
    case DType::kU64:
      return "uint64_t";
    case DType::kI32:
      return "int32_t";
    case DType::kU32:
      return "uint32_t";
    case DType::kI16:
      return "int16_t";
    case DType::kI8:
      return "int8_t";
    case DType::kF16:
    case DType::kBF16:
    case DType::kU16:
      return "uint16_t";  // halves as their bits
    default:
      return "uint8_t";
  }
}

/// The function of one kernel.
class Declaration {
 public:
  explicit Declaration(const DeclaredKernel& kernel) : kernel_(kernel), program_(*kernel.program) {
    for (ax::DimId id = 0; id < program_.dims.size(); ++id) extents_.push_back(extent(id));
  }

  std::string text() {
    list_parameters();
    std::string out = comment();
    out += fmt::format("extern const aurex_compiled_kernel {};\n", kernel_.symbol);
    out += fmt::format("static inline int {}({}) {{\n", kernel_.function, fmt::join(parameters_, ", "));
    out += table("int64_t", "extents", extents_) + packs();
    out += arrays();
    out += scalars();
    out += "  aurex_frame frame = {extents, packs, planes, numbers, integers, NULL, NULL, NULL, NULL};\n";
    return out + fmt::format("  return aurex_call_kernel(&{}, &frame, options);\n}}\n", kernel_.symbol);
  }

 private:
  /// What stands for a dimension's extent in C.
  std::string extent(ax::DimId id) const {
    const ax::Dim& dim = program_.dims[id];
    if (dim.literal) return std::to_string(*dim.literal);
    if (program_.broadcast) return dim.pack == ax::kNone ? "count" : "1";
    return c_name(dim.name);
  }

  void list_parameters() {
    for (ax::DimId id = 0; id < program_.dims.size(); ++id) {
      if (!program_.dims[id].literal && extents_[id] != "1") parameters_.push_back("int64_t " + extents_[id]);
    }
    for (const ax::Scalar& scalar : program_.scalars) {
      const std::string_view type = scalar.type == ax::RegType::kF64    ? "double"
                                    : scalar.type == ax::RegType::kBool ? "int"
                                                                        : "int64_t";
      parameters_.push_back(fmt::format("{} {}", type, c_name(scalar.name)));
    }
    for (const ax::Array& array : program_.arrays) {
      if (array.role == ax::ArrayRole::kScratch) continue;
      const std::string_view constness = array.role == ax::ArrayRole::kInput ? "const " : "";
      parameters_.push_back(fmt::format("{}{} *{}", constness, c_type(array.storage.dtype), c_name(array.name)));
    }
    parameters_.emplace_back("aurex_options *options");
  }

  std::string comment() const {
    std::string out = fmt::format("/* {}\n * Arrays are row-major", kernel_.signature);
    for (ax::DimId id = 0; id < program_.dims.size(); ++id) {
      if (program_.dims[id].defined_by != ax::kNone) {
        out += fmt::format("; {} must be what the `where` clause says", extents_[id]);
      }
    }
    return out + ". */\n";
  }

  static std::string table(std::string_view type, std::string_view name, std::vector<std::string> values) {
    if (values.empty()) values.emplace_back("0");  // C has no empty tables
    return fmt::format("  const {} {}[] = {{{}}};\n", type, name, fmt::join(values, ", "));
  }

  std::string packs() const {
    std::vector<std::string> values(std::size_t{program_.pack_count} * kAurexPackRank, "1");
    for (ax::DimId id = 0; id < program_.dims.size(); ++id) {
      const ax::PackId pack = program_.dims[id].pack;
      if (pack != ax::kNone) values[(std::size_t{pack} + 1) * kAurexPackRank - 1] = extents_[id];
    }
    return table("int64_t", "packs", std::move(values));
  }

  /// The extents of the axes after axis `d`, multiplied.
  std::string row_major_stride(const ax::Array& array, std::size_t d) const {
    std::string product;
    for (std::size_t i = d + 1; i < array.dims.size(); ++i) {
      product += (product.empty() ? "" : " * ") + extents_[array.dims[i].dim];
    }
    return product.empty() ? "1" : product;
  }

  std::string arrays() const {
    std::string tables;
    std::vector<std::string> planes;
    for (ax::ArrayId id = 0; id < program_.arrays.size(); ++id) {
      const ax::Array& array = program_.arrays[id];
      if (array.role == ax::ArrayRole::kScratch) {
        planes.emplace_back("{NULL, NULL}");
        continue;
      }
      std::vector<std::string> strides(kernel_.binding->stride_count(id), "0");
      for (std::uint32_t d = 0; d < array.dims.size(); ++d) {
        const bool pack = program_.dims[array.dims[d].dim].pack != ax::kNone;
        strides[kernel_.binding->stride_slot(id, d) + (pack ? kAurexPackRank - 1 : 0)] = row_major_stride(array, d);
      }
      const std::string name = fmt::format("strides_of_{}", array.name);
      tables += table("int64_t", name, std::move(strides));
      planes.push_back(fmt::format("{{(char *){}, {}}}", c_name(array.name), name));
    }
    if (planes.empty()) planes.emplace_back("{NULL, NULL}");
    return tables + table("aurex_plane", "planes", std::move(planes));
  }

  std::string scalars() const {
    std::vector<std::string> numbers, integers;
    for (const ax::Scalar& scalar : program_.scalars) {
      std::vector<std::string>& values = scalar.type == ax::RegType::kF64 ? numbers : integers;
      if (values.size() <= scalar.slot) values.resize(scalar.slot + 1, "0");
      values[scalar.slot] = scalar.type == ax::RegType::kBool ? c_name(scalar.name) + " != 0" : c_name(scalar.name);
    }
    return table("double", "numbers", std::move(numbers)) + table("int64_t", "integers", std::move(integers));
  }

  const DeclaredKernel& kernel_;
  const ax::TileProgram& program_;
  std::vector<std::string> extents_;  // per dimension, as C
  std::vector<std::string> parameters_;
};

void require_plain(const ax::TileProgram& program) {
  for (const ax::Array& array : program.arrays) {
    if (array.storage.format != ax::kNone) {
      throw NotImplemented(
          fmt::format("kernel {}: {} is of a storage format, which has no form in C yet", program.name, array.name));
    }
  }
}

}  // namespace

std::string c_header(std::span<const DeclaredKernel> kernels, std::string_view source, std::string_view target,
                     std::string_view guard) {
  std::string out = fmt::format("/* Made by aurex build from {} for {}. */\n#ifndef {}\n#define {}\n\n", source, target,
                                guard, guard);
  out += c_runtime_text();
  out += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  for (const DeclaredKernel& kernel : kernels) {
    require_plain(*kernel.program);
    out += "\n" + Declaration(kernel).text();
  }
  out += fmt::format("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {} */\n", guard);
  return out;
}

}  // namespace aurex::codegen
