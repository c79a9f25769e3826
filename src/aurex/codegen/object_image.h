#pragma once

// A relocatable ELF object for x86-64, as our code generator writes it and as it lies on disk, made into an image that
// runs anywhere in memory. Knows no LLVM and runs nothing, so reading foreign bytes is all that it does.
//
//   ObjectImage image(object);
//   image.place(memory);                     // image.bytes() of them, writable, on a page boundary
//   … [0, image.code_bytes()) made executable, the rest read-only …
//   memory + image.symbol("kernel")
//
// Code comes first, on pages of its own, then constants. External symbols are memcpy and memset, nothing else: LLVM may
// turn a long copy or fill into them, and generated code calls everything else through its frame.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aurex::codegen {

/// No image is larger.
inline constexpr std::uint64_t kMaxImageBytes = std::uint64_t{256} << 20;

class ObjectImage {
 public:
  /// `object` must outlive the image. Raises FormatError, with the offset, where it is malformed or uses what our
  /// objects never do, and NotImplemented naming a library function that the code would call.
  explicit ObjectImage(std::string_view object);

  /// Multiples of a page.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t code_bytes() const { return code_bytes_; }

  /// Where a global symbol lies, with at least `room` bytes of the image from there on. Raises FormatError where there
  /// is none.
  [[nodiscard]] std::size_t symbol(std::string_view name, std::size_t room) const;

  /// Writes the image for the place where it lies. `memory` must be zeroed.
  void place(char* memory) const;

 private:
  class Reader;

  /// A section's bytes, copied.
  struct Piece {
    std::uint64_t from = 0, to = 0, bytes = 0;
  };
  struct Fixup {
    enum class Kind : std::uint8_t { kRelative32, kAbsolute64, kExternal64 };
    Kind kind = Kind::kRelative32;
    std::uint64_t at = 0;    // in the image
    std::int64_t value = 0;  // what is written; kAbsolute64: plus the image's address; kExternal64: plus `external`'s
    std::uint32_t external = 0;
  };
  /// A jump to a library function, which may lie further away than a call reaches.
  struct Stub {
    std::uint64_t at = 0;
    std::uint32_t external = 0;
  };
  struct Symbol {
    std::string_view name;
    std::uint64_t at = 0;
  };

  std::string_view object_;
  std::size_t bytes_ = 0, code_bytes_ = 0;
  std::vector<Piece> pieces_;
  std::vector<Stub> stubs_;
  std::vector<Fixup> fixups_;
  std::vector<Symbol> symbols_;
};

}  // namespace aurex::codegen
