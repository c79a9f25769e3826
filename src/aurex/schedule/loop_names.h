#pragma once

// The words that the loop program's printer and parser share, each in one table.

#include <array>
#include <string_view>
#include <utility>

#include "aurex/schedule/loop_program.h"

namespace aurex::schedule {

inline constexpr std::array<std::pair<Buffer::Stride, std::string_view>, 4> kStrideNames = {{
    {Buffer::Stride::kUnit, "unit"},
    {Buffer::Stride::kZero, "zero"},
    {Buffer::Stride::kAny, "any"},
    {Buffer::Stride::kPack, "pack"},
}};
inline constexpr std::array<std::pair<Access, std::string_view>, 4> kAccessNames = {{
    {Access::kUniform, "uniform"},
    {Access::kUnit, "unit"},
    {Access::kStrided, "strided"},
    {Access::kGather, "gather"},
}};
inline constexpr std::array<std::pair<Tail, std::string_view>, 3> kTailNames = {{
    {Tail::kNone, "none"},
    {Tail::kNarrow, "narrow"},
    {Tail::kMasked, "masked"},
}};
inline constexpr std::array<std::pair<ax::Update, std::string_view>, 7> kUpdateNames = {{
    {ax::Update::kSet, "="},
    {ax::Update::kAdd, "+="},
    {ax::Update::kSub, "-="},
    {ax::Update::kMul, "*="},
    {ax::Update::kDiv, "/="},
    {ax::Update::kMax, "max="},
    {ax::Update::kMin, "min="},
}};
/// Operations written between their arguments; the others are written as calls under their own names.
inline constexpr std::array<std::pair<ax::Op, std::string_view>, 17> kInfixNames = {{
    {ax::Op::kAdd, "+"},
    {ax::Op::kSub, "-"},
    {ax::Op::kMul, "*"},
    {ax::Op::kDiv, "/"},
    {ax::Op::kEq, "=="},
    {ax::Op::kNe, "!="},
    {ax::Op::kLt, "<"},
    {ax::Op::kLe, "<="},
    {ax::Op::kGt, ">"},
    {ax::Op::kGe, ">="},
    {ax::Op::kAnd, "and"},
    {ax::Op::kOr, "or"},
    {ax::Op::kBitAnd, "&"},
    {ax::Op::kBitOr, "bor"},
    {ax::Op::kBitXor, "^"},
    {ax::Op::kShl, "<<"},
    {ax::Op::kShr, ">>"},
}};

template <typename T, std::size_t N>
[[nodiscard]] constexpr std::string_view find_name(const std::array<std::pair<T, std::string_view>, N>& table, T key) {
  for (const auto& [value, name] : table) {
    if (value == key) return name;
  }
  return {};
}

[[nodiscard]] constexpr std::string_view name_of(Buffer::Stride stride) { return find_name(kStrideNames, stride); }
[[nodiscard]] constexpr std::string_view name_of(Access access) { return find_name(kAccessNames, access); }
[[nodiscard]] constexpr std::string_view name_of(Tail tail) { return find_name(kTailNames, tail); }
[[nodiscard]] constexpr std::string_view name_of(ax::Update update) { return find_name(kUpdateNames, update); }
/// Empty for operations written as calls.
[[nodiscard]] constexpr std::string_view infix_of(ax::Op op) { return find_name(kInfixNames, op); }

}  // namespace aurex::schedule
