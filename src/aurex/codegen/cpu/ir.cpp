#include "aurex/codegen/cpu/ir.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "aurex/base/error.h"

namespace aurex::codegen {
namespace {

constexpr const char* kUnnamed = "";

/// Kinds of operations beyond LLVM's opcodes, for telling keys apart. Opcodes are below 256.
enum : std::uint64_t {
  kIntCompare = 256,
  kRealCompare = 512,
  kSplat = 1024,
  kShuffle = 1025,
  kIntrinsic = 1026,
  kCall = 1027,
  kInvariant = 1028
};

std::uint64_t word(LLVMValueRef value) { return reinterpret_cast<std::uintptr_t>(value); }

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdu;
}

bool is_number(LLVMValueRef value, std::int64_t wanted) {
  std::int64_t number = 0;
  return Ir::constant(value, number) && number == wanted;
}

/// a + 0, a * 1 and the like, so that constant parts of addresses and bounds stay visible; null where nothing folds.
LLVMValueRef fold(LLVMOpcode op, LLVMValueRef a, LLVMValueRef b) {
  switch (op) {
    case LLVMAdd:
      return is_number(a, 0) ? b : is_number(b, 0) ? a : nullptr;
    case LLVMSub:
      return is_number(b, 0) ? a : nullptr;
    case LLVMMul:
      if (is_number(a, 1) || is_number(b, 0)) return b;
      return is_number(b, 1) || is_number(a, 0) ? a : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

Ir::Ir(LLVMModuleRef module, LLVMValueRef function)
    : module_(module),
      function_(function),
      context_(LLVMGetModuleContext(module)),
      builder_(LLVMCreateBuilderInContext(context_)),
      entry_(LLVMAppendBasicBlockInContext(context_, function, "entry")),
      current_(entry_),
      scopes_(1) {
  LLVMPositionBuilderAtEnd(builder_, entry_);
}

Ir::~Ir() { LLVMDisposeBuilder(builder_); }

// ---- types and constants ----

LLVMTypeRef Ir::int_type(unsigned bits) const { return LLVMIntTypeInContext(context_, bits); }
LLVMTypeRef Ir::f16() const { return LLVMHalfTypeInContext(context_); }
LLVMTypeRef Ir::f32() const { return LLVMFloatTypeInContext(context_); }
LLVMTypeRef Ir::f64() const { return LLVMDoubleTypeInContext(context_); }
LLVMTypeRef Ir::ptr() const { return LLVMPointerTypeInContext(context_, 0); }

LLVMTypeRef Ir::vector_type(LLVMTypeRef element, unsigned lanes) {
  return lanes == 1 ? element : LLVMVectorType(element, lanes);
}

LLVMTypeRef Ir::element_type(LLVMTypeRef type) {
  return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
}

unsigned Ir::lanes(LLVMTypeRef type) {
  return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetVectorSize(type) : 1;
}

unsigned Ir::lanes(LLVMValueRef value) { return lanes(LLVMTypeOf(value)); }

unsigned Ir::element_bits(LLVMTypeRef type) {
  const LLVMTypeRef element = element_type(type);
  switch (LLVMGetTypeKind(element)) {
    case LLVMIntegerTypeKind:
      return LLVMGetIntTypeWidth(element);
    case LLVMHalfTypeKind:
      return 16;
    case LLVMFloatTypeKind:
      return 32;
    default:
      return 64;
  }
}

LLVMTypeRef Ir::with_element(LLVMTypeRef type, LLVMTypeRef element) { return vector_type(element, lanes(type)); }

LLVMValueRef Ir::i64(std::int64_t value) const { return integer(int_type(64), static_cast<std::uint64_t>(value)); }
LLVMValueRef Ir::i32(std::int32_t value) const { return integer(int_type(32), static_cast<std::uint32_t>(value)); }
LLVMValueRef Ir::truth(bool value) const { return integer(int_type(1), value ? 1 : 0); }

LLVMValueRef Ir::integer(LLVMTypeRef type, std::uint64_t bits) {
  const LLVMTypeRef element = element_type(type);
  const unsigned width = LLVMGetIntTypeWidth(element);
  if (width < 64) bits &= (std::uint64_t{1} << width) - 1;
  const LLVMValueRef scalar = LLVMConstInt(element, bits, 0);
  if (element == type) return scalar;
  std::vector<LLVMValueRef> all(lanes(type), scalar);
  return LLVMConstVector(all.data(), lanes(type));
}

LLVMValueRef Ir::real(LLVMTypeRef type, double value) {
  const LLVMTypeRef element = element_type(type);
  const LLVMValueRef scalar = LLVMConstReal(element, value);
  if (element == type) return scalar;
  std::vector<LLVMValueRef> all(lanes(type), scalar);
  return LLVMConstVector(all.data(), lanes(type));
}

LLVMValueRef Ir::ramp(LLVMTypeRef element, unsigned lanes, std::int64_t first, std::int64_t step) {
  std::vector<LLVMValueRef> all;
  for (unsigned l = 0; l < lanes; ++l) {
    all.push_back(integer(element, static_cast<std::uint64_t>(first) + static_cast<std::uint64_t>(step) * l));
  }
  return LLVMConstVector(all.data(), lanes);
}

namespace {

/// The one constant that all lanes hold, or null.
LLVMValueRef common_lane(LLVMValueRef value) {
  const unsigned count = Ir::lanes(value);
  if (LLVMIsAConstant(value) == nullptr) return nullptr;
  if (count == 1) return value;
  const LLVMValueRef first = LLVMGetAggregateElement(value, 0);  // null of a constant expression
  for (unsigned l = 1; l < count; ++l) {
    if (first == nullptr || LLVMGetAggregateElement(value, l) != first) return nullptr;
  }
  return first;
}

}  // namespace

bool Ir::constant(LLVMValueRef value, std::int64_t& number) {
  const LLVMValueRef lane = common_lane(value);
  if (lane == nullptr || LLVMIsAConstantInt(lane) == nullptr) return false;
  number = LLVMConstIntGetSExtValue(lane);
  return true;
}

bool Ir::constant(LLVMValueRef value, double& number) {
  const LLVMValueRef lane = common_lane(value);
  if (lane == nullptr || LLVMIsAConstantFP(lane) == nullptr) return false;
  LLVMBool inexact = 0;
  number = LLVMConstRealGetDouble(lane, &inexact);
  return true;
}

// ---- blocks and scopes ----

LLVMBasicBlockRef Ir::block(const char* name) { return LLVMAppendBasicBlockInContext(context_, function_, name); }

void Ir::enter(LLVMBasicBlockRef block) {
  current_ = block;
  LLVMMoveBasicBlockAfter(block, LLVMGetLastBasicBlock(function_));
  LLVMPositionBuilderAtEnd(builder_, block);
}

LLVMValueRef Ir::jump(LLVMBasicBlockRef to) { return LLVMBuildBr(builder_, to); }

LLVMValueRef Ir::branch(LLVMValueRef condition, LLVMBasicBlockRef yes, LLVMBasicBlockRef no) {
  return LLVMBuildCondBr(builder_, condition, yes, no);
}

LLVMValueRef Ir::branch_unlikely(LLVMValueRef condition, LLVMBasicBlockRef yes, LLVMBasicBlockRef no) {
  const LLVMValueRef branch = LLVMBuildCondBr(builder_, condition, yes, no);
  weigh(branch, 1, 1 << 20);
  return branch;
}

void Ir::weigh(LLVMValueRef branch, std::uint32_t yes, std::uint32_t no) {
  constexpr std::string_view kName = "branch_weights";
  LLVMMetadataRef parts[] = {LLVMMDStringInContext2(context_, kName.data(), kName.size()),
                             LLVMValueAsMetadata(LLVMConstInt(int_type(32), yes, 0)),
                             LLVMValueAsMetadata(LLVMConstInt(int_type(32), no, 0))};
  const unsigned kind = LLVMGetMDKindIDInContext(context_, "prof", 4);
  LLVMSetMetadata(branch, kind, LLVMMetadataAsValue(context_, LLVMMDNodeInContext2(context_, parts, 3)));
}

void Ir::ret() { LLVMBuildRetVoid(builder_); }
void Ir::ret(LLVMValueRef value) { LLVMBuildRet(builder_, value); }

void Ir::push_scope(LLVMValueRef leave) {
  scopes_.back().leave = leave;
  scopes_.emplace_back();
}

void Ir::pop_scope() {
  scopes_.pop_back();
  scopes_.back().leave = nullptr;
}

// ---- pure operations ----

std::size_t Ir::KeyHash::operator()(const Key& key) const {
  std::uint64_t hash = mix(key.op, reinterpret_cast<std::uintptr_t>(key.type));
  return mix(mix(mix(hash, key.a), key.b), key.c);
}

std::uint32_t Ir::depth(LLVMValueRef value) const {
  const auto found = depth_.find(value);
  return found == depth_.end() ? 0 : found->second;
}

template <typename Build>
LLVMValueRef Ir::pure(const Key& key, std::span<const LLVMValueRef> operands, Build build) {
  std::uint32_t place = 0;
  for (const LLVMValueRef operand : operands) place = std::max(place, depth(operand));
  for (std::uint32_t known = place; known < (pinned_ ? scopes_.size() : place + 1); ++known) {
    if (const auto found = scopes_[known].made.find(key); found != scopes_[known].made.end()) return found->second;
  }
  if (pinned_) place = static_cast<std::uint32_t>(scopes_.size() - 1);
  Scope& scope = scopes_[place];
  if (scope.leave != nullptr) LLVMPositionBuilderBefore(builder_, scope.leave);
  const LLVMValueRef value = build();
  if (scope.leave != nullptr) LLVMPositionBuilderAtEnd(builder_, current_);
  if (place != 0 && LLVMIsAInstruction(value) != nullptr) depth_.emplace(value, place);
  scope.made.emplace(key, value);
  return value;
}

LLVMValueRef Ir::here(LLVMValueRef value) {
  if (scopes_.size() > 1) depth_[value] = static_cast<std::uint32_t>(scopes_.size() - 1);
  return value;
}

LLVMValueRef Ir::binary(LLVMOpcode op, LLVMValueRef a, LLVMValueRef b) {
  if (const LLVMValueRef folded = fold(op, a, b)) return folded;
  const LLVMValueRef operands[] = {a, b};
  return pure({.op = static_cast<std::uint64_t>(op), .a = word(a), .b = word(b)}, operands,
              [&] { return LLVMBuildBinOp(builder_, op, a, b, kUnnamed); });
}

LLVMValueRef Ir::negate_float(LLVMValueRef a) {
  return pure({.op = LLVMFNeg, .a = word(a)}, {&a, 1}, [&] { return LLVMBuildFNeg(builder_, a, kUnnamed); });
}

LLVMValueRef Ir::bit_not(LLVMValueRef a) { return binary(LLVMXor, a, integer(LLVMTypeOf(a), ~std::uint64_t{0})); }

LLVMValueRef Ir::compare(LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
  const LLVMValueRef operands[] = {a, b};
  return pure({.op = kIntCompare + static_cast<std::uint64_t>(predicate), .a = word(a), .b = word(b)}, operands,
              [&] { return LLVMBuildICmp(builder_, predicate, a, b, kUnnamed); });
}

LLVMValueRef Ir::compare(LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
  const LLVMValueRef operands[] = {a, b};
  return pure({.op = kRealCompare + static_cast<std::uint64_t>(predicate), .a = word(a), .b = word(b)}, operands,
              [&] { return LLVMBuildFCmp(builder_, predicate, a, b, kUnnamed); });
}

LLVMValueRef Ir::select(LLVMValueRef condition, LLVMValueRef yes, LLVMValueRef no) {
  if (yes == no) return yes;
  std::int64_t known = 0;
  if (constant(condition, known)) return known != 0 ? yes : no;
  const LLVMValueRef operands[] = {condition, yes, no};
  return pure({.op = LLVMSelect, .a = word(condition), .b = word(yes), .c = word(no)}, operands,
              [&] { return LLVMBuildSelect(builder_, condition, yes, no, kUnnamed); });
}

LLVMValueRef Ir::convert(LLVMOpcode op, LLVMValueRef value, LLVMTypeRef to) {
  if (LLVMTypeOf(value) == to) return value;
  return pure({.op = static_cast<std::uint64_t>(op), .type = to, .a = word(value)}, {&value, 1},
              [&] { return LLVMBuildCast(builder_, op, value, to, kUnnamed); });
}

LLVMValueRef Ir::splat(LLVMValueRef scalar, unsigned lanes) {
  if (lanes == 1) return scalar;
  const LLVMTypeRef type = vector_type(LLVMTypeOf(scalar), lanes);
  if (LLVMIsAConstant(scalar) != nullptr) {
    std::vector<LLVMValueRef> all(lanes, scalar);
    return LLVMConstVector(all.data(), lanes);
  }
  return pure({.op = kSplat, .type = type, .a = word(scalar)}, {&scalar, 1}, [&] {
    const LLVMValueRef poison = LLVMGetPoison(type);
    const LLVMValueRef first = LLVMBuildInsertElement(builder_, poison, scalar, i64(0), kUnnamed);
    return LLVMBuildShuffleVector(builder_, first, poison, zero(vector_type(int_type(32), lanes)), kUnnamed);
  });
}

LLVMValueRef Ir::shuffle(LLVMValueRef a, LLVMValueRef b, std::span<const int> mask) {
  std::vector<LLVMValueRef> lanes;
  const LLVMTypeRef index = int_type(32);
  for (const int lane : mask) {
    lanes.push_back(lane < 0 ? LLVMGetPoison(index) : LLVMConstInt(index, static_cast<unsigned>(lane), 0));
  }
  const LLVMValueRef pattern = LLVMConstVector(lanes.data(), static_cast<unsigned>(lanes.size()));
  const LLVMValueRef operands[] = {a, b};
  return pure({.op = kShuffle, .type = pattern, .a = word(a), .b = word(b)}, operands,
              [&] { return LLVMBuildShuffleVector(builder_, a, b, pattern, kUnnamed); });
}

LLVMValueRef Ir::lane(LLVMValueRef vector, LLVMValueRef index) {
  const LLVMValueRef operands[] = {vector, index};
  return pure({.op = LLVMExtractElement, .a = word(vector), .b = word(index)}, operands,
              [&] { return LLVMBuildExtractElement(builder_, vector, index, kUnnamed); });
}

LLVMValueRef Ir::with_lane(LLVMValueRef vector, LLVMValueRef scalar, unsigned index) {
  const LLVMValueRef operands[] = {vector, scalar};
  return pure({.op = LLVMInsertElement, .a = word(vector), .b = word(scalar), .c = index}, operands,
              [&] { return LLVMBuildInsertElement(builder_, vector, scalar, i64(index), kUnnamed); });
}

LLVMValueRef Ir::address(LLVMTypeRef element, LLVMValueRef base, LLVMValueRef index) {
  if (lanes(index) == 1 && is_number(index, 0)) return base;
  const LLVMValueRef operands[] = {base, index};
  return pure({.op = LLVMGetElementPtr, .type = element, .a = word(base), .b = word(index)}, operands,
              [&] { return LLVMBuildGEP2(builder_, element, base, &index, 1, kUnnamed); });
}

LLVMValueRef Ir::declaration(std::string_view name, std::span<const LLVMTypeRef> overload) {
  const unsigned id = LLVMLookupIntrinsicID(name.data(), name.size());
  if (id == 0) throw NotImplemented("LLVM has no intrinsic " + std::string(name));
  return LLVMGetIntrinsicDeclaration(module_, id, const_cast<LLVMTypeRef*>(overload.data()), overload.size());
}

LLVMValueRef Ir::intrinsic(std::string_view name, std::initializer_list<LLVMTypeRef> overload,
                           std::initializer_list<LLVMValueRef> args) {
  return call_pure(declaration(name, {overload.begin(), overload.size()}), args);
}

LLVMValueRef Ir::call_pure(LLVMValueRef function, std::initializer_list<LLVMValueRef> args) {
  // Up to three arguments are told apart by the key; more (rounding modes, full masks) are constants that go with the
  // function here.
  std::array<std::uint64_t, 3> words{};
  for (std::size_t i = 0; i < std::min(args.size(), words.size()); ++i) words[i] = word(args.begin()[i]);
  return pure(
      {.op = kCall, .type = function, .a = words[0], .b = words[1], .c = words[2]}, {args.begin(), args.size()}, [&] {
        const LLVMValueRef result =
            LLVMBuildCall2(builder_, LLVMGlobalGetValueType(function), function,
                           const_cast<LLVMValueRef*>(args.begin()), static_cast<unsigned>(args.size()), kUnnamed);
        LLVMSetInstructionCallConv(result, LLVMGetFunctionCallConv(function));
        return result;
      });
}

LLVMValueRef Ir::load_invariant(LLVMTypeRef type, LLVMValueRef address) {
  return pure({.op = kInvariant, .type = type, .a = word(address)}, {&address, 1}, [&] {
    const LLVMValueRef value = LLVMBuildLoad2(builder_, type, address, kUnnamed);
    const unsigned kind = LLVMGetMDKindIDInContext(context_, "invariant.load", 14);
    LLVMSetMetadata(value, kind, LLVMMetadataAsValue(context_, LLVMMDNodeInContext2(context_, nullptr, 0)));
    return value;
  });
}

// ---- at the current place ----

LLVMValueRef Ir::load(LLVMTypeRef type, LLVMValueRef address, unsigned align) {
  const LLVMValueRef value = LLVMBuildLoad2(builder_, type, address, kUnnamed);
  LLVMSetAlignment(value, align);
  return here(value);
}

LLVMValueRef Ir::store(LLVMValueRef value, LLVMValueRef address, unsigned align) {
  const LLVMValueRef store = LLVMBuildStore(builder_, value, address);
  LLVMSetAlignment(store, align);
  return store;
}

void Ir::mark_nontemporal(LLVMValueRef store) {
  LLVMMetadataRef one = LLVMValueAsMetadata(LLVMConstInt(int_type(32), 1, 0));
  const unsigned kind = LLVMGetMDKindIDInContext(context_, "nontemporal", 11);
  LLVMSetMetadata(store, kind, LLVMMetadataAsValue(context_, LLVMMDNodeInContext2(context_, &one, 1)));
}

LLVMValueRef Ir::phi(LLVMTypeRef type) { return here(LLVMBuildPhi(builder_, type, kUnnamed)); }

void Ir::incoming(LLVMValueRef phi, LLVMValueRef value, LLVMBasicBlockRef from) {
  LLVMAddIncoming(phi, &value, &from, 1);
}

LLVMValueRef Ir::effect(std::string_view name, std::initializer_list<LLVMTypeRef> overload,
                        std::initializer_list<LLVMValueRef> args) {
  const LLVMValueRef function = declaration(name, {overload.begin(), overload.size()});
  return call(LLVMGlobalGetValueType(function), function, args);
}

LLVMValueRef Ir::call(LLVMTypeRef function_type, LLVMValueRef function, std::initializer_list<LLVMValueRef> args) {
  return here(LLVMBuildCall2(builder_, function_type, function, const_cast<LLVMValueRef*>(args.begin()),
                             static_cast<unsigned>(args.size()), kUnnamed));
}

LLVMValueRef Ir::slot(LLVMTypeRef type, unsigned count) {
  if (const LLVMValueRef first = LLVMGetFirstInstruction(entry_)) {
    LLVMPositionBuilderBefore(builder_, first);
  } else {
    LLVMPositionBuilderAtEnd(builder_, entry_);
  }
  const LLVMValueRef slot = LLVMBuildArrayAlloca(builder_, type, i32(static_cast<std::int32_t>(count)), kUnnamed);
  LLVMPositionBuilderAtEnd(builder_, current_);
  return slot;
}

}  // namespace aurex::codegen
