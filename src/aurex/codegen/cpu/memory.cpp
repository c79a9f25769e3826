#include <algorithm>
#include <cstddef>
#include <string>

#include "aurex/base/error.h"
#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/cpu/conversions.h"
#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {

using namespace schedule;

// ---- where buffers lie ----

LLVMValueRef Emitter::frame_field(unsigned offset, LLVMTypeRef type) {
  return ir_.load_invariant(type, ir_.address(ir_.int_type(8), frame_, ir_.i64(offset)));
}

LLVMValueRef Emitter::array_field(std::uint32_t array, unsigned offset, LLVMTypeRef type) {
  const LLVMValueRef arrays = frame_field(offsetof(AurexFrame, arrays), ir_.ptr());
  const auto at = static_cast<std::int64_t>(sizeof(AurexArray) * array + offset);
  return ir_.load_invariant(type, ir_.address(ir_.int_type(8), arrays, ir_.i64(at)));
}

LLVMValueRef Emitter::argument_stride(const Buffer& buffer, std::size_t dimension) {
  const LLVMValueRef strides = array_field(buffer.array, offsetof(AurexArray, strides), ir_.ptr());
  return ir_.load_invariant(ir_.int_type(64), ir_.address(ir_.int_type(64), strides, ir_.i64(buffer.slots[dimension])));
}

/// A scratch dimension without a written stride is dense over the dimensions after it.
LLVMValueRef Emitter::scratch_stride(BufferId id, std::size_t dimension) {
  const Buffer& buffer = program_.buffers[id];
  const auto given = [&](std::size_t d) { return buffer.stride[d] == Buffer::Stride::kAny && !buffer.strides.empty(); };
  if (given(dimension)) return uniform(buffer.strides[dimension]);
  LLVMValueRef dense = ir_.i64(1);
  for (std::size_t d = buffer.extents.size(); d-- > dimension + 1;) {
    const LLVMValueRef own = given(d) ? uniform(buffer.strides[d]) : dense;
    dense = ir_.mul(own, uniform(buffer.extents[d]));
  }
  return dense;
}

LLVMValueRef Emitter::scratch_bytes(BufferId id, bool checked) {
  const Buffer& buffer = program_.buffers[id];
  const LLVMTypeRef type = ir_.int_type(64);
  // A product that overflows becomes the largest size, which no arena grants.
  const auto times = [&](LLVMValueRef a, LLVMValueRef b) {
    if (!checked) return ir_.mul(a, b);
    const LLVMTypeRef wide = ir_.int_type(128);
    const LLVMValueRef product = ir_.mul(ir_.convert(LLVMSExt, a, wide), ir_.convert(LLVMSExt, b, wide));
    const LLVMValueRef most = ir_.convert(LLVMSExt, ir_.i64(kNoMemoryIsLarger), wide);
    return ir_.convert(LLVMTrunc, ir_.intrinsic("llvm.smin", {wide}, {product, most}), type);
  };
  LLVMValueRef elements = ir_.i64(1);
  for (std::size_t d = buffer.extents.size(); d-- > 0;) {
    const bool given = buffer.stride[d] == Buffer::Stride::kAny && !buffer.strides.empty();
    const LLVMValueRef extent = uniform(buffer.extents[d]);
    const LLVMValueRef span = times(given ? uniform(buffer.strides[d]) : elements, extent);
    elements = given ? ir_.intrinsic("llvm.smax", {type}, {span, elements}) : span;
  }
  const LLVMValueRef positive = ir_.intrinsic("llvm.smax", {type}, {elements, ir_.i64(0)});
  return times(positive, ir_.i64(bytes_per_element(buffer.dtype)));
}

LLVMValueRef Emitter::stride(BufferId id, std::size_t dimension) {
  const Buffer& buffer = program_.buffers[id];
  switch (buffer.stride[dimension]) {
    case Buffer::Stride::kUnit:
      return ir_.i64(1);
    case Buffer::Stride::kZero:
      return ir_.i64(0);
    case Buffer::Stride::kPack:
      throw NotImplemented("code for a pack of " + buffer.name + " that is indexed without its odometer");
    case Buffer::Stride::kAny:
      break;
  }
  return buffer.kind == Buffer::Kind::kArgument ? argument_stride(buffer, dimension) : scratch_stride(id, dimension);
}

