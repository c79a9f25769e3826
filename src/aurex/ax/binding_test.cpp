#include "aurex/ax/binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "aurex/base/error.h"

namespace aurex::ax {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Signatures without bodies, all that binding looks at.
class Signature {
 public:
  TileProgram program;

  explicit Signature(std::string name) { program.name = std::move(name); }

  DimId dim(std::string name) {
    program.dims.emplace_back();
    program.dims.back().name = std::move(name);
    return static_cast<DimId>(program.dims.size() - 1);
  }
  DimId pack(std::string name) {
    const DimId id = dim(std::move(name));
    program.dims[id].pack = program.pack_count++;
    return id;
  }
  DimId literal(std::int64_t extent) {
    const DimId id = dim(std::to_string(extent));
    program.dims[id].literal = extent;
    return id;
  }
  ArrayId array(std::string name, ArrayRole role, std::initializer_list<DimId> dims, DType dtype = DType::kF32) {
    Array array;
    array.name = std::move(name);
    array.role = role;
    array.storage.dtype = dtype;
    std::uint32_t axis = 0;
    for (const DimId dim : dims) array.dims.push_back({.dim = dim, .argument_axis = axis++});
    program.arrays.push_back(std::move(array));
    return static_cast<ArrayId>(program.arrays.size() - 1);
  }
  ValueId value(Value value) {
    program.values.push_back(std::move(value));
    return static_cast<ValueId>(program.values.size() - 1);
  }
  ValueId leaf(Op op, std::uint32_t id, std::int64_t integer = 0, RegType type = RegType::kI64) {
    Value leaf;
    leaf.op = op;
    leaf.type = type;
    leaf.id = id;
    leaf.integer = integer;
    return value(std::move(leaf));
  }
  ValueId binary(Op op, RegType type, ValueId a, ValueId b) {
    Value node;
    node.op = op;
    node.type = type;
    node.args = {a, b};
    return value(std::move(node));
  }
};

/// Owns the elements of views.
class Views {
 public:
  TensorView make(const Dims& shape, DType dtype = DType::kF32) {
    blocks_.push_back(std::make_unique<std::vector<char>>(static_cast<std::size_t>(byte_count(shape, dtype)) + 64));
    return contiguous_view(static_cast<void*>(blocks_.back()->data()), dtype, shape);
  }

 private:
  std::vector<std::unique_ptr<std::vector<char>>> blocks_;
};

class BindingTest : public testing::Test {
 protected:
  /// Binds; results without a view get one of the shape that the binding asks for.
  void bind(const TileProgram& program, std::vector<TensorView> inputs, std::vector<TensorView> results = {},
            std::vector<NamedExtent> extents = {}, std::vector<ScalarArgument> scalars = {}) {
    inputs_ = std::move(inputs);
    results_ = std::move(results);
    binding_ = std::make_unique<Binding>(program);
    std::vector<const TensorView*> input_pointers, result_pointers;
    for (const TensorView& view : inputs_) input_pointers.push_back(&view);
    for (const TensorView& view : results_) result_pointers.push_back(&view);
    binding_->solve({.arrays = input_pointers, .scalars = scalars, .results = result_pointers, .extents = extents},
                    call_);
    std::vector<TensorView> made;
    made.reserve(binding_->results().size());
    for (const ArrayId id : binding_->results()) {
      if (call_.views[id] != nullptr) continue;
      made.push_back(views_.make(binding_->result_shape(call_, id), program.arrays[id].storage.dtype));
      call_.views[id] = &made.back();
    }
    made_ = std::move(made);
    binding_->finish(call_);
  }

  std::vector<std::int64_t> strides(ArrayId array, std::size_t count) const {
    return {call_.arrays[array].strides, call_.arrays[array].strides + count};
  }

