#pragma once

// Runs a loop program written as text by the scalar executor and by compiled code for every target this machine runs,
// on arrays that touch unreadable pages on either side, and wants the same bytes.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/compile.h"
#include "aurex/schedule/loop_program.h"
#include "aurex/tensor/dtype.h"

namespace aurex::codegen {

/// Bytes between two unreadable pages, lying against the one before or the one after them.
class GuardedBytes {
 public:
  GuardedBytes(std::size_t bytes, bool at_end);
  ~GuardedBytes();
  GuardedBytes(GuardedBytes&& other) noexcept;
  GuardedBytes& operator=(GuardedBytes&&) = delete;
  [[nodiscard]] char* data() const { return data_; }

 private:
  char* map_ = nullptr;
  std::size_t mapped_ = 0;
  char* data_ = nullptr;
};

/// An array argument: `elements` of one dtype, with strides as AurexArray has them.
struct TestArray {
  DType dtype = DType::kF32;
  std::vector<char> bytes{};
  std::vector<std::int64_t> strides{};
  std::int64_t first = 0;  // element at index 0 of every axis

  /// Numbers converted as a store would.
  static TestArray of(DType dtype, const std::vector<double>& values, std::vector<std::int64_t> strides = {1});
  static TestArray zeros(DType dtype, std::int64_t elements, std::vector<std::int64_t> strides = {1});
  template <typename T>
  static TestArray raw(DType dtype, const std::vector<T>& values) {
    TestArray array{.dtype = dtype, .bytes = std::vector<char>(values.size() * sizeof(T)), .strides = {1}};
    std::copy_n(reinterpret_cast<const char*>(values.data()), array.bytes.size(), array.bytes.data());
    return array;
  }
  [[nodiscard]] std::vector<double> numbers() const;
};

struct TestCall {
  std::vector<std::int64_t> extents{};
  std::vector<std::int64_t> packs{};
  std::vector<TestArray> arrays{};
  std::vector<double> f64_scalars{};
  std::vector<std::int64_t> i64_scalars{};
};

/// What the runtime saw.
struct Events {
  std::vector<std::tuple<int, int, std::int64_t, std::int64_t, std::int64_t>>
      faults;                                                             // fault, site, position, value, bound
  std::vector<std::tuple<int, std::int64_t, int, std::uint64_t>> prints;  // site, position, is_float, bits
  int launches = 0;
  friend bool operator==(const Events& a, const Events& b) { return a.faults == b.faults && a.prints == b.prints; }
};

struct Outcome {
  std::vector<TestArray> arrays;
  Events events;
};

/// Parses and verifies a program, whose text goes without the line that names the grammar; a complaint fails the test.
[[nodiscard]] schedule::LoopProgram program_of(const std::string& text);
[[nodiscard]] Outcome run_executor(const schedule::LoopProgram& program, const TestCall& call);
/// `at_end`: arrays end at an unreadable page, else they start after one. Tiles are handed out in pieces of `chunk`.
[[nodiscard]] Outcome run_code(const CompiledCode& code, const TestCall& call, bool at_end,
                               std::int64_t chunk = 1 << 20);

/// For every runnable target: compiled code gives what the executor gives; NaN equals NaN. Returns the executor's
/// outcome.
Outcome expect_same(const std::string& text, const TestCall& call);
/// The same for several calls of one program, compiled once.
void expect_same(const std::string& text, const std::vector<TestCall>& calls);

/// Targets whose code this process may run.
[[nodiscard]] std::vector<std::string> runnable();

/// lo, lo + step, … with signs and sizes mixed, for tests that want no special values.
[[nodiscard]] std::vector<double> ramp(std::int64_t count, double from = -3, double step = 0.37);

}  // namespace aurex::codegen
