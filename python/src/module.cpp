// aurex._core: the native half of the Python package. What users see is in python/aurex/.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "array_argument.h"
#include "aurex/base/thread_pool.h"
#include "aurex/jit/kernel.h"
#include "aurex/jit/print_sink.h"
#include "dlpack_exchange.h"
#include "errors.h"
#include "kernel_object.h"
#include "runtime_bindings.h"

namespace nb = nanobind;
using namespace aurex;

namespace {

/// A module of kernels with one Python object per kernel.
struct PythonModule {
  std::vector<std::pair<std::string, nb::object>> kernels;

  explicit PythonModule(const Module& module) {
    for (const Kernel& kernel : module.kernels()) {
      PyObject* object = python::wrap_kernel(kernel);
      if (!object) throw nb::python_error();
      kernels.emplace_back(kernel.name(), nb::steal(object));
    }
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, kernel] : kernels) names.push_back(name);
    return names;
  }

  [[nodiscard]] nb::object find(const std::string& name) const {
    for (const auto& [kernel_name, kernel] : kernels) {
      if (kernel_name == name) return kernel;
    }
    return nb::none();
  }
};

/// What kernels print goes where Python's print goes; a failure to print is no failure of the kernel.
void show(const KernelPrint& print) {
  const nb::gil_scoped_acquire gil;
  try {
    nb::print(to_string(print).c_str());
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("a kernel's print");
  }
}

}  // namespace

NB_MODULE(_core, m) {
  // What Python code still holds when the interpreter ends (a cached Ceilings) is not worth a page on stderr.
  nb::set_leak_warnings(false);
  if (!python::import_numpy() || !python::kernel_type()) throw nb::python_error();
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const python::PythonErrorSet&) {
      // It is set.
    } catch (const Error&) {
      python::set_python_error();
    }
  });

  nb::class_<PythonModule>(m, "Kernels")
      .def_prop_ro("names", &PythonModule::names)
      .def("find", &PythonModule::find, nb::arg("name"));
  m.attr("Kernel") = nb::borrow(reinterpret_cast<PyObject*>(python::kernel_type()));
  m.def(
      "compile", [](const std::string& text, const std::string& name) { return PythonModule(compile(text, name)); },
      nb::arg("text"), nb::arg("name"));
  m.def("load", [](const std::string& path) { return PythonModule(load(path)); }, nb::arg("path"));
  set_print_sink(show);
  python::bind_runtime(m);
  m.def(
      "array_from_dlpack",
      [](nb::handle producer) { return nb::steal(python::array_from_dlpack(producer.ptr(), "array")); },
      nb::arg("producer"));
  m.def(
      "dlpack_capsule",
      [](nb::handle array, bool versioned) {
        PyObject* capsule = python::dlpack_capsule(array.ptr(), versioned);
        if (!capsule) throw nb::python_error();
        return nb::steal(capsule);
      },
      nb::arg("array"), nb::arg("versioned"));
  m.def("threads", &threads);
  m.def("set_threads", &set_threads, nb::arg("count"));
}
