#include "aurex/codegen/call_fixture.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "aurex/schedule/loop_executor.h"
#include "aurex/schedule/loop_parser.h"
#include "aurex/schedule/loop_verify.h"
#include "aurex/schedule/target.h"
#include "aurex/tensor/convert.h"

namespace aurex::codegen {

// ---- memory ----

GuardedBytes::GuardedBytes(std::size_t bytes, bool at_end) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t body = (bytes + page - 1) / page * page;
  mapped_ = body + 2 * page;
  void* map = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::runtime_error("no memory for a test");
  map_ = static_cast<char*>(map);
  mprotect(map_, page, PROT_NONE);
  mprotect(map_ + page + body, page, PROT_NONE);
  data_ = at_end ? map_ + page + body - bytes : map_ + page;
}

GuardedBytes::GuardedBytes(GuardedBytes&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)), mapped_(other.mapped_), data_(other.data_) {}

GuardedBytes::~GuardedBytes() {
  if (map_ != nullptr) munmap(map_, mapped_);
}

TestArray TestArray::of(DType dtype, const std::vector<double>& values, std::vector<std::int64_t> strides) {
  TestArray array = zeros(dtype, static_cast<std::int64_t>(values.size()), std::move(strides));
  const int size = bytes_per_element(dtype);
  for (std::size_t i = 0; i < values.size(); ++i) {
    store_f64(dtype, array.bytes.data() + i * static_cast<std::size_t>(size), values[i]);
  }
  return array;
}

TestArray TestArray::zeros(DType dtype, std::int64_t elements, std::vector<std::int64_t> strides) {
  return {.dtype = dtype,
          .bytes = std::vector<char>(static_cast<std::size_t>(elements * bytes_per_element(dtype))),
          .strides = std::move(strides)};
}

std::vector<double> TestArray::numbers() const {
  const auto size = static_cast<std::size_t>(bytes_per_element(dtype));
  std::vector<double> numbers;
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) numbers.push_back(load_f64(dtype, bytes.data() + at));
  return numbers;
}

// ---- a runtime on one thread ----

namespace {

struct Session {
  Events events;
  std::int64_t worker_bytes = 0, chunk = 1 << 20;
};

Session& session_of(const AurexFrame* frame) { return *static_cast<Session*>(frame->context); }

std::int32_t parallel(const AurexFrame* frame, const AurexLaunch* launch, std::int64_t tiles,
                      std::int64_t scratch_bytes, double) {
  Session& session = session_of(frame);
  ++session.events.launches;
  EXPECT_LE(scratch_bytes, session.worker_bytes) << "the launch asks for more scratch than planned";
  const GuardedBytes scratch(static_cast<std::size_t>(scratch_bytes), true);
  std::memset(scratch.data(), 0xff, static_cast<std::size_t>(scratch_bytes));
  AurexWorker worker{.scratch = scratch.data(), .index = 0};
  for (std::int64_t first = 0; first < tiles; first += session.chunk) {
    launch->block(frame, &worker, first, std::min(tiles, first + session.chunk));
  }
  return 0;
}

void fail(const AurexFrame* frame, std::int32_t fault, std::int32_t site, std::int64_t position, std::int64_t value,
          std::int64_t bound) {
  session_of(frame).events.faults.emplace_back(fault, site, position, value, bound);
}

void print(const AurexFrame* frame, std::int32_t site, std::int64_t position, std::int32_t is_float,
           std::uint64_t bits) {
  session_of(frame).events.prints.emplace_back(site, position, is_float, bits);
}

constexpr AurexRuntime kRuntime = {
    .version = kAurexAbiVersion, .size = sizeof(AurexRuntime), .parallel = parallel, .fail = fail, .print = print};

/// A frame over copies of the call's arrays, each between guard pages.
class CallFrame {
 public:
  CallFrame(const TestCall& call, bool at_end, Session& session) : call_(call) {
    for (const TestArray& array : call.arrays) {
      memory_.emplace_back(array.bytes.size(), at_end);
      std::copy(array.bytes.begin(), array.bytes.end(), memory_.back().data());
      arrays_.push_back({.data = memory_.back().data() + array.first * bytes_per_element(array.dtype),
                         .strides = array.strides.data()});
    }
    frame_ = {.extents = call.extents.data(),
              .packs = call.packs.data(),
              .arrays = arrays_.data(),
              .f64_scalars = call.f64_scalars.data(),
              .i64_scalars = call.i64_scalars.data(),
              .shared = nullptr,
              .error = nullptr,
              .runtime = &kRuntime,
              .context = &session};
  }
  AurexFrame& frame() { return frame_; }

