#include "kernel_object.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <structmember.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "array_argument.h"
#include "aurex/base/error.h"
#include "errors.h"
#include "interrupt.h"

namespace aurex::python {
namespace {

// Below this a launch keeps the GIL: handing it over costs more than it frees.
constexpr double kReleaseGilNanoseconds = 20e3;
// Below this nobody can press Ctrl-C in time.
constexpr double kInterruptibleNanoseconds = 1e6;

struct KernelObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  Kernel* kernel;
  PyObject* parameters;    // tuple of interned names
  PyObject* result_names;  // tuple of interned names
  PyObject* result_type;   // named tuple class where there are several results, else null
};

KernelObject* as_kernel(PyObject* object) { return reinterpret_cast<KernelObject*>(object); }

ArgumentError argument_error(const std::string& message, const char* argument) {
  ArgumentError error(message);
  error.with("argument", argument);
  return error;
}

/// Everything one call keeps alive until it returns.
struct CallFrame {
  static constexpr std::size_t kInline = 12;  // arguments without a heap allocation
  std::array<PythonArgument, kInline> few;
  std::unique_ptr<PythonArgument[]> many;
  std::vector<ax::NamedExtent> extents;
  PyObject* out = nullptr;  // borrowed
  PythonArgument* arguments = nullptr;

  explicit CallFrame(std::size_t count) {
    if (count > kInline) many = std::make_unique<PythonArgument[]>(count);
    arguments = count > kInline ? many.get() : few.data();
  }
};

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

/// out=, a parameter, or an extent that no argument carries.
void read_keyword(const KernelObject& self, PyObject* name, PyObject* value, CallFrame& frame) {
  static PyObject* const out_name = PyUnicode_InternFromString("out");
  if (name == out_name || PyUnicode_Compare(name, out_name) == 0) {
    frame.out = value;
    return;
  }
  const ax::KernelInterface& interface = self.kernel->interface();
  if (const Py_ssize_t i = find_name(self.parameters, name); i >= 0) {
    if (frame.arguments[i].argument.kind != Argument::Kind::kAbsent) {
      throw argument_error(
          fmt::format("{} got argument '{}' twice; {}", interface.name, utf8(name), interface.signature), utf8(name));
    }
    read_argument(value, utf8(name), frame.arguments[i]);
    return;
  }
  if (!is_dimension(interface, utf8(name)) || !PyLong_Check(value)) {
    throw argument_error(fmt::format("{} has no argument '{}'; {}", interface.name, utf8(name), interface.signature),
                         utf8(name));
  }
  const long long extent = PyLong_AsLongLong(value);
  if (extent == -1 && PyErr_Occurred()) throw PythonErrorSet{};
  frame.extents.push_back({utf8(name), extent});
}

void read_arguments(const KernelObject& self, PyObject* const* args, std::size_t positional, PyObject* keywords,
                    CallFrame& frame) {
  const ax::KernelInterface& interface = self.kernel->interface();
  const std::size_t count = interface.parameters.size();
  if (positional > count) {
    throw argument_error(
        fmt::format("{} takes {} arguments, {} were given; {}", interface.name, count, positional, interface.signature),
        fmt::format("{}", positional).c_str());
  }
  for (std::size_t i = 0; i < positional; ++i) {
    read_argument(args[i], interface.parameters[i].name.c_str(), frame.arguments[i]);
  }
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t k = 0; k < named; ++k) {
    read_keyword(self, PyTuple_GET_ITEM(keywords, k), args[positional + static_cast<std::size_t>(k)], frame);
  }
}

/// The arrays of `out=`, one per result, null where the call shall allocate.
struct Results {
  static constexpr std::size_t kMost = 16;
  std::array<PythonArgument, kMost> given;
  std::array<TensorView, kMost> views;
  std::array<const TensorView*, kMost> pointers = {};
  std::array<PyObject*, kMost> objects = {};  // owned
  std::size_t count = 0;

  ~Results() {
    for (PyObject* object : objects) Py_XDECREF(object);
  }
};

void take_out(const KernelObject& self, PyObject* out, Results& results) {
  results.count = self.kernel->interface().results.size();
  if (results.count > Results::kMost) throw NotImplemented("kernels of more than 16 results from Python");
  if (!out || out == Py_None) return;
  const bool several = PyTuple_Check(out) || PyList_Check(out);
  const Py_ssize_t given = several ? PySequence_Fast_GET_SIZE(out) : 1;
  if (given != static_cast<Py_ssize_t>(results.count)) {
    throw argument_error(fmt::format("{} has {} results, out= holds {}", self.kernel->name(), results.count, given),
                         "out");
  }
  for (Py_ssize_t i = 0; i < given; ++i) {
    PyObject* object = several ? PySequence_Fast_GET_ITEM(out, i) : out;
    if (object == Py_None) continue;
    const auto at = static_cast<std::size_t>(i);
    read_result(object, "out", results.given[at]);
    results.pointers[at] = &results.given[at].view;
    results.objects[at] = Py_NewRef(object);
  }
}

void allocate_missing(jit::Call& call, Results& results) {
  for (std::size_t i = 0; i < results.count; ++i) {
    if (results.pointers[i]) continue;
    results.objects[i] = new_array(call.result_shape(i), call.result_dtype(i), results.views[i]);
    if (!results.objects[i]) throw PythonErrorSet{};
    results.pointers[i] = &results.views[i];
    call.give(i, results.views[i]);
  }
}

