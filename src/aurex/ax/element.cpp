#include "aurex/ax/element.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "aurex/tensor/convert.h"

namespace aurex::ax {
namespace {

template <typename T>
T get(Cell cell) {
  if constexpr (std::is_same_v<T, bool>) return cell.truth();
  if constexpr (std::is_same_v<T, float>) return cell.f32();
  if constexpr (std::is_same_v<T, double>) return cell.f64();
  if constexpr (std::is_integral_v<T>) return static_cast<T>(cell.bits);
}

/// Calls `f` with a value of the C++ type that stands for a register type.
template <typename F>
auto with_type(RegType type, F&& f) {
  switch (type) {
    case RegType::kBool:
      return f(bool{});
    case RegType::kI32:
      return f(std::int32_t{});
    case RegType::kI64:
      return f(std::int64_t{});
    case RegType::kU32:
      return f(std::uint32_t{});
    case RegType::kU64:
      return f(std::uint64_t{});
    case RegType::kF32:
      return f(float{});
    case RegType::kF64:
      break;
  }
  return f(double{});
}

template <typename T>
constexpr bool kFloat = std::is_floating_point_v<T>;
template <typename T>
constexpr bool kInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <typename T>
T larger(T a, T b) {
  if constexpr (kFloat<T>) {
    if (std::isnan(a)) return a;
    if (std::isnan(b)) return b;
  }
  return a > b ? a : b;
}

template <typename T>
T smaller(T a, T b) {
  if constexpr (kFloat<T>) {
    if (std::isnan(a)) return a;
    if (std::isnan(b)) return b;
  }
  return a < b ? a : b;
}

// Wrapping arithmetic: signed types go through their unsigned twin.
template <typename T>
using Unsigned = std::make_unsigned_t<T>;

template <typename T>
T floor_div(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a));
    const T quotient = a / b;
    return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
  } else {
    return a / b;
  }
}

template <typename T>
T floor_mod(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
    const T rest = a % b;
    return (rest != 0 && (rest < 0) != (b < 0)) ? rest + b : rest;
  } else {
    return a % b;
  }
}

template <typename T>
T shift_left(T a, T count) {
  constexpr int kBits = std::numeric_limits<Unsigned<T>>::digits;
  const auto n = static_cast<Unsigned<T>>(count);
  return n >= static_cast<Unsigned<T>>(kBits) ? T{0} : static_cast<T>(static_cast<Unsigned<T>>(a) << n);
}

template <typename T>
T shift_right(T a, T count) {
  constexpr int kBits = std::numeric_limits<Unsigned<T>>::digits;
  const auto n = static_cast<Unsigned<T>>(count);
  if (n >= static_cast<Unsigned<T>>(kBits)) return (std::is_signed_v<T> && a < 0) ? static_cast<T>(-1) : T{0};
  return static_cast<T>(a >> n);
}

/// Multiplies by 2^n, rounding once; n far out of range gives 0 or infinity.
template <typename T>
T scale(T x, std::int32_t n) {
  return std::ldexp(x, n);
}

template <typename T>
Cell unary(Op op, T a) {
  switch (op) {
    case Op::kNeg:
      if constexpr (kFloat<T>) return Cell::of(-a);
      if constexpr (kInteger<T>) return Cell::of(static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a)));
      break;
    case Op::kAbs:
      if constexpr (kFloat<T>) return Cell::of(std::fabs(a));
      if constexpr (kInteger<T>) {
        return a < T{0} ? Cell::of(static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a))) : Cell::of(a);
      }
      break;
    case Op::kSign:
      if constexpr (kFloat<T>) return Cell::of(a > 0 ? T{1} : a < 0 ? T{-1} : a);  // keeps ±0 and NaN
      if constexpr (kInteger<T>) return Cell::of(static_cast<T>((a > T{0}) - (a < T{0})));
      break;
    case Op::kPopcount:
      if constexpr (kInteger<T>) return Cell::of(static_cast<T>(std::popcount(static_cast<Unsigned<T>>(a))));
      break;
    case Op::kClz:
      if constexpr (kInteger<T>) return Cell::of(static_cast<T>(std::countl_zero(static_cast<Unsigned<T>>(a))));
      break;
    case Op::kBitNot:
      if constexpr (kInteger<T>) return Cell::of(static_cast<T>(~a));
      break;
    case Op::kNot:
      return Cell::of(a == T{});
    default:
      break;
  }
  if constexpr (kFloat<T>) {
    switch (op) {
      case Op::kSqrt:
        return Cell::of(std::sqrt(a));
      case Op::kFloor:
        return Cell::of(std::floor(a));
      case Op::kCeil:
        return Cell::of(std::ceil(a));
      case Op::kTrunc:
        return Cell::of(std::trunc(a));
      case Op::kRound:
        return Cell::of(std::nearbyint(a));  // the default rounding mode is half to even
      case Op::kIsNan:
        return Cell::of(std::isnan(a));
      case Op::kIsInf:
        return Cell::of(std::isinf(a));
      case Op::kIsFinite:
        return Cell::of(std::isfinite(a));
      default:
        break;
    }
  }
  return {};
}

