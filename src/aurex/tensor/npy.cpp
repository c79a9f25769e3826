#include "aurex/tensor/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace aurex {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are read and written as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::int64_t kHeaderLimit = 64 * 1024;  // a plain array needs about a hundred bytes
constexpr std::int64_t kAlignment = 64;

struct NamedType {
  std::string_view name;
  DType dtype;
};

// What NumPy and ml_dtypes write; the first name of a type is the one that is written here.
constexpr NamedType kTypes[] = {
    {"|b1", DType::kBool},
    {"|i1", DType::kI8},
    {"|u1", DType::kU8},
    {"<i2", DType::kI16},
    {"<u2", DType::kU16},
    {"<i4", DType::kI32},
    {"<u4", DType::kU32},
    {"<i8", DType::kI64},
    {"<u8", DType::kU64},
    {"<f2", DType::kF16},
    {"<f4", DType::kF32},
    {"<f8", DType::kF64},
    {"bfloat16", DType::kBF16},
    {"float8_e4m3fn", DType::kF8E4M3},
    {"float8_e5m2", DType::kF8E5M2},
    {"<V2", DType::kBF16},
    {"|V2", DType::kBF16},
};

std::string_view npy_name(DType dtype) {
  if (dtype == DType::kF8E4M3Nan) dtype = DType::kF8E4M3;
  return std::find_if(std::begin(kTypes), std::end(kTypes), [&](const NamedType& t) { return t.dtype == dtype; })->name;
}

/// Walks the header's text, a Python dictionary literal, and knows where in the file it is.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::int64_t offset) : text_(text), offset_(offset) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      const std::size_t at = position();
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        once(descr_, at, [&] { return descr(); });
      } else if (key == "fortran_order") {
        once(fortran_, at, [&] { return boolean(); });
      } else if (key == "shape") {
        once(shape_, at, [&] { return shape(); });
      } else {
        fail(at, "an unknown key");
      }
      if (!accept(',') && !peek('}')) fail(position(), "neither ',' nor '}' after a value");
    }
    if (position() != text_.size()) fail(position(), "text after the dictionary");
    if (!descr_ || !fortran_ || !shape_) fail(0, "one of the keys 'descr', 'fortran_order', 'shape' missing");
    return {.dtype = *descr_, .shape = *shape_, .fortran_order = *fortran_};
  }

 private:
  [[noreturn]] void fail(std::size_t at, const std::string& what) const {
    throw FormatError(".npy header: " + what, offset_ + static_cast<std::int64_t>(at));
  }

  template <typename T, typename Read>
  void once(std::optional<T>& slot, std::size_t at, Read read) {
    if (slot) fail(at, "a key given twice");
    slot = read();
  }

  std::size_t position() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_;
  }

  bool peek(char c) { return position() < text_.size() && text_[at_] == c; }

  bool accept(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(position(), std::string("expected '") + c + "'");
  }

  bool accept_word(std::string_view word) {
    if (!text_.substr(position()).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view string() {
    const char quote = peek('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail(at_, "a string without an end");
    const std::string_view value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail(position(), "expected True or False");
  }

  DType descr() {
    const std::size_t at = position();
    if (peek('[') || peek('(')) throw DTypeMismatch(".npy: a structured element type; expected a plain one");
    const std::string_view name = string();
    for (const NamedType& type : kTypes) {
      if (type.name == name) return type.dtype;
    }
    if (name.starts_with('>')) fail(at, "big-endian elements ('" + std::string(name.substr(0, 16)) + "')");
    if (name.size() < 2) fail(at, "no element type");
    DTypeMismatch error(".npy: no element type for '" + std::string(name.substr(0, 32)) + "'");
    error.with("expected", "a bool, integer or float type").with("actual", std::string(name.substr(0, 32)));
    throw error;
  }

  std::int64_t extent() {
    const std::size_t at = position();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) fail(at, "expected an extent from 0 to 2^63 - 1");
    at_ = static_cast<std::size_t>(end - text_.data());
    static_cast<void>(accept('L'));  // Python 2 wrote its long integers so
    return value;
  }

  Dims shape() {
    const std::size_t at = position();
    expect('(');
    Dims dims;
    while (!accept(')')) {
      if (dims.size() == kMaxRank) fail(at, "more than " + std::to_string(kMaxRank) + " axes");
      dims.push_back(extent());
      if (!accept(',') && (!peek(')') || dims.size() == 1)) fail(position(), "expected ',' in a shape");
    }
    shape_at_ = at;
    return dims;
  }

 public:
  /// Offset of the shape in the file, for errors about the sizes it gives.
  [[nodiscard]] std::int64_t shape_offset() const { return offset_ + static_cast<std::int64_t>(shape_at_); }

 private:
  std::string_view text_;
  std::int64_t offset_;
  std::size_t at_ = 0, shape_at_ = 0;
  std::optional<DType> descr_;
  std::optional<bool> fortran_;
  std::optional<Dims> shape_;
};

/// Where the header's text lies.
struct Extent {
  std::int64_t offset, length;
};

Extent locate_header(std::span<const std::byte> start) {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(start[i]); };
  for (std::size_t i = 0; i < kMagic.size(); ++i) {
    if (i >= start.size() || byte(i) != static_cast<unsigned char>(kMagic[i])) {
      throw FormatError("not an .npy file: wrong magic bytes", static_cast<std::int64_t>(i));
    }
  }
  if (start.size() < 8) throw FormatError(".npy file ends inside its version", static_cast<std::int64_t>(start.size()));
  const std::uint32_t major = byte(6);
  if (major < 1 || major > 3) throw FormatError(".npy version " + std::to_string(major) + " is unknown", 6);
  const std::size_t width = major == 1 ? 2 : 4;
  if (start.size() < 8 + width) {
    throw FormatError(".npy file ends inside its header length", static_cast<std::int64_t>(start.size()));
  }
  std::int64_t length = 0;
  for (std::size_t i = 0; i < width; ++i) length |= static_cast<std::int64_t>(byte(8 + i)) << (8 * i);
  if (length > kHeaderLimit) throw FormatError(".npy header of " + std::to_string(length) + " bytes", 8);
  return {static_cast<std::int64_t>(8 + width), length};
}

