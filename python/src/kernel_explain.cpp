#define PY_SSIZE_T_CLEAN
#include <optional>
#include <string>

#include "aurex/ax/tile_printer.h"
#include "aurex/base/clock.h"
#include "aurex/codegen/compile.h"
#include "aurex/schedule/loop_printer.h"
#include "aurex/schedule/schedule_text.h"
#include "errors.h"
#include "kernel_call.h"
#include "kernel_object.h"

namespace aurex::python {
namespace {

/// What is known once the call has run; plain values, so that the call may end before Python objects are made of them.
struct Facts {
  std::string tile, schedule, loop, llvm, assembly, target;
  jit::StageTimes times;
  const char* cache = "memory";
  AurexPlan plan{};
};

Facts facts_of(const KernelObject& self, jit::Call& call, std::int64_t start_ns) {
  const jit::CodeEntry& entry = call.prepare();
  const schedule::Target& target = self.kernel->state()->target();
  const jit::Lowered from = call.lowered();
  jit::StageTimes times = entry.times;
  times.parse = self.kernel->state()->parse_ms();
  return {.tile = ax::print(call.variant().program()),
          .schedule = schedule::print(from.schedule),
          .loop = schedule::print(from.loops),
          .llvm = codegen::emit(from.loops, target, codegen::Emit::kLlvm),
          .assembly = codegen::emit(from.loops, target, codegen::Emit::kAssembly),
          .target = target.name,
          .times = times,
          .cache = entry.made_ns < start_ns ? "memory"
                   : entry.from_disk        ? "disk"
                                            : "compiled",
          .plan = call.plan()};
}

PyObject* make_explanation(const KernelObject& self, const Facts& facts) {
  PyObject* module = PyImport_ImportModule("aurex.explanation");
  PyObject* made = module ? PyObject_CallMethod(
                                module, "make", "ss#s#s#s#s#s(ddddddd)sd", self.kernel->name().c_str(),
                                facts.tile.data(), static_cast<Py_ssize_t>(facts.tile.size()), facts.schedule.data(),
                                static_cast<Py_ssize_t>(facts.schedule.size()), facts.loop.data(),
                                static_cast<Py_ssize_t>(facts.loop.size()), facts.llvm.data(),
                                static_cast<Py_ssize_t>(facts.llvm.size()), facts.assembly.data(),
                                static_cast<Py_ssize_t>(facts.assembly.size()), facts.target.c_str(), facts.times.parse,
                                facts.times.specialize, facts.times.cache, facts.times.lower, facts.times.emit,
                                facts.times.codegen, facts.times.link, facts.cache, facts.plan.nanoseconds)
                          : nullptr;
  Py_XDECREF(module);
  return made;
}

}  // namespace

PyObject* explain_kernel(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  try {
    const KernelObject& self = *as_kernel(object);
    KernelCall call(self);
    call.read(args, static_cast<std::size_t>(nargs), keywords);
    std::optional<Facts> facts;
    const std::int64_t start_ns = monotonic_ns();
    PyObject* result = call.run([&](jit::Call& done) { facts = facts_of(self, done, start_ns); });
    if (!result) return nullptr;
    Py_DECREF(result);
    return make_explanation(self, *facts);
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

PyObject* schedule_kernel(PyObject* object, PyObject* text) {
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(text, &size);
  if (!bytes) return nullptr;
  try {
    return wrap_kernel(as_kernel(object)->kernel->with_schedule({bytes, static_cast<std::size_t>(size)}));
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

}  // namespace aurex::python