LLVMValueRef Emitter::buffer_base(BufferId id) {
  if (const auto found = bases_.find(id); found != bases_.end()) return found->second;
  const Buffer& buffer = program_.buffers[id];
  LLVMValueRef base = nullptr;
  if (buffer.kind == Buffer::Kind::kArgument) {
    base = array_field(buffer.array, offsetof(AurexArray, data), ir_.ptr());
  } else {
    const bool shared = buffer.kind == Buffer::Kind::kShared;
    LLVMValueRef offset = ir_.i64(shared ? context_.survey.capture_bytes() : 0);
    // Buffers of one arena lie one after the other, in the order of their table.
    const auto place = [&](BufferId other) {
      offset = align_up(offset, program_.buffers[other].align);
      if (other != id) offset = ir_.add(offset, scratch_bytes(other, false));
      return other == id;
    };
    if (shared) {
      for (BufferId other = 0; other <= id; ++other) {
        if (program_.buffers[other].kind == Buffer::Kind::kShared && place(other)) break;
      }
    } else {
      for (const BufferId other : launch_->scratch) {
        if (place(other)) break;
      }
    }
    const LLVMValueRef arena =
        shared ? frame_field(offsetof(AurexFrame, shared), ir_.ptr()) : ir_.load_invariant(ir_.ptr(), worker_);
    base = ir_.address(ir_.int_type(8), arena, offset);
  }
  return bases_.emplace(id, base).first->second;
}

// ---- where an access lies ----

Emitter::Location Emitter::locate(BufferId id, std::span<const ExprId> indices, Access access) {
  const Buffer& buffer = program_.buffers[id];
  // Arguments may lie anywhere; scratch is ours.
  const int aligned = buffer.kind == Buffer::Kind::kArgument ? 1 : bytes_per_element(buffer.dtype);
  Location at{.element = storage_type(ir_, buffer.dtype),
              .align = static_cast<unsigned>(std::min<std::int64_t>(aligned, buffer.align)),
              .base = buffer_base(id)};
  std::vector<LLVMValueRef> terms;
  const auto combine = [&](LLVMValueRef& sum, LLVMValueRef term) { sum = sum == nullptr ? term : ir_.add(sum, term); };
  for (std::size_t d = 0; d < indices.size(); ++d) {
    if (buffer.stride[d] == Buffer::Stride::kZero) continue;
    const Expr& written = expr(indices[d]);
    if (buffer.stride[d] == Buffer::Stride::kPack && written.kind == Expr::Kind::kVar) {
      if (const auto found = pack_offsets_.find({written.id, {id, d}}); found != pack_offsets_.end()) {
        terms.push_back(found->second);
        continue;
      }
    }
    const LLVMValueRef stride = this->stride(id, d);
    const Value index = cast(access == Access::kGather ? eval(indices[d]) : this->index(indices[d]), RegType::kI64);
    if (index.vectors.empty()) {
      terms.push_back(ir_.mul(index.scalar, stride));
      if (index.linear()) combine(at.step, ir_.mul(index.step, stride));
      continue;
    }
    if (access != Access::kGather) throw NotImplemented("code for evenly spaced lanes at an index that is no line");
    for (std::size_t n = 0; n < index.vectors.size(); ++n) {
      if (at.offsets.size() <= n) at.offsets.push_back(nullptr);
      combine(at.offsets[n], ir_.mul(index.vectors[n], ir_.splat(stride, Ir::lanes(index.vectors[n]))));
    }
  }
  // Outer terms first, so that what an inner loop adds is one addition; constants last, where they become
  // displacements.
  const auto rank = [&](LLVMValueRef term) { return LLVMIsAConstant(term) != nullptr ? ~0u : ir_.depth(term); };
  std::ranges::sort(terms, {}, rank);
  for (const LLVMValueRef term : terms) at.base = ir_.address(at.element, at.base, term);
  if (!at.offsets.empty() && at.step != nullptr) {  // a gather with a linear part
    const Shape shape{Ir::lanes(at.offsets[0]), static_cast<unsigned>(at.offsets.size())};
    const std::vector<LLVMValueRef> line =
        spread({.type = RegType::kI64, .scalar = ir_.i64(0), .step = at.step}, shape);
    for (std::size_t n = 0; n < line.size(); ++n) at.offsets[n] = ir_.add(at.offsets[n], line[n]);
    at.step = nullptr;
  }
  return at;
}