  Views views_;
  std::vector<TensorView> inputs_, results_, made_;
  std::unique_ptr<Binding> binding_;
  BoundCall call_;
};

Signature matmul() {
  Signature s("matmul");
  const DimId m = s.dim("M"), k = s.dim("K"), n = s.dim("N");
  s.array("a", ArrayRole::kInput, {m, k});
  s.array("b", ArrayRole::kInput, {k, n});
  s.array("c", ArrayRole::kResult, {m, n});
  return s;
}

TEST_F(BindingTest, SolvesDimensionsFromShapesAndLaysOutStrides) {
  const Signature s = matmul();
  bind(s.program, {views_.make({2, 3}), transpose(views_.make({4, 3}))});
  EXPECT_THAT(call_.extents, ElementsAre(2, 3, 4));
  EXPECT_THAT(strides(0, 2), ElementsAre(3, 1));
  EXPECT_THAT(strides(1, 2), ElementsAre(1, 3));
  EXPECT_THAT(strides(2, 2), ElementsAre(4, 1));
  EXPECT_EQ(binding_->result_shape(call_, 2), (Dims{2, 4}));
}

TEST_F(BindingTest, ExtentsThatDisagreeNameKernelAxisExtentsAndParameters) {
  const Signature s = matmul();
  try {
    bind(s.program, {views_.make({2, 3}), views_.make({5, 4})});
    FAIL() << "accepted";
  } catch (const ShapeMismatch& error) {
    EXPECT_EQ(error.field("kernel"), "matmul");
    EXPECT_EQ(error.field("axis"), "K");
    EXPECT_EQ(error.expected, Extents{3});
    EXPECT_EQ(error.actual, Extents{5});
    EXPECT_EQ(error.field("parameter"), "b");
    EXPECT_EQ(error.field("other_parameter"), "a");
  }
}

TEST_F(BindingTest, WrongDTypeAndRankNameExpectedAndActual) {
  const Signature s = matmul();
  try {
    bind(s.program, {views_.make({2, 3}), views_.make({3, 4}, DType::kF64)});
    FAIL() << "accepted";
  } catch (const DTypeMismatch& error) {
    EXPECT_EQ(error.field("parameter"), "b");
    EXPECT_EQ(error.field("expected"), "f32");
    EXPECT_EQ(error.field("actual"), "f64");
  }
  try {
    bind(s.program, {views_.make({2, 3}), views_.make({3})});
    FAIL() << "accepted";
  } catch (const DimensionMismatch& error) {
    EXPECT_EQ(error.field("parameter"), "b");
    EXPECT_EQ(error.expected, 2);
    EXPECT_EQ(error.actual, 1);
  }
}

TEST_F(BindingTest, MissingAndSurplusArgumentsAreNamed) {
  const Signature s = matmul();
  try {
    bind(s.program, {views_.make({2, 3})});
    FAIL() << "accepted";
  } catch (const ArgumentError& error) {
    EXPECT_EQ(error.field("argument"), "b");
  }
  EXPECT_THROW(bind(s.program, {views_.make({2, 3}), views_.make({3, 4}), views_.make({1})}), ArgumentError);
  EXPECT_THROW(bind(s.program, {views_.make({2, 3}), views_.make({3, 4})}, {}, {{"Q", 3}}), ArgumentError);
}

TEST_F(BindingTest, AnUnsolvedDimensionComesFromItsNameOrTheResult) {
  Signature s("histogram");
  const DimId n = s.dim("N"), b = s.dim("B");
  s.array("x", ArrayRole::kInput, {n});
  s.array("h", ArrayRole::kResult, {b});
  bind(s.program, {views_.make({5})}, {}, {{"B", 7}});
  EXPECT_THAT(call_.extents, ElementsAre(5, 7));
  bind(s.program, {views_.make({5})}, {views_.make({9})});
  EXPECT_THAT(call_.extents, ElementsAre(5, 9));
  EXPECT_THROW(bind(s.program, {views_.make({5})}), ArgumentError);
  EXPECT_THROW(bind(s.program, {views_.make({5})}, {}, {{"B", -1}}), InvalidConfig);
}

TEST_F(BindingTest, ALiteralFixesAnExtent) {
  Signature s("cross");
  s.array("x", ArrayRole::kInput, {s.literal(3)});
  bind(s.program, {views_.make({3})});
  EXPECT_THROW(bind(s.program, {views_.make({4})}), ShapeMismatch);
}

TEST_F(BindingTest, ASplitDimensionIsSolvedAndBecomesStrides) {
  Signature s("rope");
  const DimId h = s.dim("H"), two = s.literal(2), p = s.dim("P");
  const ArrayId x = s.array("x", ArrayRole::kInput, {h, two, p});
  s.program.arrays[x].dims[2].argument_axis = 1;
  bind(s.program, {views_.make({3, 10})});
  EXPECT_THAT(call_.extents, ElementsAre(3, 2, 5));
  EXPECT_THAT(strides(x, 3), ElementsAre(10, 5, 1));
  EXPECT_THROW(bind(s.program, {views_.make({3, 7})}), ShapeMismatch);
}

TEST_F(BindingTest, WhereDefinesAndChecksExtents) {
  Signature s("halve");
  const DimId n = s.dim("N"), half = s.dim("H");
  s.array("x", ArrayRole::kInput, {n});
  s.array("y", ArrayRole::kResult, {half});
  const ValueId extent = s.leaf(Op::kExtent, n), two = s.leaf(Op::kConst, kNone, 2),
                zero = s.leaf(Op::kConst, kNone, 0);
  s.program.dims[half].defined_by = s.binary(Op::kFloorDiv, RegType::kI64, extent, two);
  const ValueId rest = s.binary(Op::kMod, RegType::kI64, extent, two);
  ExtentCheck check;
  check.condition = s.binary(Op::kEq, RegType::kBool, rest, zero);
  check.text = "N % 2 == 0";
  s.program.checks.push_back(check);
  bind(s.program, {views_.make({6})});
  EXPECT_THAT(call_.extents, ElementsAre(6, 3));
  try {
    bind(s.program, {views_.make({7})});
    FAIL() << "accepted";
  } catch (const ShapeMismatch& error) {
    EXPECT_EQ(error.field("condition"), "N % 2 == 0");
    EXPECT_THAT(error.message(), HasSubstr("N = 7"));
  }
}

Signature softmax() {
  Signature s("softmax");
  const DimId r = s.pack("R"), c = s.dim("C");
  s.array("x", ArrayRole::kInput, {r, c});
  s.array("y", ArrayRole::kResult, {r, c});
  return s;
}

TEST_F(BindingTest, APackOfNoAxesIsOnePosition) {
  const Signature s = softmax();
  bind(s.program, {views_.make({5})});
  EXPECT_THAT(call_.extents, ElementsAre(1, 5));
  EXPECT_THAT(call_.packs, ElementsAre(1, 1, 1, 1, 1, 1, 1, 1));
}

TEST_F(BindingTest, PackAxesThatCollapseInEveryArrayAreMerged) {
  const Signature s = softmax();
  bind(s.program, {views_.make({2, 1, 3, 5})});
  EXPECT_THAT(call_.extents, ElementsAre(6, 5));
  EXPECT_THAT(call_.packs, ElementsAre(1, 1, 1, 1, 1, 1, 1, 6));
  EXPECT_THAT(strides(0, 9), ElementsAre(0, 0, 0, 0, 0, 0, 0, 5, 1));
  EXPECT_EQ(binding_->result_shape(call_, 1), (Dims{2, 1, 3, 5}));
}

TEST_F(BindingTest, PackAxesThatDoNotCollapseStayApart) {
  const Signature s = softmax();
  const TensorView wide = views_.make({2, 4, 5});
  bind(s.program, {slice(wide, 1, 0, 3)});
  EXPECT_THAT(call_.packs, ElementsAre(1, 1, 1, 1, 1, 1, 2, 3));
  EXPECT_THAT(strides(0, 9), ElementsAre(0, 0, 0, 0, 0, 0, 20, 5, 1));
  EXPECT_THAT(strides(1, 9), ElementsAre(0, 0, 0, 0, 0, 0, 15, 5, 1));
}

TEST_F(BindingTest, PacksOfOneNameAgreeAxisByAxis) {
  Signature s = softmax();
  s.array("w", ArrayRole::kInput, {0, 1});
  EXPECT_THROW(bind(s.program, {views_.make({2, 3, 5}), views_.make({3, 2, 5})}), ShapeMismatch);
}

Signature broadcast_add() {
  Signature s("add");
  const DimId r = s.pack("R"), i = s.dim("I");
  s.program.broadcast = true;
  s.array("x", ArrayRole::kInput, {r, i});
  s.array("y", ArrayRole::kInput, {r, i});
  s.array("z", ArrayRole::kResult, {r, i});
  return s;
}

TEST_F(BindingTest, ExpressionKernelsStretchByNumPysRulesAndMerge) {
  const Signature s = broadcast_add();
  bind(s.program, {views_.make({2, 3, 4}), views_.make({2, 3, 4})});
  EXPECT_THAT(call_.extents, ElementsAre(1, 24));
  bind(s.program, {views_.make({2, 3, 4}), views_.make({4})});
  EXPECT_THAT(call_.extents, ElementsAre(6, 4));
  EXPECT_THAT(strides(1, 9), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(binding_->result_shape(call_, 2), (Dims{2, 3, 4}));
  bind(s.program, {views_.make({3, 1}), views_.make({4})});
  EXPECT_THAT(call_.extents, ElementsAre(3, 4));
  EXPECT_THAT(strides(0, 9), ElementsAre(0, 0, 0, 0, 0, 0, 0, 1, 0));
  bind(s.program, {views_.make({}), views_.make({})});
  EXPECT_THAT(call_.extents, ElementsAre(1, 1));
  bind(s.program, {views_.make({0, 3}), views_.make({3})});
  EXPECT_EQ(call_.extents[0] * call_.extents[1], 0);
  EXPECT_THROW(bind(s.program, {views_.make({2, 3}), views_.make({4})}), ShapeMismatch);
}

TEST_F(BindingTest, AnOutputThatOverlapsIsReadOnlyOfAnotherShapeOrNotDistinctIsRefused) {
  Signature s = broadcast_add();
  TensorView x = views_.make({6});
  TensorView y = views_.make({6});
  const auto refused = [&](const TensorView& z) {
    try {
      bind(s.program, {x, y}, {z});
    } catch (const InvalidConfig& error) {
      return std::string(error.field("argument"));
    }
    return std::string("accepted");
  };
  TensorView read_only = views_.make({6});
  read_only.read_only = true;
  TensorView repeated = views_.make({6});
  repeated.strides[0] = 0;
  TensorView shifted = x;
  shifted.data = x.as<float>() + 1;
  EXPECT_EQ(refused(read_only), "z");
  EXPECT_EQ(refused(views_.make({5})), "z");
  EXPECT_EQ(refused(repeated), "z");
  EXPECT_EQ(refused(shifted), "z");
  EXPECT_EQ(refused(x), "z");
  s.program.arrays[2].in_place = true;
  EXPECT_EQ(refused(x), "accepted");
  EXPECT_EQ(refused(shifted), "z");
  EXPECT_EQ(refused(views_.make({6})), "accepted");
}

TEST_F(BindingTest, ACallThatDiffersInAddressesOnlyRepeatsTheOneBefore) {
  const Signature s = matmul();
  bind(s.program, {views_.make({2, 3}), views_.make({3, 4})}, {views_.make({2, 4})});
  const TensorView a = views_.make({2, 3}), b = views_.make({3, 4}), c = views_.make({2, 4});
  const auto repeats = [&](const TensorView& x, const TensorView& y, const TensorView& z,
                           std::vector<NamedExtent> extents = {}) {
    const TensorView* const inputs[] = {&x, &y};
    const TensorView* const results[] = {&z};
    return binding_->repeat({.arrays = inputs, .results = results, .extents = extents}, call_);
  };
  ASSERT_TRUE(repeats(a, b, c));
  binding_->finish(call_);
  EXPECT_TRUE(call_.repeated);
  EXPECT_EQ(call_.arrays[2].data, c.data);
  EXPECT_EQ(call_.arrays[0].data, a.data);
  EXPECT_THAT(strides(1, 2), ElementsAre(4, 1));
  EXPECT_FALSE(repeats(views_.make({2, 4}), b, c));
  EXPECT_FALSE(repeats(a, transpose(views_.make({4, 3})), c));
  EXPECT_FALSE(repeats(a, views_.make({3, 4}, DType::kF64), c));
  EXPECT_FALSE(repeats(a, views_.make({12}), c));
  EXPECT_FALSE(repeats(a, b, views_.make({2, 5})));
  EXPECT_FALSE(repeats(a, b, c, {{"M", 2}}));
  EXPECT_TRUE(repeats(a, b, c));
}

TEST_F(BindingTest, AResultGivenLateMayEndARepeat) {
  const Signature s = matmul();
  bind(s.program, {views_.make({2, 3}), views_.make({3, 4})});
  const TensorView a = views_.make({2, 3}), b = views_.make({3, 4}), c = transpose(views_.make({4, 2}));
  const TensorView* const inputs[] = {&a, &b};
  ASSERT_TRUE(binding_->repeat({.arrays = inputs}, call_));
  EXPECT_EQ(binding_->result_shape(call_, 2), (Dims{2, 4}));
  call_.views[2] = &c;
  binding_->finish(call_);
  EXPECT_FALSE(call_.repeated);
  EXPECT_THAT(strides(2, 2), ElementsAre(1, 2));
}

TEST_F(BindingTest, ARefusedCallIsNotRepeated) {
  const Signature s = matmul();
  bind(s.program, {views_.make({2, 3}), views_.make({3, 4})});
  const TensorView a = views_.make({2, 3}), b = views_.make({3, 4}), wrong = views_.make({5, 4});
  const TensorView* const refused[] = {&a, &wrong};
  EXPECT_THROW(binding_->solve({.arrays = refused}, call_), ShapeMismatch);
  const TensorView* const inputs[] = {&a, &b};
  EXPECT_FALSE(binding_->repeat({.arrays = inputs}, call_));
}

TEST_F(BindingTest, TwoResultsMayNotShareMemory) {
  Signature s = broadcast_add();
  s.array("w", ArrayRole::kResult, {0, 1});
  const TensorView z = views_.make({6});
  EXPECT_THROW(bind(s.program, {views_.make({6}), views_.make({6})}, {z, z}), InvalidConfig);
}

TEST_F(BindingTest, ExtentsWhoseProductOverflowsAreOutOfMemory) {
  Signature s("outer");
  const DimId n = s.dim("N"), m = s.dim("M");
  s.array("x", ArrayRole::kInput, {n});
  s.array("y", ArrayRole::kInput, {m});
  s.array("z", ArrayRole::kResult, {n, m});
  TensorView huge = views_.make({1});
  huge.shape[0] = std::int64_t{1} << 40;
  huge.strides[0] = 0;
  EXPECT_THROW(bind(s.program, {huge, huge}), OutOfMemory);
}

TEST_F(BindingTest, ScalarsConvertAndMustFit) {
  Signature s("scale");
  const DimId n = s.dim("N");
  s.array("x", ArrayRole::kInput, {n});
  s.program.scalars = {{.name = "alpha", .type = RegType::kF64, .slot = 0},
                       {.name = "shift", .type = RegType::kI64, .slot = 0}};
  s.leaf(Op::kScalar, 1, 0, RegType::kI32);
  const auto call = [&](ScalarArgument alpha, ScalarArgument shift) {
    bind(s.program, {views_.make({2})}, {}, {}, {alpha, shift});
  };
  call({RegType::kI64, Cell::of(std::int64_t{3})}, {RegType::kI64, Cell::of(std::int64_t{-4})});
  EXPECT_EQ(call_.f64_scalars[0], 3.0);
  EXPECT_EQ(call_.i64_scalars[0], -4);
  EXPECT_THROW(call({RegType::kF64, Cell::of(1.0)}, {RegType::kI64, Cell::of(std::int64_t{1} << 40)}), InvalidConfig);
  EXPECT_THROW(call({RegType::kF64, Cell::of(1.0)}, {RegType::kF64, Cell::of(1.5)}), DTypeMismatch);
}

}  // namespace
}  // namespace aurex::ax
