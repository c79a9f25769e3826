#pragma once

// What the package says about the process: devices, ceilings, telemetry, notices. Bound with nanobind.

#include <nanobind/nanobind.h>

namespace aurex::python {

void bind_runtime(nanobind::module_& m);

}  // namespace aurex::python