LLVMValueRef Emitter::vector_address(const Location& at, Shape shape, unsigned vector) {
  return ir_.address(at.element, at.base, ir_.i64(std::int64_t{vector} * shape.lanes));
}

LLVMValueRef Emitter::lane_addresses(const Location& at, Shape shape, unsigned vector) {
  if (!at.offsets.empty()) return ir_.address(at.element, at.base, at.offsets[vector]);
  if (at.step == nullptr) return ir_.splat(at.base, shape.lanes);
  const std::vector<LLVMValueRef> line = spread({.type = RegType::kI64, .scalar = ir_.i64(0), .step = at.step}, shape);
  return ir_.address(at.element, at.base, line[vector]);
}

std::vector<LLVMValueRef> Emitter::live(const Value* predicate, Shape shape) {
  std::vector<LLVMValueRef> mask;
  if (step_) mask = step_->mask;
  if (predicate == nullptr) return mask;
  std::vector<LLVMValueRef> own = spread(*predicate, shape);
  if (mask.empty()) return own;
  for (std::size_t n = 0; n < mask.size(); ++n) mask[n] = ir_.binary(LLVMAnd, mask[n], own[n]);
  return mask;
}

// ---- loads ----

Value Emitter::load(const Expr& e) {
  const DType dtype = program_.buffers[e.id].dtype;
  const Location at = locate(e.id, e.args, e.access);
  const Value* predicate = e.predicate == kNone ? nullptr : &eval(e.predicate);
  const Value otherwise = e.otherwise == kNone ? Value{.type = e.type, .scalar = Ir::zero(element_type(ir_, e.type))}
                                               : cast(eval(e.otherwise), e.type);
  const auto converted = [&](LLVMValueRef raw) {
    return emit_cast(ir_, e.type, ax::register_type(dtype), emit_from_storage(ir_, dtype, raw));
  };
  Value result{.type = e.type};
  const bool one = at.step == nullptr && at.offsets.empty();
  if (one && (predicate == nullptr || predicate->uniform()) && otherwise.uniform()) {
    result.scalar = converted(load_one(at, predicate == nullptr ? nullptr : predicate->scalar));
    if (predicate != nullptr) result.scalar = ir_.select(predicate->scalar, result.scalar, otherwise.scalar);
    return result;
  }
  const Value* sample = predicate != nullptr && !predicate->uniform() ? predicate : &otherwise;
  const Shape shape = step_ ? Shape{step_->lanes, step_->vectors} : shape_of({sample, 1});
  const std::vector<LLVMValueRef> mask = live(predicate, shape);
  if (one) {  // the same element for all lanes, where any lane wants it
    LLVMValueRef wanted = nullptr;
    for (const LLVMValueRef part : mask) wanted = wanted == nullptr ? any(part) : ir_.binary(LLVMOr, wanted, any(part));
    result.vectors.assign(shape.vectors, ir_.splat(converted(load_one(at, wanted)), shape.lanes));
  } else {
    for (const LLVMValueRef raw : load_lanes(at, e.access, shape, mask, nullptr))
      result.vectors.push_back(converted(raw));
  }
  if (e.otherwise == kNone && !one) return result;  // what is masked off has loaded as 0
  if (mask.empty()) return result;
  const std::vector<LLVMValueRef> other = spread(otherwise, shape);
  for (unsigned n = 0; n < shape.vectors; ++n) result.vectors[n] = ir_.select(mask[n], result.vectors[n], other[n]);
  return result;
}

