#include "kernel_call.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "array_argument.h"
#include "aurex/base/error.h"
#include "errors.h"
#include "interrupt.h"
#include "kernel_object.h"

namespace aurex::python {
namespace {

// Below this a launch keeps the GIL: handing it over costs more than it frees.
constexpr double kReleaseGilNanoseconds = 20e3;
// Below this nobody can press Ctrl-C in time.
constexpr double kInterruptibleNanoseconds = 1e6;

ArgumentError argument_error(const std::string& message, const char* argument) {
  ArgumentError error(message);
  error.with("argument", argument);
  return error;
}

const char* utf8(PyObject* text) {
  const char* chars = PyUnicode_AsUTF8(text);
  if (!chars) throw PythonErrorSet{};
  return chars;
}

/// The place of `name` in a tuple of interned names, or -1.
Py_ssize_t find_name(PyObject* names, PyObject* name) {
  const Py_ssize_t count = PyTuple_GET_SIZE(names);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (PyTuple_GET_ITEM(names, i) == name) return i;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (PyUnicode_Compare(PyTuple_GET_ITEM(names, i), name) == 0) return i;
  }
  return -1;
}

bool is_dimension(const ax::KernelInterface& interface, std::string_view name) {
  for (const std::string& dim : interface.dims) {
    if (dim == name) return true;
  }
  return false;
}

}  // namespace

void KernelCall::read_parameter(std::size_t i, PyObject* value) {
  const ax::KernelInterface& interface = self_.kernel->interface();
  const ax::Parameter& parameter = interface.parameters[i];
  const ArgumentForm form = parameter.kind != ax::Parameter::Kind::kArray ? ArgumentForm::kScalar
                            : interface.expression                        ? ArgumentForm::kEither
                                                                          : ArgumentForm::kArray;
  PythonArgument& argument = arguments_[i];
  read_argument(value, parameter.name.c_str(), form, argument);
  launch_arguments_[i] = argument.argument;
  if (argument.foreign && !foreign_) foreign_ = value;
}

/// out=, a parameter, or an extent that no argument carries.
void KernelCall::read_keyword(PyObject* name, PyObject* value) {
  static PyObject* const out_name = PyUnicode_InternFromString("out");
  if (name == out_name || PyUnicode_Compare(name, out_name) == 0) {
    out_ = value;
    return;
  }
  const ax::KernelInterface& interface = self_.kernel->interface();
  if (const Py_ssize_t found = find_name(self_.parameters, name); found >= 0) {
    const auto i = static_cast<std::size_t>(found);
    if (launch_arguments_[i].kind != Argument::Kind::kAbsent) {
      throw argument_error(
          fmt::format("{} got argument '{}' twice; {}", interface.name, utf8(name), interface.signature), utf8(name));
    }
    return read_parameter(i, value);
  }
  if (!is_dimension(interface, utf8(name)) || !PyIndex_Check(value)) {
    throw argument_error(fmt::format("{} has no argument '{}'; {}", interface.name, utf8(name), interface.signature),
                         utf8(name));
  }
  const Py_ssize_t extent = PyNumber_AsSsize_t(value, PyExc_OverflowError);
  if (extent == -1 && PyErr_Occurred()) throw PythonErrorSet{};
  extents_.push_back({utf8(name), extent});
}

void KernelCall::read(PyObject* const* args, std::size_t positional, PyObject* keywords) {
  const ax::KernelInterface& interface = self_.kernel->interface();
  const std::size_t count = interface.parameters.size();
  if (positional > count) {
    throw argument_error(
        fmt::format("{} takes {} arguments, {} were given; {}", interface.name, count, positional, interface.signature),
        fmt::format("{}", positional).c_str());
  }
  for (std::size_t i = 0; i < positional; ++i) read_parameter(i, args[i]);
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t k = 0; k < named; ++k) {
    read_keyword(PyTuple_GET_ITEM(keywords, k), args[positional + static_cast<std::size_t>(k)]);
  }
  take_out();
}

/// The arrays of `out=`, one per result; None or nothing where the call shall allocate.
void KernelCall::take_out() {
  if (!out_ || out_ == Py_None) return;
  const std::size_t count = results_.size();
  const bool several = PyTuple_Check(out_) || PyList_Check(out_);
  const Py_ssize_t given = several ? PySequence_Fast_GET_SIZE(out_) : 1;
  if (given != static_cast<Py_ssize_t>(count)) {
    throw argument_error(fmt::format("{} has {} results, out= holds {}", self_.kernel->name(), count, given), "out");
  }
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* object = several ? PySequence_Fast_GET_ITEM(out_, static_cast<Py_ssize_t>(i)) : out_;
    if (object == Py_None) continue;
    read_result(object, "out", results_[i].given);
    pointers_[i] = &results_[i].given.view;
    results_[i].object = Py_NewRef(object);
  }
}

void KernelCall::allocate_missing(jit::Call& call) {
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (pointers_[i]) continue;
    TensorView& view = results_[i].given.view;
    PyObject* array = new_array(call.result_shape(i), call.result_dtype(i), view);
    if (!array) throw PythonErrorSet{};
    results_[i].given.held = array;
    results_[i].object = foreign_ ? array_like(foreign_, array) : Py_NewRef(array);
    pointers_[i] = &view;
    call.give(i, view);
  }
}

/// Runs a prepared call, without the GIL where it takes long enough for others to use it.
void KernelCall::launch(jit::Call& call) {
  const jit::CodeEntry& entry = call.prepare();
  const double nanoseconds = call.plan().nanoseconds;
  if (nanoseconds < kReleaseGilNanoseconds) return call.run_prepared(entry);
  PyThreadState* const state = PyEval_SaveThread();
  try {
    std::optional<InterruptGuard> guard;
    jit::LaunchOptions options;
    if (nanoseconds > kInterruptibleNanoseconds) {
      guard.emplace();
      options.stop = &InterruptGuard::stop();
    }
    call.run_prepared(entry, options);
  } catch (...) {
    PyEval_RestoreThread(state);
    if (PyErr_CheckSignals() < 0) throw PythonErrorSet{};  // KeyboardInterrupt instead of "was stopped"
    throw;
  }
  PyEval_RestoreThread(state);
}

/// One array, or a named tuple of them.
PyObject* KernelCall::pack_results() {
  if (results_.size() == 1) return std::exchange(results_[0].object, nullptr);
  if (results_.size() == 0) Py_RETURN_NONE;
  PyObject* values = PyTuple_New(static_cast<Py_ssize_t>(results_.size()));
  if (!values) return nullptr;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    PyTuple_SET_ITEM(values, static_cast<Py_ssize_t>(i), std::exchange(results_[i].object, nullptr));
  }
  PyObject* tuple = PyObject_CallOneArg(self_.make_results, values);
  Py_DECREF(values);
  return tuple;
}

PyObject* call_kernel(PyObject* object, PyObject* const* args, std::size_t nargsf, PyObject* keywords) {
  try {
    KernelCall call(*as_kernel(object));
    call.read(args, static_cast<std::size_t>(PyVectorcall_NARGS(nargsf)), keywords);
    return call.run([](jit::Call&) {});
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

}  // namespace aurex::python
