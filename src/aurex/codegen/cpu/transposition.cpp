// A square of lanes turned over in registers, and written line by line.
//
// Two networks of shuffles, each of one instruction on every target. Interleaving the halves of 128-bit chunks (unpack
// on x86, zip on NEON) turns the squares of one chunk's elements; picking even and odd chunks (vshuf, vperm2) then
// moves whole chunks to their rows. Together log2(lanes) steps of `lanes` shuffles: 16 x 16 f32 take 64.

#include <algorithm>

#include "aurex/codegen/cpu/conversions.h"
#include "aurex/codegen/cpu/emitter.h"

namespace aurex::codegen {

using namespace schedule;

namespace {

constexpr unsigned kChunkBits = 128;

/// Rows become columns; as many rows as each has lanes, a power of two.
class Transposition {
 public:
  Transposition(Ir& ir, std::vector<LLVMValueRef> rows) : ir_(ir), rows_(std::move(rows)) {
    lanes_ = static_cast<unsigned>(rows_.size());
    chunk_ = std::min(kChunkBits / Ir::element_bits(LLVMTypeOf(rows_[0])), lanes_);
  }

  std::vector<LLVMValueRef> run() {
    const unsigned groups = lanes_ / chunk_;
    // Rows of one group of `chunk_` meet element by element: row k of group g comes to hold, in its chunk c, column
    // c * chunk_ + k of the group's rows.
    for (unsigned done = 1; done < chunk_; done *= 2) {
      for (unsigned group = 0; group < lanes_; group += chunk_) interleave(group);
      fence();
    }
    // Chunk c of row k of group g goes to chunk g of row k of group c.
    for (unsigned done = 1; done < groups; done *= 2) {
      for (unsigned row = 0; row < chunk_; ++row) separate(row, groups);
      fence();
    }
    return std::move(rows_);
  }

 private:
  /// No shuffle may be merged with one of the step before. There is nothing to gain, and looking for it takes more than
  /// half of the time of code generation: every lane of the result depends on every row.
  void fence() {
    const LLVMTypeRef type = LLVMTypeOf(rows_[0]);
    const unsigned bits = lanes_ * Ir::element_bits(type);
    if (bits < kChunkBits) return;  // no vector of words
    const LLVMTypeRef words = Ir::vector_type(ir_.f32(), bits / 32);
    for (LLVMValueRef& row : rows_) {
      const LLVMValueRef held = ir_.intrinsic("llvm.arithmetic.fence", {words}, {ir_.convert(LLVMBitCast, row, words)});
      row = ir_.convert(LLVMBitCast, held, type);
    }
  }

  /// Rows 2i and 2i + 1 of a group become the lower and upper halves, chunk by chunk, of rows i and i + chunk_ / 2.
  void interleave(unsigned group) {
    std::vector<LLVMValueRef> next;
    for (unsigned i = 0; i < chunk_ / 2; ++i) {
      const LLVMValueRef a = rows_[group + i], b = rows_[group + i + chunk_ / 2];
      for (const unsigned half : {0u, chunk_ / 2}) {
        next.push_back(pick(a, b, [&](unsigned lane) {
          const unsigned chunk = lane / chunk_ * chunk_, at = lane % chunk_;
          return chunk + half + at / 2 + (at % 2) * lanes_;
        }));
      }
    }
    std::ranges::copy(next, rows_.begin() + group);
  }

  /// The even chunks of rows 2i and 2i + 1 become row i, the odd ones row i + groups / 2, of the rows `row` of each
  /// group.
  void separate(unsigned row, unsigned groups) {
    std::vector<LLVMValueRef> next(groups);
    for (unsigned i = 0; i < groups / 2; ++i) {
      const LLVMValueRef a = rows_[2 * i * chunk_ + row], b = rows_[(2 * i + 1) * chunk_ + row];
      for (const unsigned odd : {0u, 1u}) {
        next[i + odd * groups / 2] = pick(a, b, [&](unsigned lane) {
          const unsigned chunk = 2 * (lane / chunk_) + odd;  // of a and b side by side
          return chunk * chunk_ + lane % chunk_;
        });
      }
    }
    for (unsigned i = 0; i < groups; ++i) rows_[i * chunk_ + row] = next[i];
  }

