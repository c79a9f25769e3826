#include "aurex/codegen/object_image.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/codegen/call_fixture.h"
#include "aurex/codegen/compile.h"
#include "aurex/schedule/target.h"

namespace aurex::codegen {
namespace {

constexpr const char* kText = R"(program p on cpu.avx2 extents 1 packs 0 {
  buffer x: f32 argument 0 [extent(0) unit @0]
  buffer z: f32 argument 1 [extent(0) unit @0]
  launch p tile i in extent(0) by 8 scratch [] costs 3.5:f64 { store z.uniform[i] = (x.uniform[i] * 1.5:f32) }
})";

std::string object() { return make_object(program_of(kText), schedule::target(runnable().front())).bytes; }

/// An object as its tables, to be damaged.
class Editable {
 public:
  explicit Editable(std::string bytes) : bytes_(std::move(bytes)) {}

  Elf64_Ehdr& header() { return *reinterpret_cast<Elf64_Ehdr*>(bytes_.data()); }
  Elf64_Shdr& section(std::size_t i) { return reinterpret_cast<Elf64_Shdr*>(bytes_.data() + header().e_shoff)[i]; }
  Elf64_Shdr& first(std::uint32_t type) {
    for (std::size_t i = 0; i < header().e_shnum; ++i) {
      if (section(i).sh_type == type) return section(i);
    }
    throw std::out_of_range("no such section");
  }
  Elf64_Rela& relocation() { return *reinterpret_cast<Elf64_Rela*>(bytes_.data() + first(SHT_RELA).sh_offset); }
  /// The first symbol whose name begins like this.
  Elf64_Sym& symbol(std::string_view name) {
    const Elf64_Shdr& table = first(SHT_SYMTAB);
    auto* symbols = reinterpret_cast<Elf64_Sym*>(bytes_.data() + table.sh_offset);
    for (std::size_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      if (std::string_view(text(symbols[i])).starts_with(name)) return symbols[i];
    }
    throw std::out_of_range("no such symbol");
  }
  char* text(const Elf64_Sym& symbol) {
    return bytes_.data() + section(first(SHT_SYMTAB).sh_link).sh_offset + symbol.st_name;
  }
  /// Makes a constant that the code reads a function of a library.
  void make_external(const char* name) {
    Elf64_Sym& constant = symbol(".LCPI");
    constant.st_shndx = SHN_UNDEF;
    constant.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
    std::strcpy(text(constant), name);  // NOLINT: no longer than what it replaces
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// The image in ordinary memory: what a loader would execute, without executing it.
std::vector<char> placed(const ObjectImage& image) {
  std::vector<char> memory(image.bytes());
  image.place(memory.data());
  return memory;
}

std::string refusal(const std::string& object) {
  try {
    static_cast<void>(placed(ObjectImage(object)));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(ObjectImage, PutsCodeOnPagesOfItsOwn) {
  const std::string bytes = object();
  const ObjectImage image(bytes);
  EXPECT_GT(image.code_bytes(), 0u);
  EXPECT_EQ(image.code_bytes() % 4096, 0u);
  EXPECT_GE(image.symbol("kernel", sizeof(AurexKernel)), image.code_bytes());
}

TEST(ObjectImage, PointersFollowThePlace) {
  const std::string bytes = object();
  const ObjectImage image(bytes);
  const std::size_t at = image.symbol("kernel", sizeof(AurexKernel));
  for (int round = 0; round < 2; ++round) {
    const std::vector<char> memory = placed(image);
    AurexKernel kernel;
    std::memcpy(&kernel, memory.data() + at, sizeof kernel);
    EXPECT_EQ(kernel.magic, kAurexKernelMagic);
    const auto drive = reinterpret_cast<std::uintptr_t>(kernel.drive);
    EXPECT_LT(drive - reinterpret_cast<std::uintptr_t>(memory.data()), image.code_bytes());
    EXPECT_STREQ(kernel.name, "p");
  }
}

TEST(ObjectImage, AnyDamageIsRefusedOrHarmless) {
  const std::string bytes = object();
  for (std::size_t size = 0; size < bytes.size(); ++size) static_cast<void>(refusal(bytes.substr(0, size)));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      static_cast<void>(refusal(damaged));
    }
  }
  EXPECT_EQ(refusal(bytes), "");
}

TEST(ObjectImage, SaysWhatItRefuses) {
  struct Case {
    const char* reason;
    void (*damage)(Editable& object);
  };
  const Case cases[] = {
      {"no ELF file", [](Editable& o) { o.header().e_ident[0] = 0; }},
      {"another machine", [](Editable& o) { o.header().e_machine = EM_AARCH64; }},
      {"another machine", [](Editable& o) { o.header().e_type = ET_DYN; }},
      {"truncated", [](Editable& o) { o.header().e_shoff = 1 << 30; }},
      {"truncated", [](Editable& o) { o.section(2).sh_offset = ~std::uint64_t{0}; }},
      {"too large", [](Editable& o) { o.section(2).sh_size = std::uint64_t{1} << 62; }},
      {"odd alignment", [](Editable& o) { o.section(2).sh_addralign = 48; }},
      {"odd alignment", [](Editable& o) { o.section(2).sh_addralign = 1 << 20; }},
      {"relocation of another kind", [](Editable& o) { o.relocation().r_info = ELF64_R_INFO(2, R_X86_64_TPOFF64); }},
      {"outside its section", [](Editable& o) { o.relocation().r_offset = 1 << 20; }},
      {"outside its section", [](Editable& o) { o.relocation().r_offset = ~std::uint64_t{0}; }},
      {"without a symbol", [](Editable& o) { o.relocation().r_info = ELF64_R_INFO(1 << 20, R_X86_64_PC32); }},
      {"does not reach", [](Editable& o) { o.relocation().r_addend = std::int64_t{1} << 40; }},
      {"does not reach", [](Editable& o) { o.relocation().r_addend = INT64_MAX; }},
      {"symbol outside", [](Editable& o) { o.symbol("drive").st_value = 1 << 20; }},
      {"name outside", [](Editable& o) { o.symbol("drive").st_name = 1 << 20; }},
      {"the library function sinf", [](Editable& o) { o.make_external("sinf"); }},
  };
  for (const Case& each : cases) {
    Editable edited(object());
    each.damage(edited);
    EXPECT_NE(refusal(edited.bytes()).find(each.reason), std::string::npos)
        << each.reason << " and not: " << refusal(edited.bytes());
  }
}

TEST(ObjectImage, WantsTheSymbolThatIsAskedFor) {
  const std::string bytes = object();
  const ObjectImage image(bytes);
  EXPECT_THROW(static_cast<void>(image.symbol("colonel", 1)), FormatError);
  EXPECT_THROW(static_cast<void>(image.symbol("kernel", image.bytes())), FormatError);
  EXPECT_THROW(static_cast<void>(image.symbol("drive", 1)), FormatError) << "is not exported";
}

TEST(ObjectImage, ReachesMemcpyThroughAJump) {
  Editable edited(object());
  edited.make_external("memcpy");
  const ObjectImage image(edited.bytes());
  const std::vector<char> memory = placed(image);
  const auto address =
      reinterpret_cast<std::uint64_t>(static_cast<void* (*)(void*, const void*, std::size_t)>(&std::memcpy));
  std::string jump("\xff\x25\0\0\0\0", 6);
  jump.append(reinterpret_cast<const char*>(&address), sizeof address);
  const std::string_view code(memory.data(), image.code_bytes());
  const std::size_t stub = code.find(jump);
  ASSERT_NE(stub, std::string_view::npos);
  bool reached = false;  // by some relative address in the code
  for (std::size_t at = 0; at + 4 <= stub; ++at) {
    std::int32_t distance = 0;
    std::memcpy(&distance, code.data() + at, sizeof distance);
    reached |= at + 4 + static_cast<std::size_t>(distance) == stub;
  }
  EXPECT_TRUE(reached);
}

TEST(Load, RefusesBytesThatAreNoObject) {
  EXPECT_THROW(static_cast<void>(load("")), FormatError);
  EXPECT_THROW(static_cast<void>(load("machine code")), FormatError);
}

TEST(Load, ChecksTheKernelBeforeAnythingRuns) {
  std::string bytes = object();
  const std::string magic("AUXK");
  const std::size_t at = bytes.find(magic);
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'B';
  EXPECT_THROW(static_cast<void>(load(bytes)), KernelError);
}

TEST(Load, TakesWhatAnotherProcessMade) {
  const std::string kept = object();
  const auto code = load(kept);
  EXPECT_STREQ(code->kernel().name, "p");
  EXPECT_EQ(code->times().codegen_ms, 0);
  EXPECT_GT(code->times().link_ms, 0);
}

}  // namespace
}  // namespace aurex::codegen
