#include "dlpack_exchange.h"

#include <fmt/format.h>

#include <memory>

#include "array_argument.h"
#include "aurex/base/error.h"
#include "aurex/tensor/dlpack.h"
#include "errors.h"

namespace aurex::python {
namespace {

struct Release {
  void operator()(PyObject* object) const { Py_XDECREF(object); }
};
using Reference = std::unique_ptr<PyObject, Release>;

/// Takes what a call returned; raises where it failed.
Reference checked(PyObject* object) {
  if (!object) throw PythonErrorSet{};
  return Reference(object);
}

/// The names of a capsule before and after somebody took what is in it.
template <typename Managed>
struct Names;
template <>
struct Names<dlpack::ManagedTensorVersioned> {
  static constexpr const char *kGiven = "dltensor_versioned", *kTaken = "used_dltensor_versioned";
};
template <>
struct Names<dlpack::ManagedTensor> {
  static constexpr const char *kGiven = "dltensor", *kTaken = "used_dltensor";
};

template <typename Managed>
void call_deleter(Managed* managed) {
  if (managed->deleter) managed->deleter(managed);
}

void check_device(PyObject* producer, const char* name) {
  if (!PyObject_HasAttrString(producer, "__dlpack_device__")) return;
  const Reference device = checked(PyObject_CallMethod(producer, "__dlpack_device__", nullptr));
  int type = 0, id = 0;
  if (!PyArg_ParseTuple(device.get(), "ii", &type, &id)) throw PythonErrorSet{};
  if (type == dlpack::kCpu || type == dlpack::kCudaHost || type == dlpack::kRocmHost) return;
  DeviceMismatch error(
      fmt::format("argument '{}': its memory is on DLPack device {}:{}, kernels run on the CPU", name, type, id));
  error.with("argument", name).with("expected", "cpu").with("actual", fmt::format("{}:{}", type, id));
  throw error;
}

Reference lent_by(PyObject* producer) {
  const Reference method = checked(PyObject_GetAttrString(producer, "__dlpack__"));
  const Reference none = checked(PyTuple_New(0));
  const Reference options = checked(Py_BuildValue("{s:(ii)}", "max_version", int{dlpack::kMajor}, int{dlpack::kMinor}));
  if (PyObject* capsule = PyObject_Call(method.get(), none.get(), options.get())) return Reference(capsule);
  if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw PythonErrorSet{};
  PyErr_Clear();  // from before versions
  return checked(PyObject_CallNoArgs(method.get()));
}

/// The array over what a capsule holds, if it holds a Managed that nobody took yet; null otherwise.
template <typename Managed>
PyObject* take(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, Names<Managed>::kGiven)) return nullptr;
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Names<Managed>::kGiven));
  if (PyCapsule_SetName(capsule, Names<Managed>::kTaken) != 0) throw PythonErrorSet{};
  PyObject* owner = PyCapsule_New(managed, nullptr, [](PyObject* self) {
    call_deleter(static_cast<Managed*>(PyCapsule_GetPointer(self, nullptr)));
  });
  if (!owner) {
    call_deleter(managed);
    throw PythonErrorSet{};
  }
  Reference held(owner);
  TensorView view;
  if constexpr (std::is_same_v<Managed, dlpack::ManagedTensor>) {
    view = view_from_dlpack(managed->tensor);
  } else {
    view = view_from_dlpack(*managed);
  }
  return checked(array_over(view, held.release())).release();
}

template <typename Managed>
PyObject* capsule_of(Managed* managed) {
  PyObject* capsule = PyCapsule_New(managed, Names<Managed>::kGiven, [](PyObject* self) {
    if (!PyCapsule_IsValid(self, Names<Managed>::kGiven)) return;  // taken: whoever took it calls the deleter
    call_deleter(static_cast<Managed*>(PyCapsule_GetPointer(self, Names<Managed>::kGiven)));
  });
  if (!capsule) call_deleter(managed);
  return capsule;
}

/// The receiver may let go on any thread.
std::shared_ptr<void> keep(PyObject* object) {
  return {Py_NewRef(object), [](void* held) {
            const PyGILState_STATE state = PyGILState_Ensure();
            Py_DECREF(static_cast<PyObject*>(held));
            PyGILState_Release(state);
          }};
}

}  // namespace

PyObject* array_from_dlpack(PyObject* producer, const char* name) {
  check_device(producer, name);
  const Reference capsule = lent_by(producer);
  if (PyObject* array = take<dlpack::ManagedTensorVersioned>(capsule.get())) return array;
  if (PyObject* array = take<dlpack::ManagedTensor>(capsule.get())) return array;
  PyErr_Format(PyExc_TypeError, "argument '%s': __dlpack__ of %s gave no capsule with a tensor in it", name,
               Py_TYPE(producer)->tp_name);
  throw PythonErrorSet{};
}

PyObject* dlpack_capsule(PyObject* array, bool versioned) {
  PythonArgument argument;
  read_result(array, "array", argument);
  if (versioned) return capsule_of(export_dlpack(argument.view, keep(array)));
  return capsule_of(export_dlpack_legacy(argument.view, keep(array)));
}

}  // namespace aurex::python
