#pragma once

// Result<T>: a value or an error, for callers that test instead of catching.
//
// The library raises; each entry point that is worth testing has a `try_…` form that returns a Result, made with
// `attempt`. The exception inside keeps its own class, so value() raises exactly what the raising form would have.
//
//   Result<Module> module = attempt([&] { return compile(text); });
//   if (!module) std::cerr << module.error().what();
//
// A Result is a value like any other: one thread at a time may change it, several may read it.

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "aurex/base/error.h"

namespace aurex {

/// The failing half of every Result: the error as seen through its base, and the exception with its own class.
class Failure {
 public:
  template <std::derived_from<Error> E>
  explicit Failure(const E& error) : seen_(error), exception_(std::make_exception_ptr(error)) {}
  /// From inside a handler: `raised` is the error being handled, `exception` is std::current_exception().
  Failure(const Error& raised, std::exception_ptr exception) : seen_(raised), exception_(std::move(exception)) {}

  [[nodiscard]] const Error& error() const noexcept { return seen_; }
  [[noreturn]] void raise() const { std::rethrow_exception(exception_); }

 private:
  Error seen_;  // cheap: an Error's text is shared between its copies
  std::exception_ptr exception_;
};

template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): `return value;` reads best
  Result(const Failure& failure) : failure_(failure) {}  // NOLINT(google-explicit-constructor)
  template <std::derived_from<Error> E>
  Result(const E& error) : failure_(Failure(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return value_.has_value(); }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }

  /// The value; raises the error, with its own class, where there is none.
  [[nodiscard]] T& value() & { return require(), *value_; }
  [[nodiscard]] const T& value() const& { return require(), *value_; }
  [[nodiscard]] T&& value() && { return require(), std::move(*value_); }
  template <typename U>
  [[nodiscard]] T value_or(U&& other) const& {
    return ok() ? *value_ : static_cast<T>(std::forward<U>(other));
  }

  /// Requires !ok().
  [[nodiscard]] const Error& error() const noexcept { return failure_->error(); }

 private:
  void require() const {
    if (!ok()) failure_->raise();
  }

  std::optional<T> value_;
  std::optional<Failure> failure_;  // exactly one of the two is set
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(const Failure& failure) : failure_(failure) {}  // NOLINT(google-explicit-constructor)
  template <std::derived_from<Error> E>
  Result(const E& error) : failure_(Failure(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return !failure_.has_value(); }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
  void value() const {
    if (!ok()) failure_->raise();
  }
  /// Requires !ok().
  [[nodiscard]] const Error& error() const noexcept { return failure_->error(); }

 private:
  std::optional<Failure> failure_;
};

/// Runs `body` and catches the errors of this library; exceptions of other families pass through.
template <std::invocable Body>
Result<std::invoke_result_t<Body>> attempt(Body&& body) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      std::invoke(std::forward<Body>(body));
      return {};
    } else {
      return std::invoke(std::forward<Body>(body));
    }
  } catch (const Error& error) {
    return Failure(error, std::current_exception());
  }
}

}  // namespace aurex
