#include "aurex/base/error.h"

namespace aurex {
namespace {

std::string format_extents(const Extents& extents) {
  std::string text = "(";
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(extents[i]);
  }
  return text + ")";
}

std::string index_message(const IndexOutOfRange::Site& site) {
  return "index " + std::to_string(site.index) + " is outside [0, " + std::to_string(site.bound) + ") in kernel '" +
         site.kernel + "', line " + std::to_string(site.line) + ", at " + position_text(site.position, site.axes);
}

std::string memory_message(std::string what, std::int64_t requested, std::int64_t free, std::int64_t limit) {
  std::string text = std::move(what) + ": requested " + std::to_string(requested) + " bytes, " + std::to_string(free) +
                     " bytes are free, ";
  return text + (limit < 0 ? "no limit is set" : "the limit is " + std::to_string(limit) + " bytes");
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidConfig:
      return "InvalidConfig";
    case ErrorCode::kArgumentError:
      return "ArgumentError";
    case ErrorCode::kIndexOutOfRange:
      return "IndexOutOfRange";
    case ErrorCode::kQuantizationError:
      return "QuantizationError";
    case ErrorCode::kShapeMismatch:
      return "ShapeMismatch";
    case ErrorCode::kDimensionMismatch:
      return "DimensionMismatch";
    case ErrorCode::kDTypeMismatch:
      return "DTypeMismatch";
    case ErrorCode::kDeviceNotAvailable:
      return "DeviceNotAvailable";
    case ErrorCode::kDeviceMismatch:
      return "DeviceMismatch";
    case ErrorCode::kOutOfMemory:
      return "OutOfMemory";
    case ErrorCode::kCompileError:
      return "CompileError";
    case ErrorCode::kKernelError:
      return "KernelError";
    case ErrorCode::kFormatError:
      return "FormatError";
    case ErrorCode::kNotImplemented:
      return "NotImplemented";
    case ErrorCode::kIoError:
      return "IoError";
  }
  return "Error";  // a value that no enumerator names, made by a cast
}

struct Error::State {
  ErrorCode code;
  std::string message;
  std::source_location where;
  std::vector<std::pair<std::string, std::string>> fields;
  std::exception_ptr cause;
  std::vector<std::string> stack;  // outermost first
};

Error::Error(ErrorCode code, std::string message, std::source_location where)
    : state_(std::make_shared<State>(State{code, std::move(message), where, {}, nullptr, {}})) {}

const char* Error::what() const noexcept { return state_->message.c_str(); }
ErrorCode Error::code() const noexcept { return state_->code; }
const std::string& Error::message() const noexcept { return state_->message; }
const std::source_location& Error::where() const noexcept { return state_->where; }

std::span<const std::pair<std::string, std::string>> Error::fields() const noexcept { return state_->fields; }

std::string_view Error::field(std::string_view name) const noexcept {
  for (const auto& [key, value] : state_->fields) {
    if (key == name) return value;
  }
  return {};
}

// Copies share their state, so a change goes to a state of its own: another thread may be reading the old one.
Error& Error::with(std::string name, std::string value) {
  auto changed = std::make_shared<State>(*state_);
  changed->fields.emplace_back(std::move(name), std::move(value));
  state_ = std::move(changed);
  return *this;
}

std::exception_ptr Error::cause() const noexcept { return state_->cause; }

Error& Error::because(std::exception_ptr cause) {
  auto changed = std::make_shared<State>(*state_);
  changed->cause = std::move(cause);
  state_ = std::move(changed);
  return *this;
}

std::span<const std::string> Error::stack() const noexcept { return state_->stack; }

Error& Error::within(std::string frame) {
  auto changed = std::make_shared<State>(*state_);
  changed->stack.insert(changed->stack.begin(), std::move(frame));
  state_ = std::move(changed);
  return *this;
}

ShapeMismatch::ShapeMismatch(std::string message, Extents expected_extents, Extents actual_extents,
                             std::source_location where)
    : Error(ErrorCode::kShapeMismatch, std::move(message), where),
      expected(std::move(expected_extents)),
      actual(std::move(actual_extents)) {
  with("expected", format_extents(expected));
  with("actual", format_extents(actual));
}

DimensionMismatch::DimensionMismatch(std::string message, std::int64_t expected_rank, std::int64_t actual_rank,
                                     std::source_location where)
    : Error(ErrorCode::kDimensionMismatch, std::move(message), where), expected(expected_rank), actual(actual_rank) {
  with("expected", std::to_string(expected));
  with("actual", std::to_string(actual));
}

std::string position_text(std::int64_t position, const AxisPositions& axes) {
  std::string text;
  for (const auto& [name, at] : axes) text += (text.empty() ? "" : ", ") + name + "=" + std::to_string(at);
  return "position " + std::to_string(position) + (text.empty() ? "" : " (" + text + ")");
}

IndexOutOfRange::IndexOutOfRange(Site where_in_kernel, std::source_location where)
    : Error(ErrorCode::kIndexOutOfRange, index_message(where_in_kernel), where), site(std::move(where_in_kernel)) {
  with("kernel", site.kernel);
  with("line", std::to_string(site.line));
  with("position", std::to_string(site.position));
  with("index", std::to_string(site.index));
  with("bound", std::to_string(site.bound));
}

OutOfMemory::OutOfMemory(std::string what, std::int64_t requested_bytes, std::int64_t free_bytes,
                         std::int64_t limit_bytes, std::source_location where)
    : Error(ErrorCode::kOutOfMemory, memory_message(std::move(what), requested_bytes, free_bytes, limit_bytes), where),
      requested(requested_bytes),
      free(free_bytes),
      limit(limit_bytes) {
  with("requested", std::to_string(requested));
  with("free", std::to_string(free));
  with("limit", std::to_string(limit));
}

FormatError::FormatError(std::string message, std::int64_t byte_offset, std::source_location where)
    : Error(ErrorCode::kFormatError, std::move(message) + " (at byte " + std::to_string(byte_offset) + ")", where),
      offset(byte_offset) {
  with("offset", std::to_string(offset));
}

}  // namespace aurex
