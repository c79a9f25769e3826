// Every element-wise operation on every register type it has, with values at its edges, against the scalar executor.

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "aurex/ax/registers.h"
#include "aurex/codegen/call_fixture.h"

namespace aurex::codegen {
namespace {

using ax::Op;
using ax::RegType;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const std::vector<double> kFloats = {
    0.0,     -0.0,   1,      -1,      0.5,        -0.5,          2.5,          -2.5,
    3,       -7,     1e-45,  -1e-45,  1e-40,      1.1754944e-38, 3.4028235e38, -3.4028235e38,
    1e20,    -1e20,  7.25,   -3.75,   0.1,        kInfinity,     -kInfinity,   kNan,
    8388609, 1e-310, 4e-324, 1.7e308, 123456.789, -0.3333,       1.9999999,    16777217};
const std::vector<double> kIntegers = {0,
                                       1,
                                       -1,
                                       2,
                                       -2,
                                       3,
                                       -3,
                                       7,
                                       -7,
                                       8,
                                       31,
                                       32,
                                       33,
                                       63,
                                       64,
                                       65,
                                       100,
                                       -100,
                                       1e9,
                                       -1e9,
                                       2147483647,
                                       -2147483648.0,
                                       4294967295.0,
                                       9.2233720368547748e18,
                                       -9.2233720368547758e18,
                                       1.8446744073709550e19,
                                       255,
                                       256,
                                       -255,
                                       12345678901.0,
                                       16,
                                       5};

/// All pairs (triples by a shifted second) of the values, by 16x1 lanes and once more lane by lane.
void check(Op op, const std::string& expression, RegType operand, RegType result, RegType second) {
  SCOPED_TRACE(std::string(ax::to_string(op)) + " of " + std::string(ax::to_string(operand)));
  const std::vector<double>& values = ax::is_float(operand) ? kFloats : kIntegers;
  const std::vector<double>& others = ax::is_float(second) ? kFloats : kIntegers;
  std::vector<double> a, b, c;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < others.size(); ++j) {
      a.push_back(values[i]);
      b.push_back(others[j]);
      c.push_back(values[(i + 3 * j) % values.size()]);
    }
  }
  const auto count = static_cast<std::int64_t>(a.size());
  std::string scalar = expression;
  for (std::size_t at; (at = scalar.find("unit[i]")) != std::string::npos;) scalar.replace(at, 7, "uniform[j]");
  const std::string text = fmt::format(
      R"(program op on cpu.avx512 extents 1 packs 0 {{
        buffer a: {0} argument 0 [extent(0) unit @0]
        buffer b: {1} argument 1 [extent(0) unit @0]
        buffer c: {0} argument 2 [extent(0) unit @0]
        buffer z: {2} argument 3 [extent(0) unit @0]
        buffer y: {2} argument 4 [extent(0) unit @0]
        launch op tile t in 1 by 1 scratch [] costs 10:f64 {{
          vector i in 0 .. extent(0) by 16x1 narrow {{ store z.unit[i] = {3} }}
          for j in 0 .. extent(0) {{ store y.uniform[j] = {4} }}
        }}
      }})",
      to_string(ax::storage_type(operand)), to_string(ax::storage_type(second)), to_string(ax::storage_type(result)),
      expression, scalar);
  const DType out = ax::storage_type(result);
  expect_same(
      text, TestCall{.extents = {count},
                     .arrays = {TestArray::of(ax::storage_type(operand), a), TestArray::of(ax::storage_type(second), b),
                                TestArray::of(ax::storage_type(operand), c), TestArray::zeros(out, count),
                                TestArray::zeros(out, count)}});
}

std::string call(Op op, int args) {
  const std::string name(ax::to_string(op));
  return name + (args == 1   ? "(a.unit[i])"
                 : args == 2 ? "(a.unit[i], b.unit[i])"
                             : "(a.unit[i], b.unit[i], c.unit[i])");
}

TEST(Operations, UnaryOperationsOfFloats) {
  for (const RegType type : {RegType::kF32, RegType::kF64}) {
    for (const Op op : {Op::kNeg, Op::kAbs, Op::kSign, Op::kSqrt, Op::kFloor, Op::kCeil, Op::kTrunc, Op::kRound}) {
      check(op, call(op, 1), type, type, type);
    }
    for (const Op op : {Op::kIsNan, Op::kIsInf, Op::kIsFinite}) check(op, call(op, 1), type, RegType::kBool, type);
  }
}

