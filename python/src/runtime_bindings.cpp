#define PY_SSIZE_T_CLEAN
#include "runtime_bindings.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>

#include "aurex/device/notice.h"
#include "aurex/device/registry.h"
#include "aurex/jit/ceilings.h"
#include "aurex/telemetry/chrome_trace.h"
#include "aurex/telemetry/recorder.h"

namespace nb = nanobind;

namespace aurex::python {
namespace {

std::string represent(const Device& device) {
  const DeviceInfo info = device.info();
  return "<aurex.Device " + device.name() + ": " + info.name + ", " + std::to_string(info.cores) + " cores, " +
         info.target + ">";
}

void bind_devices(nb::module_& m) {
  nb::class_<Device>(m, "Device")
      .def_prop_ro("id", [](const Device& d) { return d.name(); })
      .def_prop_ro("name", [](const Device& d) { return d.info().name.empty() ? d.name() : d.info().name; })
      .def_prop_ro("kind", [](const Device& d) { return std::string(to_string(d.kind())); })
      .def_prop_ro("cores", [](const Device& d) { return d.info().cores; })
      .def_prop_ro("memory", [](const Device& d) { return d.info().memory_bytes; })
      .def_prop_ro("features", [](const Device& d) { return d.info().features; })
      .def_prop_ro("target", [](const Device& d) { return d.info().target; })
      .def_prop_ro("driver", [](const Device& d) { return d.info().driver; })
      .def(
          "__eq__", [](const Device& a, const Device& b) { return a == b; }, nb::is_operator())
      .def("__hash__", [](const Device& d) { return std::hash<std::string>()(d.name()); })
      .def("__repr__", represent);
  m.def("devices", [] { return devices(); });
  m.def("find_device", [](const std::string& name) { return find_device(name); }, nb::arg("name"));
  nb::class_<Ceilings>(m, "Ceilings")
      .def_ro("fma_gflops", &Ceilings::fma_gflops)
      .def_ro("copy_gbs", &Ceilings::copy_gbs)
      .def_ro("read_gbs", &Ceilings::read_gbs);
  nb::class_<CeilingProbe>(m, "CeilingProbe")
      .def(nb::init<>())
      .def("fma_gflops", &CeilingProbe::fma_gflops, nb::call_guard<nb::gil_scoped_release>())
      .def("copy_gbs", &CeilingProbe::copy_gbs, nb::call_guard<nb::gil_scoped_release>())
      .def("read_gbs", &CeilingProbe::read_gbs, nb::call_guard<nb::gil_scoped_release>());
  m.def("measure_ceilings", &measure_ceilings, nb::call_guard<nb::gil_scoped_release>());
}

void bind_telemetry(nb::module_& m) {
  nb::class_<Event>(m, "Event")
      .def_prop_ro("kind", [](const Event& e) { return e.kind == Event::Kind::kLaunch ? "launch" : "zone"; })
      .def_prop_ro("name", [](const Event& e) { return std::string(e.name.view()); })
      .def_ro("thread", &Event::thread)
      .def_ro("begin_ns", &Event::begin_ns)
      .def_ro("end_ns", &Event::end_ns)
      .def_prop_ro("duration_ns", [](const Event& e) { return e.end_ns - e.begin_ns; })
      .def_ro("bytes_allocated", &Event::bytes_allocated)
      .def_ro("peak_bytes", &Event::peak_bytes)
      .def_prop_ro("core", [](const Event& e) { return std::string(to_string(e.launch.core)); })
      .def_prop_ro("extents",
                   [](const Event& e) {
                     const auto shape = e.launch.shape();
                     return nb::tuple(nb::cast(std::vector<std::int64_t>(shape.begin(), shape.end())));
                   })
      .def_prop_ro("bytes", [](const Event& e) { return e.launch.bytes; })
      .def_prop_ro("flops",
                   [](const Event& e) {
                     const bool known = e.launch.flops != LaunchFacts::kUnknownFlops;
                     return known ? std::optional(e.launch.flops) : std::nullopt;
                   })
      .def_prop_ro("flops_exact", [](const Event& e) { return e.launch.flops_exact; });
  m.def("recording", &recording);
  m.def("set_recording", &set_recording, nb::arg("on"));
  m.def("recorded_events", &recorded_events);
  m.def("dropped_events", &dropped_events);
  m.def("clear_events", &clear_events);
  m.def("monotonic_ns", &monotonic_ns);
  m.def(
      "write_trace",
      [](const std::string& path, const std::vector<Event>& events) { write_chrome_trace(path, events); },
      nb::arg("path"), nb::arg("events"));
}

/// Notices may come from any thread, also while the interpreter ends; then they are dropped.
void bind_notices(nb::module_& m) {
  m.def(
      "set_notice_sink",
      [](nb::object sink) {
        if (sink.is_none()) {
          set_notice_sink({});
          return;
        }
        PyObject* const callable = sink.release().ptr();  // lives as long as the process
        set_notice_sink([callable](const Notice& notice) {
          if (!Py_IsInitialized()) return;
          const nb::gil_scoped_acquire gil;
          const bool warning = notice.kind == Notice::Kind::kWarning;
          PyObject* result = PyObject_CallFunction(callable, "ss#", warning ? "warning" : "print", notice.text.data(),
                                                   static_cast<Py_ssize_t>(notice.text.size()));
          if (!result) PyErr_WriteUnraisable(callable);
          Py_XDECREF(result);
        });
      },
      nb::arg("sink").none());
}

}  // namespace

void bind_runtime(nb::module_& m) {
  bind_devices(m);
  bind_telemetry(m);
  bind_notices(m);
}

}  // namespace aurex::python
