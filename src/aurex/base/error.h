#pragma once

// The one family of exceptions that leaves the library.
//
// Every error is an aurex::Error: a code, a message that says what was expected, what came and where, and fields that a
// program can read. Subclasses add typed fields; domain layers may derive their own, and a catch of aurex::Error gets
// all. Errors are values: copying one is cheap, and reading one from several threads is safe.

#include <concepts>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aurex {

/// What went wrong, one per row of the error table in the guide. The name of a code is the name of its class.
enum class ErrorCode {
  kInvalidConfig,
  kArgumentError,
  kIndexOutOfRange,
  kQuantizationError,
  kShapeMismatch,
  kDimensionMismatch,
  kDTypeMismatch,
  kDeviceNotAvailable,
  kDeviceMismatch,
  kOutOfMemory,
  kCompileError,
  kKernelError,
  kFormatError,
  kNotImplemented,
  kIoError,
};

/// "ShapeMismatch" and so on, without the k.
[[nodiscard]] std::string_view to_string(ErrorCode code);

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message, std::source_location where = std::source_location::current());

  [[nodiscard]] const char* what() const noexcept override;
  [[nodiscard]] ErrorCode code() const noexcept;
  [[nodiscard]] const std::string& message() const noexcept;
  /// Where in the library it was raised.
  [[nodiscard]] const std::source_location& where() const noexcept;

  /// Named facts about the error, in the order they were added: {"kernel", "add"}, {"axis", "N"}.
  [[nodiscard]] std::span<const std::pair<std::string, std::string>> fields() const noexcept;
  /// The value of one field, empty where there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
  Error& with(std::string name, std::string value);

  /// A driver's, LLVM's or the system's own error, kept whole; null where there is none.
  [[nodiscard]] std::exception_ptr cause() const noexcept;
  Error& because(std::exception_ptr cause);

  /// The path that led here, outermost first: model, operation, kernel, line.
  [[nodiscard]] std::span<const std::string> stack() const noexcept;
  /// Adds an outer frame while the error travels up.
  Error& within(std::string frame);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared so that copies made by throw do not copy text
};

/// Adds facts and keeps the class, for throw expressions:
/// `throw with_fields(ArgumentError("…"), {{"argument", name}});`
template <std::derived_from<Error> E>
[[nodiscard]] E with_fields(E error, std::initializer_list<std::pair<std::string, std::string>> fields) {
  for (const auto& [name, value] : fields) error.with(name, value);
  return error;
}

using Extents = std::vector<std::int64_t>;

#define AUREX_SIMPLE_ERROR(Name)                                                                     \
  class Name : public Error {                                                                        \
   public:                                                                                           \
    explicit Name(std::string message, std::source_location where = std::source_location::current()) \
        : Error(ErrorCode::k##Name, std::move(message), where) {}                                    \
  };

/// A setting or an argument fails validation.
AUREX_SIMPLE_ERROR(InvalidConfig)
/// An argument is missing, surplus or unknown; field "argument" names it.
AUREX_SIMPLE_ERROR(ArgumentError)
/// A tensor does not fit a block format.
AUREX_SIMPLE_ERROR(QuantizationError)
/// Element types do not fit; fields "expected" and "actual".
AUREX_SIMPLE_ERROR(DTypeMismatch)
/// The requested device is not there; the message lists those that are.
AUREX_SIMPLE_ERROR(DeviceNotAvailable)
/// Tensors of one call lie on different devices.
AUREX_SIMPLE_ERROR(DeviceMismatch)
/// A launch or its execution failed.
AUREX_SIMPLE_ERROR(KernelError)
/// A feature that is declared but not there yet; the message names the construct.
AUREX_SIMPLE_ERROR(NotImplemented)
/// The operating system refused to read or write.
AUREX_SIMPLE_ERROR(IoError)
#undef AUREX_SIMPLE_ERROR

/// Extents that disagree.
class ShapeMismatch : public Error {
 public:
  ShapeMismatch(std::string message, Extents expected, Extents actual,
                std::source_location where = std::source_location::current());
  Extents expected, actual;
};

/// Ranks that disagree.
class DimensionMismatch : public Error {
 public:
  DimensionMismatch(std::string message, std::int64_t expected, std::int64_t actual,
                    std::source_location where = std::source_location::current());
  std::int64_t expected, actual;
};

/// Positions along named axes: {{"i", 1}, {"j", 3}}.
using AxisPositions = std::vector<std::pair<std::string, std::int64_t>>;

/// "position 7 (i=1, j=3)", or "position 7" without axes.
[[nodiscard]] std::string position_text(std::int64_t position, const AxisPositions& axes);

/// A gather or computed index outside its axis.
class IndexOutOfRange : public Error {
 public:
  struct Site {
    std::string kernel;
    std::int64_t line = 0;      // in the AX source, from 1
    std::int64_t position = 0;  // linear position of the element that asked
    std::int64_t index = 0, bound = 0;
    AxisPositions axes = {};  // the position by axis, outermost first; empty where it is not known
  };
  explicit IndexOutOfRange(Site site, std::source_location where = std::source_location::current());
  Site site;
};

/// An allocation failed or would pass the limit. All in bytes; limit < 0 means none is set.
class OutOfMemory : public Error {
 public:
  OutOfMemory(std::string what, std::int64_t requested, std::int64_t free, std::int64_t limit,
              std::source_location where = std::source_location::current());
  std::int64_t requested, free, limit;
};

/// A file is malformed at a byte offset.
class FormatError : public Error {
 public:
  FormatError(std::string message, std::int64_t offset, std::source_location where = std::source_location::current());
  std::int64_t offset;
};

}  // namespace aurex
