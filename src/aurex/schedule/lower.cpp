#include "aurex/schedule/lower.h"

#include "aurex/schedule/drive.h"

namespace aurex::schedule {

SizeClass size_class(const ax::TileProgram&, const std::int64_t*) { return SizeClass::kDirect; }

LoopProgram lower(const ax::TileProgram& program, const StrideClasses& classes, SizeClass size, const Target& target) {
  KernelContext kernel(program, classes, size, target);
  lower_kernel(kernel);
  return std::move(kernel.out);
}

}  // namespace aurex::schedule
