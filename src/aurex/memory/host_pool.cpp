#include "aurex/memory/host_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <new>
#include <utility>

#include "aurex/base/error.h"

namespace aurex {
namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kHugePage = 2 << 20;

constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

constexpr std::int64_t class_bytes(int size_class) { return HostPool::kAlignment << size_class; }

int size_class_of(std::int64_t bytes) {
  const auto rounded = std::bit_ceil(static_cast<std::uint64_t>(std::max(bytes, HostPool::kAlignment)));
  return std::countr_zero(rounded) - std::countr_zero(static_cast<std::uint64_t>(HostPool::kAlignment));
}

/// Maps `bytes` at a multiple of `alignment`, null where the system refuses.
std::byte* map_aligned(std::int64_t bytes, std::int64_t alignment) {
  const std::int64_t slack = alignment > kPage ? alignment : 0;
  void* mapped = mmap(nullptr, static_cast<std::size_t>(bytes + slack), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* start = static_cast<std::byte*>(mapped);
  if (slack == 0) return start;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const auto before = static_cast<std::int64_t>((0 - address) % static_cast<std::uintptr_t>(alignment));
  if (before > 0) munmap(start, static_cast<std::size_t>(before));
  if (slack > before) munmap(start + before + bytes, static_cast<std::size_t>(slack - before));
  return start + before;
}

}  // namespace

struct HostPool::FreeBlock {
  FreeBlock* next;
  std::int64_t bytes;  // of a free range; small blocks go by their class
};

/// One mapping and its free ranges: a list in order of address that lies in the free memory itself, so that giving back
/// never needs memory. Neighbouring free ranges are always merged.
struct HostPool::Pool {
  static std::unique_ptr<Pool> map(std::int64_t bytes) {
    const bool huge = bytes >= kHugePageFrom;
    const std::int64_t size = round_up(bytes, huge ? kHugePage : kPage);
    std::byte* start = map_aligned(size, huge ? kHugePage : kPage);
    if (start == nullptr) return nullptr;
    if (huge) madvise(start, static_cast<std::size_t>(size), MADV_HUGEPAGE);  // a wish; refusal changes speed only
    return std::make_unique<Pool>(start, size);
  }

  Pool(std::byte* memory, std::int64_t size) : start(memory), bytes(size) {
    first = new (start) FreeBlock{nullptr, size};
  }
  ~Pool() { munmap(start, static_cast<std::size_t>(bytes)); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] bool holds(const std::byte* memory) const { return memory >= start && memory < start + bytes; }
  [[nodiscard]] bool empty() const { return first != nullptr && first->bytes == bytes; }

  /// The lowest free range that is long enough; null where there is none.
  void* take(std::int64_t wanted) {
    for (FreeBlock** link = &first; *link != nullptr; link = &(*link)->next) {
      FreeBlock* block = *link;
      if (block->bytes < wanted) continue;
      const std::int64_t rest = block->bytes - wanted;
      if (rest == 0) {
        *link = block->next;
      } else {
        *link = new (reinterpret_cast<std::byte*>(block) + wanted) FreeBlock{block->next, rest};
      }
      used += wanted;
      return block;
    }
    return nullptr;
  }

  void give_back(std::byte* memory, std::int64_t size) noexcept {
    FreeBlock* before = nullptr;
    FreeBlock* after = first;
    while (after != nullptr && reinterpret_cast<std::byte*>(after) < memory) before = std::exchange(after, after->next);
    auto* block = new (memory) FreeBlock{after, size};
    (before != nullptr ? before->next : first) = block;
    merge_with_next(block);
    if (before != nullptr) merge_with_next(before);
    used -= size;
  }

  [[nodiscard]] std::int64_t largest_free() const {
    std::int64_t largest = 0;
    for (const FreeBlock* block = first; block != nullptr; block = block->next)
      largest = std::max(largest, block->bytes);
    return largest;
  }

  static void merge_with_next(FreeBlock* block) noexcept {
    FreeBlock* next = block->next;
    if (next == nullptr || reinterpret_cast<std::byte*>(block) + block->bytes != reinterpret_cast<std::byte*>(next)) {
      return;
    }
    block->bytes += next->bytes;
    block->next = next->next;
  }

