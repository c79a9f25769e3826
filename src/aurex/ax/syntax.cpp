#include "aurex/ax/syntax.h"

namespace aurex::ax::syntax {

std::string_view spelling(UnaryOp op) {
  switch (op) {
    case UnaryOp::kNegate:
      return "-";
    case UnaryOp::kBitNot:
      return "~";
    case UnaryOp::kNot:
      return "not";
  }
  return {};
}

std::string_view spelling(BinaryOp op) {
  switch (op) {
    case BinaryOp::kOr:
      return "or";
    case BinaryOp::kAnd:
      return "and";
    case BinaryOp::kEqual:
      return "==";
    case BinaryOp::kNotEqual:
      return "!=";
    case BinaryOp::kLess:
      return "<";
    case BinaryOp::kLessEqual:
      return "<=";
    case BinaryOp::kGreater:
      return ">";
    case BinaryOp::kGreaterEqual:
      return ">=";
    case BinaryOp::kBitOr:
      return "|";
    case BinaryOp::kBitXor:
      return "^";
    case BinaryOp::kBitAnd:
      return "&";
    case BinaryOp::kShiftLeft:
      return "<<";
    case BinaryOp::kShiftRight:
      return ">>";
    case BinaryOp::kAdd:
      return "+";
    case BinaryOp::kSubtract:
      return "-";
    case BinaryOp::kMultiply:
      return "*";
    case BinaryOp::kDivide:
      return "/";
    case BinaryOp::kRemainder:
      return "%";
  }
  return {};
}

std::string_view spelling(AssignOp op) {
  switch (op) {
    case AssignOp::kSet:
      return "=";
    case AssignOp::kAdd:
      return "+=";
    case AssignOp::kSubtract:
      return "-=";
    case AssignOp::kMultiply:
      return "*=";
    case AssignOp::kMax:
      return "max=";
    case AssignOp::kMin:
      return "min=";
  }
  return {};
}

}  // namespace aurex::ax::syntax
