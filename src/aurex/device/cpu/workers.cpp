#include "aurex/device/cpu/workers.h"

namespace aurex::cpu {

std::shared_ptr<Slab> Workers::reserve(std::int64_t bytes) {
  const int others = pool_.threads() - 1;
  if (others == 0 || bytes == 0) return nullptr;
  if (bytes > kKept) return std::make_shared<Slab>(others, bytes);
  const std::scoped_lock lock(mutex_);
  if (!slab_ || !slab_->holds(others, bytes)) {
    slab_.reset();  // first, so that old and new are not held together
    slab_ = std::make_shared<Slab>(others, bytes);
  }
  return slab_;
}

}  // namespace aurex::cpu
