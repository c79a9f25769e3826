#include "errors.h"

#include <new>
#include <string>

#include "aurex/ax/diagnostic.h"

namespace aurex::python {
namespace {

/// Adds `value` under `name`; steals the reference. False with a Python error set.
bool add(PyObject* dict, const char* name, PyObject* value) {
  if (!value) return false;
  const int failed = PyDict_SetItemString(dict, name, value);
  Py_DECREF(value);
  return failed == 0;
}

PyObject* text(std::string_view s) {
  return PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace");
}

PyObject* tuple_of(const Extents& extents) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(extents.size()));
  for (std::size_t i = 0; tuple && i < extents.size(); ++i) {
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), PyLong_FromLongLong(extents[i]));
  }
  return tuple;
}

PyObject* dict_of(const AxisPositions& positions) {
  PyObject* dict = PyDict_New();
  for (const auto& [name, at] : positions) {
    if (dict && !add(dict, name.c_str(), PyLong_FromLongLong(at))) Py_CLEAR(dict);
  }
  return dict;
}

/// What the subclasses carry beside text fields.
bool add_typed_fields(PyObject* fields, const Error& error) {
  if (const auto* e = dynamic_cast<const ShapeMismatch*>(&error)) {
    return add(fields, "expected", tuple_of(e->expected)) && add(fields, "actual", tuple_of(e->actual));
  }
  if (const auto* e = dynamic_cast<const DimensionMismatch*>(&error)) {
    return add(fields, "expected", PyLong_FromLongLong(e->expected)) &&
           add(fields, "actual", PyLong_FromLongLong(e->actual));
  }
  if (const auto* e = dynamic_cast<const IndexOutOfRange*>(&error)) {
    return add(fields, "kernel", text(e->site.kernel)) && add(fields, "line", PyLong_FromLongLong(e->site.line)) &&
           add(fields, "position", PyLong_FromLongLong(e->site.position)) &&
           add(fields, "index", PyLong_FromLongLong(e->site.index)) &&
           add(fields, "bound", PyLong_FromLongLong(e->site.bound)) && add(fields, "axes", dict_of(e->site.axes));
  }
  if (const auto* e = dynamic_cast<const OutOfMemory*>(&error)) {
    return add(fields, "requested", PyLong_FromLongLong(e->requested)) &&
           add(fields, "free", PyLong_FromLongLong(e->free)) && add(fields, "limit", PyLong_FromLongLong(e->limit));
  }
  if (const auto* e = dynamic_cast<const FormatError*>(&error)) {
    return add(fields, "offset", PyLong_FromLongLong(e->offset));
  }
  if (const auto* e = dynamic_cast<const ax::CompileError*>(&error)) {
    return add(fields, "diagnostic", text(e->diagnostic_code)) && add(fields, "filename", text(e->file)) &&
           add(fields, "lineno", PyLong_FromUnsignedLong(e->position.line)) &&
           add(fields, "offset", PyLong_FromUnsignedLong(e->position.column)) && add(fields, "msg", text(e->text));
  }
  return true;
}

PyObject* fields_of(const Error& error) {
  PyObject* fields = PyDict_New();
  bool fine = fields != nullptr;
  for (const auto& [name, value] : error.fields()) fine = fine && add(fields, name.c_str(), text(value));
  if (fine && add_typed_fields(fields, error)) return fields;
  Py_XDECREF(fields);
  return nullptr;
}

/// aurex.errors.make(code, message, fields): an exception instance, or null with a Python error set.
void raise(const Error& error) {
  PyObject* module = PyImport_ImportModule("aurex.errors");
  PyObject* fields = module ? fields_of(error) : nullptr;
  const std::string code(to_string(error.code()));
  PyObject* instance =
      fields ? PyObject_CallMethod(module, "make", "sNO", code.c_str(), text(error.message()), fields) : nullptr;
  if (instance) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(instance)), instance);
  Py_XDECREF(instance);
  Py_XDECREF(fields);
  Py_XDECREF(module);
}

}  // namespace

void set_python_error() noexcept {
  try {
    throw;
  } catch (const PythonErrorSet&) {
  } catch (const Error& error) {
    raise(error);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

}  // namespace aurex::python
