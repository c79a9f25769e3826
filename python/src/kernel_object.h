#pragma once

// aurex.Kernel: a kernel as a Python callable.
//
// Written against CPython's and NumPy's C interfaces, since a call through it must cost well under a microsecond: the
// type has a vectorcall slot, arguments are matched by interned names, and nothing is allocated but results. The type
// is in kernel_object.cpp, its call in kernel_call.cpp, its explanation in kernel_explain.cpp. Needs the GIL.

#include <Python.h>

#include "aurex/jit/kernel.h"

namespace aurex::python {

struct KernelObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  Kernel* kernel;
  PyObject* parameters;    // tuple of interned names
  PyObject* result_names;  // tuple of interned names
  PyObject* make_results;  // makes a named tuple where there are several results, else null
};

inline KernelObject* as_kernel(PyObject* object) { return reinterpret_cast<KernelObject*>(object); }

/// Makes the type ready; a borrowed reference, or null with a Python error set.
PyTypeObject* kernel_type();

/// A new reference to a Python object for the kernel.
PyObject* wrap_kernel(const Kernel& kernel);

/// The vectorcall slot: one result, a named tuple of several, or None. Null with a Python error set.
PyObject* call_kernel(PyObject* object, PyObject* const* args, std::size_t nargsf, PyObject* keywords);

/// Kernel.explain: runs the call as call_kernel does and tells how; an aurex.explanation.Explanation.
PyObject* explain_kernel(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords);

/// Kernel.with_schedule: another Kernel.
PyObject* schedule_kernel(PyObject* object, PyObject* text);

}  // namespace aurex::python
