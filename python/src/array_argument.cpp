#include "array_argument.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL aurex_numpy
#include <fmt/format.h>
#include <numpy/arrayobject.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "aurex/base/error.h"
#include "aurex/memory/tensor.h"
#include "dlpack_exchange.h"
#include "errors.h"

namespace aurex::python {
namespace {

std::optional<DType> builtin_dtype(int type_number) {
  switch (type_number) {
    case NPY_BOOL:
      return DType::kBool;
    case NPY_BYTE:
      return DType::kI8;
    case NPY_UBYTE:
      return DType::kU8;
    case NPY_SHORT:
      return DType::kI16;
    case NPY_USHORT:
      return DType::kU16;
    case NPY_INT:
      return DType::kI32;
    case NPY_UINT:
      return DType::kU32;
    case NPY_LONG:
    case NPY_LONGLONG:
      return DType::kI64;
    case NPY_ULONG:
    case NPY_ULONGLONG:
      return DType::kU64;
    case NPY_HALF:
      return DType::kF16;
    case NPY_FLOAT:
      return DType::kF32;
    case NPY_DOUBLE:
      return DType::kF64;
    default:
      return std::nullopt;
  }
}

/// The names that ml_dtypes gives our narrow floats.
constexpr std::array<std::pair<std::string_view, DType>, 3> kMlDtypes = {{
    {"bfloat16", DType::kBF16},
    {"float8_e4m3fn", DType::kF8E4M3},
    {"float8_e5m2", DType::kF8E5M2},
}};

std::string python_text(PyObject* object) {
  PyObject* text = PyObject_Str(object);
  const char* utf8 = text ? PyUnicode_AsUTF8(text) : nullptr;
  std::string result = utf8 ? utf8 : "?";
  Py_XDECREF(text);
  PyErr_Clear();
  return result;
}

std::optional<DType> dtype_of_array(PyArrayObject* array) {
  if (const auto dtype = builtin_dtype(PyArray_TYPE(array))) return dtype;
  const std::string name = python_text(reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
  for (const auto& [ml_name, dtype] : kMlDtypes) {
    if (name == ml_name) return dtype;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_dtype(const char* name, const std::string& actual, const std::string& why) {
  DTypeMismatch error(fmt::format("argument '{}': {}", name, why));
  error.with("argument", name).with("expected", "a number type").with("actual", actual);
  throw error;
}

void view_of_array(PyArrayObject* array, const char* name, TensorView& view) {
  const auto dtype = dtype_of_array(array);
  const std::string actual = dtype ? "" : python_text(reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
  if (!dtype) refuse_dtype(name, actual, fmt::format("arrays of {} have no place in a kernel", actual));
  if (!PyArray_ISNOTSWAPPED(array)) {
    refuse_dtype(name, "byte-swapped", "the array is byte-swapped; convert it with .astype(x.dtype.newbyteorder('='))");
  }
  view.data = PyArray_DATA(array);
  view.dtype = *dtype;
  view.read_only = !PyArray_ISWRITEABLE(array);
  const int rank = PyArray_NDIM(array);
  const std::int64_t size = bytes_per_element(*dtype);
  for (int i = 0; i < rank; ++i) {
    const std::int64_t bytes = PyArray_STRIDE(array, i);
    if (bytes % size != 0 && PyArray_DIM(array, i) > 1) {
      InvalidConfig error(
          fmt::format("argument '{}': axis {} has a stride of {} bytes, which is no multiple of the {} "
                      "bytes of an element",
                      name, i, bytes, size));
      error.with("argument", name);
      throw error;
    }
    view.shape.push_back(PyArray_DIM(array, i));
    view.strides.push_back(bytes / size);
  }
}

/// Python's own numbers, and with `subclasses` what derives from them (np.float64 is a float).
bool read_number(PyObject* object, bool subclasses, Argument& argument) {
  if (PyBool_Check(object)) {
    argument = Argument(object == Py_True);
  } else if (subclasses ? PyFloat_Check(object) : PyFloat_CheckExact(object)) {
    argument = Argument(PyFloat_AS_DOUBLE(object));
  } else if (subclasses ? PyLong_Check(object) : PyLong_CheckExact(object)) {
    const long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) throw PythonErrorSet{};
    argument = Argument(static_cast<std::int64_t>(value));
  } else {
    return false;
  }
  return true;
}

/// NumPy scalars and 0-d arrays, by way of the Python number they convert to.
bool read_numpy_number(PyObject* object, Argument& argument) {
  const bool zero_rank = PyArray_Check(object) && PyArray_NDIM(reinterpret_cast<PyArrayObject*>(object)) == 0;
  if (!PyArray_IsScalar(object, Generic) && !zero_rank) return false;
  PyObject* item = PyObject_CallMethod(object, "item", nullptr);
  if (!item) throw PythonErrorSet{};
  const bool read = read_number(item, true, argument);
  Py_DECREF(item);
  return read;
}

/// A NumPy array over the memory of an object that speaks one of the protocols; null where it speaks none.
PyObject* as_array(PyObject* object, const char* name, bool& foreign) {
  if (PyObject_HasAttrString(object, "__dlpack__")) {
    foreign = true;
    return array_from_dlpack(object, name);
  }
  PyObject* array = nullptr;
  if (PyObject_CheckBuffer(object) && !PyBytes_Check(object)) {
    PyObject* view = PyMemoryView_FromObject(object);
    array = view ? PyArray_FromAny(view, nullptr, 0, 0, 0, nullptr) : nullptr;
    Py_XDECREF(view);
  } else if (PyObject_HasAttrString(object, "__array_interface__")) {
    array = PyArray_FromInterface(object);
  } else {
    return nullptr;
  }
  if (!array) throw PythonErrorSet{};
  return array;
}

int numpy_type(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return NPY_BOOL;
    case DType::kI8:
      return NPY_INT8;
    case DType::kU8:
      return NPY_UINT8;
    case DType::kI16:
      return NPY_INT16;
    case DType::kU16:
      return NPY_UINT16;
    case DType::kI32:
      return NPY_INT32;
    case DType::kU32:
      return NPY_UINT32;
    case DType::kI64:
      return NPY_INT64;
    case DType::kU64:
      return NPY_UINT64;
    case DType::kF16:
      return NPY_HALF;
    case DType::kF32:
      return NPY_FLOAT;
    case DType::kF64:
      return NPY_DOUBLE;
    default:
      return NPY_NOTYPE;
  }
}

/// A new reference; the narrow floats come from ml_dtypes. Null with a Python error set.
PyArray_Descr* numpy_descr(DType dtype) {
  if (const int type = numpy_type(dtype); type != NPY_NOTYPE) return PyArray_DescrFromType(type);
  for (const auto& [name, narrow] : kMlDtypes) {
    if (narrow != dtype && !(dtype == DType::kF8E4M3Nan && narrow == DType::kF8E4M3)) continue;
    PyObject* module = PyImport_ImportModule("ml_dtypes");
    PyObject* type = module ? PyObject_GetAttrString(module, std::string(name).c_str()) : nullptr;
    PyArray_Descr* descr = nullptr;
    if (type) PyArray_DescrConverter(type, &descr);
    Py_XDECREF(type);
    Py_XDECREF(module);
    return descr;
  }
  return nullptr;
}

void release_tensor(PyObject* capsule) { delete static_cast<Tensor*>(PyCapsule_GetPointer(capsule, nullptr)); }

}  // namespace

bool import_numpy() { return _import_array() >= 0; }

void read_argument(PyObject* object, const char* name, ArgumentForm form, PythonArgument& out) {
  if (object == Py_None) return;
  if (form != ArgumentForm::kScalar && PyArray_Check(object)) {
    out.held = Py_NewRef(object);
  } else if (form != ArgumentForm::kArray && read_number(object, form == ArgumentForm::kScalar, out.argument)) {
    return;
  } else if (form == ArgumentForm::kScalar) {
    if (read_numpy_number(object, out.argument)) return;
    refuse_dtype(name, Py_TYPE(object)->tp_name, fmt::format("expected a number, got {}", Py_TYPE(object)->tp_name));
  } else if (PyArray_IsScalar(object, Generic)) {
    out.held = PyArray_FromScalar(object, nullptr);
    if (!out.held) throw PythonErrorSet{};
  } else {
    out.held = as_array(object, name, out.foreign);
  }
  if (!out.held) {
    const char* expected = form == ArgumentForm::kArray ? "an array" : "an array or a number";
    refuse_dtype(name, Py_TYPE(object)->tp_name,
                 fmt::format("expected {}, got {}", expected, Py_TYPE(object)->tp_name));
  }
  view_of_array(reinterpret_cast<PyArrayObject*>(out.held), name, out.view);
  out.argument = Argument(out.view);
}

void read_result(PyObject* object, const char* name, PythonArgument& out) {
  out.held = PyArray_Check(object) ? Py_NewRef(object) : as_array(object, name, out.foreign);
  if (!out.held) {
    refuse_dtype(name, Py_TYPE(object)->tp_name, fmt::format("expected an array, got {}", Py_TYPE(object)->tp_name));
  }
  view_of_array(reinterpret_cast<PyArrayObject*>(out.held), name, out.view);
}

PyObject* array_like(PyObject* caller, PyObject* array) {
  PyObject* module = PyImport_ImportModule("aurex.interchange");
  PyObject* result = module ? PyObject_CallMethod(module, "like", "OO", caller, array) : nullptr;
  Py_XDECREF(module);
  if (!result) throw PythonErrorSet{};
  return result;
}

PyObject* array_over(const TensorView& view, PyObject* owner) {
  PyArray_Descr* descr = numpy_descr(view.dtype);
  if (!descr) {
    Py_DECREF(owner);
    return nullptr;
  }
  npy_intp extents[kMaxRank], strides[kMaxRank];
  for (int i = 0; i < view.shape.size(); ++i) {
    extents[i] = view.shape[i];
    strides[i] = view.strides[i] * bytes_per_element(view.dtype);
  }
  PyObject* array = PyArray_NewFromDescr(&PyArray_Type, descr, view.shape.size(), extents, strides, view.data,
                                         view.read_only ? 0 : NPY_ARRAY_WRITEABLE, nullptr);
  if (!array) {
    Py_DECREF(owner);
    return nullptr;
  }
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), owner) < 0) {
    Py_DECREF(array);
    return nullptr;
  }
  return array;
}

PyObject* new_array(const Dims& shape, DType dtype, TensorView& view) {
  auto owner = std::make_unique<Tensor>(Tensor::uninitialised(shape, dtype));
  view = owner->view();
  PyObject* capsule = PyCapsule_New(owner.get(), nullptr, release_tensor);
  if (!capsule) return nullptr;
  owner.release();
  return array_over(view, capsule);
}

}  // namespace aurex::python
