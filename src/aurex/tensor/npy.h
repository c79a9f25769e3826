#pragma once

// NumPy's .npy files, versions 1 to 3, little-endian.
//
//   file   = magic(6) major(1) minor(1) length(2, or 4 from version 2) header data
//   header = the Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } in text
//
// Reading trusts nothing: the header is at most 64 KiB, sizes are checked for overflow and against the file's length
// before anything of their size is allocated. A malformed file raises FormatError with the byte offset of the first
// wrong byte (also for big-endian data); a well-formed one whose elements have no DType (complex, object, structured)
// raises DTypeMismatch; the operating system's refusals raise IoError. bf16 and the 8-bit floats, for which NumPy has
// no letter, are written under the names that ml_dtypes registers ("bfloat16"); '<V2', which it writes itself, reads as
// bf16.
//
//   NpyFile file("x.npy");                        // header read and checked
//   file.read_into(buffer);                       // file.header().data_bytes bytes
//   TensorView x = file.header().view(buffer);

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "aurex/tensor/view.h"

namespace aurex {

struct NpyHeader {
  DType dtype = DType::kF32;
  Dims shape;
  bool fortran_order = false;
  std::int64_t data_offset = 0;  ///< of the first element, in bytes from the start of the file
  std::int64_t data_bytes = 0;

  /// The elements as a view of memory that holds the file's data part.
  [[nodiscard]] TensorView view(void* data) const;
};

/// Checks the start of a file that is `file_bytes` long. `start` holds the whole header, or the whole file.
[[nodiscard]] NpyHeader parse_npy_header(std::span<const std::byte> start, std::int64_t file_bytes);

/// A file in memory as a read-only view into it. Elements may be unaligned.
[[nodiscard]] TensorView view_npy(std::span<const std::byte> file);

/// An open file whose header has been read. Used by one thread at a time.
class NpyFile {
 public:
  explicit NpyFile(const std::string& path);

  [[nodiscard]] const NpyHeader& header() const { return header_; }
  /// Reads the data part; `out` must hold exactly header().data_bytes bytes (InvalidConfig).
  void read_into(std::span<std::byte> out);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  NpyHeader header_;
};

/// The bytes before the data, padded to a multiple of 64; version 1.0.
[[nodiscard]] std::string encode_npy_header(DType dtype, const Dims& shape, bool fortran_order);

/// Writes any view; Fortran order is kept, other strides are written row-major. Replaces the file as a whole.
void write_npy(const std::string& path, const TensorView& view);

}  // namespace aurex
