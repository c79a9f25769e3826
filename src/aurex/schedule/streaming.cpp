#include "aurex/schedule/streaming.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "aurex/schedule/schedule.h"

namespace aurex::schedule {
namespace {

/// A result of four times the second cache is gone from it before anyone can read it again.
constexpr std::int64_t kCachesFilled = 4;
/// Stores past the caches take the line fill buffers that loads need; loads asked for this early do not wait for them.
constexpr std::int64_t kPrefetchBytes = 2048;

/// Unit-stride accesses of one loop.
class Accesses {
 public:
  Accesses(LoopBuilder& b, const Loop& loop) : b_(b), position_(b.var(loop.var)) {}

  /// False where the body holds anything but names and plain unit-stride stores.
  bool gather(const Body& body) {
    for (const Stmt& stmt : body) {
      if (const auto* let = std::get_if<Let>(&stmt.node)) {
        visit(let->value);
        continue;
      }
      const auto* store = std::get_if<Store>(&stmt.node);
      if (!store || store->update != ax::Update::kSet || store->access != Access::kUnit || store->predicate != kNone) {
        return false;
      }
      visit(store->value);
      stores.push_back(store->buffer);
    }
    return !stores.empty();
  }

  std::vector<BufferId> stores;
  Body prefetches;

 private:
  void visit(ExprId id) {
    const Expr e = b_.expr(id);
    for (const ExprId arg : e.args) visit(arg);
    if (e.kind != Expr::Kind::kLoad || e.access != Access::kUnit || std::ranges::count(loads_, id) > 0) return;
    loads_.push_back(id);
    const std::int64_t ahead = kPrefetchBytes / bytes_per_element(b_.program().buffers[e.id].dtype);
    Prefetch prefetch{.buffer = e.id, .indices = e.args};
    for (ExprId& index : prefetch.indices) {
      if (index == position_) index = b_.add(index, b_.i64(ahead));
    }
    prefetches.push_back({std::move(prefetch)});
  }

  LoopBuilder& b_;
  ExprId position_;
  std::vector<ExprId> loads_;
};

ExprId bytes_of(LoopBuilder& b, BufferId id) {
  const Buffer buffer = b.program().buffers[id];
  ExprId bytes = b.i64(bytes_per_element(buffer.dtype));
  for (const ExprId extent : buffer.extents) bytes = b.mul(bytes, extent);
  return bytes;
}

}  // namespace

void stream_large_stores(LoopBuilder& b, const Target& target, Body& body,
                         const std::function<std::int64_t(std::int64_t)>& decide) {
  const auto* loop = body.empty() ? nullptr : std::get_if<Loop>(&body.back().node);
  if (!loop || loop->kind != Loop::Kind::kVector) return;
  Accesses accesses(b, *loop);
  if (!accesses.gather(loop->body)) return;
  const std::int64_t least = decide(kCachesFilled * target.l2_bytes);
  if (least == kNever) return;
  ExprId bytes = b.i64(0);
  for (const BufferId buffer : accesses.stores) bytes = b.max(bytes, bytes_of(b, buffer));
  Loop streaming = *loop;
  for (Stmt& stmt : streaming.body) {
    if (auto* store = std::get_if<Store>(&stmt.node)) store->non_temporal = true;
  }
  std::ranges::move(accesses.prefetches, std::inserter(streaming.body, streaming.body.begin()));
  If choice{.condition = b.compare(ax::Op::kGe, bytes, b.i64(least))};
  choice.then_body.push_back({std::move(streaming)});
  choice.else_body.push_back(std::move(body.back()));
  body.back() = {std::move(choice)};
}

}  // namespace aurex::schedule
