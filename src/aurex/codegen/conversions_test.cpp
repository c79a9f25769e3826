// Every dtype in and out of registers, against tensor/convert.h through the scalar executor.

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

#include "aurex/codegen/call_fixture.h"
#include "aurex/tensor/convert.h"

namespace aurex::codegen {
namespace {

using ax::RegType;

/// z[i] = cast(x[i]), 16 lanes times 2.
std::string copy_program(DType from, DType to, RegType as) {
  const RegType loaded = ax::register_type(from);
  const std::string value = loaded == as ? "x.unit[i]" : fmt::format("cast<{}>(x.unit[i])", ax::to_string(as));
  return fmt::format(
      R"(program copy on cpu.avx512 extents 1 packs 0 {{
        buffer x: {} argument 0 [extent(0) unit @0]
        buffer z: {} argument 1 [extent(0) unit @0]
        launch copy tile i0 in extent(0) by 4096 scratch [] costs 10:f64 {{
          vector i in i0 .. min((i0 + 4096), extent(0)) by 16x2 narrow {{ store z.unit[i] = {} }}
        }}
      }})",
      to_string(from), to_string(to), value);
}

TestArray all_codes(DType dtype) {
  const int size = bytes_per_element(dtype);
  std::vector<std::uint8_t> bytes;
  const std::uint32_t codes = size == 1 ? 0x100 : 0x10000;
  for (std::uint32_t code = 0; code < codes; ++code) {
    bytes.push_back(static_cast<std::uint8_t>(code));
    if (size == 2) bytes.push_back(static_cast<std::uint8_t>(code >> 8));
  }
  TestArray array = TestArray::raw(dtype, bytes);
  return array;
}

/// The numbers of a narrow float, the halfway points between neighbours, and their neighbours in f32 and f64.
std::vector<double> around(DType narrow) {
  const TestArray codes = all_codes(narrow);
  std::vector<double> values;
  std::vector<double> numbers = codes.numbers();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double next = i + 1 < numbers.size() && std::isfinite(numbers[i + 1]) ? numbers[i + 1] : 2 * numbers[i];
    for (const double value : {numbers[i], (numbers[i] + next) / 2}) {
      const auto single = static_cast<float>(value);
      values.insert(values.end(), {value, std::nextafter(single, std::numeric_limits<float>::infinity()),
                                   std::nextafter(single, -std::numeric_limits<float>::infinity()),
                                   std::nextafter(value, std::numeric_limits<double>::infinity()),
                                   std::nextafter(value, -std::numeric_limits<double>::infinity())});
    }
  }
  return values;
}

std::vector<double> edges_of_integers() {
  std::vector<double> values = {0.0,   -0.0,   0.5,  -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999999999999994,
                                1e-40, 1e-320, 1e40, 1e300};
  for (int bit = 6; bit <= 65; ++bit) {
    for (const double offset : {-1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5}) {
      values.push_back(std::ldexp(1.0, bit) + offset);
      values.push_back(-std::ldexp(1.0, bit) - offset);
      values.push_back(std::nextafter(std::ldexp(1.0, bit), 0.0));
    }
  }
  for (const double special : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    values.insert(values.end(), {special, -special});
  }
  return values;
}

TEST(Conversions, LoadEveryCodeOfEveryNarrowType) {
  for (const DType dtype : kAllDTypes) {
    if (bytes_per_element(dtype) > 2) continue;
    SCOPED_TRACE(to_string(dtype));
    TestArray codes = all_codes(dtype);
    const auto count = static_cast<std::int64_t>(codes.bytes.size()) / bytes_per_element(dtype);
    const RegType type = ax::register_type(dtype);
    const DType wide = type == RegType::kF32 ? DType::kF32 : type == RegType::kBool ? DType::kBool : DType::kI32;
    expect_same(copy_program(dtype, wide, type),
                TestCall{.extents = {count}, .arrays = {codes, TestArray::zeros(wide, count)}});
  }
}

TEST(Conversions, StoreFloatsAroundEveryNarrowNumberRoundedOnce) {
  for (const DType narrow : {DType::kF16, DType::kBF16, DType::kF8E4M3, DType::kF8E4M3Nan, DType::kF8E5M2}) {
    const std::vector<double> values = around(narrow);
    const auto count = static_cast<std::int64_t>(values.size());
    for (const DType wide : {DType::kF32, DType::kF64}) {
      SCOPED_TRACE(std::string(to_string(wide)) + " to " + std::string(to_string(narrow)));
      expect_same(
          copy_program(wide, narrow, ax::register_type(wide)),
          TestCall{.extents = {count}, .arrays = {TestArray::of(wide, values), TestArray::zeros(narrow, count)}});
    }
  }
}

TEST(Conversions, StoreFloatsAtTheEdgesOfEveryType) {
  const std::vector<double> values = edges_of_integers();
  const auto count = static_cast<std::int64_t>(values.size());
  for (const DType to : kAllDTypes) {
    for (const DType from : {DType::kF32, DType::kF64}) {
      SCOPED_TRACE(std::string(to_string(from)) + " to " + std::string(to_string(to)));
      expect_same(copy_program(from, to, ax::register_type(from)),
                  TestCall{.extents = {count}, .arrays = {TestArray::of(from, values), TestArray::zeros(to, count)}});
    }
  }
}

TEST(Conversions, StoreIntegersOfEveryWidthSaturated) {
  std::vector<std::uint64_t> words;
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t word :
         {power, power - 1, power + 1, power + (power >> 9), power + (power >> 9) + 1, power | 0xfff}) {
      words.insert(words.end(), {word, 0 - word});
    }
  }
  const auto count = static_cast<std::int64_t>(words.size());
  std::vector<std::uint32_t> halves;
  for (const std::uint64_t word : words) halves.push_back(static_cast<std::uint32_t>(word));
  for (const DType to : kAllDTypes) {
    for (const DType from : {DType::kI32, DType::kU32, DType::kI64, DType::kU64, DType::kBool}) {
      SCOPED_TRACE(std::string(to_string(from)) + " to " + std::string(to_string(to)));
      TestArray x = bytes_per_element(from) == 8 ? TestArray::raw(from, words) : TestArray::raw(from, halves);
      if (from == DType::kBool) x.bytes.resize(static_cast<std::size_t>(count));
      expect_same(copy_program(from, to, ax::register_type(from)),
                  TestCall{.extents = {count}, .arrays = {x, TestArray::zeros(to, count)}});
    }
  }
}

TEST(Conversions, CastsBetweenRegisterTypes) {
  const std::vector<double> values = edges_of_integers();
  const auto count = static_cast<std::int64_t>(values.size());
  const std::pair<RegType, DType> types[] = {{RegType::kBool, DType::kBool}, {RegType::kI32, DType::kI32},
                                             {RegType::kI64, DType::kI64},   {RegType::kU32, DType::kU32},
                                             {RegType::kU64, DType::kU64},   {RegType::kF32, DType::kF32},
                                             {RegType::kF64, DType::kF64}};
  for (const auto& [from_type, from] : types) {
    for (const auto& [to_type, to] : types) {
      SCOPED_TRACE(std::string(to_string(from)) + " to " + std::string(to_string(to)));
      expect_same(copy_program(from, to, to_type),
                  TestCall{.extents = {count}, .arrays = {TestArray::of(from, values), TestArray::zeros(to, count)}});
    }
  }
}

}  // namespace
}  // namespace aurex::codegen
