#include "aurex/tensor/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

namespace aurex {
namespace {

/// A file as NumPy writes it, with the given dictionary and data.
std::string npy(const std::string& dictionary, std::size_t data_bytes, int major = 1) {
  std::string file = std::string("\x93NUMPY") + static_cast<char>(major) + '\0';
  const std::size_t length = dictionary.size();
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) file += static_cast<char>((length >> (8 * i)) & 0xff);
  return file + dictionary + std::string(data_bytes, '\1');
}

std::string plain(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}

NpyHeader parse(const std::string& file) {
  return parse_npy_header(std::as_bytes(std::span(file)), static_cast<std::int64_t>(file.size()));
}

/// The byte offset of the FormatError that a file gives, −1 where it is accepted.
std::int64_t error_offset(const std::string& file) {
  try {
    static_cast<void>(parse(file));
  } catch (const FormatError& error) {
    return error.offset;
  }
  return -1;
}

class NpyFiles : public ::testing::Test {
 protected:
  NpyFiles() {
    path_ = (std::filesystem::temp_directory_path() / ("aurex_npy_test." + std::to_string(getpid()) + ".npy")).string();
  }
  ~NpyFiles() override { std::filesystem::remove(path_); }
  std::string path_;
};

TEST(NpyHeader, ReadsAllVersionsAndSpellings) {
  for (int major : {1, 2, 3}) {
    const NpyHeader header = parse(npy(plain("<f4", "(2, 3)"), 24, major));
    EXPECT_EQ(header.dtype, DType::kF32);
    EXPECT_EQ(header.shape, (Dims{2, 3}));
    EXPECT_FALSE(header.fortran_order);
    EXPECT_EQ(header.data_bytes, 24);
  }
  EXPECT_EQ(parse(npy("{'shape':(3L,),\"descr\":\"<i2\",'fortran_order':True}\n", 6)).shape, (Dims{3}));
  EXPECT_EQ(parse(npy(plain("<f8", "()"), 8)).shape, Dims{});
  EXPECT_EQ(parse(npy(plain("<f8", "(0, 7)"), 0)).data_bytes, 0);
  EXPECT_EQ(parse(npy(plain("<V2", "(1,)"), 2)).dtype, DType::kBF16);
}

TEST(NpyHeader, WhatIsWrittenReadsBackForEveryType) {
  for (DType dtype : kAllDTypes) {
    for (const Dims& shape : {Dims{}, Dims{5}, Dims{2, 3}, Dims{0, 4}}) {
      const std::string head = encode_npy_header(dtype, shape, true);
      EXPECT_EQ(head.size() % 64, 0u);
      const NpyHeader header = parse(head + std::string(static_cast<std::size_t>(byte_count(shape, dtype)), '\0'));
      EXPECT_EQ(header.dtype, dtype == DType::kF8E4M3Nan ? DType::kF8E4M3 : dtype);
      EXPECT_EQ(header.shape, shape);
      EXPECT_TRUE(header.fortran_order);
    }
  }
}

TEST(NpyHeader, TheHeaderOfASmallArrayIsNumPysByteForByte) {
  // np.save of np.zeros((2, 3), "<f4") with NumPy 2.
  const std::string expected = std::string("\x93NUMPY\x01\0\x76\0", 10) +
                               "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" + std::string(58, ' ') +
                               "\n";
  EXPECT_EQ(encode_npy_header(DType::kF32, {2, 3}, false), expected);
}

TEST(NpyHeader, EveryTruncationIsReportedAtTheEndOfTheFile) {
  const std::string file = npy(plain("<f4", "(2, 3)"), 24);
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_EQ(error_offset(file.substr(0, length)), static_cast<std::int64_t>(length));
  }
  EXPECT_EQ(error_offset(file), -1);
}

struct Hostile {
  const char* name;
  std::string file;
  std::int64_t offset;
};

