#include "aurex/codegen/object_image.h"

#include <elf.h>

#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "aurex/base/error.h"

namespace aurex::codegen {
namespace {

constexpr std::uint64_t kPage = 4096;
/// Room before the first function: who calls through a pointer may look there for the function's type, as
/// -fsanitize=function does, and finds none.
constexpr std::uint64_t kBeforeCode = 64;
/// jmp *0(%rip), and the address behind it.
constexpr std::array<unsigned char, 6> kJump = {0xff, 0x25, 0, 0, 0, 0};
constexpr std::uint64_t kStubBytes = 16;

struct External {
  std::string_view name;
  std::uint64_t address;
};

const std::array<External, 2>& externals() {
  static const std::array<External, 2> all = {{
      {"memcpy",
       reinterpret_cast<std::uint64_t>(static_cast<void* (*)(void*, const void*, std::size_t)>(&std::memcpy))},
      {"memset", reinterpret_cast<std::uint64_t>(static_cast<void* (*)(void*, int, std::size_t)>(&std::memset))},
  }};
  return all;
}

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t align) {
  return (value + align - 1) / align * align;
}

[[noreturn]] void refuse(const char* why, std::uint64_t offset) {
  throw FormatError(std::string("object code ") + why, static_cast<std::int64_t>(offset));
}

}  // namespace

/// Fills an image from its object: sections, then symbols, then relocations.
class ObjectImage::Reader {
 public:
  explicit Reader(ObjectImage& image) : image_(image), object_(image.object_) {}

  void read() {
    read_header();
    lay_out(/*code=*/true);
    reserve_stubs();
    image_.code_bytes_ = static_cast<std::size_t>(end_ = align_up(end_, kPage));
    lay_out(/*code=*/false);
    image_.bytes_ = static_cast<std::size_t>(align_up(end_, kPage));
    if (symbol_table_) read_symbols();
    for (const Section& section : sections_) {
      if (section.header.sh_type == SHT_RELA) read_relocations(section.header);
      if (section.header.sh_type == SHT_REL) refuse("has relocations of another kind", section.header.sh_offset);
    }
  }

 private:
  struct Section {
    Elf64_Shdr header{};
    bool loaded = false;
    std::uint64_t at = 0;  // in the image
  };
  /// Where a symbol lies, or which external one it is.
  struct Target {
    std::uint64_t at = 0;
    std::optional<std::uint32_t> external = {};
    bool usable = false;
  };

  template <typename T>
  [[nodiscard]] T at(std::uint64_t offset) const {
    if (offset > object_.size() || object_.size() - offset < sizeof(T)) refuse("is truncated", offset);
    T value;
    std::memcpy(&value, object_.data() + offset, sizeof value);
    return value;
  }

  void require_within(std::uint64_t offset, std::uint64_t bytes) const {
    if (offset > object_.size() || bytes > object_.size() - offset) refuse("is truncated", offset);
  }