/// One element; where `wanted` is false the frame is read instead, so that no branch is needed.
LLVMValueRef Emitter::load_one(const Location& at, LLVMValueRef wanted) {
  const LLVMValueRef from = wanted == nullptr ? at.base : ir_.select(wanted, at.base, frame_);
  return ir_.load(at.element, from, at.align);
}

/// Lanes two elements apart, of a size that a shuffle of two vectors takes in one instruction.
bool Emitter::is_every_second(const Location& at) {
  std::int64_t step = 0;
  return at.step != nullptr && Ir::constant(at.step, step) && step == 2 && Ir::element_bits(at.element) >= 32;
}

/// The second load ends with the last element that is wanted: nothing past it is touched, and what lies between lies in
/// the array. With a mask only what is wanted is loaded at all.
LLVMValueRef Emitter::load_every_second(const Location& at, LLVMTypeRef type, LLVMValueRef from, LLVMValueRef mask) {
  const auto lanes = static_cast<int>(Ir::lanes(type));
  const auto part = [&](int first) {
    const LLVMValueRef place = ir_.address(at.element, from, ir_.i64(first));
    if (mask == nullptr) return ir_.load(type, place, at.align);
    std::vector<int> wanted;  // element first + l is lane (first + l) / 2, if even
    for (int l = 0; l < lanes; ++l) wanted.push_back((first + l) % 2 == 0 ? (first + l) / 2 : lanes);
    const LLVMValueRef spread = ir_.shuffle(mask, Ir::zero(LLVMTypeOf(mask)), wanted);
    return ir_.effect("llvm.masked.load", {type, ir_.ptr()},
                      {place, ir_.i32(static_cast<std::int32_t>(at.align)), spread, Ir::zero(type)});
  };
  const LLVMValueRef low = part(0), high = part(lanes - 1);
  std::vector<int> even;
  for (int lane = 0; lane < lanes; ++lane) even.push_back(lane < lanes / 2 ? 2 * lane : 2 * lane + 1);
  return ir_.shuffle(low, high, even);
}

std::vector<LLVMValueRef> Emitter::load_lanes(const Location& at, Access access, Shape shape,
                                              std::span<const LLVMValueRef> mask, LLVMValueRef passthru) {
  const LLVMTypeRef type = Ir::vector_type(at.element, shape.lanes);
  const auto align = static_cast<std::int32_t>(at.align);
  if (passthru == nullptr) passthru = Ir::zero(type);
  std::vector<LLVMValueRef> result;
  for (unsigned n = 0; n < shape.vectors; ++n) {
    const LLVMValueRef live = mask.empty() ? nullptr : mask[n];
    if (shape.lanes == 1) {
      LLVMValueRef from = lane_addresses(at, shape, n);
      if (live != nullptr) from = ir_.select(live, from, frame_);
      const LLVMValueRef value = ir_.load(type, from, at.align);
      result.push_back(live == nullptr ? value : ir_.select(live, value, passthru));
    } else if (access == Access::kUnit) {
      const LLVMValueRef from = vector_address(at, shape, n);
      result.push_back(live == nullptr
                           ? ir_.load(type, from, at.align)
                           : ir_.effect("llvm.masked.load", {type, ir_.ptr()}, {from, ir_.i32(align), live, passthru}));
    } else if (is_every_second(at)) {
      const LLVMValueRef first = vector_address(at, {2 * shape.lanes, shape.vectors}, n);
      const LLVMValueRef loaded = load_every_second(at, type, first, live);
      result.push_back(live == nullptr ? loaded : ir_.select(live, loaded, passthru));
    } else {
      LLVMValueRef from = lane_addresses(at, shape, n);
      LLVMValueRef want = live == nullptr ? Ir::integer(Ir::vector_type(ir_.int_type(1), shape.lanes), 1) : live;
      // No gather has elements this small; without a mask LLVM loads lane by lane without branches.
      const bool small = Ir::element_bits(at.element) < 32 && live != nullptr;
      if (small) {
        from = ir_.select(live, from, ir_.splat(frame_, shape.lanes));
        want = Ir::integer(Ir::vector_type(ir_.int_type(1), shape.lanes), 1);
      }
      LLVMValueRef value =
          ir_.effect("llvm.masked.gather", {type, LLVMTypeOf(from)}, {from, ir_.i32(align), want, passthru});
      if (small) value = ir_.select(live, value, passthru);
      result.push_back(value);
    }
  }
  return result;
}

