#pragma once

// A reference to something callable, for parameters: two words, no allocation, no ownership.
//
//   void each(FunctionRef<void(int)> visit);   // each([&](int i) { sum += i; });
//
// The callable must outlive the call it is passed to, which a temporary argument does; never store a FunctionRef.

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace aurex {

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
    requires(!std::same_as<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...> &&
             std::is_object_v<std::remove_reference_t<F>>)
  FunctionRef(F&& callable) noexcept  // NOLINT(google-explicit-constructor): stands in for the callable at call sites
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> R {
          return std::invoke(*static_cast<std::remove_reference_t<F>*>(object), std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace aurex