TEST(NpyHeader, HostileFilesGetTheOffsetOfTheFirstWrongByte) {
  const Hostile cases[] = {
      {"magic", "\x93NUMPX\1", 5},
      {"version", std::string("\x93NUMPY\7\0", 8), 6},
      {"header length", std::string("\x93NUMPY\2\0\xff\xff\xff\x7f", 12), 8},
      {"no dictionary", npy("[]", 0), 10},
      {"unknown key", npy("{'colour': 1}", 0), 11},
      {"missing key", npy("{'descr': '<f4'}", 0), 10},
      {"key twice", npy("{'descr': '<f4', 'descr': '<f4'}", 0), 27},
      {"open string", npy("{'descr", 0), 12},
      {"big-endian", npy(plain(">f4", "(2,)"), 8), 20},
      {"empty type", npy(plain("", "(2,)"), 8), 20},
      {"boolean", npy("{'fortran_order': 1}", 0), 28},
      {"negative extent", npy(plain("<f4", "(-2,)"), 8), 61},
      {"large extent", npy(plain("<f4", "(99999999999999999999,)"), 8), 61},
      {"product", npy(plain("<f4", "(4611686018427387904, 4611686018427387904)"), 8), 60},
      {"no tuple", npy(plain("<f4", "(2)"), 8), 62},
      {"trailing text", npy(plain("<f4", "(2,)") + " x", 8), 68},
      {"rank", npy(plain("<f4", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), 4), 60},
  };
  for (const Hostile& c : cases) EXPECT_EQ(error_offset(c.file), c.offset) << c.name;
}

TEST(NpyHeader, TypesWithoutADTypeAreAMismatch) {
  for (const char* descr : {"|O", "<c8", "<U5", "|S3", "<M8[ns]", "<f16", "|V1"}) {
    EXPECT_THROW(static_cast<void>(parse(npy(plain(descr, "(1,)"), 64))), DTypeMismatch) << descr;
  }
  EXPECT_THROW(static_cast<void>(parse(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4))),
               DTypeMismatch);
}

TEST(NpyView, SeesAFileInMemory) {
  const std::string file = npy(plain("|u1", "(2, 3)"), 6);
  const TensorView view = view_npy(std::as_bytes(std::span(file)));
  EXPECT_TRUE(view.read_only);
  EXPECT_EQ(view.shape, (Dims{2, 3}));
  EXPECT_EQ(view.data, file.data() + file.size() - 6);
}

TEST_F(NpyFiles, ContiguousTransposedAndStridedViewsComeBackEqual) {
  std::vector<std::int16_t> values(24);
  std::iota(values.begin(), values.end(), static_cast<std::int16_t>(0));
  const TensorView dense = view_of(std::span(values), {2, 3, 4});
  for (const TensorView& view : {dense, transpose(dense), slice(dense, 2, 3, -1, -2), select(dense, 0, 1)}) {
    write_npy(path_, view);
    NpyFile file(path_);
    EXPECT_EQ(file.header().shape, view.shape);
    std::vector<std::byte> bytes(static_cast<std::size_t>(file.header().data_bytes));
    file.read_into(bytes);
    std::vector<std::int16_t> expected(static_cast<std::size_t>(element_count(view.shape))), actual(expected);
    copy_elements(view, view_of(std::span(expected), view.shape));
    copy_elements(file.header().view(bytes.data()), view_of(std::span(actual), view.shape));
    EXPECT_EQ(actual, expected) << describe(view);
  }
}

TEST_F(NpyFiles, ALargeStridedViewIsWrittenInPieces) {
  std::vector<float> values(3 << 20);
  std::iota(values.begin(), values.end(), 0.0f);
  const TensorView view = slice(view_of(std::span(values), {3, 1 << 20}), 1, 0, 1 << 20, 2);
  write_npy(path_, view);
  NpyFile file(path_);
  std::vector<float> back(static_cast<std::size_t>(3 << 19));
  file.read_into(std::as_writable_bytes(std::span(back)));
  EXPECT_EQ(back[1], 2.0f);
  EXPECT_EQ(back.back(), static_cast<float>((3 << 20) - 2));
}

TEST_F(NpyFiles, ABufferOfAnotherSizeIsRefused) {
  std::vector<float> values(4);
  write_npy(path_, view_of(std::span(values), {4}));
  NpyFile file(path_);
  std::vector<std::byte> bytes(15);
  EXPECT_THROW(file.read_into(bytes), InvalidConfig);
}

TEST_F(NpyFiles, AMissingFileIsAnIoErrorWithItsPath) {
  try {
    NpyFile file(path_);
    FAIL() << "opened";
  } catch (const IoError& error) {
    EXPECT_EQ(error.field("path"), path_);
  }
  std::vector<float> values(4);
  EXPECT_THROW(write_npy(path_ + "/nowhere/x.npy", view_of(std::span(values), {4})), IoError);
}

TEST_F(NpyFiles, WritingLeavesNoPartialFile) {
  std::vector<float> values(4);
  write_npy(path_, view_of(std::span(values), {4}));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

}  // namespace
}  // namespace aurex
