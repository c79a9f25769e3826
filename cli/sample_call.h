#pragma once

// A call of a kernel that nobody has made: sample types, extents from the command line, memory that is never touched.
// What `aurex compile` asks the compiler about.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/ax/binding.h"
#include "aurex/memory/tensor.h"

namespace aurex::cli {

using NamedExtents = std::map<std::string, std::int64_t, std::less<>>;

/// "M=1024,N=64". Raises UsageError.
[[nodiscard]] NamedExtents parse_extents(std::string_view text);

/// Row-major arguments for a program; extents that are not given are 64, or what the signature makes of them. Raises
/// what a wrong call raises, and ArgumentError for an extent that the program does not have.
class SampleCall {
 public:
  /// The program must outlive the call.
  SampleCall(const ax::TileProgram& program, const NamedExtents& extents);

  [[nodiscard]] const ax::Binding& binding() const { return binding_; }
  [[nodiscard]] const ax::BoundCall& bound() const { return bound_; }

 private:
  [[nodiscard]] Dims shape_of(const ax::Array& array) const;
  void choose_extents(const NamedExtents& given);

  const ax::TileProgram& program_;
  const ax::Binding binding_;
  std::vector<ax::ScalarArgument> scalars_;
  std::vector<std::int64_t> extents_;  // per dimension
  std::vector<Tensor> tensors_;
  ax::BoundCall bound_;
};

}  // namespace aurex::cli