TEST(Operations, BinaryOperationsOfFloats) {
  for (const RegType type : {RegType::kF32, RegType::kF64}) {
    for (const auto& [op, sign] : {std::pair{Op::kAdd, "+"}, {Op::kSub, "-"}, {Op::kMul, "*"}, {Op::kDiv, "/"}}) {
      check(op, fmt::format("(a.unit[i] {} b.unit[i])", sign), type, type, type);
    }
    for (const Op op : {Op::kMin, Op::kMax, Op::kMod, Op::kFloorDiv}) check(op, call(op, 2), type, type, type);
    check(Op::kFma, call(Op::kFma, 3), type, type, type);
    check(Op::kLdexp, call(Op::kLdexp, 2), type, type, RegType::kI32);
  }
}

TEST(Operations, ComparisonsAndSelect) {
  for (const RegType type :
       {RegType::kF32, RegType::kF64, RegType::kI32, RegType::kU32, RegType::kI64, RegType::kU64}) {
    for (const auto& [op, sign] : {std::pair{Op::kEq, "=="},
                                   {Op::kNe, "!="},
                                   {Op::kLt, "<"},
                                   {Op::kLe, "<="},
                                   {Op::kGt, ">"},
                                   {Op::kGe, ">="}}) {
      check(op, fmt::format("(a.unit[i] {} b.unit[i])", sign), type, RegType::kBool, type);
    }
    check(Op::kSelect, "select((a.unit[i] < b.unit[i]), c.unit[i], b.unit[i])", type, type, type);
  }
}

TEST(Operations, IntegersWrapAndNeverTrap) {
  for (const RegType type : {RegType::kI32, RegType::kU32, RegType::kI64, RegType::kU64}) {
    for (const Op op : {Op::kNeg, Op::kAbs, Op::kSign, Op::kPopcount, Op::kClz, Op::kBitNot})
      check(op, call(op, 1), type, type, type);
    for (const auto& [op, sign] : {std::pair{Op::kAdd, "+"},
                                   {Op::kSub, "-"},
                                   {Op::kMul, "*"},
                                   {Op::kBitAnd, "&"},
                                   {Op::kBitOr, "bor"},
                                   {Op::kBitXor, "^"},
                                   {Op::kShl, "<<"},
                                   {Op::kShr, ">>"}}) {
      check(op, fmt::format("(a.unit[i] {} b.unit[i])", sign), type, type, type);
    }
    for (const Op op : {Op::kMin, Op::kMax, Op::kFloorDiv, Op::kMod}) check(op, call(op, 2), type, type, type);
    for (const int divisor : {1, -1, 3, -7, 8}) {
      if (divisor < 0 && (type == RegType::kU32 || type == RegType::kU64)) continue;
      for (const Op op : {Op::kFloorDiv, Op::kMod}) {
        const std::string right =
            type == RegType::kI64 ? std::to_string(divisor) : fmt::format("{}:{}", divisor, ax::to_string(type));
        check(op, fmt::format("{}(a.unit[i], {})", ax::to_string(op), right), type, type, type);
      }
    }
  }
}

TEST(Operations, TruthValues) {
  for (const auto& [op, sign] : {std::pair{Op::kAnd, "and"}, {Op::kOr, "or"}}) {
    check(op, fmt::format("(a.unit[i] {} b.unit[i])", sign), RegType::kBool, RegType::kBool, RegType::kBool);
  }
  check(Op::kNot, call(Op::kNot, 1), RegType::kBool, RegType::kBool, RegType::kBool);
}

TEST(Operations, BitcastKeepsTheBits) {
  check(Op::kBitcast, "bitcast<i32>(a.unit[i])", RegType::kF32, RegType::kI32, RegType::kF32);
  check(Op::kBitcast, "bitcast<f64>(a.unit[i])", RegType::kI64, RegType::kF64, RegType::kI64);
}

}  // namespace
}  // namespace aurex::codegen