template <typename T>
Cell integer_binary(Op op, T a, T b) {
  switch (op) {
    case Op::kFloorDiv:
      return Cell::of(floor_div(a, b));
    case Op::kMod:
      return Cell::of(floor_mod(a, b));
    case Op::kBitAnd:
      return Cell::of(static_cast<T>(a & b));
    case Op::kBitOr:
      return Cell::of(static_cast<T>(a | b));
    case Op::kBitXor:
      return Cell::of(static_cast<T>(a ^ b));
    case Op::kShl:
      return Cell::of(shift_left(a, b));
    case Op::kShr:
      return Cell::of(shift_right(a, b));
    default:
      return {};
  }
}

template <typename T>
Cell arithmetic(Op op, T a, T b) {
  if constexpr (kInteger<T>) {
    const auto ua = static_cast<Unsigned<T>>(a), ub = static_cast<Unsigned<T>>(b);
    switch (op) {
      case Op::kAdd:
        return Cell::of(static_cast<T>(ua + ub));
      case Op::kSub:
        return Cell::of(static_cast<T>(ua - ub));
      case Op::kMul:
        return Cell::of(static_cast<T>(ua * ub));
      default:
        return integer_binary(op, a, b);
    }
  } else {
    switch (op) {
      case Op::kAdd:
        return Cell::of(a + b);
      case Op::kSub:
        return Cell::of(a - b);
      case Op::kMul:
        return Cell::of(a * b);
      case Op::kDiv:
        return Cell::of(a / b);
      case Op::kMod: {  // floor: the sign of the divisor, as NumPy's; a zero divisor gives NaN
        const T rest = std::fmod(a, b);
        return Cell::of(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
      }
      case Op::kFloorDiv:
        return Cell::of(std::floor(a / b));
      default:
        return {};
    }
  }
}

template <typename T>
Cell binary(Op op, T a, T b) {
  switch (op) {
    case Op::kEq:
      return Cell::of(a == b);
    case Op::kNe:
      return Cell::of(a != b);
    case Op::kLt:
      return Cell::of(a < b);
    case Op::kLe:
      return Cell::of(a <= b);
    case Op::kGt:
      return Cell::of(a > b);
    case Op::kGe:
      return Cell::of(a >= b);
    case Op::kMax:
      return Cell::of(larger(a, b));
    case Op::kMin:
      return Cell::of(smaller(a, b));
    default:
      break;
  }
  if constexpr (std::is_same_v<T, bool>) {
    switch (op) {
      case Op::kAnd:
      case Op::kBitAnd:
        return Cell::of(a && b);
      case Op::kOr:
      case Op::kBitOr:
        return Cell::of(a || b);
      case Op::kBitXor:
        return Cell::of(a != b);
      default:
        return {};
    }
  } else {
    return arithmetic(op, a, b);
  }
}

}  // namespace

double to_f64(RegType type, Cell cell) {
  return with_type(type, [&](auto t) { return static_cast<double>(get<decltype(t)>(cell)); });
}