  std::byte* const start;
  const std::int64_t bytes;
  std::int64_t used = 0;
  FreeBlock* first = nullptr;
};

HostPool::HostPool(std::int64_t kept_empty) : kept_empty_(kept_empty) {}
HostPool::~HostPool() = default;

void* HostPool::allocate(std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (bytes <= kSmallLimit) return allocate_small(size_class_of(bytes));
  if (bytes > std::numeric_limits<std::int64_t>::max() / 2) {
    throw OutOfMemory("no address space for that many bytes", bytes, 0, -1);
  }
  return allocate_range(round_up(bytes, kAlignment));
}

void HostPool::release(void* memory, std::int64_t bytes) noexcept {
  const std::scoped_lock lock(mutex_);
  if (bytes > kSmallLimit) {
    release_range(static_cast<std::byte*>(memory), round_up(bytes, kAlignment));
    return;
  }
  const auto size_class = static_cast<std::size_t>(size_class_of(bytes));
  free_small_[size_class] = new (memory) FreeBlock{free_small_[size_class], 0};
  --small_in_use_[size_class];
}

void* HostPool::allocate_small(int size_class) {
  FreeBlock*& list = free_small_[static_cast<std::size_t>(size_class)];
  if (list == nullptr) {
    auto* slab = static_cast<std::byte*>(allocate_range(kSlab));
    slab_bytes_ += kSlab;
    for (std::int64_t at = kSlab - class_bytes(size_class); at >= 0; at -= class_bytes(size_class)) {
      list = new (slab + at) FreeBlock{list, 0};
    }
  }
  ++small_in_use_[static_cast<std::size_t>(size_class)];
  return std::exchange(list, list->next);
}

void* HostPool::allocate_range(std::int64_t bytes) {
  for (const auto& pool : pools_) {
    if (void* memory = pool->take(bytes)) return memory;
  }
  // Twice the request leaves room for the next one; under pressure the request itself has to do.
  std::unique_ptr<Pool> pool = Pool::map(std::max(kMinPool, 2 * bytes));
  if (!pool) pool = Pool::map(bytes);
  if (!pool) {
    std::int64_t total = 0;
    for (const auto& known : pools_) total += known->bytes;
    throw OutOfMemory("the system has no more memory", bytes, total - used(), -1);
  }
  pools_.push_back(std::move(pool));
  return pools_.back()->take(bytes);
}

void HostPool::release_range(std::byte* memory, std::int64_t bytes) noexcept {
  std::int64_t empty = 0;
  Pool* owner = nullptr;
  for (const auto& pool : pools_) {
    if (pool->holds(memory)) {
      owner = pool.get();
      owner->give_back(memory, bytes);
    }
    if (pool->empty()) empty += pool->bytes;
  }
  if (owner != nullptr && owner->empty() && empty > kept_empty_) {
    std::erase_if(pools_, [&](const auto& pool) { return pool.get() == owner; });
  }
}

std::int64_t HostPool::used() const noexcept {
  std::int64_t bytes = -slab_bytes_;
  for (const auto& pool : pools_) bytes += pool->used;
  for (int i = 0; i < kClasses; ++i) bytes += small_in_use_[static_cast<std::size_t>(i)] * class_bytes(i);
  return bytes;
}

MemoryTelemetry HostPool::telemetry() const {
  const std::scoped_lock lock(mutex_);
  MemoryTelemetry figures;
  figures.pools = static_cast<std::int64_t>(pools_.size());
  figures.used = used();
  for (const auto& pool : pools_) {
    figures.total += pool->bytes;
    figures.largest_free = std::max(figures.largest_free, pool->largest_free());
  }
  const std::int64_t free = figures.total - figures.used;
  if (free > 0) figures.fragmentation = 1 - static_cast<double>(figures.largest_free) / static_cast<double>(free);
  return figures;
}

void HostPool::trim() noexcept {
  const std::scoped_lock lock(mutex_);
  std::erase_if(pools_, [](const auto& pool) { return pool->empty(); });
}

}  // namespace aurex
