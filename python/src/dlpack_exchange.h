#pragma once

// DLPack between Python libraries: what torch, JAX and CuPy lend becomes a NumPy array over the same memory, and back.
//
// NumPy's own from_dlpack and __dlpack__ know neither bfloat16 nor 8-bit floats, and take what an older producer lends
// for read-only; these know both. Needs the GIL.

#include <Python.h>

namespace aurex::python {

/// An array over what `producer.__dlpack__()` lends, read-only where the producer says so. The producer's deleter runs
/// when the last user of the memory is gone. Asks for no stream and for version 1; an older producer is asked again
/// without. `name` is the argument's, for messages.
/// Raises DeviceMismatch for memory that is not the host's, DTypeMismatch for types that no kernel has, NotImplemented
/// for a later version, PythonErrorSet for what the producer raises.
PyObject* array_from_dlpack(PyObject* producer, const char* name);

/// A capsule that lends the memory of a NumPy array, with or without a version. Raises InvalidConfig for a read-only
/// array without one, DTypeMismatch for types that no kernel has. Null with a Python error set.
PyObject* dlpack_capsule(PyObject* array, bool versioned);

}  // namespace aurex::python
