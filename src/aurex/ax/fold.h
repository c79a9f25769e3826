#pragma once

// Operations on constants, computed by element.h as everything else is. Pure functions.

#include <optional>
#include <span>

#include "aurex/ax/tile_program.h"

namespace aurex::ax {

/// The constant that `value` computes from `arguments`, in the order of value.args; nothing where one of them is no
/// constant or the operation is not element-wise.
[[nodiscard]] std::optional<Value> fold(const Value& value, std::span<const Value> arguments);

/// A constant in another type, as kCast computes it.
[[nodiscard]] Value cast_constant(const Value& constant, RegType to);

}  // namespace aurex::ax