  /// Lane l of the result is lane `from(l)` of a and b side by side.
  template <typename From>
  LLVMValueRef pick(LLVMValueRef a, LLVMValueRef b, From from) {
    std::vector<int> mask;
    for (unsigned lane = 0; lane < lanes_; ++lane) mask.push_back(static_cast<int>(from(lane)));
    return ir_.shuffle(a, b, mask);
  }

  Ir& ir_;
  std::vector<LLVMValueRef> rows_;
  unsigned lanes_ = 0;
  unsigned chunk_ = 0;  // lanes of one chunk
};

}  // namespace

void Emitter::run(const TransposedStore& store) {
  const Register& reg = program_.registers[store.reg];
  const DType dtype = program_.buffers[store.buffer].dtype;
  const auto lanes = static_cast<unsigned>(reg.lanes);
  const Location at = locate(store.buffer, store.indices, Access::kStrided);
  const LLVMValueRef step = at.step == nullptr ? ir_.i64(0) : at.step;
  std::vector<LLVMValueRef> rows;
  for (const std::vector<LLVMValueRef>& element : registers_[store.reg]) {
    rows.push_back(emit_to_storage(ir_, dtype, reg.type, element[0]));
  }
  const std::vector<LLVMValueRef> lines = Transposition(ir_, std::move(rows)).run();
  std::vector<LLVMValueRef> to;
  for (unsigned l = 0; l < lanes; ++l) {
    to.push_back(ir_.address(at.element, at.base, ir_.mul(step, ir_.i64(l))));
  }

  const bool all_lanes = store.whole || step_->mask.empty();
  if (store.count == kNone && all_lanes) {
    const auto write = [&] {
      for (unsigned l = 0; l < lanes; ++l) ir_.store(lines[l], to[l], at.align);
    };
    return store.stream == kNone ? write() : stream_lines(at.base, step, uniform(store.stream), lines, to, write);
  }
  LLVMValueRef counted = nullptr;  // of one line
  if (store.count != kNone) {
    const LLVMValueRef count = ir_.intrinsic("llvm.smax", {ir_.int_type(64)}, {uniform(store.count), ir_.i64(0)});
    counted = tail_mask(ir_.i64(0), count, lanes, 1)[0];
  }
  for (unsigned l = 0; l < lanes; ++l) {
    LLVMValueRef mask = counted;
    if (!all_lanes) {
      const LLVMValueRef live = ir_.splat(ir_.lane(step_->mask[0], ir_.i64(l)), lanes);
      mask = mask == nullptr ? live : ir_.binary(LLVMAnd, mask, live);
    }
    ir_.effect("llvm.masked.store", {LLVMTypeOf(lines[l]), ir_.ptr()},
               {lines[l], to[l], ir_.i32(static_cast<std::int32_t>(at.align)), mask});
  }
}

/// Past the caches where `wanted` holds, and the first line and the distance between lines allow it.
void Emitter::stream_lines(LLVMValueRef base, LLVMValueRef step, LLVMValueRef wanted,
                           std::span<const LLVMValueRef> lines, std::span<const LLVMValueRef> to,
                           const std::function<void()>& otherwise) {
  const unsigned element = Ir::element_bits(LLVMTypeOf(lines[0])) / 8, line = element * Ir::lanes(lines[0]);
  const LLVMValueRef start = ir_.convert(LLVMPtrToInt, base, ir_.int_type(64));
  const LLVMValueRef both = ir_.binary(LLVMOr, start, ir_.mul(step, ir_.i64(element)));
  const LLVMValueRef rest = ir_.binary(LLVMAnd, both, ir_.i64(line - 1));
  streams_ = true;
  when(
      ir_.binary(LLVMAnd, wanted, ir_.compare(LLVMIntEQ, rest, ir_.i64(0))),
      [&] {
        for (std::size_t l = 0; l < lines.size(); ++l) ir_.mark_nontemporal(ir_.store(lines[l], to[l], line));
      },
      otherwise);
}

}  // namespace aurex::codegen
