#pragma once

// How option structs of the library look, and what a door that takes one does with it.
//
// A configuration is a plain struct: each field has its default; `with_…` builders each set one field and return the
// struct, so that a literal reads as a sentence; `validate()` raises InvalidConfig and names the field. It is a value:
// cheap to copy, with no hidden state, so threads may share a const one.
//
//   struct PoolConfig {
//     std::int64_t limit_bytes = -1;  // no limit
//     PoolConfig with_limit_bytes(std::int64_t bytes) const { auto next = *this; next.limit_bytes = bytes; return next;
//     } void validate() const { if (limit_bytes == 0) throw InvalidConfig("limit_bytes: 0 leaves nothing to allocate");
//     }
//   };
//   explicit Pool(PoolConfig config) : config_(validated(std::move(config))) {}

#include <concepts>
#include <utility>

#include "aurex/base/result.h"

namespace aurex {

/// Anything that can be copied and can say whether it makes sense. `validate` raises InvalidConfig.
template <typename C>
concept ValidatableConfig = std::copyable<C> && requires(const C& config) {
  { config.validate() } -> std::same_as<void>;
};

/// `config` itself once it has passed validation; raises InvalidConfig otherwise.
template <ValidatableConfig C>
[[nodiscard]] C validated(C config) {
  config.validate();
  return config;
}

/// The same without raising.
template <ValidatableConfig C>
[[nodiscard]] Result<> try_validate(const C& config) {
  return attempt([&config] { config.validate(); });
}

}  // namespace aurex
