// The rows of the table of diagnostics, the programs of the reference, and what specialisation makes of programs. The
// rules of the language are in rules_test.cpp.

#include "aurex/ax/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "aurex/ax/reference_programs.h"
#include "aurex/ax/tile_printer.h"
#include "aurex/ax/tile_verify.h"

namespace aurex::ax {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Checked {
  std::shared_ptr<const Source> source;
  std::shared_ptr<const CheckedModule> module;
  std::vector<Diagnostic> diagnostics;

  [[nodiscard]] std::vector<std::string> codes() const {
    std::vector<std::string> result;
    for (const Diagnostic& diagnostic : diagnostics) result.push_back(to_string(diagnostic.code));
    return result;
  }
  [[nodiscard]] std::string text() const { return render(*source, diagnostics); }
};

Checked checked(std::string text) {
  Checked result;
  result.source = std::make_shared<const Source>("test.ax", std::move(text));
  DiagnosticSink sink;
  result.module = check(result.source, sink, [](std::string_view path, const Source&) -> std::shared_ptr<const Source> {
    if (path.starts_with("no such")) return nullptr;
    return std::make_shared<const Source>(std::string(path), "");
  });
  result.diagnostics = sink.sorted();
  return result;
}

TileProgram program_of(const std::string& text, const Specialization* given = nullptr) {
  const Checked result = checked(text);
  if (result.module == nullptr) throw std::runtime_error(result.text());
  const std::string name = kernels(*result.module).front().name;
  return specialize(*result.module, name, given != nullptr ? *given : sample_specialization(*result.module, name));
}

/// The value that the last store of a program stores.
const Value& stored(const TileProgram& program, const Body* body = nullptr) {
  for (const Stmt& stmt : body != nullptr ? *body : program.body) {
    if (const auto* node = std::get_if<Store>(&stmt.node)) return program.values[node->value];
    if (const auto* node = std::get_if<Parallel>(&stmt.node)) return stored(program, &node->body);
  }
  throw std::runtime_error("nothing is stored");
}

void expect_legal(const CheckedModule& module) {
  for (const KernelInterface& kernel : kernels(module)) {
    const TileProgram program = specialize(module, kernel.name, sample_specialization(module, kernel.name));
    EXPECT_THAT(verify(program), IsEmpty()) << print(program);
  }
}

class TableRow : public testing::TestWithParam<CodeInfo> {};

TEST_P(TableRow, ItsRefusedProgramGetsExactlyItsCode) {
  if (GetParam().refused.empty()) return;  // needs more text than a table holds, or a second file
  const Checked result = checked(std::string(GetParam().refused));
  EXPECT_EQ(result.module, nullptr);
  EXPECT_THAT(result.codes(), testing::Each(to_string(GetParam().code))) << result.text();
  EXPECT_FALSE(result.codes().empty());
}

TEST_P(TableRow, ItsRepairedProgramIsAccepted) {
  const Checked result = checked(std::string(GetParam().repaired));
  EXPECT_NE(result.module, nullptr) << result.text();
}

std::vector<CodeInfo> all_rows() {
  const auto rows = diagnostic_table();
  return {rows.begin(), rows.end()};
}
INSTANTIATE_TEST_SUITE_P(Codes, TableRow, testing::ValuesIn(all_rows()),
                         [](const auto& info) { return to_string(info.param.code) + std::string(info.param.name); });

class Reference : public testing::TestWithParam<NamedProgram> {};

TEST_P(Reference, ProgramIsAccepted) {
  const std::string_view name = GetParam().name;
  if (name == "Everything" || name == "AllRules")
    return;  // uses every form of the grammar, not one program that means something
  const Checked result = checked(std::string(GetParam().text));
  ASSERT_NE(result.module, nullptr) << result.text();
  expect_legal(*result.module);
}
INSTANTIATE_TEST_SUITE_P(Reference, Reference, testing::ValuesIn(kReferencePrograms),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Specialize, TakesStorageTypesAndLoadsThemAsRegisters) {
  const Specialization given{.arguments = {{.kind = Given::Kind::kArray, .storage = {DType::kBF16}, .constant = {}},
                                           {.kind = Given::Kind::kArray, .storage = {DType::kBF16}, .constant = {}}},
                             .results = {},
                             .target_features = {}};
  const TileProgram program =
      program_of("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }", &given);
  EXPECT_EQ(program.arrays[2].storage.dtype, DType::kBF16);
  EXPECT_EQ(stored(program).type, RegType::kF32);
}

TEST(Specialize, RefusesTypesThatDoNotFit) {
  const Checked result = checked("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { z[N] = x[N] + y[N] }");
  const Specialization given{.arguments = {{.kind = Given::Kind::kArray, .storage = {DType::kF32}, .constant = {}},
                                           {.kind = Given::Kind::kArray, .storage = {DType::kF64}, .constant = {}}},
                             .results = {},
                             .target_features = {}};
  try {
    (void)specialize(*result.module, "add", given);
    FAIL() << "accepted";
  } catch (const CompileError& error) {
    EXPECT_EQ(error.field("code"), "AX0411");
  }
}

TEST(Specialize, NamesTheKernelsThereAreWhenOneIsUnknown) {
  const Checked result = checked("kernel add(x) = x + 1");
  EXPECT_THROW((void)specialize(*result.module, "sub", {}), ArgumentError);
}

TEST(Specialize, TakesTheTypeOfAVariableFromAllThatIsAssignedToIt) {
  const TileProgram program = program_of(
      "kernel k(x: f64[R, C]) -> (y: f64[R]) { parallel r in R { var a[r] = 0; for c in C { a += sum(x[r, c], c) }; "
      "y[r] = a } }");
  EXPECT_EQ(program.vars[0].type, RegType::kF64);
}

TEST(Specialize, LetsTheResultOfAnExpressionKernelKeepTheStorageOfItsArguments) {
  const Checked result = checked("kernel half(x) = x * 0.5");
  const auto storage_for = [&](DType dtype) {
    const Specialization given{.arguments = {{.kind = Given::Kind::kArray, .storage = {dtype}, .constant = {}}},
                               .results = {},
                               .target_features = {}};
    return specialize(*result.module, "half", given).arrays.back().storage.dtype;
  };
  EXPECT_EQ(storage_for(DType::kF16), DType::kF16);
  EXPECT_EQ(storage_for(DType::kF64), DType::kF64);
  EXPECT_EQ(storage_for(DType::kI32), DType::kF32);
}

TEST(Specialize, FoldsConstantsWithTheBitsOfTheirType) {
  const TileProgram program = program_of("kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = x[N] * (0.1 + 0.2) }");
  const Value& product = stored(program);
  ASSERT_EQ(product.op, Op::kMul);
  const Value& constant = program.values[product.args[1]];
  ASSERT_EQ(constant.op, Op::kConst);
  EXPECT_EQ(constant.number, static_cast<double>(static_cast<float>(0.1 + 0.2)));
}

TEST(Specialize, SharesIdenticalValues) {
  const TileProgram program = program_of("kernel k(x: f32[N]) -> (y: f32[N]) { y[N] = exp(x[N]) * exp(x[N]) }");
  const Value& product = stored(program);
  EXPECT_EQ(product.args[0], product.args[1]);
}

TEST(Specialize, KeepsTwoReadsOfAVariableApartWhenItChangesBetween) {
  const TileProgram program = program_of(
      "kernel k(x: f32[N]) -> (y: f32[N]) { parallel i in N { var v[i] = x[i]; let a = v; v = 2 * v; y[i] = a + v } }");
  EXPECT_EQ(
      std::count_if(program.values.begin(), program.values.end(), [](const Value& v) { return v.op == Op::kVar; }), 2);
}

TEST(Specialize, ProvesIndicesThatCannotLeaveTheirAxis) {
  const auto proved = [](const std::string& index) {
    const TileProgram program =
        program_of("kernel k(x: f32[C]) -> (y: f32[C]) { parallel c in C { y[c] = x[" + index + "] } }");
    return program.loads[0].indices[0].kind == Index::Kind::kAxis || program.loads[0].indices[0].proved;
  };
  EXPECT_TRUE(proved("c"));
  EXPECT_TRUE(proved("C - 1 - c"));
  EXPECT_TRUE(proved("clamp(c - 1, 0, C - 1)"));
  EXPECT_TRUE(proved("(c + 1) % C"));
  EXPECT_FALSE(proved("c + 1"));
  EXPECT_FALSE(proved("C - c"));
}

TEST(Specialize, MarksResultsThatMayLieOverAnInput) {
  const auto in_place = [](const std::string& statements) {
    return program_of("kernel k(x: f32[R, C]) -> (y: f32[R, C]) { parallel r in R { " + statements + " } }")
        .arrays[1]
        .in_place;
  };
  EXPECT_TRUE(in_place("y[r, C] = x[r, C] / sum(x[r, C], C)"));
  EXPECT_FALSE(in_place("let c in C; y[r, c] = x[r, C - 1 - c]"));
}

TEST(Specialize, ReportsSeveralErrorsInOneRun) {
  const Checked result = checked(
      "kernel k(x: f32[N]) -> (y: f32[N]) {\n  let a = x[N] + unknown\n  let b = x[N, N]\n  let c = a + 1\n  y[N] = "
      "x[N]\n}");
  EXPECT_THAT(result.codes(), ElementsAre("AX0201", "AX0303"));
}

TEST(Check, DescribesKernelsToTheirCallers) {
  const Checked result = checked(
      "kernel linear(x: T[R..., K], w: U[N, K], b: T[N] = 0, const gelu: bool = false) -> (y: T[R..., N]) {\n"
      "  parallel r in R, n in N { y[r, n] = sum(x[r, K] * w[n, K], K) + b[n] }\n}");
  ASSERT_NE(result.module, nullptr) << result.text();
  const KernelInterface& kernel = kernels(*result.module).front();
  EXPECT_EQ(kernel.parameters[2].default_text, "0");
  EXPECT_TRUE(kernel.parameters[3].constant);
  EXPECT_THAT(kernel.dims, IsEmpty());
  EXPECT_THAT(kernel.signature, HasSubstr("kernel linear(x: T[R..., K], w: U[N, K]"));
}

TEST(Check, ComputesTheSizesOfFormats) {
  const Checked result = checked(
      "format q4_0 { block n: 2, l: 16; d: f16; qs: u8[16]; value = d * (bits(qs[l], 4 * n, 4) - 8) }\n"
      "format nf4(B: 64) { block j: div(B, 2), n: 2; code: u8[div(B, 2)]; absmax: f32 separate\n"
      "  value = absmax * levels[bits(code[j], 4 - 4 * n, 4)]\n  levels = [-1, 0, 1] }");
  ASSERT_NE(result.module, nullptr) << result.text();
  ASSERT_EQ(formats(*result.module).size(), 2u);
  EXPECT_EQ(formats(*result.module)[0].elements, 32);
  EXPECT_EQ(formats(*result.module)[0].block_bytes, 18);
  EXPECT_EQ(formats(*result.module)[0].bits_per_weight, 4.5);
  EXPECT_EQ(formats(*result.module)[1].bits_per_weight, 4.5);
}

TEST(Check, TakesFunctionsFromFilesThatAreUsed) {
  const UseLoader loader = [](std::string_view path, const Source&) -> std::shared_ptr<const Source> {
    if (path != "twice.ax") return nullptr;
    return std::make_shared<const Source>("twice.ax", "fn twice(x) = 2 * x");
  };
  DiagnosticSink sink;
  const auto source = std::make_shared<const Source>("main.ax", "use \"twice.ax\"\nkernel k(x) = twice(x)");
  EXPECT_NE(check(source, sink, loader), nullptr);
}

TEST(Check, RefusesFilesThatUseEachOther) {
  const UseLoader loader = [](std::string_view path, const Source&) {
    return std::make_shared<const Source>(std::string(path), path == "a.ax" ? "use \"b.ax\"" : "use \"a.ax\"");
  };
  DiagnosticSink sink;
  (void)check(std::make_shared<const Source>("main.ax", "use \"a.ax\"\nkernel k(x) = x"), sink, loader);
  ASSERT_TRUE(sink.has_errors());
  EXPECT_EQ(sink.sorted().front().code, Code::kUseCycle);
}

TEST(Check, StaysBoundedWhereInliningDoubles) {
  std::string text = "fn f0(x) = x + 1\n";
  for (int i = 1; i < 40; ++i) {
    const std::string callee = "f" + std::to_string(i - 1);
    text += "fn f" + std::to_string(i) + "(x) = " + callee + "(x) * " + callee + "(x + 1)\n";
  }
  const Checked result = checked(text + "kernel k(x) = f39(x)");
  EXPECT_THAT(result.codes(), ElementsAre("AX0911"));
}

}  // namespace
}  // namespace aurex::ax
