#pragma once

// The library's errors as Python exceptions.
//
// The classes live in aurex/errors.py, where each is both aurex.Error and the built-in that fits (ShapeMismatch is a
// ValueError). Needs the GIL.

#include <Python.h>

#include "aurex/base/error.h"

namespace aurex::python {

/// Thrown while a Python error is set; carries it through C++ frames.
struct PythonErrorSet {};

/// Sets the Python exception that stands for what is being handled; call it inside a catch block.
void set_python_error() noexcept;

}  // namespace aurex::python
