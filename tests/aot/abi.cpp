// The structs of the header for C are those of the ABI: checked by the compiler, nothing runs.

#include <cstddef>

#include "aurex/base/kernel_abi.h"
#include "aurex/codegen/aurex_kernel.h"

#define SAME_SIZE(ours, theirs) static_assert(sizeof(ours) == sizeof(theirs))
#define SAME_PLACE(ours, theirs, field) static_assert(offsetof(ours, field) == offsetof(theirs, field))

SAME_SIZE(aurex_plane, AurexArray);
SAME_PLACE(aurex_plane, AurexArray, strides);
SAME_SIZE(aurex_error_record, AurexErrorRecord);
SAME_PLACE(aurex_error_record, AurexErrorRecord, launch);
SAME_PLACE(aurex_error_record, AurexErrorRecord, bound);
SAME_SIZE(aurex_worker, AurexWorker);
SAME_SIZE(aurex_launch, AurexLaunch);
SAME_PLACE(aurex_launch, AurexLaunch, flags);
SAME_SIZE(aurex_runtime, AurexRuntime);
SAME_PLACE(aurex_runtime, AurexRuntime, print);
SAME_SIZE(aurex_frame, AurexFrame);
SAME_PLACE(aurex_frame, AurexFrame, f64_scalars);
SAME_PLACE(aurex_frame, AurexFrame, shared);
SAME_PLACE(aurex_frame, AurexFrame, runtime);
SAME_SIZE(aurex_plan, AurexPlan);
SAME_PLACE(aurex_plan, AurexPlan, nanoseconds);
SAME_SIZE(aurex_site, AurexSite);
SAME_PLACE(aurex_site, AurexSite, line);
SAME_SIZE(aurex_compiled_kernel, AurexKernel);
SAME_PLACE(aurex_compiled_kernel, AurexKernel, frame_size);
SAME_PLACE(aurex_compiled_kernel, AurexKernel, launches);
SAME_PLACE(aurex_compiled_kernel, AurexKernel, plan);
SAME_PLACE(aurex_compiled_kernel, AurexKernel, extents);
static_assert(kAurexAbiVersion == 2);
static_assert(kAurexFaultIndex == int{AUREX_CALL_INDEX} && kAurexFaultAssert == int{AUREX_CALL_ASSERT});
