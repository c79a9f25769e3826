#pragma once

// One call of a kernel from Python: arguments read, results taken or allocated, launched, packed.
//
// Lives on the stack of the calling thread; kernels of ordinary size allocate nothing here. Needs the GIL, which a long
// launch gives back meanwhile. What the call uses is held by reference until it ends.

#include <Python.h>

#include <span>
#include <vector>

#include "array_argument.h"
#include "aurex/jit/kernel.h"
#include "aurex/jit/kernel_state.h"
#include "errors.h"
#include "kernel_object.h"
#include "short_array.h"

namespace aurex::python {

class KernelCall {
 public:
  explicit KernelCall(const KernelObject& self)
      : self_(self),
        arguments_(self.kernel->interface().parameters.size()),
        launch_arguments_(arguments_.size()),
        results_(self.kernel->interface().results.size()),
        pointers_(results_.size()) {}

  /// As a vectorcall gives them. Raises ArgumentError, DTypeMismatch and so on.
  void read(PyObject* const* args, std::size_t positional, PyObject* keywords);

  /// Runs; `observe` sees the call when it is done. The results as Python wants them, or null with an error set.
  template <typename Observe>
  PyObject* run(Observe&& observe) {
    jit::Call call(self_.kernel->state(), launch_arguments_.span(), {pointers_.data(), pointers_.size()}, extents_);
    allocate_missing(call);
    launch(call);
    observe(call);
    return pack_results();
  }

 private:
  struct Result {
    PythonArgument given;
    PyObject* object = nullptr;  // owned; what the caller gets

    Result() = default;
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;
    ~Result() { Py_XDECREF(object); }
  };

  void read_parameter(std::size_t i, PyObject* value);
  void read_keyword(PyObject* name, PyObject* value);
  void take_out();
  void allocate_missing(jit::Call& call);
  static void launch(jit::Call& call);
  PyObject* pack_results();

  const KernelObject& self_;
  ShortArray<PythonArgument, 8> arguments_;
  ShortArray<Argument, 8> launch_arguments_;
  ShortArray<Result, 2> results_;
  ShortArray<const TensorView*, 2> pointers_;
  std::vector<ax::NamedExtent> extents_;
  PyObject* out_ = nullptr;      // borrowed
  PyObject* foreign_ = nullptr;  // borrowed: the first argument that is no NumPy array; results are like it
};

}  // namespace aurex::python
