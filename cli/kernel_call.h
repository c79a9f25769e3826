#pragma once

// A call of a kernel as the command line spells it: NAME=VALUE for arguments, and for extents that no argument carries.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aurex/jit/kernel.h"
#include "cli/value.h"

namespace aurex::cli {

/// The arguments of one kernel as the command line gave them; owns their arrays.
class Arguments {
 public:
  /// Raises UsageError, ArgumentError, and what reading a file raises.
  Arguments(const ax::KernelInterface& interface, const std::vector<std::string>& texts);

  /// Views of the arrays as they are now; inout arrays change with a run.
  [[nodiscard]] std::vector<Argument> arguments() const;
  [[nodiscard]] const std::vector<ax::NamedExtent>& extents() const { return extents_; }
  [[nodiscard]] const Tensor& array(std::size_t i) const { return std::get<Tensor>(*values_[i]); }

  /// The same with arrays of their own, so that a second run meets what the first one met.
  [[nodiscard]] Arguments clone() const;
  Arguments(const Arguments& other) : values_(other.values_), named_(other.named_) { name_extents(); }
  Arguments& operator=(const Arguments&) = delete;

 private:
  void take(const ax::KernelInterface& interface, const std::string& name, Value value);
  void name_extents();

  std::vector<std::optional<Value>> values_;
  std::deque<std::pair<std::string, std::int64_t>> named_;
  std::vector<ax::NamedExtent> extents_;  // views of the names above
};

struct NamedArray {
  std::string name;
  Tensor tensor;
};

/// One call with results of its own; what it writes can be had by name. Kernel and arguments must outlive it.
class Trial {
 public:
  Trial(const Kernel& kernel, const Arguments& arguments);

  jit::Call& call() { return call_; }

  /// Results, then inout arrays.
  [[nodiscard]] std::vector<NamedArray> written() const;

 private:
  const ax::KernelInterface& interface_;
  const Arguments& arguments_;
  const std::vector<Argument> list_;
  jit::Call call_;
  std::vector<Tensor> results_;
};

}  // namespace aurex::cli