// ---- stores ----

LLVMValueRef Emitter::updated(ax::Update update, DType dtype, RegType type, LLVMValueRef old_raw, LLVMValueRef value) {
  static constexpr ax::Op kOps[] = {ax::Op::kAdd, ax::Op::kAdd, ax::Op::kSub, ax::Op::kMul,
                                    ax::Op::kDiv, ax::Op::kMax, ax::Op::kMin};
  const LLVMValueRef args[] = {emit_from_storage(ir_, dtype, old_raw), value};
  return emit_operation(ir_, machine_, kOps[static_cast<std::size_t>(update)], type, type, args);
}

void Emitter::run(const Store& store) {
  const DType dtype = program_.buffers[store.buffer].dtype;
  const Location at = locate(store.buffer, store.indices, store.access);
  Value value = eval(store.value);
  if (store.update != ax::Update::kSet) value = cast(value, ax::register_type(dtype));
  const Value* predicate = store.predicate == kNone ? nullptr : &eval(store.predicate);
  const bool one = at.step == nullptr && at.offsets.empty();
  if (one && value.uniform() && (predicate == nullptr || predicate->uniform())) {
    return store_one(at, store, value, predicate);
  }
  std::vector<Value> samples = {value};
  if (predicate != nullptr) samples.push_back(*predicate);
  const Shape shape = step_ ? Shape{step_->lanes, step_->vectors} : shape_of(samples);
  const std::vector<LLVMValueRef> mask = live(predicate, shape);
  // Lanes that may meet are written one after the other.
  const bool may_meet = one || (store.access == Access::kGather && store.update != ax::Update::kSet);
  if (may_meet) return store_in_order(at, store, shape, value, mask);
  store_lanes(at, store, shape, value, mask);
}

void Emitter::store_one(const Location& at, const Store& store, const Value& value, const Value* predicate) {
  const DType dtype = program_.buffers[store.buffer].dtype;
  const auto write = [&] {
    LLVMValueRef number = value.scalar;
    if (store.update != ax::Update::kSet) {
      number = updated(store.update, dtype, value.type, ir_.load(at.element, at.base, at.align), number);
    }
    ir_.store(emit_to_storage(ir_, dtype, value.type, number), at.base, at.align);
  };
  if (predicate == nullptr) return write();
  when(predicate->scalar, write);
}

void Emitter::store_lanes(const Location& at, const Store& store, Shape shape, const Value& value,
                          std::span<const LLVMValueRef> mask) {
  const DType dtype = program_.buffers[store.buffer].dtype;
  const auto align = static_cast<std::int32_t>(at.align);
  std::vector<LLVMValueRef> raw = spread(value, shape);
  std::vector<LLVMValueRef> old;
  if (store.update != ax::Update::kSet) old = load_lanes(at, store.access, shape, mask, nullptr);
  for (unsigned n = 0; n < shape.vectors; ++n) {
    if (!old.empty()) raw[n] = updated(store.update, dtype, value.type, old[n], raw[n]);
    raw[n] = emit_to_storage(ir_, dtype, value.type, raw[n]);
  }
  const bool unit = store.access == Access::kUnit && shape.lanes > 1;
  if (unit && store.stream != kNone && store.predicate == kNone) {
    return store_streaming(at, uniform(store.stream), shape, raw, mask);
  }
  if (unit) return store_unit(at, shape, raw, mask);
  for (unsigned n = 0; n < shape.vectors; ++n) {
    if (shape.lanes == 1) {
      const LLVMValueRef to = lane_addresses(at, shape, n);
      const auto write = [&] { ir_.store(raw[n], to, at.align); };
      if (mask.empty()) {
        write();
      } else {
        when(mask[n], write);
      }
    } else {
      const LLVMValueRef to = lane_addresses(at, shape, n);
      const LLVMValueRef all = Ir::integer(Ir::vector_type(ir_.int_type(1), shape.lanes), 1);
      ir_.effect("llvm.masked.scatter", {LLVMTypeOf(raw[n]), LLVMTypeOf(to)},
                 {raw[n], to, ir_.i32(align), mask.empty() ? all : mask[n]});
    }
  }
}