std::int64_t to_i64(RegType type, Cell cell) {
  return with_type(type, [&](auto t) -> std::int64_t {
    using T = decltype(t);
    if constexpr (kFloat<T>) return saturate_cast<std::int64_t>(get<T>(cell));
    return static_cast<std::int64_t>(get<T>(cell));
  });
}

Cell from_f64(RegType type, double value) { return cast(type, RegType::kF64, Cell::of(value)); }
Cell from_i64(RegType type, std::int64_t value) { return cast(type, RegType::kI64, Cell::of(value)); }

Cell cast(RegType to, RegType from, Cell cell) {
  return with_type(from, [&](auto f) {
    using From = decltype(f);
    const From value = get<From>(cell);
    return with_type(to, [&](auto t) {
      using To = decltype(t);
      if constexpr (std::is_same_v<To, bool>) {
        return Cell::of(value != From{});
      } else if constexpr (kFloat<From> && kInteger<To>) {
        return Cell::of(saturate_cast<To>(value));
      } else {
        return Cell::of(static_cast<To>(value));
      }
    });
  });
}

Cell evaluate(Op op, RegType type, RegType operand, std::span<const Cell> args) {
  switch (op) {
    case Op::kCast:
      return cast(type, operand, args[0]);
    case Op::kBitcast:
      return args[0];
    case Op::kSelect:
      return args[0].truth() ? args[1] : args[2];
    case Op::kFma:
      return type == RegType::kF32 ? Cell::of(std::fma(args[0].f32(), args[1].f32(), args[2].f32()))
                                   : Cell::of(std::fma(args[0].f64(), args[1].f64(), args[2].f64()));
    case Op::kLdexp:
      return type == RegType::kF32 ? Cell::of(scale(args[0].f32(), args[1].i32()))
                                   : Cell::of(scale(args[0].f64(), args[1].i32()));
    default:
      break;
  }
  return with_type(operand, [&](auto t) {
    using T = decltype(t);
    return args.size() == 1 ? unary(op, get<T>(args[0])) : binary(op, get<T>(args[0]), get<T>(args[1]));
  });
}

Cell identity(Reduction reduction, RegType type) {
  return with_type(type, [&](auto t) {
    using T = decltype(t);
    using Limits = std::numeric_limits<T>;
    switch (reduction) {
      case Reduction::kProd:
        return Cell::of(static_cast<T>(1));
      case Reduction::kAll:
        return Cell::of(true);
      case Reduction::kMax:
        return Cell::of(kFloat<T> ? -Limits::infinity() : Limits::lowest());
      case Reduction::kMin:
        return Cell::of(kFloat<T> ? Limits::infinity() : Limits::max());
      default:
        return Cell::of(T{});
    }
  });
}

Cell combine(Reduction reduction, RegType type, Cell left, Cell right) {
  const Cell args[] = {left, right};
  switch (reduction) {
    case Reduction::kProd:
      return evaluate(Op::kMul, type, type, args);
    case Reduction::kMax:
      return evaluate(Op::kMax, type, type, args);
    case Reduction::kMin:
      return evaluate(Op::kMin, type, type, args);
    case Reduction::kAny:
      return Cell::of(left.truth() || right.truth());
    case Reduction::kAll:
      return Cell::of(left.truth() && right.truth());
    default:
      return evaluate(Op::kAdd, type, type, args);
  }
}

Cell load_element(DType dtype, const void* element) {
  const RegType type = register_type(dtype);
  if (dtype == DType::kF64) return Cell::of(load_f64(dtype, element));
  if (is_floating_point(dtype)) return Cell::of(static_cast<float>(load_f64(dtype, element)));  // exact
  return from_i64(type, load_i64(dtype, element));
}

void store_element(DType dtype, void* element, RegType type, Cell cell) {
  if (is_float(type)) {
    const double value = to_f64(type, cell);
    store_f64(dtype, element, is_integer(dtype) ? std::nearbyint(value) : value);
  } else if (type == RegType::kU64) {
    store_u64(dtype, element, cell.u64());
  } else {
    store_i64(dtype, element, to_i64(type, cell));
  }
}

bool is_nan(RegType type, Cell cell) { return is_float(type) && std::isnan(to_f64(type, cell)); }

}  // namespace aurex::ax
