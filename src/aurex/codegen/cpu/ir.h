#pragma once

// Writes LLVM IR for one function, and puts every pure operation where it belongs.
//
// A *scope* is a region that is entered through one terminator: a loop's body, a branch. Each value remembers in which
// scope it was made; a pure operation goes to the deepest scope among its operands, just before that scope is left for
// the inner ones, and is made once there. So invariant code leaves loops and common subexpressions meet without any
// LLVM pass. Loads, stores, calls and phis stay at the current place.
//
// Scalars and vectors share every entry: an operation takes the type of its operands. Speaks LLVM's C interface, whose
// header is light. One Ir per function, one thread.

#include <llvm-c/Core.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace aurex::codegen {

class Ir {
 public:
  /// Starts in the function's entry block, which must be empty.
  Ir(LLVMModuleRef module, LLVMValueRef function);
  ~Ir();
  Ir(const Ir&) = delete;
  Ir& operator=(const Ir&) = delete;

  [[nodiscard]] LLVMModuleRef module() const { return module_; }
  [[nodiscard]] LLVMValueRef function() const { return function_; }
  [[nodiscard]] LLVMContextRef context() const { return context_; }

  // ---- types and constants ----

  [[nodiscard]] LLVMTypeRef int_type(unsigned bits) const;
  [[nodiscard]] LLVMTypeRef f16() const;
  [[nodiscard]] LLVMTypeRef f32() const;
  [[nodiscard]] LLVMTypeRef f64() const;
  [[nodiscard]] LLVMTypeRef ptr() const;
  /// `element` itself where lanes is 1.
  [[nodiscard]] static LLVMTypeRef vector_type(LLVMTypeRef element, unsigned lanes);
  [[nodiscard]] static LLVMTypeRef element_type(LLVMTypeRef type);
  /// 1 for a scalar.
  [[nodiscard]] static unsigned lanes(LLVMValueRef value);
  [[nodiscard]] static unsigned lanes(LLVMTypeRef type);
  /// Bits of one element.
  [[nodiscard]] static unsigned element_bits(LLVMTypeRef type);
  /// The type with the element exchanged.
  [[nodiscard]] static LLVMTypeRef with_element(LLVMTypeRef type, LLVMTypeRef element);

  [[nodiscard]] LLVMValueRef i64(std::int64_t value) const;
  [[nodiscard]] LLVMValueRef i32(std::int32_t value) const;
  [[nodiscard]] LLVMValueRef truth(bool value) const;
  /// A constant of the type, in every lane.
  [[nodiscard]] static LLVMValueRef integer(LLVMTypeRef type, std::uint64_t bits);
  [[nodiscard]] static LLVMValueRef real(LLVMTypeRef type, double value);
  [[nodiscard]] static LLVMValueRef zero(LLVMTypeRef type) { return LLVMConstNull(type); }
  /// Lane l holds first + l * step.
  [[nodiscard]] static LLVMValueRef ramp(LLVMTypeRef element, unsigned lanes, std::int64_t first, std::int64_t step);
  /// The value of an integer constant, of a vector with the same in every lane; false where it is none.
  [[nodiscard]] static bool constant(LLVMValueRef value, std::int64_t& number);
  /// The same for a float constant, equal in every lane.
  [[nodiscard]] static bool constant(LLVMValueRef value, double& number);

  // ---- blocks and scopes ----

  [[nodiscard]] LLVMBasicBlockRef block(const char* name);
  /// Goes on at the end of the block.
  void enter(LLVMBasicBlockRef block);
  [[nodiscard]] LLVMBasicBlockRef current() const { return current_; }
  LLVMValueRef jump(LLVMBasicBlockRef to);
  LLVMValueRef branch(LLVMValueRef condition, LLVMBasicBlockRef yes, LLVMBasicBlockRef no);
  /// As branch, where `yes` is almost never taken.
  LLVMValueRef branch_unlikely(LLVMValueRef condition, LLVMBasicBlockRef yes, LLVMBasicBlockRef no);
  void ret();
  void ret(LLVMValueRef value);
  /// Enters an inner scope; `leave` is the terminator by which the current one is left.
  void push_scope(LLVMValueRef leave);
  void pop_scope();
  /// Keeps new operations in the current scope: for code that rarely runs, whose parts must not run before it.
  void pin(bool pinned) { pinned_ = pinned; }

