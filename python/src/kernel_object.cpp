#include "kernel_object.h"

#include <structmember.h>

#include <string>
#include <vector>

namespace aurex::python {
namespace {

void destroy(PyObject* object) {
  KernelObject* self = as_kernel(object);
  delete self->kernel;
  Py_XDECREF(self->parameters);
  Py_XDECREF(self->result_names);
  Py_XDECREF(self->make_results);
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

/// Default texts as written, None where a parameter has none.
PyObject* get_defaults(PyObject* object, void*) {
  const auto& parameters = as_kernel(object)->kernel->interface().parameters;
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(parameters.size()));
  for (std::size_t i = 0; tuple && i < parameters.size(); ++i) {
    PyObject* text =
        parameters[i].optional ? PyUnicode_FromString(parameters[i].default_text.c_str()) : Py_NewRef(Py_None);
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), text);
  }
  return tuple;
}

PyObject* get_inspect_signature(PyObject* object, void*) {
  PyObject* module = PyImport_ImportModule("aurex.explanation");
  PyObject* signature = module ? PyObject_CallMethod(module, "signature", "O", object) : nullptr;
  Py_XDECREF(module);
  return signature;
}

PyGetSetDef kGetters[] = {
    {"__signature__", get_inspect_signature, nullptr, "What inspect.signature reads.", nullptr},
    {"defaults", get_defaults, nullptr, "Defaults of the parameters as written, None where there is none.", nullptr},
    {"__name__", get_name, nullptr, "The kernel's name.", nullptr},
    {"__doc__", get_signature, nullptr, "The kernel's signature, as written.", nullptr},
    {"signature", get_signature, nullptr, "The kernel's signature, as written.", nullptr},
    {"parameters", get_parameters, nullptr, "Names of the parameters, in order.", nullptr},
    {"results", get_results, nullptr, "Names of the results, in order.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kMethods[] = {
    {"explain", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(explain_kernel)),
     METH_FASTCALL | METH_KEYWORDS,
     "explain(*args, **kwargs)\n--\n\nRuns the call and tells how it was compiled: .schedule .tile .loop .llvm .asm "
     ".timing .cache .device"},
    {"with_schedule", schedule_kernel, METH_O,
     "with_schedule(text)\n--\n\nThe same kernel, compiled by a schedule as explain(…).schedule prints it, whole or in "
     "part. Raises InvalidConfig where the text is malformed or for another kernel or target; so do calls that it does "
     "not fit."},
    {nullptr, nullptr, 0, nullptr},
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
    {Py_tp_methods, kMethods},
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

/// The maker of collections.namedtuple(kernel, results), which takes one tuple.
PyObject* make_result_maker(const std::string& kernel, PyObject* names) {
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
  if (kernel.interface().results.size() > 1) self->make_results = make_result_maker(kernel.name(), self->result_names);
  if (!self->parameters || !self->result_names || PyErr_Occurred()) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

}  // namespace aurex::python