  void read_header() {
    const auto header = at<Elf64_Ehdr>(0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse("is no ELF file", 0);
    const bool ours = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
                      header.e_type == ET_REL && header.e_machine == EM_X86_64 &&
                      header.e_shentsize == sizeof(Elf64_Shdr);
    if (!ours) refuse("is for another machine", 0);
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
      sections_.push_back({.header = at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr))});
      if (sections_.back().header.sh_type == SHT_SYMTAB) symbol_table_ = i;
    }
  }

  void lay_out(bool code) {
    for (Section& section : sections_) {
      const Elf64_Shdr& header = section.header;
      if ((header.sh_flags & SHF_ALLOC) == 0 || ((header.sh_flags & SHF_EXECINSTR) != 0) != code) continue;
      const std::uint64_t align = header.sh_addralign == 0 ? 1 : header.sh_addralign;
      if (align > kPage || (align & (align - 1)) != 0) refuse("has a section of odd alignment", header.sh_offset);
      if ((header.sh_flags & SHF_TLS) != 0) refuse("has thread-local data", header.sh_offset);
      section.at = align_up(end_, align);
      if (section.at > kMaxImageBytes || header.sh_size > kMaxImageBytes - section.at)
        refuse("is too large", header.sh_offset);
      section.loaded = true;
      end_ = section.at + header.sh_size;
      if (header.sh_type == SHT_NOBITS) continue;
      require_within(header.sh_offset, header.sh_size);
      image_.pieces_.push_back({.from = header.sh_offset, .to = section.at, .bytes = header.sh_size});
    }
  }

  void reserve_stubs() {
    end_ = align_up(end_, kStubBytes);
    for (std::uint32_t i = 0; i < externals().size(); ++i) {
      image_.stubs_.push_back({.at = end_, .external = i});
      end_ += kStubBytes;
    }
  }

  [[nodiscard]] std::string_view name_at(const Elf64_Shdr& strings, std::uint64_t offset) const {
    if (offset >= strings.sh_size) refuse("has a name outside its strings", strings.sh_offset);
    const std::string_view rest = object_.substr(strings.sh_offset + offset, strings.sh_size - offset);
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) refuse("has a name without an end", strings.sh_offset);
    return rest.substr(0, end);
  }

  void read_symbols() {
    const Elf64_Shdr& table = sections_[*symbol_table_].header;
    if (table.sh_link >= sections_.size()) refuse("has symbols without names", table.sh_offset);
    const Elf64_Shdr& strings = sections_[table.sh_link].header;
    require_within(table.sh_offset, table.sh_size);
    require_within(strings.sh_offset, strings.sh_size);
    for (std::uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = at<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym));
      const std::string_view name = name_at(strings, symbol.st_name);
      targets_.push_back(target_of(symbol, name));
      const bool global = ELF64_ST_BIND(symbol.st_info) != STB_LOCAL;
      if (global && targets_.back().usable && !targets_.back().external) {
        image_.symbols_.push_back({.name = name, .at = targets_.back().at});
      }
    }
  }

  [[nodiscard]] Target target_of(const Elf64_Sym& symbol, std::string_view name) const {
    if (symbol.st_shndx == SHN_UNDEF) {
      if (name.empty() || name == "_GLOBAL_OFFSET_TABLE_") return {};
      for (std::uint32_t i = 0; i < externals().size(); ++i) {
        if (externals()[i].name == name) return {.external = i, .usable = true};
      }
      throw NotImplemented("code for an operation that would call the library function " + std::string(name));
    }
    if (symbol.st_shndx >= sections_.size() || !sections_[symbol.st_shndx].loaded) return {};
    const Section& section = sections_[symbol.st_shndx];
    if (symbol.st_value > section.header.sh_size) refuse("has a symbol outside its section", section.header.sh_offset);
    return {.at = section.at + symbol.st_value, .usable = true};
  }

  void read_relocations(const Elf64_Shdr& table) {
    require_within(table.sh_offset, table.sh_size);
    if (table.sh_info >= sections_.size()) refuse("has relocations of no section", table.sh_offset);
    const Section& section = sections_[table.sh_info];
    if (!section.loaded) return;  // of debug information
    if (section.header.sh_type == SHT_NOBITS) refuse("has relocations of a section without bytes", table.sh_offset);
    for (std::uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Rela); ++i) {
      const std::uint64_t offset = table.sh_offset + i * sizeof(Elf64_Rela);
      add_fixup(section, at<Elf64_Rela>(offset), offset);
    }
  }

  void add_fixup(const Section& section, const Elf64_Rela& relocation, std::uint64_t offset) {
    const std::uint32_t type = ELF64_R_TYPE(relocation.r_info), symbol = ELF64_R_SYM(relocation.r_info);
    const bool relative = type == R_X86_64_PC32 || type == R_X86_64_PLT32;
    if (!relative && type != R_X86_64_64) refuse("has a relocation of another kind", offset);
    const std::uint64_t width = relative ? 4 : 8;
    if (section.header.sh_size < width || relocation.r_offset > section.header.sh_size - width) {
      refuse("has a relocation outside its section", offset);
    }
    if (symbol >= targets_.size() || !targets_[symbol].usable) refuse("has a relocation without a symbol", offset);
    const Target& target = targets_[symbol];
    Fixup fixup{.at = section.at + relocation.r_offset, .value = relocation.r_addend};
    if (!relative) {
      fixup.kind = target.external ? Fixup::Kind::kExternal64 : Fixup::Kind::kAbsolute64;
      fixup.external = target.external.value_or(0);
      if (!target.external) fixup.value = add(fixup.value, target.at, offset);
    } else {
      const std::uint64_t to = target.external ? image_.stubs_[*target.external].at : target.at;
      fixup.value = add(fixup.value, to, offset) - static_cast<std::int64_t>(fixup.at);
      if (fixup.value != static_cast<std::int32_t>(fixup.value)) refuse("has a relocation that does not reach", offset);
    }
    image_.fixups_.push_back(fixup);
  }

  /// Positions in an image are small, so only the addend can be too large.
  static std::int64_t add(std::int64_t addend, std::uint64_t position, std::uint64_t offset) {
    constexpr std::int64_t kMost = std::int64_t{1} << 62;
    if (addend > kMost || addend < -kMost) refuse("has a relocation that does not reach", offset);
    return addend + static_cast<std::int64_t>(position);
  }

  ObjectImage& image_;
  const std::string_view object_;
  std::uint64_t end_ = kBeforeCode;
  std::vector<Section> sections_;
  std::optional<std::uint64_t> symbol_table_;
  std::vector<Target> targets_;
};

ObjectImage::ObjectImage(std::string_view object) : object_(object) { Reader(*this).read(); }

std::size_t ObjectImage::symbol(std::string_view name, std::size_t room) const {
  for (const Symbol& symbol : symbols_) {
    if (symbol.name == name && bytes_ - symbol.at >= room) return static_cast<std::size_t>(symbol.at);
  }
  throw FormatError("object code has no symbol '" + std::string(name) + "'", 0);
}

void ObjectImage::place(char* memory) const {
  const auto base = reinterpret_cast<std::uint64_t>(memory);
  for (const Piece& piece : pieces_) std::memcpy(memory + piece.to, object_.data() + piece.from, piece.bytes);
  for (const Stub& stub : stubs_) {
    std::memcpy(memory + stub.at, kJump.data(), kJump.size());
    std::memcpy(memory + stub.at + kJump.size(), &externals()[stub.external].address, sizeof(std::uint64_t));
  }
  for (const Fixup& fixup : fixups_) {
    if (fixup.kind == Fixup::Kind::kRelative32) {
      const auto value = static_cast<std::int32_t>(fixup.value);
      std::memcpy(memory + fixup.at, &value, sizeof value);
      continue;
    }
    const std::uint64_t from = fixup.kind == Fixup::Kind::kAbsolute64 ? base : externals()[fixup.external].address;
    const std::uint64_t value = from + static_cast<std::uint64_t>(fixup.value);
    std::memcpy(memory + fixup.at, &value, sizeof value);
  }
}

}  // namespace aurex::codegen
