#pragma once

// Rule 31: how tight operators bind. The parser and the printer read the same table.
//
//   ?: · or · and · not · comparisons (no chains) · | · ^ · & · << >> · + - · * / % · unary · index, call, else

#include "aurex/ax/syntax.h"

namespace aurex::ax {

inline constexpr int kConditionalPrecedence = 0;
inline constexpr int kLoosestBinary = 1;
inline constexpr int kNotPrecedence = 3;
inline constexpr int kComparisonPrecedence = 4;
inline constexpr int kUnaryPrecedence = 11;
inline constexpr int kPostfixPrecedence = 12;

/// A larger number binds tighter.
[[nodiscard]] constexpr int precedence(syntax::BinaryOp op) {
  using enum syntax::BinaryOp;
  switch (op) {
    case kOr:
      return 1;
    case kAnd:
      return 2;
    case kEqual:
    case kNotEqual:
    case kLess:
    case kLessEqual:
    case kGreater:
    case kGreaterEqual:
      return kComparisonPrecedence;
    case kBitOr:
      return 5;
    case kBitXor:
      return 6;
    case kBitAnd:
      return 7;
    case kShiftLeft:
    case kShiftRight:
      return 8;
    case kAdd:
    case kSubtract:
      return 9;
    case kMultiply:
    case kDivide:
    case kRemainder:
      return 10;
  }
  return kLoosestBinary;
}

[[nodiscard]] constexpr bool is_comparison(syntax::BinaryOp op) { return precedence(op) == kComparisonPrecedence; }

}  // namespace aurex::ax