/// Runs a prepared call, without the GIL where it takes long enough for others to use it.
void run(jit::Call& call) {
  const jit::CodeEntry& entry = call.prepare();
  const double nanoseconds = jit::plan(entry, call.bound()).nanoseconds;
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
PyObject* pack_results(const KernelObject& self, Results& results) {
  if (results.count == 1) return std::exchange(results.objects[0], nullptr);
  if (results.count == 0) Py_RETURN_NONE;
  PyObject* arguments = PyTuple_New(static_cast<Py_ssize_t>(results.count));
  if (!arguments) return nullptr;
  for (std::size_t i = 0; i < results.count; ++i) {
    PyTuple_SET_ITEM(arguments, static_cast<Py_ssize_t>(i), std::exchange(results.objects[i], nullptr));
  }
  PyObject* tuple = PyObject_CallObject(self.result_type, arguments);
  Py_DECREF(arguments);
  return tuple;
}

PyObject* call_kernel(PyObject* object, PyObject* const* args, std::size_t nargsf, PyObject* keywords) {
  try {
    const KernelObject& self = *as_kernel(object);
    const std::size_t count = self.kernel->interface().parameters.size();
    CallFrame frame(count);
    read_arguments(self, args, static_cast<std::size_t>(PyVectorcall_NARGS(nargsf)), keywords, frame);
    Results results;
    take_out(self, frame.out, results);
    std::array<Argument, CallFrame::kInline> few;
    std::vector<Argument> many(count > few.size() ? count : 0);
    const std::span<Argument> arguments = many.empty() ? std::span(few).first(count) : std::span(many);
    for (std::size_t i = 0; i < count; ++i) arguments[i] = frame.arguments[i].argument;
    jit::Call call(self.kernel->state(), arguments, {results.pointers.data(), results.count}, frame.extents);
    allocate_missing(call, results);
    run(call);
    return pack_results(self, results);
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

void destroy(PyObject* object) {
  KernelObject* self = as_kernel(object);
  delete self->kernel;
  Py_XDECREF(self->parameters);
  Py_XDECREF(self->result_names);
  Py_XDECREF(self->result_type);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* represent(PyObject* object) {
  return PyUnicode_FromFormat("<aurex.Kernel %s>", as_kernel(object)->kernel->interface().signature.c_str());
}

PyObject* get_name(PyObject* object, void*) { return PyUnicode_FromString(as_kernel(object)->kernel->name().c_str()); }

PyObject* get_signature(PyObject* object, void*) {
  return PyUnicode_FromString(as_kernel(object)->kernel->interface().signature.c_str());
}

PyObject* get_parameters(PyObject* object, void*) { return Py_NewRef(as_kernel(object)->parameters); }
PyObject* get_results(PyObject* object, void*) { return Py_NewRef(as_kernel(object)->result_names); }

PyGetSetDef kGetters[] = {
    {"__name__", get_name, nullptr, "The kernel's name.", nullptr},
    {"__doc__", get_signature, nullptr, "The kernel's signature, as written.", nullptr},
    {"signature", get_signature, nullptr, "The kernel's signature, as written.", nullptr},
    {"parameters", get_parameters, nullptr, "Names of the parameters, in order.", nullptr},
    {"results", get_results, nullptr, "Names of the results, in order.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef kMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(KernelObject, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_getset, kGetters},
    {Py_tp_members, kMembers},
    {0, nullptr},
};

PyType_Spec kSpec = {
    .name = "aurex.Kernel",
    .basicsize = sizeof(KernelObject),
    .itemsize = 0,
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kSlots,
};

PyObject* tuple_of_names(const std::vector<ax::Parameter>& parameters) {
  PyObject* names = PyTuple_New(static_cast<Py_ssize_t>(parameters.size()));
  for (std::size_t i = 0; names && i < parameters.size(); ++i) {
    PyTuple_SET_ITEM(names, static_cast<Py_ssize_t>(i), PyUnicode_InternFromString(parameters[i].name.c_str()));
  }
  return names;
}

/// collections.namedtuple(kernel, results).
PyObject* make_result_type(const std::string& kernel, PyObject* names) {
  PyObject* collections = PyImport_ImportModule("collections");
  PyObject* type = collections ? PyObject_CallMethod(collections, "namedtuple", "sO", kernel.c_str(), names) : nullptr;
  PyObject* make = type ? PyObject_GetAttrString(type, "_make") : nullptr;
  Py_XDECREF(type);
  Py_XDECREF(collections);
  return make;
}

}  // namespace

PyTypeObject* kernel_type() {
  static PyObject* const type = PyType_FromSpec(&kSpec);
  return reinterpret_cast<PyTypeObject*>(type);
}

PyObject* wrap_kernel(const Kernel& kernel) {
  PyTypeObject* type = kernel_type();
  PyObject* object = type ? type->tp_alloc(type, 0) : nullptr;
  if (!object) return nullptr;
  KernelObject* self = as_kernel(object);
  self->vectorcall = call_kernel;
  self->kernel = new Kernel(kernel);
  self->parameters = tuple_of_names(kernel.interface().parameters);
  self->result_names = tuple_of_names(kernel.interface().results);
  if (kernel.interface().results.size() > 1) self->result_type = make_result_type(kernel.name(), self->result_names);
  if (!self->parameters || !self->result_names || PyErr_Occurred()) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

const Kernel& unwrap_kernel(PyObject* object) { return *as_kernel(object)->kernel; }

}  // namespace aurex::python