  std::vector<TestArray> arrays() const {
    std::vector<TestArray> result = call_.arrays;
    for (std::size_t a = 0; a < result.size(); ++a) {
      std::copy_n(memory_[a].data(), result[a].bytes.size(), result[a].bytes.data());
    }
    return result;
  }

 private:
  const TestCall& call_;
  std::vector<GuardedBytes> memory_;
  std::vector<AurexArray> arrays_;
  AurexFrame frame_{};
};

void expect_equal(const Outcome& expected, const Outcome& actual, const std::string& what) {
  EXPECT_EQ(expected.events, actual.events) << what;
  for (std::size_t a = 0; a < expected.arrays.size(); ++a) {
    if (expected.arrays[a].bytes == actual.arrays[a].bytes) continue;
    const DType dtype = expected.arrays[a].dtype;
    const auto size = static_cast<std::size_t>(bytes_per_element(dtype));
    int shown = 0;
    for (std::size_t at = 0; at < expected.arrays[a].bytes.size() && shown < 5; at += size) {
      const char *want = expected.arrays[a].bytes.data() + at, *got = actual.arrays[a].bytes.data() + at;
      if (std::memcmp(want, got, size) == 0) continue;
      const double wanted = load_f64(dtype, want), found = load_f64(dtype, got);
      if (std::isnan(wanted) && std::isnan(found)) continue;
      ++shown;
      ADD_FAILURE() << what << ": array " << a << " (" << to_string(dtype) << ") element " << at / size << " is "
                    << found << ", should be " << wanted;
    }
  }
}

}  // namespace

schedule::LoopProgram program_of(const std::string& text) {
  schedule::LoopProgram program = schedule::parse(fmt::format("grammar {}\n{}", schedule::kLoopGrammar, text));
  for (const std::string& complaint : schedule::verify(program)) ADD_FAILURE() << complaint;
  return program;
}

Outcome run_executor(const schedule::LoopProgram& program, const TestCall& call) {
  Session session;
  CallFrame frame(call, false, session);
  for (const std::string& complaint : schedule::execute(program, frame.frame())) ADD_FAILURE() << complaint;
  return {.arrays = frame.arrays(), .events = session.events};
}

Outcome run_code(const CompiledCode& code, const TestCall& call, bool at_end, std::int64_t chunk) {
  Session session;
  CallFrame frame(call, at_end, session);
  AurexPlan plan{};
  code.plan()(&frame.frame(), &plan);
  session.worker_bytes = plan.worker_bytes;
  session.chunk = chunk;
  const GuardedBytes shared(static_cast<std::size_t>(plan.shared_bytes), true);
  frame.frame().shared = shared.data();
  code.drive()(&frame.frame());
  return {.arrays = frame.arrays(), .events = session.events};
}

void expect_same(const std::string& text, const std::vector<TestCall>& calls) {
  const schedule::LoopProgram program = program_of(text);
  std::vector<Outcome> expected;
  for (const TestCall& call : calls) expected.push_back(run_executor(program, call));
  for (const std::string& name : runnable()) {
    const schedule::Target target = schedule::target(name);
    EXPECT_FALSE(emit(program, target, Emit::kLlvm).empty());  // LLVM's verifier has seen it
    const auto code = compile(program, target);
    for (std::size_t c = 0; c < calls.size(); ++c) {
      const std::string what = name + ", call " + std::to_string(c);
      expect_equal(expected[c], run_code(*code, calls[c], true), what + ", arrays before a guard page");
      expect_equal(expected[c], run_code(*code, calls[c], false, 1), what + ", arrays after a guard page");
    }
  }
}

Outcome expect_same(const std::string& text, const TestCall& call) {
  expect_same(text, std::vector<TestCall>{call});
  return run_executor(program_of(text), call);
}

std::vector<std::string> runnable() { return schedule::runnable_targets(); }

std::vector<double> ramp(std::int64_t count, double from, double step) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back((i % 3 == 1 ? -1 : 1) * (from + step * static_cast<double>(i)));
  return values;
}

}  // namespace aurex::codegen
