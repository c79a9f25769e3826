#pragma once

// What launches of contractions over copies write alike: loops around a body that is filled in, branches, buffers of a
// worker. Internal to schedule/; the base of BlockLowering::Packed and BlockLowering::Implicit.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "aurex/schedule/block_lowering.h"

namespace aurex::schedule {

class BlockLowering::NestWriter {
 protected:
  explicit NestWriter(BlockLowering& lowering) : l_(lowering), b_(lowering.b_) {}

  Body& body() { return *l_.top().body; }

  /// Appends a loop; `fill` gets its variable and writes what is inside.
  void nest(Loop& loop, VectorShape shape, const std::function<void(ExprId)>& fill) {
    Body inside;
    l_.with_scope({.body = &inside, .bound = l_.top().bound, .vector = shape}, [&] { fill(b_.var(loop.var)); });
    loop.body = std::move(inside);
    body().push_back({std::move(loop)});
  }
  void serial(const std::string& name, ExprId lo, ExprId hi, ExprId step, const std::function<void(ExprId)>& fill) {
    Loop loop{.var = b_.loop_var(name), .lo = lo, .hi = hi, .step = step};
    nest(loop, l_.top().vector, fill);
  }
  void serial(const std::string& name, ExprId lo, ExprId hi, const std::function<void(ExprId)>& fill) {
    serial(name, lo, hi, kNone, fill);
  }
  void unrolled(std::int64_t count, const std::function<void(ExprId)>& fill) {
    Loop loop{.kind = Loop::Kind::kUnroll, .var = b_.loop_var("i"), .lo = b_.i64(0), .hi = b_.i64(count)};
    nest(loop, l_.top().vector, fill);
  }
  /// Positions [lo, hi) by lanes.
  void lanes(const std::string& name, ExprId lo, ExprId hi, VectorShape shape, Tail tail,
             const std::function<void(ExprId)>& fill) {
    Loop loop{.kind = Loop::Kind::kVector,
              .var = b_.vector_var(name),
              .lo = lo,
              .hi = hi,
              .lanes = shape.lanes,
              .vectors = shape.vectors,
              .tail = tail};
    nest(loop, shape, fill);
  }
  void when(ExprId condition, const std::function<void()>& then, const std::function<void()>& otherwise = {}) {
    If branch{.condition = condition};
    const auto part = [&](Body& inside, const std::function<void()>& fill) {
      l_.with_scope(
          {.body = &inside, .bound = l_.top().bound, .control = true, .barrier = true, .vector = l_.top().vector},
          fill);
    };
    part(branch.then_body, then);
    if (otherwise) part(branch.else_body, otherwise);
    body().push_back({std::move(branch)});
  }
  void at(ax::AxisId axis, ExprId position, const std::function<void()>& fill) { l_.at(axis, position, fill); }
  void store(BufferId buffer, std::vector<ExprId> indices, ExprId value) { l_.put(buffer, std::move(indices), value); }

  /// The size of parts of nearly equal size, at most `most` each.
  ExprId balanced(ExprId count, ExprId most) {
    const ExprId parts = b_.max(b_.ceil_div(count, most), b_.i64(1));
    return b_.max(b_.ceil_div(count, parts), b_.i64(1));
  }

  BlockLowering& l_;
  LoopBuilder& b_;
};

}  // namespace aurex::schedule
