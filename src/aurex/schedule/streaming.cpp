#include "aurex/schedule/streaming.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "aurex/schedule/schedule.h"

namespace aurex::schedule {
namespace {

/// A result of four times the second cache is gone from it before anyone can read it again.
constexpr std::int64_t kCachesFilled = 4;
/// Stores past the caches take the line fill buffers that loads need; loads asked for this early do not wait for them.
constexpr std::int64_t kPrefetchBytes = 2048;
/// The rows asked for may take this share of the second cache.
constexpr std::int64_t kRowsShare = 2;

/// A unit-stride access of a loop's body.
struct UnitAccess {
  BufferId buffer = kNone;
  std::vector<ExprId> indices;
};

bool is_argument(LoopBuilder& b, BufferId id) { return b.program().buffers[id].kind == Buffer::Kind::kArgument; }

/// Bytes along the dimensions from `first` on.
ExprId bytes_of(LoopBuilder& b, BufferId id, std::size_t first = 0) {
  const Buffer buffer = b.program().buffers[id];
  ExprId bytes = b.i64(bytes_per_element(buffer.dtype));
  for (std::size_t d = first; d < buffer.extents.size(); ++d) bytes = b.mul(bytes, buffer.extents[d]);
  return bytes;
}

/// The unit-stride loads of arguments in a loop's body, each once.
std::vector<UnitAccess> loads_of(LoopBuilder& b, const Body& body) {
  std::vector<ExprId> seen;
  std::vector<UnitAccess> loads;
  const std::function<void(ExprId)> visit = [&](ExprId id) {
    if (std::ranges::count(seen, id) > 0) return;
    seen.push_back(id);
    const Expr e = b.expr(id);
    for (const ExprId arg : e.args) visit(arg);
    if (e.kind == Expr::Kind::kLoad && e.access == Access::kUnit && is_argument(b, e.id))
      loads.push_back({e.id, e.args});
  };
  for (const Stmt& stmt : body) {
    if (const auto* let = std::get_if<Let>(&stmt.node)) visit(let->value);
    if (const auto* set = std::get_if<Set>(&stmt.node)) visit(set->value);
    if (const auto* store = std::get_if<Store>(&stmt.node)) visit(store->value);
  }
  return loads;
}

/// Names, and stores that leave no element half done.
bool is_elementwise(const Body& body) {
  bool stores = false;
  for (const Stmt& stmt : body) {
    if (std::holds_alternative<Let>(stmt.node)) continue;
    const auto* store = std::get_if<Store>(&stmt.node);
    if (!store || store->update != ax::Update::kSet || store->access != Access::kUnit || store->predicate != kNone) {
      return false;
    }
    stores = true;
  }
  return stores;
}

/// Sets registers, and stores nothing but scratch on the way.
bool is_reduction(LoopBuilder& b, const Body& body) {
  bool sets = false;
  for (const Stmt& stmt : body) {
    const auto* store = std::get_if<Store>(&stmt.node);
    const bool fine = std::holds_alternative<Let>(stmt.node) || std::holds_alternative<Set>(stmt.node) ||
                      (store && !is_argument(b, store->buffer));
    if (!fine) return false;
    sets = sets || std::holds_alternative<Set>(stmt.node);
  }
  return sets;
}

void put_first(Body& body, ExprId condition, Body statements) {
  body.insert(body.begin(), {If{.condition = condition, .then_body = std::move(statements)}});
}

/// What the last reduction of a row may ask for.
class RowPrefetch {
 public:
  RowPrefetch(LoopBuilder& b, ExprId row, ExprId column) : b_(b), row_(row), column_(column) {}

  /// An access of a row along its columns, `turns` rows on.
  void add(const UnitAccess& access, std::int64_t turns) {
    Prefetch prefetch{.buffer = access.buffer, .indices = access.indices};
    const auto at = std::ranges::find(prefetch.indices, row_);
    if (at == prefetch.indices.end() || prefetch.indices.back() != column_) return;
    *at = b_.add(row_, b_.i64(turns));
    total_ = b_.add(total_, bytes_of(b_, access.buffer));
    rows_ = b_.add(rows_, bytes_of(b_, access.buffer, prefetch.indices.size() - 1));
    body.push_back({std::move(prefetch)});
  }

