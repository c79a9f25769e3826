#pragma once

// aurex.Kernel: a kernel as a Python callable.
//
// Written against CPython's and NumPy's C interfaces, since a call through it must cost well under a microsecond: the
// type has a vectorcall slot, arguments are matched by interned names, and nothing is allocated but results.

#include <Python.h>

#include "aurex/jit/kernel.h"

namespace aurex::python {

/// Makes the type ready; a borrowed reference, or null with a Python error set.
PyTypeObject* kernel_type();

/// A new reference to a Python object for the kernel.
PyObject* wrap_kernel(const Kernel& kernel);

/// The kernel inside a Python object of kernel_type().
const Kernel& unwrap_kernel(PyObject* object);

}  // namespace aurex::python