void Emitter::store_unit(const Location& at, Shape shape, std::span<const LLVMValueRef> raw,
                         std::span<const LLVMValueRef> mask) {
  for (unsigned n = 0; n < shape.vectors; ++n) {
    const LLVMValueRef to = vector_address(at, shape, n);
    if (mask.empty()) {
      ir_.store(raw[n], to, at.align);
    } else {
      ir_.effect("llvm.masked.store", {LLVMTypeOf(raw[n]), ir_.ptr()},
                 {raw[n], to, ir_.i32(static_cast<std::int32_t>(at.align)), mask[n]});
    }
  }
}

/// Past the caches where `wanted` holds and the address allows it: full, aligned vectors. The branch goes the same way
/// for a whole loop, but for its last step.
void Emitter::store_streaming(const Location& at, LLVMValueRef wanted, Shape shape, std::span<const LLVMValueRef> raw,
                              std::span<const LLVMValueRef> mask) {
  const unsigned bytes = Ir::element_bits(at.element) / 8 * shape.lanes;
  const LLVMValueRef rest =
      ir_.binary(LLVMAnd, ir_.convert(LLVMPtrToInt, at.base, ir_.int_type(64)), ir_.i64(bytes - 1));
  LLVMValueRef past = ir_.binary(LLVMAnd, wanted, ir_.compare(LLVMIntEQ, rest, ir_.i64(0)));
  if (!mask.empty()) past = ir_.binary(LLVMAnd, past, step_->whole);
  std::vector<LLVMValueRef> to;
  for (unsigned n = 0; n < shape.vectors; ++n) to.push_back(vector_address(at, shape, n));
  streams_ = true;
  when(
      past,
      [&] {
        for (unsigned n = 0; n < shape.vectors; ++n) ir_.mark_nontemporal(ir_.store(raw[n], to[n], bytes));
      },
      [&] { store_unit(at, shape, raw, mask); });
}

void Emitter::store_in_order(const Location& at, const Store& store, Shape shape, const Value& value,
                             std::span<const LLVMValueRef> mask) {
  const DType dtype = program_.buffers[store.buffer].dtype;
  const std::vector<LLVMValueRef> lanes = spread(value, shape);
  std::vector<LLVMValueRef> addresses;
  for (unsigned n = 0; n < shape.vectors; ++n) addresses.push_back(lane_addresses(at, shape, n));
  each_lane(shape, mask, [&](unsigned n, LLVMValueRef lane) {
    const bool scalar = shape.lanes == 1;
    const LLVMValueRef to = scalar ? addresses[n] : ir_.lane(addresses[n], lane);
    LLVMValueRef number = scalar ? lanes[n] : ir_.lane(lanes[n], lane);
    if (store.update != ax::Update::kSet) {
      number = updated(store.update, dtype, value.type, ir_.load(at.element, to, at.align), number);
    }
    ir_.store(emit_to_storage(ir_, dtype, value.type, number), to, at.align);
  });
}

void Emitter::run(const Prefetch& prefetch) {
  const Location at = locate(prefetch.buffer, prefetch.indices, Access::kUnit);
  const unsigned lanes = step_ ? step_->lanes : 1, vectors = at.step == nullptr || !step_ ? 1 : step_->vectors;
  for (unsigned n = 0; n < vectors; ++n) {
    const LLVMValueRef line = vector_address(at, {lanes, vectors}, n);
    ir_.effect("llvm.prefetch", {ir_.ptr()}, {line, ir_.i32(0), ir_.i32(3), ir_.i32(1)});
  }
}

}  // namespace aurex::codegen