[[noreturn]] void throw_io(const std::string& doing, const std::string& path) {
  const std::error_code code(errno, std::generic_category());
  IoError error("cannot " + doing + " '" + path + "': " + code.message());
  error.with("path", path);
  throw error;
}

/// A file beside its target that replaces it when complete, and vanishes otherwise.
class Replacement {
 public:
  explicit Replacement(const std::string& path) : path_(path), partial_(path + ".partial") {
    file_ = std::fopen(partial_.c_str(), "wb");
    if (file_ == nullptr) throw_io("create", partial_);
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() {
    if (file_ != nullptr) std::fclose(file_);
    if (!done_) std::remove(partial_.c_str());
  }

  void write(const void* bytes, std::int64_t count) {
    if (count > 0 && std::fwrite(bytes, static_cast<std::size_t>(count), 1, file_) != 1) throw_io("write", partial_);
  }

  void commit() {
    if (std::fclose(std::exchange(file_, nullptr)) != 0) throw_io("write", partial_);
    if (std::rename(partial_.c_str(), path_.c_str()) != 0) throw_io("replace", path_);
    done_ = true;
  }

 private:
  std::string path_, partial_;
  std::FILE* file_ = nullptr;
  bool done_ = false;
};

/// Row-major elements in pieces of at most 1 MiB, so that writing a strided view needs little memory.
void write_elements(Replacement& file, const TensorView& view) {
  const std::int64_t bytes = byte_count(view.shape, view.dtype);
  if (view.contiguous()) {
    file.write(view.data, bytes);
    return;
  }
  constexpr std::int64_t kPiece = 1 << 20;
  if (bytes > kPiece && view.shape[0] > 1) {
    for (std::int64_t i = 0; i < view.shape[0]; ++i) write_elements(file, select(view, 0, i));
    return;
  }
  if (bytes > kPiece && view.rank() > 1) {
    write_elements(file, select(view, 0, 0));
    return;
  }
  std::vector<std::byte> piece(static_cast<std::size_t>(bytes));
  copy_elements(view, contiguous_view(piece.data(), view.dtype, view.shape));
  file.write(piece.data(), bytes);
}

}  // namespace