  /// The scope in which a value is made; 0 is the function itself.
  [[nodiscard]] std::uint32_t depth(LLVMValueRef value) const;

  // ---- pure operations ----

  LLVMValueRef binary(LLVMOpcode op, LLVMValueRef a, LLVMValueRef b);
  LLVMValueRef add(LLVMValueRef a, LLVMValueRef b) { return binary(LLVMAdd, a, b); }
  LLVMValueRef sub(LLVMValueRef a, LLVMValueRef b) { return binary(LLVMSub, a, b); }
  LLVMValueRef mul(LLVMValueRef a, LLVMValueRef b) { return binary(LLVMMul, a, b); }
  LLVMValueRef negate_float(LLVMValueRef a);
  LLVMValueRef bit_not(LLVMValueRef a);
  LLVMValueRef compare(LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b);
  LLVMValueRef compare(LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b);
  LLVMValueRef select(LLVMValueRef condition, LLVMValueRef yes, LLVMValueRef no);
  LLVMValueRef convert(LLVMOpcode op, LLVMValueRef value, LLVMTypeRef to);
  LLVMValueRef splat(LLVMValueRef scalar, unsigned lanes);
  LLVMValueRef shuffle(LLVMValueRef a, LLVMValueRef b, std::span<const int> mask);
  LLVMValueRef lane(LLVMValueRef vector, LLVMValueRef index);
  LLVMValueRef with_lane(LLVMValueRef vector, LLVMValueRef scalar, unsigned index);
  /// base + index * (bytes of `element`); a vector of indices gives a vector of addresses.
  LLVMValueRef address(LLVMTypeRef element, LLVMValueRef base, LLVMValueRef index);
  /// A pure intrinsic, overloaded on `overload` where not empty.
  LLVMValueRef intrinsic(std::string_view name, std::initializer_list<LLVMTypeRef> overload,
                         std::initializer_list<LLVMValueRef> args);
  /// A pure function of this module.
  LLVMValueRef call_pure(LLVMValueRef function, std::initializer_list<LLVMValueRef> args);
  /// Memory that nobody writes while the function runs.
  LLVMValueRef load_invariant(LLVMTypeRef type, LLVMValueRef address);

  // ---- at the current place ----

  LLVMValueRef load(LLVMTypeRef type, LLVMValueRef address, unsigned align);
  LLVMValueRef store(LLVMValueRef value, LLVMValueRef address, unsigned align);
  void mark_nontemporal(LLVMValueRef store);
  LLVMValueRef phi(LLVMTypeRef type);
  static void incoming(LLVMValueRef phi, LLVMValueRef value, LLVMBasicBlockRef from);
  /// An intrinsic with effects.
  LLVMValueRef effect(std::string_view name, std::initializer_list<LLVMTypeRef> overload,
                      std::initializer_list<LLVMValueRef> args);
  LLVMValueRef call(LLVMTypeRef function_type, LLVMValueRef function, std::initializer_list<LLVMValueRef> args);
  /// A stack slot, made in the entry block.
  LLVMValueRef slot(LLVMTypeRef type, unsigned count);

 private:
  struct Key {
    std::uint64_t op = 0;  // opcode, predicate and kind
    const void* type = nullptr;
    std::uint64_t a = 0, b = 0, c = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Scope {
    LLVMValueRef leave = nullptr;  // null in the current scope
    std::unordered_map<Key, LLVMValueRef, KeyHash> made;
  };

  /// The value of `build`, made once, in the deepest scope of `operands`.
  template <typename Build>
  LLVMValueRef pure(const Key& key, std::span<const LLVMValueRef> operands, Build build);
  LLVMValueRef here(LLVMValueRef value);
  LLVMValueRef declaration(std::string_view name, std::span<const LLVMTypeRef> overload);
  void weigh(LLVMValueRef branch, std::uint32_t yes, std::uint32_t no);

  LLVMModuleRef module_;
  LLVMValueRef function_;
  LLVMContextRef context_;
  LLVMBuilderRef builder_;
  LLVMBasicBlockRef entry_, current_;
  std::vector<Scope> scopes_;
  bool pinned_ = false;
  std::unordered_map<LLVMValueRef, std::uint32_t> depth_;  // of values below the outermost scope
};

}  // namespace aurex::codegen
