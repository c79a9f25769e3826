#pragma once

// Python objects as arguments of a kernel, without copying an element.
//
// NumPy arrays are read directly; whatever else speaks DLPack (torch, JAX, CuPy on the CPU), the buffer protocol or
// __array_interface__ goes through a NumPy view of the same memory. Python and NumPy scalars are scalars. Needs the
// GIL.

#include <Python.h>

#include "aurex/jit/kernel.h"
#include "aurex/tensor/view.h"

namespace aurex::python {

/// Loads NumPy's C interface; false with a Python error set. Once, before anything below.
bool import_numpy();

/// An argument and what keeps its memory alive.
struct PythonArgument {
  Argument argument;
  TensorView view;
  PyObject* held = nullptr;  // a reference of our own, beside the caller's
  bool foreign = false;      // came through DLPack

  PythonArgument() = default;
  PythonArgument(const PythonArgument&) = delete;
  PythonArgument& operator=(const PythonArgument&) = delete;
  ~PythonArgument() { Py_XDECREF(held); }
};

/// What a parameter takes. Numbers stay numbers in kEither; NumPy scalars and 0-d arrays are arrays of rank 0 there.
enum class ArgumentForm : std::uint8_t { kScalar, kArray, kEither };

/// Reads `object` into `out`. None leaves it absent. `name` is for messages.
/// Raises DTypeMismatch for element types that kernels do not have, object arrays and foreign byte orders,
/// InvalidConfig for byte strides that are no multiple of the element.
void read_argument(PyObject* object, const char* name, ArgumentForm form, PythonArgument& out);

/// Reads an array to be written to; numbers are refused, 0-d arrays are not.
void read_result(PyObject* object, const char* name, PythonArgument& out);

/// A NumPy array over a view. `owner` is taken over and let go with the array's memory, also where the array cannot be
/// made. Null with a Python error set.
PyObject* array_over(const TensorView& view, PyObject* owner);

/// An uninitialised NumPy array on the library's own aligned memory. Null with a Python error set.
PyObject* new_array(const Dims& shape, DType dtype, TensorView& view);

/// `array` as an array of the library that `caller` comes from (torch in, torch out), on the same memory.
/// Raises PythonErrorSet.
PyObject* array_like(PyObject* caller, PyObject* array);

}  // namespace aurex::python