TensorView NpyHeader::view(void* data) const {
  return {.data = data,
          .dtype = dtype,
          .shape = shape,
          .strides = fortran_order ? fortran_strides(shape) : contiguous_strides(shape)};
}

NpyHeader parse_npy_header(std::span<const std::byte> start, std::int64_t file_bytes) {
  const Extent extent = locate_header(start);
  if (extent.offset + extent.length > static_cast<std::int64_t>(start.size())) {
    throw FormatError(".npy file ends inside its header", static_cast<std::int64_t>(start.size()));
  }
  const auto* text = reinterpret_cast<const char*>(start.data()) + extent.offset;
  HeaderParser parser({text, static_cast<std::size_t>(extent.length)}, extent.offset);
  NpyHeader header = parser.parse();
  header.data_offset = extent.offset + extent.length;
  try {
    header.data_bytes = byte_count(header.shape, header.dtype);
  } catch (const OutOfMemory&) {
    throw FormatError(".npy header: the size of shape " + to_string(header.shape) + " does not fit 63 bits",
                      parser.shape_offset());
  }
  if (header.data_bytes > file_bytes - header.data_offset) {
    throw FormatError(".npy file ends inside its data: " + std::to_string(header.data_bytes) + " bytes expected, " +
                          std::to_string(file_bytes - header.data_offset) + " there",
                      file_bytes);
  }
  return header;
}

TensorView view_npy(std::span<const std::byte> file) {
  const NpyHeader header = parse_npy_header(file, static_cast<std::int64_t>(file.size()));
  TensorView view = header.view(const_cast<std::byte*>(file.data()) + header.data_offset);
  view.read_only = true;
  return view;
}

NpyFile::NpyFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
  if (!file_) throw_io("open", path);
  if (std::fseek(file_.get(), 0, SEEK_END) != 0) throw_io("seek in", path);
  const long size = std::ftell(file_.get());
  if (size < 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0) throw_io("seek in", path);
  std::vector<std::byte> start(static_cast<std::size_t>(std::min<std::int64_t>(size, kHeaderLimit + 12)));
  if (!start.empty() && std::fread(start.data(), start.size(), 1, file_.get()) != 1) throw_io("read", path);
  header_ = parse_npy_header(start, size);
}

void NpyFile::read_into(std::span<std::byte> out) {
  if (std::cmp_not_equal(out.size(), header_.data_bytes)) {
    throw InvalidConfig("a buffer of " + std::to_string(out.size()) + " bytes for .npy data of " +
                        std::to_string(header_.data_bytes));
  }
  if (std::fseek(file_.get(), static_cast<long>(header_.data_offset), SEEK_SET) != 0) throw_io("seek in", path_);
  if (!out.empty() && std::fread(out.data(), out.size(), 1, file_.get()) != 1) {
    if (std::ferror(file_.get()) != 0) throw_io("read", path_);
    throw FormatError(".npy file ends inside its data", header_.data_offset);
  }
}

std::string encode_npy_header(DType dtype, const Dims& shape, bool fortran_order) {
  std::string tuple = "(";
  for (int i = 0; i < shape.size(); ++i) tuple += (i == 0 ? "" : " ") + std::to_string(shape[i]) + ",";
  if (shape.size() > 1) tuple.pop_back();
  tuple += ")";
  std::string text = "{'descr': '" + std::string(npy_name(dtype)) +
                     "', 'fortran_order': " + (fortran_order ? "True" : "False") + ", 'shape': " + tuple + ", }";
  constexpr std::int64_t kPrefix = 10;
  const auto used = kPrefix + static_cast<std::int64_t>(text.size()) + 1;
  text.append(static_cast<std::size_t>((kAlignment - used % kAlignment) % kAlignment), ' ');
  text += '\n';
  std::string bytes(kMagic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(text.size() & 0xff);
  bytes += static_cast<char>(text.size() >> 8);
  return bytes + text;
}

void write_npy(const std::string& path, const TensorView& view) {
  const TensorView mirrored = transpose(view);
  const bool fortran = !view.contiguous() && mirrored.contiguous();
  const std::string header = encode_npy_header(view.dtype, view.shape, fortran);
  Replacement file(path);
  file.write(header.data(), static_cast<std::int64_t>(header.size()));
  write_elements(file, fortran ? mirrored : view);
  file.commit();
}

}  // namespace aurex