  ExprId pays(const Target& target) {
    return b_.both(b_.compare(ax::Op::kGe, total_, b_.i64(target.l2_bytes)),
                   b_.compare(ax::Op::kLe, rows_, b_.i64(target.l2_bytes / kRowsShare)));
  }

  Body body;

 private:
  LoopBuilder& b_;
  ExprId row_, column_;
  ExprId total_ = b_.i64(0), rows_ = b_.i64(0);
};

}  // namespace

ExprId passes_caches(LoopBuilder& b, const Target& target, BufferId buffer,
                     const std::function<std::int64_t(std::int64_t)>& decide) {
  const std::int64_t least = decide(kCachesFilled * target.l2_bytes);
  return least == kNever ? kNone : b.compare(ax::Op::kGe, bytes_of(b, buffer), b.i64(least));
}

void stream_large_stores(LoopBuilder& b, const Target& target, Body& body,
                         const std::function<std::int64_t(std::int64_t)>& decide) {
  auto* loop = body.empty() ? nullptr : std::get_if<Loop>(&body.back().node);
  if (!loop || loop->kind != Loop::Kind::kVector || !is_elementwise(loop->body)) return;
  ExprId bytes = b.i64(0);
  for (const Stmt& stmt : loop->body) {
    if (const auto* store = std::get_if<Store>(&stmt.node)) bytes = b.max(bytes, bytes_of(b, store->buffer));
  }
  const std::int64_t least = decide(kCachesFilled * target.l2_bytes);
  if (least == kNever) return;
  const ExprId large = b.compare(ax::Op::kGe, bytes, b.i64(least));
  for (Stmt& stmt : loop->body) {
    if (auto* store = std::get_if<Store>(&stmt.node)) store->stream = large;
  }
  Body prefetches;
  for (const UnitAccess& load : loads_of(b, loop->body)) {
    Prefetch prefetch{.buffer = load.buffer, .indices = load.indices};
    const std::int64_t ahead = kPrefetchBytes / bytes_per_element(b.program().buffers[load.buffer].dtype);
    const auto at = std::ranges::find(prefetch.indices, b.var(loop->var));
    if (at == prefetch.indices.end()) continue;
    *at = b.add(*at, b.i64(ahead));
    prefetches.push_back({std::move(prefetch)});
  }
  if (!prefetches.empty()) put_first(loop->body, large, std::move(prefetches));
}

void prefetch_rows(LoopBuilder& b, const Target& target, Body& body) {
  auto* rows = body.empty() ? nullptr : std::get_if<Loop>(&body.back().node);
  if (!rows || rows->kind != Loop::Kind::kSerial || rows->step != kNone) return;
  std::vector<std::pair<UnitAccess, ExprId>> stores;  // of the loops after the reduction, with their own variable
  for (auto stmt = rows->body.rbegin(); stmt != rows->body.rend(); ++stmt) {
    auto* loop = std::get_if<Loop>(&stmt->node);
    if (!loop || loop->kind != Loop::Kind::kVector) continue;
    if (!is_reduction(b, loop->body)) {
      for (const Stmt& each : loop->body) {
        const auto* store = std::get_if<Store>(&each.node);
        if (!store || store->access != Access::kUnit || !is_argument(b, store->buffer)) continue;
        stores.push_back({{store->buffer, store->indices}, b.var(loop->var)});
      }
      continue;
    }
    const ExprId column = b.var(loop->var);
    RowPrefetch prefetch(b, b.var(rows->var), column);
    for (const UnitAccess& load : loads_of(b, loop->body)) prefetch.add(load, 1);
    if (prefetch.body.empty()) return;
    for (auto& [store, own] : stores) {
      std::ranges::replace(store.indices, own, column);
      prefetch.add(store, 0);
    }
    put_first(loop->body, prefetch.pays(target), std::move(prefetch.body));
    return;
  }
}

}  // namespace aurex::schedule
