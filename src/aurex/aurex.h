#pragma once

// The public interface of Aurex in one header.
//
//   #include <aurex/aurex.h>
//
//   auto module = aurex::compile("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] }
//   }"); aurex::Tensor z = module["add"](x, y);              // owning result; arguments are views
//   module["add"].into(z, x, y);                        // no allocation
//   aurex::ops::matmul(a, b, c);                        // the kernel library
//   auto add = aurex::compile_kernel<int(int, int)>("add");
//
// Errors are exceptions derived from aurex::Error (base/error.h). Nothing here needs LLVM's headers.

#include "aurex/base/error.h"          // IWYU pragma: export
#include "aurex/base/log.h"            // IWYU pragma: export
#include "aurex/base/result.h"         // IWYU pragma: export
#include "aurex/base/thread_pool.h"    // IWYU pragma: export
#include "aurex/device/choice.h"       // IWYU pragma: export
#include "aurex/device/dispatch.h"     // IWYU pragma: export
#include "aurex/device/registry.h"     // IWYU pragma: export
#include "aurex/jit/kernel.h"          // IWYU pragma: export
#include "aurex/memory/estimate.h"     // IWYU pragma: export
#include "aurex/memory/tensor.h"       // IWYU pragma: export
#include "aurex/memory/tracker.h"      // IWYU pragma: export
#include "aurex/ops/compile_kernel.h"  // IWYU pragma: export
#include "aurex/ops/gradients.h"       // IWYU pragma: export
#include "aurex/ops/images.h"          // IWYU pragma: export
#include "aurex/ops/losses.h"          // IWYU pragma: export
#include "aurex/ops/ops.h"             // IWYU pragma: export
#include "aurex/ops/optimizers.h"      // IWYU pragma: export
#include "aurex/ops/scans.h"           // IWYU pragma: export
#include "aurex/ops/spiking.h"         // IWYU pragma: export
#include "aurex/telemetry/profiler.h"  // IWYU pragma: export
#include "aurex/tensor/npy.h"          // IWYU pragma: export
#include "aurex/tensor/view.h"         // IWYU pragma: export
